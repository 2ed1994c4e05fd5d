/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Connections that a protected profile does not have are refused where they begin, before anything is sent. Only while
 * the agent renews its lease: what nobody looks after must not cut containers off.
 */
#ifndef HG_REFUSE_H
#define HG_REFUSE_H

static __always_inline bool leased(void)
{
	__u32 zero = 0;
	__u64 *until = bpf_map_lookup_elem(&lease, &zero);

	return until && *until > bpf_ktime_get_boot_ns();
}

/* Ports that stand for themselves, then those of networks whose every port is allowed (0). */
static __always_inline bool is_allowed(__u16 fence, __u8 transport, struct hg_socket *socket)
{
	struct hg_allowed key = {.fence = fence, .transport = transport, .family = socket->family};

	key.bits = HG_ALLOWED_BITS + (socket->family == AF_INET ? 32 : 128);
	key.port = socket->remote_port;
	__builtin_memcpy(key.address, socket->remote, sizeof(key.address));
	if (bpf_map_lookup_elem(&allowed, &key))
		return true;
	key.port = 0;
	return bpf_map_lookup_elem(&allowed, &key);
}

/* Whether one of the wants that are left is a rule's that refuses what it holds for. */
static __always_inline bool is_refused_by_rule(struct scene *scene, __u64 wants)
{
	__u32 number = scene->slot;
	struct hg_slot *slot = bpf_map_lookup_elem(&slots, &number);

	return slot && slot->refused & wants && leased();
}

/* Whether this connection of the scene's container, or this datagram, is to be refused. Profiles know no datagrams. */
static __always_inline bool is_refused(struct scene *scene, struct hg_socket *socket, struct deed *deed)
{
	__u32 transport = transport_of(socket);
	struct hg_known *word;

	if ((transport != HG_TCP && transport != HG_UDP) || !socket->remote_port)
		return false;
	if (is_refused_by_rule(scene, deed->wants))
		return true;
	if (deed->kind != HG_CONNECT)
		return false;
	word = bpf_map_lookup_elem(&known, &scene->cgroup);
	if (!word || !word->fence || !leased())
		return false;
	return !is_allowed(word->fence, transport, socket);
}

/* The same of a Unix socket with the path at `at` in the scene's room. Profiles do not learn those without a path. */
static __always_inline bool is_refused_unix(struct scene *scene, __u32 at, __u32 size)
{
	struct scratch *room = room_at(scene->room);
	struct hg_known *word = bpf_map_lookup_elem(&known, &scene->cgroup);

	if (!room || at > HG_PATH || !size || room->data[at] != '/')
		return false;
	if (!word || !word->fence || !leased())
		return false;
	return !prefix_wants(room, at, size, word->fence, HG_SOCKET_ALLOWED);
}

#endif
