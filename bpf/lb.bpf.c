/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lb.o: a load balancer for TCP and UDP.
 *
 *     tc qdisc add dev IF clsact
 *     tc filter add dev IF ingress prio 50000 bpf da obj lb.o sec action
 *     tc filter add dev IF egress prio 10 bpf da obj lb.o sec action/egress
 *
 * The packet path, row by row, is documented in splicer(7).
 */
#include "lib/bpf.h"
#include "lib/ctx_tc.h"
#include "lib/packet.h"
#include "maps/config.h"
#include "maps/counts.h"
#include "maps/event.h"
#include "maps/lb.h"

#include <linux/pkt_cls.h>

SEC("action")
int lb_ingress(struct __sk_buff *skb)
{
	(void)skb;
	return TC_ACT_UNSPEC;
}

SEC("action/egress")
int lb_egress(struct __sk_buff *skb)
{
	(void)skb;
	return TC_ACT_UNSPEC;
}

char _license[] SEC("license") = "GPL";
