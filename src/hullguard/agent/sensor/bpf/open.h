/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Which opened files a policy wants to know of. Cheapest question first: nearly every open ends at the second. */
#ifndef HG_OPEN_H
#define HG_OPEN_H

#define ALIASES 64
#define NAME_DEPTH 12

static __always_inline bool inode_wanted(struct hg_config *wanted, struct inode *inode)
{
	struct hg_inode key = {};
	__u64 number = GET(inode, i_ino);

	if (!(wanted->inodes[number / 64 % HG_INODE_WORDS] >> number % 64 & 1))
		return false;
	key.inode = number;
	key.device = BPF_CORE_READ(inode, i_sb, s_dev);
	return bpf_map_lookup_elem(&inodes, &key) != 0;
}

struct climb_names {
	struct dentry *dentry;
	struct vfsmount *mount;
	__u64 lengths;
	__u32 left;
	__u32 found;
};

/* Like climb() in path.h, but it only looks at the names of directories. */
static long climb_names(__u32 index, struct climb_names *walk)
{
	struct dentry *dentry = walk->dentry;
	struct vfsmount *inside = walk->mount;
	struct dentry *parent = BPF_CORE_READ(dentry, d_parent);

	if (dentry == parent || dentry == BPF_CORE_READ(inside, mnt_root)) {
		struct mount *mount = (void *)inside - bpf_core_field_offset(struct mount, mnt);
		struct mount *up = BPF_CORE_READ(mount, mnt_parent);

		if (up == mount || !up) {
			walk->left = 0;
			return 1;
		}
		walk->dentry = BPF_CORE_READ(mount, mnt_mountpoint);
		walk->mount = (void *)up + bpf_core_field_offset(struct mount, mnt);
		return 0;
	}
	if (length_wanted(walk->lengths, BPF_CORE_READ(dentry, d_name.len)) && name_wanted(dentry, HG_NAME_DIRECTORY)) {
		walk->found = 1;
		return 1;
	}
	walk->dentry = parent;
	return 0;
}

static __always_inline bool below_wanted(__u64 lengths, struct dentry *dentry, struct vfsmount *mount)
{
	struct climb_names walk = {.dentry = dentry, .mount = mount, .lengths = lengths, .left = 1};

	bpf_loop(PATH_DEPTH, climb_names, &walk, 0);
	return walk.found || walk.left; /* what is too deep to tell, perhaps is */
}

/* The same with plain loads, and for what lies less deep, as nearly every file does. */
static __always_inline bool below_wanted_typed(__u64 lengths, struct dentry *dentry, struct vfsmount *mount)
{
	for (int i = 0; i < NAME_DEPTH; i++) {
		struct dentry *parent = dentry->d_parent;

		if (dentry == parent || dentry == mount->mnt_root) {
			struct mount *whole =
				TYPED(struct mount, (void *)mount - bpf_core_field_offset(struct mount, mnt));
			struct mount *up = whole->mnt_parent;

			if (up == whole)
				return false;
			dentry = whole->mnt_mountpoint;
			mount = TYPED(struct vfsmount, (void *)up + bpf_core_field_offset(struct mount, mnt));
			continue;
		}
		if (length_wanted(lengths, dentry->d_name.len) && name_wanted(dentry, HG_NAME_DIRECTORY))
			return true;
		dentry = parent;
	}
	return below_wanted(lengths, dentry, mount);
}

/* A cheap "perhaps": the names on the way fit a pattern. */
static __always_inline bool place_wanted(struct hg_config *wanted, struct dentry *dentry, struct vfsmount *mount,
					 bool typed)
{
	__u32 size = typed ? dentry->d_name.len : BPF_CORE_READ(dentry, d_name.len);

	if (wanted->everything)
		return true;
	if (length_wanted(wanted->name_lengths, size) && name_wanted(dentry, HG_NAME_FILE))
		return true;
	if (!wanted->directory_lengths)
		return false;
	return typed ? below_wanted_typed(wanted->directory_lengths, dentry, mount)
		     : below_wanted(wanted->directory_lengths, dentry, mount);
}

/* runc resolves users in the container's own /etc before it becomes the container's program. */
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

struct opened {
	struct inode *inode;
	struct dentry *dentry;
	struct vfsmount *mount;
	__u32 flags;
};

struct aliases {
	struct hlist_node *node;
	struct dentry *opened;
	struct vfsmount *mount;
	__u32 at;
	__u32 size;
};

static long try_alias(__u32 index, struct aliases *names)
{
	struct hlist_node *node = names->node;
	struct dentry *alias = (void *)node - bpf_core_field_offset(struct dentry, d_u.d_alias);
	struct scratch *room = scratch_of_cpu();
	__u32 truncated, zero = 0, size, at = names->at;
	struct hg_config *wanted = bpf_map_lookup_elem(&config, &zero);

	if (!node || !room || !wanted)
		return 1;
	if (alias != names->opened && place_wanted(wanted, alias, names->mount, false)) {
		size = write_path(alias, names->mount, at, &truncated);
		if (size <= HG_PATH && path_matches(room, at, size, room->event.slot, HG_PATH_SENSITIVE)) {
			names->size = size;
			return 1;
		}
	}
	names->node = BPF_CORE_READ(node, next);
	return 0;
}

/* Another name of the same inode that a pattern names: the way in was a hard link. */
static __always_inline __u32 matching_alias(struct opened *what, __u32 at)
{
	struct aliases names = {.opened = what->dentry, .mount = what->mount, .at = at};
	struct inode *inode = what->inode;

	names.node = BPF_CORE_READ(inode, i_dentry.first);
	bpf_loop(ALIASES, try_alias, &names, 0);
	return names.size;
}

/* The dear part: builds the path and decides. */
static __noinline int report_open(struct opened *what, __u64 id, struct hg_verdict *verdict)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct scratch *room = scratch_of_cpu();
	struct inode *inode = what->inode;
	__u32 truncated = 0, path_size, other_size = 0, exe_size;
	struct file *exe;

	if (!room || outside(task) || runtime_step(task))
		return 0;
	room->event.slot = slot_of(id);
	path_size = write_path(what->dentry, what->mount, 0, &truncated);
	if (path_size > HG_PATH)
		return 0;
	/* without its beginning no pattern can be excluded: the agent decides by the last part */
	if (!truncated && !path_matches(room, 0, path_size, room->event.slot, HG_PATH_SENSITIVE)) {
		if (BPF_CORE_READ(inode, i_nlink) > 1)
			other_size = matching_alias(what, path_size);
		if (other_size > HG_PATH || (!other_size && !(what->flags & HG_BY_INODE)))
			return 0;
		what->flags |= HG_BY_INODE;
	} else {
		what->flags &= ~HG_BY_INODE;
	}
	fill_subject(&room->event, task, verdict);
	room->event.flags |= what->flags | (truncated ? HG_PATH_TRUNCATED : 0);
	room->event.inode = BPF_CORE_READ(inode, i_ino);
	room->event.device = BPF_CORE_READ(inode, i_sb, s_dev);
	room->event.path_size = path_size;
	room->event.other_size = other_size;
	exe = BPF_CORE_READ(task, mm, exe_file);
	exe_size = write_path(BPF_CORE_READ(exe, f_path.dentry), BPF_CORE_READ(exe, f_path.mnt), path_size + other_size,
			      &truncated);
	if (exe_size > HG_PATH)
		return 0;
	room->event.exe_size = exe_size;
	read_args(room, task, path_size + other_size + exe_size);
	fill_head(&room->event.head, HG_FILE, id);
	send(&ring_file, HG_CLASS_FILE, room, path_size + other_size + exe_size + room->event.args_size, 0);
	return 0;
}

static __always_inline struct file *file_of(struct task_struct *task, long descriptor)
{
	struct fdtable *table = task->files->fdt;
	struct file *file = 0;

	if (descriptor >= table->max_fds)
		return 0;
	bpf_probe_read_kernel(&file, sizeof(file), table->fd + descriptor);
	return file;
}

/* The file is taken from the descriptor, not from the caller's string: links, "..", /proc/self/root are all behind us.
 */
static __always_inline int on_opened(long descriptor)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct opened what = {};
	struct hg_verdict *verdict;
	struct hg_config *wanted;
	struct dentry *dentry;
	struct vfsmount *mount;
	struct inode *inode;
	struct file *file;
	__u32 zero = 0, mode;
	__u64 id;

	if (descriptor < 0)
		return 0;
	verdict = container_of_task(task, &id);
	if (!verdict)
		return 0;
	wanted = bpf_map_lookup_elem(&config, &zero);
	file = file_of(task, descriptor);
	if (!wanted || !file)
		return 0;
	file = TYPED(struct file, file);
	mode = GET(file, f_mode);
	if (mode & FMODE_PATH || !(mode & (FMODE_READ | FMODE_WRITE)))
		return 0;
	inode = GET(file, f_inode);
	dentry = GET(file, f_path.dentry);
	mount = GET(file, f_path.mnt);
	what.inode = inode;
	what.dentry = dentry;
	what.mount = mount;
	what.flags = (mode & FMODE_READ ? HG_READS : 0) | (mode & FMODE_WRITE ? HG_WRITES : 0);
	if (inode_wanted(wanted, inode))
		what.flags |= HG_BY_INODE;
	else if (GET(inode, i_nlink) < 2 && !(hg_host.typed ? place_wanted(wanted, dentry, mount, true)
							    : place_wanted(wanted, dentry, mount, false)))
		return 0;
	return report_open(&what, id, verdict);
}

/* One program for every way to open a file: the verifier's work, over a second, is done once. */
SEC("tracepoint") int on_open(struct trace_event_raw_sys_exit *context)
{
	return on_opened(context->ret);
}

#endif
