/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counters when their cells run out (bpf/abi/counts.h): a key's home and what is behind it are given away by hand, and
 * packets go to the next that is free, then to the region without interfaces, then to the last cell. Sums stay right.
 */
#include "counts.h"
#include "harness.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <err.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LAST_CELL (COUNT_CELLS - 1)
#define WRAP_NAME "veth-wrap" /* made with an index of our choice */

/* The key that dropped packets of the interface are counted under, as one word. */
static uint64_t word_of(uint32_t ifindex)
{
	const struct count_cell cell = { .key = { ifindex, EVENT_SPLICER, EVENT_INGRESS, VERDICT_DROP,
						  REASON_NO_RULE } };

	return cell.word;
}

static uint32_t cell_at(uint64_t word, uint32_t first, uint32_t bits, uint32_t probe)
{
	return first + ((count_home(word, bits) + probe) & ((1u << bits) - 1));
}

/* Of all CPUs; calloc'ed */
static struct count_cell *cell_room(size_t *cpus)
{
	int count = libbpf_num_possible_cpus();
	struct count_cell *cells = count > 0 ? calloc((size_t)count, sizeof(*cells)) : NULL;

	if (!cells)
		err(2, EVENT_COUNTS);
	*cpus = (size_t)count;
	return cells;
}

/* Gives a cell to a key of which there is no packet: every cell another. */
static void cell_occupy(const struct fixture *fixture, uint32_t at)
{
	size_t cpus;
	struct count_cell *cells = cell_room(&cpus);

	for (size_t i = 0; i < cpus; i++)
		cells[i].word = UINT64_MAX - at;
	if (bpf_map_update_elem(fixture->counts, &at, cells, BPF_ANY))
		err(2, EVENT_COUNTS);
	free(cells);
}

/* Packets that the cell has under this key, of all CPUs. */
static uint64_t cell_packets(const struct fixture *fixture, uint32_t at, uint64_t word)
{
	size_t cpus;
	struct count_cell *cells = cell_room(&cpus);
	uint64_t packets = 0;

	if (bpf_map_lookup_elem(fixture->counts, &at, cells))
		err(2, EVENT_COUNTS);
	for (size_t i = 0; i < cpus; i++)
		if (cells[i].word == word)
			packets += cells[i].packets;
	free(cells);
	return packets;
}

static void totals(const struct fixture *fixture, uint64_t *packets, uint64_t *bytes)
{
	struct counts counts;

	*packets = *bytes = 0;
	if (counts_read_map(fixture->counts, &counts))
		err(2, EVENT_COUNTS);
	for (size_t i = 0; i < counts.count; i++) {
		*packets += counts.rows[i].packets;
		*bytes += counts.rows[i].bytes;
	}
	counts_free(&counts);
}

struct tally {
	struct fixture *fixture;
	struct frame frame;
	uint64_t word, others; /* the key, and it without its interface */
	uint64_t packets;      /* that were sent */
};

/* One more packet: the cell has so many of the key, and the sums are those of all that was sent. */
static void packet_lands(struct tally *tally, uint32_t at, uint64_t word, uint64_t expected, const char *name)
{
	uint64_t packets, bytes, here;
	char want[96], got[96];
	struct outcome outcome;

	fixture_run(tally->fixture, ON_VETH, &tally->frame, &outcome);
	tally->packets++;
	totals(tally->fixture, &packets, &bytes);
	here = cell_packets(tally->fixture, at, word);
	snprintf(want, sizeof(want), "%llu packets in cell %u, %llu of %llu bytes in all", (unsigned long long)expected,
		 at, (unsigned long long)tally->packets, (unsigned long long)(tally->packets * tally->frame.len));
	snprintf(got, sizeof(got), "%llu packets in cell %u, %llu of %llu bytes in all", (unsigned long long)here, at,
		 (unsigned long long)packets, (unsigned long long)bytes);
	if (strcmp(want, got))
		tap_not_ok(want, got, "counters: %s", name);
	else
		tap_ok("counters: %s", name);
}

static void tally_open(struct tally *tally, struct fixture *fixture, uint32_t ifindex)
{
	const struct spec spec = { .family = 4, .proto = IPPROTO_UDP, .dport = 79, .payload = 33 };

	fixture_open(fixture);
	fixture_set_rules_seen(fixture, 1);
	*tally = (struct tally){ .fixture = fixture, .word = word_of(ifindex), .others = word_of(0) };
	spec_build(&spec, &tally->frame);
}

/* Cell by cell, as those before it are given to others. */
static void region_run(struct tally *tally, uint64_t word, uint32_t first, uint32_t bits, const char *region)
{
	char name[64];

	for (uint32_t probe = 0; probe < COUNT_PROBES; probe++) {
		snprintf(name, sizeof(name), "%s, cell %u of its key", region, probe);
		packet_lands(tally, cell_at(word, first, bits, probe), word, 1, name);
		/* that packet is forgotten with its cell */
		cell_occupy(tally->fixture, cell_at(word, first, bits, probe));
		tally->packets--;
	}
}

static void exhaustion_case(struct fixture *fixture)
{
	struct tally tally;

	tally_open(&tally, fixture, (uint32_t)fixture->veth);
	region_run(&tally, tally.word, 0, COUNT_BITS, "by interface");
	region_run(&tally, tally.others, COUNT_OTHERS, COUNT_OTHERS_BITS, "without interface");
	packet_lands(&tally, LAST_CELL, 0, 1, "no cell at all: the last");
	packet_lands(&tally, LAST_CELL, 0, 2, "no cell at all: the last again");
	fixture_close(fixture);
}

/* A key that lives away from home stays there, and is added to. */
static void far_case(struct fixture *fixture)
{
	struct tally tally;
	uint32_t at;

	tally_open(&tally, fixture, (uint32_t)fixture->veth);
	for (uint32_t probe = 0; probe < COUNT_PROBES - 1; probe++)
		cell_occupy(fixture, cell_at(tally.word, 0, COUNT_BITS, probe));
	at = cell_at(tally.word, 0, COUNT_BITS, COUNT_PROBES - 1);
	for (uint64_t i = 1; i <= 3; i++)
		packet_lands(&tally, at, tally.word, i, "away from home, again and again");
	fixture_close(fixture);
}

/* An index whose packets have the last cell of the region for their home. */
static uint32_t index_at_the_end(void)
{
	uint32_t ifindex = 1000;

	while (count_home(word_of(ifindex), COUNT_BITS) != COUNT_OTHERS - 1 ||
	       if_indextoname(ifindex, (char[IF_NAMESIZE]){ 0 }))
		ifindex++;
	return ifindex;
}

/* The search goes on at the beginning of the region, not in the next one. */
static void wrap_case(struct fixture *fixture)
{
	uint32_t ifindex = index_at_the_end();
	int veth = fixture->veth;
	struct tally tally;
	char command[128];

	snprintf(command, sizeof(command), "ip link add " WRAP_NAME " index %u type veth peer name veth-wrap2",
		 ifindex);
	if (system(command))
		errx(2, "%s", command);
	tally_open(&tally, fixture, ifindex);
	fixture->veth = (int)ifindex;
	packet_lands(&tally, COUNT_OTHERS - 1, tally.word, 1, "home is the last cell of the region");
	cell_occupy(fixture, COUNT_OTHERS - 1);
	tally.packets = 0;
	packet_lands(&tally, 0, tally.word, 1, "that is taken: the first cell of the region");
	fixture->veth = veth;
	fixture_close(fixture);
	if (system("ip link delete " WRAP_NAME))
		errx(2, WRAP_NAME);
}

void event_count_cases(struct fixture *fixture)
{
	exhaustion_case(fixture);
	far_case(fixture);
	wrap_case(fixture);
}
