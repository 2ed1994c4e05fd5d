/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* What becomes of names, modes and owners of files. No descriptor is left of these calls, so paths are followed anew.
 */
#ifndef HG_CHANGE_H
#define HG_CHANGE_H

/* One such call: where its paths begin, what they say, and what becomes of their last names. */
struct change {
	const void *first; /* what the event is about */
	const void *second;
	__u64 arguments[2];
	__s64 result;
	__u64 wants;
	__s32 first_directory; /* the file itself, if it is told by a descriptor */
	__s32 second_directory;
	__u32 first_follow;
	__u32 second_follow;
	__u32 kind;
	__u32 call;
	__u32 flags;
	__u32 user; /* the paths are in the program's memory */
	__u32 told_by_descriptor;
};

static __always_inline __u32 add_change_text(struct scratch *room, __u32 which, __u32 at, const void *text, bool user)
{
	return user ? add_text(room, which, at, text, true) : add_text(room, which, at, text, false);
}

/* The text at `at` becomes what resolve() follows. */
static __always_inline void take_text(struct workspace *space, struct scratch *room, __u32 at, __u32 size)
{
	space->text[HG_PATH] = 0;
	if (at <= LAST_STRING && size <= HG_PATH)
		bpf_probe_read_kernel(space->text + HG_PATH, size, room->data + at);
}

/* Writes one of the paths, as far as it can be followed; answers its size. */
__noinline int add_followed(__u32 index, __u32 which, __u32 at, long directory, __u32 follow)
{
	struct workspace *space = workspace_at(index);
	struct scratch *room = room_at(index);
	struct dentry *dentry;
	__u32 truncated = 0, size, done;

	if (!space || !room || at > LAST_STRING - HG_PATH)
		return 0;
	done = resolve(index, directory, follow);
	size = write_resolved(index, at, &truncated);
	if (size > HG_PATH)
		return 0;
	if (which == HG_STRING_PATH) {
		room->event.sizes[HG_STRING_PATH] = size;
		room->event.flags |= (done ? 0 : HG_UNRESOLVED) | (truncated ? HG_PATH_TRUNCATED : 0);
	} else {
		room->event.sizes[HG_STRING_OTHER] = size;
		room->event.flags |= done ? 0 : HG_OTHER_UNRESOLVED;
	}
	/* where a symbolic link leads is another file than the link */
	if (done && (follow == FIND_LAST || (follow == FOLLOW_LAST && which == HG_STRING_PATH))) {
		dentry = space->resolving.here.dentry;
		fill_file(&room->event.file, BPF_CORE_READ(dentry, d_inode));
	}
	return size;
}

/* Of fchmod and fchown the descriptor tells. */
static __always_inline __u32 add_described(__u32 index, struct scratch *room, struct task_struct *task,
					   __s32 descriptor)
{
	struct file *file = file_of(task, descriptor);
	struct place place;

	if (!file)
		return 0;
	place_of(file, &place);
	fill_file(&room->event.file, BPF_CORE_READ(file, f_inode));
	return add_path(index, room, HG_STRING_PATH, 0, &place);
}

static __always_inline __u32 add_paths(__u32 index, struct scratch *room, struct change *what, __u32 *path,
				       __u32 *other)
{
	struct workspace *space = workspace_at(index);
	__u32 raw = add_change_text(room, HG_STRING_RAW, 0, what->first, what->user), second, at;
	struct dentry *dentry;

	if (!space || raw > HG_PATH || (what->first && !raw))
		return 0;
	second = add_change_text(room, HG_STRING_DATA, raw, what->second, what->user);
	if (second > HG_PATH || (what->second && !second))
		return 0;
	at = *path = raw + second;
	take_text(space, room, 0, raw);
	at += add_followed(index, HG_STRING_PATH, at, what->first_directory, what->first_follow);
	*other = at;
	if (second && at <= 3 * HG_PATH) {
		take_text(space, room, raw, second);
		at += add_followed(index, HG_STRING_OTHER, at, what->second_directory, what->second_follow);
		/* the file that a hard link is of, also where a symbolic link led to it */
		if (what->kind == HG_LINK && !(room->event.flags & HG_OTHER_UNRESOLVED)) {
			dentry = space->resolving.here.dentry;
			fill_file(&room->event.file, BPF_CORE_READ(dentry, d_inode));
		}
	}
	return at;
}

__noinline int tell_change(struct scene *scene, struct change *what)
{
	struct scratch *room = scene ? room_at(scene->room) : 0;
	__u32 path = 0, other = 0, end;
	__u64 wants;

	if (!scene || !what || !room)
		return 0;
	fill_subject(scene);
	if (what->told_by_descriptor)
		other = end = add_described(scene->room, room, scene->task, what->first_directory);
	else
		end = add_paths(scene->room, room, what, &path, &other);
	if (!end && !what->told_by_descriptor) /* the kernel could read them, or the call had not got so far */
		count_lost(HG_CLASS_FILE, scene->cgroup, HG_UNREADABLE);
	if (end > 4 * HG_PATH || !end)
		return 0;
	/* without its beginning no pattern can be excluded */
	if (!(room->event.flags & HG_PATH_TRUNCATED)) {
		wants = path_wants(scene->room, path, other - path, scene->slot);
		if (end > other)
			wants |= path_wants(scene->room, other, end - other, scene->slot);
		if (!(wants & what->wants))
			return 0;
	}
	if (over_limit(HG_CLASS_FILE, scene->cgroup, what->kind))
		return 0;
	room->event.flags |= what->flags;
	room->event.call = what->call;
	room->event.result = what->result;
	room->event.arguments[0] = what->arguments[0];
	room->event.arguments[1] = what->arguments[1];
	room->event.arguments[2] = what->first_directory;
	room->event.arguments[3] = what->second_directory;
	return finish(scene, what->kind, HG_CLASS_FILE, end);
}

static __always_inline int report_change(struct scene *scene, struct change *what)
{
	scene->room = take_room();
	if (scene->room >= ROOMS) {
		count_lost(HG_CLASS_FILE, scene->cgroup, HG_RING_FULL);
		return 0;
	}
	tell_change(scene, what);
	leave_room(scene->room);
	return 0;
}

/* A call that did nothing matters only if it was forbidden. */
static __always_inline bool tried(long result)
{
	return result >= 0 || result == -EPERM || result == -EACCES || result == -EROFS;
}

static __always_inline void one_path(struct change *what, __s32 directory, int text, __u32 follow)
{
	what->first_directory = directory;
	what->first = (void *)argument(text);
	what->first_follow = follow;
}

static __always_inline void other_path(struct change *what, __s32 directory, int text, __u32 follow)
{
	what->second_directory = directory;
	what->second = (void *)argument(text);
	what->second_follow = follow;
}

/*
 * rename and link: a link is told by its new name, and leads to the old. After a failure no new name is there to find;
 * nor is that of a link in an overlay, which leaves it to the next look-up.
 */
static __always_inline void read_pair(struct change *what, __u32 call)
{
	__u32 made = what->result < 0 ? LEAVE_LAST : FIND_LAST;

	switch (call) {
	case HG_CALL_RENAME:
		one_path(what, AT_FDCWD, 0, LEAVE_LAST);
		other_path(what, AT_FDCWD, 1, made);
		return;
	case HG_CALL_RENAMEAT:
	case HG_CALL_RENAMEAT2:
		one_path(what, argument(0), 1, LEAVE_LAST);
		other_path(what, argument(2), 3, made);
		what->arguments[0] = call == HG_CALL_RENAMEAT2 ? argument(4) : 0;
		return;
	case HG_CALL_LINK:
		one_path(what, AT_FDCWD, 1, LEAVE_LAST);
		other_path(what, AT_FDCWD, 0, FIND_LAST);
		return;
	case HG_CALL_LINKAT:
		one_path(what, argument(2), 3, LEAVE_LAST);
		what->arguments[0] = argument(4);
		other_path(what, argument(0), 1, what->arguments[0] & AT_SYMLINK_FOLLOW ? FOLLOW_LAST : FIND_LAST);
		return;
	case HG_CALL_SYMLINK:
		one_path(what, AT_FDCWD, 1, LEAVE_LAST);
		other_path(what, FROM_HERE, 0, FOLLOW_LAST);
		return;
	default:
		one_path(what, argument(1), 2, LEAVE_LAST);
		other_path(what, FROM_HERE, 0, FOLLOW_LAST);
	}
}

SEC("tracepoint") int on_pair(struct trace_event_raw_sys_exit *context)
{
	struct change what = {.call = bpf_get_attach_cookie(context), .result = context->ret, .user = 1};
	struct scene scene = {};

	what.kind = what.call >= HG_CALL_SYMLINK ? HG_SYMLINK : what.call >= HG_CALL_LINK ? HG_LINK : HG_RENAME;
	if (!tried(what.result))
		return 0;
	what.wants = interest(&scene, what.kind);
	if (!what.wants)
		return 0;
	read_pair(&what, what.call);
	return report_change(&scene, &what);
}

static __always_inline void read_single(struct change *what, __u32 call)
{
	__u32 made = what->result < 0 ? LEAVE_LAST : FIND_LAST;
	bool at = call == HG_CALL_UNLINKAT || call == HG_CALL_MKDIRAT || call == HG_CALL_MKNODAT;

	if (call == HG_CALL_UNLINK || call == HG_CALL_UNLINKAT || call == HG_CALL_RMDIR)
		made = LEAVE_LAST;
	one_path(what, at ? (__s32)argument(0) : AT_FDCWD, at ? 1 : 0, made);
	if (call == HG_CALL_UNLINKAT)
		what->arguments[0] = argument(2);
	else if (call == HG_CALL_RMDIR)
		what->arguments[0] = AT_REMOVEDIR;
	else if (call != HG_CALL_UNLINK)
		what->arguments[0] = at ? argument(2) : argument(1);
	if (call == HG_CALL_MKNOD || call == HG_CALL_MKNODAT)
		what->arguments[1] = at ? argument(3) : argument(2);
}

SEC("tracepoint") int on_single(struct trace_event_raw_sys_exit *context)
{
	struct change what = {.call = bpf_get_attach_cookie(context), .result = context->ret, .user = 1};
	struct scene scene = {};

	what.kind = what.call >= HG_CALL_MKDIR ? HG_MAKE : HG_UNLINK;
	if (!tried(what.result))
		return 0;
	what.wants = interest(&scene, what.kind);
	if (!what.wants)
		return 0;
	read_single(&what, what.call);
	return report_change(&scene, &what);
}

static __always_inline void read_rights(struct change *what, __u32 call)
{
	__u64 flags = call == HG_CALL_FCHMODAT2 ? argument(3) : call == HG_CALL_FCHOWNAT ? argument(4) : 0;
	bool at = call == HG_CALL_FCHMODAT || call == HG_CALL_FCHMODAT2 || call == HG_CALL_FCHOWNAT;
	__u32 follow = flags & AT_SYMLINK_NOFOLLOW || call == HG_CALL_LCHOWN ? FIND_LAST : FOLLOW_LAST;

	what->told_by_descriptor = call == HG_CALL_FCHMOD || call == HG_CALL_FCHOWN || flags & AT_EMPTY_PATH;
	what->first_directory = argument(0);
	what->arguments[0] = at ? argument(2) : argument(1);
	what->arguments[1] = at ? argument(3) : argument(2);
	if (!what->told_by_descriptor)
		one_path(what, at ? (__s32)argument(0) : AT_FDCWD, at ? 1 : 0, follow);
}

SEC("tracepoint") int on_rights(struct trace_event_raw_sys_exit *context)
{
	struct change what = {.call = bpf_get_attach_cookie(context), .result = context->ret, .user = 1};
	struct scene scene = {};

	what.kind = what.call >= HG_CALL_CHOWN ? HG_OWNER : HG_MODE;
	if (!tried(what.result))
		return 0;
	what.wants = interest(&scene, what.kind);
	if (!what.wants)
		return 0;
	read_rights(&what, what.call);
	return report_change(&scene, &what);
}

/* An open that came to nothing: there is no file, so its path is followed as far as it leads. */
SEC("tracepoint") int on_failed_open(struct trace_event_raw_sys_exit *context)
{
	struct change what = {
		.kind = HG_FILE, .call = bpf_get_attach_cookie(context), .result = context->ret, .user = 1};
	bool plain = what.call == HG_CALL_OPEN || what.call == HG_CALL_CREAT;
	struct scene scene = {};

	if (what.result >= 0)
		return 0;
	what.wants = interest(&scene, HG_OPEN_FAILED);
	if (!what.wants)
		return 0;
	one_path(&what, plain ? AT_FDCWD : (__s32)argument(0), plain ? 0 : 1, FOLLOW_LAST);
	what.wants = climbing_wants(scene.slot, what.wants, what.first, true);
	if (!what.wants)
		return 0;
	return report_change(&scene, &what);
}

#endif
