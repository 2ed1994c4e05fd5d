/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * From the path that a program wrote to the file that the kernel found, after the fact: its directories are in the
 * cache of names now. They are followed there, over links and mounts. What cannot be followed stays as it was written.
 */
#ifndef HG_RESOLVE_H
#define HG_RESOLVE_H

#define RESOLVE_STEPS 16000
#define FROM_HERE (-200) /* for a directory: where the walk before ended */

static __always_inline bool is_named(struct workspace *space, struct dentry *child, __u32 length)
{
	if (BPF_CORE_READ(child, d_name.len) != length || length > 255)
		return false;
	__builtin_memset(space->child, 0, 256);
	bpf_probe_read_kernel(space->child, length & 255, BPF_CORE_READ(child, d_name.name));
	for (int i = 0; i < 32; i++) {
		if (space->name[i] != space->child[i])
			return false;
	}
	/* neither a name that is known not to exist nor one that was taken away */
	return BPF_CORE_READ(child, d_inode) && BPF_CORE_READ(child, d_hash.pprev);
}

/* Takes one letter of the text. Answers whether a name is complete, or the text at its end (then without a name). */
static __always_inline bool read_letter(struct resolving *walk, struct workspace *space)
{
	__u32 at = walk->at & (TEXT - 1), length = walk->at - walk->start;
	char letter = space->text[at];

	if (letter && letter != '/') {
		if (!length)
			__builtin_memset(space->name, 0, 256);
		if (length < 255)
			((char *)space->name)[length] = letter;
		walk->at = at + 1;
		return false;
	}
	if (letter && !length) { /* slashes between names */
		walk->at = walk->start = at + 1;
		return false;
	}
	walk->length = length;
	walk->last = !letter || !space->text[(at + 1) & (TEXT - 1)];
	return true;
}

/* A name was read; what is to be done about it? 1 ends the walk. */
static __always_inline long consider(struct resolving *walk, struct workspace *space)
{
	__u64 letters = first_letters(space);

	if (!walk->length ||
	    (walk->last && walk->follow == LEAVE_LAST && letters != '.' && letters != ('.' | '.' << 8))) {
		walk->done = 1;
		return 1;
	}
	if (letters == '.') {
		read_on(walk);
		return 0;
	}
	if (letters == ('.' | '.' << 8)) {
		walk->proc = NOT_PROC;
		walk->step = GO_UP;
		return 0;
	}
	if (walk->length > 255)
		return 1;
	if (walk->proc == NOT_PROC || !jump(walk, space))
		first_child(walk);
	return 0;
}

/* One step; 1 ends the walk. */
static long resolve_step(__u32 index, __u32 *room)
{
	struct workspace *space = workspace_at(*room);
	struct resolving *walk;
	struct dentry *child;

	if (!space)
		return 1;
	walk = &space->resolving;
	switch (walk->step) {
	case READ_NAME:
		return read_letter(walk, space) ? consider(walk, space) : 0;
	case TRY_CHILD:
		child = take_child(walk);
		if (!child)
			return 1;
		if (is_named(space, child, walk->length))
			return enter(walk, space, child) ? 0 : 1;
		return 0;
	case TRY_MOUNT:
		try_mount(walk);
		return 0;
	default:
		go_up(walk);
		return 0;
	}
}

/* Where a path that is not absolute begins. */
static __always_inline void start_at(struct resolving *walk, long directory)
{
	struct task_struct *task = walk->task;
	struct file *file;

	if ((int)directory == FROM_HERE)
		return;
	__builtin_memset(&walk->here, 0, sizeof(walk->here));
	if ((int)directory == AT_FDCWD) {
		walk->here.dentry = BPF_CORE_READ(task, fs, pwd.dentry);
		walk->here.mount = BPF_CORE_READ(task, fs, pwd.mnt);
		return;
	}
	file = file_of(task, (__u32)directory);
	if (file)
		place_of(file, &walk->here);
}

/*
 * Follows the text at HG_PATH in workspace.text, from `directory` if it is not absolute. Afterwards `here` is the last
 * place reached, and what is left of the text begins at `start`: nothing of a path that exists, unless `follow` is
 * LEAVE_LAST. Answers whether the way was clear.
 */
__noinline int resolve(__u32 room, long directory, __u32 follow)
{
	struct workspace *space = workspace_at(room);
	struct resolving *walk;
	struct task_struct *task;

	if (!space)
		return 0;
	walk = &space->resolving;
	task = walk->task = (void *)bpf_get_current_task();
	walk->root.dentry = BPF_CORE_READ(task, fs, root.dentry);
	walk->root.mount = BPF_CORE_READ(task, fs, root.mnt);
	start_at(walk, directory);
	if (space->text[HG_PATH] == '/')
		walk->here = walk->root;
	walk->at = walk->start = HG_PATH;
	walk->length = walk->links = walk->done = 0;
	walk->step = READ_NAME;
	walk->proc = NOT_PROC;
	walk->follow = follow;
	bpf_loop(RESOLVE_STEPS, resolve_step, &room, 0);
	return walk->done;
}

/* Appends what is left of the text to the path of `here` at `at`; answers the size of the whole, NUL included. */
__noinline int write_resolved(__u32 index, __u32 at, __u32 *truncated)
{
	struct workspace *space = workspace_at(index);
	struct scratch *room = room_at(index);
	__u32 size, start, end;
	struct place here;
	long left;

	if (!truncated || !space || !room || at > LAST_STRING - HG_PATH)
		return 0;
	start = space->resolving.start & (TEXT - 1);
	here = space->resolving.here;
	size = write_path(index, &here, at, truncated);
	if (!size || size > HG_PATH || !space->text[start])
		return size;
	/* over the NUL, or over the slash of the root itself */
	end = at + (size == 2 ? 0 : size - 1);
	left = at + HG_PATH - 1 - end;
	if (end >= LAST_STRING - 1 || left < 1 || left > HG_PATH)
		return size;
	room->data[end] = '/';
	left = bpf_probe_read_kernel_str(room->data + end + 1, left, space->text + start);
	return left > 0 ? end + 1 - at + left : size;
}

#endif
