/* SPDX-License-Identifier: GPL-2.0-only */
/* The balancer and packets that cannot go on: too large for the way, or out of hops. */
#include "exchange_steps.h"

#include <netinet/in.h>

static void aggregate(struct fixture *fixture, int family)
{
	(void)family;
	fixture->gso_size = 1000;
}

static void no_aggregate(struct fixture *fixture, int family)
{
	(void)family;
	fixture->gso_size = 0;
}

static void routes_age(struct fixture *fixture, int family)
{
	(void)fixture;
	(void)family;
	box_let_routes_age();
}

/* clang-format off */
#define DF .poke = { AT_NETWORK, 6, 1, 0x40 }
#define DATA(n) .flags = TCP_ACK, .payload = (n)
#define TOO_BIG(n) TC_ACT_REDIRECT, REASON_TOO_BIG, { .form = ANSWERED, .mtu = (n) }
#define EXPIRED TC_ACT_REDIRECT, REASON_HOP_LIMIT, { .form = ANSWERED }
#define TUNNEL(...) { .form = TUNNELLED, .src = BOX_NARROW_ADDRESS, .dst = BOX_BACKEND_NARROW, __VA_ARGS__ }
#define NARROW { .addr = BOX_BACKEND_NARROW, .port = SERVICE_BACKEND_PORT }
#define TO_NARROW { .dst = BOX_BACKEND_NARROW, .dport = SERVICE_BACKEND_PORT }
#define BOX_TO_NARROW { .src = BOX_NARROW_ADDRESS, .sport = PORT_CHOSEN, .dst = BOX_BACKEND_NARROW, .dport = SERVICE_BACKEND_PORT }
#define TO_NARROW_CLIENT(...) { .src = BOX_BACKEND_1, .dst = BOX_NARROW_CLIENT, .sport = SERVICE_BACKEND_PORT, .dport = CLIENT_PORT, __VA_ARGS__ }

/* IPv4 and TCP without options: 40 bytes of headers; IPv6: 60. */
static const struct exchange exchanges[] = {
	{ "larger than the way, nat", .proto = TCP, .services = { { .backends = { NARROW } } }, .steps = {
		{ "as large as it takes", TO_VIP(.family = 4, DATA(1240), DF), ON_VETH, BALANCED, TO_NARROW },
		{ "a byte more", TO_VIP(.family = 4, DATA(1241), DF), ON_VETH, TOO_BIG(BOX_NARROW_MTU) },
		{ "much more", TO_VIP(.family = 4, DATA(1460), DF), ON_VETH, TOO_BIG(BOX_NARROW_MTU) },
		{ "options", TO_VIP(.family = 4, .options = 8, DATA(1240), DF), ON_VETH, TOO_BIG(BOX_NARROW_MTU) },
		{ "a small one goes on", TO_VIP(.family = 4, DATA(100), DF), ON_VETH, BALANCED, TO_NARROW },
		{ "may be fragmented: the stack does it", TO_VIP(.family = 4, DATA(1241)), ON_VETH, TC_ACT_UNSPEC, REASON_BALANCED, TO_NARROW },
		{ "a small one goes on", TO_VIP(.family = 4, DATA(100)), ON_VETH, BALANCED, TO_NARROW },
		{ "as large as it takes", TO_VIP(.family = 6, DATA(1220)), ON_VETH, BALANCED, TO_NARROW },
		{ "a byte more", TO_VIP(.family = 6, DATA(1221)), ON_VETH, TOO_BIG(BOX_NARROW_MTU) },
		{ "much more", TO_VIP(.family = 6, DATA(1440)), ON_VETH, TOO_BIG(BOX_NARROW_MTU) },
		{ "a small one goes on", TO_VIP(.family = 6, DATA(100)), ON_VETH, BALANCED, TO_NARROW },
	} },
	{ "larger than the way, the first of a flow", .services = { { .backends = { NARROW } } }, .steps = {
		{ "there", TO_VIP(.family = 4, DATA(1300), DF), ON_VETH, TOO_BIG(BOX_NARROW_MTU) },
		{ "there", TO_VIP(.family = 6, DATA(1300)), ON_VETH, TOO_BIG(BOX_NARROW_MTU) },
		{ "a small one goes on", TO_VIP(DATA(100)), ON_VETH, BALANCED, TO_NARROW },
		{ "odd", TO_VIP(.family = 4, DATA(1301), DF), ON_VETH, TOO_BIG(BOX_NARROW_MTU) },
		{ "odd", TO_VIP(.family = 6, DATA(1301)), ON_VETH, TOO_BIG(BOX_NARROW_MTU) },
		{ "bytes after the packet", TO_VIP(.family = 4, DATA(1300), DF, .pad = 20), ON_VETH, TOO_BIG(BOX_NARROW_MTU) },
	} },
	{ "larger than the way, masquerade", .proto = TCP, .services = { { .mode = LB_MASQUERADE, .backends = { NARROW } } }, .steps = {
		{ "as large as it takes", TO_VIP(.family = 4, DATA(1240), DF), ON_VETH, BALANCED, BOX_TO_NARROW },
		{ "a byte more", TO_VIP(.family = 4, DATA(1241), DF), ON_VETH, TOO_BIG(BOX_NARROW_MTU) },
		{ "may be fragmented, but the stack sends nothing from an address of its own", TO_VIP(.family = 4, DATA(1241)), ON_VETH, TOO_BIG(BOX_NARROW_MTU) },
		{ "as large as it takes", TO_VIP(.family = 6, DATA(1220)), ON_VETH, BALANCED, BOX_TO_NARROW },
		{ "a byte more", TO_VIP(.family = 6, DATA(1221)), ON_VETH, TOO_BIG(BOX_NARROW_MTU) },
		{ "a small one goes on", TO_VIP(DATA(100)), ON_VETH, BALANCED, BOX_TO_NARROW },
	} },
	{ "larger than the way, dsr", .proto = TCP, .services = { { .mode = LB_DSR, .backends = { NARROW } } }, .steps = {
		{ "as large as it takes with the outer header", TO_VIP(.family = 4, DATA(1220), DF), ON_VETH, BALANCED, TUNNEL() },
		{ "a byte more", TO_VIP(.family = 4, DATA(1221), DF), ON_VETH, TOO_BIG(BOX_NARROW_MTU - 20) },
		{ "may be fragmented", TO_VIP(.family = 4, DATA(1221)), ON_VETH, TOO_BIG(BOX_NARROW_MTU - 20) },
		{ "a small one goes on", TO_VIP(.family = 4, DATA(100), DF), ON_VETH, BALANCED, TUNNEL() },
		{ "as large as it takes with the outer header", TO_VIP(.family = 6, DATA(1180)), ON_VETH, BALANCED, TUNNEL() },
		{ "a byte more", TO_VIP(.family = 6, DATA(1181)), ON_VETH, TOO_BIG(BOX_NARROW_MTU - 40) },
		{ "a small one goes on", TO_VIP(.family = 6, DATA(100)), ON_VETH, BALANCED, TUNNEL() },
	} },
	{ "larger than the way, dsr to the other family", .proto = TCP, .services = { { .mode = LB_DSR, .backends = { { .addr = BOX_BACKEND_NARROW, .is_other = true } } } }, .steps = {
		{ "as large as it takes", TO_VIP(.family = 4, DATA(1200), DF), ON_VETH, BALANCED, TUNNEL(.is_other = true) },
		{ "a byte more", TO_VIP(.family = 4, DATA(1201), DF), ON_VETH, TOO_BIG(BOX_NARROW_MTU - 40) },
		{ "as large as it takes", TO_VIP(.family = 6, DATA(1200)), ON_VETH, BALANCED, TUNNEL(.is_other = true) },
		{ "a byte more", TO_VIP(.family = 6, DATA(1201)), ON_VETH, TOO_BIG(BOX_NARROW_MTU - 20) },
	} },
	{ "larger than the way back", .proto = TCP, .services = { { .low = SERVICE_PORT } }, .steps = {
		{ "there", TO_VIP(.src = BOX_NARROW_CLIENT), ON_VETH, BALANCED, TO_BACKEND },
		{ "back, small", TO_NARROW_CLIENT(.flags = SYN_ACK), ON_PEER, BACK, AS_VIP },
		{ "too large", TO_NARROW_CLIENT(.family = 4, DATA(1241), DF), ON_PEER, TOO_BIG(BOX_NARROW_MTU) },
		{ "too large", TO_NARROW_CLIENT(.family = 6, DATA(1221)), ON_PEER, TOO_BIG(BOX_NARROW_MTU) },
		{ "may be fragmented: the stack does it, and egress the rest", TO_NARROW_CLIENT(.family = 4, DATA(1241)), ON_PEER, UNTOUCHED },
		{ "small again", TO_NARROW_CLIENT(DATA(100)), ON_PEER, BACK, AS_VIP },
	} },
	{ "the first back is larger than the way", .family = 4, .services = { { .low = SERVICE_PORT } }, .steps = {
		{ "there", TO_VIP(.src = BOX_NARROW_CLIENT), ON_VETH, BALANCED, TO_BACKEND },
		{ "may be fragmented: the stack does it", TO_NARROW_CLIENT(DATA(1300)), ON_PEER, UNTOUCHED },
		{ "its first fragment leaves", TO_NARROW_CLIENT(.fragment = FIRST, .id = 3, DATA(1200)), OUT_VETH, BACK_LEAVING, AS_VIP },
		{ "a small one needs no stack", TO_NARROW_CLIENT(DATA(100)), ON_PEER, BACK, AS_VIP },
	} },
	{ "the way is asked for again", .proto = TCP, .services = { { .backends = { NARROW } } }, .steps = {
		{ "there", TO_VIP(), ON_VETH, BALANCED, TO_NARROW },
		{ "back", { .src = BOX_BACKEND_NARROW, .dst = SPEC_SRC, .sport = SERVICE_BACKEND_PORT, .dport = CLIENT_PORT, .flags = SYN_ACK }, ON_PEER, BACK, AS_VIP },
		{ "there again", TO_VIP(.flags = TCP_ACK), ON_VETH, BALANCED, TO_NARROW },
		{ "later", TO_VIP(.flags = TCP_ACK), ON_VETH, BALANCED, TO_NARROW, .before = routes_age },
		{ "at once", TO_VIP(.flags = TCP_ACK), ON_VETH, BALANCED, TO_NARROW },
		{ "too large", TO_VIP(.family = 4, DATA(1300), DF), ON_VETH, TOO_BIG(BOX_NARROW_MTU) },
		{ "too large", TO_VIP(.family = 6, DATA(1300)), ON_VETH, TOO_BIG(BOX_NARROW_MTU) },
		{ "small", TO_VIP(DATA(3)), ON_VETH, BALANCED, TO_NARROW },
		{ "small again", TO_VIP(DATA(3)), ON_VETH, BALANCED, TO_NARROW },
	} },
	{ "an aggregate", .proto = TCP, .services = { { .backends = { NARROW } } }, .steps = {
		{ "of segments that fit", TO_VIP(DATA(1400), .hop_limit = 9), ON_VETH, BALANCED, TO_NARROW, .before = aggregate },
		{ "as large a frame that is none", TO_VIP(.family = 4, DATA(1400), DF), ON_VETH, TOO_BIG(BOX_NARROW_MTU), .before = no_aggregate },
		{ "as large a frame that is none", TO_VIP(.family = 6, DATA(1400)), ON_VETH, TOO_BIG(BOX_NARROW_MTU), .before = no_aggregate },
	} },
	{ "out of hops", .services = { { .low = SERVICE_PORT } }, .steps = {
		{ "the first packet", TO_VIP(.hop_limit = 1), ON_VETH, EXPIRED },
		{ "with data", TO_VIP(.hop_limit = 1, DATA(30)), ON_VETH, EXPIRED },
		{ "odd data", TO_VIP(.hop_limit = 1, DATA(31)), ON_VETH, EXPIRED },
		{ "much data", TO_VIP(.hop_limit = 1, DATA(1400)), ON_VETH, EXPIRED },
		{ "options", TO_VIP(.family = 4, .options = 8, .hop_limit = 1, DATA(30)), ON_VETH, EXPIRED },
		{ "options", TO_VIP(.family = 6, .chain = "HD", .hop_limit = 1, DATA(30)), ON_VETH, EXPIRED },
		{ "one that was sent with none", TO_VIP(.poke = { AT_NETWORK, 8, 1, 0 }, .family = 4, DATA(30)), ON_VETH, EXPIRED },
		{ "one that was sent with none", TO_VIP(.poke = { AT_NETWORK, 7, 1, 0 }, .family = 6, DATA(30)), ON_VETH, EXPIRED },
		{ "back", FROM_BACKEND(.hop_limit = 1, .flags = SYN_ACK), ON_PEER, EXPIRED },
		{ "back, leaving: hops are the stack's", FROM_BACKEND(.hop_limit = 1, .flags = SYN_ACK), OUT_VETH, BACK_LEAVING, AS_VIP },
		{ "bytes after the packet are not quoted", TO_VIP(.hop_limit = 1, .pad = 20), ON_VETH, EXPIRED },
		{ "a later fragment of nothing known", { .fragment = LATER, .id = 78, .payload = 30, .hop_limit = 1 }, ON_VETH, UNTOUCHED },
		{ "not of the service", { .dport = 81, .hop_limit = 1 }, ON_VETH, UNTOUCHED },
		{ "dsr", TO_VIP(.sport = 7, .hop_limit = 1), ON_VETH, EXPIRED, .put = &(const struct service_spec)DSR },
		{ "masquerade", TO_VIP(.sport = 8, .hop_limit = 1), ON_VETH, EXPIRED, .put = &(const struct service_spec)MASQUERADE },
	} },
};
/* clang-format on */

void lb_big_cases(struct fixture *fixture)
{
	exchanges_run(fixture, exchanges, COUNT(exchanges));
	fixture->gso_size = 0;
}
