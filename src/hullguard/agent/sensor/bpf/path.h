/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* The real path of a file: from its dentry upwards, over mounts, to the root of the mount namespace. */
#ifndef HG_PATH_H
#define HG_PATH_H

#define PATH_DEPTH 256
#define TEXT (2 * HG_PATH)

/* A name in a mount. */
struct place {
	struct dentry *dentry;
	struct vfsmount *mount;
};

/* Where resolve() is. It is kept here and not on the stack, where the verifier would try every value of every field. */
struct resolving {
	struct place here;
	struct place root;
	void *node; /* the next child or mount to try */
	void *list; /* where an older kernel's circular list began */
	struct task_struct *task;
	__u32 at;     /* where the rest of the text begins */
	__u32 start;  /* of the name that is being read, or looked for */
	__u32 length; /* of that name */
	__u32 links;
	__u8 step;
	__u8 proc;
	__u8 last;   /* this name is the last */
	__u8 follow; /* enum last */
	__u32 done;
};

/* What belongs to a room, but would make it larger than a value may be: paths in the making. */
struct workspace {
	struct resolving resolving;
	__u64 name[32]; /* zeros behind it, so that words can be compared */
	__u64 child[32];
	char walk[HG_PATH + 256];
	char text[TEXT + 256];
};
MAP(BPF_MAP_TYPE_PERCPU_ARRAY, workspaces, __u32, struct workspace, ROOMS, 0);

static __always_inline struct workspace *workspace_at(__u32 index)
{
	return bpf_map_lookup_elem(&workspaces, &index);
}

struct walk {
	struct dentry *dentry;
	struct vfsmount *mount;
	__u32 position; /* where the path begins in workspace.walk */
	__u32 complete;
	__u32 room;
};

static long climb(__u32 index, struct walk *walk)
{
	struct workspace *space = workspace_at(walk->room);
	struct dentry *dentry = walk->dentry;
	struct vfsmount *inside = walk->mount; /* a local: CO-RE would relocate walk's own fields */
	struct dentry *parent = BPF_CORE_READ(dentry, d_parent);
	__u32 position = walk->position, size;

	if (!space)
		return 1;
	if (dentry == BPF_CORE_READ(inside, mnt_root)) {
		struct mount *mount = (void *)inside - bpf_core_field_offset(struct mount, mnt);
		struct mount *up = BPF_CORE_READ(mount, mnt_parent);

		if (up == mount || !up) {
			walk->complete = 1;
			return 1;
		}
		walk->dentry = BPF_CORE_READ(mount, mnt_mountpoint);
		walk->mount = (void *)up + bpf_core_field_offset(struct mount, mnt);
		return 0;
	}
	size = BPF_CORE_READ(dentry, d_name.len);
	if (size > 255 || position < size + 1 || position > HG_PATH - 1)
		return 1;
	position -= size;
	bpf_probe_read_kernel(space->walk + (position & (HG_PATH - 1)), size & 255, BPF_CORE_READ(dentry, d_name.name));
	position -= 1;
	space->walk[position & (HG_PATH - 1)] = '/';
	walk->position = position;
	walk->dentry = parent;
	if (dentry == parent) { /* in no directory: a memfd */
		walk->complete = 1;
		return 1;
	}
	return 0;
}

/*
 * Writes the path to scratch.data at `at`, NUL included; answers its size, and whether it has its beginning.
 * `at` is at most five paths in.
 */
__noinline int write_path(__u32 index, struct place *place, __u32 at, __u32 *truncated)
{
	struct walk walk = {.position = HG_PATH - 1, .room = index};
	struct workspace *space = workspace_at(index);
	struct scratch *room = room_at(index);
	__u32 size;

	if (!room || !space || !place || !truncated || at > (HG_STRINGS - 1) * HG_PATH)
		return 0;
	walk.dentry = place->dentry;
	walk.mount = place->mount;
	space->walk[HG_PATH - 1] = 0;
	bpf_loop(PATH_DEPTH, climb, &walk, 0);
	*truncated = !walk.complete;
	if (walk.complete && walk.position == HG_PATH - 1) { /* the root itself */
		space->walk[HG_PATH - 2] = '/';
		walk.position = HG_PATH - 2;
	}
	if (walk.position >= HG_PATH)
		return 0;
	size = HG_PATH - walk.position;
	if (size > HG_PATH)
		return 0;
	bpf_probe_read_kernel(room->data + at, size, space->walk + (walk.position & (HG_PATH - 1)));
	return size;
}

static __always_inline void place_of(struct file *file, struct place *place)
{
	place->dentry = BPF_CORE_READ(file, f_path.dentry);
	place->mount = BPF_CORE_READ(file, f_path.mnt);
}

#endif
