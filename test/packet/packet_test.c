/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tables of frames, run through an object with BPF_PROG_TEST_RUN: verdict, the one counter that moves, and the frame
 * that comes out.
 *
 *     packet_test SPLICER.o XDP_FILTER.o LB.o FLOW.o PIN_DIR [MAP_UPDATE]
 *
 * Environment: PACKET_TEST_ONLY="NAME..." runs these groups only, PACKET_TEST_OBJECT=splicer, xdp_filter, lb or flow
 * those of this object; PACKET_TEST_SEED and PACKET_TEST_RUNS: see
 * mutation_cases.c.
 *
 * Needs a network namespace and a bpffs of its own: test/packet/run makes them.
 */
#include "harness.h"

#include <err.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int interface_index(const char *name)
{
	unsigned int index = if_nametoindex(name);

	if (!index)
		err(2, "%s", name);
	return (int)index;
}

static const struct group {
	const char *name;
	void (*run)(struct fixture *fixture);
	enum tested tested;
} groups[] = {
	{ "header", header_cases },
	{ "setting", setting_cases },
	{ "truncation", truncation_cases },
	{ "socket", socket_cases },
	{ "rule", rule_cases },
	{ "sweep", sweep_cases },
	{ "oracle", oracle_cases },
	{ "mutation", mutation_cases },
	{ "boundary", boundary_cases },
	{ "fragment", fragment_cases },
	{ "icmp", icmp_cases },
	{ "tracking", tracking_cases },
	{ "flow", flow_cases },
	{ "memory", memory_cases },
	{ "mode", mode_cases },
	{ "flood", flood_cases },
	{ "duration", duration_cases },
	{ "tunnel", tunnel_cases },
	{ "question", question_cases },
	{ "device", device_cases },
	{ "event", event_cases },
	{ "filter", event_filter_cases },
	{ "event-oracle", event_oracle_cases },
	{ "event-ring", event_ring_cases },
	{ "event-count", event_count_cases },
	{ "xdp-header", xdp_header_cases, XDP_FILTER },
	{ "xdp-link", xdp_link_cases, XDP_FILTER },
	{ "xdp-rule", xdp_rule_cases, XDP_FILTER },
	{ "xdp-fragment", xdp_fragment_cases, XDP_FILTER },
	{ "xdp-rate", xdp_rate_cases, XDP_FILTER },
	{ "xdp-event", xdp_event_cases, XDP_FILTER },
	{ "xdp-count", xdp_count_cases, XDP_FILTER },
	{ "xdp-oracle", xdp_oracle_cases, XDP_FILTER },
	{ "lb-nat", lb_nat_cases, LB },
	{ "lb-dsr", lb_dsr_cases, LB },
	{ "lb-header", lb_header_cases, LB },
	{ "lb-big", lb_big_cases, LB },
	{ "lb-icmp", lb_icmp_cases, LB },
	{ "lb-fragment", lb_fragment_cases, LB },
	{ "lb-flow", lb_flow_cases, LB },
	{ "lb-port", lb_port_cases, LB },
	{ "lb-affinity", lb_affinity_cases, LB },
	{ "lb-choice", lb_choice_cases, LB },
	{ "lb-event", lb_event_cases, LB },
	{ "lb-oracle", lb_oracle_cases, LB },
	{ "flow-header", flow_header_cases, FLOW },
	{ "flow-key", flow_key_cases, FLOW },
	{ "flow-count", flow_count_cases, FLOW },
	{ "flow-fragment", flow_fragment_cases, FLOW },
	{ "flow-tcp", flow_tcp_cases, FLOW },
	{ "flow-history", flow_history_cases, FLOW },
	{ "flow-begin", flow_begin_cases, FLOW },
	{ "flow-place", flow_place_cases, FLOW },
	{ "flow-generation", flow_generation_cases, FLOW },
	{ "flow-detail", flow_detail_cases, FLOW },
	{ "flow-content", flow_content_cases, FLOW },
	{ "flow-sample", flow_sample_cases, FLOW },
	{ "flow-race", flow_race_cases, FLOW },
	{ "flow-oracle", flow_oracle_cases, FLOW },
};

static const char *const objects[] = {
	[SPLICER] = "splicer", [XDP_FILTER] = "xdp_filter", [LB] = "lb", [FLOW] = "flow"
};

/* only: blank separated names of groups; object: as above; NULL: all */
static bool is_wanted(const struct group *group, const char *only, const char *object)
{
	char list[512], word[32];

	snprintf(list, sizeof(list), " %s ", only ? only : "");
	snprintf(word, sizeof(word), " %s ", group->name);
	return (!only || strstr(list, word)) && (!object || !strcmp(object, objects[group->tested]));
}

static void groups_run(struct fixture *fixture)
{
	const char *only = getenv("PACKET_TEST_ONLY"), *object = getenv("PACKET_TEST_OBJECT");

	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		fixture->tested = groups[i].tested;
		if (is_wanted(&groups[i], only, object))
			groups[i].run(fixture);
	}
}

int main(int argc, char **argv)
{
	struct fixture fixture = { .object = NULL };

	if (argc < 6 || argc > 7) {
		fprintf(stderr, "usage: packet_test SPLICER.o XDP_FILTER.o LB.o FLOW.o PIN_DIR [MAP_UPDATE]\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	fixture.object_path[SPLICER] = argv[1];
	fixture.object_path[XDP_FILTER] = argv[2];
	fixture.object_path[LB] = argv[3];
	fixture.object_path[FLOW] = argv[4];
	fixture.pin_dir = argv[5];
	fixture.map_update = argv[6];
	fixture.veth = interface_index(VETH_NAME);
	fixture.veth_peer = interface_index(VETH_PEER_NAME);
	tap_note("PACKET_TEST_SEED=%llu", (unsigned long long)numbers_seeded().state);
	groups_run(&fixture);
	return tap_done();
}
