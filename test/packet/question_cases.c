/* SPDX-License-Identifier: GPL-2.0-only */
/* Questions (abi/config.h): the answer is what the packet would get, and nothing is left behind. */
#include "abi/rules.h"
#include "harness.h"

#include <bpf/bpf.h>
#include <err.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LIVE_PORT 4001
#define MEMORY_MAX 8192

/* Every key and value of a map, one after another. */
struct memory {
	uint8_t bytes[MEMORY_MAX];
	size_t size;
};

static void memory_add(struct memory *memory, int map, size_t key_size, size_t value_size)
{
	uint8_t key[64], *from = NULL;

	for (; !bpf_map_get_next_key(map, from, key); from = key) {
		if (memory->size + key_size + value_size > MEMORY_MAX)
			errx(2, "more is remembered than fits");
		memcpy(memory->bytes + memory->size, key, key_size);
		memory->size += key_size;
		if (bpf_map_lookup_elem(map, key, memory->bytes + memory->size))
			err(2, "lookup");
		memory->size += value_size;
	}
}

static void memory_take(const struct fixture *fixture, struct memory *memory)
{
	memset(memory, 0, sizeof(*memory));
	for (int i = 0; i < CONN_TABLES; i++)
		memory_add(memory, fixture->table[i], sizeof(struct conn_key), sizeof(struct conn));
	memory_add(memory, fixture->frags, sizeof(struct frag_key), sizeof(struct frag));
	memory_add(memory, fixture->splices, sizeof(struct splice_key), sizeof(struct splice));
	memory_add(memory, fixture->sources, sizeof(struct source_key), sizeof(uint64_t));
}

static void set_up(struct fixture *fixture, int family)
{
	before_linked(fixture, family);
	before_echo_pass(fixture, family);
	fixture_set_number(fixture, fixture->veth, NUMBER_FLOW_RATE, 1);
	fixture_set_number(fixture, fixture->veth, NUMBER_FLOW_BURST, 100);
}

/* clang-format off */
#define UDP IPPROTO_UDP
#define OVERDUE { .proto = UDP, .dport = 55 }

static const char *const rules[] = {
	"203.0.113.0 24 53 53 0 udp", "203.0.113.0 24 80 80 0 tcp", "203.0.113.0 24 54 54 4001 udp",
	"--max-duration 1000 203.0.113.0 24 55 55 0 udp", "--direction out -a drop 203.0.113.0 24 56 56 0 udp",
};

/* Run as packets, so that there is something to be spoiled. The last rule comes after them. */
static const struct row before[] = {
	{ "question: a flow", { .proto = UDP, .dport = 53 }, ON_VETH, REASON_RULE_PASS, .before = set_up },
	{ "question: its reply", { .back = true, .proto = UDP, .dport = 53 }, OUT_VETH, REASON_TRACKED },
	{ "question: a spliced fragment", { .fragment = FIRST, .id = 1, .proto = UDP, .dport = 54 }, ON_VETH, REASON_RULE_SPLICE },
	{ "question: a limited flow", OVERDUE, ON_VETH, REASON_RULE_PASS },
	{ "question: an outbound flow", { .proto = UDP, .sport = 9, .dport = 57 }, OUT_VETH, REASON_OUT },
	{ 0 },
};
static const char last_rule[] = "-P 1 203.0.113.0 24 54 54 0 udp";

static const struct row asked[] = {
	{ "a new flow", { .proto = UDP, .sport = 1, .dport = 53 }, ON_VETH, REASON_RULE_PASS },
	{ "a new flow of TCP", { .dport = 80 }, ON_VETH, REASON_RULE_PASS },
	{ "TCP in the middle", { .dport = 80, .flags = TCP_ACK }, ON_VETH, REASON_RULE_PASS },
	{ "the flow that there is", { .proto = UDP, .dport = 53 }, ON_VETH, REASON_RULE_PASS },
	{ "its reply", { .back = true, .proto = UDP, .dport = 53 }, OUT_VETH, REASON_TRACKED },
	{ "the reply that proves the far end", { .back = true, .proto = UDP, .sport = 9, .dport = 57 }, ON_VETH, REASON_TRACKED },
	{ "SYN of a known tuple", { .dport = 80 }, OUT_VETH, REASON_OUT },
	{ "a first fragment that passes", { .fragment = FIRST, .id = 2, .proto = UDP, .dport = 53 }, ON_VETH, REASON_RULE_PASS },
	{ "a first fragment that does not", { .fragment = FIRST, .id = 1, .proto = UDP, .dport = 99 }, ON_VETH, REASON_NO_RULE },
	{ "a later fragment", { .fragment = LATER, .id = 1, .proto = UDP }, ON_VETH, REASON_FRAGMENT_SPLICE },
	{ "a flow that was spliced and passes now", { .proto = UDP, .dport = 54 }, ON_VETH, REASON_RULE_PASS },
	{ "a flow that is too old", OVERDUE, ON_VETH, REASON_MAX_DURATION },
	{ "it again", OVERDUE, ON_VETH, REASON_MAX_DURATION },
	{ "an echo", { .icmp = ECHO_REQUEST, .id = 7 }, ON_VETH, REASON_ECHO },
	{ "an ICMP error", { .src = "192.0.2.77", .dst = SPEC_DST, .icmp = UNREACHABLE, .quote = &(const struct spec){ .back = true, .proto = UDP, .dport = 53 } }, ON_VETH, REASON_ICMP_ERROR },
	{ "a new source", { .src = "198.51.100.9", .proto = UDP, .dport = 53 }, ON_VETH, REASON_RULE_PASS },
	{ "leaving", { .proto = UDP, .dport = 58 }, OUT_VETH, REASON_OUT },
	{ "leaving, a drop rule", { .proto = UDP, .dport = 56 }, OUT_VETH, REASON_RULE_DROP },
	{ "leaving, a first fragment", { .fragment = FIRST, .id = 3, .proto = UDP, .dport = 58 }, OUT_VETH, REASON_OUT },
	{ "malformed", { .dport = 80, .cut = 1 }, ON_VETH, REASON_TRUNCATED },
	{ 0 },
};

/* What came before and its rules, and then a splice that a question is told of. */
static const struct row splice_asked[] = {
	{ "a spliced fragment", { .fragment = FIRST, .id = 9, .proto = UDP, .sport = 5, .dport = 54 }, ON_VETH, REASON_RULE_SPLICE },
	{ "a spliced datagram", { .proto = UDP, .sport = 5, .dport = 54 }, ON_VETH, REASON_RULE_SPLICE },
	{ 0 },
};
/* clang-format on */

static void ask(struct fixture *fixture, const struct row *row, int family)
{
	int expected = (int)(row->reason | (unsigned int)reason_verdict(row->reason) << 16), answer;
	static struct memory was, is;
	struct spec spec = row->spec;
	struct frame frame;
	char got[128];

	spec.family = family;
	spec_build(&spec, &frame);
	memory_take(fixture, &was);
	answer = fixture_ask(fixture, row->context, &frame);
	memory_take(fixture, &is);
	if (answer == expected && was.size == is.size && !memcmp(was.bytes, is.bytes, was.size)) {
		tap_ok("asked: %s (IPv%d)", row->name, family);
		return;
	}
	snprintf(got, sizeof(got), "%s, verdict %d, %zu bytes remembered instead of %zu%s",
		 reason_name((enum reason)(answer & 0xffff)), answer >> 16, is.size, was.size,
		 was.size == is.size && memcmp(was.bytes, is.bytes, was.size) ? ", others" : "");
	tap_not_ok(reason_name(row->reason), got, "asked: %s (IPv%d)", row->name, family);
}

/* No counter moves either: the next packet's does, and only that. */
static void uncounted(struct fixture *fixture, int family)
{
	const struct row row = { "asked: nothing was counted",
				 { .proto = UDP, .dport = 53 },
				 ON_VETH,
				 REASON_RULE_PASS,
				 .conn = "confirmed established 2/1" };

	row_run(fixture, &row, family);
}

static void family_run(struct fixture *fixture, int family)
{
	fixture_open(fixture);
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (rule_insert(fixture, family, rules[i]))
			tap_not_ok("exit 0", "another", "map_update %s (IPv%d)", rules[i], family);
	for (const struct row *row = before; row->name; row++)
		row_run(fixture, row, family);
	before_overdue(fixture, family);
	for (const struct row *row = splice_asked; row->name; row++)
		ask(fixture, row, family);
	rule_insert(fixture, family, last_rule);
	for (const struct row *row = asked; row->name; row++)
		ask(fixture, row, family);
	uncounted(fixture, family);
	fixture_close(fixture);
}

void question_cases(struct fixture *fixture)
{
	int sockets[] = { socket_listen(4, SOCK_DGRAM, LIVE_PORT), socket_listen(6, SOCK_DGRAM, LIVE_PORT) };

	for (int family = 4; family <= 6; family += 2) {
		if (fixture->map_update)
			family_run(fixture, family);
		else
			tap_skip("no map_update", "questions (IPv%d)", family);
	}
	close(sockets[0]);
	close(sockets[1]);
}
