// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/*
 * Hullguard's eyes in the kernel: what runs in containers, and which watched files they open. Tasks outside containers
 * leave each program after one map lookup. What a record looks like is in events.h.
 */
#include "kernel.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "events.h"
#include "maps.h"
#include "overlay.h"
#include "path.h"
#include "task.h"

char hg_license[] SEC("license") = "Dual BSD/GPL";

/* The record and its data lie side by side in scratch, so one copy takes both. */
static __always_inline void send(void *ring, __u32 class, struct scratch *room, __u32 data, __u64 wake)
{
	if (data > sizeof(room->data))
		return;
	if (bpf_ringbuf_output(ring, &room->event, sizeof(room->event) + data, wake))
		count_lost(class);
}

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
static __always_inline bool exec_matters(struct hg_event *event, __u64 cgroup)
{
	__u32 zero = 0;
	struct hg_config *wanted = bpf_map_lookup_elem(&config, &zero);

	if (event->flags & (HG_NEW | HG_KILLED) || (wanted && wanted->every_exec))
		return true;
	if (event->flags & HG_TTY && event->ancestors && event->ancestry[0].flags & HG_OUTSIDE)
		return true;
	return !bpf_map_lookup_elem(&known, &cgroup);
}

static __always_inline void read_args(struct scratch *room, struct task_struct *task, __u32 at)
{
	unsigned long start = BPF_CORE_READ(task, mm, arg_start);
	__u64 size = BPF_CORE_READ(task, mm, arg_end) - start;

	room->event.args_size = 0;
	if (size > HG_PATH) {
		room->event.flags |= HG_ARGS_TRUNCATED;
		size = HG_PATH;
	}
	if (at > 3 * HG_PATH)
		return;
	if (bpf_probe_read_user(room->data + at, size, (void *)start) == 0)
		room->event.args_size = size;
}

/* Killed here, the new program never runs its first instruction: the signal is taken before the return to user space.
 */
static __always_inline void enforce(struct scratch *room, __u32 path_size)
{
	struct hg_slot *slot = bpf_map_lookup_elem(&slots, &room->event.slot);

	if (!slot || !(slot->flags & HG_KILL_NEW) || !(room->event.flags & HG_NEW))
		return;
	if (path_matches(room, 0, path_size, room->event.slot, HG_PATH_EXEMPT))
		return;
	if (bpf_send_signal(9) == 0)
		room->event.flags |= HG_KILLED;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
	struct scratch *room = scratch_of_cpu();
	struct file *file;
	struct inode *inode;
	struct hg_verdict *verdict;
	__u32 truncated = 0, path_size, other_size;
	__u64 id;

	verdict = container_of_task(task, &id);
	if (!verdict || !room || outside(task))
		return 0;
	file = BPF_CORE_READ(bprm, file);
	inode = BPF_CORE_READ(file, f_inode);
	fill_subject(&room->event, task, verdict);
	room->event.inode = BPF_CORE_READ(inode, i_ino);
	room->event.device = BPF_CORE_READ(inode, i_sb, s_dev);
	room->event.slot = slot_of(id);
	room->event.flags |= executable_flags(file);
	path_size = write_path(BPF_CORE_READ(file, f_path.dentry), BPF_CORE_READ(file, f_path.mnt), 0, &truncated);
	if (path_size > HG_PATH)
		return 0;
	room->event.path_size = path_size;
	if (truncated)
		room->event.flags |= HG_PATH_TRUNCATED;
	enforce(room, path_size);
	other_size = write_path(BPF_CORE_READ(task, fs, pwd.dentry), BPF_CORE_READ(task, fs, pwd.mnt), path_size,
				&truncated);
	if (other_size > HG_PATH)
		return 0;
	room->event.other_size = other_size;
	room->event.exe_size = 0;
	read_args(room, task, path_size + other_size);
	fill_head(&room->event.head, HG_EXEC, id);
	send(&ring_exec, HG_CLASS_EXEC, room, path_size + other_size + room->event.args_size,
	     wake_for(&ring_exec, exec_matters(&room->event, id)));
	return 0;
}

static __always_inline int send_process(struct task_struct *task, __u16 kind)
{
	struct hg_proc record = {};
	struct hg_verdict *verdict;
	__u64 id;

	verdict = container_of_task(task, &id);
	if (!verdict)
		return 0;
	fill_task(&record.task, task);
	record.ppid = BPF_CORE_READ(task, real_parent, tgid);
	fill_head(&record.head, kind, id);
	if (bpf_ringbuf_output(&ring_proc, &record, sizeof(record), wake_for(&ring_proc, false)))
		count_lost(HG_CLASS_PROC);
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

#include "open.h"
