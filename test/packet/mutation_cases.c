/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Valid frames with random bytes changed and their ends cut off. PACKET_TEST_SEED and PACKET_TEST_RUNS repeat or
 * lengthen it. There are no rules and no sockets then, so few verdicts are possible.
 */
#include "harness.h"

#include <linux/if_ether.h>

#include <netinet/in.h>
#include <stdio.h>

#define DEFAULT_RUNS 20000
#define CHANGES_MAX 8

/* clang-format off */
static const struct row pool[] = {
	{ "TCP", { .family = 4, .dport = 80, .payload = 10, .pad = 6 }, 0, REASON_NO_RULE },
	{ "TCP", { .family = 6, .dport = 22, .payload = 10, .pad = 6 }, 0, REASON_NO_RULE },
	{ "options", { .family = 4, .options = 16, .dport = 22 }, 0, REASON_NO_RULE },
	{ "extension headers", { .family = 6, .chain = "HDRSM", .dport = 443 }, 0, REASON_NO_RULE },
	{ "many extension headers", { .family = 6, .chain = "HDDDDDDD", .dport = 443 }, 0, REASON_NO_RULE },
	{ "QinQ", { .family = 4, .tags = { ETH_P_8021AD, ETH_P_8021Q }, .dport = 80 }, 0, REASON_NO_RULE },
	{ "QinQ", { .family = 6, .tags = { ETH_P_8021AD, ETH_P_8021Q }, .chain = "H", .dport = 80 }, 0, REASON_NO_RULE },
	{ "DHCP", { .family = 4, .proto = IPPROTO_UDP, .sport = 67, .dport = 68, .payload = 30 }, 0, REASON_DHCP },
	{ "DHCPv6", { .family = 6, .proto = IPPROTO_UDP, .sport = 547, .dport = 546, .payload = 30 }, 0, REASON_DHCP },
	{ "ND", { .family = 6, .proto = IPPROTO_ICMPV6, .dport = 135 << 8, .hop_limit = 255, .payload = 16 }, 0, REASON_NEIGHBOUR },
	{ "MLD", { .family = 6, .src = "fe80::7", .chain = "A", .proto = IPPROTO_ICMPV6, .dport = 143 << 8, .hop_limit = 1, .payload = 16 }, 0, REASON_NEIGHBOUR },
	{ "ICMP", { .family = 4, .proto = IPPROTO_ICMP, .dport = 8 << 8, .payload = 16 }, 0, REASON_NO_RULE },
	{ "first fragment", { .family = 4, .fragment = FIRST, .proto = IPPROTO_UDP, .dport = 53 }, 0, REASON_NO_RULE },
	{ "first fragment", { .family = 6, .fragment = FIRST, .proto = IPPROTO_UDP, .dport = 53 }, 0, REASON_NO_RULE },
	{ "later fragment", { .family = 4, .fragment = LATER, .id = 77, .payload = 8 }, 0, REASON_FRAGMENT_EARLY },
	{ "later fragment", { .family = 6, .fragment = LATER, .id = 77, .payload = 8 }, 0, REASON_FRAGMENT_EARLY },
	{ "GRE", { .family = 4, .proto = IPPROTO_GRE, .payload = 40 }, 0, REASON_NO_RULE },
};
#define POOL_SIZE (sizeof(pool) / sizeof(pool[0]))
/* clang-format on */

/* What the program may say of a frame when there are no rules, no sockets and no addresses of its own. */
static bool is_possible(const struct outcome *outcome, const struct frame *frame)
{
	switch (outcome->reason) {
	case REASON_TRUNCATED:
	case REASON_BAD_HEADER:
	case REASON_TOO_MANY_HEADERS:
	case REASON_ETHERTYPE:
	case REASON_FRAGMENT:
	case REASON_NO_RULE:
	case REASON_ARP:
	case REASON_NEIGHBOUR:
	case REASON_DHCP:
	case REASON_FRAGMENT_PASS:
	case REASON_FRAGMENT_EARLY:
		return outcome_is(outcome, outcome->reason, frame);
	default:
		return false;
	}
}

static void note_frame(const struct frame *frame)
{
	char hex[2 * FRAME_MAX + 1];

	for (size_t i = 0; i < frame->len; i++)
		snprintf(hex + 2 * i, 3, "%02x", frame->data[i]);
	tap_note("frame %s", hex);
}

static void report(const char *name, const char *expected, const struct outcome *outcome, const struct frame *frame,
		   unsigned long run)
{
	char got[256];

	outcome_print(outcome, frame, got, sizeof(got));
	tap_not_ok(expected, got, "%s", name);
	tap_note("run %lu", run);
	note_frame(frame);
}

static void cut(struct numbers *numbers, struct frame *frame)
{
	size_t shortest = frame_shortest(frame);

	if (frame->len > shortest)
		frame->len = shortest + numbers_below(numbers, frame->len - shortest + 1);
}

/* A frame cut short keeps its verdict as long as only padding is lost, and is truncated from there on. */
static void cut_randomly(struct fixture *fixture, struct numbers numbers, unsigned long runs)
{
	static const char name[] = "random cuts: truncated, or the verdict of the whole";

	for (unsigned long run = 0; run < runs; run++) {
		const struct row *row = &pool[numbers_below(&numbers, POOL_SIZE)];
		struct outcome outcome;
		struct frame frame;
		enum reason reason;
		size_t whole;

		spec_build(&row->spec, &frame);
		whole = frame.len - row->spec.pad;
		cut(&numbers, &frame);
		reason = frame.len < whole ? REASON_TRUNCATED : row->reason;
		fixture_run(fixture, ON_VETH, &frame, &outcome);
		if (!outcome_is(&outcome, reason, &frame)) {
			report(name, reason_name(reason), &outcome, &frame, run);
			return;
		}
	}
	tap_ok("%s", name);
}

static void mutate(struct numbers *numbers, struct frame *frame)
{
	size_t changes = 1 + numbers_below(numbers, CHANGES_MAX);

	/* addresses of Ethernet say nothing: from the ethertype on */
	while (changes--) {
		size_t at = 12 + numbers_below(numbers, frame->len - 12);

		if (numbers_below(numbers, 2))
			frame->data[at] ^= 1 << numbers_below(numbers, 8);
		else
			frame->data[at] = (uint8_t)numbers_next(numbers);
	}
	if (!numbers_below(numbers, 4))
		cut(numbers, frame);
}

void mutation_draw(struct numbers *numbers, struct frame *frame)
{
	do {
		spec_build(&pool[numbers_below(numbers, POOL_SIZE)].spec, frame);
		mutate(numbers, frame);
	} while (frame->len < frame_shortest(frame));
}

/* Whatever the bytes: one of the verdicts that can be, one counter, and the frame is left alone. */
static void change_randomly(struct fixture *fixture, struct numbers numbers, unsigned long runs)
{
	static const char name[] = "random bytes: a possible verdict, one counter, same frame";

	for (unsigned long run = 0; run < runs; run++) {
		struct outcome outcome;
		struct frame frame;

		mutation_draw(&numbers, &frame);
		fixture_run(fixture, ON_VETH, &frame, &outcome);
		if (!is_possible(&outcome, &frame)) {
			report(name, "a verdict of headers or no-rule", &outcome, &frame, run);
			return;
		}
	}
	tap_ok("%s", name);
}

void mutation_cases(struct fixture *fixture)
{
	struct numbers numbers = numbers_seeded();
	unsigned long runs = numbers_setting("PACKET_TEST_RUNS", DEFAULT_RUNS);

	fixture_open(fixture);
	fixture_set_rules_seen(fixture, 1);
	for (size_t i = 0; i < POOL_SIZE; i++)
		row_run(fixture, &pool[i], pool[i].spec.family);
	cut_randomly(fixture, numbers, runs / 4);
	change_randomly(fixture, numbers, runs);
	fixture_close(fixture);
}
