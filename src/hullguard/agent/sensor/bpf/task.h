/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Which container a task is in, and who its ancestors are. */
#ifndef HG_TASK_H
#define HG_TASK_H

#define CGROUP_DEPTH 8

/*
 * The cgroup that names a task's container. On v1 and hybrid machines runtimes always use the memory controller (pids,
 * where memory is off), and the v2 tree may not know the container at all; only a pure v2 machine is asked for its own
 * tree.
 */
static __always_inline struct kernfs_node *task_cgroup(struct task_struct *task)
{
	struct css_set *set = task->cgroups;
	struct cgroup_subsys_state **place;
	struct cgroup_subsys_state *state;
	__u64 index;

	if (hg_host.controller == HG_CGROUP_MEMORY && bpf_core_enum_value_exists(enum cgroup_subsys_id, memory_cgrp_id))
		index = bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id);
	else if (hg_host.controller == HG_CGROUP_PIDS &&
		 bpf_core_enum_value_exists(enum cgroup_subsys_id, pids_cgrp_id))
		index = bpf_core_enum_value(enum cgroup_subsys_id, pids_cgrp_id);
	else
		return set->dfl_cgrp->kn;
	place = (void *)set + bpf_core_field_offset(struct css_set, subsys) + index * sizeof(void *);
	state = *place;
	return state->cgroup->kn;
}

static __always_inline struct kernfs_node *cgroup_parent(struct kernfs_node *node)
{
	struct kernfs_node___renamed *renamed = (void *)node;

	if (bpf_core_field_exists(renamed->__parent))
		return BPF_CORE_READ(renamed, __parent);
	return BPF_CORE_READ(node, parent);
}

static __always_inline bool hexadecimal(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* ID, RUNTIME-ID.scope, RUNTIME-ID: does it hold a container id of 64 hexadecimal digits? ../identity.py reads the
 * same. */
static __noinline int names_container(struct hg_verdict *verdict, int size)
{
	int start;

	if (!verdict || size < 64 || size >= HG_CONTAINER)
		return 0;
	start = size - 64;
	if (size >= 70 && verdict->name[(size - 6) & (HG_CONTAINER - 1)] == '.')
		start = size - 70;
	for (int i = 0; i < 64; i++) {
		if (!hexadecimal(verdict->name[(start + i) & (HG_CONTAINER - 1)]))
			return 0;
	}
	return 1;
}

/* The innermost container's name is found first: an agent in a container must not see its neighbours as itself. */
static __noinline int judge_cgroup(__u64 id, struct kernfs_node *node)
{
	struct scratch *room = scratch_of_cpu();
	struct hg_known *word = bpf_map_lookup_elem(&known, &id);

	if (!room)
		return 0;
	room->verdict.container = 0;
	if (!word || !word->host) {
		for (int i = 0; i < CGROUP_DEPTH && node; i++) {
			int size =
				bpf_probe_read_kernel_str(room->verdict.name, HG_CONTAINER, BPF_CORE_READ(node, name));
			if (names_container(&room->verdict, size - 1)) {
				room->verdict.container = 1;
				break;
			}
			node = cgroup_parent(node);
		}
	}
	if (!room->verdict.container)
		room->verdict.name[0] = 0;
	bpf_map_update_elem(&verdicts, &id, &room->verdict, BPF_ANY);
	return 0;
}

/* One lookup for nearly every task; the name is only read when a cgroup is met for the first time. */
static __always_inline struct hg_verdict *container_of_task(struct task_struct *task, __u64 *id)
{
	struct kernfs_node *node = task_cgroup(task);
	struct hg_verdict *verdict;

	*id = node->id;
	verdict = bpf_map_lookup_elem(&verdicts, id);
	if (!verdict) {
		judge_cgroup(*id, node);
		verdict = bpf_map_lookup_elem(&verdicts, id);
	}
	return verdict && verdict->container ? verdict : 0;
}

/* A runtime's own first steps happen in the container's cgroup but still in the host's namespaces. */
static __always_inline bool outside(struct task_struct *task)
{
	return BPF_CORE_READ(task, nsproxy, mnt_ns, ns.inum) == hg_host.mnt_ns &&
	       !BPF_CORE_READ(task, thread_pid, level);
}

static __always_inline __u32 slot_of(__u64 cgroup)
{
	struct hg_known *word = bpf_map_lookup_elem(&known, &cgroup);
	__u32 zero = 0;
	struct hg_config *wanted;

	if (word)
		return word->slot;
	wanted = bpf_map_lookup_elem(&config, &zero);
	return wanted ? wanted->unknown_slot : 0;
}

static __always_inline void fill_task(struct hg_task *to, struct task_struct *task)
{
	to->start_ns = BPF_CORE_READ(task, group_leader, start_boottime);
	to->pid = BPF_CORE_READ(task, tgid);
	to->flags = outside(task) ? HG_OUTSIDE : 0;
	BPF_CORE_READ_STR_INTO(&to->comm, task, group_leader, comm);
}

/* Parent first, up to and with the first one outside: that is the runtime, and above it is nothing of the container's.
 */
static __always_inline void fill_subject(struct hg_event *event, struct task_struct *task, struct hg_verdict *verdict)
{
	struct task_struct *parent = BPF_CORE_READ(task, real_parent);
	__u64 owner = bpf_get_current_uid_gid();

	fill_task(&event->task, task);
	event->ppid = BPF_CORE_READ(parent, tgid);
	event->uid = (__u32)owner;
	event->gid = owner >> 32;
	event->flags = BPF_CORE_READ(task, signal, tty) ? HG_TTY : 0;
	event->ancestors = 0;
	__builtin_memcpy(event->container, verdict->name, HG_CONTAINER);
	for (int i = 0; i < HG_ANCESTORS; i++) {
		if (!parent || !BPF_CORE_READ(parent, tgid))
			break;
		fill_task(&event->ancestry[i], parent);
		event->ancestors = i + 1;
		if (event->ancestry[i].flags & HG_OUTSIDE)
			break;
		parent = BPF_CORE_READ(parent, real_parent);
	}
}

#endif
