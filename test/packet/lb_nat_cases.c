/* SPDX-License-Identifier: GPL-2.0-only */
/* The balancer where addresses and ports are changed: to the backend and back, whole packets as they come out. */
#include "exchange_steps.h"

#include <linux/if_ether.h>

#include <bpf/bpf.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

/* clang-format off */
static const struct exchange exchanges[] = {
	{ "nat", .services = { { .low = SERVICE_PORT } }, .steps = {
		{ "there", TO_VIP(), ON_VETH, BALANCED, TO_BACKEND },
		{ "back, where it comes in", FROM_BACKEND(.flags = SYN_ACK), ON_PEER, BACK, AS_VIP },
		{ "there again, with data", TO_VIP(.flags = TCP_ACK, .payload = 100), ON_VETH, BALANCED, TO_BACKEND },
		{ "odd bytes of data", TO_VIP(.flags = TCP_ACK, .payload = 101), ON_VETH, BALANCED, TO_BACKEND },
		{ "one byte of data", TO_VIP(.flags = TCP_ACK, .payload = 1), ON_VETH, BALANCED, TO_BACKEND },
		{ "as large as the link takes", TO_VIP(.flags = TCP_ACK, .payload = 1432), ON_VETH, BALANCED, TO_BACKEND },
		{ "odd bytes back", FROM_BACKEND(.flags = TCP_ACK, .payload = 7), ON_PEER, BACK, AS_VIP },
		{ "back, where it leaves: its hops are as they were", FROM_BACKEND(.flags = TCP_ACK, .payload = 8), OUT_VETH, BACK_LEAVING, AS_VIP },
		{ "from another port", TO_VIP(.sport = 50000), ON_VETH, BALANCED, TO_BACKEND },
		{ "from the lowest port", TO_VIP(.sport = 2), ON_VETH, BALANCED, TO_BACKEND },
		{ "from the highest port", TO_VIP(.sport = 65535), ON_VETH, BALANCED, TO_BACKEND },
		{ "from another client", TO_VIP(.src = "198.51.100.9"), ON_VETH, BALANCED, TO_BACKEND },
		{ "from a client on the link", TO_VIP(.src = BOX_NEAR_CLIENT), ON_VETH, BALANCED, TO_BACKEND },
		{ "its answer", { .src = BOX_BACKEND_1, .dst = BOX_NEAR_CLIENT, .sport = SERVICE_BACKEND_PORT, .dport = CLIENT_PORT, .flags = SYN_ACK }, ON_PEER, BACK, AS_VIP },
		{ "on its last hop but one", TO_VIP(.hop_limit = 2, .flags = TCP_ACK), ON_VETH, BALANCED, TO_BACKEND },
		{ "with all the hops there are", TO_VIP(.hop_limit = 255, .flags = TCP_ACK), ON_VETH, BALANCED, TO_BACKEND },
		{ "options", TO_VIP(.family = 4, .options = 8, .flags = TCP_ACK, .payload = 3), ON_VETH, BALANCED, TO_BACKEND },
		{ "the most options", TO_VIP(.family = 4, .options = 40, .flags = TCP_ACK), ON_VETH, BALANCED, TO_BACKEND },
		{ "options back", FROM_BACKEND(.family = 4, .options = 4, .flags = TCP_ACK), ON_PEER, BACK, AS_VIP },
		{ "hop-by-hop options", TO_VIP(.family = 6, .chain = "H", .flags = TCP_ACK, .payload = 3), ON_VETH, BALANCED, TO_BACKEND },
		{ "destination options", TO_VIP(.family = 6, .chain = "D", .flags = TCP_ACK), ON_VETH, BALANCED, TO_BACKEND },
		{ "both", TO_VIP(.family = 6, .chain = "HD", .flags = TCP_ACK), ON_VETH, BALANCED, TO_BACKEND },
		{ "long ones", TO_VIP(.family = 6, .chain = "LL", .flags = TCP_ACK), ON_VETH, BALANCED, TO_BACKEND },
		{ "options back", FROM_BACKEND(.family = 6, .chain = "HD", .flags = TCP_ACK, .payload = 5), ON_PEER, BACK, AS_VIP },
		{ "bytes after the packet", TO_VIP(.flags = TCP_ACK, .payload = 1, .pad = 19), ON_VETH, BALANCED, TO_BACKEND },
	} },
	{ "nat, without checksum", .proto = UDP, .services = { { .low = SERVICE_PORT } }, .steps = {
		{ "there", TO_VIP(.payload = 9, .poke = { AT_TRANSPORT, 6, 2, 0 }), ON_VETH, BALANCED, TO_BACKEND },
		{ "back", FROM_BACKEND(.payload = 9, .poke = { AT_TRANSPORT, 6, 2, 0 }), ON_PEER, BACK, AS_VIP },
		{ "back, leaving", FROM_BACKEND(.payload = 9, .poke = { AT_TRANSPORT, 6, 2, 0 }), OUT_VETH, BACK_LEAVING, AS_VIP },
	} },
	{ "masquerade", .services = { MASQUERADE }, .steps = {
		{ "there", TO_VIP(), ON_VETH, BALANCED, AS_BOX },
		{ "back", FROM_BACKEND_TO_BOX(.flags = SYN_ACK), ON_PEER, BACK, AS_VIP_TO_CLIENT },
		{ "there again, by the same port", TO_VIP(.flags = TCP_ACK, .payload = 11), ON_VETH, BALANCED, AS_BOX },
		{ "and back", FROM_BACKEND_TO_BOX(.flags = TCP_ACK, .payload = 12), ON_PEER, BACK, AS_VIP_TO_CLIENT },
		{ "options there", TO_VIP(.family = 4, .options = 8, .flags = TCP_ACK), ON_VETH, BALANCED, AS_BOX },
		{ "options there", TO_VIP(.family = 6, .chain = "HD", .flags = TCP_ACK), ON_VETH, BALANCED, AS_BOX },
		{ "to another port of the box", { .src = BOX_BACKEND_1, .dst = BOX_BACKEND_ADDRESS, .sport = SERVICE_BACKEND_PORT, .dport = 2, .flags = SYN_ACK }, ON_PEER, UNTOUCHED },
		{ "from the backend to the client, past the box", FROM_BACKEND(.flags = SYN_ACK), ON_PEER, UNTOUCHED },
		{ "another client", TO_VIP(.src = "198.51.100.8"), ON_VETH, BALANCED, AS_BOX },
		{ "its answer", FROM_BACKEND_TO_BOX(.flags = SYN_ACK), ON_PEER, BACK, { .src = SPEC_DST, .sport = SERVICE_PORT, .dst = "198.51.100.8", .dport = CLIENT_PORT } },
	} },
	{ "nat, the backend keeps the port", .services = { { .low = SERVICE_PORT, .backends = { { .addr = BOX_BACKEND_1 } } } }, .steps = {
		{ "there", TO_VIP(), ON_VETH, BALANCED, { .dst = BOX_BACKEND_1 } },
		{ "back", { .src = BOX_BACKEND_1, .dst = SPEC_SRC, .sport = SERVICE_PORT, .dport = CLIENT_PORT, .flags = SYN_ACK }, ON_PEER, BACK, { .src = SPEC_DST } },
	} },
	{ "any port", .services = { { .high = SERVICE_ANY_PORT, .backends = { { .addr = BOX_BACKEND_1 } } } }, .steps = {
		{ "to one", { .dport = 7 }, ON_VETH, BALANCED, { .dst = BOX_BACKEND_1 } },
		{ "back", { .src = BOX_BACKEND_1, .dst = SPEC_SRC, .sport = 7, .dport = CLIENT_PORT, .flags = SYN_ACK }, ON_PEER, BACK, { .src = SPEC_DST } },
		{ "to the highest", { .dport = 65535 }, ON_VETH, BALANCED, { .dst = BOX_BACKEND_1 } },
		{ "to 0", { .dport = 0 }, ON_VETH, BALANCED, { .dst = BOX_BACKEND_1 } },
		{ "to another address", { .dst = "203.0.113.6", .dport = 7 }, ON_VETH, UNTOUCHED },
	} },
	{ "a range, to one port", .services = { { .low = 64, .high = 127 } }, .steps = {
		{ "the lowest", { .dport = 64 }, ON_VETH, BALANCED, TO_BACKEND },
		{ "back", FROM_BACKEND(.flags = SYN_ACK), ON_PEER, BACK, { .src = SPEC_DST, .sport = 64 } },
		{ "the highest", { .sport = 40001, .dport = 127 }, ON_VETH, BALANCED, TO_BACKEND },
		{ "back", { .src = BOX_BACKEND_1, .dst = SPEC_SRC, .sport = SERVICE_BACKEND_PORT, .dport = 40001, .flags = SYN_ACK }, ON_PEER, BACK, { .src = SPEC_DST, .sport = 127 } },
		{ "below", { .dport = 63 }, ON_VETH, UNTOUCHED },
		{ "above", { .dport = 128 }, ON_VETH, UNTOUCHED },
	} },
	{ "a port of a range has a service of its own", .services = {
		{ .low = 64, .high = 127 }, { .low = SERVICE_PORT, .backends = { BACKEND(2) } } }, .steps = {
		{ "to that", TO_VIP(), ON_VETH, BALANCED, TO_BACKEND_2 },
		{ "to the range", { .dport = 81 }, ON_VETH, BALANCED, TO_BACKEND },
	} },
	{ "where the backend is", .services = { { .low = SERVICE_PORT, .backends = { { .addr = BOX_BACKEND_FAR, .port = SERVICE_BACKEND_PORT } } } }, .steps = {
		{ "behind a router", TO_VIP(), ON_VETH, BALANCED, { .dst = BOX_BACKEND_FAR, .dport = SERVICE_BACKEND_PORT } },
		{ "of an unknown Ethernet address", TO_VIP(.sport = 3), ON_VETH, BALANCED, { .dst = BOX_BACKEND_UNKNOWN, .dport = SERVICE_BACKEND_PORT },
		  .put = &(const struct service_spec){ .backends = { { .addr = BOX_BACKEND_UNKNOWN, .port = SERVICE_BACKEND_PORT } } } },
		{ "once more", TO_VIP(.sport = 3, .flags = TCP_ACK, .payload = 600), ON_VETH, BALANCED, { .dst = BOX_BACKEND_UNKNOWN, .dport = SERVICE_BACKEND_PORT } },
		{ "on the link that clients are on", TO_VIP(.sport = 4), ON_VETH, BALANCED, { .dst = BOX_BACKEND_CLIENTS, .dport = SERVICE_BACKEND_PORT },
		  .put = &(const struct service_spec){ .backends = { { .addr = BOX_BACKEND_CLIENTS, .port = SERVICE_BACKEND_PORT } } } },
		{ "nowhere: translated, for the stack to say so", TO_VIP(.sport = 5), ON_VETH, TC_ACT_UNSPEC, REASON_BALANCED, { .dst = BOX_BACKEND_NOWHERE, .dport = SERVICE_BACKEND_PORT },
		  .put = &(const struct service_spec){ .backends = { { .addr = BOX_BACKEND_NOWHERE, .port = SERVICE_BACKEND_PORT } } } },
		{ "this box: translated, for the stack to deliver", TO_VIP(.sport = 6), ON_VETH, TC_ACT_UNSPEC, REASON_BALANCED, { .dst = BOX_BACKEND_ADDRESS, .dport = SERVICE_BACKEND_PORT },
		  .put = &(const struct service_spec){ .backends = { { .addr = BOX_BACKEND_ADDRESS, .port = SERVICE_BACKEND_PORT } } } },
		{ "its answer, which leaves", { .src = BOX_BACKEND_ADDRESS, .dst = SPEC_SRC, .sport = SERVICE_BACKEND_PORT, .dport = 6, .flags = SYN_ACK }, OUT_VETH, BACK_LEAVING, AS_VIP },
	} },
	{ "masquerade, nowhere", .services = { { .mode = LB_MASQUERADE, .backends = { { .addr = BOX_BACKEND_NOWHERE, .port = SERVICE_BACKEND_PORT } } } }, .steps = {
		{ "there", TO_VIP(), ON_VETH, DROPPED(REASON_NO_ROUTE) },
	} },
};
/* clang-format on */

static void forwarding_off(struct fixture *fixture, int family)
{
	(void)fixture;
	(void)family;
	box_set_forwarding(false);
}

static void forwarding_on(struct fixture *fixture, int family)
{
	(void)fixture;
	(void)family;
	box_set_forwarding(true);
}

/* clang-format off */
static const struct exchange forwarding[] = {
	{ "forwarding is off", .services = { { .low = SERVICE_PORT } }, .steps = {
		{ "nat", TO_VIP(), ON_VETH, DROPPED(REASON_NO_ROUTE), .before = forwarding_off },
		{ "masquerade", TO_VIP(.sport = 3), ON_VETH, DROPPED(REASON_NO_ROUTE), .put = &(const struct service_spec)MASQUERADE },
		{ "dsr", TO_VIP(.sport = 4), ON_VETH, DROPPED(REASON_NO_ROUTE), .put = &(const struct service_spec)DSR },
		{ "and on again", TO_VIP(.flags = TCP_ACK), ON_VETH, BALANCED, TO_BACKEND, .put = &(const struct service_spec){ .low = SERVICE_PORT }, .before = forwarding_on },
	} },
};
/* clang-format on */

void lb_nat_cases(struct fixture *fixture)
{
	exchanges_run(fixture, exchanges, COUNT(exchanges));
	exchanges_run(fixture, forwarding, COUNT(forwarding));
}
