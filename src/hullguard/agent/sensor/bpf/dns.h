/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Questions to name servers, from the packets that leave: whatever call, and whatever library, sent them. */
#ifndef HG_DNS_H
#define HG_DNS_H

#define ETH_P_IP 0x0800
#define ETH_P_IPV6 0x86dd
#define DNS_PORT 53
#define LONGEST_MESSAGE 512

struct header_ip {
	__u8 version_and_length;
	__u8 service;
	__be16 length;
	__be16 id;
	__be16 fragment;
	__u8 hops;
	__u8 protocol;
	__be16 checksum;
	__u8 source[4];
	__u8 destination[4];
};
struct header_ip6 {
	__be32 flow;
	__be16 length;
	__u8 next;
	__u8 hops;
	__u8 source[16];
	__u8 destination[16];
};
struct header_udp {
	__be16 source;
	__be16 destination;
	__be16 length;
	__be16 checksum;
};

/* Where the UDP header is, if the packet is one. */
static __always_inline __u32 read_addresses(struct __sk_buff *packet, struct hg_socket *socket)
{
	struct header_ip6 six;
	struct header_ip four;

	socket->type = SOCK_DGRAM;
	socket->protocol = IPPROTO_UDP;
	if (packet->protocol == bpf_htons(ETH_P_IP)) {
		if (bpf_skb_load_bytes(packet, 0, &four, sizeof(four)) || four.protocol != IPPROTO_UDP)
			return 0;
		socket->family = AF_INET;
		__builtin_memcpy(socket->local, four.source, 4);
		__builtin_memcpy(socket->remote, four.destination, 4);
		return (four.version_and_length & 15) * 4;
	}
	if (packet->protocol != bpf_htons(ETH_P_IPV6) || bpf_skb_load_bytes(packet, 0, &six, sizeof(six)) ||
	    six.next != IPPROTO_UDP)
		return 0;
	socket->family = AF_INET6;
	__builtin_memcpy(socket->local, six.source, 16);
	__builtin_memcpy(socket->remote, six.destination, 16);
	return sizeof(six);
}

static __always_inline int tell_question(struct scene *scene, struct hg_socket *socket, struct scratch *room,
					 __u32 size)
{
	fill_subject(scene);
	room->event.socket = *socket;
	room->event.sizes[HG_STRING_DATA] = size;
	return finish(scene, HG_DNS, HG_CLASS_NETWORK, size);
}

SEC("cgroup_skb/egress") int on_packet(struct __sk_buff *packet)
{
	struct hg_socket socket = {};
	struct header_udp udp;
	struct scratch *room;
	struct scene scene = {};
	__u32 at = read_addresses(packet, &socket), size;
	__u64 wants;

	if (!at || bpf_skb_load_bytes(packet, at, &udp, sizeof(udp)) || udp.destination != bpf_htons(DNS_PORT))
		return 1;
	wants = interest(&scene, HG_DNS);
	socket.local_port = bpf_ntohs(udp.source);
	socket.remote_port = DNS_PORT;
	if (!wants || !(wants & socket_wants(scene.slot, &socket, false)))
		return 1;
	if (over_limit(HG_CLASS_NETWORK, scene.cgroup, HG_DNS))
		return 1;
	at += sizeof(udp);
	size = packet->len - at;
	if (packet->len < at || size < 12)
		return 1;
	if (size > LONGEST_MESSAGE)
		size = LONGEST_MESSAGE;
	scene.room = take_room();
	room = room_at(scene.room);
	if (!room) {
		count_lost(HG_CLASS_NETWORK, scene.cgroup, HG_RING_FULL);
		return 1;
	}
	if (size >= 12 && size <= LONGEST_MESSAGE && !bpf_skb_load_bytes(packet, at, room->data, size))
		tell_question(&scene, &socket, room, size);
	leave_room(scene.room);
	return 1;
}

#endif
