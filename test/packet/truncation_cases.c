/* SPDX-License-Identifier: GPL-2.0-only */
/* Frames that end early, at every byte: nothing outside of the IP packet may decide. */
#include "harness.h"

#include <linux/if_ether.h>

#include <netinet/in.h>
#include <stdio.h>

/* clang-format off */
static const struct row shapes[] = {
	{ "TCP", { .dport = 22 }, 0, REASON_SSH_ANY },
	{ "TCP, tagged twice", { .tags = { ETH_P_8021AD, ETH_P_8021Q }, .dport = 22 }, 0, REASON_SSH_ANY },
	{ "TCP behind options", { .family = 4, .options = 40, .dport = 22 }, 0, REASON_SSH_ANY },
	{ "TCP behind extension headers", { .family = 6, .chain = "HRDS", .dport = 22 }, 0, REASON_SSH_ANY },
	{ "DHCP", { .family = 4, .proto = IPPROTO_UDP, .sport = 67, .dport = 68 }, 0, REASON_DHCP },
	{ "DHCPv6", { .family = 6, .proto = IPPROTO_UDP, .sport = 547, .dport = 546 }, 0, REASON_DHCP },
	{ "neighbour solicitation", { .family = 6, .proto = IPPROTO_ICMPV6, .dport = 135 << 8, .hop_limit = 255 }, 0, REASON_NEIGHBOUR },
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

/* The frame itself ends early. Tagged ones can be cut down to their Ethernet header. */
static void cut_frame(struct fixture *fixture, const struct row *row, int family)
{
	struct spec spec = row->spec;
	struct outcome outcome;
	struct frame frame;
	size_t full;

	spec.family = family;
	spec_build(&spec, &frame);
	full = frame.len;
	for (frame.len = frame_shortest(&frame); frame.len < full; frame.len++) {
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

void truncation_cases(struct fixture *fixture)
{
	fixture_open(fixture);
	rows_run(fixture, shapes);
	for (const struct row *row = shapes; row->name; row++) {
		for (int family = 4; family <= 6; family += 2) {
			if (row->spec.family && row->spec.family != family)
				continue;
			cut_frame(fixture, row, family);
			cut_length(fixture, row, family);
		}
	}
	fixture_close(fixture);
}
