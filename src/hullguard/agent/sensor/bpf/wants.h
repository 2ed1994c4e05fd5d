/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Whether a policy wants to know of what the current task does. */
#ifndef HG_WANTS_H
#define HG_WANTS_H

/* The wants of the scene's slot that ask for an operation. */
static __always_inline __u64 wants_of(struct scene *scene, __u32 operation)
{
	__u32 number = scene->slot;
	struct hg_slot *slot = bpf_map_lookup_elem(&slots, &number);

	return slot && operation < HG_OPERATIONS ? slot->wants[operation] : 0;
}

/*
 * Of these wants, those that ask for any program or for the scene's. The name is looked up when something happens and
 * not kept from the exec: a process may change it, and rules judge by what it is called then.
 */
static __always_inline __u64 of_program(struct scene *scene, __u64 wants)
{
	struct hg_program key = {.slot = scene->slot};
	__u32 number = scene->slot;
	struct hg_slot *slot = bpf_map_lookup_elem(&slots, &number);
	struct task_struct *task = scene->task;
	__u64 *named;

	if (!slot || !(slot->named & wants))
		return wants;
	BPF_CORE_READ_STR_INTO(&key.name, task, group_leader, comm);
	named = bpf_map_lookup_elem(&programs, &key);
	return wants & (~slot->named | ((named ? *named : 0) ^ slot->spared));
}

/*
 * Whether an operation by the current task may have to be told; what is asked of nearly every call that is hooked. A
 * function of its own, which the verifier judges once and not on every way that leads to it.
 */
__noinline __u64 interest(struct scene *scene, __u32 operation)
{
	__u64 wants;

	if (!scene || !look_at(scene, bpf_get_current_task_btf()))
		return 0;
	find_slot(scene);
	wants = of_program(scene, wants_of(scene, operation));
	return wants && !runtime(scene) ? wants : 0;
}

#endif
