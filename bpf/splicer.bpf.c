/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * splicer.o: a stateful ingress firewall that splices TCP and UDP flows into local sockets.
 *
 *     tc qdisc add dev IF clsact
 *     tc filter add dev IF ingress bpf da obj splicer.o sec action
 *
 * The packet path, row by row, is documented in splicer(7).
 */
#include "lib/bpf.h"
#include "lib/ctx_tc.h"
#include "lib/packet.h"

#include "lib/counts.h"
#include "lib/events.h"
#include "lib/match.h"
#include "lib/settings.h"
#include "lib/socket.h"
#include "maps/conns.h"

#include <linux/icmpv6.h>
#include <linux/pkt_cls.h>

#define LOOPBACK_IFINDEX 1 /* in every network namespace; include/net/net_namespace.h */
#define SSH_PORT 22

/* RFC 2131, 8415: what servers send to clients */
#define DHCP_SERVER 67
#define DHCP_CLIENT 68
#define DHCPV6_SERVER 547
#define DHCPV6_CLIENT 546

/* Multicast listener discovery: RFC 2710, 3810 */
#define MLD_QUERY 130
#define MLD_DONE 132
#define MLD2_REPORT 143
#define MLD_HOP_LIMIT 1
/* Router solicitation to neighbour advertisement: RFC 4861 */
#define ND_FIRST 133
#define ND_LAST 136
#define ND_HOP_LIMIT 255 /* proves that no router forwarded it */

static __always_inline __u32 row_link(const struct packet *p)
{
	if (p->family)
		return REASON_NONE;
	if (p->ethertype == bpf_htons(ETH_P_ARP))
		return REASON_ARP;
	return setting_get(p->ifindex, SETTING_NONIP) == NONIP_PASS ? REASON_NONIP : REASON_ETHERTYPE;
}

/* Also not in fragments, not even atomic ones: RFC 6980. */
static __always_inline __u32 row_neighbour(const struct packet *p)
{
	if (p->family != 6 || p->proto != IPPROTO_ICMPV6 || p->fragment)
		return REASON_NONE;
	if (p->icmp_type >= ND_FIRST && p->icmp_type <= ND_LAST)
		return p->hop_limit == ND_HOP_LIMIT ? REASON_NEIGHBOUR : REASON_NONE;
	if ((p->icmp_type >= MLD_QUERY && p->icmp_type <= MLD_DONE) || p->icmp_type == MLD2_REPORT)
		return p->hop_limit == MLD_HOP_LIMIT ? REASON_NEIGHBOUR : REASON_NONE;
	return REASON_NONE;
}

static __always_inline __u32 row_dhcp(const struct packet *p)
{
	if (p->proto != IPPROTO_UDP)
		return REASON_NONE;
	if (p->family == 4 && p->sport == bpf_htons(DHCP_SERVER) && p->dport == bpf_htons(DHCP_CLIENT))
		return REASON_DHCP;
	if (p->family == 6 && p->sport == bpf_htons(DHCPV6_SERVER) && p->dport == bpf_htons(DHCPV6_CLIENT))
		return REASON_DHCP;
	return REASON_NONE;
}

static __always_inline int is_own_address(const struct packet *p)
{
	struct splicer_addr key = { .ifindex = p->ifindex, .family = p->family };

	__builtin_memcpy(key.addr, p->dst, sizeof(key.addr));
	return bpf_map_lookup_elem(&splicer1_addrs, &key) != NULL;
}

static __always_inline int rules_were_seen(void)
{
	__u32 zero = 0;
	struct splicer_config *config = bpf_map_lookup_elem(&splicer1_config, &zero);

	return !config || config->rules_seen;
}

static __always_inline __u32 row_ssh(const struct packet *p)
{
	if (p->proto != IPPROTO_TCP || p->dport != bpf_htons(SSH_PORT))
		return REASON_NONE;
	switch (setting_get(p->ifindex, SETTING_SSH)) {
	case SSH_ANY:
		return REASON_SSH_ANY;
	case SSH_OFF:
		return REASON_NONE;
	case SSH_OWN:
		break;
	default:
		if (!rules_were_seen())
			return REASON_SSH_ANY;
	}
	return is_own_address(p) ? REASON_SSH_OWN : REASON_NONE;
}

static __always_inline __u32 row_established(struct __sk_buff *skb, const struct packet *p)
{
	return socket_established(skb, p) ? REASON_ESTABLISHED : REASON_NONE;
}

static __always_inline __u32 row_fragment(const struct packet *p)
{
	return p->fragment == FRAGMENT_LATER ? REASON_FRAGMENT : REASON_NONE;
}

static __always_inline __u32 row_rules(struct __sk_buff *skb, const struct packet *p, struct rules_hit *hit)
{
	struct rules_query q = {
		.addr = { p->dst[0], p->dst[1], p->src[0], p->src[1] },
		.ifindex = p->ifindex,
		.port = p->port,
		.proto = p->proto,
	};
	__u32 family = p->family == 6 ? RULES_IPV6 : RULES_IPV4;

	if (rules_match(&q, rules_list(RULES_IN, family, rules_class(p->proto)), hit))
		return REASON_INTERNAL;
	if (!hit->head)
		return REASON_NO_RULE;
	switch (rules_decision_action(hit->decision)) {
	case RULES_SPLICE:
		return socket_splice(skb, p, rules_decision_port(hit->decision));
	case RULES_PASS:
		return REASON_RULE_PASS;
	default:
		return REASON_RULE_DROP;
	}
}

/* The rows before sockets and rules. */
static __always_inline __u32 rows_by_header(const struct packet *p)
{
	__u32 reason = row_link(p);

	if (!reason)
		reason = row_neighbour(p);
	if (!reason)
		reason = row_dhcp(p);
	if (!reason)
		reason = row_fragment(p);
	if (!reason)
		reason = row_ssh(p);
	return reason;
}

/* On loopback what is well formed passes; only a splice rule has a say there. */
static __always_inline __u32 loopback_by_header(const struct packet *p)
{
	return !p->family || p->fragment == FRAGMENT_LATER ? REASON_LOOPBACK : REASON_NONE;
}

static __always_inline __u32 loopback_by_rules(__u32 reason, struct rules_hit *hit)
{
	if (hit->head && rules_decision_action(hit->decision) == RULES_SPLICE)
		return reason;
	hit->head = NULL;
	return REASON_LOOPBACK;
}

static __always_inline __u32 ingress_decide(struct __sk_buff *skb, const struct packet *p, struct rules_hit *hit)
{
	int loopback = p->ifindex == LOOPBACK_IFINDEX;
	__u32 reason = loopback ? loopback_by_header(p) : rows_by_header(p);

	if (!reason)
		reason = row_established(skb, p);
	if (reason)
		return reason;
	reason = row_rules(skb, p, hit);
	return loopback ? loopback_by_rules(reason, hit) : reason;
}

/* An event is a decision, not a packet: packets of what was decided before are only counted. */
static __always_inline int is_decision(const struct packet *p, __u32 reason)
{
	switch (reason) {
	case REASON_LOOPBACK:
	case REASON_ARP:
	case REASON_NONIP:
	case REASON_NEIGHBOUR:
	case REASON_DHCP:
	case REASON_ESTABLISHED:
		return 0;
	case REASON_SSH_ANY:
	case REASON_SSH_OWN:
		return packet_is_first_syn(p);
	default:
		return 1;
	}
}

static __always_inline void report(const struct packet *p, __u32 reason, const struct rules_hit *hit)
{
	__u64 active = events_active();
	struct event *event;

	if (!active || !is_decision(p, reason))
		return;
	event = events_new(EVENT_SPLICER, EVENT_INGRESS, reason);
	if (!event)
		return;
	events_fill_packet(event, p);
	if (hit->head)
		events_fill_rule(event, hit);
	events_send(active);
}

static __always_inline int action_of(__u32 reason)
{
	switch (reason_verdict(reason)) {
	case VERDICT_PASS:
		return TC_ACT_UNSPEC;
	case VERDICT_SPLICE:
		return TC_ACT_OK;
	default:
		return TC_ACT_SHOT;
	}
}

SEC("action")
int splicer_ingress(struct __sk_buff *skb)
{
	struct rules_hit hit = {};
	struct packet p = {};
	__u32 reason = (__u32)packet_parse(skb, &p);

	if (!reason)
		reason = ingress_decide(skb, &p, &hit);
	if (p.is_question) {
		ctx_answer(skb, reason, hit.head ? rules_decision_sequence(hit.decision) : 0);
		return TC_ACT_SHOT;
	}
	if (hit.head)
		rules_count(hit.head, p.length);
	counts_add(reason, p.length);
	report(&p, reason, &hit);
	return action_of(reason);
}

SEC("action/egress")
int splicer_egress(struct __sk_buff *skb)
{
	(void)skb;
	return TC_ACT_UNSPEC;
}

SEC("sk_lookup")
int splicer_lookup(struct bpf_sk_lookup *ctx)
{
	(void)ctx;
	return SK_PASS;
}

char _license[] SEC("license") = "GPL";
