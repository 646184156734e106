/* SPDX-License-Identifier: GPL-2.0-only */
/* What is remembered of connections: until when, under which key, and what happens where it cannot be. */
#include "abi/rules.h"
#include "harness.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <err.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define LIVE_PORT 4001
#define TUPLES 400
#define CONFIGURED 40 /* seconds, of every timeout in turn */

/* ---- verdicts that are remembered ---- */

/* As if rules had changed since. */
static void outdate(struct fixture *fixture, int family)
{
	struct conn_key key, *from = NULL;
	struct conn conn;

	(void)family;
	for (; !bpf_map_get_next_key(fixture->table[CONNS_UNCONFIRMED], from, &key); from = &key) {
		if (bpf_map_lookup_elem(fixture->table[CONNS_UNCONFIRMED], &key, &conn))
			err(2, SPLICER_CONNS);
		conn.verdict[RULES_IN].changes -= 2;
		if (bpf_map_update_elem(fixture->table[CONNS_UNCONFIRMED], &key, &conn, BPF_EXIST))
			err(2, SPLICER_CONNS);
	}
}

/* A remembered verdict that says otherwise than the rules: what comes next tells whether they were asked. */
static void remember_drop(struct fixture *fixture, int family)
{
	struct conn_key key;
	struct conn conn;

	(void)family;
	if (bpf_map_get_next_key(fixture->table[CONNS_UNCONFIRMED], NULL, &key) ||
	    bpf_map_lookup_elem(fixture->table[CONNS_UNCONFIRMED], &key, &conn))
		err(2, SPLICER_CONNS);
	conn.verdict[RULES_IN].reason = REASON_NO_RULE;
	conn.verdict[RULES_IN].record = 0;
	if (bpf_map_update_elem(fixture->table[CONNS_UNCONFIRMED], &key, &conn, BPF_EXIST))
		err(2, SPLICER_CONNS);
}

static void two_seconds(struct fixture *fixture, int family)
{
	(void)fixture, (void)family;
	sleep(2);
}

static void take_table(struct fixture *fixture, int family)
{
	uint32_t table = CONNS_UNCONFIRMED;

	(void)family;
	state_forget(fixture);
	if (bpf_map_delete_elem(fixture->conns, &table))
		err(2, SPLICER_CONNS);
}

static void full_pass(struct fixture *fixture, int family)
{
	(void)family;
	fixture_set(fixture, fixture->veth, SETTING_ON_FULL, GATE_PASS);
}

static void full_drop(struct fixture *fixture, int family)
{
	(void)family;
	fixture_set(fixture, fixture->veth, SETTING_ON_FULL, GATE_DROP);
}

/* clang-format off */
#define UDP IPPROTO_UDP
#define TO_53 { .proto = UDP, .dport = 53 }
#define BACK_53 { .back = true, .proto = UDP, .dport = 53 }
#define PASS_53 "203.0.113.0 24 53 53 0 udp"

static const struct scenario verdicts[] = {
	{ "rules change", 0, { PASS_53 }, {
		{ "a datagram", TO_53, ON_VETH, REASON_RULE_PASS, .conn = "unconfirmed new 1/0" },
		{ "a drop rule comes", TO_53, ON_VETH, REASON_RULE_DROP, .conn = "unconfirmed new 1/0", .rule = "-P 1 -a drop 203.0.113.0 24 53 53 0 udp" },
		{ "and is remembered", TO_53, ON_VETH, REASON_RULE_DROP, .conn = "unconfirmed new 1/0" },
		{ "a reply to what passed before", BACK_53, OUT_VETH, REASON_TRACKED, .conn = "unconfirmed established 1/1" },
		{ "a pass rule comes", TO_53, ON_VETH, REASON_RULE_PASS, .conn = "confirmed established 2/1", .rule = "-P 2 203.0.113.0 24 53 53 0 udp" },
		{ "a rule comes that has nothing to do with it", TO_53, ON_VETH, REASON_RULE_PASS, .conn = "confirmed established 3/1", .rule = "9.9.9.0 24 1 1 0 tcp" },
		{ "a splice to nobody comes", TO_53, ON_VETH, REASON_NO_LISTENER, .conn = "confirmed established 3/1", .rule = "-P 3 203.0.113.0 24 53 53 4002 udp" },
		{ "which is not remembered, for someone may listen", TO_53, ON_VETH, REASON_NO_LISTENER, .conn = "confirmed established 3/1" },
		{ 0 } } },
	{ "rules are asked once", 0, { PASS_53 }, {
		{ "a datagram", TO_53, ON_VETH, REASON_RULE_PASS },
		{ "what is remembered holds", TO_53, ON_VETH, REASON_NO_RULE, .before = remember_drop },
		{ "until rules change", TO_53, ON_VETH, REASON_RULE_PASS, .rule = "9.9.9.0 24 1 1 0 tcp" },
		{ "or did", TO_53, ON_VETH, REASON_RULE_PASS, .before = outdate },
		{ 0 } } },
	{ "a rule expires", 0, { "--ttl 1 -a drop -P 1 203.0.113.0 24 54 54 0 udp", "--ttl 1 203.0.113.0 24 53 53 0 udp", "-a drop 203.0.113.0 24 0 65535 0 udp" }, {
		{ "a datagram", TO_53, ON_VETH, REASON_RULE_PASS, .conn = "unconfirmed new 1/0" },
		{ "after its end", TO_53, ON_VETH, REASON_RULE_DROP, .conn = "unconfirmed new 1/0", .before = two_seconds },
		{ "the next rule is remembered", TO_53, ON_VETH, REASON_RULE_DROP, .conn = "unconfirmed new 1/0" },
		{ 0 } } },
	{ "a rule of one interface", 0, { "-i veth0 203.0.113.0 24 53 53 0 udp" }, {
		{ "there", TO_53, ON_VETH, REASON_RULE_PASS, .conn = "unconfirmed new 1/0" },
		{ "elsewhere", TO_53, ON_PEER, REASON_NO_RULE, .conn = "unconfirmed new 1/0" },
		{ "there again", TO_53, ON_VETH, REASON_RULE_PASS, .conn = "unconfirmed new 2/0" },
		{ 0 } } },
	{ "in and out are remembered apart", 0, { PASS_53, "--direction out 203.0.113.0 24 53 53 0 udp" }, {
		{ "in", TO_53, ON_VETH, REASON_RULE_PASS },
		{ "out", TO_53, OUT_PEER, REASON_RULE_PASS },
		{ "in by what is remembered", TO_53, ON_VETH, REASON_NO_RULE, .before = remember_drop },
		{ "out by what is remembered", TO_53, OUT_PEER, REASON_RULE_PASS },
		{ 0 } } },
};

/* An LRU table never refuses, so it is taken away. */
static const struct scenario full[] = {
	{ "a table that takes nothing", 0, { PASS_53, "203.0.113.0 24 80 80 4001 udp" }, {
		{ "a new connection", TO_53, ON_VETH, REASON_TABLE_FULL, .conn = "none", .before = take_table },
		{ "no rule", { .proto = UDP, .dport = 54 }, ON_VETH, REASON_NO_RULE },
		{ "echo", { .icmp = ECHO_REQUEST, .id = 1 }, ON_VETH, REASON_TABLE_FULL, .before = before_echo_pass },
		{ "a splice in fragments", { .fragment = FIRST, .id = 1, .proto = UDP, .dport = 80 }, ON_VETH, REASON_TABLE_FULL, .before = before_linked },
		{ "its later fragment", { .fragment = LATER, .id = 1, .proto = UDP }, ON_VETH, REASON_FRAGMENT },
		{ "TCP in the middle", { .dport = 53, .flags = TCP_ACK }, ON_VETH, REASON_NO_RULE },
		{ "leaving", { .proto = UDP, .dport = 55 }, OUT_VETH, REASON_OUT },
		{ "on_full=pass", TO_53, ON_VETH, REASON_RULE_PASS, .conn = "none", .before = full_pass },
		{ "on_full=pass: echo", { .icmp = ECHO_REQUEST, .id = 1 }, ON_VETH, REASON_ECHO },
		{ "on_full=pass: a splice in fragments", { .fragment = FIRST, .id = 2, .proto = UDP, .dport = 80 }, ON_VETH, REASON_RULE_SPLICE },
		{ "on_full=pass: leaving", { .proto = UDP, .dport = 55 }, OUT_VETH, REASON_OUT },
		{ "on_full=pass of another interface", TO_53, ON_PEER, REASON_TABLE_FULL },
		{ "on_full=drop", TO_53, ON_VETH, REASON_TABLE_FULL, .before = full_drop },
		{ 0 } } },
};

/* ---- timeouts ---- */

/* Packets that bring a connection into the state which the timeout is for. */
static const struct overdue_case {
	const char *name;
	enum conn_timeout timeout;
	struct row rows[4];
} overdue[] = {
	{ "handshake", TIMEOUT_TCP_HANDSHAKE, { { "SYN", { .dport = 80 }, 0, REASON_RULE_PASS }, { 0 } } },
	{ "established", TIMEOUT_TCP_ESTABLISHED, { { "ACK", { .dport = 80, .flags = TCP_ACK }, 0, REASON_RULE_PASS }, { 0 } } },
	{ "closing", TIMEOUT_TCP_CLOSING, { { "ACK", { .dport = 80, .flags = TCP_ACK }, 0, REASON_RULE_PASS },
					    { "FIN", { .dport = 80, .flags = TCP_FIN | TCP_ACK }, 0, REASON_RULE_PASS }, { 0 } } },
	{ "closed", TIMEOUT_TCP_CLOSED, { { "ACK", { .dport = 80, .flags = TCP_ACK }, 0, REASON_RULE_PASS },
					  { "RST", { .dport = 80, .flags = TCP_RST }, 0, REASON_RULE_PASS }, { 0 } } },
	{ "UDP", TIMEOUT_UDP, { { "a datagram", { .proto = UDP, .dport = 80 }, 0, REASON_RULE_PASS }, { 0 } } },
	{ "UDP both ways", TIMEOUT_UDP_STREAM, { { "a datagram", { .proto = UDP, .dport = 80 }, 0, REASON_RULE_PASS },
						 { "back", { .back = true, .proto = UDP, .dport = 80 }, OUT_VETH, REASON_TRACKED },
						 { "another", { .proto = UDP, .dport = 80 }, 0, REASON_RULE_PASS }, { 0 } } },
	{ "echo", TIMEOUT_ICMP, { { "a request", { .icmp = ECHO_REQUEST, .id = 7 }, 0, REASON_RULE_PASS }, { 0 } } },
	{ "other protocols", TIMEOUT_OTHER, { { "ESP", { .proto = IPPROTO_ESP }, 0, REASON_RULE_PASS }, { 0 } } },
};
/* clang-format on */

/* What would be said of the reply, which no rule lets in: asking leaves the connection as it is. */
static int reason_of_reply(struct fixture *fixture, const struct overdue_case *test, int family)
{
	struct spec spec = test->rows[0].spec;
	struct frame frame;

	spec.family = family;
	spec.back = true;
	spec.flags = TCP_ACK;
	if (spec.icmp)
		spec.icmp = ECHO_ANSWER;
	spec_build(&spec, &frame);
	return fixture_ask(fixture, ON_PEER, &frame) & 0xffff;
}

static void reply_check(struct fixture *fixture, const struct overdue_case *test, int family, enum reason reason,
			const char *when)
{
	int got = reason_of_reply(fixture, test, family);

	if (got == (int)reason)
		tap_ok("%s: %s (IPv%d)", test->name, when, family);
	else
		tap_not_ok(reason_name(reason), reason_name((enum reason)got), "%s: %s (IPv%d)", test->name, when,
			   family);
}

static unsigned int uptime(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (unsigned int)now.tv_sec;
}

static void overdue_run(struct fixture *fixture, const struct overdue_case *test, int family, unsigned int seconds,
			const char *whose)
{
	char name[96];

	state_forget(fixture);
	for (const struct row *row = test->rows; row->name; row++)
		row_run(fixture, row, family);
	snprintf(name, sizeof(name), "half of the %s timeout", whose);
	if (!state_age(fixture, seconds / 2)) {
		/* it cannot be older than the machine is up; so long at least it lasts */
		if (state_age(fixture, uptime() / 2))
			reply_check(fixture, test, family, REASON_TRACKED, "half as old as the machine is up");
		return;
	}
	reply_check(fixture, test, family, REASON_TRACKED, name);
	snprintf(name, sizeof(name), "more than the %s timeout", whose);
	if (state_age(fixture, seconds / 2 + 2))
		reply_check(fixture, test, family, REASON_NO_RULE, name);
	else
		tap_skip("the machine is not up so long", "%s: %s (IPv%d)", test->name, name, family);
}

static void overdue_cases(struct fixture *fixture, int family)
{
	fixture_open(fixture);
	if (!fixture->map_update || rule_insert(fixture, family, "203.0.113.0 24 0 65535 0 any"))
		tap_skip("no map_update", "timeouts (IPv%d)", family);
	for (size_t i = 0; fixture->map_update && i < sizeof(overdue) / sizeof(overdue[0]); i++) {
		struct splicer_config config = fixture_config(fixture), others = config;

		overdue_run(fixture, &overdue[i], family, conn_timeout_default(overdue[i].timeout), "usual");
		/* all others are as short as can be */
		for (int kind = 0; kind < TIMEOUT_COUNT; kind++)
			others.timeout[kind] = kind == (int)overdue[i].timeout ? CONFIGURED : 1;
		fixture_configure(fixture, &others);
		overdue_run(fixture, &overdue[i], family, CONFIGURED, "configured");
		fixture_configure(fixture, &config);
	}
	fixture_close(fixture);
}

/* An overdue connection counts as absent, and its record is taken over by the next. */
static void take_over(struct fixture *fixture, int family)
{
	/* clang-format off */
	const struct row rows[] = {
		{ "overdue: a datagram leaves", TO_53, OUT_VETH, REASON_OUT, .conn = "unconfirmed new 1/0 outbound" },
		{ "overdue: its reply", BACK_53, ON_VETH, REASON_TRACKED, .conn = "confirmed established 1/1 outbound" },
		{ 0 } };
	const struct row after[] = {
		{ "overdue: a late reply", BACK_53, ON_VETH, REASON_NO_RULE, .conn = "confirmed established 1/1 outbound" },
		{ "overdue: an error about it", { .src = "192.0.2.77", .dst = SPEC_SRC, .icmp = UNREACHABLE, .quote = &rows[0].spec }, ON_VETH, REASON_NO_RULE },
		{ "overdue: the next begins anew", TO_53, OUT_VETH, REASON_OUT, .conn = "unconfirmed new 1/0 outbound" },
		{ 0 } };
	/* clang-format on */

	fixture_open(fixture);
	fixture_set_rules_seen(fixture, 1);
	for (const struct row *row = rows; row->name; row++)
		row_run(fixture, row, family);
	if (state_age(fixture, conn_timeout_default(TIMEOUT_UDP_STREAM) + 1))
		for (const struct row *row = after; row->name; row++)
			row_run(fixture, row, family);
	else
		tap_skip("the machine is not up so long", "overdue: a late reply (IPv%d)", family);
	fixture_close(fixture);
}

/* ---- keys ---- */

struct tuple {
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];
	uint16_t sport, dport;
	uint8_t proto;
};

/* Ends that differ in few bits, or in ports alone, are drawn often; wholly equal ones have no direction. */
static void tuple_draw(struct numbers *numbers, int family, struct tuple *tuple)
{
	static const uint8_t protocols[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP };
	uint8_t address[2][16];

	for (size_t i = 0; i < 16; i++)
		address[0][i] = (uint8_t)numbers_next(numbers);
	address[0][0] = (address[0][0] & 0x1f) + 0x20; /* neither loopback nor multicast */
	memcpy(address[1], address[0], sizeof(address[0]));
	for (size_t i = numbers_below(numbers, 4); i; i--)
		address[1][1 + numbers_below(numbers, family == 4 ? 3 : 15)] ^= (uint8_t)numbers_next(numbers);
	inet_ntop(family == 4 ? AF_INET : AF_INET6, address[0], tuple->src, sizeof(tuple->src));
	inet_ntop(family == 4 ? AF_INET : AF_INET6, address[1], tuple->dst, sizeof(tuple->dst));
	tuple->sport = 1000 + (uint16_t)numbers_below(numbers, 60000);
	tuple->dport = tuple->sport ^ (uint16_t)(1u << numbers_below(numbers, 9));
	tuple->proto = protocols[numbers_below(numbers, sizeof(protocols))];
}

static bool one_key(struct fixture *fixture, const struct tuple *tuple, int family)
{
	struct spec spec = { .family = family,
			     .dst = tuple->dst,
			     .sport = tuple->sport,
			     .dport = tuple->dport,
			     .proto = tuple->proto,
			     .flags = TCP_ACK,
			     .payload = 20 };
	struct outcome there, back;
	struct conn_key key, reverse;
	struct frame frame;
	struct conn conn;
	char src[INET6_ADDRSTRLEN];

	/* spec_address leaves IPv6 text alone, and IPv4 text in a frame of IPv4 */
	snprintf(src, sizeof(src), "%s", tuple->src);
	spec.src = src;
	spec_build(&spec, &frame);
	conn_key_of(&frame, &key);
	fixture_run(fixture, OUT_VETH, &frame, &there);
	spec.back = true;
	spec_build(&spec, &frame);
	conn_key_of(&frame, &reverse);
	fixture_run(fixture, ON_VETH, &frame, &back);
	return there.reason == REASON_OUT && back.reason == REASON_TRACKED && !memcmp(&key, &reverse, sizeof(key)) &&
	       conn_get(fixture, &key, &conn) == CONNS_CONFIRMED && conn.packets[CONN_FORWARD] == 1 &&
	       conn.packets[CONN_BACK] == 1;
}

static void keys(struct fixture *fixture, int family)
{
	struct numbers numbers = numbers_seeded();
	struct tuple tuple;

	fixture_open(fixture);
	fixture_set_rules_seen(fixture, 1);
	for (size_t i = 0; i < TUPLES; i++) {
		tuple_draw(&numbers, family, &tuple);
		state_forget(fixture);
		if (one_key(fixture, &tuple, family) &&
		    state_count(fixture->table[CONNS_CONFIRMED]) + state_count(fixture->table[CONNS_UNCONFIRMED]) == 1)
			continue;
		tap_not_ok("one", "another", "both directions have one key (IPv%d)", family);
		tap_note("%s:%u %s:%u protocol %u", tuple.src, tuple.sport, tuple.dst, tuple.dport, tuple.proto);
		fixture_close(fixture);
		return;
	}
	tap_ok("both directions have one key (IPv%d)", family);
	fixture_close(fixture);
}

/* ---- bytes ---- */

/* A forwarded flow: each packet at two places, each of another size. */
static void bytes(struct fixture *fixture, int family)
{
	struct spec spec = { .family = family, .proto = UDP, .dport = 53 };
	struct {
		enum context at;
		bool back;
		size_t payload;
	} const steps[] = {
		{ OUT_VETH, false, 10 }, { ON_VETH, true, 200 },  { OUT_PEER, true, 200 },
		{ ON_PEER, false, 30 },  { OUT_VETH, false, 30 }, { ON_VETH, true, 400 },
	};
	size_t headers = 14 + 8 + (family == 4 ? 20 : 40);
	struct outcome outcome;
	struct conn conn = { 0 };
	struct conn_key key;
	struct frame frame;
	char got[96];

	fixture_open(fixture);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		spec.back = steps[i].back;
		spec.payload = steps[i].payload;
		spec_build(&spec, &frame);
		fixture_run(fixture, steps[i].at, &frame, &outcome);
	}
	conn_key_of(&frame, &key);
	conn_get(fixture, &key, &conn);
	snprintf(got, sizeof(got), "%llu packets %llu bytes, %llu packets %llu bytes",
		 (unsigned long long)conn.packets[0], (unsigned long long)conn.bytes[0],
		 (unsigned long long)conn.packets[1], (unsigned long long)conn.bytes[1]);
	if (conn.packets[0] == 2 && conn.bytes[0] == 2 * headers + 40 && conn.packets[1] == 2 &&
	    conn.bytes[1] == 2 * headers + 600)
		tap_ok("a flow seen at two places counts once, at the first (IPv%d)", family);
	else
		tap_not_ok("2 packets each, of 40 and 600 bytes and their headers", got,
			   "a flow seen at two places counts once, at the first (IPv%d)", family);
	fixture_close(fixture);
}

void memory_cases(struct fixture *fixture)
{
	int sockets[] = { socket_listen(4, SOCK_DGRAM, LIVE_PORT), socket_listen(6, SOCK_DGRAM, LIVE_PORT) };

	scenarios_run(fixture, verdicts, sizeof(verdicts) / sizeof(verdicts[0]));
	scenarios_run(fixture, full, sizeof(full) / sizeof(full[0]));
	for (int family = 4; family <= 6; family += 2) {
		overdue_cases(fixture, family);
		take_over(fixture, family);
		keys(fixture, family);
		bytes(fixture, family);
	}
	close(sockets[0]);
	close(sockets[1]);
}
