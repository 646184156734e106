/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The balancer and ICMP errors about its flows: who gets them, and that what they quote is what the one who gets it has
 * sent. Expected bytes are built anew, so all checksums, also the quoted ones, are summed up from nothing.
 */
#include "exchange_steps.h"

#include <netinet/in.h>

#define ROUTER "203.0.113.77"
#define INNER_ROUTER "10.0.0.77"

/* clang-format off */
/* What is quoted, as the one who complains has seen it. */
static const struct spec
	there = { .dport = SERVICE_PORT, .flags = TCP_ACK, .payload = 40 },
	there_odd = { .dport = SERVICE_PORT, .flags = TCP_ACK, .payload = 41 },
	there_translated = { .dst = BOX_BACKEND_1, .dport = SERVICE_BACKEND_PORT, .flags = TCP_ACK, .payload = 40 },
	there_translated_odd = { .dst = BOX_BACKEND_1, .dport = SERVICE_BACKEND_PORT, .flags = TCP_ACK, .payload = 41 },
	there_masqueraded = { .src = BOX_BACKEND_ADDRESS, .sport = PORT_CHOSEN, .dst = BOX_BACKEND_1, .dport = SERVICE_BACKEND_PORT, .flags = TCP_ACK, .payload = 40 },
	back = { .src = BOX_BACKEND_1, .dst = SPEC_SRC, .sport = SERVICE_BACKEND_PORT, .dport = CLIENT_PORT, .flags = TCP_ACK, .payload = 40 },
	back_translated = { .src = SPEC_DST, .dst = SPEC_SRC, .sport = SERVICE_PORT, .dport = CLIENT_PORT, .flags = TCP_ACK, .payload = 40 },
	back_masqueraded = { .src = BOX_BACKEND_1, .dst = BOX_BACKEND_ADDRESS, .sport = SERVICE_BACKEND_PORT, .dport = PORT_CHOSEN, .flags = TCP_ACK, .payload = 40 },
	there_options = { .dport = SERVICE_PORT, .flags = TCP_ACK, .payload = 40, .options = 8, .chain = "HD" },
	there_translated_options = { .dst = BOX_BACKEND_1, .dport = SERVICE_BACKEND_PORT, .flags = TCP_ACK, .payload = 40, .options = 8, .chain = "HD" },
	there_no_check = { .dport = SERVICE_PORT, .payload = 40, .poke = { AT_TRANSPORT, 6, 2, 0 } },
	there_translated_no_check = { .dst = BOX_BACKEND_1, .dport = SERVICE_BACKEND_PORT, .payload = 40, .poke = { AT_TRANSPORT, 6, 2, 0 } },
	unknown_back = { .src = SPEC_DST, .dst = SPEC_SRC, .sport = 81, .dport = CLIENT_PORT, .flags = TCP_ACK, .payload = 40 },
	unknown_there = { .dst = BOX_BACKEND_1, .sport = 9, .dport = SERVICE_BACKEND_PORT, .flags = TCP_ACK, .payload = 40 },
	forgotten_back = { .src = SPEC_DST, .dst = SPEC_SRC, .sport = SERVICE_PORT, .dport = 9, .flags = TCP_ACK, .payload = 40 },
	forgotten_translated = { .src = BOX_BACKEND_1, .dst = SPEC_SRC, .sport = SERVICE_BACKEND_PORT, .dport = 9, .flags = TCP_ACK, .payload = 40 },
	echo = { .src = SPEC_DST, .dst = SPEC_SRC, .icmp = ECHO_ANSWER, .id = 80 },
	sctp = { .src = SPEC_DST, .dst = SPEC_SRC, .proto = IPPROTO_SCTP, .sport = SERVICE_PORT, .dport = CLIENT_PORT, .payload = 8 },
	later = { .src = SPEC_DST, .dst = SPEC_SRC, .fragment = LATER, .payload = 40 };

#define OPEN { "there", TO_VIP(), ON_VETH, BALANCED, TO_BACKEND }, \
	{ "back", FROM_BACKEND(.flags = SYN_ACK), ON_PEER, BACK, AS_VIP }, \
	{ "there again", TO_VIP(.flags = TCP_ACK), ON_VETH, BALANCED, TO_BACKEND }
#define OPEN_MASQUERADE { "there", TO_VIP(), ON_VETH, BALANCED, AS_BOX }, \
	{ "back", FROM_BACKEND_TO_BOX(.flags = SYN_ACK), ON_PEER, BACK, AS_VIP_TO_CLIENT }
#define ABOUT(what, ...) .icmp = UNREACHABLE, .quote = &(what), __VA_ARGS__
#define TOO_LARGE(family_of, type_code, what) .family = (family_of), .proto = IPPROTO_ICMP, .dport = (type_code), .quote = &(what)
#define FROM_ROUTER(...) { .src = ROUTER, .dst = SPEC_DST, __VA_ARGS__ } /* to the VIP */
#define FROM_WITHIN(...) { .src = INNER_ROUTER, .dst = SPEC_SRC, __VA_ARGS__ } /* to the client */
#define FROM_WITHIN_TO_BOX(...) { .src = INNER_ROUTER, .dst = BOX_BACKEND_ADDRESS, __VA_ARGS__ }
#define TO_BACKEND_ABOUT(what) { .dst = BOX_BACKEND_1, .quote = &(what) }
#define AS_VIP_ABOUT(what) { .src = SPEC_DST, .quote = &(what) }
#define AS_VIP_TO_CLIENT_ABOUT(what) { .src = SPEC_DST, .dst = SPEC_SRC, .quote = &(what) }

static const struct exchange exchanges[] = {
	{ "errors, nat", .services = { { .low = SERVICE_PORT } }, .steps = {
		OPEN,
		{ "from the client's side", FROM_ROUTER(ABOUT(back_translated)), ON_VETH, CONCERNED, TO_BACKEND_ABOUT(back) },
		{ "8 bytes are quoted", FROM_ROUTER(ABOUT(back_translated, .quoted = 8)), ON_VETH, CONCERNED, TO_BACKEND_ABOUT(back) },
		{ "8 bytes are quoted, the last behind the packet", FROM_ROUTER(.family = 4, ABOUT(back_translated, .quoted = 8, .poke = { AT_NETWORK, 2, 2, 55 })), ON_VETH, UNTOUCHED },
		{ "8 bytes are quoted, the last behind the packet", FROM_ROUTER(.family = 6, ABOUT(back_translated, .quoted = 8, .poke = { AT_NETWORK, 4, 2, 55 })), ON_VETH, UNTOUCHED },
		{ "11 bytes are quoted", FROM_ROUTER(ABOUT(back_translated, .quoted = 11)), ON_VETH, CONCERNED, TO_BACKEND_ABOUT(back) },
		{ "16 bytes are quoted: of TCP all before the checksum", FROM_ROUTER(ABOUT(back_translated, .quoted = 16)), ON_VETH, CONCERNED, TO_BACKEND_ABOUT(back) },
		{ "18 bytes are quoted", FROM_ROUTER(ABOUT(back_translated, .quoted = 18)), ON_VETH, CONCERNED, TO_BACKEND_ABOUT(back) },
		{ "its hops are used up", FROM_ROUTER(.icmp = EXCEEDED, .quote = &back_translated), ON_VETH, CONCERNED, TO_BACKEND_ABOUT(back) },
		{ "from the backend's side", FROM_WITHIN(ABOUT(there_translated)), ON_PEER, CONCERNED, AS_VIP_ABOUT(there) },
		{ "from the backend itself", { .src = BOX_BACKEND_1, .dst = SPEC_SRC, ABOUT(there_translated) }, ON_PEER, CONCERNED, AS_VIP_ABOUT(there) },
		{ "8 bytes of that", FROM_WITHIN(ABOUT(there_translated, .quoted = 8)), ON_PEER, CONCERNED, AS_VIP_ABOUT(there) },
		{ "13 bytes of that", FROM_WITHIN(ABOUT(there_translated, .quoted = 13)), ON_PEER, CONCERNED, AS_VIP_ABOUT(there) },
		{ "an odd packet", FROM_WITHIN(ABOUT(there_translated_odd)), ON_PEER, CONCERNED, AS_VIP_ABOUT(there_odd) },
		{ "a packet with options", FROM_WITHIN(ABOUT(there_translated_options)), ON_PEER, CONCERNED, AS_VIP_ABOUT(there_options) },
		{ "options of the error's own", { .src = INNER_ROUTER, .dst = SPEC_SRC, .options = 8, .chain = "D", ABOUT(there_translated) }, ON_PEER, CONCERNED, AS_VIP_ABOUT(there) },
		{ "of this box's own, leaving", { .src = BOX_CLIENT_ADDRESS, .dst = SPEC_SRC, ABOUT(there_translated) }, OUT_VETH, TC_ACT_UNSPEC, REASON_BALANCED_ERROR, AS_VIP_ABOUT(there) },
		{ "8 bytes of that", { .src = BOX_CLIENT_ADDRESS, .dst = SPEC_SRC, ABOUT(there_translated, .quoted = 8) }, OUT_VETH, TC_ACT_UNSPEC, REASON_BALANCED_ERROR, AS_VIP_ABOUT(there) },
		{ "about a packet that the box did not translate, leaving", { .src = BOX_BACKEND_ADDRESS, .dst = BOX_BACKEND_1, ABOUT(back) }, OUT_PEER, UNTOUCHED },
		{ "bytes after the packet", FROM_ROUTER(ABOUT(back_translated, .quoted = 8, .pad = 16)), ON_VETH, CONCERNED, TO_BACKEND_ABOUT(back) },
		{ "without hops, an error is not answered", FROM_ROUTER(ABOUT(back_translated, .hop_limit = 1)), ON_VETH, DROPPED(REASON_HOP_LIMIT) },
		{ "all is as it was", TO_VIP(.flags = TCP_ACK), ON_VETH, BALANCED, TO_BACKEND },
	} },
	{ "errors, path MTU", .services = { { .low = SERVICE_PORT } }, .steps = {
		OPEN,
		{ "fragmentation needed, from the client's side", FROM_ROUTER(TOO_LARGE(4, 3 << 8 | 4, back_translated)), ON_VETH, CONCERNED, TO_BACKEND_ABOUT(back) },
		{ "fragmentation needed, from the backend's side", FROM_WITHIN(TOO_LARGE(4, 3 << 8 | 4, there_translated)), ON_PEER, CONCERNED, AS_VIP_ABOUT(there) },
		{ "packet too big, from the client's side", FROM_ROUTER(TOO_LARGE(6, 2 << 8, back_translated)), ON_VETH, CONCERNED, TO_BACKEND_ABOUT(back) },
		{ "packet too big, from the backend's side", FROM_WITHIN(TOO_LARGE(6, 2 << 8, there_translated)), ON_PEER, CONCERNED, AS_VIP_ABOUT(there) },
	} },
	{ "errors, masquerade", .services = { MASQUERADE }, .steps = {
		OPEN_MASQUERADE,
		{ "from the client's side", FROM_ROUTER(ABOUT(back_translated)), ON_VETH, CONCERNED, TO_BACKEND_ABOUT(back_masqueraded) },
		{ "8 bytes of that", FROM_ROUTER(ABOUT(back_translated, .quoted = 8)), ON_VETH, CONCERNED, TO_BACKEND_ABOUT(back_masqueraded) },
		{ "from the backend's side", FROM_WITHIN_TO_BOX(ABOUT(there_masqueraded)), ON_PEER, CONCERNED, AS_VIP_TO_CLIENT_ABOUT(there) },
		{ "8 bytes of that", FROM_WITHIN_TO_BOX(ABOUT(there_masqueraded, .quoted = 8)), ON_PEER, CONCERNED, AS_VIP_TO_CLIENT_ABOUT(there) },
		{ "about a port that was not chosen", FROM_WITHIN_TO_BOX(ABOUT(unknown_there)), ON_PEER, UNTOUCHED },
		{ "the flow of a client is not known here", FROM_ROUTER(ABOUT(forgotten_back)), ON_VETH, UNTOUCHED },
	} },
	{ "errors, dsr", .services = { DSR }, .steps = {
		{ "there", TO_VIP(), ON_VETH, BALANCED, { .form = TUNNELLED } },
		{ "from the client's side: by the tunnel too", FROM_ROUTER(ABOUT(back_translated)), ON_VETH, CONCERNED, { .form = TUNNELLED } },
		{ "8 bytes of that", FROM_ROUTER(ABOUT(back_translated, .quoted = 8)), ON_VETH, CONCERNED, { .form = TUNNELLED } },
	} },
	{ "errors, quoted without checksum", .proto = UDP, .services = { { .low = SERVICE_PORT } }, .steps = {
		OPEN,
		{ "from the backend's side", FROM_WITHIN(ABOUT(there_translated_no_check)), ON_PEER, CONCERNED, AS_VIP_ABOUT(there_no_check) },
	} },
	{ "errors, none of ours", .services = { { .low = SERVICE_PORT } }, .steps = {
		OPEN,
		{ "about another port of the VIP", FROM_ROUTER(ABOUT(unknown_back)), ON_VETH, UNTOUCHED },
		{ "about a flow to the backend that is not known", FROM_WITHIN(ABOUT(unknown_there)), ON_PEER, UNTOUCHED },
		{ "that, leaving", FROM_WITHIN(ABOUT(unknown_there)), OUT_VETH, UNTOUCHED },
		{ "about a packet of somebody else than whom it goes to", { .src = ROUTER, .dst = "203.0.113.6", ABOUT(back_translated) }, ON_VETH, UNTOUCHED },
		{ "of somebody else, from the backend's side", { .src = INNER_ROUTER, .dst = "198.51.100.9", ABOUT(there_translated) }, ON_PEER, UNTOUCHED },
		{ "of somebody else, leaving", { .src = BOX_CLIENT_ADDRESS, .dst = "198.51.100.9", ABOUT(there_translated) }, OUT_VETH, UNTOUCHED },
		{ "about an echo", FROM_ROUTER(ABOUT(echo)), ON_VETH, UNTOUCHED },
		{ "about SCTP", FROM_ROUTER(ABOUT(sctp)), ON_VETH, UNTOUCHED },
		{ "about a later fragment", FROM_ROUTER(ABOUT(later)), ON_VETH, UNTOUCHED },
		{ "7 bytes are quoted", FROM_ROUTER(ABOUT(back_translated, .quoted = 7)), ON_VETH, UNTOUCHED },
		{ "nothing is quoted", FROM_ROUTER(.icmp = UNREACHABLE), ON_VETH, UNTOUCHED },
		{ "no error", FROM_ROUTER(.icmp = ECHO_REQUEST, .quote = &back_translated), ON_VETH, UNTOUCHED },
		{ "a redirect", FROM_ROUTER(.family = 4, .proto = IPPROTO_ICMP, .dport = 5 << 8 | 1, .quote = &back_translated), ON_VETH, UNTOUCHED },
		{ "a later fragment of an error", FROM_ROUTER(.fragment = LATER, .id = 5, ABOUT(back_translated)), ON_VETH, UNTOUCHED },
	} },
	/* Another box may have the flow: it goes where that would have sent it. */
	{ "errors, the flow was forgotten", .services = { { .low = SERVICE_PORT } }, .steps = {
		{ "from the client's side", FROM_ROUTER(ABOUT(forgotten_back)), ON_VETH, CONCERNED, TO_BACKEND_ABOUT(forgotten_translated) },
		{ "8 bytes of that", FROM_ROUTER(ABOUT(forgotten_back, .quoted = 8)), ON_VETH, CONCERNED, TO_BACKEND_ABOUT(forgotten_translated) },
		{ "no backend takes new flows", FROM_ROUTER(ABOUT(forgotten_back)), ON_VETH, UNTOUCHED, .put = &(const struct service_spec){ .backends = { { .addr = BOX_BACKEND_1, .weight = -1 } } } },
	} },
	{ "errors, a client that speaks to the backend itself", .services = { { .low = SERVICE_PORT } }, .steps = {
		{ "there", { .dst = BOX_BACKEND_1, .dport = SERVICE_BACKEND_PORT }, ON_VETH, UNTOUCHED },
		{ "an error about that", FROM_WITHIN(ABOUT(there_translated)), ON_PEER, UNTOUCHED },
	} },
	/* None is so large that it has to be in fragments, but may be all the same. */
	{ "errors, in fragments", .services = { { .low = SERVICE_PORT } }, .steps = {
		OPEN,
		{ "the first", FROM_WITHIN(.fragment = FIRST, .id = 6, ABOUT(there_translated)), ON_PEER, CONCERNED, AS_VIP_ABOUT(there) },
		{ "a later one", FROM_WITHIN(.fragment = LATER, .id = 6, .icmp = ECHO_ANSWER, .payload = 40, .poke = { AT_TRANSPORT, 2, 2, 0xabcd }), ON_PEER, TC_ACT_REDIRECT, REASON_FRAGMENT_PASS, { .src = SPEC_DST } },
	} },
};
/* clang-format on */

/*
 * A datagram whose checksum would be 0 is sent with 0xffff; as its sender sent it so must it be quoted, though the one
 * that the balancer had made of it has another.
 */
static void no_zero_run(struct fixture *fixture, int family)
{
	struct spec sent = { .family = family, .proto = UDP, .dport = SERVICE_PORT, .payload = 40 }, seen;
	struct frame frame;

	do {
		sent.sport++;
		spec_build(&sent, &frame);
	} while (frame.data[frame.transport + 6] != 0xff || frame.data[frame.transport + 7] != 0xff);
	seen = sent;
	seen.dst = BOX_BACKEND_1;
	seen.dport = SERVICE_BACKEND_PORT;
	exchanges_run(
		fixture,
		&(const struct exchange){
			"errors, quoted with a checksum of 0xffff", .family = family, .proto = UDP,
			.steps = { { "there", sent, ON_VETH, BALANCED, TO_BACKEND },
				   { "an error", FROM_WITHIN(ABOUT(seen)), ON_PEER, CONCERNED, AS_VIP_ABOUT(sent) } } },
		1);
}

void lb_icmp_cases(struct fixture *fixture)
{
	exchanges_run(fixture, exchanges, COUNT(exchanges));
	no_zero_run(fixture, 4);
	no_zero_run(fixture, 6);
}
