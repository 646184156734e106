/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tables of frames, run through the object with BPF_PROG_TEST_RUN: verdict, the one counter that moves, and the frame
 * that comes out.
 *
 *     packet_test OBJECT.o PIN_DIR [MAP_UPDATE]
 *
 * Needs a network namespace and a bpffs of its own: test/packet/run makes them.
 */
#include "harness.h"

#include <err.h>
#include <net/if.h>
#include <stdio.h>

static int interface_index(const char *name)
{
	unsigned int index = if_nametoindex(name);

	if (!index)
		err(2, "%s", name);
	return (int)index;
}

int main(int argc, char **argv)
{
	struct fixture fixture = { .object = NULL };

	if (argc < 3 || argc > 4) {
		fprintf(stderr, "usage: packet_test OBJECT.o PIN_DIR [MAP_UPDATE]\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	fixture.object_path = argv[1];
	fixture.pin_dir = argv[2];
	fixture.map_update = argv[3];
	fixture.veth = interface_index(VETH_NAME);
	fixture.veth_peer = interface_index(VETH_PEER_NAME);
	tap_note("PACKET_TEST_SEED=%llu", (unsigned long long)numbers_seeded().state);
	header_cases(&fixture);
	setting_cases(&fixture);
	truncation_cases(&fixture);
	socket_cases(&fixture);
	rule_cases(&fixture);
	sweep_cases(&fixture);
	oracle_cases(&fixture);
	mutation_cases(&fixture);
	return tap_done();
}
