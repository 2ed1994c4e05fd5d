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

/* Rings; the agent may shrink them before loading. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 2 << 20);
} ring_exec SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} ring_file SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 19);
} ring_proc SEC(".maps");

MAP(BPF_MAP_TYPE_LRU_HASH, verdicts, __u64, struct hg_verdict, 2048, 0); /* filled here, by cgroup id */
MAP(BPF_MAP_TYPE_LRU_HASH, known, __u64, struct hg_known, 8192, 0);      /* filled by the agent, by cgroup id */
MAP(BPF_MAP_TYPE_ARRAY, slots, __u32, struct hg_slot, HG_SLOTS, 0);
MAP(BPF_MAP_TYPE_HASH, names, struct hg_name, __u8, 8192, 1);
MAP(BPF_MAP_TYPE_HASH, inodes, struct hg_inode, __u8, 16384, 1);
MAP(BPF_MAP_TYPE_LPM_TRIE, paths, struct hg_path, __u8, 65536, 1);
MAP(BPF_MAP_TYPE_ARRAY, config, __u32, struct hg_config, 1, 0);
MAP(BPF_MAP_TYPE_ARRAY, sequence, __u32, __u64, 1, 0);
MAP(BPF_MAP_TYPE_PERCPU_ARRAY, lost, __u32, __u64, HG_CLASSES, 0);

struct scratch {
	struct hg_event event;
	char data[4 * HG_PATH];
	char walk[HG_PATH + 256];
	struct hg_path key;
	struct hg_name name;
	struct hg_verdict verdict;
};
MAP(BPF_MAP_TYPE_PERCPU_ARRAY, scratches, __u32, struct scratch, 1, 0);

/* Set by the agent before loading. */
const volatile struct hg_host hg_host = {};

/*
 * On the path of every open each helper call counts. With bpf_rdonly_cast a pointer gets its type back and a plain load
 * follows it; older kernels read with a helper. `typed` is a constant, so the verifier drops the other branch.
 */
extern void *bpf_rdonly_cast(const void *pointer, __u32 type) __ksym __weak;
#define TYPED(type, pointer)                                                                                           \
	(hg_host.typed ? (type *)bpf_rdonly_cast((pointer), bpf_core_type_id_kernel(type)) : (type *)(pointer))
#define GET(pointer, field) (hg_host.typed ? (pointer)->field : BPF_CORE_READ(pointer, field))

static __always_inline struct scratch *scratch_of_cpu(void)
{
	__u32 zero = 0;
	return bpf_map_lookup_elem(&scratches, &zero);
}

static __always_inline void count_lost(__u32 class)
{
	__u64 *count = bpf_map_lookup_elem(&lost, &class);
	if (count)
		*count += 1;
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
