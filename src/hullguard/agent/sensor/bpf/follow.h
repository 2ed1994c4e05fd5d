/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* The single steps of resolve.h: to the children of a directory, over mounts, up, along links, through one's own proc.
 */
#ifndef HG_FOLLOW_H
#define HG_FOLLOW_H

#define MOST_LINKS 40

/* What becomes of a path's last name. */
enum last {
	LEAVE_LAST,
	FOLLOW_LAST,
	FIND_LAST
}; /* it is what the call makes or unmakes; as a link too; a link itself */

enum step { READ_NAME, TRY_CHILD, TRY_MOUNT, GO_UP };
enum proc { NOT_PROC, OWN_DIRECTORY, OWN_FILES };

/* What was read is dealt with. */
static __always_inline void read_on(struct resolving *walk)
{
	walk->start = walk->at;
	walk->step = READ_NAME;
}

static __always_inline void first_child(struct resolving *walk)
{
	struct dentry *parent = walk->here.dentry;
	struct dentry___lists *old = (void *)parent;

	if (bpf_core_field_exists(parent->d_children)) {
		walk->list = 0;
		walk->node = BPF_CORE_READ(parent, d_children.first);
	} else {
		walk->list = (void *)old + bpf_core_field_offset(struct dentry___lists, d_subdirs);
		walk->node = BPF_CORE_READ(old, d_subdirs.next);
	}
	walk->step = TRY_CHILD;
}

static __always_inline struct dentry *take_child(struct resolving *walk)
{
	struct hlist_node *node = walk->node;
	struct list_head *old = walk->node;

	if (!node || node == walk->list)
		return 0;
	if (bpf_core_field_exists(((struct dentry *)0)->d_sib)) {
		walk->node = BPF_CORE_READ(node, next);
		return (void *)node - bpf_core_field_offset(struct dentry, d_sib);
	}
	walk->node = BPF_CORE_READ(old, next);
	return (void *)old - bpf_core_field_offset(struct dentry___lists, d_child);
}

static __always_inline void look_for_mount(struct resolving *walk)
{
	struct dentry *dentry = walk->here.dentry;
	struct mount *mount = (void *)walk->here.mount - bpf_core_field_offset(struct mount, mnt);
	__u32 mounted = bpf_core_enum_value_exists(enum dentry_flags, DCACHE_MOUNTED)
				? bpf_core_enum_value(enum dentry_flags, DCACHE_MOUNTED)
				: DCACHE_MOUNTED;

	read_on(walk);
	if (!(BPF_CORE_READ(dentry, d_flags) & mounted))
		return;
	walk->list = (void *)mount + bpf_core_field_offset(struct mount, mnt_mounts);
	walk->node = BPF_CORE_READ(mount, mnt_mounts.next);
	walk->step = TRY_MOUNT;
}

static __always_inline void try_mount(struct resolving *walk)
{
	struct list_head *node = walk->node;
	struct mount *mount = (void *)node - bpf_core_field_offset(struct mount, mnt_child);

	if (!node || node == walk->list) {
		read_on(walk);
		return;
	}
	walk->node = BPF_CORE_READ(node, next);
	if (BPF_CORE_READ(mount, mnt_mountpoint) != walk->here.dentry)
		return;
	walk->here.dentry = BPF_CORE_READ(mount, mnt.mnt_root);
	walk->here.mount = (void *)mount + bpf_core_field_offset(struct mount, mnt);
	look_for_mount(walk); /* another may lie on this one */
}

static __always_inline void go_up(struct resolving *walk)
{
	struct dentry *dentry = walk->here.dentry;
	struct vfsmount *inside = walk->here.mount;
	struct mount *mount = (void *)inside - bpf_core_field_offset(struct mount, mnt);
	struct mount *up;

	read_on(walk);
	if (dentry == walk->root.dentry && inside == walk->root.mount)
		return;
	if (dentry == BPF_CORE_READ(inside, mnt_root)) {
		up = BPF_CORE_READ(mount, mnt_parent);
		if (up == mount || !up)
			return;
		walk->here.dentry = BPF_CORE_READ(mount, mnt_mountpoint);
		walk->here.mount = (void *)up + bpf_core_field_offset(struct mount, mnt);
		walk->step = GO_UP;
		return;
	}
	walk->here.dentry = BPF_CORE_READ(dentry, d_parent);
	look_for_mount(walk);
}

/* The text of a symbolic link, where the kernel holds it at hand: not so for long ones on disk, nor for those of proc.
 */
static __always_inline char *link_text(struct inode *inode)
{
	struct ovl_inode *whole = (void *)inode - bpf_core_field_offset(struct ovl_inode, vfs_inode);
	struct dentry *upper;

	if (BPF_CORE_READ(inode, i_sb, s_magic) != OVERLAYFS_SUPER_MAGIC)
		return BPF_CORE_READ(inode, i_link);
	if (!bpf_core_type_exists(struct ovl_inode))
		return 0;
	upper = BPF_CORE_READ(whole, __upperdentry);
	if (upper)
		return BPF_CORE_READ(upper, d_inode, i_link);
	inode = lower_inode(whole);
	return inode ? BPF_CORE_READ(inode, i_link) : 0;
}

/* Puts the text of a link in front of what is left; the slash between is still there. */
static __always_inline bool expand(struct resolving *walk, struct workspace *space, char *text)
{
	long size;

	if (!text || ++walk->links > MOST_LINKS)
		return false;
	size = bpf_probe_read_kernel_str(space->child, sizeof(space->child), text);
	if (size < 2 || size >= (long)sizeof(space->child) || walk->at < size || walk->at >= TEXT)
		return false;
	size -= 1;
	walk->at -= size;
	bpf_probe_read_kernel(space->text + (walk->at & (TEXT - 1)), size & 255, space->child);
	if (*(char *)space->child == '/')
		walk->here = walk->root;
	read_on(walk);
	return true;
}

/* Names up to eight letters, each as one number. */
#define ROOT 0x746f6f72
#define CWD 0x647763
#define EXE 0x657865
#define FD 0x6466
#define SELF 0x666c6573
#define THREAD_S 0x732d646165726874
#define ELF 0x666c65

static __always_inline __u64 first_letters(struct workspace *space)
{
	return space->name[0];
}

static __always_inline __u32 decimal(const char *digits)
{
	__u32 number = 0;

	for (int i = 0; i < 10 && digits[i]; i++) {
		if (digits[i] < '0' || digits[i] > '9')
			return NOBODY;
		number = number * 10 + digits[i] - '0';
	}
	return number;
}

static __always_inline __u32 own_number(struct task_struct *task)
{
	struct pid *self = BPF_CORE_READ(task, group_leader, thread_pid);

	return number_in(self, BPF_CORE_READ(self, level));
}

/* proc's "self" is a link to one's own number. */
static __always_inline bool expand_self(struct resolving *walk, struct workspace *space)
{
	__u32 number = own_number(walk->task);
	char text[12] = {}, *digit = text + 11;

	for (int i = 0; i < 10 && number; i++) {
		digit--;
		*digit = '0' + number % 10;
		number /= 10;
	}
	return expand(walk, space, digit);
}

/* proc's own links have no text: the kernel jumps. The way over oneself is known; another process's is not. */
static __always_inline bool jump(struct resolving *walk, struct workspace *space)
{
	struct task_struct *task = walk->task;
	struct file *file = 0;

	if (walk->proc == OWN_FILES) {
		file = file_of(task, decimal((char *)space->name));
		if (!file)
			return false;
		place_of(file, &walk->here);
	} else if (first_letters(space) == ROOT) {
		walk->here = walk->root;
	} else if (first_letters(space) == CWD) {
		walk->here.dentry = BPF_CORE_READ(task, fs, pwd.dentry);
		walk->here.mount = BPF_CORE_READ(task, fs, pwd.mnt);
	} else if (first_letters(space) == EXE) {
		file = BPF_CORE_READ(task, mm, exe_file);
		place_of(file, &walk->here);
	} else {
		return false;
	}
	walk->proc = NOT_PROC;
	read_on(walk);
	return true;
}

/* A name was found: step into it. Answers whether the walk can go on. */
static __always_inline bool enter(struct resolving *walk, struct workspace *space, struct dentry *child)
{
	struct inode *inode = BPF_CORE_READ(child, d_inode);
	__u16 mode = BPF_CORE_READ(inode, i_mode);
	bool proc = BPF_CORE_READ(inode, i_sb, s_magic) == PROC_SUPER_MAGIC;

	if ((mode & S_IFMT) == S_IFLNK && !(walk->last && walk->follow == FIND_LAST)) {
		if (!proc)
			return expand(walk, space, link_text(inode));
		if (first_letters(space) != SELF && (first_letters(space) != THREAD_S || space->name[1] != ELF))
			return false;
		return expand_self(walk, space);
	}
	walk->here.dentry = child;
	if (proc && walk->proc == OWN_DIRECTORY && first_letters(space) == FD)
		walk->proc = OWN_FILES;
	else
		walk->proc = proc && decimal((char *)space->name) == own_number(walk->task) ? OWN_DIRECTORY : NOT_PROC;
	look_for_mount(walk);
	return true;
}

#endif
