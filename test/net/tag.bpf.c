/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tc egress: UDP gets the VLAN tag 7, which stays beside the frame, as network cards do it. Kernels without the device
 * kind "vlan" have it too.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define TAG 7

static __always_inline int is_udp(struct __sk_buff *skb)
{
	__u8 proto = 0;

	if (skb->protocol == bpf_htons(ETH_P_IP))
		bpf_skb_load_bytes(skb, ETH_HLEN + 9, &proto, sizeof(proto));
	else if (skb->protocol == bpf_htons(ETH_P_IPV6))
		bpf_skb_load_bytes(skb, ETH_HLEN + 6, &proto, sizeof(proto));
	return proto == IPPROTO_UDP;
}

SEC("action")
int tag_udp(struct __sk_buff *skb)
{
	if (is_udp(skb))
		bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), TAG);
	return TC_ACT_OK;
}

char _license[] SEC("license") = "GPL";
