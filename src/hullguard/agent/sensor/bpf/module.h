/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Modules that the kernel has taken, however they came. */
#ifndef HG_MODULE_H
#define HG_MODULE_H

SEC("raw_tp/module_load") int on_module(struct bpf_raw_tracepoint_args *context)
{
	struct act act = {.call = HG_CALL_INIT_MODULE, .kind = HG_MODULE, .kernel = 1};
	struct module *module = (void *)context->args[0];
	struct scene scene = {};

	if (!interest(&scene, act.kind))
		return 0;
	if (bpf_core_field_exists(module->name))
		act.name = (void *)module + bpf_core_field_offset(struct module, name);
	return tell_act(&scene, &act);
}

#endif
