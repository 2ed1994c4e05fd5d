/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* The same as kernel.h for io_uring, memory, signals and modules. */
#ifndef HG_KERNEL_RING_H
#define HG_KERNEL_RING_H

struct bpf_raw_tracepoint_args {
	__u64 args[8];
};

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct filename {
	const char *name;
};
struct open_how {
	__u64 flags;
};
struct io_cqe {
	__s32 res;
};
struct io_rsrc_node {
	unsigned long file_ptr;
};
struct io_rsrc_data {
	unsigned int nr;
	struct io_rsrc_node **nodes; /* since 6.13 */
};
struct io_file_table {
	struct io_rsrc_data data;
};
struct io_ring_ctx {
	struct io_file_table file_table;
};
typedef __u64 io_req_flags_t;
struct io_kiocb {
	__u8 opcode;
	io_req_flags_t flags;
	struct io_cqe cqe;
	struct io_ring_ctx *ctx;
};
/* What each kind of request keeps at its beginning. */
struct io_open {
	int dfd;
	__u32 file_slot;
	struct filename *filename;
	struct open_how how;
};
struct io_rename {
	int old_dfd;
	int new_dfd;
	struct filename *oldpath;
	struct filename *newpath;
	int flags;
};
struct io_unlink {
	int dfd;
	int flags;
	struct filename *filename;
};
struct io_mkdir {
	int dfd;
	__u16 mode;
	struct filename *filename;
};
struct vm_area_struct {
	unsigned long vm_flags;
	struct file *vm_file;
};
struct kernel_siginfo {
	int si_code;
};
struct module {
	char name[56];
};

#pragma clang attribute pop

#endif
