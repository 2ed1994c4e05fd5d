/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Every map of the sensor. All are pinned: the agent of tomorrow goes on where that of today was killed. */
#ifndef HG_MAPS_H
#define HG_MAPS_H

#define MAP(kind, name, key_type, value_type, entries, flags)                                                          \
	struct {                                                                                                       \
		__uint(type, kind);                                                                                    \
		__type(key, key_type);                                                                                 \
		__type(value, value_type);                                                                             \
		__uint(max_entries, entries);                                                                          \
		__uint(map_flags, flags);                                                                              \
	} name SEC(".maps")

/* A ring for each class of events, so that a flood of one starves no other; the agent may resize them before loading.
 */
#define RING(name, bytes)                                                                                              \
	struct {                                                                                                       \
		__uint(type, BPF_MAP_TYPE_RINGBUF);                                                                    \
		__uint(max_entries, bytes);                                                                            \
	} name SEC(".maps")

RING(ring_exec, 2 << 20);
RING(ring_file, 1 << 20);
RING(ring_proc, 1 << 19);
RING(ring_network, 1 << 19);
RING(ring_security, 1 << 19);

MAP(BPF_MAP_TYPE_LRU_HASH, verdicts, __u64, struct hg_verdict, 2048, 0); /* filled here, by cgroup id */
MAP(BPF_MAP_TYPE_LRU_HASH, known, __u64, struct hg_known, 8192, 0);      /* filled by the agent, by cgroup id */
MAP(BPF_MAP_TYPE_ARRAY, slots, __u32, struct hg_slot, HG_SLOTS, 0);
MAP(BPF_MAP_TYPE_HASH, names, struct hg_name, __u32, 8192, 1); /* ways to open that files so named are wanted for */
MAP(BPF_MAP_TYPE_HASH, inodes, struct hg_inode, __u8, 16384, 1);
MAP(BPF_MAP_TYPE_LPM_TRIE, paths, struct hg_path, __u64, 65536, 1);       /* wants that a path is enough for */
MAP(BPF_MAP_TYPE_LPM_TRIE, networks, struct hg_network, __u64, 16384, 1); /* the same of an address */
MAP(BPF_MAP_TYPE_HASH, programs, struct hg_program, __u64, 32768, 1);     /* ... and of a program's name */
MAP(BPF_MAP_TYPE_HASH, ports, struct hg_port, __u64, 16384, 1);
MAP(BPF_MAP_TYPE_LPM_TRIE, allowed, struct hg_allowed, __u8, 131072, 1); /* what fences let through */
MAP(BPF_MAP_TYPE_ARRAY, lease, __u32, __u64, 1, 0);                      /* until when fences hold */
MAP(BPF_MAP_TYPE_ARRAY, config, __u32, struct hg_config, 1, 0);
MAP(BPF_MAP_TYPE_ARRAY, sequence, __u32, __u64, 1, 0);
MAP(BPF_MAP_TYPE_PERCPU_ARRAY, lost, __u32, __u64, 2 * HG_CLASSES, 0); /* for full rings, then for rate limits */
MAP(BPF_MAP_TYPE_LRU_HASH, losses, struct hg_loss_key, struct hg_loss, 4096, 0);
MAP(BPF_MAP_TYPE_LRU_HASH, rates, struct hg_rate_key, struct hg_rate, 8192, 0);

/*
 * Room to build a record in. A program can be interrupted by another on the same CPU (from a softirq, or by preemption
 * where it was attached to a cgroup), so there are three rooms, and each program takes one for itself.
 */
#define ROOMS 3
struct scratch {
	__u32 busy;
	__u32 pad;
	struct hg_event event;
	char data[HG_STRINGS * HG_PATH];
	char beyond[2 * HG_TEXT]; /* whoever looks for a text may read on after the last string */
	struct hg_path key;
	struct hg_verdict verdict;
	__u64 found; /* wants whose text is in a string */
};
MAP(BPF_MAP_TYPE_PERCPU_ARRAY, scratches, __u32, struct scratch, ROOMS, 0);

/* Set by the agent before loading. */
const volatile struct hg_host hg_host = {.abi = HG_ABI};

/*
 * On the path of every open each helper call counts. With bpf_rdonly_cast a pointer gets its type back and a plain load
 * follows it; older kernels read with a helper. `typed` is a constant, so the verifier drops the other branch.
 */
extern void *bpf_rdonly_cast(const void *pointer, __u32 type) __ksym __weak;
#define TYPED(type, pointer)                                                                                           \
	(hg_host.typed ? (type *)bpf_rdonly_cast((pointer), bpf_core_type_id_kernel(type)) : (type *)(pointer))
#define GET(pointer, field) (hg_host.typed ? (pointer)->field : BPF_CORE_READ(pointer, field))

static __always_inline struct hg_config *settings(void)
{
	__u32 zero = 0;
	return bpf_map_lookup_elem(&config, &zero);
}

static __always_inline struct scratch *room_at(__u32 index)
{
	return bpf_map_lookup_elem(&scratches, &index);
}

/* Answers the number of a room that is ours until leave_room(), or ROOMS. */
static __always_inline __u32 take_room(void)
{
	for (__u32 index = 0; index < ROOMS; index++) {
		struct scratch *room = room_at(index);
		if (room && __sync_val_compare_and_swap(&room->busy, 0, 1) == 0)
			return index;
	}
	return ROOMS;
}

static __always_inline void leave_room(__u32 index)
{
	struct scratch *room = room_at(index);
	if (room)
		room->busy = 0;
}

/* Counted twice: exactly for each class, and for each container with the time, so that a gap can be told. */
__noinline int count_lost(__u32 class, __u64 cgroup, __u32 why)
{
	__u32 index = why == HG_RATE_LIMIT ? HG_CLASSES + class : class;
	struct hg_loss_key key = {.cgroup = cgroup, .class = class, .why = why};
	__u64 now = bpf_ktime_get_boot_ns();
	struct hg_loss first = {.first_ns = now};
	__u64 *count = bpf_map_lookup_elem(&lost, &index);
	struct hg_loss *loss;

	if (count)
		__sync_fetch_and_add(count, 1);
	loss = bpf_map_lookup_elem(&losses, &key);
	if (!loss) {
		bpf_map_update_elem(&losses, &key, &first, BPF_NOEXIST);
		loss = bpf_map_lookup_elem(&losses, &key);
	}
	if (loss) {
		__sync_fetch_and_add(&loss->count, 1);
		loss->last_ns = now;
	}
	return 0;
}

/* A container that does one thing thousands of times a second is told so often as the agent can take, and counted. */
__noinline int over_limit(__u32 class, __u64 cgroup, __u32 kind)
{
	struct hg_config *wanted = settings();
	struct hg_rate_key key = {.cgroup = cgroup, .kind = kind};
	struct hg_rate fresh = {.second = bpf_ktime_get_boot_ns() / 1000000000};
	struct hg_rate *rate;

	if (!wanted || !wanted->rate)
		return 0;
	rate = bpf_map_lookup_elem(&rates, &key);
	if (!rate || rate->second != fresh.second) {
		bpf_map_update_elem(&rates, &key, &fresh, BPF_ANY);
		rate = bpf_map_lookup_elem(&rates, &key);
	}
	if (!rate || __sync_fetch_and_add(&rate->count, 1) < wanted->rate)
		return 0;
	count_lost(class, cgroup, HG_RATE_LIMIT);
	return 1;
}

static __always_inline __u64 next_sequence(void)
{
	__u32 zero = 0;
	__u64 *counter = bpf_map_lookup_elem(&sequence, &zero);
	return counter ? __sync_fetch_and_add(counter, 1) + 1 : 0;
}

static __always_inline void fill_head(struct hg_head *head, __u16 kind, __u64 cgroup)
{
	head->abi = HG_ABI;
	head->kind = kind;
	head->cpu = bpf_get_smp_processor_id();
	head->sequence = next_sequence();
	head->time_ns = bpf_ktime_get_boot_ns();
	head->cgroup = cgroup;
}

#endif
