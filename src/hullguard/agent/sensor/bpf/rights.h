/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Calls with which a process reaches for others, for more rights, or for the kernel. */
#ifndef HG_RIGHTS_H
#define HG_RIGHTS_H

#define MOST_TRACED 64
#define PTRACE_TRACEME 0
#define NEW_NAMESPACES 0x7e020080 /* every CLONE_NEW... */
#define BPF_PROG_LOAD 5

extern struct task_struct *bpf_task_from_vpid(int pid) __ksym __weak;
extern void bpf_task_release(struct task_struct *task) __ksym __weak;

/* What is told of such a call. */
struct act {
	__u64 arguments[HG_ARGUMENTS];
	__s64 result;
	const void *name; /* a string that goes with it */
	struct file *file;
	__u32 kind;
	__u32 call;
	__u32 flags;
	__u32 kernel; /* the name is in the kernel's memory */
};

__noinline int tell_act(struct scene *scene, struct act *act)
{
	struct scratch *room;
	struct place place;
	struct file *file;
	__u32 at = 0;

	if (!scene || !act || over_limit(HG_CLASS_SECURITY, scene->cgroup, act->kind))
		return 0;
	scene->room = take_room();
	room = room_at(scene->room);
	if (!room) {
		count_lost(HG_CLASS_SECURITY, scene->cgroup, HG_RING_FULL);
		return 0;
	}
	fill_subject(scene);
	if (act->name)
		at = act->kernel ? add_text(room, HG_STRING_RAW, 0, act->name, false)
				 : add_text(room, HG_STRING_RAW, 0, act->name, true);
	if (at > HG_PATH)
		at = 0;
	file = act->file;
	if (file) {
		place_of(file, &place);
		fill_file(&room->event.file, BPF_CORE_READ(file, f_inode));
		at += add_path(scene->room, room, HG_STRING_PATH, at, &place);
	}
	room->event.flags |= act->flags;
	room->event.call = act->call;
	room->event.result = act->result;
	__builtin_memcpy(room->event.arguments, act->arguments, sizeof(act->arguments));
	if (at <= 2 * HG_PATH)
		finish(scene, act->kind, HG_CLASS_SECURITY, at);
	leave_room(scene->room);
	return 0;
}

struct tracees {
	struct list_head *list;
	struct list_head *node;
	__u32 level;
	__u32 number;
	__u32 found;
};

static long try_tracee(__u32 index, struct tracees *walk)
{
	struct list_head *node = walk->node;
	struct task_struct *other = (void *)node - bpf_core_field_offset(struct task_struct, ptrace_entry);

	if (!node || node == walk->list)
		return 1;
	if (number_in(BPF_CORE_READ(other, thread_pid), walk->level) == walk->number) {
		walk->found = BPF_CORE_READ(other, tgid);
		return 1;
	}
	walk->node = BPF_CORE_READ(node, next);
	return 0;
}

/* The host's number of a process that the current one traces, by the number that it uses; 0 if it traces none such. */
static __always_inline __u32 traced(struct task_struct *task, __u32 number)
{
	struct list_head *list = (void *)task + bpf_core_field_offset(struct task_struct, ptraced);
	struct tracees walk = {.number = number, .level = BPF_CORE_READ(task, thread_pid, level)};

	walk.node = BPF_CORE_READ(list, next);
	walk.list = list;
	bpf_loop(MOST_TRACED, try_tracee, &walk, 0);
	return walk.found;
}

/* Of the many requests those that begin, or that change the other process. */
static __always_inline bool grave_request(__u64 request)
{
	return request == PTRACE_TRACEME || request == 4 || request == 5 || request == 6 || request == 13 ||
	       request == 15 || request == 16 || request == 0x4205 || request == 0x4206;
}

SEC("tracepoint") int on_reach(struct trace_event_raw_sys_exit *context)
{
	struct task_struct *task = bpf_get_current_task_btf(), *other;
	struct act act = {.call = bpf_get_attach_cookie(context), .result = context->ret, .kind = HG_PTRACE};
	struct scene scene = {};

	if (act.call != HG_CALL_PTRACE)
		act.kind = HG_PROCESS_MEMORY;
	if (!tried(act.result) || !interest(&scene, act.kind))
		return 0;
	act.arguments[0] = argument(0);
	act.arguments[1] = argument(1);
	if (act.kind == HG_PROCESS_MEMORY) {
		act.arguments[2] = act.arguments[0];
		if (bpf_task_from_vpid && bpf_task_release) {
			other = bpf_task_from_vpid(act.arguments[0]);
			if (other) {
				act.arguments[1] = other->tgid;
				bpf_task_release(other);
			}
		}
		return tell_act(&scene, &act);
	}
	if (!grave_request(act.arguments[0]))
		return 0;
	act.arguments[2] = act.arguments[1];
	act.arguments[1] = act.arguments[0] == PTRACE_TRACEME ? BPF_CORE_READ(task, real_parent, tgid)
							      : traced(task, act.arguments[2]);
	act.arguments[3] = argument(2);
	act.arguments[4] = argument(3);
	return tell_act(&scene, &act);
}

/* setuid and its like. The rights are those that the process has now; the arguments are what it asked for. */
SEC("tracepoint") int on_credentials(struct trace_event_raw_sys_exit *context)
{
	struct act act = {.call = bpf_get_attach_cookie(context), .result = context->ret, .kind = HG_CREDENTIALS};
	struct scene scene = {};

	if (!tried(act.result) || !interest(&scene, act.kind))
		return 0;
	act.arguments[0] = argument(0);
	act.arguments[1] = argument(1);
	act.arguments[2] = argument(2);
	return tell_act(&scene, &act);
}

static __always_inline __u32 namespace_type(struct file *file)
{
	struct ns_common *space = BPF_CORE_READ(file, f_inode, i_private);
	struct ns_common___typed *typed = (void *)space;

	if (bpf_core_field_exists(typed->ns_type))
		return BPF_CORE_READ(typed, ns_type);
	return BPF_CORE_READ(space, ops, type);
}

/* setns into a namespace of any type says 0; the descriptor knows which it is. */
SEC("tracepoint") int on_namespace(struct trace_event_raw_sys_exit *context)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct act act = {.call = bpf_get_attach_cookie(context), .result = context->ret, .kind = HG_NAMESPACE};
	struct scene scene = {};

	if (!tried(act.result) || !interest(&scene, act.kind))
		return 0;
	if (act.call == HG_CALL_UNSHARE) {
		act.arguments[0] = argument(0);
		act.arguments[1] = NOBODY;
		return act.arguments[0] & NEW_NAMESPACES ? tell_act(&scene, &act) : 0;
	}
	act.arguments[1] = argument(0);
	act.arguments[0] = argument(1);
	if (!act.arguments[0])
		act.arguments[0] = namespace_type(file_of(task, act.arguments[1]));
	return tell_act(&scene, &act);
}

/* clone with namespaces of its own; told of the parent. No system call becomes slower for it. */
SEC("tp_btf/task_newtask") int BPF_PROG(on_clone, struct task_struct *child, __u64 flags)
{
	struct act act = {.call = HG_CALL_CLONE, .kind = HG_NAMESPACE};
	struct scene scene = {};

	if (!(flags & NEW_NAMESPACES) || !interest(&scene, act.kind))
		return 0;
	act.result = BPF_CORE_READ(child, tgid);
	act.arguments[0] = flags & NEW_NAMESPACES;
	act.arguments[1] = NOBODY;
	return tell_act(&scene, &act);
}

static __always_inline bool grave_command(__u64 command)
{
	return command == 0 || command == BPF_PROG_LOAD || command == 6 || command == 8 || command == 17 ||
	       command == 28;
}

/* What the kernel was given: programs, modules; memory that looks like a file; page faults to handle. */
SEC("tracepoint") int on_kernel(struct trace_event_raw_sys_exit *context)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct act act = {.call = bpf_get_attach_cookie(context), .result = context->ret};
	struct bpf_prog *program;
	struct scene scene = {};
	struct file *file;

	act.kind = act.call == HG_CALL_BPF            ? HG_BPF
		   : act.call == HG_CALL_MEMFD_CREATE ? HG_MEMORY_FILE
		   : act.call == HG_CALL_USERFAULTFD  ? HG_USERFAULTFD
						      : HG_MODULE;
	if (!tried(act.result) || !interest(&scene, act.kind))
		return 0;
	act.arguments[0] = argument(0);
	if (act.kind == HG_BPF) {
		if (!grave_command(act.arguments[0]))
			return 0;
		if (act.arguments[0] == BPF_PROG_LOAD && act.result >= 0) {
			file = file_of(task, act.result); /* a local: CO-RE would relocate act's own field */
			program = BPF_CORE_READ(file, private_data);
			act.arguments[1] = BPF_CORE_READ(program, type);
			act.name =
				(void *)BPF_CORE_READ(program, aux) + bpf_core_field_offset(struct bpf_prog_aux, name);
			act.kernel = 1;
		}
	} else if (act.kind == HG_MEMORY_FILE) {
		act.name = (void *)act.arguments[0];
		act.arguments[0] = argument(1);
		act.file = act.result >= 0 ? file_of(task, act.result) : 0;
	} else if (act.call == HG_CALL_FINIT_MODULE) {
		act.file = file_of(task, act.arguments[0]);
		act.name = (void *)argument(1);
		act.arguments[1] = argument(2);
	} else if (act.kind == HG_MODULE) {
		act.name = (void *)argument(2);
	}
	return tell_act(&scene, &act);
}

#endif
