/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * io_uring: what is done through a ring enters no system call of its own. Opens and new sockets are told when they are
 * complete, from the file that they made. Changes of names are told when they begin, from the kernel's copy of the
 * path; so are opens whose completion is to be silent.
 */
#ifndef HG_RING_H
#define HG_RING_H

#define OP_ACCEPT 13
#define OP_OPENAT 18
#define OP_OPENAT2 28
#define OP_RENAMEAT 35
#define OP_UNLINKAT 36
#define OP_MKDIRAT 37
#define OP_SYMLINKAT 38
#define OP_LINKAT 39
#define OP_SOCKET 45
#define SKIPS_COMPLETION (1 << 6)
#define FILE_INDEX_ALLOC 0xffffffff
#define SLOT_FLAGS 7

SEC("raw_tp/io_uring_create") int on_ring_made(struct bpf_raw_tracepoint_args *context)
{
	struct act act = {.call = HG_CALL_IO_URING_SETUP, .kind = HG_IO_URING, .result = (int)context->args[0]};
	struct scene scene = {};

	if (!interest(&scene, act.kind))
		return 0;
	act.arguments[0] = (__u32)context->args[2];
	act.arguments[1] = (__u32)context->args[4];
	return tell_act(&scene, &act);
}

/* The file in one of the ring's own slots, which no descriptor names. */
static __always_inline struct file *slot_file(struct io_kiocb *request, __u32 number)
{
	struct io_ring_ctx *ring = BPF_CORE_READ(request, ctx);
	struct io_rsrc_node **nodes, *node = 0;

	if (!bpf_core_field_exists(ring->file_table.data.nodes) || number >= BPF_CORE_READ(ring, file_table.data.nr))
		return 0;
	nodes = BPF_CORE_READ(ring, file_table.data.nodes);
	bpf_probe_read_kernel(&node, sizeof(node), nodes + number);
	return (void *)(BPF_CORE_READ(node, file_ptr) & ~(unsigned long)SLOT_FLAGS);
}

static __always_inline struct file *opened_file(struct io_kiocb *request, struct task_struct *task, int result)
{
	struct io_open *open = (void *)request;
	__u32 number = BPF_CORE_READ(open, file_slot);

	if (!number)
		return file_of(task, result);
	return slot_file(request, number == FILE_INDEX_ALLOC ? (__u32)result : number - 1);
}

SEC("raw_tp/io_uring_complete") int on_ring_opened(struct bpf_raw_tracepoint_args *context)
{
	struct io_kiocb *request = (void *)context->args[1];
	struct io_open *open = (void *)request;
	struct task_struct *task = bpf_get_current_task_btf();
	__u8 opcode = BPF_CORE_READ(request, opcode);
	struct opened what = {.asked = 1, .ring = 1, .directory = AT_FDCWD};
	struct scene scene = {};
	struct file *file;
	int result;

	if (opcode != OP_OPENAT && opcode != OP_OPENAT2)
		return 0;
	result = BPF_CORE_READ(request, cqe.res);
	if (result < 0 || !look_at(&scene, task))
		return 0;
	what.result = result;
	what.call = opcode == OP_OPENAT ? HG_CALL_OPENAT : HG_CALL_OPENAT2;
	what.flags = BPF_CORE_READ(open, how.flags) & (O_CREAT | O_EXCL | O_TRUNC);
	if (what.flags & O_TRUNC)
		what.access = HG_ACCESS_TRUNCATE;
	file = opened_file(request, task, result);
	return file ? on_file(&scene, &what, file) : 0;
}

SEC("raw_tp/io_uring_complete") int on_ring_socket(struct bpf_raw_tracepoint_args *context)
{
	struct io_kiocb *request = (void *)context->args[1];
	__u8 opcode = BPF_CORE_READ(request, opcode);
	struct task_struct *task = bpf_get_current_task_btf();
	struct deed deed = {.kind = HG_SOCKET, .call = HG_CALL_SOCKET, .flags = HG_RING};
	struct scene scene = {};

	if (opcode != OP_ACCEPT && opcode != OP_SOCKET)
		return 0;
	deed.result = BPF_CORE_READ(request, cqe.res);
	if (opcode == OP_ACCEPT) {
		deed.kind = HG_ACCEPT;
		deed.call = HG_CALL_ACCEPT4;
		deed.flags |= HG_INBOUND;
	}
	if (deed.result < 0)
		return 0;
	deed.wants = interest(&scene, deed.kind);
	return deed.wants ? on_descriptor(&scene, &deed, file_of(task, deed.result)) : 0;
}

static __always_inline const void *kernel_path(struct filename *path)
{
	return BPF_CORE_READ(path, name);
}

/* Fills in what a request is about; answers false for requests of other kinds. */
static __always_inline bool read_request_of_ring(struct io_kiocb *request, struct change *what, __u8 opcode)
{
	struct io_rename *pair = (void *)request;
	struct io_mkdir *made = (void *)request;
	struct io_unlink *gone = (void *)request;
	struct io_open *open = (void *)request;

	switch (opcode) {
	case OP_RENAMEAT:
	case OP_LINKAT:
	case OP_SYMLINKAT:
		what->first_directory = BPF_CORE_READ(pair, old_dfd);
		what->second_directory = BPF_CORE_READ(pair, new_dfd);
		what->first = kernel_path(BPF_CORE_READ(pair, oldpath));
		what->second = kernel_path(BPF_CORE_READ(pair, newpath));
		break;
	case OP_UNLINKAT:
		what->kind = HG_UNLINK;
		what->call = HG_CALL_UNLINKAT;
		what->first_directory = BPF_CORE_READ(gone, dfd);
		what->first = kernel_path(BPF_CORE_READ(gone, filename));
		what->arguments[0] = BPF_CORE_READ(gone, flags);
		return true;
	case OP_MKDIRAT:
		what->kind = HG_MAKE;
		what->call = HG_CALL_MKDIRAT;
		what->first_directory = BPF_CORE_READ(made, dfd);
		what->first = kernel_path(BPF_CORE_READ(made, filename));
		what->arguments[0] = BPF_CORE_READ(made, mode);
		return true;
	default:
		what->kind = HG_FILE;
		what->call = opcode == OP_OPENAT ? HG_CALL_OPENAT : HG_CALL_OPENAT2;
		what->first_directory = BPF_CORE_READ(open, dfd);
		what->first = kernel_path(BPF_CORE_READ(open, filename));
		what->first_follow = FOLLOW_LAST;
		return true;
	}
	what->kind = opcode == OP_RENAMEAT ? HG_RENAME : opcode == OP_LINKAT ? HG_LINK : HG_SYMLINK;
	what->call = opcode == OP_RENAMEAT ? HG_CALL_RENAMEAT
		     : opcode == OP_LINKAT ? HG_CALL_LINKAT
					   : HG_CALL_SYMLINKAT;
	if (opcode != OP_RENAMEAT) { /* links are told by the new name */
		const void *text = what->first;
		__s32 directory = what->first_directory;

		what->first = what->second;
		what->first_directory = what->second_directory;
		what->second = text;
		what->second_directory = opcode == OP_SYMLINKAT ? FROM_HERE : directory;
		what->second_follow = FOLLOW_LAST;
		if (opcode == OP_LINKAT) {
			what->arguments[0] = BPF_CORE_READ(pair, flags);
			if (!(what->arguments[0] & AT_SYMLINK_FOLLOW))
				what->second_follow = FIND_LAST;
		}
	}
	return true;
}

static __always_inline int on_request(struct io_kiocb *request, bool opens)
{
	struct change what = {.flags = HG_RING | HG_BEFORE};
	__u8 opcode = BPF_CORE_READ(request, opcode);
	bool open = opcode == OP_OPENAT || opcode == OP_OPENAT2;
	struct io_open *opening = (void *)request;
	struct scene scene = {};
	__u64 flags;

	if (open != opens || (!open && (opcode < OP_RENAMEAT || opcode > OP_LINKAT)))
		return 0;
	flags = BPF_CORE_READ(request, flags);
	if (open && !(flags & SKIPS_COMPLETION))
		return 0;
	if (!read_request_of_ring(request, &what, opcode))
		return 0;
	if (open)
		what.flags |= BPF_CORE_READ(opening, how.flags) & O_ACCMODE ? HG_WRITES : HG_READS;
	what.wants = interest(&scene, what.flags & HG_WRITES ? HG_OPEN_WRITE : what.kind);
	if (open)
		what.wants = climbing_wants(scene.slot, what.wants, what.first, false);
	return what.wants ? report_change(&scene, &what) : 0;
}

SEC("raw_tp/io_uring_submit_req") int on_ring_changes(struct bpf_raw_tracepoint_args *context)
{
	return on_request((void *)context->args[0], false);
}

SEC("raw_tp/io_uring_submit_req") int on_ring_silent_open(struct bpf_raw_tracepoint_args *context)
{
	return on_request((void *)context->args[0], true);
}

#endif
