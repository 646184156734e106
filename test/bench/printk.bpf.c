/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What events are compared with: a program that drops IPv4 and prints a line per packet for trace_pipe. Ports are one
 * hexadecimal number, because bpf_printk takes three values on every kernel, and more only on newer ones.
 */
#include "lib/bpf.h"

#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>

SEC("tc")
int print_drop(struct __sk_buff *skb)
{
	struct iphdr ip;
	__be32 ports;

	if (skb->protocol != bpf_htons(ETH_P_IP) || bpf_skb_load_bytes(skb, ETH_HLEN, &ip, sizeof(ip)) ||
	    bpf_skb_load_bytes(skb, ETH_HLEN + sizeof(ip), &ports, sizeof(ports)))
		return TC_ACT_SHOT;
	bpf_printk("splicer_bench: %pI4 > %pI4 ports %08x BLOCKED", &ip.saddr, &ip.daddr, bpf_ntohl(ports));
	return TC_ACT_SHOT;
}

char _license[] SEC("license") = "GPL";
