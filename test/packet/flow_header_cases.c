/* SPDX-License-Identifier: GPL-2.0-only */
/* Whatever comes, flow.o says nothing, changes nothing, and has counted it once. */
#include "flow_play.h"

#include <linux/if_ether.h>

#include <bpf/bpf.h>
#include <netinet/in.h>
#include <stdio.h>
#include <unistd.h>

#define RUNS 8000

/* clang-format off */
static const struct row other[] = {
	{ "ARP", { .family = 4, .ethertype = ETH_P_ARP }, 0, REASON_ARP },
	{ "ARP, tagged", { .family = 4, .ethertype = ETH_P_ARP, .tags = { ETH_P_8021Q } }, 0, REASON_ARP },
	{ "ARP, tagged twice", { .family = 4, .ethertype = ETH_P_ARP, .tags = { ETH_P_8021AD, ETH_P_8021Q } }, 0, REASON_ARP },
	{ "LLDP", { .family = 4, .ethertype = 0x88cc }, 0, REASON_ETHERTYPE },
	{ "STP", { .family = 4, .ethertype = 0x0026 }, 0, REASON_ETHERTYPE },
	{ "PPPoE", { .family = 4, .ethertype = ETH_P_PPP_SES }, 0, REASON_ETHERTYPE },
	{ "ARP on the loopback", { .family = 4, .ethertype = ETH_P_ARP }, ON_LOOPBACK, REASON_ARP },
	{ "ARP that leaves", { .family = 4, .ethertype = ETH_P_ARP }, OUT_VETH, REASON_ARP },
	{ "a packet that leaves, malformed", { .dport = 22, .cut = 1 }, OUT_VETH, REASON_TRUNCATED },
	{ "nothing after the VLAN tag", { .family = 4, .tags = { ETH_P_8021Q }, .cut = 40 }, 0, REASON_TRUNCATED },
	{ "a VLAN tag that is cut off", { .family = 4, .tags = { ETH_P_8021Q }, .cut = 41 }, 0, REASON_TRUNCATED },
	{ 0 },
};
/* clang-format on */

/* What of a generation is counted, and how much. */
struct counts {
	struct flow_tally sessions, malformed, not_ip;
};

static struct counts counts_now(const struct generation *generation)
{
	const struct generation_lost lost = generation_lost(generation);
	struct counts counts = { generation_total(generation), generation->head->malformed, generation->head->not_ip };

	counts.sessions.packets += lost.evicted_tally.packets;
	return counts;
}

static bool is_malformed(enum reason reason)
{
	return reason == REASON_TRUNCATED || reason == REASON_BAD_HEADER || reason == REASON_TOO_MANY_HEADERS;
}

static bool is_other(enum reason reason)
{
	return reason == REASON_ARP || reason == REASON_ETHERTYPE;
}

/* Runs a frame: it passes as it is, and just one of the three counts it. */
static struct counts frame_counted(struct stage *stage, enum context context, const struct frame *frame)
{
	struct counts before = counts_now(stage->now), after;
	struct shot as = { .on = context, .at = SHOTS_BEGIN };
	char why[128];

	if (!frame_runs(stage->fixture, &as, frame, why, sizeof(why)))
		stage_wrong(stage, "%s", why);
	after = counts_now(stage->now);
	after.sessions.packets -= before.sessions.packets;
	after.malformed.packets -= before.malformed.packets;
	after.malformed.bytes -= before.malformed.bytes;
	after.not_ip.packets -= before.not_ip.packets;
	after.not_ip.bytes -= before.not_ip.bytes;
	if (after.sessions.packets + after.malformed.packets + after.not_ip.packets != 1)
		stage_wrong(
			stage, "counted %llu times",
			(unsigned long long)(after.sessions.packets + after.malformed.packets + after.not_ip.packets));
	if (after.malformed.bytes + after.not_ip.bytes != (after.sessions.packets ? 0 : frame->len))
		stage_wrong(stage, "another number of bytes");
	return after;
}

/* As one of a kind: the reason that splicer.o has for it says of which. */
static void frame_check(struct stage *stage, enum context context, enum reason reason, const struct frame *frame)
{
	struct counts counted = frame_counted(stage, context, frame);

	if (is_malformed(reason) && !counted.malformed.packets)
		stage_wrong(stage, "not malformed");
	else if (is_other(reason) && !counted.not_ip.packets)
		stage_wrong(stage, "taken for IP");
	else if (!is_malformed(reason) && !is_other(reason) && !counted.sessions.packets)
		stage_wrong(stage, "of no session");
}

static void rows_check(struct fixture *fixture, const struct row *rows)
{
	for (const struct row *row = rows; row->name; row++)
		for (int family = 4; family <= 6; family += 2) {
			struct spec spec = row->spec;
			struct stage *stage;
			struct frame frame;

			if (spec.family && spec.family != family)
				continue;
			spec.family = family;
			spec_build(&spec, &frame);
			stage = stage_open(fixture, 64, NULL);
			stage->now->head->settings.clock = FLOW_CLOCK_KERNEL;
			frame_check(stage, row->context, row->reason, &frame);
			stage_report(stage, row->name, family);
			stage_close(stage);
		}
}

/* Cut at every byte. */
static void cuts_check(struct fixture *fixture, const struct row *row, int family)
{
	struct stage *stage = stage_open(fixture, 1, NULL);
	struct spec spec = row->spec;
	struct frame frame;
	char name[128];
	size_t full;

	stage->now->head->settings.clock = FLOW_CLOCK_KERNEL;
	spec.family = family;
	spec_build(&spec, &frame);
	full = frame.len;
	for (frame.len = frame_shortest(&frame); frame.len < full; frame.len++)
		frame_check(stage, ON_VETH, REASON_TRUNCATED, &frame);
	frame_check(stage, ON_VETH, REASON_NO_RULE, &frame);
	snprintf(name, sizeof(name), "cut at every byte: %s", row->name);
	stage_report(stage, name, family);
	stage_close(stage);
}

static void all_cuts_check(struct fixture *fixture, const struct row *rows)
{
	for (const struct row *row = rows; row->name; row++)
		for (int family = 4; family <= 6; family += 2)
			if (!row->spec.family || row->spec.family == family)
				cuts_check(fixture, row, family);
}

/* Random bytes, by either clock. */
static void mutations_check(struct fixture *fixture, uint32_t clock)
{
	struct numbers numbers = numbers_seeded();
	unsigned long runs = numbers_setting("PACKET_TEST_RUNS", RUNS);
	struct stage *stage = stage_open(fixture, 2, NULL);
	struct frame frame;

	stage->now->head->settings.clock = clock;
	for (unsigned long run = 0; run < runs; run++) {
		mutation_draw(&numbers, &frame);
		frame_counted(stage, run % 2 ? ON_VETH : OUT_VETH, &frame);
	}
	if (!generation_is_free(stage->now))
		stage_wrong(stage, "a lock is still held");
	stage_report(stage, clock ? "random bytes, clock of packets" : "random bytes", 0);
	stage_close(stage);
}

/* Without a table nothing is counted, and all passes. */
static void empty_check(struct fixture *fixture)
{
	struct stage *stage = stage_open(fixture, 1, NULL);
	struct shot shot = shot_usual(4);
	char why[128];

	generation_remove(fixture, FLOW_NOW);
	if (!shot_run(fixture, &shot, why, sizeof(why)))
		stage_wrong(stage, "%s", why);
	if (counts_now(stage->now).sessions.packets)
		stage_wrong(stage, "counted");
	stage_report(stage, "no generation is there", 4);
	stage_close(stage);
}

/* Packets of sessions in the generation that the object brings with it. */
static uint64_t own_packets(const struct fixture *fixture)
{
	static struct flow_bucket bucket;
	uint32_t id, slot = FLOW_NOW;
	uint64_t packets = 0;
	int fd;

	if (bpf_map_lookup_elem(fixture->sessions, &slot, &id))
		return 0;
	fd = bpf_map_get_fd_by_id(id);
	for (uint32_t i = 1; i <= FLOW_BUCKETS_DEFAULT && !bpf_map_lookup_elem(fd, &i, &bucket); i++)
		for (int way = 0; way < FLOW_WAYS; way++)
			packets += bucket.flows[way].side[0].packets;
	close(fd);
	return packets;
}

static void own_check(struct fixture *fixture)
{
	struct shot shot = shot_usual(4);
	char why[128] = "unchanged";
	bool runs = true;

	stages_close(fixture);
	stages_open(fixture);
	for (int i = 0; i < 3; i++)
		runs = runs && shot_run(fixture, &shot, why, sizeof(why));
	if (runs && own_packets(fixture) == 3)
		tap_ok("the generation of the object");
	else
		tap_not_ok("unchanged, 3 packets", why, "the generation of the object");
}

void flow_header_cases(struct fixture *fixture)
{
	stages_open(fixture);
	rows_check(fixture, header_malformed);
	rows_check(fixture, header_neighbour);
	rows_check(fixture, header_dhcp);
	rows_check(fixture, header_reach);
	rows_check(fixture, other);
	all_cuts_check(fixture, truncation_shapes);
	all_cuts_check(fixture, truncation_without_length);
	mutations_check(fixture, FLOW_CLOCK_KERNEL);
	mutations_check(fixture, FLOW_CLOCK_PACKET);
	empty_check(fixture);
	own_check(fixture);
	stages_close(fixture);
}
