/* SPDX-License-Identifier: GPL-2.0-only */
/* The balancer where packets go on as they are, in a tunnel. */
#include "exchange_steps.h"

#include <netinet/in.h>

/* clang-format off */
#define TUNNEL(...) { .form = TUNNELLED, __VA_ARGS__ }
#define TO_1 { .addr = BOX_BACKEND_1 }

static const struct exchange exchanges[] = {
	{ "dsr", .services = { DSR }, .steps = {
		{ "there", TO_VIP(), ON_VETH, BALANCED, TUNNEL() },
		{ "again", TO_VIP(.flags = TCP_ACK, .payload = 33), ON_VETH, BALANCED, TUNNEL() },
		{ "as large as fits with the outer header", TO_VIP(.family = 4, .flags = TCP_ACK, .proto = TCP, .payload = 1440), ON_VETH, BALANCED, TUNNEL() },
		{ "as large as fits with the outer header", TO_VIP(.family = 6, .flags = TCP_ACK, .proto = TCP, .payload = 1400), ON_VETH, BALANCED, TUNNEL() },
		{ "not to be fragmented: nor is the outer packet", TO_VIP(.family = 4, .poke = { AT_NETWORK, 6, 1, 0x40 }), ON_VETH, BALANCED, TUNNEL() },
		{ "a class of traffic: the outer header has it too", TO_VIP(.family = 4, .poke = { AT_NETWORK, 1, 1, 0xb9 }), ON_VETH, BALANCED, TUNNEL() },
		{ "a class of traffic: the outer header has it too", TO_VIP(.family = 6, .poke = { AT_NETWORK, 0, 2, 0x6b90 }), ON_VETH, BALANCED, TUNNEL() },
		{ "options", TO_VIP(.family = 4, .options = 8), ON_VETH, BALANCED, TUNNEL() },
		{ "options", TO_VIP(.family = 6, .chain = "HD"), ON_VETH, BALANCED, TUNNEL() },
		{ "on its last hop but one", TO_VIP(.hop_limit = 2), ON_VETH, BALANCED, TUNNEL() },
		{ "bytes after the packet", TO_VIP(.pad = 19), ON_VETH, BALANCED, TUNNEL() },
		{ "what the backend answers does not come by; as it comes, it goes", { .src = SPEC_DST, .dst = SPEC_SRC, .sport = SERVICE_PORT, .dport = CLIENT_PORT, .flags = SYN_ACK }, ON_PEER, UNTOUCHED },
		{ "from the backend's own address", FROM_BACKEND(.flags = SYN_ACK), ON_PEER, UNTOUCHED },
		{ "from there, leaving", FROM_BACKEND(.flags = SYN_ACK), OUT_VETH, UNTOUCHED },
	} },
	{ "dsr, a checksum is not looked at", .proto = UDP, .services = { DSR }, .steps = {
		{ "none", TO_VIP(.poke = { AT_TRANSPORT, 6, 2, 0 }), ON_VETH, BALANCED, TUNNEL() },
		{ "a wrong one", TO_VIP(.poke = { AT_TRANSPORT, 6, 2, 0x1234 }), ON_VETH, BALANCED, TUNNEL() },
	} },
	{ "dsr, the backend is of the other family", .services = { { .mode = LB_DSR, .backends = { { .addr = BOX_BACKEND_1, .is_other = true } } } }, .steps = {
		{ "there", TO_VIP(), ON_VETH, BALANCED, TUNNEL(.is_other = true) },
		{ "again", TO_VIP(.flags = TCP_ACK, .payload = 33), ON_VETH, BALANCED, TUNNEL(.is_other = true) },
		{ "a class of traffic", TO_VIP(.family = 4, .poke = { AT_NETWORK, 1, 1, 0xb9 }), ON_VETH, BALANCED, TUNNEL(.is_other = true) },
		{ "a class of traffic", TO_VIP(.family = 6, .poke = { AT_NETWORK, 0, 2, 0x6b90 }), ON_VETH, BALANCED, TUNNEL(.is_other = true) },
	} },
	{ "dsr, where the backend is", .services = { { .mode = LB_DSR, .backends = { { .addr = BOX_BACKEND_FAR } } } }, .steps = {
		{ "behind a router", TO_VIP(), ON_VETH, BALANCED, TUNNEL(.dst = BOX_BACKEND_FAR) },
		{ "of an unknown Ethernet address", TO_VIP(.sport = 3), ON_VETH, BALANCED, TUNNEL(.dst = BOX_BACKEND_UNKNOWN),
		  .put = &(const struct service_spec){ .mode = LB_DSR, .backends = { { .addr = BOX_BACKEND_UNKNOWN } } } },
		{ "this box, to which no route says that a tunnel may lead", TO_VIP(.sport = 4), ON_VETH, DROPPED(REASON_NO_ROUTE),
		  .put = &(const struct service_spec){ .mode = LB_DSR, .backends = { { .addr = BOX_BACKEND_ADDRESS } } } },
		{ "nowhere", TO_VIP(.sport = 5), ON_VETH, DROPPED(REASON_NO_ROUTE),
		  .put = &(const struct service_spec){ .mode = LB_DSR, .backends = { { .addr = BOX_BACKEND_NOWHERE } } } },
	} },
	{ "dsr, a port of the backend says nothing", .services = { { .mode = LB_DSR, .backends = { { .addr = BOX_BACKEND_1, .port = 9 } } } }, .steps = {
		{ "there", TO_VIP(), ON_VETH, BALANCED, TUNNEL() },
	} },
	{ "dsr, state", .proto = TCP, .services = { DSR }, .steps = {
		{ "SYN", TO_VIP(), ON_VETH, BALANCED, TUNNEL(), "unconfirmed handshake" },
		{ "SYN again", TO_VIP(), ON_VETH, BALANCED, TUNNEL(), "unconfirmed handshake" },
		{ "ACK proves the client", TO_VIP(.flags = TCP_ACK), ON_VETH, BALANCED, TUNNEL(), "confirmed established" },
		{ "FIN", TO_VIP(.flags = TCP_FIN | TCP_ACK), ON_VETH, BALANCED, TUNNEL(), "confirmed closing" },
		{ "RST", TO_VIP(.flags = TCP_RST), ON_VETH, BALANCED, TUNNEL(), "confirmed closed" },
		{ "SYN", TO_VIP(), ON_VETH, BALANCED, TUNNEL(), "unconfirmed handshake" },
	} },
};
/* clang-format on */

void lb_dsr_cases(struct fixture *fixture)
{
	exchanges_run(fixture, exchanges, COUNT(exchanges));
}
