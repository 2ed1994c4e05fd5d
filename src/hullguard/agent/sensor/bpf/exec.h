/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Which programs run, and the births and deaths that the agent's table of processes needs. */
#ifndef HG_EXEC_H
#define HG_EXEC_H

/*
 * Most execs, and all forks and exits, only keep the agent's process table. They wait in the ring until something that
 * matters wakes the agent, or a quarter of the ring is full: waking it each time would cost the container half as much
 * again.
 */
static __always_inline __u64 wake_for(void *ring, bool matters)
{
	if (matters || bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA) > bpf_ringbuf_query(ring, BPF_RB_RING_SIZE) / 4)
		return BPF_RB_FORCE_WAKEUP;
	return BPF_RB_NO_WAKEUP;
}

/* What a rule may object to, and what the agent has yet to place in its slot. */
static __always_inline bool exec_matters(struct hg_event *event, struct scene *scene)
{
	if (event->flags & (HG_ASKED | HG_NEW | HG_KILLED))
		return true;
	return !(event->flags & HG_HOST) && !bpf_map_lookup_elem(&known, &scene->cgroup);
}

/* Killed here, the new program never runs its first instruction: the signal is taken before the return to user space.
 */
static __always_inline void enforce(struct scratch *room, __u32 at, __u32 size)
{
	struct hg_slot *slot = bpf_map_lookup_elem(&slots, &room->event.slot);

	if (!slot || !(slot->flags & HG_KILL_NEW) || !(room->event.flags & HG_NEW))
		return;
	if (prefix_wants(room, at, size, room->event.slot, HG_PATH_EXEMPT))
		return;
	if (bpf_send_signal(9) == 0)
		room->event.flags |= HG_KILLED;
}

/* A program whose input or output is a connection: how most shells are handed to somebody elsewhere. */
static __always_inline void note_stdio(struct hg_event *event, struct task_struct *task)
{
	for (int i = 0; i < 3; i++) {
		struct sock *sk = socket_of(file_of(task, i));

		if (!sk)
			continue;
		fill_socket(&event->socket, sk);
		if (event->socket.remote_port) {
			event->flags |= HG_STDIO_SOCKET;
			return;
		}
		__builtin_memset(&event->socket, 0, sizeof(event->socket));
	}
}

/*
 * The environment goes with an exec where some rule wants it. Where rules name variables, one that has none of them is
 * left out: the agent would forget it.
 */
static __always_inline __u32 add_environment(struct scratch *room, struct scene *scene, __u32 at, __u64 *variables)
{
	struct hg_config *wanted = settings();
	struct task_struct *task = scene->task;
	__u32 size;

	if (!wanted || wanted->environment == HG_ENV_NONE)
		return 0;
	size = add_bytes(room, HG_STRING_DATA, at, BPF_CORE_READ(task, mm, env_start), BPF_CORE_READ(task, mm, env_end),
			 HG_ENV_TRUNCATED);
	if (find_texts(scene->room, at, size, scene->slot, HG_VARIABLE_WANTED))
		*variables = room->found;
	else if (wanted->environment == HG_ENV_NAMED)
		room->event.sizes[HG_STRING_DATA] = size = 0;
	return size;
}

static __always_inline int tell_exec(struct scene *scene, struct linux_binprm *bprm)
{
	struct task_struct *task = scene->task;
	struct scratch *room = room_at(scene->room);
	struct file *file = BPF_CORE_READ(bprm, file);
	struct started what = {};
	struct place place;
	__u32 at;

	if (!room)
		return 0;
	fill_subject(scene);
	fill_file(&room->event.file, BPF_CORE_READ(file, f_inode));
	room->event.call = HG_CALL_EXECVE;
	room->event.flags |= executable_flags(file);
	note_stdio(&room->event, task);
	at = add_text(room, HG_STRING_RAW, 0, BPF_CORE_READ(bprm, filename), false);
	at += add_environment(room, scene, at, &what.variables);
	place_of(file, &place);
	what.path = at;
	what.path_size = add_path(scene->room, room, HG_STRING_PATH, at, &place);
	enforce(room, at, what.path_size);
	at += what.path_size;
	place.dentry = BPF_CORE_READ(task, fs, pwd.dentry);
	place.mount = BPF_CORE_READ(task, fs, pwd.mnt);
	what.cwd = at;
	what.cwd_size = add_path(scene->room, room, HG_STRING_OTHER, at, &place);
	at += what.cwd_size;
	what.arguments = at;
	what.arguments_size = add_bytes(room, HG_STRING_ARGS, at, BPF_CORE_READ(task, mm, arg_start),
					BPF_CORE_READ(task, mm, arg_end), HG_ARGS_TRUNCATED);
	at += what.arguments_size;
	if (exec_wants(scene, &what))
		room->event.flags |= HG_ASKED;
	fill_head(&room->event.head, HG_EXEC, scene->cgroup);
	send(&ring_exec, HG_CLASS_EXEC, room, at, wake_for(&ring_exec, exec_matters(&room->event, scene)));
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
	struct scene scene = {};

	if (!look_at(&scene, task) || (!scene.host && outside(task)))
		return 0;
	find_slot(&scene);
	scene.room = take_room();
	if (scene.room >= ROOMS) {
		count_lost(HG_CLASS_EXEC, scene.cgroup, HG_RING_FULL);
		return 0;
	}
	tell_exec(&scene, bprm);
	leave_room(scene.room);
	return 0;
}

static __always_inline int send_process(struct task_struct *task, __u16 kind)
{
	struct hg_proc record = {};
	struct scene scene = {};

	if (!look_at(&scene, task))
		return 0;
	fill_task(&record.task, task, scene.host);
	record.ppid = BPF_CORE_READ(task, real_parent, tgid);
	fill_head(&record.head, kind, scene.cgroup);
	if (bpf_ringbuf_output(&ring_proc, &record, sizeof(record), wake_for(&ring_proc, false)))
		count_lost(HG_CLASS_PROC, scene.cgroup, HG_RING_FULL);
	return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
	if (child->pid != child->tgid) /* a thread */
		return 0;
	return send_process(child, HG_FORK);
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	if (task->signal->live.counter) /* other threads go on */
		return 0;
	return send_process(task, HG_EXIT);
}

#endif
