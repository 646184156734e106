/* SPDX-License-Identifier: GPL-2.0-only */
/* Connections of TCP, packet by packet: what becomes of each, and what is known of its connection then. */
#include "harness.h"

#include <sys/socket.h>
#include <unistd.h>

#define LIVE_PORT 4001 /* where this program listens on the loopback address */

static void stray_drop(struct fixture *fixture, int family)
{
	(void)family;
	fixture_set(fixture, fixture->veth, SETTING_ON_STATE, GATE_DROP);
}

static void stray_pass(struct fixture *fixture, int family)
{
	(void)family;
	fixture_set(fixture, fixture->veth, SETTING_ON_STATE, GATE_PASS);
}

/* clang-format off */
#define SYN_ACK (TCP_SYN | TCP_ACK)
#define FIN_ACK (TCP_FIN | TCP_ACK)
#define RST_ACK (TCP_RST | TCP_ACK)
#define THERE(bits) { .dport = 80, .flags = (bits) }
#define BACK(bits)  { .back = true, .dport = 80, .flags = (bits) }
#define PASS_80 "203.0.113.0 24 80 80 0 tcp"

static const struct scenario cases[] = {
	{ "TCP from outside", 0, { PASS_80 }, {
		{ "SYN", THERE(TCP_SYN), ON_VETH, REASON_RULE_PASS, .conn = "unconfirmed handshake 1/0" },
		{ "SYN again", THERE(TCP_SYN), ON_VETH, REASON_RULE_PASS, .conn = "unconfirmed handshake 2/0" },
		{ "SYN-ACK", BACK(SYN_ACK), OUT_VETH, REASON_TRACKED, .conn = "unconfirmed handshake 2/1" },
		{ "SYN-ACK again", BACK(SYN_ACK), OUT_VETH, REASON_TRACKED, .conn = "unconfirmed handshake 2/2" },
		{ "ACK", THERE(TCP_ACK), ON_VETH, REASON_RULE_PASS, .conn = "confirmed established 3/2" },
		{ "data back", BACK(TCP_ACK), OUT_VETH, REASON_TRACKED, .conn = "confirmed established 3/3" },
		{ "FIN", THERE(FIN_ACK), ON_VETH, REASON_RULE_PASS, .conn = "confirmed closing 4/3" },
		{ "data back after that", BACK(TCP_ACK), OUT_VETH, REASON_TRACKED, .conn = "confirmed closing 4/4" },
		{ "FIN back", BACK(FIN_ACK), OUT_VETH, REASON_TRACKED, .conn = "confirmed closing 4/5" },
		{ "the last ACK", THERE(TCP_ACK), ON_VETH, REASON_RULE_PASS, .conn = "confirmed closing 5/5" },
		{ "the port used anew", THERE(TCP_SYN), ON_VETH, REASON_RULE_PASS, .conn = "unconfirmed handshake 1/0" },
		{ "SYN-ACK of that", BACK(SYN_ACK), OUT_VETH, REASON_TRACKED, .conn = "unconfirmed handshake 1/1" },
		{ 0 } } },
	{ "TCP from inside", 0, { PASS_80 }, {
		{ "SYN", THERE(TCP_SYN), OUT_VETH, REASON_OUT, .conn = "unconfirmed handshake 1/0 outbound" },
		{ "SYN again", THERE(TCP_SYN), OUT_VETH, REASON_OUT, .conn = "unconfirmed handshake 2/0 outbound" },
		{ "SYN-ACK", BACK(SYN_ACK), ON_VETH, REASON_TRACKED, .conn = "confirmed handshake 2/1 outbound" },
		{ "ACK", THERE(TCP_ACK), OUT_VETH, REASON_OUT, .conn = "confirmed established 3/1 outbound" },
		{ "data back", BACK(TCP_ACK), ON_VETH, REASON_TRACKED, .conn = "confirmed established 3/2 outbound" },
		{ "data back by another interface", BACK(TCP_ACK), ON_PEER, REASON_TRACKED, .conn = "confirmed established 3/2 outbound" },
		{ "FIN back", BACK(FIN_ACK), ON_VETH, REASON_TRACKED, .conn = "confirmed closing 3/3 outbound" },
		{ "FIN", THERE(FIN_ACK), OUT_VETH, REASON_OUT, .conn = "confirmed closing 4/3 outbound" },
		{ "from another port", { .back = true, .dport = 81, .flags = TCP_ACK }, ON_VETH, REASON_NO_RULE, .conn = "none" },
		{ "to another port", { .back = true, .sport = 40001, .dport = 80, .flags = TCP_ACK }, ON_VETH, REASON_NO_RULE, .conn = "none" },
		{ "SYN back", BACK(TCP_SYN), ON_VETH, REASON_NO_RULE, .conn = "confirmed closing 4/3 outbound" },
		{ "the port used anew", THERE(TCP_SYN), OUT_VETH, REASON_OUT, .conn = "unconfirmed handshake 1/0 outbound" },
		{ 0 } } },
	{ "TCP refused", 0, { PASS_80 }, {
		{ "SYN", THERE(TCP_SYN), ON_VETH, REASON_RULE_PASS, .conn = "unconfirmed handshake 1/0" },
		{ "RST back", BACK(RST_ACK), OUT_VETH, REASON_TRACKED, .conn = "unconfirmed closed 1/1" },
		{ "SYN again begins anew", THERE(TCP_SYN), ON_VETH, REASON_RULE_PASS, .conn = "unconfirmed handshake 1/0" },
		{ 0 } } },
	{ "a reset that is ignored", 0, { PASS_80 }, {
		{ "SYN", THERE(TCP_SYN), ON_VETH, REASON_RULE_PASS },
		{ "SYN-ACK", BACK(SYN_ACK), OUT_VETH, REASON_TRACKED },
		{ "ACK", THERE(TCP_ACK), ON_VETH, REASON_RULE_PASS, .conn = "confirmed established 2/1" },
		{ "RST", THERE(TCP_RST), ON_VETH, REASON_RULE_PASS, .conn = "confirmed closed 3/1" },
		{ "more from who sent it", THERE(TCP_ACK), ON_VETH, REASON_RULE_PASS, .conn = "confirmed closed 4/1" },
		{ "the other goes on", BACK(TCP_ACK), OUT_VETH, REASON_TRACKED, .conn = "confirmed established 4/2" },
		{ "RST back", BACK(TCP_RST), OUT_VETH, REASON_TRACKED, .conn = "confirmed closed 4/3" },
		{ "more from who sent that", BACK(TCP_ACK), OUT_VETH, REASON_TRACKED, .conn = "confirmed closed 4/4" },
		{ "the first goes on", THERE(TCP_ACK), ON_VETH, REASON_RULE_PASS, .conn = "confirmed established 5/4" },
		{ "RST from both", THERE(TCP_RST), ON_VETH, REASON_RULE_PASS, .conn = "confirmed closed 6/4" },
		{ "is the end", BACK(TCP_RST), OUT_VETH, REASON_TRACKED, .conn = "confirmed closed 6/5" },
		{ "FIN, then RST", THERE(FIN_ACK), ON_VETH, REASON_RULE_PASS, .conn = "confirmed closing 7/5" },
		{ 0 } } },
	{ "SYN on an established connection", 0, { PASS_80 }, {
		{ "ACK", THERE(TCP_ACK), ON_VETH, REASON_RULE_PASS, .conn = "unconfirmed established 1/0" },
		{ "ACK back", BACK(TCP_ACK), OUT_VETH, REASON_TRACKED, .conn = "unconfirmed established 1/1" },
		{ "data", THERE(TCP_ACK), ON_VETH, REASON_RULE_PASS, .conn = "confirmed established 2/1" },
		{ "from the other side, in, without a rule", BACK(TCP_SYN), ON_VETH, REASON_NO_RULE, .conn = "confirmed established 2/1" },
		{ "from the opener", THERE(TCP_SYN), ON_VETH, REASON_RULE_PASS, .conn = "unconfirmed handshake 1/0" },
		{ "the server disagrees", BACK(TCP_ACK), OUT_VETH, REASON_TRACKED, .conn = "unconfirmed handshake 1/1" },
		{ "and the connection goes on", THERE(TCP_ACK), ON_VETH, REASON_RULE_PASS, .conn = "confirmed established 2/1" },
		{ "from the other side, out", BACK(TCP_SYN), OUT_VETH, REASON_OUT, .conn = "unconfirmed handshake 1/0 outbound" },
		{ "is answered", THERE(SYN_ACK), ON_VETH, REASON_TRACKED, .conn = "confirmed handshake 1/1 outbound" },
		{ 0 } } },
	{ "in the middle of a connection", 0, { PASS_80 }, {
		{ "nothing said", THERE(TCP_ACK), ON_VETH, REASON_RULE_PASS, .conn = "unconfirmed established 1/0" },
		{ "SYN-ACK", { .sport = 1, .dport = 80, .flags = SYN_ACK }, ON_VETH, REASON_RULE_PASS, .conn = "unconfirmed established 1/0" },
		{ "RST", { .sport = 2, .dport = 80, .flags = TCP_RST }, ON_VETH, REASON_RULE_PASS, .conn = "none" },
		{ "on_state=drop: what is known", THERE(TCP_ACK), ON_VETH, REASON_RULE_PASS, .conn = "unconfirmed established 2/0", .before = stray_drop },
		{ "on_state=drop: ACK", { .sport = 3, .dport = 80, .flags = TCP_ACK }, ON_VETH, REASON_STATE, .conn = "none" },
		{ "on_state=drop: SYN-ACK", { .sport = 3, .dport = 80, .flags = SYN_ACK }, ON_VETH, REASON_STATE, .conn = "none" },
		{ "on_state=drop: RST", { .sport = 3, .dport = 80, .flags = TCP_RST }, ON_VETH, REASON_STATE, .conn = "none" },
		{ "on_state=drop: FIN", { .sport = 3, .dport = 80, .flags = FIN_ACK }, ON_VETH, REASON_STATE, .conn = "none" },
		{ "on_state=drop: no rule", { .sport = 3, .dport = 81, .flags = TCP_ACK }, ON_VETH, REASON_NO_RULE, .conn = "none" },
		{ "on_state=drop: SYN", { .sport = 3, .dport = 80 }, ON_VETH, REASON_RULE_PASS, .conn = "unconfirmed handshake 1/0" },
		{ "on_state=drop: the ACK to it", { .sport = 3, .dport = 80, .flags = TCP_ACK }, ON_VETH, REASON_RULE_PASS, .conn = "unconfirmed handshake 2/0" },
		{ "on_state=drop of another interface", { .sport = 4, .dport = 80, .flags = TCP_ACK }, ON_PEER, REASON_RULE_PASS, .conn = "unconfirmed established 1/0" },
		{ "on_state=drop: the reply to what left", { .sport = 5, .dport = 80, .flags = TCP_ACK }, OUT_VETH, REASON_OUT, .conn = "unconfirmed established 1/0 outbound" },
		{ "on_state=pass", { .sport = 6, .dport = 80, .flags = TCP_ACK }, ON_VETH, REASON_RULE_PASS, .conn = "unconfirmed established 1/0", .before = stray_pass },
		{ "a first FIN", { .sport = 7, .dport = 80, .flags = FIN_ACK }, ON_VETH, REASON_RULE_PASS, .conn = "unconfirmed established 1/0" },
		{ 0 } } },
	{ "as it leaves", 0, { PASS_80 }, {
		{ "RST of no connection", BACK(RST_ACK), OUT_VETH, REASON_OUT, .conn = "none" },
		{ "SYN-ACK of no connection", BACK(SYN_ACK), OUT_VETH, REASON_OUT, .conn = "none" },
		{ "its client is no reply", THERE(TCP_ACK), ON_VETH, REASON_RULE_PASS, .conn = "unconfirmed established 1/0" },
		{ "ACK of another", { .dport = 81, .flags = TCP_ACK }, OUT_VETH, REASON_OUT, .conn = "unconfirmed established 1/0 outbound" },
		{ "its reply", { .back = true, .dport = 81, .flags = TCP_ACK }, ON_VETH, REASON_TRACKED, .conn = "confirmed established 1/1 outbound" },
		{ 0 } } },
	{ "forwarded, seen twice and counted once", 0, { PASS_80 }, {
		{ "SYN comes", THERE(TCP_SYN), ON_VETH, REASON_RULE_PASS, .conn = "unconfirmed handshake 1/0" },
		{ "and leaves", THERE(TCP_SYN), OUT_PEER, REASON_OUT, .conn = "unconfirmed handshake 1/0" },
		{ "SYN-ACK comes", BACK(SYN_ACK), ON_PEER, REASON_TRACKED, .conn = "unconfirmed handshake 1/1" },
		{ "and leaves", BACK(SYN_ACK), OUT_VETH, REASON_TRACKED, .conn = "unconfirmed handshake 1/1" },
		{ "ACK comes", THERE(TCP_ACK), ON_VETH, REASON_RULE_PASS, .conn = "confirmed established 2/1" },
		{ "and leaves", THERE(TCP_ACK), OUT_PEER, REASON_OUT, .conn = "confirmed established 2/1" },
		{ "data back comes", BACK(TCP_ACK), ON_PEER, REASON_TRACKED, .conn = "confirmed established 2/2" },
		{ "and leaves", BACK(TCP_ACK), OUT_VETH, REASON_TRACKED, .conn = "confirmed established 2/2" },
		{ "RST comes", BACK(TCP_RST), ON_PEER, REASON_TRACKED, .conn = "confirmed closed 2/3" },
		{ "and leaves", BACK(TCP_RST), OUT_VETH, REASON_TRACKED, .conn = "confirmed closed 2/3" },
		{ 0 } } },
	{ "forwarded, filtered where it leaves", 0, { PASS_80 }, {
		{ "SYN leaves", THERE(TCP_SYN), OUT_PEER, REASON_OUT, .conn = "unconfirmed handshake 1/0 outbound" },
		{ "SYN-ACK comes", BACK(SYN_ACK), ON_PEER, REASON_TRACKED, .conn = "confirmed handshake 1/1 outbound" },
		{ "ACK leaves", THERE(TCP_ACK), OUT_PEER, REASON_OUT, .conn = "confirmed established 2/1 outbound" },
		{ 0 } } },
	{ "an asymmetric route", 0, { PASS_80 }, {
		{ "SYN comes", THERE(TCP_SYN), ON_VETH, REASON_RULE_PASS, .conn = "unconfirmed handshake 1/0" },
		{ "ACK, without a reply seen", THERE(TCP_ACK), ON_VETH, REASON_RULE_PASS, .conn = "unconfirmed handshake 2/0" },
		{ "the reply leaves elsewhere", BACK(SYN_ACK), OUT_PEER, REASON_TRACKED, .conn = "unconfirmed handshake 2/1" },
		{ "data comes elsewhere", THERE(TCP_ACK), ON_PEER, REASON_RULE_PASS, .conn = "confirmed established 2/1" },
		{ 0 } } },
	{ "a listener here", 4, { "127.0.0.1 32 4001 4001 0 tcp", "--max-duration 9 -s 198.51.100.8/32 127.0.0.1 32 4001 4001 0 tcp" }, {
		{ "keeps account itself", { .dst = "127.0.0.1", .dport = LIVE_PORT }, ON_VETH, REASON_RULE_PASS, .conn = "none" },
		{ "a limited connection is tracked", { .src = "198.51.100.8", .dst = "127.0.0.1", .dport = LIVE_PORT }, ON_VETH, REASON_RULE_PASS, .conn = "unconfirmed handshake 1/0" },
		{ 0 } } },
	{ "a listener here", 6, { "::1 128 4001 4001 0 tcp", "--max-duration 9 -s 2001:db8:c633:6408::/64 ::1 128 4001 4001 0 tcp" }, {
		{ "keeps account itself", { .dst = "::1", .dport = LIVE_PORT }, ON_VETH, REASON_RULE_PASS, .conn = "none" },
		{ "a limited connection is tracked", { .src = "198.51.100.8", .dst = "::1", .dport = LIVE_PORT }, ON_VETH, REASON_RULE_PASS, .conn = "unconfirmed handshake 1/0" },
		{ 0 } } },
};
/* clang-format on */

void tracking_cases(struct fixture *fixture)
{
	int sockets[] = { socket_listen(4, SOCK_STREAM, LIVE_PORT), socket_listen(6, SOCK_STREAM, LIVE_PORT) };

	scenarios_run(fixture, cases, sizeof(cases) / sizeof(cases[0]));
	close(sockets[0]);
	close(sockets[1]);
}
