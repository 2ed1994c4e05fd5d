/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Which of a slot's wants a path, an address or a port is enough for. */
#ifndef HG_MATCH_H
#define HG_MATCH_H

static __always_inline bool length_wanted(__u64 lengths, __u32 size)
{
	return lengths >> (size < 63 ? size : 63) & 1;
}

/* The ways to open that some want has for files, or for all below directories, of this name. */
static __always_inline __u32 name_wanted(struct dentry *dentry, char kind)
{
	struct hg_name key = {.kind = kind};
	__u32 *access;

	bpf_probe_read_kernel_str(key.name, HG_NAME, BPF_CORE_READ(dentry, d_name.name));
	access = bpf_map_lookup_elem(&names, &key);
	return access ? *access : 0;
}

static __always_inline __u64 look_up_path(struct scratch *room, __u32 slot, char kind, __u32 size)
{
	__u64 *wants;

	room->key.bits = (3 + size) * 8;
	room->key.slot = slot;
	room->key.kind = kind;
	wants = bpf_map_lookup_elem(&paths, &room->key);
	return wants ? *wants : 0;
}

/*
 * A pattern for one file ends in NUL, one for a directory in '/', so one longest-prefix lookup answers both. What is
 * longer than the key cannot be under a pattern that must fit in it.
 */
static __always_inline __u64 prefix_wants(struct scratch *room, __u32 at, __u32 size, __u32 slot, char kind)
{
	if (at > (HG_STRINGS - 1) * HG_PATH)
		return 0;
	if (size > HG_TRIE)
		size = HG_TRIE;
	if (bpf_probe_read_kernel(room->key.path, size, room->data + at))
		return 0;
	return look_up_path(room, slot, kind, size);
}

/* The path read backwards, without its NUL, finds patterns like "*.so" and "*" + "/.aws/credentials". */
__noinline __u64 ending_wants(__u32 index, __u32 at, __u32 size, __u32 slot, __u32 kind)
{
	struct scratch *room = room_at(index);
	__u32 length = 0;

	if (!room || at > (HG_STRINGS - 1) * HG_PATH || size < 2 || size > HG_PATH)
		return 0;
	for (__u32 i = 0; i < HG_TRIE; i++) {
		__u32 back = size - 2 - i;

		if (back >= HG_PATH)
			break;
		room->key.path[i] = room->data[at + back];
		length = i + 1;
	}
	return length <= HG_TRIE ? look_up_path(room, slot, kind, length) : 0;
}

struct directories {
	__u64 wants;
	__u32 at;
	__u32 end;
	__u32 begin; /* of the name that is being read */
	__u32 room;
	__u32 slot;
	__u32 kind;
};

static long try_directory(__u32 index, struct directories *walk)
{
	struct scratch *room = room_at(walk->room);
	__u32 at = walk->at + index, length = at - walk->begin;
	char letter;

	if (!room || at >= walk->end || at >= HG_STRINGS * HG_PATH)
		return 1;
	letter = room->data[at];
	if (length < HG_TRIE)
		room->key.path[length] = letter;
	if (letter != '/')
		return 0;
	if (length < HG_TRIE)
		walk->wants |= look_up_path(room, walk->slot, walk->kind, length + 1);
	walk->begin = at + 1;
	return 0;
}

/* Each directory's name in turn, for patterns like "*" + "/.ssh/" + "*". */
__noinline __u64 directory_wants(__u32 index, __u32 at, __u32 size, __u32 slot, __u32 kind)
{
	struct directories walk = {.at = at, .end = at + size, .begin = at, .room = index, .slot = slot, .kind = kind};

	bpf_loop(size <= HG_PATH ? size : HG_PATH, try_directory, &walk, 0);
	return walk.wants;
}

/* The wants of the slot whose patterns cover the path at `at`. */
__noinline __u64 path_wants(__u32 index, __u32 at, __u32 size, __u32 number)
{
	struct scratch *room = room_at(index);
	struct hg_slot *slot = bpf_map_lookup_elem(&slots, &number);
	__u64 wants;

	if (!room || !slot)
		return 0;
	wants = prefix_wants(room, at, size, number, HG_PATH_WANTED);
	if (slot->flags & HG_HAS_ENDINGS)
		wants |= ending_wants(index, at, size, number, HG_PATH_ENDING);
	if (slot->flags & HG_HAS_DIRECTORIES)
		wants |= directory_wants(index, at, size, number, HG_PATH_DIRECTORY);
	return wants;
}

#define CLIMB_WORDS 32
#define DOTS 0x2e2e2e2e2e2e2e2eULL
#define LOW_BITS 0x7f7f7f7f7f7f7f7fULL

/*
 * Whether a path, as it was written, has two dots in a row. Eight letters at a time, since this is asked of every open
 * of its kind: a letter's high bit is set where it is a dot, and the word before says whether it ended with one. What
 * is longer than is read here is taken to climb; so is a name like "a..b": the agent looks for "../" itself.
 */
__noinline int climbs(__u64 text, __u32 user)
{
	__u64 words[CLIMB_WORDS] = {}, dots, differs;
	__u32 ended = 0; /* the word before, with a dot */
	long size;

	if (!text)
		return 0;
	size = user ? bpf_probe_read_user_str(words, sizeof(words), (void *)text)
		    : bpf_probe_read_kernel_str(words, sizeof(words), (void *)text);
	if (size >= (long)sizeof(words))
		return 1;
	for (int i = 0; i < CLIMB_WORDS; i++) {
		if (i * 8 >= size)
			break;
		differs = words[i] ^ DOTS;
		dots = ~(((differs & LOW_BITS) + LOW_BITS) | differs | LOW_BITS);
		if (dots & (dots << 8) || (ended && dots & 0x80))
			return 1;
		ended = dots >> 63;
	}
	return 0;
}

/* Of the wants of an open, those that do not ask for a climbing path, and those too if it is one. */
static __always_inline __u64 climbing_wants(__u32 number, __u64 wants, const void *text, bool user)
{
	struct hg_slot *slot = bpf_map_lookup_elem(&slots, &number);

	if (!slot || !(slot->climbing & wants) || climbs((__u64)text, user))
		return wants;
	return wants & ~slot->climbing;
}

/* Wants that ask for no path at all. */
static __always_inline __u64 any_path_wants(__u32 number)
{
	struct hg_slot *slot = bpf_map_lookup_elem(&slots, &number);

	return slot ? slot->any_path : 0;
}

static __always_inline __u64 port_wants(__u32 number, __u16 port)
{
	struct hg_slot *slot = bpf_map_lookup_elem(&slots, &number);
	struct hg_port key = {.slot = number, .port = port};
	__u64 *wants = bpf_map_lookup_elem(&ports, &key);

	/* a want of any port has only those that it leaves out */
	return (slot ? slot->any_port : 0) ^ (wants ? *wants : 0);
}

static __always_inline __u64 address_wants(__u32 number, __u16 family, const __u8 *address)
{
	struct hg_slot *slot = bpf_map_lookup_elem(&slots, &number);
	struct hg_network key = {.slot = number, .family = family};
	__u64 *wants;

	key.bits = 32 + (family == AF_INET ? 32 : 128);
	__builtin_memcpy(key.address, address, 16);
	wants = bpf_map_lookup_elem(&networks, &key);
	return (slot ? slot->any_address : 0) | (wants ? *wants : 0);
}

static __always_inline __u64 transport_wants(__u32 number, __u32 transport)
{
	struct hg_slot *slot = bpf_map_lookup_elem(&slots, &number);

	return slot && transport < HG_TRANSPORTS ? slot->transports[transport] : 0;
}

#endif
