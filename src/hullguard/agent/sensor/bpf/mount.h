/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Mounts: what is where, from the mount that the kernel made, not from what the caller said of it. */
#ifndef HG_MOUNT_H
#define HG_MOUNT_H

#define MS_BIND 4096

/* Which registers hold a call's paths; 0 of a directory: the current one. */
struct mounting {
	const void *where;
	const void *what;
	__u64 flags;
	__s64 result;
	__s32 directory;
	__u32 kind;
	__u32 call;
	__u32 bind; /* `what` is a path too */
};

/* The source and the kind of file system of the mount that the walk ended in. */
static __always_inline __u32 add_mounted(struct scratch *room, struct workspace *space, __u32 at)
{
	struct vfsmount *mount = space->resolving.here.mount;
	struct mount *whole = (void *)mount - bpf_core_field_offset(struct mount, mnt);
	struct dentry *root = BPF_CORE_READ(mount, mnt_root);

	fill_file(&room->event.file, BPF_CORE_READ(root, d_inode));
	return add_text(room, HG_STRING_OTHER, at, BPF_CORE_READ(whole, mnt_devname), false);
}

__noinline int tell_mount(struct scene *scene, struct mounting *what)
{
	struct scratch *room = scene ? room_at(scene->room) : 0;
	struct workspace *space = scene ? workspace_at(scene->room) : 0;
	struct dentry *dentry;
	__u32 raw, second, at;

	if (!scene || !what || !room || !space)
		return 0;
	fill_subject(scene);
	raw = add_text(room, HG_STRING_RAW, 0, what->where, true);
	if (raw > HG_PATH)
		return 0;
	second = add_text(room, HG_STRING_DATA, raw, what->what, true);
	if (second > HG_PATH)
		return 0;
	if ((what->where && !raw) || (what->what && !second)) {
		count_lost(HG_CLASS_SECURITY, scene->cgroup, HG_UNREADABLE);
		return 0;
	}
	at = raw + second;
	take_text(space, room, 0, raw);
	at += add_followed(scene->room, HG_STRING_PATH, at, what->directory, FOLLOW_LAST);
	if (at > 3 * HG_PATH)
		return 0;
	if (what->bind) {
		dentry = space->resolving.here.dentry;
		fill_file(&room->event.file, BPF_CORE_READ(dentry, d_inode));
		take_text(space, room, raw, second);
		at += add_followed(scene->room, HG_STRING_OTHER, at, AT_FDCWD, FOLLOW_LAST);
	} else if (what->kind == HG_MOUNT && what->result >= 0) {
		at += add_mounted(room, space, at);
	}
	room->event.call = what->call;
	room->event.result = what->result;
	room->event.arguments[0] = what->flags;
	return at <= 4 * HG_PATH ? finish(scene, what->kind, HG_CLASS_SECURITY, at) : 0;
}

static __always_inline void read_mount(struct mounting *what)
{
	switch (what->call) {
	case HG_CALL_MOUNT:
		what->what = (void *)argument(0);
		what->where = (void *)argument(1);
		what->flags = argument(3);
		what->bind = !!(what->flags & MS_BIND);
		return;
	case HG_CALL_MOVE_MOUNT:
		what->what = (void *)argument(1);
		what->directory = argument(2);
		what->where = (void *)argument(3);
		what->flags = argument(4);
		return;
	case HG_CALL_UMOUNT2:
		what->kind = HG_UMOUNT;
		what->where = (void *)argument(0);
		what->flags = argument(1);
		return;
	default:
		what->kind = HG_PIVOT;
		what->where = (void *)argument(0);
		what->what = (void *)argument(1);
	}
}

SEC("tracepoint") int on_mount(struct trace_event_raw_sys_exit *context)
{
	struct mounting what = {.call = bpf_get_attach_cookie(context),
				.result = context->ret,
				.kind = HG_MOUNT,
				.directory = AT_FDCWD};
	struct scene scene = {};

	if (!tried(what.result))
		return 0;
	read_mount(&what);
	if (!interest(&scene, what.kind) || over_limit(HG_CLASS_SECURITY, scene.cgroup, what.kind))
		return 0;
	scene.room = take_room();
	if (scene.room >= ROOMS) {
		count_lost(HG_CLASS_SECURITY, scene.cgroup, HG_RING_FULL);
		return 0;
	}
	tell_mount(&scene, &what);
	leave_room(scene.room);
	return 0;
}

#endif
