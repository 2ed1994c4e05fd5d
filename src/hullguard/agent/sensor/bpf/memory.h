/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Memory that becomes executable without being a program's or a library's own text. */
#ifndef HG_MEMORY_H
#define HG_MEMORY_H

#define PROT_WRITE 2
#define PROT_EXEC 4
#define MAP_ANONYMOUS 0x20

/* What the kernel knows of the memory at an address. */
struct region {
	struct file *file;
	__u64 flags;
	__u32 found;
};

static long read_region(struct task_struct *task, struct vm_area_struct *area, struct region *region)
{
	region->file = BPF_CORE_READ(area, vm_file);
	region->flags = BPF_CORE_READ(area, vm_flags);
	region->found = 1;
	return 0;
}

/*
 * Every library is mapped executable and read-only from its file; that is no news. News is memory that is executable
 * and has no file, or that is writable too.
 */
SEC("tracepoint") int on_memory(struct trace_event_raw_sys_exit *context)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct act act = {.call = bpf_get_attach_cookie(context), .result = context->ret, .kind = HG_PROTECTION};
	__u64 protection = argument(2), address;
	struct region region = {};
	struct scene scene = {};

	if (!(protection & PROT_EXEC) || (act.result < 0 && act.result > -4096 && !tried(act.result)))
		return 0;
	if (act.call == HG_CALL_MMAP && !(protection & PROT_WRITE) && !(argument(3) & MAP_ANONYMOUS))
		return 0;
	if (!interest(&scene, act.kind))
		return 0;
	address = act.call == HG_CALL_MMAP ? (__u64)act.result : argument(0);
	if (act.result >= 0 || act.result < -4095)
		bpf_find_vma(task, address, read_region, &region, 0);
	if (region.file && !(protection & PROT_WRITE))
		return 0;
	act.arguments[0] = address;
	act.arguments[1] = argument(1);
	act.arguments[2] = protection;
	act.file = region.file;
	return tell_act(&scene, &act);
}

#endif
