/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tc ingress of a backend of mode=dsr: takes off the outer header of IP in IP (RFC 2003, 2473, 4213), as a device of
 * the kind "ipip" or "sit" does where there are such. Options and extension headers are none of a balancer's.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define DECAP_IPV4 (1ull << 7) /* BPF_F_ADJ_ROOM_DECAP_L3_IPV4, linux/bpf.h since 6.3 */
#define DECAP_IPV6 (1ull << 8)

/* The protocol that the packet carries, and how long its header is. */
static __always_inline int outer_header(struct __sk_buff *skb, __u8 *proto)
{
	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		if (bpf_skb_load_bytes(skb, ETH_HLEN + __builtin_offsetof(struct iphdr, protocol), proto, 1))
			return 0;
		return sizeof(struct iphdr);
	}
	if (skb->protocol == bpf_htons(ETH_P_IPV6)) {
		if (bpf_skb_load_bytes(skb, ETH_HLEN + __builtin_offsetof(struct ipv6hdr, nexthdr), proto, 1))
			return 0;
		return sizeof(struct ipv6hdr);
	}
	return 0;
}

static __always_inline long shorten(struct __sk_buff *skb, int length, __u64 flags)
{
	return bpf_skb_adjust_room(skb, -length, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_FIXED_GSO | flags);
}

/*
 * Where the inner packet is of the other family, kernels before 6.3 do not know the flag that says so. They are told by
 * a change of the outer header, which makes it longer or shorter by the difference.
 */
static __always_inline long outer_remove(struct __sk_buff *skb, int length, __be16 inner)
{
	int difference = sizeof(struct ipv6hdr) - sizeof(struct iphdr);

	if (inner == skb->protocol)
		return shorten(skb, length, 0);
	if (!shorten(skb, length, inner == bpf_htons(ETH_P_IPV6) ? DECAP_IPV6 : DECAP_IPV4))
		return 0;
	if (bpf_skb_change_proto(skb, inner, 0))
		return -1;
	return shorten(skb, inner == bpf_htons(ETH_P_IPV6) ? length + difference : length - difference, 0);
}

SEC("action")
int untunnel(struct __sk_buff *skb)
{
	__be16 inner = bpf_htons(ETH_P_IP);
	__u8 proto = 0;
	int length = outer_header(skb, &proto);

	if (!length || (proto != IPPROTO_IPIP && proto != IPPROTO_IPV6))
		return TC_ACT_OK;
	if (proto == IPPROTO_IPV6)
		inner = bpf_htons(ETH_P_IPV6);
	if (outer_remove(skb, length, inner))
		return TC_ACT_SHOT;
	bpf_skb_store_bytes(skb, __builtin_offsetof(struct ethhdr, h_proto), &inner, sizeof(inner), 0);
	return TC_ACT_OK;
}

char _license[] SEC("license") = "GPL";
