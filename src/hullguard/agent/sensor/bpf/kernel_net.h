/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* The same as kernel.h for sockets. */
#ifndef HG_KERNEL_NET_H
#define HG_KERNEL_NET_H

#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10
#define SOCK_STREAM 1
#define SOCK_DGRAM 2
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define TCP_SYN_SENT 2
#define TCP_LISTEN 10
#define F_DUPFD 0
#define F_DUPFD_CLOEXEC 1030

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct in6_addr {
	__u8 bytes[16];
};
struct sock_common {
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	__be16 skc_dport;
	__u16 skc_num;
	unsigned short skc_family;
	unsigned char skc_state;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
};
struct sock {
	struct sock_common __sk_common;
	__u16 sk_type;
	__u16 sk_protocol;
};
struct socket {
	short type;
	struct sock *sk;
};
struct inet_sock {
	__be32 inet_saddr;
	__be16 inet_sport;
};
struct sockaddr_un {
	char sun_path[108];
};
struct unix_address {
	int len;
	struct sockaddr_un name[1];
};
struct unix_sock {
	struct unix_address *addr;
	struct path path;
	struct sock *peer;
};
struct sockaddr;
struct bpf_sock_addr_kern {
	struct sock *sk;
	struct sockaddr *uaddr;
	__u32 uaddrlen; /* since 6.7, as hooks on Unix sockets are */
};

#pragma clang attribute pop

/* Addresses as system calls take them, and the contexts of programs in cgroups: fixed layouts, nothing to relocate. */
struct address_in {
	__u16 family;
	__be16 port;
	__u8 address[4];
};
struct address_in6 {
	__u16 family;
	__be16 port;
	__u32 flow;
	__u8 address[16];
};
struct address_un {
	__u16 family;
	char path[108];
};

struct bpf_sock_addr {
	__u32 user_family;
	__u32 user_ip4;
	__u32 user_ip6[4];
	__u32 user_port;
	__u32 family;
	__u32 type;
	__u32 protocol;
	__u32 msg_src_ip4;
	__u32 msg_src_ip6[4];
	void *sk;
};
struct bpf_sock {
	__u32 bound_dev_if;
	__u32 family;
	__u32 type;
	__u32 protocol;
	__u32 mark;
	__u32 priority;
	__u32 src_ip4;
	__u32 src_ip6[4];
	__u32 src_port;
};
struct __sk_buff {
	__u32 len;
	__u32 pkt_type;
	__u32 mark;
	__u32 queue_mapping;
	__u32 protocol;
};

#endif
