/* SPDX-License-Identifier: GPL-2.0-only */
/* What the balancer remembers of flows, for how long, and which of them keep their backend. */
#include "exchange_steps.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

/* Seconds. */
#define FEW 10
#define SOME 20
#define STREAM 30
#define MANY 40

static void timeouts(struct fixture *fixture, int family)
{
	struct splicer_config config = fixture_config(fixture);

	(void)family;
	config.timeout[TIMEOUT_TCP_CLOSED] = config.timeout[TIMEOUT_TCP_HANDSHAKE] = config.timeout[TIMEOUT_UDP] = FEW;
	config.timeout[TIMEOUT_TCP_CLOSING] = SOME;
	config.timeout[TIMEOUT_UDP_STREAM] = STREAM;
	config.timeout[TIMEOUT_TCP_ESTABLISHED] = MANY;
	fixture_configure(fixture, &config);
}

static void routes_age(struct fixture *fixture, int family)
{
	(void)fixture;
	(void)family;
	box_let_routes_age();
}

/* clang-format off */
#define BOTH { .backends = { BACKEND(1), BACKEND(2) } }
#define ONLY_2 { .backends = { { .addr = BOX_BACKEND_1, .port = SERVICE_BACKEND_PORT, .weight = -1 }, BACKEND(2) } }
#define FIRST_IS(...) { .backends = { { .addr = BOX_BACKEND_1, .port = SERVICE_BACKEND_PORT, __VA_ARGS__ }, BACKEND(2) } }
#define REPLACED { .backends = { BACKEND(2) } }
#define PUT(...) .put = &(const struct service_spec)__VA_ARGS__
#define OPEN(n) { "SYN", TO_VIP(.sport = (n)), ON_VETH, BALANCED, TO_BACKEND }, \
	{ "SYN-ACK", FROM_BACKEND(.dport = (n), .flags = SYN_ACK), ON_PEER, BACK, AS_VIP }, \
	{ "ACK", TO_VIP(.sport = (n), .flags = TCP_ACK), ON_VETH, BALANCED, TO_BACKEND, "confirmed established answered" }
#define ACK TO_VIP(.flags = TCP_ACK)
#define FIN (TCP_FIN | TCP_ACK)
#define DIRECT(...) { .dst = BOX_BACKEND_1, .dport = SERVICE_BACKEND_PORT, __VA_ARGS__ }

static const struct exchange exchanges[] = {
	{ "state of TCP", .proto = TCP, .services = { { .low = SERVICE_PORT } }, .steps = {
		{ "SYN", TO_VIP(), ON_VETH, BALANCED, TO_BACKEND, "unconfirmed handshake" },
		{ "SYN again", TO_VIP(), ON_VETH, BALANCED, TO_BACKEND, "unconfirmed handshake" },
		{ "SYN-ACK", FROM_BACKEND(.flags = SYN_ACK), ON_PEER, BACK, AS_VIP, "unconfirmed handshake answered" },
		{ "SYN-ACK again", FROM_BACKEND(.flags = SYN_ACK), ON_PEER, BACK, AS_VIP, "unconfirmed handshake answered" },
		{ "SYN once more: who sends it need not have had the answer", TO_VIP(), ON_VETH, BALANCED, TO_BACKEND, "unconfirmed handshake answered" },
		{ "ACK proves the client", ACK, ON_VETH, BALANCED, TO_BACKEND, "confirmed established answered" },
		{ "back", FROM_BACKEND(.flags = TCP_ACK), ON_PEER, BACK, AS_VIP, "confirmed established answered" },
		{ "there, later", ACK, ON_VETH, BALANCED, TO_BACKEND, "confirmed established answered", .before = routes_age },
		{ "FIN", TO_VIP(.flags = FIN), ON_VETH, BALANCED, TO_BACKEND, "confirmed closing answered" },
		{ "back: it knows", FROM_BACKEND(.flags = TCP_ACK), ON_PEER, BACK, AS_VIP, "confirmed closing answered" },
		{ "FIN back", FROM_BACKEND(.flags = FIN), ON_PEER, BACK, AS_VIP, "confirmed closing answered" },
		{ "the last ACK", ACK, ON_VETH, BALANCED, TO_BACKEND, "confirmed closing answered" },
		{ "SYN: from the beginning", TO_VIP(), ON_VETH, BALANCED, TO_BACKEND, "unconfirmed handshake" },
		{ "its answer", FROM_BACKEND(.flags = SYN_ACK), ON_PEER, BACK, AS_VIP, "unconfirmed handshake answered" },
		{ "ACK", ACK, ON_VETH, BALANCED, TO_BACKEND, "confirmed established answered" },
		{ "RST", TO_VIP(.flags = TCP_RST), ON_VETH, BALANCED, TO_BACKEND, "confirmed closed answered" },
		{ "SYN: from the beginning", TO_VIP(), ON_VETH, BALANCED, TO_BACKEND, "unconfirmed handshake" },
		{ "RST back", FROM_BACKEND(.flags = TCP_RST | TCP_ACK), ON_PEER, BACK, AS_VIP, "unconfirmed closed answered" },
		{ "in its middle, of no flow", TO_VIP(.sport = 3, .flags = TCP_ACK), ON_VETH, BALANCED, TO_BACKEND, "unconfirmed established" },
		{ "a forged reset", FROM_BACKEND(.dport = 3, .flags = TCP_RST), ON_PEER, BACK, AS_VIP, "unconfirmed closed answered" },
		{ "the client goes on all the same", TO_VIP(.sport = 3, .flags = TCP_ACK), ON_VETH, BALANCED, TO_BACKEND, "confirmed established answered" },
	} },
	{ "state of UDP", .proto = UDP, .services = { { .low = SERVICE_PORT } }, .steps = {
		{ "there", TO_VIP(), ON_VETH, BALANCED, TO_BACKEND, "unconfirmed new" },
		{ "there again", TO_VIP(), ON_VETH, BALANCED, TO_BACKEND, "unconfirmed new" },
		{ "back", FROM_BACKEND(), ON_PEER, BACK, AS_VIP, "unconfirmed established answered" },
		{ "there proves the client", TO_VIP(), ON_VETH, BALANCED, TO_BACKEND, "confirmed established answered" },
		{ "back again", FROM_BACKEND(), ON_PEER, BACK, AS_VIP, "confirmed established answered" },
	} },
	{ "drained", .proto = TCP, .services = { { .low = SERVICE_PORT } }, .steps = {
		OPEN(40000), OPEN(3),
		{ "SYN, not answered yet", TO_VIP(.sport = 4), ON_VETH, BALANCED, TO_BACKEND },
		{ "an established flow goes on", ACK, ON_VETH, BALANCED, TO_BACKEND, PUT(FIRST_IS(.flags = LB_BACKEND_DRAINED)) },
		{ "back too", FROM_BACKEND(.flags = TCP_ACK), ON_PEER, BACK, AS_VIP },
		{ "a SYN of it is for its backend to judge", TO_VIP(), ON_VETH, BALANCED, TO_BACKEND },
		{ "a new flow goes elsewhere", TO_VIP(.sport = 5), ON_VETH, BALANCED, TO_BACKEND_2 },
		{ "the SYN again: elsewhere", TO_VIP(.sport = 4), ON_VETH, BALANCED, TO_BACKEND_2 },
		{ "its answer", FROM_BACKEND_2(.dport = 4, .flags = SYN_ACK), ON_PEER, BACK, AS_VIP },
		{ "FIN", TO_VIP(.sport = 3, .flags = FIN), ON_VETH, BALANCED, TO_BACKEND },
		{ "FIN back", FROM_BACKEND(.dport = 3, .flags = FIN), ON_PEER, BACK, AS_VIP },
		{ "the last ACK", TO_VIP(.sport = 3, .flags = TCP_ACK), ON_VETH, BALANCED, TO_BACKEND },
		{ "SYN: a new flow of the same port", TO_VIP(.sport = 3), ON_VETH, BALANCED, TO_BACKEND_2 },
	} },
	{ "weight 0", .proto = TCP, .services = { { .low = SERVICE_PORT } }, .steps = {
		OPEN(40000),
		{ "SYN, not answered yet", TO_VIP(.sport = 4), ON_VETH, BALANCED, TO_BACKEND },
		{ "an established flow goes on", ACK, ON_VETH, BALANCED, TO_BACKEND, PUT(FIRST_IS(.weight = -1)) },
		{ "a SYN of it is for its backend to judge", TO_VIP(), ON_VETH, BALANCED, TO_BACKEND },
		{ "the SYN again: elsewhere", TO_VIP(.sport = 4), ON_VETH, BALANCED, TO_BACKEND_2 },
		{ "a new flow goes elsewhere", TO_VIP(.sport = 5), ON_VETH, BALANCED, TO_BACKEND_2 },
	} },
	{ "down", .proto = TCP, .services = { { .low = SERVICE_PORT } }, .steps = {
		OPEN(40000),
		{ "an established flow goes on", ACK, ON_VETH, BALANCED, TO_BACKEND, PUT(FIRST_IS(.flags = LB_BACKEND_DOWN)) },
		{ "later too", ACK, ON_VETH, BALANCED, TO_BACKEND, .before = routes_age },
		{ "a SYN of it goes elsewhere", TO_VIP(), ON_VETH, BALANCED, TO_BACKEND_2, "unconfirmed handshake" },
		{ "its answer", FROM_BACKEND_2(.flags = SYN_ACK), ON_PEER, BACK, AS_VIP },
		{ "ACK", ACK, ON_VETH, BALANCED, TO_BACKEND_2, "confirmed established answered" },
		{ "up again: it stays", ACK, ON_VETH, BALANCED, TO_BACKEND_2, PUT(BOTH) },
	} },
	{ "down, UDP", .proto = UDP, .services = { { .low = SERVICE_PORT } }, .steps = {
		{ "there", TO_VIP(), ON_VETH, BALANCED, TO_BACKEND },
		{ "back", FROM_BACKEND(), ON_PEER, BACK, AS_VIP },
		{ "a known flow goes on", TO_VIP(), ON_VETH, BALANCED, TO_BACKEND, PUT(FIRST_IS(.flags = LB_BACKEND_DRAINED)) },
		{ "a new one goes elsewhere", TO_VIP(.sport = 4), ON_VETH, BALANCED, TO_BACKEND_2 },
	} },
	{ "another backend in its place", .proto = TCP, .services = { { .low = SERVICE_PORT } }, .steps = {
		OPEN(40000),
		{ "an established flow goes on", ACK, ON_VETH, BALANCED, TO_BACKEND, PUT(REPLACED) },
		{ "back too", FROM_BACKEND(.flags = TCP_ACK), ON_PEER, BACK, AS_VIP },
		{ "a SYN of it goes to the new one", TO_VIP(), ON_VETH, BALANCED, TO_BACKEND_2 },
	} },
	{ "the service is deleted", .services = { { .low = SERVICE_PORT } }, .steps = {
		OPEN(40000),
		{ "a known flow goes on", ACK, ON_VETH, BALANCED, TO_BACKEND, .is_deleted = true },
		{ "back too", FROM_BACKEND(.flags = TCP_ACK), ON_PEER, BACK, AS_VIP },
		{ "where it leaves", FROM_BACKEND(.flags = TCP_ACK), OUT_VETH, BACK_LEAVING, AS_VIP },
		{ "later", ACK, ON_VETH, BALANCED, TO_BACKEND, .before = routes_age },
		{ "a new one is none of ours", TO_VIP(.sport = 4), ON_VETH, UNTOUCHED },
		{ "back of no flow", FROM_BACKEND(.dport = 4, .flags = SYN_ACK), ON_PEER, UNTOUCHED },
		{ "a SYN of it is none of ours", TO_VIP(.proto = TCP), ON_VETH, UNTOUCHED },
	} },
	{ "masquerade, another backend", .proto = TCP, .services = { MASQUERADE }, .steps = {
		{ "SYN", TO_VIP(), ON_VETH, BALANCED, AS_BOX },
		{ "SYN-ACK", FROM_BACKEND_TO_BOX(.flags = SYN_ACK), ON_PEER, BACK, AS_VIP_TO_CLIENT },
		{ "ACK", ACK, ON_VETH, BALANCED, AS_BOX, "confirmed established answered" },
		{ "drained", ACK, ON_VETH, BALANCED, AS_BOX, PUT({ .mode = LB_MASQUERADE, .backends = { { .addr = BOX_BACKEND_1, .port = SERVICE_BACKEND_PORT, .flags = LB_BACKEND_DRAINED }, BACKEND(2) } }) },
		{ "mode changed", ACK, ON_VETH, BALANCED, AS_BOX, PUT(BOTH) },
		{ "back", FROM_BACKEND_TO_BOX(.flags = TCP_ACK), ON_PEER, BACK, AS_VIP_TO_CLIENT },
	} },
	{ "a client speaks to the backend itself", .services = { { .low = SERVICE_PORT } }, .steps = {
		{ "there", DIRECT(), ON_VETH, UNTOUCHED },
		{ "back", FROM_BACKEND(.flags = SYN_ACK), ON_PEER, UNTOUCHED, .flow = "unconfirmed established direct" },
		{ "there", DIRECT(.flags = TCP_ACK), ON_VETH, UNTOUCHED },
		{ "back, leaving", FROM_BACKEND(.flags = TCP_ACK), OUT_VETH, UNTOUCHED },
		{ "back, to another port", FROM_BACKEND(.dport = 4, .flags = TCP_ACK), ON_PEER, BACK, AS_VIP },
		{ "the same port to the VIP: another source port", TO_VIP(), ON_VETH, BALANCED, { .sport = PORT_CHOSEN, .dst = BOX_BACKEND_1, .dport = SERVICE_BACKEND_PORT } },
		{ "its answer", FROM_BACKEND(.dport = PORT_CHOSEN, .flags = SYN_ACK), ON_PEER, BACK, { .src = SPEC_DST, .sport = SERVICE_PORT, .dport = CLIENT_PORT } },
		{ "that to the client itself", FROM_BACKEND(.flags = TCP_ACK), ON_PEER, UNTOUCHED },
	} },
	{ "back, of no flow", .services = { { .low = SERVICE_PORT } }, .steps = {
		{ "SYN-ACK", FROM_BACKEND(.flags = SYN_ACK), ON_PEER, BACK, AS_VIP },
		{ "in its middle", FROM_BACKEND(.dport = 4, .flags = TCP_ACK, .payload = 9), ON_PEER, BACK, AS_VIP },
		{ "leaving", FROM_BACKEND(.dport = 5, .flags = TCP_ACK, .payload = 9), OUT_VETH, BACK_LEAVING, AS_VIP },
		{ "SYN: a connection of the backend's own", FROM_BACKEND(.proto = TCP, .dport = 6), ON_PEER, UNTOUCHED },
		{ "SYN, leaving", FROM_BACKEND(.proto = TCP, .dport = 6), OUT_VETH, UNTOUCHED },
		{ "there after it", TO_VIP(.sport = 4, .flags = TCP_ACK), ON_VETH, BALANCED, TO_BACKEND },
		{ "and back", FROM_BACKEND(.dport = 4, .flags = TCP_ACK), ON_PEER, BACK, AS_VIP },
		{ "from another port", FROM_BACKEND(.sport = 81, .flags = TCP_ACK), ON_PEER, UNTOUCHED },
		{ "from another host", FROM_BACKEND_2(.flags = TCP_ACK), ON_PEER, UNTOUCHED },
	} },
	{ "back, of no flow, from who is in two services", .services = { { .low = SERVICE_PORT }, { .vip = "203.0.113.6", .backends = { BACKEND(1) } } }, .steps = {
		{ "nobody knows of which", FROM_BACKEND(.flags = TCP_ACK), ON_PEER, UNTOUCHED },
		{ "leaving", FROM_BACKEND(.flags = TCP_ACK), OUT_VETH, UNTOUCHED },
	} },
	{ "back, of no flow, a range", .services = { { .low = 64, .high = 127, .backends = { { .addr = BOX_BACKEND_1 } } } }, .steps = {
		{ "a port of it", { .src = BOX_BACKEND_1, .dst = SPEC_SRC, .sport = 100, .dport = CLIENT_PORT, .flags = SYN_ACK }, ON_PEER, BACK, { .src = SPEC_DST } },
		{ "none of it", { .src = BOX_BACKEND_1, .dst = SPEC_SRC, .sport = 128, .dport = CLIENT_PORT, .flags = SYN_ACK }, ON_PEER, UNTOUCHED },
	} },
	{ "time, TCP", .proto = TCP, .services = { { .low = SERVICE_PORT } }, .steps = {
		{ "SYN", TO_VIP(), ON_VETH, BALANCED, TO_BACKEND, .before = timeouts },
		{ "SYN, soon", TO_VIP(), ON_VETH, BALANCED, TO_BACKEND, PUT(BOTH), .age = FEW - 3 },
		{ "SYN, too late: a new flow", TO_VIP(), ON_VETH, BALANCED, TO_BACKEND_2, PUT(ONLY_2), .age = FEW + 2 },
		{ "its answer", FROM_BACKEND_2(.flags = SYN_ACK), ON_PEER, BACK, AS_VIP },
		{ "ACK", ACK, ON_VETH, BALANCED, TO_BACKEND_2, "confirmed established answered" },
		{ "back", FROM_BACKEND_2(.flags = TCP_ACK), ON_PEER, BACK, AS_VIP },
		{ "ACK, much later", ACK, ON_VETH, BALANCED, TO_BACKEND_2, PUT({ .low = SERVICE_PORT }), .age = MANY - 5 },
		{ "back, as much later again: the client has kept it", FROM_BACKEND_2(.flags = TCP_ACK), ON_PEER, BACK, AS_VIP, "confirmed established answered", .age = MANY - 5 },
		{ "FIN, as much later again: the backend has kept it", TO_VIP(.flags = FIN), ON_VETH, BALANCED, TO_BACKEND_2, "confirmed closing answered", .age = MANY - 5 },
		{ "ACK, soon", ACK, ON_VETH, BALANCED, TO_BACKEND_2, "confirmed closing answered", .age = SOME - 5 },
		{ "ACK, too late: a new flow", ACK, ON_VETH, BALANCED, TO_BACKEND, "unconfirmed established", .age = SOME + 2 },
		{ "RST", TO_VIP(.flags = TCP_RST), ON_VETH, BALANCED, TO_BACKEND, "unconfirmed closed" },
		{ "ACK, too late: a new flow", ACK, ON_VETH, BALANCED, TO_BACKEND_2, "unconfirmed established", PUT(ONLY_2), .age = FEW + 2 },
	} },
	{ "time, UDP", .proto = UDP, .services = { { .low = SERVICE_PORT } }, .steps = {
		{ "there", TO_VIP(), ON_VETH, BALANCED, TO_BACKEND, .before = timeouts },
		{ "soon", TO_VIP(), ON_VETH, BALANCED, TO_BACKEND, PUT(ONLY_2), .age = FEW - 3 },
		{ "too late: a new flow", TO_VIP(), ON_VETH, BALANCED, TO_BACKEND_2, .age = FEW + 2 },
		{ "back", FROM_BACKEND_2(), ON_PEER, BACK, AS_VIP },
		{ "there", TO_VIP(), ON_VETH, BALANCED, TO_BACKEND_2, "confirmed established answered" },
		{ "much later", TO_VIP(), ON_VETH, BALANCED, TO_BACKEND_2, "confirmed established answered", .age = STREAM - 5 },
		{ "too late: a new flow", TO_VIP(), ON_VETH, BALANCED, TO_BACKEND, "unconfirmed new", PUT({ .low = SERVICE_PORT }), .age = STREAM + 2 },
		{ "its backend is gone", TO_VIP(), ON_VETH, BALANCED, TO_BACKEND_2, "unconfirmed new", PUT(REPLACED), .before = routes_age },
	} },
};

static const struct exchange established = { "flood", .proto = TCP, .services = { { .low = SERVICE_PORT } }, .steps = { OPEN(40000) } };
/* clang-format on */

/* ---- a flood ---- */

#define FLOOD_SOURCES 40000

static bool flow_is_there(struct fixture *fixture, int family, char text[FLOW_TEXT_MAX])
{
	const struct spec spec = { .family = family, .dport = SERVICE_PORT, .flags = TCP_ACK };
	struct outcome outcome;
	struct frame frame;

	spec_build(&spec, &frame);
	flow_print(fixture, &frame, text);
	fixture_run(fixture, ON_VETH, &frame, &outcome);
	return !strcmp(text, "confirmed established answered") && outcome.action == TC_ACT_REDIRECT;
}

/* One SYN of each source; or, if it is answered, a SYN before and one after that. */
static size_t flood_run(struct fixture *fixture, int family, bool is_answered)
{
	struct spec spec = { .family = family, .dport = SERVICE_PORT }, answer = { .family = family,
										   .src = BOX_BACKEND_1,
										   .sport = SERVICE_BACKEND_PORT,
										   .dport = CLIENT_PORT,
										   .flags = SYN_ACK };
	char source[FRAME_ADDRESS_TEXT];
	struct frame frame;
	size_t passed = 0;

	spec.src = answer.dst = source;
	for (unsigned int i = 0; i < FLOOD_SOURCES; i++) {
		snprintf(source, sizeof(source), "198.18.%u.%u", i >> 8, i & 255);
		spec_build(&spec, &frame);
		passed += fixture_run_quick(fixture, ON_VETH, &frame) == TC_ACT_REDIRECT;
		if (!is_answered)
			continue;
		spec_build(&answer, &frame);
		fixture_run_quick(fixture, ON_PEER, &frame);
		spec_build(&spec, &frame);
		fixture_run_quick(fixture, ON_VETH, &frame);
	}
	return passed;
}

static void flood_case(struct fixture *fixture, int family, bool is_answered)
{
	const char *name = is_answered ? "SYNs before and after answers, of 40000 sources" : "SYNs of 40000 sources";
	const uint8_t tcp = IPPROTO_TCP;
	struct outcome outcome;
	struct frame frame;
	size_t passed, confirmed;
	char got[192], text[FLOW_TEXT_MAX];
	bool is_there;

	fixture_open(fixture);
	service_put(fixture, 0, family, tcp, &established.services[0]);
	for (const struct step *step = established.steps; step->name; step++) {
		struct spec spec = step_spec(&step->spec, family, tcp);

		spec_build(&spec, &frame);
		fixture_run(fixture, step->context, &frame, &outcome);
	}
	passed = flood_run(fixture, family, is_answered);
	confirmed = state_count(fixture->table[CONNS_CONFIRMED]);
	is_there = flow_is_there(fixture, family, text);
	snprintf(got, sizeof(got), "%zu flows opened, %zu entries confirmed, the flow %s", passed, confirmed, text);
	if (is_there && confirmed == 2 && passed == FLOOD_SOURCES)
		tap_ok("flood: %s leave an established flow alone (IPv%d)", name, family);
	else
		tap_not_ok("all opened, 2 entries confirmed, those of the flow", got,
			   "flood: %s leave an established flow alone (IPv%d)", name, family);
	fixture_close(fixture);
}

static void floods_run(struct fixture *fixture)
{
	struct box box;

	box_enter(fixture, &box);
	for (int family = 4; family <= 6; family += 2) {
		flood_case(fixture, family, false);
		flood_case(fixture, family, true);
	}
	box_leave(fixture, &box);
}

void lb_flow_cases(struct fixture *fixture)
{
	exchanges_run(fixture, exchanges, COUNT(exchanges));
	floods_run(fixture);
}
