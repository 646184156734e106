/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which backend a new flow gets: by the table, and by a hash of the packet and nothing else, so boxes of one
 * configuration choose alike. Frames are the same in each run, so what is found is no matter of chance.
 */
#include "exchange_steps.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <err.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BACKENDS 64
#define FLOWS 65535
/* Of chi-square with 63 degrees of freedom: 63 on average, with a deviation of 11. No good hash is beyond. */
#define CHI_SQUARE_MOST 140.0
#define SAMPLE 2000

/* 64 backends of weight 1; is_mixed: neighbours in the table are of different ones, else all of one stand together. */
static void service_of_many(struct fixture *fixture, int family, bool is_mixed, uint32_t affinity)
{
	const struct service_spec spec = { .affinity = affinity };
	struct lb_service *service = service_make(0, family, IPPROTO_TCP, &spec);
	struct lb_backend first = service->backend[0];
	char address[32];

	service_put(fixture, 0, family, IPPROTO_TCP, &spec);
	service = service_make(0, family, IPPROTO_TCP, &spec);
	for (uint32_t i = 0; i < BACKENDS; i++) {
		snprintf(address, sizeof(address), "10.0.0.%u", 100 + i);
		service->backend[i] = first;
		address_words(family, address, service->backend[i].addr);
		service->backend[i].stat = SERVICE_STAT(0, i);
	}
	service->backends = BACKENDS;
	service_fill_table(service);
	for (uint32_t entry = 0; !is_mixed && entry < LB_TABLE_SIZE; entry++)
		service->table[entry] = (uint16_t)(entry * BACKENDS / LB_TABLE_SIZE);
	service_store(fixture, 0, service);
}

/* The place that a new flow gets; -1: none. */
static int place_of(struct fixture *fixture, const struct spec *spec)
{
	struct lb_flow flow;
	struct frame frame;
	struct lb_key key;

	spec_build(spec, &frame);
	flow_key_of(&frame, &key);
	if (fixture_run_quick(fixture, ON_VETH, &frame) != TC_ACT_REDIRECT ||
	    flow_get(fixture, &key, &flow) == CONN_TABLES)
		return -1;
	return flow.place;
}

/* ---- the hash, written once more ---- */

static uint64_t mix(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * 0x9e3779b97f4a7c15ull;
	return hash ^ hash >> 32;
}

static uint64_t word_at(const uint8_t *at)
{
	uint64_t word = 0;

	for (int i = 0; i < 8; i++)
		word = word << 8 | at[i];
	return word;
}

/* The entry of the table, of the bytes of the packet. */
static uint32_t entry_of(const struct frame *frame, bool has_ports)
{
	const uint8_t *ports = frame->data + frame->transport;
	uint8_t src[16] = { 0 };
	uint64_t hash;

	memcpy(src, frame->data + frame->network + (frame->family == 4 ? 12 : 8), frame->family == 4 ? 4 : 16);
	hash = mix(word_at(src), word_at(src + 8));
	if (has_ports)
		hash = mix(hash, (uint64_t)ports[0] << 24 | ports[1] << 16 | ports[2] << 8 | ports[3]);
	hash = (hash ^ hash >> 33) * 0xff51afd7ed558ccdull;
	hash = (hash ^ hash >> 33) * 0xc4ceb9fe1a85ec53ull;
	return (uint32_t)((hash ^ hash >> 33) % LB_TABLE_SIZE);
}

/* ---- frames ---- */

enum spread { PORTS, NEIGHBOURS, STRANGERS };

static const char *const spreads[] = {
	[PORTS] = "the ports of one client",
	[NEIGHBOURS] = "clients that follow each other",
	[STRANGERS] = "clients from anywhere",
};

/* The n-th flow of a spread. */
static void spread_spec(enum spread spread, int family, uint32_t n, struct spec *spec, char text[FRAME_ADDRESS_TEXT])
{
	struct numbers numbers = { .state = n };
	uint32_t address = spread == STRANGERS ? (uint32_t)numbers_next(&numbers) : n;

	*spec = (struct spec){ .family = family, .dport = SERVICE_PORT, .src = text };
	snprintf(text, FRAME_ADDRESS_TEXT, "198.51.100.7");
	if (spread == PORTS)
		spec->sport = (uint16_t)(n + 1);
	else
		snprintf(text, FRAME_ADDRESS_TEXT, "%u.%u.%u.%u", 64 + (address >> 24) % 64, address >> 16 & 255,
			 address >> 8 & 255, address & 255);
}

static void spread_case(struct fixture *fixture, enum spread spread, int family, bool is_mixed)
{
	const char *table = is_mixed ? "neighbours in the table differ" : "neighbours in the table are alike";
	uint32_t count[BACKENDS] = { 0 };
	char text[FRAME_ADDRESS_TEXT], got[64];
	double expected = (double)FLOWS / BACKENDS, chi_square = 0;
	bool lost = false;
	struct spec spec;

	for (uint32_t n = 0; n < FLOWS; n++) {
		int place;

		spread_spec(spread, family, n, &spec, text);
		place = place_of(fixture, &spec);
		if (place < 0 || place >= BACKENDS)
			lost = true;
		else
			count[place]++;
	}
	for (int i = 0; i < BACKENDS; i++)
		chi_square += (count[i] - expected) * (count[i] - expected) / expected;
	snprintf(got, sizeof(got), "%.1f%s", chi_square, lost ? ", and flows that got none" : "");
	if (!lost && chi_square < CHI_SQUARE_MOST)
		tap_ok("spread: %s, %s (IPv%d)", spreads[spread], table, family);
	else
		tap_not_ok("chi-square below 140", got, "spread: %s, %s (IPv%d)", spreads[spread], table, family);
}

/* Each backend gets the flows that hash to its entries, on this box and on another. */
static void entries_case(struct fixture *fixture, int family, const char *box, uint32_t affinity)
{
	char text[FRAME_ADDRESS_TEXT], got[64];
	size_t different = 0;
	struct frame frame;
	struct spec spec;

	fixture_open(fixture);
	service_of_many(fixture, family, false, affinity);
	for (uint32_t n = 0; n < SAMPLE; n++) {
		uint32_t expected;

		spread_spec(STRANGERS, family, n, &spec, text);
		spec.sport = (uint16_t)(1 + n * 31);
		spec_build(&spec, &frame);
		expected = entry_of(&frame, !affinity) * BACKENDS / LB_TABLE_SIZE;
		different += place_of(fixture, &spec) != (int)expected;
	}
	snprintf(got, sizeof(got), "%zu of %d go elsewhere", different, SAMPLE);
	if (!different)
		tap_ok("choice: by the table, %s%s (IPv%d)", box, affinity ? ", affinity" : "", family);
	else
		tap_not_ok("all by their hash", got, "choice: by the table, %s%s (IPv%d)", box,
			   affinity ? ", affinity" : "", family);
	fixture_close(fixture);
}

/* With affinity, all flows of a client go to one backend, whatever their ports. */
static void affinity_case(struct fixture *fixture, int family)
{
	struct spec spec = { .family = family, .dport = SERVICE_PORT };
	size_t different = 0;
	int first = -1;
	char got[64];

	fixture_open(fixture);
	service_of_many(fixture, family, true, 60);
	for (uint16_t port = 1; port <= 500; port++) {
		int place;

		spec.sport = port;
		place = place_of(fixture, &spec);
		if (first < 0)
			first = place;
		different += place != first || place < 0;
		/* by the hash each time: nothing is remembered of the client */
		state_forget(fixture);
		for (struct lb_client key; !bpf_map_get_next_key(fixture->clients, NULL, &key);)
			bpf_map_delete_elem(fixture->clients, &key);
	}
	snprintf(got, sizeof(got), "%zu elsewhere", different);
	if (!different)
		tap_ok("choice: affinity, 500 ports of a client (IPv%d)", family);
	else
		tap_not_ok("one backend", got, "choice: affinity, 500 ports of a client (IPv%d)", family);
	fixture_close(fixture);
}

static void spreads_run(struct fixture *fixture, int family)
{
	for (int is_mixed = 0; is_mixed < 2; is_mixed++)
		for (enum spread spread = PORTS; spread <= STRANGERS; spread++) {
			fixture_open(fixture);
			service_of_many(fixture, family, is_mixed, 0);
			spread_case(fixture, spread, family, is_mixed);
			fixture_close(fixture);
		}
}

void lb_choice_cases(struct fixture *fixture)
{
	struct box box;

	box_enter(fixture, &box);
	for (int family = 4; family <= 6; family += 2) {
		entries_case(fixture, family, "a box", 0);
		entries_case(fixture, family, "another with pins of its own", 0);
		entries_case(fixture, family, "a box", 60);
		affinity_case(fixture, family);
		spreads_run(fixture, family);
	}
	box_leave(fixture, &box);
}
