/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Connections and binds where the kernel carries them out: programs in the root cgroup, which every task is in. They
 * cost nothing else, see what comes through io_uring too, and the address is the kernel's own copy. A connection is
 * told when it begins, before there is a result, and may be refused there.
 */
#ifndef HG_CONNECT_H
#define HG_CONNECT_H

extern void *bpf_cast_to_kern_ctx(void *context) __ksym __weak;

static __always_inline void tell_if_wanted(struct hg_socket *socket, struct deed *deed, bool here)
{
	struct scene scene = {};

	deed->wants = interest(&scene, deed->kind);
	if (deed->wants)
		deed->wants &= socket_wants(scene.slot, socket, here);
	if (!deed->wants)
		return;
	if (deed->flags & HG_BEFORE && is_refused(&scene, socket, deed))
		deed->flags |= HG_REFUSED;
	tell_socket(&scene, socket, deed, 0);
}

/* What the kernel is to make of it. */
static __always_inline int verdict_on(struct deed *deed)
{
	return deed->flags & HG_REFUSED ? 0 : 1;
}

static __always_inline void begin4(struct bpf_sock_addr *context, struct deed *deed)
{
	struct hg_socket socket = {.family = AF_INET, .type = context->type, .protocol = context->protocol};

	*(__u32 *)socket.remote = context->user_ip4;
	socket.remote_port = bpf_ntohs(context->user_port);
	tell_if_wanted(&socket, deed, false);
}

static __always_inline void begin6(struct bpf_sock_addr *context, struct deed *deed)
{
	struct hg_socket socket = {.family = AF_INET6, .type = context->type, .protocol = context->protocol};
	__u32 *words = (__u32 *)socket.remote;

	words[0] = context->user_ip6[0];
	words[1] = context->user_ip6[1];
	words[2] = context->user_ip6[2];
	words[3] = context->user_ip6[3];
	socket.remote_port = bpf_ntohs(context->user_port);
	if (unmap(socket.remote))
		socket.family = AF_INET;
	tell_if_wanted(&socket, deed, false);
}

SEC("cgroup/connect4") int on_connect4(struct bpf_sock_addr *context)
{
	struct deed deed = {.kind = HG_CONNECT, .call = HG_CALL_CONNECT, .flags = HG_BEFORE};

	begin4(context, &deed);
	return verdict_on(&deed);
}

SEC("cgroup/connect6") int on_connect6(struct bpf_sock_addr *context)
{
	struct deed deed = {.kind = HG_CONNECT, .call = HG_CALL_CONNECT, .flags = HG_BEFORE};

	begin6(context, &deed);
	return verdict_on(&deed);
}

SEC("cgroup/sendmsg4") int on_send4(struct bpf_sock_addr *context)
{
	struct deed deed = {.kind = HG_SEND, .call = HG_CALL_SENDMSG, .flags = HG_BEFORE};

	begin4(context, &deed);
	return verdict_on(&deed);
}

SEC("cgroup/sendmsg6") int on_send6(struct bpf_sock_addr *context)
{
	struct deed deed = {.kind = HG_SEND, .call = HG_CALL_SENDMSG, .flags = HG_BEFORE};

	begin6(context, &deed);
	return verdict_on(&deed);
}

/* After the bind: the port is the one that the kernel chose, if it was to choose. */
SEC("cgroup/post_bind4") int on_bind4(struct bpf_sock *context)
{
	struct deed deed = {.kind = HG_BIND, .call = HG_CALL_BIND};
	struct hg_socket socket = {.family = AF_INET, .type = context->type, .protocol = context->protocol};

	*(__u32 *)socket.local = context->src_ip4;
	socket.local_port = context->src_port;
	tell_if_wanted(&socket, &deed, true);
	return 1;
}

SEC("cgroup/post_bind6") int on_bind6(struct bpf_sock *context)
{
	struct deed deed = {.kind = HG_BIND, .call = HG_CALL_BIND};
	struct hg_socket socket = {.family = AF_INET6, .type = context->type, .protocol = context->protocol};
	__u32 *words = (__u32 *)socket.local;

	words[0] = context->src_ip6[0];
	words[1] = context->src_ip6[1];
	words[2] = context->src_ip6[2];
	words[3] = context->src_ip6[3];
	socket.local_port = context->src_port;
	tell_if_wanted(&socket, &deed, true);
	return 1;
}

/* A listening TCP socket changes its state in its owner's own call. */
SEC("tp_btf/inet_sock_set_state") int BPF_PROG(on_listen, struct sock *sk, int before, int after)
{
	struct deed deed = {.kind = HG_LISTEN, .call = HG_CALL_LISTEN};
	struct hg_socket socket;

	if (after != TCP_LISTEN || before == TCP_LISTEN)
		return 0;
	fill_socket(&socket, sk);
	tell_if_wanted(&socket, &deed, true);
	return 0;
}

/* What the address of a Unix socket says; the file that it leads to is looked for as the kernel is about to. */
__noinline int tell_unix(struct scene *scene, struct deed *deed, struct address_un *address, __u32 size, __u32 type)
{
	__u32 raw, path, truncated = 0, done = 1;
	struct workspace *space;
	struct scratch *room;

	if (!scene || !deed || !address)
		return 0;
	scene->room = take_room();
	room = room_at(scene->room);
	space = workspace_at(scene->room);
	if (!room || !space) {
		count_lost(HG_CLASS_NETWORK, scene->cgroup, HG_RING_FULL);
		return 0;
	}
	__builtin_memset(space->text + HG_PATH, 0, 128);
	__builtin_memcpy(space->text + HG_PATH, address->path, sizeof(address->path));
	if (size > sizeof(address->path))
		size = sizeof(address->path);
	space->text[HG_PATH + size] = 0;
	if (!address->path[0])
		space->text[HG_PATH] = '@';
	raw = add_text(room, HG_STRING_RAW, 0, space->text + HG_PATH, false);
	if (raw > HG_PATH)
		raw = 0;
	if (address->path[0]) {
		done = resolve(scene->room, AT_FDCWD, FOLLOW_LAST);
		path = write_resolved(scene->room, raw, &truncated);
	} else {
		path = add_text(room, HG_STRING_PATH, raw, space->text + HG_PATH, false);
	}
	if (path > HG_PATH)
		path = 0;
	if (!truncated)
		deed->wants &= path_wants(scene->room, raw, path, scene->slot) | any_path_wants(scene->slot);
	if (deed->wants && deed->flags & HG_BEFORE && is_refused_unix(scene, raw, path))
		deed->flags |= HG_REFUSED;
	if (deed->wants && !over_limit(HG_CLASS_NETWORK, scene->cgroup, deed->kind)) {
		fill_subject(scene);
		room->event.socket.family = AF_UNIX;
		room->event.socket.type = type;
		room->event.call = deed->call;
		room->event.result = deed->result;
		room->event.flags |= deed->flags | (done ? 0 : HG_UNRESOLVED);
		room->event.flags |= truncated ? HG_PATH_TRUNCATED : 0;
		room->event.sizes[HG_STRING_RAW] = raw;
		room->event.sizes[HG_STRING_PATH] = path;
		finish(scene, deed->kind, HG_CLASS_NETWORK, raw + path);
	}
	leave_room(scene->room);
	return 0;
}

static __always_inline __u64 unix_interest(struct scene *scene, __u32 kind)
{
	__u64 wants = interest(scene, kind);

	return wants ? wants & transport_wants(scene->slot, HG_UNIX) : 0;
}

/* Newer than libbpf's names: ../catalog.py says of what type this is. */
SEC("cgroup/connect_unix") int on_connect_unix(struct bpf_sock_addr *context)
{
	struct deed deed = {.kind = HG_CONNECT, .call = HG_CALL_CONNECT, .flags = HG_BEFORE};
	struct bpf_sock_addr_kern *kernel;
	struct address_un address = {};
	struct scene scene = {};
	struct sock *sk;
	__u32 size;

	deed.wants = unix_interest(&scene, HG_CONNECT);
	if (!deed.wants || !bpf_cast_to_kern_ctx)
		return 1;
	kernel = bpf_cast_to_kern_ctx(context);
	size = BPF_CORE_READ(kernel, uaddrlen);
	if (size < 3 || size > sizeof(address))
		return 1;
	bpf_probe_read_kernel(&address, size, BPF_CORE_READ(kernel, uaddr));
	sk = BPF_CORE_READ(kernel, sk);
	tell_unix(&scene, &deed, &address, size - 2, BPF_CORE_READ(sk, sk_type));
	return verdict_on(&deed);
}

/*
 * The same at the end of the system call, for kernels without the above. What is connected, the socket knows; of an
 * attempt that failed only the caller's copy of the address is left. There are two programs, because either half of the
 * above may be missing, and no tracepoint takes one program twice.
 */
static __always_inline int connected(long result, bool local)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct deed deed = {.kind = HG_CONNECT, .call = HG_CALL_CONNECT, .result = result};
	struct address_un address = {};
	struct hg_socket socket;
	struct scene scene = {};
	struct sock *sk;
	__u64 size;

	deed.wants = interest(&scene, HG_CONNECT);
	if (!deed.wants)
		return 0;
	sk = socket_of(file_of(task, argument(0)));
	if (!sk)
		return 0;
	fill_socket(&socket, sk);
	if ((socket.family == AF_UNIX) != local)
		return 0;
	size = argument(2);
	if (size < 3)
		return 0;
	if (size > sizeof(address)) /* callers may give the whole of a sockaddr_storage */
		size = sizeof(address);
	if (bpf_probe_read_user(&address, size, (void *)argument(1)) && !socket.remote_port) {
		count_lost(HG_CLASS_NETWORK, scene.cgroup, HG_UNREADABLE);
		return 0;
	}
	if (local) {
		deed.wants &= transport_wants(scene.slot, HG_UNIX);
		return deed.wants ? tell_unix(&scene, &deed, &address, size - 2, socket.type) : 0;
	}
	if (!socket.remote_port && address.family == AF_INET) {
		struct address_in *asked = (void *)&address;

		__builtin_memcpy(socket.remote, asked->address, 4);
		socket.remote_port = bpf_ntohs(asked->port);
	} else if (!socket.remote_port && address.family == AF_INET6) {
		struct address_in6 *asked = (void *)&address;

		__builtin_memcpy(socket.remote, asked->address, 16);
		socket.remote_port = bpf_ntohs(asked->port);
	}
	deed.wants &= socket_wants(scene.slot, &socket, false);
	return deed.wants ? tell_socket(&scene, &socket, &deed, 0) : 0;
}

SEC("tracepoint") int on_connected(struct trace_event_raw_sys_exit *context)
{
	return connected(context->ret, false);
}

SEC("tracepoint") int on_connected_unix(struct trace_event_raw_sys_exit *context)
{
	return connected(context->ret, true);
}

#endif
