/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The record of an event, byte by byte: what the tables do not name must be zero, also after a record that had it.
 * Two listen, one to decisions and one to all packets; both must get the same, but for the type.
 */
#include "listener.h"

#include <linux/if_ether.h>

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define LIVE_PORT 4001
#define UDP IPPROTO_UDP
#define LLDP 0x88cc
#define TAG64 "a-tag-of-64-bytes-which-is-as-long-as-one-can-be-123456789012345"
#define RING 65536

/* One frame, and its record; size, version, object, time, interface, length and addresses are those of the frame. */
struct golden {
	const char *name;
	struct spec spec;
	enum context context;
	enum event_type type; /* EVENT_NONE: not told as a decision */
	enum verdict verdict;
	enum reason reason;
	uint64_t rule;
	const char *tag;
	struct event
		has; /* ethertype 0: that of the frame's family; ports are those of the frame unless fragment says no */
	void (*before)(struct fixture *fixture, int family);
};

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

static bool has_ports(uint8_t proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_SCTP;
}

static void expect_ip(const struct frame *frame, struct event *event)
{
	size_t size = frame->family == 6 ? 16 : 4;
	const uint8_t *addresses = frame->data + frame->network + (frame->family == 6 ? 8 : 12);
	const uint8_t *transport = frame->data + frame->transport;

	event->family = (uint8_t)frame->family;
	event->proto = frame->data[frame->next];
	memcpy(event->src, addresses, size);
	memcpy(event->dst, addresses + size, size);
	if (event->fragment == EVENT_LATER_FRAGMENT || event->reason == REASON_TRUNCATED)
		return;
	if (has_ports(event->proto)) {
		memcpy(&event->sport, transport, sizeof(event->sport));
		memcpy(&event->dport, transport + 2, sizeof(event->dport));
	} else if (event->proto == IPPROTO_ICMP || event->proto == IPPROTO_ICMPV6) {
		event->icmp_type = transport[0];
		event->icmp_code = transport[1];
	}
}

static uint32_t ifindex_of(const struct fixture *fixture, enum context context)
{
	if (context == ON_LOOPBACK || context == OUT_LOOPBACK)
		return 1;
	return (uint32_t)(context == ON_PEER || context == OUT_PEER ? fixture->veth_peer : fixture->veth);
}

/* The record that the frame must make, as a packet; without its time. */
static struct event expected_of(const struct fixture *fixture, const struct golden *golden, const struct frame *frame)
{
	struct event event = golden->has;

	event.size = sizeof(event);
	event.version = 1;
	event.type = EVENT_PACKET;
	event.object = EVENT_SPLICER;
	event.hook = golden->context >= OUT_VETH ? EVENT_EGRESS : EVENT_INGRESS;
	event.verdict = golden->verdict;
	event.reason = golden->reason;
	event.ifindex = ifindex_of(fixture, golden->context);
	event.length = (uint32_t)frame->len;
	event.rule = golden->rule;
	event.sample = 1;
	if (golden->tag)
		memcpy(event.service, golden->tag, strnlen(golden->tag, sizeof(event.service)));
	if (golden->has.ethertype)
		return event; /* its headers are not read further */
	event.ethertype = frame->family == 6 ? ETH_P_IPV6 : ETH_P_IP;
	expect_ip(frame, &event);
	return event;
}

/* "16:07" for each byte that differs: offset and what was got */
static void difference_print(const struct event *got, const struct event *expected, char *text, size_t size)
{
	const uint8_t *a = (const uint8_t *)got, *b = (const uint8_t *)expected;
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < sizeof(*got) && used + 8 < size; i++)
		if (a[i] != b[i])
			used += (size_t)snprintf(text + used, size - used, " %zu:%02x/%02x", i, a[i], b[i]);
}

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/* What was read is one record, made since `from`, that is as expected; says why not. */
static bool record_is(struct listener *listener, size_t count, struct event expected, uint64_t from, char *got,
		      size_t size)
{
	struct event *event = &listener->event[0];
	uint64_t until = now(), time;

	if (listener->count != count || listener->odd) {
		snprintf(got, size, "%zu events, %zu of an odd size", listener->count, listener->odd);
		return false;
	}
	if (!count)
		return true;
	time = event->time;
	event->time = 0;
	difference_print(event, &expected, got, size);
	if (!*got && (time < from || time > until))
		snprintf(got, size, "its time is off");
	event->time = time;
	return !*got;
}

/* [0] listens to decisions, [1] to packets */
static void golden_run(struct fixture *fixture, struct listener listeners[2], const struct golden *golden, int family)
{
	struct spec spec = golden->spec;
	struct outcome outcome;
	struct event expected;
	struct frame frame;
	char got[512];
	uint64_t from;
	bool right;

	if (golden->before)
		golden->before(fixture, family);
	spec.family = family;
	spec_build(&spec, &frame);
	from = now();
	fixture_run(fixture, golden->context, &frame, &outcome);
	listener_read(&listeners[0]);
	listener_read(&listeners[1]);
	expected = expected_of(fixture, golden, &frame);
	right = record_is(&listeners[1], 1, expected, from, got, sizeof(got));
	expected.type = (uint8_t)golden->type;
	expected.sample = 0;
	right = right && record_is(&listeners[0], golden->type != EVENT_NONE, expected, from, got, sizeof(got));
	if (right && golden->type != EVENT_NONE && listeners[0].event[0].time != listeners[1].event[0].time)
		right = !snprintf(got, sizeof(got), "two times");
	if (right)
		tap_ok("record: %s (IPv%d)", golden->name, family);
	else
		tap_not_ok("the record, at OFFSET:GOT/EXPECTED no difference", got, "record: %s (IPv%d)", golden->name,
			   family);
}

/* Of a connected local socket: no decision, but a packet. */
static void established_run(struct fixture *fixture, struct listener listeners[2], int family)
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

	golden_run(fixture, listeners, &golden, family);
	close(client);
	close(server);
}

static void goldens_run(struct fixture *fixture, int family)
{
	const struct event_filter decisions = { .types = TYPES(EVENT_DECISION, EVENT_REDECISION) };
	const struct event_filter packets = { .types = TYPES(EVENT_PACKET), .sample = 1 };
	struct listener listeners[2];
	struct plane plane;

	fixture_open(fixture);
	plane = plane_of(fixture);
	listener_open(&listeners[0], &plane, 0, &decisions, RING);
	listener_open(&listeners[1], &plane, EVENT_SLOT_COUNT - 1, &packets, RING);
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (rule_insert(fixture, family, rules[i]))
			tap_not_ok("exit 0", "another", "record: map_update %s", rules[i]);
	for (size_t i = 0; i < sizeof(goldens) / sizeof(goldens[0]); i++)
		if (!goldens[i].spec.family || goldens[i].spec.family == family)
			golden_run(fixture, listeners, &goldens[i], family);
	established_run(fixture, listeners, family);
	listener_close(&listeners[0]);
	listener_close(&listeners[1]);
	fixture_close(fixture);
}

void event_cases(struct fixture *fixture)
{
	int sockets[] = { socket_listen(4, SOCK_DGRAM, LIVE_PORT), socket_listen(6, SOCK_DGRAM, LIVE_PORT) };

	for (int family = 4; family <= 6; family += 2) {
		if (fixture->map_update)
			goldens_run(fixture, family);
		else
			tap_skip("no map_update", "records of events (IPv%d)", family);
	}
	for (size_t i = 0; i < sizeof(sockets) / sizeof(sockets[0]); i++)
		close(sockets[i]);
}
