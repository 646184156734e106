/* SPDX-License-Identifier: GPL-2.0-only */
/* Later fragments follow their first, in whatever order they come. */
#include "harness.h"

#include <linux/if_ether.h>

#include <bpf/bpf.h>
#include <err.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LIVE_PORT 4001      /* where this program listens; nobody does on 4002 */
#define ROUTED "198.18.0.5" /* test/packet/run has a route for it */

/* ---- before a row ---- */

static void forward(const char *path, const char *value)
{
	FILE *file = fopen(path, "w");

	if (!file || fputs(value, file) < 0 || fclose(file))
		err(2, "%s", path);
}

static void forward_all(const char *value)
{
	forward("/proc/sys/net/ipv4/ip_forward", value);
	forward("/proc/sys/net/ipv6/conf/all/forwarding", value);
}

static void forwarding(struct fixture *fixture, int family)
{
	(void)fixture, (void)family;
	forward_all("1");
}

static void age(struct fixture *fixture, uint64_t seconds)
{
	struct frag_key key, *from = NULL;
	struct frag frag;

	for (; !bpf_map_get_next_key(fixture->frags, from, &key); from = &key) {
		if (bpf_map_lookup_elem(fixture->frags, &key, &frag))
			err(2, SPLICER_FRAGS);
		frag.time = state_now() - seconds * 1000000000;
		if (bpf_map_update_elem(fixture->frags, &key, &frag, BPF_EXIST))
			err(2, SPLICER_FRAGS);
	}
}

static void half_as_old(struct fixture *fixture, int family)
{
	(void)family;
	age(fixture, FRAG_SECONDS / 2);
}

static void too_old(struct fixture *fixture, int family)
{
	(void)family;
	age(fixture, FRAG_SECONDS + 1);
}

static void report(int holds, const char *expected, const char *name, int family)
{
	if (holds)
		tap_ok("%s (IPv%d)", name, family);
	else
		tap_not_ok(expected, "another", "%s (IPv%d)", name, family);
}

/* The only entry names the addresses and ports of the first fragment, and the listener that is there. */
static void left_for_lookup(struct fixture *fixture, int family)
{
	uint32_t listener = splice_listener((uint32_t)family, IPPROTO_UDP, LIVE_PORT), found = 0;
	struct splice_key key = { 0 };
	struct splice splice = { 0 };
	int holds;

	holds = state_count(fixture->splices) == 1 && !bpf_map_get_next_key(fixture->splices, NULL, &key) &&
		!bpf_map_lookup_elem(fixture->splices, &key, &splice) && splice.listener == listener &&
		key.sport == htons(40000) && key.dport == htons(80) && key.proto == IPPROTO_UDP &&
		key.family == family && !bpf_map_get_next_key(fixture->listeners, NULL, &found) && found == listener &&
		state_count(fixture->listeners) == 1;
	report(holds, "its listener", "splice: the datagram's addresses lead to its listener", family);
}

static void nothing_left(struct fixture *fixture, int family)
{
	report(!state_count(fixture->splices), "nothing", "splice: what is no longer spliced leads nowhere", family);
}

/* ---- tables ---- */

/* clang-format off */
#define UDP IPPROTO_UDP
#define PASS_53 "203.0.113.0 24 53 53 0 udp"
#define DROP_54 "-a drop 203.0.113.0 24 54 54 0 udp"

static const struct scenario ingress[] = {
	{ "after a first that passed", 0, { PASS_53 }, {
		{ "the first", { .fragment = FIRST, .id = 1, .proto = UDP, .dport = 53 }, 0, REASON_RULE_PASS, .conn = "unconfirmed new 1/0" },
		{ "a later one", { .fragment = LATER, .id = 1, .proto = UDP }, 0, REASON_FRAGMENT_PASS },
		{ "the last", { .fragment = LAST, .id = 1, .offset = 900, .proto = UDP }, 0, REASON_FRAGMENT_PASS },
		{ "the same again, which overlaps", { .fragment = LATER, .id = 1, .proto = UDP }, 0, REASON_FRAGMENT_PASS },
		{ "tagged", { .tags = { ETH_P_8021Q }, .fragment = LATER, .id = 1, .proto = UDP }, 0, REASON_FRAGMENT_PASS },
		{ "with options", { .family = 4, .options = 8, .fragment = LATER, .id = 1, .proto = UDP }, 0, REASON_FRAGMENT_PASS },
		{ "behind extension headers", { .family = 6, .chain = "HR", .fragment = LATER, .id = 1, .proto = UDP }, 0, REASON_FRAGMENT_PASS },
		{ "by another interface", { .fragment = LATER, .id = 1, .proto = UDP }, ON_PEER, REASON_FRAGMENT_PASS },
		{ "of another packet", { .fragment = LATER, .id = 2, .proto = UDP }, 0, REASON_FRAGMENT_EARLY },
		{ "of another source", { .src = "198.51.100.8", .fragment = LATER, .id = 1, .proto = UDP }, 0, REASON_FRAGMENT_EARLY },
		{ "to another destination", { .dst = "203.0.113.6", .fragment = LATER, .id = 1, .proto = UDP }, 0, REASON_FRAGMENT_EARLY },
		{ "back", { .back = true, .fragment = LATER, .id = 1, .proto = UDP }, 0, REASON_FRAGMENT_EARLY },
		{ "of another protocol", { .family = 4, .fragment = LATER, .id = 1, .proto = 99 }, 0, REASON_FRAGMENT_EARLY },
		{ "with another next header", { .family = 6, .fragment = LATER, .id = 1, .proto = 99 }, 0, REASON_FRAGMENT_PASS },
		{ "that is tiny", { .family = 6, .fragment = LATER, .id = 1, .offset = 1 }, 0, REASON_BAD_HEADER },
		{ "that is too large", { .fragment = LATER, .id = 1, .offset = 8191, .proto = UDP, .payload = 99 }, 0, REASON_BAD_HEADER },
		{ 0 } } },
	{ "after a first that was dropped", 0, { PASS_53, DROP_54 }, {
		{ "by a rule", { .fragment = FIRST, .id = 1, .proto = UDP, .dport = 54 }, 0, REASON_RULE_DROP, .conn = "none" },
		{ "a later one", { .fragment = LATER, .id = 1, .proto = UDP }, 0, REASON_FRAGMENT },
		{ "for want of a rule", { .fragment = FIRST, .id = 2, .proto = UDP, .dport = 55 }, 0, REASON_NO_RULE },
		{ "the last", { .fragment = LAST, .id = 2, .proto = UDP }, 0, REASON_FRAGMENT },
		{ "malformed", { .fragment = FIRST, .id = 3, .proto = UDP, .dport = 53, .poke = { AT_TRANSPORT, 4, 2, 7 } }, 0, REASON_BAD_HEADER },
		{ "a later one of that", { .fragment = LATER, .id = 3, .proto = UDP }, 0, REASON_FRAGMENT },
		{ "truncated", { .fragment = FIRST, .id = 4, .dport = 53, .poke = { AT_TRANSPORT, 12, 1, 0xf0 } }, 0, REASON_TRUNCATED },
		{ "a later one of that too", { .fragment = LATER, .id = 4 }, 0, REASON_FRAGMENT },
		{ "the identification used anew: passes", { .fragment = FIRST, .id = 1, .proto = UDP, .dport = 53 }, 0, REASON_RULE_PASS },
		{ "a later one follows the newest", { .fragment = LATER, .id = 1, .proto = UDP }, 0, REASON_FRAGMENT_PASS },
		{ "and anew: dropped", { .fragment = FIRST, .id = 1, .proto = UDP, .dport = 54 }, 0, REASON_RULE_DROP },
		{ "a later one follows that", { .fragment = LATER, .id = 1, .proto = UDP }, 0, REASON_FRAGMENT },
		{ 0 } } },
	{ "before their first", 0, { PASS_53, DROP_54 }, {
		{ "to this box", { .fragment = LAST, .id = 1, .proto = UDP }, 0, REASON_FRAGMENT_EARLY },
		{ "the first, which passes", { .fragment = FIRST, .id = 1, .proto = UDP, .dport = 53 }, 0, REASON_RULE_PASS },
		{ "the one between", { .fragment = LATER, .id = 1, .proto = UDP }, 0, REASON_FRAGMENT_PASS },
		{ "of another packet", { .fragment = LAST, .id = 2, .proto = UDP }, 0, REASON_FRAGMENT_EARLY },
		{ "its first, which does not", { .fragment = FIRST, .id = 2, .proto = UDP, .dport = 54 }, 0, REASON_RULE_DROP },
		{ "the one between that and the last", { .fragment = LATER, .id = 2, .proto = UDP }, 0, REASON_FRAGMENT },
		{ 0 } } },
	{ "a verdict ages", 0, { PASS_53, DROP_54 }, {
		{ "passes", { .fragment = FIRST, .id = 1, .proto = UDP, .dport = 53 }, 0, REASON_RULE_PASS },
		{ "half as old as it may be", { .fragment = LATER, .id = 1, .proto = UDP }, 0, REASON_FRAGMENT_PASS, .before = half_as_old },
		{ "dropped", { .fragment = FIRST, .id = 2, .proto = UDP, .dport = 54 }, 0, REASON_RULE_DROP },
		{ "older than it may be", { .fragment = LATER, .id = 1, .proto = UDP }, 0, REASON_FRAGMENT_EARLY, .before = too_old },
		{ "likewise the drop", { .fragment = LATER, .id = 2, .proto = UDP }, 0, REASON_FRAGMENT_EARLY },
		{ 0 } } },
	{ "to where it can be forwarded", 0, { "198.18.0.0 16 53 53 0 udp" }, {
		{ "before its first", { .dst = ROUTED, .fragment = LATER, .id = 1, .proto = UDP }, 0, REASON_FRAGMENT, .before = forwarding },
		{ "to an address of this box", { .dst = VETH_ADDRESS, .fragment = LATER, .id = 1, .proto = UDP }, 0, REASON_FRAGMENT_EARLY },
		{ "to where no route leads", { .fragment = LATER, .id = 1, .proto = UDP }, 0, REASON_FRAGMENT_EARLY },
		{ "mode=detect", { .dst = ROUTED, .fragment = LATER, .id = 1, .proto = UDP }, 0, REASON_FRAGMENT, VERDICT_DETECT, .before = before_detect },
		{ "the first", { .dst = ROUTED, .fragment = FIRST, .id = 1, .proto = UDP, .dport = 53 }, 0, REASON_RULE_PASS, .before = before_prevent },
		{ "after it", { .dst = ROUTED, .fragment = LATER, .id = 1, .proto = UDP }, 0, REASON_FRAGMENT_PASS },
		{ "long after it", { .dst = ROUTED, .fragment = LATER, .id = 1, .proto = UDP }, 0, REASON_FRAGMENT, .before = too_old },
		{ 0 } } },
	{ "mode=detect", 0, { PASS_53 }, {
		{ "a first that would be dropped", { .fragment = FIRST, .id = 1, .proto = UDP, .dport = 54 }, 0, REASON_NO_RULE, VERDICT_DETECT, .before = before_detect },
		{ "a later one passes too", { .fragment = LATER, .id = 1, .proto = UDP }, 0, REASON_FRAGMENT, VERDICT_DETECT },
		{ "also when the mode is another by then", { .fragment = LAST, .id = 1, .proto = UDP }, 0, REASON_FRAGMENT, VERDICT_DETECT, .before = before_prevent },
		{ "not when a first is dropped after", { .fragment = FIRST, .id = 1, .proto = UDP, .dport = 54 }, 0, REASON_NO_RULE },
		{ "then it is dropped", { .fragment = LAST, .id = 1, .proto = UDP }, 0, REASON_FRAGMENT },
		{ 0 } } },
	{ "splice", 0, { "203.0.113.0 24 80 80 4001 udp", "203.0.113.0 24 81 81 4002 udp", "203.0.113.0 24 80 80 4001 tcp" }, {
		{ "no program is linked", { .fragment = FIRST, .id = 1, .proto = UDP, .dport = 80 }, 0, REASON_NO_LOOKUP, .conn = "none" },
		{ "so a later one is dropped", { .fragment = LATER, .id = 1, .proto = UDP }, 0, REASON_FRAGMENT },
		{ "nobody listens", { .fragment = FIRST, .id = 2, .proto = UDP, .dport = 81 }, 0, REASON_NO_LISTENER, .before = before_linked },
		{ "so a later one is dropped too", { .fragment = LATER, .id = 2, .proto = UDP }, 0, REASON_FRAGMENT },
		{ "someone listens", { .fragment = FIRST, .id = 3, .proto = UDP, .dport = 80 }, 0, REASON_RULE_SPLICE, .conn = "unconfirmed new 1/0" },
		{ "a later one", { .fragment = LATER, .id = 3, .proto = UDP }, 0, REASON_FRAGMENT_SPLICE, .before = left_for_lookup },
		{ "the last", { .fragment = LAST, .id = 3, .proto = UDP }, 0, REASON_FRAGMENT_SPLICE },
		{ "another first, by what is remembered", { .fragment = FIRST, .id = 4, .proto = UDP, .dport = 80 }, 0, REASON_RULE_SPLICE, .conn = "unconfirmed new 2/0" },
		{ "not an atomic one (a test run cannot assign)", { .family = 6, .fragment = ATOMIC, .proto = UDP, .dport = 80 }, 0, REASON_ASSIGN },
		{ "the rule is another now", { .fragment = FIRST, .id = 5, .proto = UDP, .dport = 80 }, 0, REASON_RULE_PASS, .rule = "-P 1 203.0.113.0 24 80 80 0 udp" },
		{ "and what comes after passes", { .fragment = LATER, .id = 5, .proto = UDP }, 0, REASON_FRAGMENT_PASS, .before = nothing_left },
		{ "TCP", { .fragment = FIRST, .id = 6, .dport = 80 }, 0, REASON_RULE_SPLICE, .conn = "none" },
		{ "a later one of TCP", { .fragment = LATER, .id = 6 }, 0, REASON_FRAGMENT_SPLICE },
		{ 0 } } },
	{ "a whole datagram takes the place of a spliced one", 0, { "203.0.113.0 24 80 80 4001 udp" }, {
		{ "the first", { .fragment = FIRST, .id = 3, .proto = UDP, .dport = 80 }, 0, REASON_RULE_SPLICE, .before = before_linked },
		{ "whole, and the rule is another now", { .proto = UDP, .dport = 80 }, 0, REASON_RULE_PASS, .rule = "-P 1 203.0.113.0 24 80 80 0 udp", .before = left_for_lookup },
		{ "again", { .proto = UDP, .dport = 80 }, 0, REASON_RULE_PASS, .before = nothing_left },
		{ 0 } } },
	{ "of a reply", 0, { PASS_53 }, {
		{ "the request leaves", { .back = true, .proto = UDP, .dport = 9 }, OUT_VETH, REASON_OUT },
		{ "the reply's first", { .fragment = FIRST, .id = 1, .proto = UDP, .dport = 9 }, 0, REASON_TRACKED },
		{ "its later one", { .fragment = LATER, .id = 1, .proto = UDP }, 0, REASON_FRAGMENT_PASS },
		{ 0 } } },
};

static const struct scenario egress[] = {
	{ "leaving", 0, { "--direction out -a drop 203.0.113.0 24 54 54 0 udp" }, {
		{ "before its first", { .fragment = LATER, .id = 1, .proto = UDP }, OUT_VETH, REASON_OUT },
		{ "the first", { .fragment = FIRST, .id = 1, .proto = UDP, .dport = 53 }, OUT_VETH, REASON_OUT, .conn = "unconfirmed new 1/0 outbound" },
		{ "a later one", { .fragment = LATER, .id = 1, .proto = UDP }, OUT_VETH, REASON_FRAGMENT_PASS },
		{ "a first that a rule drops", { .fragment = FIRST, .id = 2, .proto = UDP, .dport = 54 }, OUT_VETH, REASON_RULE_DROP },
		{ "a later one of that", { .fragment = LATER, .id = 2, .proto = UDP }, OUT_VETH, REASON_FRAGMENT },
		{ "out=drop: unknown", { .fragment = LATER, .id = 3, .proto = UDP }, OUT_VETH, REASON_FRAGMENT, .before = before_out_drop },
		{ "out=drop: the first", { .fragment = FIRST, .id = 3, .proto = UDP, .dport = 55 }, OUT_VETH, REASON_OUT_DROP },
		{ "out=drop: a later one", { .fragment = LATER, .id = 3, .proto = UDP }, OUT_VETH, REASON_FRAGMENT },
		{ "out=drop: the first of what passed before", { .fragment = FIRST, .id = 4, .proto = UDP, .dport = 53 }, OUT_VETH, REASON_OUT_DROP },
		{ 0 } } },
	{ "forwarded", 0, { PASS_53, "--direction out -a drop -i veth1 203.0.113.0 24 53 53 0 udp" }, {
		{ "comes in", { .fragment = FIRST, .id = 1, .proto = UDP, .dport = 53 }, 0, REASON_RULE_PASS },
		{ "a later one, before the first has left", { .fragment = LATER, .id = 1, .proto = UDP }, 0, REASON_FRAGMENT_PASS },
		{ "may not leave", { .fragment = FIRST, .id = 1, .proto = UDP, .dport = 53 }, OUT_PEER, REASON_RULE_DROP },
		{ "a later one comes in no more", { .fragment = LATER, .id = 1, .proto = UDP }, 0, REASON_FRAGMENT },
		{ 0 } } },
};
/* clang-format on */

void fragment_cases(struct fixture *fixture)
{
	int sockets[] = { socket_listen(4, SOCK_STREAM, LIVE_PORT), socket_listen(6, SOCK_STREAM, LIVE_PORT),
			  socket_listen(4, SOCK_DGRAM, LIVE_PORT), socket_listen(6, SOCK_DGRAM, LIVE_PORT) };

	scenarios_run(fixture, ingress, sizeof(ingress) / sizeof(ingress[0]));
	scenarios_run(fixture, egress, sizeof(egress) / sizeof(egress[0]));
	forward_all("0");
	for (size_t i = 0; i < sizeof(sockets) / sizeof(sockets[0]); i++)
		close(sockets[i]);
}
