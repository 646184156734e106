/* SPDX-License-Identifier: GPL-2.0-only */
/* Frames that end early, at every byte: nothing outside of the IP packet may decide. */
#include "harness.h"

#include <linux/if_ether.h>

#include <netinet/in.h>
#include <stdio.h>

/* clang-format off */
const struct row truncation_shapes[] = {
	{ "TCP", { .dport = 22 }, 0, REASON_SSH_ANY },
	{ "TCP, tagged twice", { .tags = { ETH_P_8021AD, ETH_P_8021Q }, .dport = 22 }, 0, REASON_SSH_ANY },
	{ "TCP behind options", { .family = 4, .options = 40, .dport = 22 }, 0, REASON_SSH_ANY },
	{ "TCP behind extension headers", { .family = 6, .chain = "HRDS", .dport = 22 }, 0, REASON_SSH_ANY },
	{ "TCP behind hop-by-hop", { .family = 6, .chain = "H", .dport = 22 }, 0, REASON_SSH_ANY },
	{ "TCP behind routing", { .family = 6, .chain = "R", .dport = 22 }, 0, REASON_SSH_ANY },
	{ "TCP behind destination options", { .family = 6, .chain = "D", .dport = 22 }, 0, REASON_SSH_ANY },
	{ "TCP behind AH", { .family = 6, .chain = "S", .dport = 22 }, 0, REASON_SSH_ANY },
	{ "TCP behind mobility", { .family = 6, .chain = "M", .dport = 22 }, 0, REASON_SSH_ANY },
	{ "TCP behind an atomic fragment header", { .family = 6, .fragment = ATOMIC, .dport = 22 }, 0, REASON_SSH_ANY },
	{ "first fragment of TCP", { .fragment = FIRST, .dport = 22 }, 0, REASON_SSH_ANY },
	{ "echo request", { .icmp = ECHO_REQUEST }, 0, REASON_NO_RULE },
	{ "SCTP", { .proto = IPPROTO_SCTP, .payload = 4 }, 0, REASON_NO_RULE },
	{ "DHCP", { .family = 4, .proto = IPPROTO_UDP, .sport = 67, .dport = 68 }, 0, REASON_DHCP },
	{ "DHCPv6", { .family = 6, .proto = IPPROTO_UDP, .sport = 547, .dport = 546 }, 0, REASON_DHCP },
	{ "neighbour solicitation", { .family = 6, .proto = IPPROTO_ICMPV6, .dport = 135 << 8, .hop_limit = 255 }, 0, REASON_NEIGHBOUR },
	{ 0 },
};

/* What is decided whatever its length is: cut frames only. */
const struct row truncation_without_length[] = {
	{ "later fragment", { .fragment = LATER, .id = 77, .proto = 99, .payload = 8 }, 0, REASON_FRAGMENT_EARLY },
	{ "later fragment behind extension headers", { .family = 6, .chain = "HRD", .fragment = LATER, .id = 77, .proto = 99, .payload = 8 }, 0, REASON_FRAGMENT_EARLY },
	{ "later fragment, tagged twice", { .tags = { ETH_P_8021AD, ETH_P_8021Q }, .fragment = LATER, .id = 77, .proto = 99, .payload = 8 }, 0, REASON_FRAGMENT_EARLY },
	{ "GRE", { .proto = IPPROTO_GRE, .payload = 8 }, 0, REASON_NO_RULE },
	{ "ESP behind extension headers", { .family = 6, .chain = "HD", .proto = IPPROTO_ESP, .payload = 8 }, 0, REASON_NO_RULE },
	{ "ICMP error", { .icmp = UNREACHABLE, .payload = 28 }, 0, REASON_NO_RULE },
	{ 0 },
};
/* clang-format on */

static void report(const char *what, const struct row *row, int family, size_t at, const struct outcome *outcome,
		   const struct frame *frame)
{
	char got[256], expected[128];

	outcome_print(outcome, frame, got, sizeof(got));
	snprintf(expected, sizeof(expected), "drop truncated or bad-header at %zu", at);
	tap_not_ok(expected, got, "%s: %s (IPv%d)", what, row->name, family);
}

static bool is_malformed(const struct outcome *outcome, const struct frame *frame)
{
	return outcome_is(outcome, REASON_TRUNCATED, frame) || outcome_is(outcome, REASON_BAD_HEADER, frame);
}

/* To run as a packet of tc, an untagged frame must have its IP header; any other, its Ethernet header. */
static size_t shortest(const struct fixture *fixture, const struct frame *frame)
{
	return fixture->tested == SPLICER ? frame_shortest(frame) : FRAME_ETH_SIZE;
}

/* The frame itself ends early. */
static void cut_frame(struct fixture *fixture, const struct row *row, int family)
{
	struct spec spec = row->spec;
	struct outcome outcome;
	struct frame frame;
	size_t full;

	spec.family = family;
	spec_build(&spec, &frame);
	full = frame.len;
	for (frame.len = shortest(fixture, &frame); frame.len < full; frame.len++) {
		fixture_run(fixture, ON_VETH, &frame, &outcome);
		if (!outcome_is(&outcome, REASON_TRUNCATED, &frame)) {
			report("frame cut at every byte", row, family, frame.len, &outcome, &frame);
			return;
		}
	}
	tap_ok("frame cut at every byte: %s (IPv%d)", row->name, family);
}

/* The bytes are all there, but the length field says that they are padding. */
static void cut_length(struct fixture *fixture, const struct row *row, int family)
{
	struct spec spec = row->spec;
	struct outcome outcome;
	struct frame frame;
	size_t field, full;

	spec.family = family;
	spec_build(&spec, &frame);
	field = frame.network + (family == 6 ? 4 : 2);
	full = frame.len - frame.network - (family == 6 ? 40 : 0);
	for (size_t length = 0; length < full; length++) {
		frame_put16(&frame, field, (uint16_t)length);
		fixture_run(fixture, ON_VETH, &frame, &outcome);
		if (!is_malformed(&outcome, &frame)) {
			report("IP length of every value", row, family, length, &outcome, &frame);
			return;
		}
	}
	tap_ok("IP length of every value: %s (IPv%d)", row->name, family);
}

static void cut_all(struct fixture *fixture, const struct row *rows,
		    void (*cut)(struct fixture *, const struct row *, int))
{
	for (const struct row *row = rows; row->name; row++)
		for (int family = 4; family <= 6; family += 2)
			if (!row->spec.family || row->spec.family == family)
				cut(fixture, row, family);
}

void truncation_cuts(struct fixture *fixture)
{
	cut_all(fixture, truncation_shapes, cut_frame);
	cut_all(fixture, truncation_shapes, cut_length);
	cut_all(fixture, truncation_without_length, cut_frame);
}

void truncation_cases(struct fixture *fixture)
{
	fixture_open(fixture);
	rows_run(fixture, truncation_shapes);
	rows_run(fixture, truncation_without_length);
	truncation_cuts(fixture);
	fixture_close(fixture);
}
