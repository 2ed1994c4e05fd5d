/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Which container a task is in, what its policy wants, and who its ancestors are. */
#ifndef HG_TASK_H
#define HG_TASK_H

#define CGROUP_DEPTH 8
#define NOBODY 0xffffffff

/* Who does something, and where. */
struct scene {
	struct task_struct *task;
	struct hg_verdict *verdict;
	__u64 cgroup;
	__u32 slot;
	__u32 room;
	__u32 host; /* not in a container, and wanted nevertheless */
};

/*
 * The cgroup that names a task's container. On v1 and hybrid machines runtimes always use the memory controller (pids,
 * where memory is off), and the v2 tree may not know the container at all; only a pure v2 machine is asked for its own
 * tree.
 */
static __always_inline int naming_controller(void)
{
	if (hg_host.controller == HG_CGROUP_MEMORY && bpf_core_enum_value_exists(enum cgroup_subsys_id, memory_cgrp_id))
		return bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id);
	if (hg_host.controller == HG_CGROUP_PIDS && bpf_core_enum_value_exists(enum cgroup_subsys_id, pids_cgrp_id))
		return bpf_core_enum_value(enum cgroup_subsys_id, pids_cgrp_id);
	return -1;
}

static __always_inline struct kernfs_node *task_cgroup(struct task_struct *task)
{
	struct css_set *set = task->cgroups;
	struct cgroup_subsys_state **place;
	struct cgroup_subsys_state *state;
	int index = naming_controller();

	if (index < 0)
		return set->dfl_cgrp->kn;
	place = (void *)set + bpf_core_field_offset(struct css_set, subsys) + index * sizeof(void *);
	state = *place;
	return state->cgroup->kn;
}

/* The same of a task that is not the current one. */
static __always_inline __u64 cgroup_of(struct task_struct *task)
{
	struct css_set *set = BPF_CORE_READ(task, cgroups);
	struct cgroup_subsys_state *state = 0;
	int index = naming_controller();

	if (index < 0)
		return BPF_CORE_READ(set, dfl_cgrp, kn, id);
	bpf_probe_read_kernel(&state, sizeof(state),
			      (void *)set + bpf_core_field_offset(struct css_set, subsys) + index * sizeof(void *));
	return BPF_CORE_READ(state, cgroup, kn, id);
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

struct digits {
	__u32 room;
	__u32 start;
	__u32 foreign;
};

static long read_digit(__u32 index, struct digits *digits)
{
	struct scratch *room = room_at(digits->room);

	if (room && hexadecimal(room->verdict.name[(digits->start + index) & (HG_CONTAINER - 1)]))
		return 0;
	digits->foreign = 1;
	return 1;
}

/* ID, RUNTIME-ID.scope, RUNTIME-ID: does it hold a container id of 64 hexadecimal digits? ../identity.py reads the
 * same. */
__noinline int names_container(__u32 index, __u32 size)
{
	struct scratch *room = room_at(index);
	struct digits digits = {.room = index};
	__u32 start;

	if (!room || size < 64 || size >= HG_CONTAINER)
		return 0;
	start = size - 64;
	if (size >= 70 && room->verdict.name[(size - 6) & (HG_CONTAINER - 1)] == '.')
		start = size - 70;
	digits.start = start;
	bpf_loop(64, read_digit, &digits, 0);
	if (digits.foreign)
		return 0;
	/* libpod-conmon-ID, crio-conmon-ID: who looks after the container, on the host */
	if (start >= 7 && room->verdict.name[(start - 7) & (HG_CONTAINER - 1)] == 'c' &&
	    room->verdict.name[(start - 4) & (HG_CONTAINER - 1)] == 'm' &&
	    room->verdict.name[(start - 2) & (HG_CONTAINER - 1)] == 'n' &&
	    room->verdict.name[(start - 1) & (HG_CONTAINER - 1)] == '-')
		return 0;
	return 1;
}

/* A cgroup that is met for the first time. */
struct newcomer {
	__u64 id;
	struct kernfs_node *node;
};

/* The innermost container's name is found first: an agent in a container must not see its neighbours as itself. */
__noinline int judge_cgroup(struct newcomer *newcomer)
{
	__u32 index = take_room();
	struct scratch *room = room_at(index);
	struct kernfs_node *node;
	struct hg_known *word;
	__u64 id;

	if (!room || !newcomer)
		return 0;
	id = newcomer->id;
	node = newcomer->node;
	word = bpf_map_lookup_elem(&known, &id);
	room->verdict.container = 0;
	if (!word || !word->host) {
		for (int i = 0; i < CGROUP_DEPTH && node; i++) {
			int size =
				bpf_probe_read_kernel_str(room->verdict.name, HG_CONTAINER, BPF_CORE_READ(node, name));
			if (names_container(index, size - 1)) {
				room->verdict.container = 1;
				break;
			}
			node = cgroup_parent(node);
		}
	}
	if (!room->verdict.container)
		room->verdict.name[0] = 0;
	bpf_map_update_elem(&verdicts, &id, &room->verdict, BPF_ANY);
	leave_room(index);
	return 0;
}

/* In the host's own namespaces, by plain loads: what most tasks of most machines are. */
static __always_inline bool at_home(struct task_struct *task)
{
	return task->nsproxy->mnt_ns->ns.inum == hg_host.mnt_ns && !task->thread_pid->level;
}

/*
 * Does this task matter at all? One lookup for nearly every one in a container; the name is only read when a cgroup is
 * met for the first time. The host's own tasks leave before that, unless some rule asks for them; so does the runtime
 * while it is in a container's cgroup, but not yet in its namespaces.
 */
static __always_inline bool look_at(struct scene *scene, struct task_struct *task)
{
	struct hg_config *wanted = settings();
	struct kernfs_node *node;
	__u64 id;

	if (!wanted || (!wanted->host && at_home(task)))
		return false;
	node = task_cgroup(task);
	id = node->id;
	scene->task = task;
	scene->cgroup = id;
	scene->host = 0;
	scene->verdict = bpf_map_lookup_elem(&verdicts, &id);
	if (!scene->verdict) {
		struct newcomer newcomer = {.id = id, .node = node};

		judge_cgroup(&newcomer);
		scene->verdict = bpf_map_lookup_elem(&verdicts, &id);
	}
	if (!scene->verdict) { /* no room to judge it in: whatever this was, it will not be told */
		count_lost(HG_CLASS_PROC, id, HG_RING_FULL);
		return false;
	}
	if (scene->verdict->container)
		return true;
	if (!wanted->host || task->tgid == wanted->agent)
		return false;
	scene->host = 1;
	return true;
}

/*
 * A runtime's own first steps happen in the container's cgroup but still in the host's namespaces. A task that is
 * ending has no namespaces any more, and stays its children's parent for a moment: so does the runtime that has just
 * started somebody in a container. Its cgroup still tells.
 */
static __always_inline bool outside(struct task_struct *task)
{
	struct hg_verdict *verdict;
	__u64 id;

	if (BPF_CORE_READ(task, thread_pid, level))
		return false;
	if (BPF_CORE_READ(task, nsproxy))
		return BPF_CORE_READ(task, nsproxy, mnt_ns, ns.inum) == hg_host.mnt_ns;
	id = cgroup_of(task);
	verdict = bpf_map_lookup_elem(&verdicts, &id);
	return !verdict || !verdict->container;
}

/*
 * runc prepares a container from within (it mounts, drops rights and resolves users in the container's own /etc) before
 * it becomes the container's program.
 */
static __always_inline bool runtime_step(struct task_struct *task)
{
	struct vfsmount *mount = BPF_CORE_READ(task, mm, exe_file, f_path.mnt);
	struct mount *whole = (void *)mount - bpf_core_field_offset(struct mount, mnt);
	char name[6] = {};

	BPF_CORE_READ_STR_INTO(&name, task, group_leader, comm);
	return name[0] == 'r' && name[1] == 'u' && name[2] == 'n' && name[3] == 'c' && name[4] == ':' &&
	       BPF_CORE_READ(whole, mnt_ns) != BPF_CORE_READ(task, nsproxy, mnt_ns) &&
	       outside(BPF_CORE_READ(task, real_parent));
}

static __always_inline bool runtime(struct scene *scene)
{
	return !scene->host && (outside(scene->task) || runtime_step(scene->task));
}

static __always_inline __u32 find_slot(struct scene *scene)
{
	struct hg_config *wanted = settings();
	struct hg_known *word;

	scene->slot = wanted ? (scene->host ? wanted->host_slot : wanted->unknown_slot) : 0;
	if (!scene->host) {
		word = bpf_map_lookup_elem(&known, &scene->cgroup);
		if (word)
			scene->slot = word->slot;
	}
	return scene->slot;
}

static __always_inline void fill_task(struct hg_task *to, struct task_struct *task, bool host)
{
	to->start_ns = BPF_CORE_READ(task, group_leader, start_boottime);
	to->pid = BPF_CORE_READ(task, tgid);
	to->flags = !host && outside(task) ? HG_OUTSIDE : 0;
	BPF_CORE_READ_STR_INTO(&to->comm, task, group_leader, comm);
}

/* The number of a process, or of what it belongs to, in the namespace of `level`: 0 is the host's. */
static __always_inline __u32 number_in(struct pid *pid, __u32 level)
{
	struct upid *numbers = (void *)pid + bpf_core_field_offset(struct pid, numbers);
	struct upid *own = (void *)numbers + level * bpf_core_type_size(struct upid);

	return pid ? BPF_CORE_READ(own, nr) : 0;
}

static __always_inline __u64 capabilities_at(const void *set)
{
	__u64 held = 0;
	bpf_probe_read_kernel(&held, sizeof(held), set);
	return held;
}

static __always_inline void fill_rights(struct hg_event *event, struct task_struct *task)
{
	const struct cred *cred = BPF_CORE_READ(task, cred);
	struct pid *leader = BPF_CORE_READ(task, group_leader, thread_pid);

	event->uid = BPF_CORE_READ(cred, uid.val);
	event->gid = BPF_CORE_READ(cred, gid.val);
	event->euid = BPF_CORE_READ(cred, euid.val);
	event->egid = BPF_CORE_READ(cred, egid.val);
	event->effective = capabilities_at((void *)cred + bpf_core_field_offset(struct cred, cap_effective));
	event->permitted = capabilities_at((void *)cred + bpf_core_field_offset(struct cred, cap_permitted));
	event->inheritable = capabilities_at((void *)cred + bpf_core_field_offset(struct cred, cap_inheritable));
	event->login_uid = bpf_core_field_exists(task->loginuid) ? BPF_CORE_READ(task, loginuid.val) : NOBODY;
	event->vpid = number_in(leader, BPF_CORE_READ(leader, level));
	event->group = number_in(BPF_CORE_READ(task, signal, pids[PIDTYPE_PGID]), 0);
	event->session = number_in(BPF_CORE_READ(task, signal, pids[PIDTYPE_SID]), 0);
}

struct lineage {
	struct task_struct *task;
	__u32 room;
	__u32 host;
};

static long add_ancestor(__u32 index, struct lineage *lineage)
{
	struct scratch *room = room_at(lineage->room);
	struct task_struct *task = lineage->task;

	if (!room || index >= HG_ANCESTORS || !task || !BPF_CORE_READ(task, tgid))
		return 1;
	fill_task(&room->event.ancestry[index], task, lineage->host);
	room->event.ancestors = index + 1;
	if (room->event.ancestry[index].flags & HG_OUTSIDE)
		return 1;
	lineage->task = BPF_CORE_READ(task, real_parent);
	return 0;
}

/*
 * Everything of a record but what it is about. Ancestors come parent first, up to and with the first one outside: that
 * is the runtime, and above it is nothing of the container's.
 */
__noinline int fill_subject(struct scene *scene)
{
	struct scratch *room = scene ? room_at(scene->room) : 0;
	struct task_struct *task, *parent;
	struct lineage lineage = {};
	struct hg_event *event;
	__u32 flags;

	if (!scene || !room)
		return 0;
	event = &room->event;
	task = scene->task;
	parent = BPF_CORE_READ(task, real_parent);
	lineage.task = parent;
	lineage.room = scene->room;
	lineage.host = scene->host;
	__builtin_memset(&event->file, 0, sizeof(event->file));
	__builtin_memset(&event->socket, 0, sizeof(event->socket));
	__builtin_memset(event->arguments, 0, sizeof(event->arguments));
	__builtin_memset(event->sizes, 0, sizeof(event->sizes));
	fill_task(&event->task, task, scene->host);
	fill_rights(event, task);
	event->ppid = BPF_CORE_READ(parent, tgid);
	event->flags = BPF_CORE_READ(task, signal, tty) ? HG_TTY : 0;
	event->result = 0;
	event->slot = scene->slot;
	flags = executable_flags(BPF_CORE_READ(task, mm, exe_file));
	event->exe_inode = BPF_CORE_READ(task, mm, exe_file, f_inode, i_ino);
	event->flags |= (flags & HG_NEW ? HG_EXE_NEW : 0) | (flags & HG_MEMFD ? HG_EXE_MEMFD : 0);
	if (scene->host) {
		event->flags |= HG_HOST;
		__builtin_memset(event->container, 0, HG_CONTAINER);
		__builtin_memcpy(event->container, "host", 4);
	} else {
		bpf_probe_read_kernel(event->container, HG_CONTAINER,
				      (void *)scene->verdict + __builtin_offsetof(struct hg_verdict, name));
	}
	event->ancestors = 0;
	bpf_loop(HG_ANCESTORS, add_ancestor, &lineage, 0);
	return 0;
}

#endif
