/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Pages of files in pipes (CVE-2022-0847, "Dirty Pipe"). A slot of a pipe that was written to is marked: the next write
 * may go on in its page. Linux 5.8 to 5.16.10 forgot to take the mark away when a file's page came into the slot, and
 * so let anybody write into the page, whoever may write to the file. Writes are too many to look at, and need not be:
 * at the end of the splice the pipe shows what a write would do.
 */
#ifndef HG_PIPE_H
#define HG_PIPE_H

#define CAN_MERGE 0x10
#define MOST_SLOTS 1024
#define MOST_DESCRIPTORS 256

/* hg_event.arguments[3] of a splice */
#define PREPARED 1 /* every empty slot is marked, and whoever splices reads the pipe as well */
#define OPEN 2     /* the file's own slot is marked: the next write changes the file's page */

struct marks {
	struct pipe_buffer *slots;
	__u32 size;
	__u32 marked;
};

static long count_mark(__u32 index, struct marks *walk)
{
	struct pipe_buffer *slot = (void *)walk->slots + (__u64)index * bpf_core_type_size(struct pipe_buffer);

	if (index >= walk->size)
		return 1;
	if (BPF_CORE_READ(slot, flags) & CAN_MERGE)
		walk->marked++;
	return 0;
}

struct readers {
	struct task_struct *task;
	struct pipe_inode_info *pipe;
	__u32 found;
};

static long try_reader(__u32 index, struct readers *walk)
{
	struct file *file = file_of(walk->task, index);

	if (!file || BPF_CORE_READ(file, private_data) != walk->pipe || !(BPF_CORE_READ(file, f_mode) & FMODE_READ))
		return 0;
	walk->found = 1;
	return 1;
}

static __always_inline bool reads_too(struct task_struct *task, struct pipe_inode_info *pipe)
{
	struct readers walk = {.task = task, .pipe = pipe};

	bpf_loop(MOST_DESCRIPTORS, try_reader, &walk, 0);
	return walk.found;
}

/* What the pipe would do to the page that came last; 0 where nothing is odd about it. */
static __always_inline __u32 suspicion(struct task_struct *task, struct pipe_inode_info *pipe)
{
	__u32 head = BPF_CORE_READ(pipe, head), size = BPF_CORE_READ(pipe, ring_size);
	struct marks walk = {.slots = BPF_CORE_READ(pipe, bufs), .size = size};
	struct pipe_buffer *last;

	if (!bpf_core_field_exists(pipe->ring_size) || !size || size > MOST_SLOTS)
		return 0;
	last = (void *)walk.slots + (__u64)((head - 1) & (size - 1)) * bpf_core_type_size(struct pipe_buffer);
	if (BPF_CORE_READ(last, flags) & CAN_MERGE)
		return OPEN;
	/* Who fills a pipe, empties it and then splices one page does so for the marks. */
	if (size < 2 || head - BPF_CORE_READ(pipe, tail) != 1)
		return 0;
	bpf_loop(size, count_mark, &walk, 0);
	return walk.marked == size - 1 && reads_too(task, pipe) ? PREPARED : 0;
}

SEC("tracepoint") int on_splice(struct trace_event_raw_sys_exit *context)
{
	struct act act = {.call = bpf_get_attach_cookie(context), .result = context->ret, .kind = HG_SPLICE};
	bool splices = act.call == HG_CALL_SPLICE;
	struct task_struct *task = bpf_get_current_task_btf();
	struct pipe_inode_info *pipe;
	struct scene scene = {};
	struct file *from, *to;

	if (act.result <= 0 || !interest(&scene, act.kind))
		return 0;
	act.arguments[0] = splices ? argument(0) : argument(1);
	act.arguments[1] = splices ? argument(2) : argument(0);
	act.arguments[2] = splices ? argument(4) : argument(3);
	from = file_of(task, act.arguments[0]);
	to = file_of(task, act.arguments[1]);
	if (!from || !to || (BPF_CORE_READ(to, f_inode, i_mode) & S_IFMT) != S_IFIFO ||
	    (BPF_CORE_READ(from, f_inode, i_mode) & S_IFMT) != S_IFREG || BPF_CORE_READ(from, f_mode) & FMODE_WRITE)
		return 0;
	pipe = BPF_CORE_READ(to, private_data);
	act.arguments[3] = suspicion(task, pipe);
	act.file = from;
	return act.arguments[3] ? tell_act(&scene, &act) : 0;
}

#endif
