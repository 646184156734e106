/* SPDX-License-Identifier: GPL-2.0-only */
/* Fragments at the driver: later ones go where a rule with ports sent their first, else where rules without send them.
 */
#include "harness.h"

#include <bpf/bpf.h>
#include <err.h>
#include <netinet/in.h>

#define UDP IPPROTO_UDP
#define NS 1000000000ull

static void age(const struct fixture *fixture, uint64_t seconds)
{
	struct frag_key key, *from = NULL;
	struct frag frag;

	for (; !bpf_map_get_next_key(fixture->frags, from, &key); from = &key) {
		if (bpf_map_lookup_elem(fixture->frags, &key, &frag))
			err(2, "lookup");
		frag.time -= seconds * NS;
		if (bpf_map_update_elem(fixture->frags, &key, &frag, BPF_EXIST))
			err(2, "update");
	}
}

static void age_much(struct fixture *fixture, int family)
{
	(void)family;
	age(fixture, FRAG_SECONDS + 1);
}

static void age_little(struct fixture *fixture, int family)
{
	(void)family;
	age(fixture, FRAG_SECONDS - 5);
}

/* clang-format off */
#define DETECT VERDICT_DETECT
#define HEAD(n, port) { .fragment = FIRST, .id = (n), .proto = UDP, .dport = (port) }
#define REST(n) { .fragment = LATER, .id = (n), .proto = UDP }
#define END(n) { .fragment = LAST, .id = (n), .proto = UDP, .offset = 9 }

static const struct scenario scenarios[] = {
	{ "a drop rule with a port", 0, { "drop -p udp --dport 53 -S dns" }, {
		{ "first", HEAD(1, 53), ON_VETH, REASON_RULE_DROP, .by = "dns" },
		{ "later", REST(1), ON_VETH, REASON_FRAGMENT },
		{ "last", END(1), ON_VETH, REASON_FRAGMENT },
		{ "later, on another interface", REST(1), ON_PEER, REASON_FRAGMENT },
		{ "later of another datagram", REST(2), ON_VETH, REASON_DEFAULT_PASS },
		{ "of another sender", { .src = "198.51.100.8", .fragment = LATER, .id = 1, .proto = UDP }, ON_VETH, REASON_DEFAULT_PASS },
		{ "to another host", { .dst = "203.0.113.6", .fragment = LATER, .id = 1, .proto = UDP }, ON_VETH, REASON_DEFAULT_PASS },
		{ "of another protocol", { .family = 4, .fragment = LATER, .id = 1, .proto = 99 }, ON_VETH, REASON_DEFAULT_PASS },
		{ "whose header names another protocol", { .family = 6, .fragment = LATER, .id = 1, .proto = 99 }, ON_VETH, REASON_FRAGMENT },
		{ "behind extension headers", { .family = 6, .chain = "HD", .fragment = LATER, .id = 1, .proto = UDP }, ON_VETH, REASON_FRAGMENT },
		{ "first to another port", HEAD(3, 54), ON_VETH, REASON_DEFAULT_PASS },
		{ "its later", REST(3), ON_VETH, REASON_DEFAULT_PASS },
		{ "whole", { .proto = UDP, .dport = 53 }, ON_VETH, REASON_RULE_DROP, .by = "dns" },
		{ "atomic", { .family = 6, .fragment = ATOMIC, .id = 4, .proto = UDP, .dport = 53 }, ON_VETH, REASON_RULE_DROP, .by = "dns" },
		{ "later of what was atomic", { .family = 6, .fragment = LATER, .id = 4, .proto = UDP }, ON_VETH, REASON_DEFAULT_PASS },
		{ "the first again, where a pass rule came", HEAD(1, 53), ON_VETH, REASON_RULE_PASS, .by = "yes", .rule = "pass -p udp --dport 53 -P 1 -S yes" },
		{ "later then", REST(1), ON_VETH, REASON_FRAGMENT_PASS },
		{ 0 } } },
	{ "a pass rule with a port", 0, { "default drop", "pass -p udp --dport 53 -S dns" }, {
		{ "later before its first", REST(1), ON_VETH, REASON_NO_RULE, .by = "default" },
		{ "first", HEAD(1, 53), ON_VETH, REASON_RULE_PASS, .by = "dns" },
		{ "later", REST(1), ON_VETH, REASON_FRAGMENT_PASS },
		{ "later of another", REST(2), ON_VETH, REASON_NO_RULE, .by = "default" },
		{ "later, half a minute after", REST(1), ON_VETH, REASON_FRAGMENT_PASS, .before = age_little },
		{ "later, too late", REST(1), ON_VETH, REASON_NO_RULE, .by = "default", .before = age_much },
		{ 0 } } },
	{ "a monitor rule with a port", 0, { "default drop", "monitor -p udp --dport 53 -S dns" }, {
		{ "first", HEAD(1, 53), ON_VETH, REASON_RULE_DROP, DETECT, .by = "dns" },
		{ "later", REST(1), ON_VETH, REASON_FRAGMENT, DETECT },
		{ 0 } } },
	{ "rules without ports", 0, { "198.51.100.0/24 drop -S net", "drop -p tcp --dport 80 -S web" }, {
		{ "first", HEAD(1, 53), ON_VETH, REASON_RULE_DROP, .by = "net" },
		{ "later finds the rule itself", REST(1), ON_VETH, REASON_RULE_DROP, .by = "net" },
		{ "later without a first", REST(2), ON_VETH, REASON_RULE_DROP, .by = "net" },
		{ "of another sender", { .src = "192.0.2.9", .fragment = LATER, .id = 1, .proto = UDP }, ON_VETH, REASON_DEFAULT_PASS },
		{ 0 } } },
	{ "never-drop for a port", 0, { "198.51.100.0/24 never-drop -p udp --dport 53 -S guard", "default drop" }, {
		{ "first", HEAD(1, 53), ON_VETH, REASON_NEVER_DROP, .by = "guard" },
		{ "later", REST(1), ON_VETH, REASON_FRAGMENT_PASS },
		{ 0 } } },
	{ "a rule with port 0", 0, { "drop -p udp --dport 0-1023 -S low", "pass -p udp -S rest", "default drop" }, {
		{ "first to another port", HEAD(1, 5000), ON_VETH, REASON_RULE_PASS, .by = "rest" },
		{ "its later", REST(1), ON_VETH, REASON_FRAGMENT_PASS },
		{ "first to such a port", HEAD(2, 53), ON_VETH, REASON_RULE_DROP, .by = "low" },
		{ "its later", REST(2), ON_VETH, REASON_RULE_DROP, .by = "low" },
		{ 0 } } },
	{ "the number of a datagram is used again", 0, { "drop -p udp --dport 53 -S dns" }, {
		{ "first of one that is dropped", HEAD(1, 53), ON_VETH, REASON_RULE_DROP, .by = "dns" },
		{ "first of one that passes", HEAD(1, 54), ON_VETH, REASON_DEFAULT_PASS },
		{ "its later", REST(1), ON_VETH, REASON_DEFAULT_PASS },
		{ 0 } } },
	{ "DHCP in fragments", 4, { "default drop" }, {
		{ "first", { .fragment = FIRST, .id = 1, .proto = UDP, .sport = 67, .dport = 68, .payload = 16 }, ON_VETH, REASON_DHCP },
		{ "later", REST(1), ON_VETH, REASON_FRAGMENT_PASS },
		{ 0 } } },
	{ "ICMP", 4, { "drop -p icmp --icmp 0/0 -S reply" }, {
		{ "an echo reply", { .icmp = ECHO_ANSWER }, ON_VETH, REASON_RULE_DROP, .by = "reply" },
		{ "a later fragment has no type", { .fragment = LATER, .id = 1, .proto = IPPROTO_ICMP }, ON_VETH, REASON_DEFAULT_PASS },
		{ "first of a reply", { .fragment = FIRST, .id = 1, .icmp = ECHO_ANSWER }, ON_VETH, REASON_RULE_DROP, .by = "reply" },
		{ "its later", { .fragment = LATER, .id = 1, .proto = IPPROTO_ICMP }, ON_VETH, REASON_FRAGMENT },
		{ "first of a request", { .fragment = FIRST, .id = 2, .icmp = ECHO_REQUEST }, ON_VETH, REASON_DEFAULT_PASS },
		{ "its later", { .fragment = LATER, .id = 2, .proto = IPPROTO_ICMP }, ON_VETH, REASON_DEFAULT_PASS },
		{ 0 } } },
	{ "ICMPv6", 6, { "drop -p icmp --icmp 0/0 -S zero", "drop -p icmp --icmp 129/0 -S reply" }, {
		{ "a later fragment has no type", { .fragment = LATER, .id = 1, .proto = IPPROTO_ICMPV6 }, ON_VETH, REASON_DEFAULT_PASS },
		{ "first of a reply", { .fragment = FIRST, .id = 1, .icmp = ECHO_ANSWER }, ON_VETH, REASON_RULE_DROP, .by = "reply" },
		{ "its later", { .fragment = LATER, .id = 1, .proto = IPPROTO_ICMPV6 }, ON_VETH, REASON_FRAGMENT },
		{ "solicitation in a first fragment", { .fragment = FIRST, .id = 3, .proto = IPPROTO_ICMPV6, .dport = 135 << 8, .hop_limit = 255 }, ON_VETH, REASON_NO_RULE, .by = "default", .rule = "default drop" },
		{ 0 } } },
	{ "a ban comes", 0, { "default drop", "pass -p udp --dport 53 -S dns" }, {
		{ "first", HEAD(1, 53), ON_VETH, REASON_RULE_PASS, .by = "dns" },
		{ "later", REST(1), ON_VETH, REASON_FRAGMENT_PASS },
		{ "a rule with a port came, which it does not see", REST(1), ON_VETH, REASON_FRAGMENT_PASS, .rule = "drop -p udp --dport 53 -P 1 -S port" },
		{ "a default came", REST(1), ON_VETH, REASON_FRAGMENT_PASS, .rule = "default monitor" },
		{ "another's ban came", REST(1), ON_VETH, REASON_FRAGMENT_PASS, .rule = "192.0.2.0/24 drop -P 1 -S other" },
		{ "its ban came", REST(1), ON_VETH, REASON_RULE_DROP, .by = "ban", .rule = "198.51.100.0/24 drop -P 1 -S ban" },
		{ "so has the last", END(1), ON_VETH, REASON_RULE_DROP, .by = "ban" },
		{ 0 } } },
	{ "never-drop comes", 0, { "drop -p udp --dport 53 -S dns" }, {
		{ "first", HEAD(1, 53), ON_VETH, REASON_RULE_DROP, .by = "dns" },
		{ "later", REST(1), ON_VETH, REASON_FRAGMENT },
		{ "later then", REST(1), ON_VETH, REASON_NEVER_DROP, .by = "guard", .rule = "198.51.100.0/24 never-drop -S guard" },
		{ 0 } } },
	{ "older rules without ports", 0, { "198.51.100.0/24 drop -S net", "pass -p udp --dport 53 -P 1 -S dns" }, {
		{ "first", HEAD(1, 53), ON_VETH, REASON_RULE_PASS, .by = "dns" },
		{ "later", REST(1), ON_VETH, REASON_FRAGMENT_PASS },
		{ "later, where some rule came", REST(1), ON_VETH, REASON_FRAGMENT_PASS, .rule = "192.0.2.0/24 drop -S other" },
		{ "first again", HEAD(1, 53), ON_VETH, REASON_RULE_PASS, .by = "dns" },
		{ "later again", REST(1), ON_VETH, REASON_FRAGMENT_PASS },
		{ 0 } } },
	{ "extension headers in the first, all that later ones name is those: a pass rule", 6, { "default drop", "pass -p udp -S udp" }, {
		{ "first", { .fragment = FIRST, .id = 1, .behind = "D", .proto = UDP, .dport = 53 }, ON_VETH, REASON_RULE_PASS, .by = "udp" },
		{ "its later", { .fragment = LATER, .id = 1, .proto = IPPROTO_DSTOPTS }, ON_VETH, REASON_FRAGMENT_PASS },
		{ "first without them", { .fragment = FIRST, .id = 2, .proto = UDP, .dport = 53 }, ON_VETH, REASON_RULE_PASS, .by = "udp" },
		{ "its later finds the rule itself", { .fragment = LATER, .id = 2, .proto = UDP }, ON_VETH, REASON_RULE_PASS, .by = "udp" },
		{ 0 } } },
	{ "extension headers in the first: a drop rule", 6, { "drop -p udp -S udp", "drop -p icmp -S icmp" }, {
		{ "first", { .fragment = FIRST, .id = 1, .behind = "D", .proto = UDP, .dport = 53 }, ON_VETH, REASON_RULE_DROP, .by = "udp" },
		{ "its later", { .fragment = LATER, .id = 1, .proto = IPPROTO_DSTOPTS }, ON_VETH, REASON_FRAGMENT },
		{ "first of ICMP, and two headers", { .fragment = FIRST, .id = 2, .behind = "DD", .icmp = ECHO_REQUEST }, ON_VETH, REASON_RULE_DROP, .by = "icmp" },
		{ "its later", { .fragment = LATER, .id = 2, .proto = IPPROTO_DSTOPTS }, ON_VETH, REASON_FRAGMENT },
		{ "later of another", { .fragment = LATER, .id = 3, .proto = IPPROTO_DSTOPTS }, ON_VETH, REASON_DEFAULT_PASS },
		{ 0 } } },
	{ "extension headers in the first: a rule for any protocol", 6, { "198.51.100.0/24 drop -S net" }, {
		{ "first", { .fragment = FIRST, .id = 1, .behind = "D", .proto = UDP, .dport = 53 }, ON_VETH, REASON_RULE_DROP, .by = "net" },
		{ "its later finds the rule itself", { .fragment = LATER, .id = 1, .proto = IPPROTO_DSTOPTS }, ON_VETH, REASON_RULE_DROP, .by = "net" },
		{ 0 } } },
	{ "ports are not read from later fragments", 0, { "drop -p udp --dport 53 -S dns" }, {
		{ "bytes that look like them", { .fragment = LATER, .id = 1, .proto = UDP, .dport = 53 }, ON_VETH, REASON_DEFAULT_PASS },
		{ "DHCP that is none", { .family = 4, .fragment = LATER, .id = 2, .proto = UDP, .sport = 67, .dport = 68 }, ON_VETH, REASON_NO_RULE, .by = "default", .rule = "default drop" },
		{ 0 } } },
	{ "tricks", 0, { "pass -p tcp --dport 80 -S web", "default drop" }, {
		{ "a first that passes", { .fragment = FIRST, .id = 1, .dport = 80 }, ON_VETH, REASON_RULE_PASS, .by = "web" },
		{ "a later that begins within its header", { .fragment = LATER, .id = 1, .offset = 1 }, ON_VETH, REASON_BAD_HEADER },
		{ "a later that ends beyond 65535", { .fragment = LATER, .id = 1, .offset = 8191 }, ON_VETH, REASON_BAD_HEADER },
		{ "a first that is cut within its header", { .fragment = FIRST, .id = 1, .dport = 80, .cut = 1 }, ON_VETH, REASON_TRUNCATED },
		{ "a later as it must be", { .fragment = LATER, .id = 1 }, ON_VETH, REASON_FRAGMENT_PASS },
		{ "a first of the same number that does not pass", { .fragment = FIRST, .id = 1, .dport = 81 }, ON_VETH, REASON_NO_RULE, .by = "default" },
		{ "later then", { .fragment = LATER, .id = 1 }, ON_VETH, REASON_NO_RULE, .by = "default" },
		{ 0 } } },
};
/* clang-format on */

void xdp_fragment_cases(struct fixture *fixture)
{
	scenarios_run(fixture, scenarios, sizeof(scenarios) / sizeof(scenarios[0]));
}
