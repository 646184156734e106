/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * splicer.o: a stateful ingress firewall that splices TCP and UDP flows into local sockets.
 *
 *     tc qdisc add dev IF clsact
 *     tc filter add dev IF ingress bpf da obj splicer.o sec action
 *     tc filter add dev IF egress prio 20 bpf da obj splicer.o sec action/egress
 *
 * The packet path, row by row, is documented in splicer(7).
 */
#include "lib/bpf.h"
#include "lib/ctx_tc.h"
#include "lib/packet.h"

#include "lib/conntrack.h"
#include "lib/counts.h"
#include "lib/events.h"
#include "lib/flood.h"
#include "lib/fragment.h"
#include "lib/icmp.h"
#include "lib/match.h"
#include "lib/reset.h"
#include "lib/route.h"
#include "lib/settings.h"
#include "lib/socket.h"
#include "lib/through.h"
#include "lib/tunnel.h"
#include "lib/verdict.h"

#include <linux/icmpv6.h>
#include <linux/pkt_cls.h>

#define LOOPBACK_IFINDEX 1 /* in every network namespace; include/net/net_namespace.h */
#define SSH_PORT 22

/* RFC 2131, 8415 */
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

/* A packet, and what is found out about it. */
struct passage {
	struct packet p;
	struct conn_seen *seen;
	struct rules_hit hit;
};

/* ---- rows of both hooks ---- */

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

/* What a client here and a server tell each other: the ports of both ends. */
static __always_inline __u32 row_dhcp(const struct packet *p, __be16 server, __be16 client)
{
	if (p->proto != IPPROTO_UDP)
		return REASON_NONE;
	if (p->family == 4 && server == bpf_htons(DHCP_SERVER) && client == bpf_htons(DHCP_CLIENT))
		return REASON_DHCP;
	if (p->family == 6 && server == bpf_htons(DHCPV6_SERVER) && client == bpf_htons(DHCPV6_CLIENT))
		return REASON_DHCP;
	return REASON_NONE;
}

/* A later fragment; REASON_NONE: its first is not known. */
static __always_inline __u32 follow_first(struct passage *x)
{
	__u32 followed = (__u32)fragment_follow(&x->p);

	x->seen->followed = followed >> 8;
	return followed & 0xff;
}

/* Of a connection that is being cut, only the resets that do it pass. */
static __always_inline __u32 row_cut(const struct packet *p, __u32 step)
{
	return step == CONN_GONE && p->tcp_flags & TCP_FLAG_BYTE_RST ? REASON_TRACKED : REASON_MAX_DURATION;
}

/* Of a local socket: it passes, whatever is known of it, unless it may not last. */
static __always_inline __u32 row_followed(struct passage *x)
{
	x->seen->connected = 1;
	switch (conn_follow(&x->p, x->seen)) {
	case CONN_OVERDUE:
	case CONN_GONE:
		return row_cut(&x->p, x->seen->step);
	default:
		return REASON_ESTABLISHED;
	}
}

/* While any rule limits how long connections last, those of local sockets are looked up for that alone. */
static __always_inline __u32 row_established(struct passage *x)
{
	struct splicer_config *config = config_get();

	if (!config || !config->durations_seen)
		return REASON_ESTABLISHED;
	return row_followed(x);
}

static __always_inline __u32 splice_or(struct __sk_buff *skb, const struct packet *p, __u32 reason, __u64 decision)
{
	return reason == REASON_RULE_SPLICE ? socket_splice(skb, p, rules_decision_port(decision)) : reason;
}

/* What rules said of the connection before. */
static __always_inline __u32 row_remembered(struct __sk_buff *skb, struct passage *x)
{
	if (verdict_hit(&x->seen->verdict, &x->hit)) {
		/* the rules were replaced a moment ago */
		x->seen->step = CONN_ASK;
		return REASON_NONE;
	}
	return splice_or(skb, &x->p, x->seen->verdict.reason, x->seen->verdict.decision);
}

static __always_inline __u32 row_icmp_error(struct __sk_buff *skb, const struct packet *p)
{
	return icmp_is_error(p) && icmp_error_is_known(skb, p) ? REASON_ICMP_ERROR : REASON_NONE;
}

/* Asks the rules. REASON_NONE: none matches. */
static __always_inline __u32 ask_rules(struct passage *x)
{
	/* a second time when they were replaced a moment ago */
	if ((verdict_ask(&x->p, &x->seen->verdict, x->seen->hook) || verdict_hit(&x->seen->verdict, &x->hit)) &&
	    (verdict_ask(&x->p, &x->seen->verdict, x->seen->hook) || verdict_hit(&x->seen->verdict, &x->hit)))
		return REASON_INTERNAL;
	if (!x->hit.head)
		return REASON_NONE;
	switch (rules_decision_action(x->hit.decision)) {
	case RULES_SPLICE:
		return REASON_RULE_SPLICE;
	case RULES_PASS:
		return REASON_RULE_PASS;
	default:
		return REASON_RULE_DROP;
	}
}

/* ---- connections ---- */

/*
 * A connection that the stack keeps account of itself need not be tracked, unless it may not last. A socket that
 * listens on all addresses is also found for packets that will be forwarded.
 */
static __always_inline int is_for_socket(struct __sk_buff *skb, const struct passage *x, __u32 reason)
{
	if (x->p.proto != IPPROTO_TCP || (x->hit.head && x->hit.decision & RULES_LIMITED))
		return 0;
	if (reason == REASON_RULE_SPLICE)
		return 1;
	return x->seen->socket == SOCKET_LISTENS && (x->seen->hook == RULES_OUT || route_ends_here(skb, &x->p));
}

/* The answer to a SYN. With a SYN cookie it has no socket. */
static __always_inline int is_syn_ack(const struct packet *p)
{
	__u8 both = TCP_FLAG_BYTE_SYN | TCP_FLAG_BYTE_ACK;

	return (p->tcp_flags & both) == both;
}

/* Whether a packet of no known connection begins one. */
static __always_inline int begins_connection(const struct packet *p, __u32 hook)
{
	if (p->proto == IPPROTO_ICMP || p->proto == IPPROTO_ICMPV6)
		return conn_is_echo_request(p);
	if (p->proto != IPPROTO_TCP)
		return conn_is_tracked(p);
	/* what leaves as an answer has come in by another way, and is no business of this one */
	if (hook == RULES_OUT && is_syn_ack(p))
		return 0;
	return !(p->tcp_flags & TCP_FLAG_BYTE_RST);
}

static __always_inline int is_recorded(struct __sk_buff *skb, const struct passage *x, __u32 reason)
{
	if (x->p.is_question || !conn_is_tracked(&x->p))
		return 0;
	if (x->seen->step == CONN_ASK)
		return 1;
	return reason_verdict(reason) != VERDICT_DROP && !is_for_socket(skb, x, reason) &&
	       begins_connection(&x->p, x->seen->hook);
}

/* Whether the same may be said of the connection's next packet without asking. */
static __always_inline int is_remembered(const struct passage *x, __u32 reason)
{
	if (x->seen->verdict.changes & 1)
		return 0;
	return reason == REASON_RULE_SPLICE || reason == REASON_RULE_PASS || reason == REASON_RULE_DROP ||
	       reason == REASON_NO_RULE || reason == REASON_OUT;
}

/* Takes note of a connection that was decided; returns the reason that then holds. */
static __always_inline __u32 record(struct __sk_buff *skb, struct passage *x, __u32 reason)
{
	if (!is_recorded(skb, x, reason))
		return reason;
	x->seen->verdict.reason = is_remembered(x, reason) ? reason : REASON_NONE;
	x->seen->passes = reason_verdict(reason) != VERDICT_DROP;
	x->seen->max_duration = rules_max_duration(&x->hit);
	x->seen->recorded = x->seen->step == CONN_UNKNOWN;
	/* what leaves without a rule may do so unseen: its replies are not let in then */
	if (conn_record(&x->p, x->seen) >= 0 || reason == REASON_OUT || setting_passes(x->p.ifindex, SETTING_ON_FULL))
		return reason;
	return REASON_TABLE_FULL;
}

/*
 * A filter came under a connection, and the first packet that it saw of it left. If rules let in what comes the other
 * way, they know better who opened it: where it comes in by another filter, that would have to ask rules for replies.
 */
static __always_inline __u32 row_doubted(struct __sk_buff *skb, struct passage *x)
{
	if (ask_rules(x) != REASON_RULE_PASS || x->p.is_question) {
		x->hit.head = NULL;
		return REASON_TRACKED;
	}
	x->seen->step = CONN_UNKNOWN;
	return record(skb, x, REASON_RULE_PASS);
}

static __always_inline __u32 row_tracked(struct __sk_buff *skb, struct passage *x)
{
	if (!conn_is_tracked(&x->p))
		return REASON_NONE;
	switch (conn_follow(&x->p, x->seen)) {
	case CONN_REPLY:
		return REASON_TRACKED;
	case CONN_REMEMBERED:
		return row_remembered(skb, x);
	case CONN_DOUBTED:
		return row_doubted(skb, x);
	case CONN_OVERDUE:
	case CONN_GONE:
		return row_cut(&x->p, x->seen->step);
	default:
		return REASON_NONE;
	}
}

/* ---- ingress ---- */

static __always_inline __u32 row_link(const struct packet *p)
{
	if (p->family)
		return REASON_NONE;
	if (p->ethertype == bpf_htons(ETH_P_ARP))
		return REASON_ARP;
	return setting_passes(p->ifindex, SETTING_NONIP) ? REASON_NONIP : REASON_ETHERTYPE;
}

static __always_inline __u32 row_fragment(struct __sk_buff *skb, struct passage *x)
{
	__u32 reason;

	if (x->p.fragment != FRAGMENT_LATER)
		return REASON_NONE;
	reason = follow_first(x);
	if (reason)
		return reason;
	/* then it is put together here or not at all, and its first fragment, decided by itself, is needed for that */
	return route_ends_here(skb, &x->p) ? REASON_FRAGMENT_EARLY : REASON_FRAGMENT;
}

static __always_inline int is_own_address(const struct packet *p)
{
	struct splicer_addr key = { .ifindex = p->ifindex, .family = p->family };

	__builtin_memcpy(key.addr, p->dst, sizeof(key.addr));
	return bpf_map_lookup_elem(&splicer1_addrs, &key) != NULL;
}

static __always_inline int rules_were_seen(void)
{
	struct splicer_config *config = config_get();

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

/* The rows that a packet's headers alone decide. */
static __always_inline __u32 rows_by_header(struct __sk_buff *skb, struct passage *x)
{
	__u32 reason = row_link(&x->p);

	if (!reason)
		reason = row_fragment(skb, x);
	if (!reason)
		reason = row_neighbour(&x->p);
	if (!reason)
		reason = row_dhcp(&x->p, x->p.sport, x->p.dport);
	if (!reason)
		reason = row_ssh(&x->p);
	return reason;
}

static __always_inline __u32 row_socket(struct __sk_buff *skb, struct passage *x)
{
	x->seen->socket = socket_find(skb, &x->p);
	return x->seen->socket == SOCKET_CONNECTED ? row_established(x) : REASON_NONE;
}

/*
 * Whether the table is asked before sockets. UDP and others are mostly there; TCP is where the CPU's last TCP packet
 * was found, as a router forwards it and a host has sockets for it. The order makes no difference to the verdict,
 * unless connections of sockets are tracked, too.
 */
static __always_inline int is_table_first(const struct passage *x)
{
	struct splicer_config *config = config_get();

	return x->p.proto != IPPROTO_TCP || (x->seen->tcp_in_table && config && !config->durations_seen);
}

/* Local sockets and tracked connections. */
static __always_inline __u32 rows_by_connection(struct __sk_buff *skb, struct passage *x)
{
	int table_first = is_table_first(x);
	__u32 reason = table_first ? row_tracked(skb, x) : row_socket(skb, x);
	int by_table = table_first == (reason != REASON_NONE);

	if (!reason)
		reason = table_first ? row_socket(skb, x) : row_tracked(skb, x);
	if (reason && x->p.proto == IPPROTO_TCP)
		x->seen->tcp_in_table = (__u32)by_table;
	return reason;
}

static __always_inline __u32 row_echo(struct __sk_buff *skb, struct passage *x)
{
	if (!conn_is_echo_request(&x->p) || !setting_passes(x->p.ifindex, SETTING_ICMP_ECHO))
		return REASON_NONE;
	return record(skb, x, REASON_ECHO);
}

static __always_inline __u32 row_flood(const struct passage *x)
{
	return x->seen->step == CONN_UNKNOWN && flood_exceeds(&x->p) ? REASON_FLOOD : REASON_NONE;
}

/* TCP in the middle of a connection that nobody knows. */
static __always_inline int is_stray(const struct packet *p)
{
	return p->proto == IPPROTO_TCP && !packet_is_first_syn(p) && setting_drops(p->ifindex, SETTING_ON_STATE);
}

static __always_inline __u32 row_rules(struct __sk_buff *skb, struct passage *x)
{
	__u32 reason = ask_rules(x);

	if (!reason)
		reason = REASON_NO_RULE;
	if (reason_verdict(reason) != VERDICT_DROP && x->seen->step == CONN_UNKNOWN && is_stray(&x->p))
		return REASON_STATE;
	return record(skb, x, splice_or(skb, &x->p, reason, x->hit.decision));
}

/*
 * Where nothing is dropped for its own sake, too many flows of a source are not either; but rules still splice, and a
 * rule of the mode prevent still drops.
 */
static __always_inline int is_overruled(const struct passage *x, __u32 reason)
{
	return reason_verdict(reason) == VERDICT_SPLICE ||
	       (x->hit.head && rules_decision_mode(x->hit.decision) == RULES_PREVENT);
}

static __always_inline __u32 rows_by_rule(struct __sk_buff *skb, struct passage *x)
{
	__u32 flood = row_flood(x), reason;

	if (flood && setting_get(x->p.ifindex, SETTING_MODE) != MODE_DETECT)
		return flood;
	reason = row_rules(skb, x);
	if (!flood || is_overruled(x, reason))
		return reason;
	x->hit.head = NULL;
	return flood;
}

/* On loopback what is well formed passes; only a splice rule has a say there. */
static __always_inline __u32 loopback_decide(struct __sk_buff *skb, struct passage *x)
{
	if (!x->p.family || x->p.fragment == FRAGMENT_LATER)
		return REASON_LOOPBACK;
	if (socket_find(skb, &x->p) == SOCKET_CONNECTED)
		return REASON_ESTABLISHED;
	if (ask_rules(x) == REASON_RULE_SPLICE)
		return socket_splice(skb, &x->p, rules_decision_port(x->hit.decision));
	x->hit.head = NULL;
	return REASON_LOOPBACK;
}

static __always_inline __u32 ingress_decide(struct __sk_buff *skb, struct passage *x)
{
	__u32 reason;

	if (x->p.ifindex == LOOPBACK_IFINDEX)
		return loopback_decide(skb, x);
	reason = rows_by_header(skb, x);
	if (!reason)
		reason = rows_by_connection(skb, x);
	if (!reason)
		reason = row_icmp_error(skb, &x->p);
	if (!reason)
		reason = row_echo(skb, x);
	return reason ? reason : rows_by_rule(skb, x);
}

/* Reads the headers, and those of the packet within if it comes through a tunnel. */
static __always_inline __u32 ingress_parse(struct __sk_buff *skb, struct packet *p)
{
	__u32 reason = (__u32)packet_parse(skb, p);
	int opened;

	if (reason)
		return reason;
	opened = tunnel_open(skb, p);
	if (!opened)
		return REASON_NONE;
	if (opened < 0)
		return REASON_GENEVE;
	__builtin_memset(p, 0, sizeof(*p));
	return (__u32)packet_parse(skb, p);
}

/* ---- egress ---- */

static __always_inline int out_drops(const struct packet *p)
{
	return setting_drops(p->ifindex, SETTING_OUT);
}

static __always_inline __u32 row_link_out(const struct packet *p)
{
	if (p->family)
		return REASON_NONE;
	if (p->ethertype == bpf_htons(ETH_P_ARP))
		return REASON_ARP;
	return out_drops(p) && !setting_passes(p->ifindex, SETTING_NONIP) ? REASON_ETHERTYPE : REASON_NONIP;
}

static __always_inline __u32 row_fragment_out(struct passage *x)
{
	__u32 reason;

	if (x->p.fragment != FRAGMENT_LATER)
		return REASON_NONE;
	reason = follow_first(x);
	if (reason)
		return reason;
	return out_drops(&x->p) ? REASON_FRAGMENT : REASON_OUT;
}

/*
 * Whether a TCP socket of this host sent it, a handshake in progress (of which there is no full socket) included. What
 * packet sockets and virtual machines send has a socket too, but of another kind; what is bridged from a container has
 * one of another host, so to speak, and has come in by an interface.
 */
static __always_inline int is_from_tcp_socket(const struct __sk_buff *skb, const struct packet *p)
{
	struct bpf_sock *sk = skb->sk, *full;

	if (skb->ingress_ifindex)
		return 0;
	if (!sk || (sk->family != AF_INET && sk->family != AF_INET6))
		return is_syn_ack(p);
	full = bpf_sk_fullsock(sk);
	return !full || full->protocol == IPPROTO_TCP;
}

/*
 * Whether the stack has translated the addresses of what a connected local socket sent: replies come in for the
 * translated ones, which no socket has.
 */
static __always_inline int is_translated(const struct __sk_buff *skb, const struct packet *p)
{
	struct bpf_sock *sk = skb->sk;

	if (sk)
		sk = bpf_sk_fullsock(sk);
	if (!sk || sk->state == BPF_TCP_LISTEN || sk->state == BPF_TCP_CLOSE)
		return 0;
	if (sk->src_port != bpf_ntohs(p->sport) || socket_dst_port(sk) != p->dport)
		return 1;
	return p->family == 4 ? socket_is_not_ipv4(sk, p) : socket_is_not_ipv6(sk, p);
}

/* Rules never cut an established local connection: of TCP from a local socket only the first packet is theirs. */
static __always_inline __u32 row_socket_out(struct __sk_buff *skb, struct passage *x)
{
	int translated;

	if (x->p.proto != IPPROTO_TCP || !is_from_tcp_socket(skb, &x->p))
		return REASON_NONE;
	translated = is_translated(skb, &x->p);
	if (!packet_is_first_syn(&x->p))
		return translated ? row_followed(x) : row_established(x);
	x->seen->socket = translated ? SOCKET_NONE : SOCKET_LISTENS;
	return REASON_NONE;
}

static __always_inline __u32 row_rules_out(struct __sk_buff *skb, struct passage *x)
{
	__u32 reason = ask_rules(x);

	if (!reason)
		reason = out_drops(&x->p) ? REASON_OUT_DROP : REASON_OUT;
	return record(skb, x, reason);
}

/* A forwarded packet of a connection that was looked up as it came in: nothing here could say otherwise. */
static __always_inline int is_through(struct __sk_buff *skb)
{
	return through_is_tracked(skb) && rules_none_out() && !setting_drops(skb->ifindex, SETTING_OUT);
}

static __always_inline __u32 egress_by_header(struct passage *x)
{
	__u32 reason = row_link_out(&x->p);

	if (!reason)
		reason = row_fragment_out(x);
	if (!reason)
		reason = row_neighbour(&x->p);
	if (!reason)
		reason = row_dhcp(&x->p, x->p.dport, x->p.sport);
	return reason;
}

static __always_inline __u32 egress_decide(struct __sk_buff *skb, struct passage *x)
{
	__u32 reason;

	if (x->p.ifindex == LOOPBACK_IFINDEX)
		return REASON_LOOPBACK;
	reason = egress_by_header(x);
	if (!reason)
		reason = row_socket_out(skb, x);
	if (!reason)
		reason = row_tracked(skb, x);
	/* no rule was asked for it, so what was set since counts */
	if (reason == REASON_OUT && out_drops(&x->p))
		return REASON_OUT_DROP;
	if (!reason)
		reason = row_icmp_error(skb, &x->p);
	return reason ? reason : row_rules_out(skb, x);
}

/* ---- what becomes of it ---- */

static __always_inline int is_malformed(__u32 reason)
{
	return reason == REASON_TRUNCATED || reason == REASON_BAD_HEADER || reason == REASON_TOO_MANY_HEADERS;
}

/* The rule's mode, else the interface's, else that of all. */
static __always_inline int is_detect(const struct passage *x)
{
	enum rules_mode mode = x->hit.head ? rules_decision_mode(x->hit.decision) : RULES_MODE_UNSET;

	if (mode != RULES_MODE_UNSET)
		return mode == RULES_DETECT;
	return setting_get(x->p.ifindex, SETTING_MODE) == MODE_DETECT;
}

static __always_inline enum verdict verdict_of(const struct passage *x, __u32 reason)
{
	enum verdict verdict = reason_verdict(reason);

	if (x->seen->followed)
		return (enum verdict)x->seen->followed;
	if (verdict != VERDICT_DROP)
		return verdict;
	if (is_malformed(reason) && x->seen->hook == RULES_IN && setting_passes(x->p.ifindex, SETTING_ON_TRUNCATED))
		return VERDICT_PASS;
	return is_detect(x) ? VERDICT_DETECT : VERDICT_DROP;
}

/* An event is a decision, not a packet: packets of what was decided before are only counted. */
static __always_inline int is_decision(const struct passage *x, __u32 reason)
{
	switch (reason) {
	case REASON_LOOPBACK:
	case REASON_ARP:
	case REASON_NONIP:
	case REASON_NEIGHBOUR:
	case REASON_DHCP:
	case REASON_ESTABLISHED:
	case REASON_TRACKED:
	case REASON_ICMP_ERROR:
	case REASON_FRAGMENT_PASS:
	case REASON_FRAGMENT_EARLY:
	case REASON_FRAGMENT_SPLICE:
		return 0;
	case REASON_SSH_ANY:
	case REASON_SSH_OWN:
		return packet_is_first_syn(&x->p);
	case REASON_ECHO:
		return x->seen->recorded;
	case REASON_OUT:
		return x->seen->recorded || (x->seen->step == CONN_UNKNOWN && packet_is_first_syn(&x->p));
	case REASON_MAX_DURATION:
		return x->seen->step == CONN_OVERDUE;
	default:
		return x->seen->step != CONN_REMEMBERED;
	}
}

static __always_inline void report(const struct passage *x, __u32 reason, enum verdict verdict)
{
	__u64 active = events_active();
	struct event *event;

	if (!active || !is_decision(x, reason))
		return;
	event = events_new(EVENT_SPLICER, x->seen->hook == RULES_OUT ? EVENT_EGRESS : EVENT_INGRESS, reason, verdict);
	if (!event)
		return;
	events_fill_packet(event, &x->p);
	if (x->hit.head)
		events_fill_rule(event, &x->hit);
	events_send(active);
}

static __always_inline int action_of(enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_PASS:
	case VERDICT_DETECT:
		return TC_ACT_UNSPEC;
	case VERDICT_SPLICE:
		return TC_ACT_OK;
	default:
		return TC_ACT_SHOT;
	}
}

/*
 * Rules leave it to the stack to find the socket. What had the same addresses and ports may have been spliced before,
 * and its listener still be where sk_lookup would find it.
 */
static __always_inline int is_for_stack(const struct passage *x, __u32 reason, enum verdict verdict)
{
	if (x->seen->hook == RULES_OUT || x->p.fragment == FRAGMENT_LATER)
		return 0;
	return verdict == VERDICT_DETECT || (reason == REASON_RULE_PASS && x->seen->step != CONN_REMEMBERED);
}

static __always_inline int answer(struct __sk_buff *skb, const struct passage *x, __u32 reason, enum verdict verdict)
{
	ctx_answer(skb, reason, verdict, x->hit.head ? rules_decision_sequence(x->hit.decision) : 0);
	return TC_ACT_SHOT;
}

/*
 * Whether the packet comes in, and its connection stood in the table before. Of the one that opens it nothing is known
 * elsewhere yet.
 */
static __always_inline int has_connection(const struct passage *x)
{
	if (x->seen->hook == RULES_OUT)
		return 0;
	return x->seen->step == CONN_REPLY || x->seen->step == CONN_DOUBTED || x->seen->step == CONN_REMEMBERED;
}

/* Counts, tells, and carries the decision out. */
static __always_inline int conclude(struct __sk_buff *skb, const struct passage *x, __u32 reason)
{
	enum verdict verdict = verdict_of(x, reason);

	if (x->p.is_question)
		return answer(skb, x, reason, verdict);
	if (x->hit.head)
		rules_count(x->hit.head, x->p.length);
	counts_add(reason, x->p.length);
	report(x, reason, verdict);
	if (is_for_stack(x, reason, verdict))
		splice_forget(&x->p);
	through_set(skb, &x->p, verdict == VERDICT_PASS && has_connection(x));
	if (x->p.fragment == FRAGMENT_FIRST)
		fragment_remember(&x->p, verdict);
	if (reason == REASON_MAX_DURATION && verdict == VERDICT_DROP &&
	    reset_both(skb, &x->p, x->seen->hook == RULES_OUT))
		return TC_ACT_UNSPEC;
	return action_of(verdict);
}

SEC("action")
int splicer_ingress(struct __sk_buff *skb)
{
	struct passage x = { .seen = conn_begin(RULES_IN) };
	__u32 reason;

	if (!x.seen)
		return TC_ACT_SHOT;
	reason = ingress_parse(skb, &x.p);
	if (!reason)
		reason = ingress_decide(skb, &x);
	return conclude(skb, &x, reason);
}

static __always_inline int pass_through(const struct __sk_buff *skb)
{
	counts_add(REASON_TRACKED, skb->len);
	return TC_ACT_UNSPEC;
}

static __always_inline int egress(struct __sk_buff *skb)
{
	struct passage x = { .seen = conn_begin(RULES_OUT) };
	__u32 reason;

	if (!x.seen)
		return TC_ACT_SHOT;
	reason = (__u32)packet_parse(skb, &x.p);
	if (!reason)
		reason = egress_decide(skb, &x);
	return conclude(skb, &x, reason);
}

SEC("action/egress")
int splicer_egress(struct __sk_buff *skb)
{
	return is_through(skb) ? pass_through(skb) : egress(skb);
}

SEC("sk_lookup")
int splicer_lookup(struct bpf_sk_lookup *ctx)
{
	return fragment_deliver(ctx);
}

char _license[] SEC("license") = "GPL";
