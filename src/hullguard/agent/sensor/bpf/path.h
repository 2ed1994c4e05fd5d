/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* The real path of an opened file: from its dentry upwards, over mounts, to the root of the mount namespace. */
#ifndef HG_PATH_H
#define HG_PATH_H

#define PATH_DEPTH 256

struct walk {
	struct dentry *dentry;
	struct vfsmount *mount;
	__u32 position; /* where the path begins in scratch.walk */
	__u32 complete;
};

static long climb(__u32 index, struct walk *walk)
{
	struct scratch *room = scratch_of_cpu();
	struct dentry *dentry = walk->dentry;
	struct vfsmount *inside = walk->mount; /* a local: CO-RE would relocate walk's own fields */
	struct dentry *parent = BPF_CORE_READ(dentry, d_parent);
	__u32 position = walk->position, size;

	if (!room)
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
	bpf_probe_read_kernel(room->walk + (position & (HG_PATH - 1)), size & 255, BPF_CORE_READ(dentry, d_name.name));
	position -= 1;
	room->walk[position & (HG_PATH - 1)] = '/';
	walk->position = position;
	walk->dentry = parent;
	if (dentry == parent) { /* in no directory: a memfd */
		walk->complete = 1;
		return 1;
	}
	return 0;
}

/* Writes the path to scratch.data at `at`, NUL included; answers its size, and whether it has its beginning. */
static __noinline int write_path(struct dentry *dentry, struct vfsmount *mount, __u32 at, __u32 *truncated)
{
	struct walk walk = {.dentry = dentry, .mount = mount, .position = HG_PATH - 1};
	struct scratch *room = scratch_of_cpu();
	__u32 size;

	if (!room || !truncated || at > 3 * HG_PATH)
		return 0;
	room->walk[HG_PATH - 1] = 0;
	bpf_loop(PATH_DEPTH, climb, &walk, 0);
	*truncated = !walk.complete;
	if (walk.complete && walk.position == HG_PATH - 1) { /* the root itself */
		room->walk[HG_PATH - 2] = '/';
		walk.position = HG_PATH - 2;
	}
	if (walk.position >= HG_PATH)
		return 0;
	size = HG_PATH - walk.position;
	if (size > HG_PATH)
		return 0;
	bpf_probe_read_kernel(room->data + at, size, room->walk + (walk.position & (HG_PATH - 1)));
	return size;
}

/*
 * Does the path at `at` match one of the slot's patterns? A pattern for one file ends in NUL, one for a directory in
 * '/', so one longest-prefix lookup answers both. What is longer than the key cannot be under a pattern that must fit
 * in it.
 */
static __always_inline bool path_matches(struct scratch *room, __u32 at, __u32 size, __u32 slot, char kind)
{
	if (at > 2 * HG_PATH)
		return false;
	if (size > HG_TRIE)
		size = HG_TRIE;
	room->key.bits = (3 + size) * 8;
	room->key.slot = slot;
	room->key.kind = kind;
	if (bpf_probe_read_kernel(room->key.path, size, room->data + at))
		return false;
	return bpf_map_lookup_elem(&paths, &room->key) != 0;
}

static __always_inline bool length_wanted(__u64 lengths, __u32 size)
{
	return lengths >> (size < 63 ? size : 63) & 1;
}

static __always_inline bool name_wanted(struct dentry *dentry, char kind)
{
	struct scratch *room = scratch_of_cpu();

	if (!room)
		return false;
	__builtin_memset(&room->name, 0, sizeof(room->name));
	room->name.kind = kind;
	bpf_probe_read_kernel_str(room->name.name, HG_NAME, BPF_CORE_READ(dentry, d_name.name));
	return bpf_map_lookup_elem(&names, &room->name) != 0;
}

#endif
