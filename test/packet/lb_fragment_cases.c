/* SPDX-License-Identifier: GPL-2.0-only */
/* The balancer and fragments: later ones become what their first did, but have no ports. */
#include "exchange_steps.h"

#include <bpf/bpf.h>
#include <err.h>
#include <netinet/in.h>

#define NS 1000000000ull

static void frags_age(const struct fixture *fixture, uint64_t seconds)
{
	struct frag_key key, *from = NULL;
	struct lb_frag frag;

	for (; !bpf_map_get_next_key(fixture->frags, from, &key); from = &key) {
		if (bpf_map_lookup_elem(fixture->frags, &key, &frag))
			err(2, "lookup");
		frag.time -= seconds * NS;
		if (bpf_map_update_elem(fixture->frags, &key, &frag, BPF_EXIST))
			err(2, "update");
	}
	box_let_routes_age();
}

static void age_much(struct fixture *fixture, int family)
{
	(void)family;
	frags_age(fixture, FRAG_SECONDS + 1);
}

static void age_little(struct fixture *fixture, int family)
{
	(void)family;
	frags_age(fixture, FRAG_SECONDS - 5);
}

/* clang-format off */
#define HEAD(n) .fragment = FIRST, .id = (n), .payload = 64
#define REST(n) .fragment = LATER, .id = (n), .payload = 40
#define END(n) .fragment = LAST, .id = (n), .offset = 20, .payload = 13
#define LATER_TO_BACKEND TC_ACT_REDIRECT, REASON_FRAGMENT_PASS, { .dst = BOX_BACKEND_1 }
#define LATER_AS_VIP TC_ACT_REDIRECT, REASON_FRAGMENT_PASS, { .src = SPEC_DST }
#define TUNNEL { .form = TUNNELLED }

/* That of a later one is no header, so its ports and checksum stay as they are. */
#define NO_HEADER .sport = 7, .dport = 9

static const struct exchange exchanges[] = {
	{ "fragments, nat", .proto = UDP, .services = { { .low = SERVICE_PORT } }, .steps = {
		{ "first", TO_VIP(HEAD(1)), ON_VETH, BALANCED, TO_BACKEND },
		{ "later", { REST(1), .proto = IPPROTO_UDP, NO_HEADER, .poke = { AT_TRANSPORT, 6, 2, 0xabcd } }, ON_VETH, LATER_TO_BACKEND },
		{ "last", { END(1), NO_HEADER, .poke = { AT_TRANSPORT, 6, 2, 0xabcd } }, ON_VETH, LATER_TO_BACKEND },
		{ "later, once more", { REST(1), NO_HEADER, .poke = { AT_TRANSPORT, 6, 2, 0xabcd } }, ON_VETH, LATER_TO_BACKEND, .before = age_little },
		{ "of another datagram", { REST(2), NO_HEADER }, ON_VETH, UNTOUCHED },
		{ "of another sender", { REST(1), .src = "198.51.100.8", NO_HEADER }, ON_VETH, UNTOUCHED },
		{ "too late", { REST(1), NO_HEADER }, ON_VETH, UNTOUCHED, .before = age_much },
		{ "back, first", FROM_BACKEND(HEAD(3)), ON_PEER, BACK, AS_VIP },
		{ "back, later", { .src = BOX_BACKEND_1, .dst = SPEC_SRC, REST(3), NO_HEADER, .poke = { AT_TRANSPORT, 6, 2, 0xabcd } }, ON_PEER, LATER_AS_VIP },
		{ "back, of another", { .src = BOX_BACKEND_1, .dst = SPEC_SRC, REST(4), NO_HEADER }, ON_PEER, UNTOUCHED },
		{ "leaving, first", FROM_BACKEND(HEAD(5)), OUT_VETH, BACK_LEAVING, AS_VIP },
		{ "leaving, later", { .src = BOX_BACKEND_1, .dst = SPEC_SRC, REST(5), NO_HEADER, .poke = { AT_TRANSPORT, 6, 2, 0xabcd } }, OUT_VETH, TC_ACT_UNSPEC, REASON_FRAGMENT_PASS, { .src = SPEC_DST } },
		{ "leaving, of another", { .src = BOX_BACKEND_1, .dst = SPEC_SRC, REST(6), NO_HEADER }, OUT_VETH, UNTOUCHED },
		{ "the first of another port", { .dport = 81, HEAD(7) }, ON_VETH, UNTOUCHED },
		{ "its later", { REST(7), NO_HEADER }, ON_VETH, UNTOUCHED },
		{ "behind extension headers, first", TO_VIP(.family = 6, .chain = "HD", HEAD(8)), ON_VETH, BALANCED, TO_BACKEND },
		{ "later", { .family = 6, .chain = "HD", REST(8), NO_HEADER, .poke = { AT_TRANSPORT, 6, 2, 0xabcd } }, ON_VETH, LATER_TO_BACKEND },
		{ "atomic", TO_VIP(.family = 6, .fragment = ATOMIC, .id = 9, .payload = 5), ON_VETH, BALANCED, TO_BACKEND },
		{ "none follows it", { .family = 6, REST(9), NO_HEADER }, ON_VETH, UNTOUCHED },
		{ "without hops, a later one is not answered", { REST(10), NO_HEADER, .hop_limit = 1 }, ON_VETH, UNTOUCHED },
		{ "first", TO_VIP(HEAD(11)), ON_VETH, BALANCED, TO_BACKEND },
		{ "later, without hops", { REST(11), NO_HEADER, .hop_limit = 1 }, ON_VETH, DROPPED(REASON_HOP_LIMIT) },
	} },
	{ "fragments of TCP", .proto = TCP, .services = { { .low = SERVICE_PORT } }, .steps = {
		{ "first", TO_VIP(HEAD(1), .flags = TCP_ACK), ON_VETH, BALANCED, TO_BACKEND },
		{ "later", { REST(1), NO_HEADER, .flags = TCP_ACK, .poke = { AT_TRANSPORT, 16, 2, 0xabcd } }, ON_VETH, LATER_TO_BACKEND },
	} },
	{ "fragments, masquerade", .proto = UDP, .services = { MASQUERADE }, .steps = {
		{ "first", TO_VIP(HEAD(1)), ON_VETH, BALANCED, AS_BOX },
		{ "later", { REST(1), NO_HEADER, .poke = { AT_TRANSPORT, 6, 2, 0xabcd } }, ON_VETH, TC_ACT_REDIRECT, REASON_FRAGMENT_PASS, { .src = BOX_BACKEND_ADDRESS, .dst = BOX_BACKEND_1 } },
		{ "back, first", FROM_BACKEND_TO_BOX(HEAD(2)), ON_PEER, BACK, AS_VIP_TO_CLIENT },
		{ "back, later", { .src = BOX_BACKEND_1, .dst = BOX_BACKEND_ADDRESS, REST(2), NO_HEADER, .poke = { AT_TRANSPORT, 6, 2, 0xabcd } }, ON_PEER, TC_ACT_REDIRECT, REASON_FRAGMENT_PASS, { .src = SPEC_DST, .dst = SPEC_SRC } },
	} },
	{ "fragments, dsr", .proto = UDP, .services = { DSR }, .steps = {
		{ "first", TO_VIP(HEAD(1)), ON_VETH, BALANCED, TUNNEL },
		{ "later", { REST(1), NO_HEADER }, ON_VETH, TC_ACT_REDIRECT, REASON_FRAGMENT_PASS, TUNNEL },
		{ "last", { END(1), NO_HEADER }, ON_VETH, TC_ACT_REDIRECT, REASON_FRAGMENT_PASS, TUNNEL },
	} },
	{ "fragments, no backend", .proto = UDP, .services = { { .backends = { { .addr = BOX_BACKEND_1, .weight = -1 } } } }, .steps = {
		{ "first", TO_VIP(HEAD(1)), ON_VETH, DROPPED(REASON_NO_BACKEND) },
		{ "later", { REST(1), NO_HEADER }, ON_VETH, DROPPED(REASON_FRAGMENT) },
		{ "later of another", { REST(2), NO_HEADER }, ON_VETH, UNTOUCHED },
		{ "later, too late", { REST(1), NO_HEADER }, ON_VETH, UNTOUCHED, .before = age_much },
	} },
	{ "fragments, by the stack", .proto = UDP, .services = { { .backends = { { .addr = BOX_BACKEND_ADDRESS, .port = SERVICE_BACKEND_PORT } } } }, .steps = {
		{ "first", TO_VIP(HEAD(1)), ON_VETH, TC_ACT_UNSPEC, REASON_BALANCED, { .dst = BOX_BACKEND_ADDRESS, .dport = SERVICE_BACKEND_PORT } },
		{ "later", { REST(1), NO_HEADER, .poke = { AT_TRANSPORT, 6, 2, 0xabcd } }, ON_VETH, TC_ACT_UNSPEC, REASON_FRAGMENT_PASS, { .dst = BOX_BACKEND_ADDRESS } },
	} },
};
/* clang-format on */

void lb_fragment_cases(struct fixture *fixture)
{
	exchanges_run(fixture, exchanges, COUNT(exchanges));
}
