/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Putting a record together, string by string, and sending it. */
#ifndef HG_RECORD_H
#define HG_RECORD_H

#define LAST_STRING ((HG_STRINGS - 1) * HG_PATH)

/* The record and its data lie side by side in scratch, so one copy takes both. */
static __always_inline void send(void *ring, __u32 class, struct scratch *room, __u32 data, __u64 wake)
{
	if (data > sizeof(room->data))
		return;
	if (bpf_ringbuf_output(ring, &room->event, sizeof(room->event) + data, wake))
		count_lost(class, room->event.head.cgroup, HG_RING_FULL);
}

static __always_inline struct file *file_of(struct task_struct *task, __u32 descriptor)
{
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file *file = 0;

	if (descriptor >= BPF_CORE_READ(table, max_fds))
		return 0;
	bpf_probe_read_kernel(&file, sizeof(file), BPF_CORE_READ(table, fd) + descriptor);
	return file;
}

/* A call's arguments, at its end: the registers still hold them, and no other thread can change registers. */
static __always_inline __u64 argument(int number)
{
	struct pt_regs *registers = (void *)bpf_task_pt_regs(bpf_get_current_task_btf());
	struct pt_regs___of_x86 *x86 = (void *)registers;
	struct pt_regs___of_arm *arm = (void *)registers;

	if (bpf_core_field_exists(x86->di)) {
		switch (number) {
		case 0:
			return BPF_CORE_READ(x86, di);
		case 1:
			return BPF_CORE_READ(x86, si);
		case 2:
			return BPF_CORE_READ(x86, dx);
		case 3:
			return BPF_CORE_READ(x86, r10);
		case 4:
			return BPF_CORE_READ(x86, r8);
		default:
			return BPF_CORE_READ(x86, r9);
		}
	}
	if (!bpf_core_field_exists(arm->orig_x0))
		return 0;
	switch (number) {
	case 0:
		return BPF_CORE_READ(arm, orig_x0);
	case 1:
		return BPF_CORE_READ(arm, regs[1]);
	case 2:
		return BPF_CORE_READ(arm, regs[2]);
	case 3:
		return BPF_CORE_READ(arm, regs[3]);
	case 4:
		return BPF_CORE_READ(arm, regs[4]);
	default:
		return BPF_CORE_READ(arm, regs[5]);
	}
}

/* A string of the program's, or of the kernel's own; answers its size, NUL included. */
static __always_inline __u32 add_text(struct scratch *room, __u32 which, __u32 at, const void *text, bool user)
{
	long size;

	room->event.sizes[which] = 0;
	if (at > LAST_STRING || !text)
		return 0;
	size = user ? bpf_probe_read_user_str(room->data + at, HG_PATH, text)
		    : bpf_probe_read_kernel_str(room->data + at, HG_PATH, text);
	if (size < 0 || size > HG_PATH)
		return 0;
	room->event.sizes[which] = size;
	return size;
}

/* So many bytes of the program's memory. */
static __always_inline __u32 add_bytes(struct scratch *room, __u32 which, __u32 at, unsigned long start,
				       unsigned long end, __u32 truncated)
{
	__u64 size = end - start;

	room->event.sizes[which] = 0;
	if (size > HG_PATH) {
		room->event.flags |= truncated;
		size = HG_PATH;
	}
	if (at > LAST_STRING || bpf_probe_read_user(room->data + at, size, (void *)start))
		return 0;
	room->event.sizes[which] = size;
	return size;
}

static __always_inline __u32 add_path(__u32 index, struct scratch *room, __u32 which, __u32 at, struct place *place)
{
	__u32 truncated = 0, size = write_path(index, place, at, &truncated);

	if (size > HG_PATH)
		size = 0;
	room->event.sizes[which] = size;
	if (truncated && which == HG_STRING_PATH)
		room->event.flags |= HG_PATH_TRUNCATED;
	return size;
}

static __always_inline void fill_file(struct hg_file *to, struct inode *inode)
{
	to->inode = BPF_CORE_READ(inode, i_ino);
	to->device = BPF_CORE_READ(inode, i_sb, s_dev);
	to->mode = BPF_CORE_READ(inode, i_mode);
	to->owner = BPF_CORE_READ(inode, i_uid.val);
	to->group = BPF_CORE_READ(inode, i_gid.val);
	bpf_probe_read_kernel_str(to->type, sizeof(to->type), BPF_CORE_READ(inode, i_sb, s_type, name));
}

/* The last two strings, which are the acting program, and off it goes. `at` is where the strings so far end. */
__noinline int finish(struct scene *scene, __u32 kind, __u32 class, __u32 at)
{
	struct scratch *room = scene ? room_at(scene->room) : 0;
	struct task_struct *task;
	struct place place;
	struct file *exe;

	if (!scene || !room || at > 4 * HG_PATH)
		return 0;
	task = scene->task;
	exe = BPF_CORE_READ(task, mm, exe_file);
	if (exe) {
		place_of(exe, &place);
		at += add_path(scene->room, room, HG_STRING_EXE, at, &place);
	}
	at += add_bytes(room, HG_STRING_ARGS, at, BPF_CORE_READ(task, mm, arg_start), BPF_CORE_READ(task, mm, arg_end),
			HG_ARGS_TRUNCATED);
	fill_head(&room->event.head, kind, scene->cgroup);
	if (class == HG_CLASS_FILE)
		send(&ring_file, class, room, at, 0);
	else if (class == HG_CLASS_NETWORK)
		send(&ring_network, class, room, at, 0);
	else
		send(&ring_security, class, room, at, 0);
	return 0;
}

#endif
