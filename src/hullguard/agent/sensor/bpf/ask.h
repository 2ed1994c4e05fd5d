/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Which of a slot's wants are for a program that starts: by its path, its parent, its arguments and what else it is. */
#ifndef HG_ASK_H
#define HG_ASK_H

#define SAME 0x2020202020202020ULL /* capitals and small letters, and a blank and the NUL between arguments */
#define WINDOW 8                   /* letters that are looked at together */

/* Where the strings of a program that starts are in its room, and what its environment was found to have. */
struct started {
	__u32 path;
	__u32 path_size;
	__u32 cwd;
	__u32 cwd_size;
	__u32 arguments;
	__u32 arguments_size;
	__u64 variables;
};

/* Where the bits of `hits` say that a text may begin, the texts that do: their wants, in room->found. */
__noinline int look_for_texts(__u32 index, __u32 at, __u32 slot, __u32 kind, __u32 hits)
{
	struct scratch *room = room_at(index);
	int found = 0;

	if (!room || at > HG_STRINGS * HG_PATH)
		return 0;
	room->key.bits = (3 + HG_TEXT) * 8;
	room->key.slot = slot;
	room->key.kind = kind;
	for (int i = 0; i < WINDOW; i++) {
		const char *text = room->data + at + i;
		__u64 *wants;

		if (!(hits >> i & 1))
			continue;
		*(__u64 *)(room->key.path + 0) = *(__u64 *)(text + 0) | SAME;
		*(__u64 *)(room->key.path + 8) = *(__u64 *)(text + 8) | SAME;
		*(__u64 *)(room->key.path + 16) = *(__u64 *)(text + 16) | SAME;
		wants = bpf_map_lookup_elem(&paths, &room->key);
		if (wants) {
			room->found |= *wants;
			found = 1;
		}
	}
	return found;
}

struct scan {
	__u32 room;
	__u32 at;
	__u32 end;
	__u32 slot;
	__u32 kind;
	__u32 found;
};

/* Whether four letters begin some text: nearly none do, so this is all that most letters cost. */
static __always_inline __u32 may_begin(const __u64 *grams, __u32 gram)
{
	__u32 place = gram * 2654435761U >> 21;

	return grams[place >> 6 & (HG_GRAMS - 1)] >> (place & 63) & 1;
}

static long scan_window(__u32 number, struct scan *scan)
{
	struct scratch *room = room_at(scan->room);
	struct hg_config *wanted = settings();
	__u32 at = scan->at + number * WINDOW, hits;
	const __u64 *grams;
	__u64 here, next;

	if (!room || !wanted || at >= scan->end || at > HG_STRINGS * HG_PATH)
		return 1;
	grams = scan->kind == HG_TEXT_WANTED ? wanted->texts : wanted->variables;
	here = *(__u64 *)(room->data + at) | SAME;
	next = *(__u64 *)(room->data + at + WINDOW) | SAME;
	hits = may_begin(grams, here);
	hits |= may_begin(grams, here >> 8) << 1;
	hits |= may_begin(grams, here >> 16) << 2;
	hits |= may_begin(grams, here >> 24) << 3;
	hits |= may_begin(grams, here >> 32) << 4;
	hits |= may_begin(grams, here >> 40 | next << 24) << 5;
	hits |= may_begin(grams, here >> 48 | next << 16) << 6;
	hits |= may_begin(grams, here >> 56 | next << 8) << 7;
	if (hits && look_for_texts(scan->room, at, scan->slot, scan->kind, hits))
		scan->found = 1;
	return 0;
}

/*
 * Whether a string has one of the slot's texts; their wants are in room->found. What lies behind the string may be
 * taken for its end: too much is sent then, never too little.
 */
__noinline int find_texts(__u32 index, __u32 at, __u32 size, __u32 slot, __u32 kind)
{
	struct scan scan = {.room = index, .at = at, .end = at + size, .slot = slot, .kind = kind};
	struct scratch *room = room_at(index);

	if (!room || size > HG_PATH)
		return 0;
	room->found = 0;
	bpf_loop((size + WINDOW - 1) / WINDOW, scan_window, &scan, 0);
	return scan.found;
}

struct hiding {
	__u32 room;
	__u32 at;
	__u32 end;
	__u32 slash;
	__u32 hidden;
};

static long try_hidden(__u32 number, struct hiding *walk)
{
	struct scratch *room = room_at(walk->room);
	__u32 at = walk->at + number;

	if (!room || at >= walk->end || at > HG_STRINGS * HG_PATH)
		return 1;
	if (walk->slash && room->data[at] == '.') {
		walk->hidden = 1;
		return 1;
	}
	walk->slash = room->data[at] == '/';
	return 0;
}

static __always_inline bool hidden(__u32 index, __u32 at, __u32 size)
{
	struct hiding walk = {.room = index, .at = at, .end = at + size};

	bpf_loop(size <= HG_PATH ? size : HG_PATH, try_hidden, &walk, 0);
	return walk.hidden;
}

/* Of wants that ask for a trait, those for which the program has one. */
__noinline __u64 of_traits(__u32 index, __u64 wants, __u32 at, __u32 size)
{
	struct scratch *room = room_at(index);
	struct hg_slot *slot = room ? bpf_map_lookup_elem(&slots, &room->event.slot) : 0;
	struct hg_event *event;
	__u64 left;

	if (!room || !slot)
		return 0;
	event = &room->event;
	left = slot->execs;
	if (event->flags & HG_NEW)
		left |= slot->traits[HG_TRAIT_NEW];
	if (event->flags & HG_STDIO_SOCKET)
		left |= slot->traits[HG_TRAIT_STDIO];
	if (event->flags & HG_TTY)
		left |= slot->traits[HG_TRAIT_TERMINAL];
	if (event->flags & HG_TTY && event->ancestors && event->ancestry[0].flags & HG_OUTSIDE)
		left |= slot->traits[HG_TRAIT_ENTRY];
	if (!event->euid && event->uid)
		left |= slot->traits[HG_TRAIT_SETUID];
	if (wants & slot->traits[HG_TRAIT_HIDDEN] & ~left &&
	    (event->flags & HG_PATH_TRUNCATED || hidden(index, at, size)))
		left |= slot->traits[HG_TRAIT_HIDDEN];
	return wants & left;
}

static __always_inline __u64 parent_wants(struct scratch *room, __u32 slot)
{
	long size;

	if (!room->event.ancestors)
		return 0;
	size = bpf_probe_read_kernel_str(room->key.path, HG_COMM, room->event.ancestry[0].comm);
	return size > 0 && size <= HG_COMM ? look_up_path(room, slot, HG_PARENT_WANTED, size) : 0;
}

/* The wants that are for a program that starts; what costs more is asked of those that are left. */
__noinline __u64 exec_wants(struct scene *scene, struct started *what)
{
	struct scratch *room = scene ? room_at(scene->room) : 0;
	struct hg_slot *slot;
	__u32 number, index;
	__u64 wants, found;

	if (!scene || !what || !room)
		return 0;
	number = scene->slot;
	index = scene->room;
	slot = bpf_map_lookup_elem(&slots, &number);
	if (!slot)
		return 0;
	wants = of_program(scene, slot->wants[HG_EXEC]);
	if (wants & ~slot->execs)
		wants = of_traits(index, wants, what->path, what->path_size);
	if (wants & slot->by_parent)
		wants &= ~slot->by_parent | parent_wants(room, number);
	if (wants & slot->by_variable)
		wants &= ~slot->by_variable | what->variables;
	if (wants & slot->by_program && !(room->event.flags & HG_PATH_TRUNCATED)) {
		found = prefix_wants(room, what->path, what->path_size, number, HG_PROGRAM_WANTED);
		if (slot->flags & HG_HAS_ENDINGS)
			found |= ending_wants(index, what->path, what->path_size, number, HG_PROGRAM_ENDING);
		if (slot->flags & HG_HAS_DIRECTORIES)
			found |= directory_wants(index, what->path, what->path_size, number, HG_PROGRAM_DIRECTORY);
		wants &= ~slot->by_program | found;
	}
	if (wants & slot->by_cwd)
		wants &= ~slot->by_cwd | prefix_wants(room, what->cwd, what->cwd_size, number, HG_CWD_WANTED);
	if (wants & slot->by_text) {
		found = 0;
		if (find_texts(index, what->arguments, what->arguments_size, number, HG_TEXT_WANTED))
			found = room->found;
		wants &= ~slot->by_text | found;
	}
	return wants;
}

#endif
