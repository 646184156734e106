/* SPDX-License-Identifier: GPL-2.0-only */
/* The record of an event of splicer.o, byte by byte. */
#include "golden.h"

#include <linux/if_ether.h>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#define LIVE_PORT 4001
#define UDP IPPROTO_UDP
#define LLDP 0x88cc
#define TAG64 "a-tag-of-64-bytes-which-is-as-long-as-one-can-be-123456789012345"
#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void insert_rule(struct fixture *fixture, int family)
{
	rule_insert(fixture, family, "-P 5 203.0.113.9 32 9 9 0 tcp");
}

/* clang-format off */
static const char *const rules[] = {
	"-S short 203.0.113.0 24 81 81 0 tcp",
	"-a drop -S " TAG64 " 203.0.113.0 24 80 80 0 tcp",
	"-S trunk 203.0.113.0 24 82 82 4002 tcp",
	"203.0.113.0 24 84 84 4001 udp",
	"--direction out -a drop -S out-tag 203.0.113.0 24 85 85 0 tcp",
	"--mode detect -a drop 203.0.113.0 24 86 86 0 tcp",
	"-S echo 203.0.113.0 24 53 53 0 udp",
	"-S limit --max-duration 1000 203.0.113.0 24 54 54 0 udp",
	"--mode detect --max-duration 1000 203.0.113.0 24 55 55 0 udp",
};

static const struct golden goldens[] = {
	{ "no rule", { .dport = 79, .payload = 7 }, ON_VETH, EVENT_DECISION, VERDICT_DROP, REASON_NO_RULE, .has = { .tcp_flags = TCP_SYN } },
	{ "every TCP flag", { .dport = 79, .flags = 0xff }, ON_VETH, EVENT_DECISION, VERDICT_DROP, REASON_NO_RULE, .has = { .tcp_flags = 0xff } },
	{ "a drop rule, its tag of 64 bytes", { .dport = 80 }, ON_VETH, EVENT_DECISION, VERDICT_DROP, REASON_RULE_DROP, 2, TAG64, { .tcp_flags = TCP_SYN } },
	{ "none after it", { .dport = 79 }, ON_VETH, EVENT_DECISION, VERDICT_DROP, REASON_NO_RULE, .has = { .tcp_flags = TCP_SYN } },
	{ "a pass rule, a short tag after a long", { .dport = 81 }, ON_VETH, EVENT_DECISION, VERDICT_PASS, REASON_RULE_PASS, 1, "short", { .tcp_flags = TCP_SYN } },
	{ "the same connection again", { .dport = 81, .flags = TCP_ACK, .payload = 9 }, ON_VETH, EVENT_NONE, VERDICT_PASS, REASON_RULE_PASS, 1, "short", { .tcp_flags = TCP_ACK } },
	{ "its reply", { .dport = 81, .flags = TCP_ACK, .back = true }, OUT_VETH, EVENT_NONE, VERDICT_PASS, REASON_TRACKED, .has = { .tcp_flags = TCP_ACK } },
	{ "again, rules have changed", { .dport = 81, .flags = TCP_ACK }, ON_VETH, EVENT_REDECISION, VERDICT_PASS, REASON_RULE_PASS, 1, "short", { .tcp_flags = TCP_ACK }, .before = insert_rule },
	{ "a splice rule, nobody listens", { .dport = 82 }, ON_VETH, EVENT_DECISION, VERDICT_DROP, REASON_NO_LISTENER, 3, "trunk", { .tcp_flags = TCP_SYN, .splice_port = 4002 } },
	{ "UDP, on the other interface", { .proto = UDP, .dport = 83, .payload = 20 }, ON_PEER, EVENT_DECISION, VERDICT_DROP, REASON_NO_RULE },
	{ "UDP, a pass rule", { .proto = UDP, .dport = 53 }, ON_VETH, EVENT_DECISION, VERDICT_PASS, REASON_RULE_PASS, 7, "echo" },
	{ "a rule that limits", { .proto = UDP, .dport = 54 }, ON_VETH, EVENT_DECISION, VERDICT_PASS, REASON_RULE_PASS, 8, "limit" },
	{ "another, in mode detect", { .proto = UDP, .dport = 55 }, ON_VETH, EVENT_DECISION, VERDICT_PASS, REASON_RULE_PASS, 9 },
	{ "a reply that comes too late", { .back = true, .proto = UDP, .dport = 54 }, OUT_VETH, EVENT_REDECISION, VERDICT_DROP, REASON_MAX_DURATION, 8, "limit", .before = before_overdue },
	{ "a packet after it", { .proto = UDP, .dport = 54 }, ON_VETH, EVENT_NONE, VERDICT_DROP, REASON_MAX_DURATION, 8, "limit" },
	{ "too late, but only detected", { .proto = UDP, .dport = 55 }, ON_VETH, EVENT_REDECISION, VERDICT_DETECT, REASON_MAX_DURATION, 9 },
	{ "cut short: who sent it, but no ports", { .proto = UDP, .dport = 83, .payload = 20, .cut = 5 }, ON_VETH, EVENT_DECISION, VERDICT_DROP, REASON_TRUNCATED },
	{ "a VLAN tag", { .proto = UDP, .dport = 83, .tags = { ETH_P_8021Q } }, ON_VETH, EVENT_DECISION, VERDICT_DROP, REASON_NO_RULE, .has = { .vlan = 100 } },
	{ "no tag after it", { .proto = UDP, .dport = 83 }, ON_VETH, EVENT_DECISION, VERDICT_DROP, REASON_NO_RULE },
	{ "two VLAN tags", { .proto = UDP, .dport = 83, .tags = { ETH_P_8021AD, ETH_P_8021Q } }, ON_VETH, EVENT_DECISION, VERDICT_DROP, REASON_NO_RULE, .has = { .vlan = 100 } },
	{ "too many tags", { .family = 4, .dport = 81, .tags = { ETH_P_8021Q, ETH_P_8021Q, ETH_P_8021Q, ETH_P_8021Q } }, ON_VETH, EVENT_DECISION, VERDICT_DROP, REASON_TOO_MANY_HEADERS, .has = { .vlan = 100, .ethertype = ETH_P_8021Q } },
	{ "echo request", { .icmp = ECHO_REQUEST, .id = 7 }, ON_VETH, EVENT_DECISION, VERDICT_DROP, REASON_NO_RULE },
	{ "unreachable", { .icmp = UNREACHABLE }, ON_VETH, EVENT_DECISION, VERDICT_DROP, REASON_NO_RULE },
	{ "SCTP", { .proto = IPPROTO_SCTP, .sport = 1, .dport = 65535, .payload = 8 }, ON_VETH, EVENT_DECISION, VERDICT_DROP, REASON_NO_RULE },
	{ "GRE", { .proto = IPPROTO_GRE, .payload = 8 }, ON_VETH, EVENT_DECISION, VERDICT_DROP, REASON_NO_RULE },
	{ "a first fragment, spliced", { .fragment = FIRST, .id = 9, .proto = UDP, .dport = 84 }, ON_VETH, EVENT_DECISION, VERDICT_SPLICE, REASON_RULE_SPLICE, 4, .has = { .fragment = EVENT_FIRST_FRAGMENT, .splice_port = 4001 }, .before = before_linked },
	{ "a later one", { .fragment = LATER, .id = 9, .proto = UDP, .payload = 30 }, ON_VETH, EVENT_NONE, VERDICT_SPLICE, REASON_FRAGMENT_SPLICE, .has = { .fragment = EVENT_LATER_FRAGMENT } },
	{ "a first fragment, dropped", { .fragment = FIRST, .id = 10, .proto = UDP, .dport = 83 }, ON_VETH, EVENT_DECISION, VERDICT_DROP, REASON_NO_RULE, .has = { .fragment = EVENT_FIRST_FRAGMENT } },
	{ "a later one", { .fragment = LATER, .id = 10, .proto = UDP, .payload = 30 }, ON_VETH, EVENT_DECISION, VERDICT_DROP, REASON_FRAGMENT, .has = { .fragment = EVENT_LATER_FRAGMENT } },
	{ "a whole packet with a fragment header", { .family = 6, .fragment = ATOMIC, .proto = UDP, .dport = 83 }, ON_VETH, EVENT_DECISION, VERDICT_DROP, REASON_NO_RULE },
	{ "LLDP", { .family = 4, .ethertype = LLDP }, ON_VETH, EVENT_DECISION, VERDICT_DROP, REASON_ETHERTYPE, .has = { .ethertype = LLDP } },
	{ "ARP", { .family = 4, .ethertype = ETH_P_ARP }, ON_VETH, EVENT_NONE, VERDICT_PASS, REASON_ARP, .has = { .ethertype = ETH_P_ARP } },
	{ "loopback", { .dport = 79 }, ON_LOOPBACK, EVENT_NONE, VERDICT_PASS, REASON_LOOPBACK, .has = { .tcp_flags = TCP_SYN } },
	{ "a bad TCP header", { .dport = 81, .poke = { AT_TRANSPORT, 12, 1, 0 } }, ON_VETH, EVENT_DECISION, VERDICT_DROP, REASON_BAD_HEADER },
	{ "detected by a rule", { .dport = 86 }, ON_VETH, EVENT_DECISION, VERDICT_DETECT, REASON_RULE_DROP, 6, .has = { .tcp_flags = TCP_SYN } },
	{ "leaving", { .dport = 90 }, OUT_PEER, EVENT_DECISION, VERDICT_PASS, REASON_OUT, .has = { .tcp_flags = TCP_SYN } },
	{ "leaving again", { .dport = 90, .flags = TCP_ACK }, OUT_PEER, EVENT_NONE, VERDICT_PASS, REASON_OUT, .has = { .tcp_flags = TCP_ACK } },
	{ "leaving by another", { .dport = 91 }, OUT_VETH, EVENT_DECISION, VERDICT_PASS, REASON_OUT, .has = { .tcp_flags = TCP_SYN } },
	{ "again, out=drop", { .dport = 91, .flags = TCP_ACK }, OUT_VETH, EVENT_DECISION, VERDICT_DROP, REASON_OUT_DROP, .has = { .tcp_flags = TCP_ACK }, .before = before_out_drop },
	{ "a drop rule for what leaves", { .dport = 85 }, OUT_VETH, EVENT_DECISION, VERDICT_DROP, REASON_RULE_DROP, 5, "out-tag", { .tcp_flags = TCP_SYN } },
	{ "detected by the interface", { .dport = 79 }, ON_VETH, EVENT_DECISION, VERDICT_DETECT, REASON_NO_RULE, .has = { .tcp_flags = TCP_SYN }, .before = before_detect },
};
/* clang-format on */

/* Of a connected local socket: no decision, but a packet. */
static void established_run(struct fixture *fixture, struct goldens *run, int family)
{
	int server = socket_listen(family, SOCK_STREAM, LIVE_PORT),
	    client = socket_connect(family, SOCK_STREAM, LIVE_PORT);
	const char *loopback = family == 6 ? "::1" : "127.0.0.1";
	const struct golden golden = {
		.name = "of a connected socket",
		.spec = { .src = loopback,
			  .dst = loopback,
			  .sport = LIVE_PORT,
			  .dport = socket_port(client),
			  .flags = TCP_ACK },
		.verdict = VERDICT_PASS,
		.reason = REASON_ESTABLISHED,
		.has = { .tcp_flags = TCP_ACK },
	};

	goldens_run(fixture, run, family, &golden, 1);
	close(client);
	close(server);
}

static void cases_run(struct fixture *fixture, int family)
{
	struct goldens run;

	goldens_open(fixture, &run, family, rules, COUNT(rules));
	goldens_run(fixture, &run, family, goldens, COUNT(goldens));
	established_run(fixture, &run, family);
	goldens_close(fixture, &run);
}

void event_cases(struct fixture *fixture)
{
	int sockets[] = { socket_listen(4, SOCK_DGRAM, LIVE_PORT), socket_listen(6, SOCK_DGRAM, LIVE_PORT) };

	for (int family = 4; family <= 6; family += 2) {
		if (fixture->map_update)
			cases_run(fixture, family);
		else
			tap_skip("no map_update", "records of events (IPv%d)", family);
	}
	for (size_t i = 0; i < COUNT(sockets); i++)
		close(sockets[i]);
}
