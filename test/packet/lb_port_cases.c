/* SPDX-License-Identifier: GPL-2.0-only */
/* Source ports that the balancer chooses, where two flows would look the same to a backend, or none is free. */
#include "exchange_steps.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <err.h>
#include <netinet/in.h>
#include <string.h>

/* Takes every port that can be chosen towards the first backend, by replies of this state, to other clients. */
static void ports_take(struct fixture *fixture, int family, uint8_t state)
{
	struct lb_key key = { .sport = htons(SERVICE_BACKEND_PORT), .family = (uint8_t)family };
	struct lb_flow flow = { .last = state_now(), .kind = LB_REPLY, .family = (uint8_t)family, .state = state };

	address_words(family, BOX_BACKEND_1, key.src);
	address_words(family, BOX_BACKEND_ADDRESS, key.dst);
	address_words(family, "198.51.100.99", flow.dst);
	for (uint32_t port = PORT_CHOSEN_FIRST; port <= PORT_CHOSEN_LAST; port++) {
		key.dport = htons((uint16_t)port);
		for (int i = 0; i < 2; i++) {
			key.proto = i ? IPPROTO_TCP : IPPROTO_UDP;
			if (bpf_map_update_elem(fixture->table[i], &key, &flow, BPF_ANY))
				err(2, LB_FLOWS);
		}
	}
}

static void all_taken(struct fixture *fixture, int family)
{
	ports_take(fixture, family, CONN_ESTABLISHED);
}

static void all_over(struct fixture *fixture, int family)
{
	ports_take(fixture, family, CONN_CLOSED);
}

static void all_forgotten(struct fixture *fixture, int family)
{
	(void)family;
	flows_forget(fixture);
}

/* clang-format off */
#define VIP_2 "203.0.113.6"
#define VIP_3 "203.0.113.7"
#define CHOSEN_TO_BACKEND { .sport = PORT_CHOSEN, .dst = BOX_BACKEND_1, .dport = SERVICE_BACKEND_PORT }
#define TO_VIP_2(...) { .dst = VIP_2, .dport = SERVICE_PORT, __VA_ARGS__ }
#define FROM_CHOSEN(...) { .src = BOX_BACKEND_1, .dst = SPEC_SRC, .sport = SERVICE_BACKEND_PORT, .dport = PORT_CHOSEN, __VA_ARGS__ }
#define AS_VIP_2 { .src = VIP_2, .sport = SERVICE_PORT, .dport = CLIENT_PORT }
#define THREE { { .low = SERVICE_PORT }, { .vip = VIP_2, .backends = { BACKEND(1) } }, { .vip = VIP_3, .backends = { BACKEND(1) } } }

static const struct exchange exchanges[] = {
	{ "one port to three VIPs", .services = THREE, .steps = {
		{ "to the first, the port is kept", TO_VIP(), ON_VETH, BALANCED, TO_BACKEND },
		{ "to the second, another", TO_VIP_2(), ON_VETH, BALANCED, CHOSEN_TO_BACKEND },
		{ "its answer", FROM_CHOSEN(.flags = SYN_ACK), ON_PEER, BACK, AS_VIP_2 },
		{ "that of the first", FROM_BACKEND(.flags = SYN_ACK), ON_PEER, BACK, AS_VIP },
		{ "to the second again, the same", TO_VIP_2(.flags = TCP_ACK), ON_VETH, BALANCED, CHOSEN_TO_BACKEND },
		{ "and back, leaving", FROM_CHOSEN(.flags = TCP_ACK), OUT_VETH, BACK_LEAVING, AS_VIP_2 },
		{ "to the first again", TO_VIP(.flags = TCP_ACK), ON_VETH, BALANCED, TO_BACKEND },
		{ "to the third, yet another", { .dst = VIP_3, .dport = SERVICE_PORT }, ON_VETH, BALANCED, CHOSEN_TO_BACKEND },
		{ "its answer", FROM_CHOSEN(.flags = SYN_ACK), ON_PEER, BACK, { .src = VIP_3, .sport = SERVICE_PORT, .dport = CLIENT_PORT } },
		{ "from another port the port is kept", TO_VIP_2(.sport = 3), ON_VETH, BALANCED, TO_BACKEND },
		{ "from another client too", TO_VIP_2(.src = "198.51.100.8"), ON_VETH, BALANCED, TO_BACKEND },
	} },
	{ "a flow that is over gives its port", .proto = TCP, .services = THREE, .steps = {
		{ "to the first", TO_VIP(), ON_VETH, BALANCED, TO_BACKEND },
		{ "reset", TO_VIP(.flags = TCP_RST), ON_VETH, BALANCED, TO_BACKEND },
		{ "to the second, by the same", TO_VIP_2(), ON_VETH, BALANCED, TO_BACKEND },
		{ "its answer", FROM_BACKEND(.flags = SYN_ACK), ON_PEER, BACK, { .src = VIP_2, .sport = SERVICE_PORT } },
	} },
	{ "no port is free", .services = { MASQUERADE }, .steps = {
		{ "there", TO_VIP(), ON_VETH, DROPPED(REASON_NO_PORT), .before = all_taken },
		{ "again", TO_VIP(), ON_VETH, DROPPED(REASON_NO_PORT) },
		{ "flows that are over give theirs", TO_VIP(), ON_VETH, BALANCED, AS_BOX, .before = all_over },
		{ "the answer", FROM_BACKEND_TO_BOX(.flags = SYN_ACK), ON_PEER, BACK, AS_VIP_TO_CLIENT },
		{ "nothing is known", TO_VIP(.sport = 3), ON_VETH, BALANCED, AS_BOX, .before = all_forgotten },
		{ "the answer", FROM_BACKEND_TO_BOX(.flags = SYN_ACK), ON_PEER, BACK, { .src = SPEC_DST, .sport = SERVICE_PORT, .dst = SPEC_SRC, .dport = 3 } },
	} },
};
/* clang-format on */

void lb_port_cases(struct fixture *fixture)
{
	exchanges_run(fixture, exchanges, COUNT(exchanges));
}
