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
	__u32 access;
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
	if (length_wanted(walk->lengths, BPF_CORE_READ(dentry, d_name.len)) &&
	    name_wanted(dentry, HG_NAME_DIRECTORY) & walk->access) {
		walk->found = 1;
		return 1;
	}
	walk->dentry = parent;
	return 0;
}

static __always_inline bool below_wanted(__u64 lengths, __u32 access, struct dentry *dentry, struct vfsmount *mount)
{
	struct climb_names walk = {.dentry = dentry, .mount = mount, .lengths = lengths, .access = access, .left = 1};

	bpf_loop(PATH_DEPTH, climb_names, &walk, 0);
	return walk.found || walk.left; /* what is too deep to tell, perhaps is */
}

/* The same with plain loads, and for what lies less deep, as nearly every file does. */
__noinline int below_wanted_typed(__u64 lengths, __u32 access, struct place *place)
{
	struct vfsmount *mount;
	struct dentry *dentry;

	if (!place)
		return true;
	mount = TYPED(struct vfsmount, place->mount);
	dentry = TYPED(struct dentry, place->dentry);
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
		if (length_wanted(lengths, dentry->d_name.len) && name_wanted(dentry, HG_NAME_DIRECTORY) & access)
			return true;
		dentry = parent;
	}
	return below_wanted(lengths, access, dentry, mount);
}

/* A cheap "perhaps": the names on the way fit a pattern that wants such an open. */
static __always_inline bool place_wanted(struct hg_config *wanted, struct place *place, __u32 access, bool typed)
{
	struct vfsmount *mount = place->mount;
	struct dentry *dentry = place->dentry;
	__u32 size = typed ? dentry->d_name.len : BPF_CORE_READ(dentry, d_name.len);

	if (wanted->everything & access)
		return true;
	if (length_wanted(wanted->name_lengths, size) && name_wanted(dentry, HG_NAME_FILE) & access)
		return true;
	if (!wanted->directory_lengths)
		return false;
	return typed ? below_wanted_typed(wanted->directory_lengths, access, place)
		     : below_wanted(wanted->directory_lengths, access, dentry, mount);
}

/* An open, as far as it is known without looking further. */
struct opened {
	struct place place;
	struct inode *inode;
	const void *raw; /* the path in the program's memory */
	__u64 wants;
	__u32 access;
	__u32 by_inode;
	__u32 call;
	__u32 flags;
	__u32 asked; /* read_request() was here */
	__u32 ring;
	__s32 directory; /* from which the path counts */
	long result;
};

struct aliases {
	struct hlist_node *node;
	struct place opened;
	__u64 wants;
	__u32 at;
	__u32 size;
	__u32 room;
	__u32 slot;
	__u32 access;
};

static long try_alias(__u32 index, struct aliases *names)
{
	struct hlist_node *node = names->node;
	struct place alias = {.mount = names->opened.mount};
	struct hg_config *wanted = settings();
	__u32 truncated, size;

	if (!node || !wanted)
		return 1;
	alias.dentry = (void *)node - bpf_core_field_offset(struct dentry, d_u.d_alias);
	if (alias.dentry != names->opened.dentry && place_wanted(wanted, &alias, names->access, false)) {
		size = write_path(names->room, &alias, names->at, &truncated);
		if (size <= HG_PATH && path_wants(names->room, names->at, size, names->slot) & names->wants) {
			names->size = size;
			return 1;
		}
	}
	names->node = BPF_CORE_READ(node, next);
	return 0;
}

/* Another name of the same inode that a pattern names: the way in was a hard link. */
static __always_inline __u32 matching_alias(struct scene *scene, struct opened *what, __u32 at)
{
	struct aliases names = {.opened = what->place,
				.wants = what->wants,
				.at = at,
				.room = scene->room,
				.slot = scene->slot,
				.access = what->access};
	struct inode *inode = what->inode;

	names.node = BPF_CORE_READ(inode, i_dentry.first);
	bpf_loop(ALIASES, try_alias, &names, 0);
	return names.size;
}

/* The wants of the slot that such an open answers, wherever the file is. */
static __always_inline __u64 open_wants(struct scene *scene, __u32 access)
{
	return (access & HG_ACCESS_READ ? wants_of(scene, HG_FILE) : 0) |
	       (access & HG_ACCESS_WRITE ? wants_of(scene, HG_OPEN_WRITE) : 0) |
	       (access & HG_ACCESS_CREATE ? wants_of(scene, HG_OPEN_CREATE) : 0) |
	       (access & HG_ACCESS_TRUNCATE ? wants_of(scene, HG_OPEN_TRUNCATE) : 0) |
	       (access & HG_ACCESS_HANDLE ? wants_of(scene, HG_OPEN_HANDLE) : 0);
}

static __always_inline __u32 open_flags(struct opened *what)
{
	struct inode *inode = what->inode;
	__u32 flags = (what->access & HG_ACCESS_READ ? HG_READS : 0) | (what->access & HG_ACCESS_WRITE ? HG_WRITES : 0);

	flags |= what->access & HG_ACCESS_CREATE ? HG_CREATED : 0;
	flags |= what->access & HG_ACCESS_TRUNCATE ? HG_TRUNCATES : 0;
	flags |= what->by_inode ? HG_BY_INODE : 0;
	if (BPF_CORE_READ(inode, i_sb, s_magic) == OVERLAYFS_SUPER_MAGIC)
		flags |= overlay_flags(inode);
	return flags | (what->ring ? HG_RING : 0);
}

/* What the open asked for, which the file no longer says. To read registers takes time: only where it may matter. */
__noinline int read_request(struct opened *what)
{
	__u64 flags = 0;

	if (!what || what->asked)
		return 0;
	what->asked = 1;
	what->directory = AT_FDCWD;
	switch (what->call) {
	case HG_CALL_OPEN:
		what->raw = (void *)argument(0);
		flags = argument(1);
		break;
	case HG_CALL_CREAT:
		what->raw = (void *)argument(0);
		flags = O_CREAT | O_TRUNC;
		break;
	case HG_CALL_OPENAT:
		what->directory = argument(0);
		what->raw = (void *)argument(1);
		flags = argument(2);
		break;
	case HG_CALL_OPENAT2:
		what->directory = argument(0);
		what->raw = (void *)argument(1);
		bpf_probe_read_user(&flags, sizeof(flags), (void *)argument(2));
		break;
	default:
		flags = argument(2);
	}
	what->flags |= flags & (O_CREAT | O_TRUNC | O_EXCL);
	if (flags & O_TRUNC)
		what->access |= HG_ACCESS_TRUNCATE;
	return 0;
}

/* The dear part: builds the path and decides. */
__noinline int tell_open(struct scene *scene, struct opened *what)
{
	struct scratch *room = scene ? room_at(scene->room) : 0;
	__u32 truncated = 0, raw, at, other = 0, size;
	struct inode *inode;

	if (!scene || !what || !room)
		return 0;
	inode = what->inode;
	read_request(what);
	raw = add_text(room, HG_STRING_RAW, 0, what->raw, true);
	at = raw;
	size = write_path(scene->room, &what->place, at, &truncated);
	if (size > HG_PATH)
		return 0;
	/* without its beginning no pattern can be excluded: the agent decides by the last part */
	if (!truncated && !(path_wants(scene->room, at, size, scene->slot) & what->wants)) {
		if (BPF_CORE_READ(inode, i_nlink) > 1)
			other = matching_alias(scene, what, at + size);
		if (other > HG_PATH || (!other && !what->by_inode))
			return 0;
		what->by_inode = 1;
	} else {
		what->by_inode = 0;
	}
	if (over_limit(HG_CLASS_FILE, scene->cgroup, HG_FILE))
		return 0;
	fill_subject(scene);
	room->event.flags |= open_flags(what) | (truncated ? HG_PATH_TRUNCATED : 0);
	room->event.call = what->call;
	room->event.result = what->result;
	fill_file(&room->event.file, inode);
	room->event.file.flags = what->flags;
	room->event.arguments[0] = what->directory;
	room->event.sizes[HG_STRING_RAW] = raw;
	room->event.sizes[HG_STRING_PATH] = size;
	room->event.sizes[HG_STRING_OTHER] = other;
	return finish(scene, HG_FILE, HG_CLASS_FILE, at + size + other);
}

static __always_inline int report_open(struct scene *scene, struct opened *what)
{
	if (runtime(scene))
		return 0;
	find_slot(scene);
	what->wants = of_program(scene, open_wants(scene, what->access));
	if (!what->wants)
		return 0;
	read_request(what);
	what->wants = climbing_wants(scene->slot, what->wants, what->raw, true);
	if (!what->wants)
		return 0;
	scene->room = take_room();
	if (scene->room >= ROOMS) {
		count_lost(HG_CLASS_FILE, scene->cgroup, HG_RING_FULL);
		return 0;
	}
	tell_open(scene, what);
	leave_room(scene->room);
	return 0;
}

/* Wanted for its path as the program wrote it, wherever the file is. */
static __always_inline bool climbing_wanted(struct hg_config *wanted, struct opened *what)
{
	if (!(wanted->climbing & what->access))
		return false;
	read_request(what);
	return climbs((__u64)what->raw, true);
}

/* The file is taken from the descriptor, not from the caller's string: links, "..", /proc/self/root are all behind us.
 */
static __always_inline int on_file(struct scene *scene, struct opened *what, struct file *file)
{
	struct hg_config *wanted = settings();
	struct inode *inode;
	__u32 mode;

	if (!wanted || !file)
		return 0;
	file = TYPED(struct file, file);
	mode = GET(file, f_mode);
	if (mode & FMODE_PATH || !(mode & (FMODE_READ | FMODE_WRITE)))
		return 0;
	inode = GET(file, f_inode);
	what->inode = inode;
	what->access |= (mode & FMODE_READ ? HG_ACCESS_READ : 0) | (mode & FMODE_WRITE ? HG_ACCESS_WRITE : 0) |
			(mode & FMODE_CREATED ? HG_ACCESS_CREATE : 0);
	if (mode & FMODE_WRITE)
		read_request(what);
	/* only now: what a function of its own was given has lost its types */
	what->place.dentry = GET(file, f_path.dentry);
	what->place.mount = GET(file, f_path.mnt);
	if (inode_wanted(wanted, inode))
		what->by_inode = 1;
	else if (GET(inode, i_nlink) < 2 &&
		 !(hg_host.typed ? place_wanted(wanted, &what->place, what->access, true)
				 : place_wanted(wanted, &what->place, what->access, false)) &&
		 !climbing_wanted(wanted, what))
		return 0;
	what->flags |= GET(file, f_flags);
	return report_open(scene, what);
}

/* One program for every way to open a file: the verifier's work, over a second, is done once. */
SEC("tracepoint") int on_open(struct trace_event_raw_sys_exit *context)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct opened what = {.call = bpf_get_attach_cookie(context), .result = context->ret};
	struct fdtable *table;
	struct file *file = 0;
	struct scene scene = {};

	if (what.result < 0 || !look_at(&scene, task))
		return 0;
	table = task->files->fdt;
	if (what.result >= table->max_fds)
		return 0;
	bpf_probe_read_kernel(&file, sizeof(file), table->fd + what.result);
	if (what.call == HG_CALL_OPEN_BY_HANDLE_AT)
		what.access = HG_ACCESS_HANDLE;
	return on_file(&scene, &what, file);
}

#endif
