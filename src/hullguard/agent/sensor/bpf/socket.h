/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* What becomes of sockets by system calls: the socket itself tells, not the caller's copy of an address. */
#ifndef HG_SOCKET_H
#define HG_SOCKET_H

static __always_inline __u32 transport_of(struct hg_socket *socket)
{
	if (socket->family == AF_UNIX)
		return HG_UNIX;
	if (socket->family != AF_INET && socket->family != AF_INET6)
		return HG_OTHER_TRANSPORT;
	if (socket->type == SOCK_STREAM)
		return HG_TCP;
	return socket->type == SOCK_DGRAM && socket->protocol == IPPROTO_UDP ? HG_UDP : HG_OTHER_TRANSPORT;
}

/* An IPv6 address that is an IPv4 one in disguise becomes it, so that filters need not know both. */
static __always_inline bool unmap(__u8 *address)
{
	for (int i = 0; i < 10; i++) {
		if (address[i])
			return false;
	}
	if (address[10] != 0xff || address[11] != 0xff)
		return false;
	__builtin_memcpy(address, address + 12, 4);
	__builtin_memset(address + 4, 0, 12);
	return true;
}

static __always_inline void fill_socket(struct hg_socket *to, struct sock *sk)
{
	__builtin_memset(to, 0, sizeof(*to));
	to->family = BPF_CORE_READ(sk, __sk_common.skc_family);
	to->type = BPF_CORE_READ(sk, sk_type);
	to->protocol = BPF_CORE_READ(sk, sk_protocol);
	if (to->family != AF_INET && to->family != AF_INET6)
		return;
	to->local_port = BPF_CORE_READ(sk, __sk_common.skc_num);
	to->remote_port = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
	if (to->family == AF_INET) {
		BPF_CORE_READ_INTO((__be32 *)to->local, sk, __sk_common.skc_rcv_saddr);
		BPF_CORE_READ_INTO((__be32 *)to->remote, sk, __sk_common.skc_daddr);
		return;
	}
	BPF_CORE_READ_INTO((struct in6_addr *)to->local, sk, __sk_common.skc_v6_rcv_saddr);
	BPF_CORE_READ_INTO((struct in6_addr *)to->remote, sk, __sk_common.skc_v6_daddr);
	if (unmap(to->remote)) {
		unmap(to->local);
		to->family = AF_INET;
	}
}

/* The socket behind a descriptor, if it is one. */
static __always_inline struct sock *socket_of(struct file *file)
{
	struct socket *socket;

	if (!file || (BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return 0;
	socket = BPF_CORE_READ(file, private_data);
	return BPF_CORE_READ(socket, sk);
}

/* The wants that a socket is enough for. `here` asks for the local port, as who listens does. */
static __always_inline __u64 socket_wants(__u32 slot, struct hg_socket *socket, bool here)
{
	__u64 wants = transport_wants(slot, transport_of(socket));

	if (!wants || (socket->family != AF_INET && socket->family != AF_INET6))
		return wants;
	wants &= port_wants(slot, here ? socket->local_port : socket->remote_port);
	return wants ? wants & address_wants(slot, socket->family, socket->remote) : 0;
}

/* What is told of a socket, beside it. */
struct deed {
	__u64 wants;
	__u32 kind;
	__u32 call;
	__u32 flags;
	__u32 pad;
	__s64 result;
	__u64 arguments[2];
};

/* The name of a Unix socket: of the file system, as its owner bound it; or abstract, with "@" for its first byte. */
static __always_inline __u32 add_unix_name(__u32 index, struct scratch *room, struct sock *sk)
{
	struct unix_sock *unix_sock = (void *)sk;
	struct unix_address *address = BPF_CORE_READ(unix_sock, addr);
	struct place place = {.dentry = BPF_CORE_READ(unix_sock, path.dentry),
			      .mount = BPF_CORE_READ(unix_sock, path.mnt)};
	__u32 size;

	if (place.dentry)
		return add_path(index, room, HG_STRING_PATH, 0, &place);
	size = BPF_CORE_READ(address, len);
	if (!address || size < 4 || size > 110)
		return 0;
	size -= 3;
	room->data[0] = '@';
	bpf_probe_read_kernel(room->data + 1, size & 127,
			      (void *)address + bpf_core_field_offset(struct unix_address, name) + 3);
	room->data[1 + (size & 127)] = 0;
	size = 2 + (size & 127);
	room->event.sizes[HG_STRING_PATH] = size;
	return size;
}

/* `peer`: whose name a Unix socket's event has; else none. */
__noinline int tell_socket(struct scene *scene, struct hg_socket *socket, struct deed *deed, __u64 peer)
{
	struct scratch *room;
	__u32 at = 0;

	if (!scene || !socket || !deed)
		return 0;
	if (over_limit(HG_CLASS_NETWORK, scene->cgroup, deed->kind))
		return 0;
	scene->room = take_room();
	room = room_at(scene->room);
	if (!room) {
		count_lost(HG_CLASS_NETWORK, scene->cgroup, HG_RING_FULL);
		return 0;
	}
	fill_subject(scene);
	room->event.socket = *socket;
	room->event.flags |= deed->flags;
	room->event.call = deed->call;
	room->event.result = deed->result;
	room->event.arguments[0] = deed->arguments[0];
	room->event.arguments[1] = deed->arguments[1];
	if (peer && socket->family == AF_UNIX)
		at = add_unix_name(scene->room, room, (struct sock *)peer);
	finish(scene, deed->kind, HG_CLASS_NETWORK, at);
	leave_room(scene->room);
	return 0;
}

static __always_inline struct sock *unix_peer(struct sock *sk)
{
	struct unix_sock *own = (void *)sk;

	return BPF_CORE_READ(own, peer);
}

/* A new descriptor of a socket: from socket, accept, or over standard input or output. */
static __always_inline int on_descriptor(struct scene *scene, struct deed *deed, struct file *file)
{
	struct sock *sk = socket_of(file), *named = sk;
	struct hg_socket socket;

	if (!sk)
		return 0;
	fill_socket(&socket, sk);
	if (deed->kind == HG_SOCKET)
		deed->wants &= transport_wants(scene->slot, transport_of(&socket));
	else
		deed->wants &= socket_wants(scene->slot, &socket, deed->kind != HG_DUP);
	if (!deed->wants)
		return 0;
	/* who accepts has his own listening socket's name; who is connected, the other's */
	if (deed->kind == HG_DUP && socket.family == AF_UNIX)
		named = unix_peer(sk);
	return tell_socket(scene, &socket, deed, (__u64)named);
}

static __always_inline __u32 kind_of_call(__u32 call)
{
	switch (call) {
	case HG_CALL_SOCKET:
		return HG_SOCKET;
	case HG_CALL_ACCEPT:
	case HG_CALL_ACCEPT4:
		return HG_ACCEPT;
	case HG_CALL_BIND:
		return HG_BIND;
	case HG_CALL_LISTEN:
		return HG_LISTEN;
	default:
		return HG_DUP;
	}
}

SEC("tracepoint") int on_socket(struct trace_event_raw_sys_exit *context)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct deed deed = {.call = bpf_get_attach_cookie(context), .result = context->ret};
	struct scene scene = {};
	__u64 command;

	deed.kind = kind_of_call(deed.call);
	if (deed.result < 0 || (deed.kind == HG_DUP && deed.result > 2))
		return 0;
	deed.wants = interest(&scene, deed.kind);
	if (!deed.wants)
		return 0;
	if (deed.kind == HG_DUP) {
		deed.arguments[0] = argument(0);
		deed.arguments[1] = deed.result;
		command = argument(1);
		if (deed.call == HG_CALL_FCNTL && command != F_DUPFD && command != F_DUPFD_CLOEXEC)
			return 0;
	}
	if (deed.kind == HG_ACCEPT)
		deed.flags = HG_INBOUND;
	if (deed.kind == HG_BIND || deed.kind == HG_LISTEN)
		return on_descriptor(&scene, &deed, file_of(task, argument(0)));
	return on_descriptor(&scene, &deed, file_of(task, deed.result));
}

#endif
