/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Who sends the agent a signal: ending it is the first thing that an intruder on the host tries. */
#ifndef HG_SIGNAL_H
#define HG_SIGNAL_H

/* From a process, not from the kernel: no details (0), or a code that is not positive. */
static __always_inline bool sent_by_process(struct kernel_siginfo *details)
{
	if ((unsigned long)details <= 1)
		return !details;
	return BPF_CORE_READ(details, si_code) <= 0;
}

SEC("tp_btf/signal_generate")
int BPF_PROG(on_signal, int number, struct kernel_siginfo *details, struct task_struct *to, int group, int result)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct act act = {.call = HG_CALL_KILL, .kind = HG_SIGNAL};
	struct hg_config *wanted = settings();
	struct kernfs_node *node;
	struct scene scene = {};

	if (!wanted || !wanted->agent || to->tgid != wanted->agent || task->tgid == wanted->agent ||
	    !sent_by_process(details))
		return 0;
	/* the host is told of here even where it is silent: it is the agent's own safety */
	if (!look_at(&scene, task)) {
		node = task_cgroup(task);
		scene.task = task;
		scene.cgroup = node->id;
		scene.verdict = 0;
		scene.host = 1;
	}
	find_slot(&scene);
	act.result = result;
	act.arguments[0] = number;
	act.arguments[1] = to->tgid;
	return tell_act(&scene, &act);
}

#endif
