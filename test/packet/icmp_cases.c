/* SPDX-License-Identifier: GPL-2.0-only */
/* ICMP errors, by what they quote, and echoes: RFC 792, 4443, 4884, 5927. */
#include "harness.h"

#include <linux/if_ether.h>

#include <err.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define TCP_PORT 4100
#define UDP_PORT 4101
#define ROUTER "192.0.2.77"
#define TYPE(type, code) ((type) << 8 | (code))

/* clang-format off */

/* What was sent, as errors quote it. Rows of scenarios send the same. */
static const struct spec sent = { .proto = IPPROTO_UDP, .dport = 53, .payload = 64 };
static const struct spec other_port = { .proto = IPPROTO_UDP, .dport = 54, .payload = 64 };
static const struct spec other_source_port = { .proto = IPPROTO_UDP, .sport = 40001, .dport = 53 };
static const struct spec other_destination = { .dst = "203.0.113.6", .proto = IPPROTO_UDP, .dport = 53 };
static const struct spec sent_back = { .back = true, .proto = IPPROTO_UDP, .dport = 53, .payload = 64 };
static const struct spec sent_options = { .options = 24, .proto = IPPROTO_UDP, .dport = 53 };
static const struct spec sent_most_options = { .options = 40, .proto = IPPROTO_UDP, .dport = 53 };
static const struct spec sent_headers = { .chain = "HDRS", .proto = IPPROTO_UDP, .dport = 53 };
static const struct spec sent_many_headers = { .chain = "HDRSD", .proto = IPPROTO_UDP, .dport = 53 };
static const struct spec sent_first = { .fragment = FIRST, .proto = IPPROTO_UDP, .dport = 53 };
static const struct spec sent_atomic = { .fragment = ATOMIC, .proto = IPPROTO_UDP, .dport = 53 };
static const struct spec sent_later = { .fragment = LATER, .proto = IPPROTO_UDP, .dport = 53, .payload = 64 };
static const struct spec sent_tcp = { .dport = 53, .flags = TCP_ACK };
static const struct spec sent_sctp = { .proto = IPPROTO_SCTP, .sport = 7, .dport = 8, .payload = 12 };
static const struct spec sent_gre = { .proto = IPPROTO_GRE, .payload = 12 };
static const struct spec sent_echo = { .icmp = ECHO_REQUEST, .id = 7 };
static const struct spec sent_other_echo = { .icmp = ECHO_REQUEST, .id = 8 };
static const struct spec sent_error = { .icmp = UNREACHABLE, .quote = &sent };

/* comes from the router to the sender of what it quotes, which is SPEC_SRC */
#define ABOUT(what) .src = ROUTER, .dst = SPEC_SRC, .icmp = UNREACHABLE, .quote = &(what)
#define MESSAGE(number, what) .src = ROUTER, .dst = SPEC_SRC, .proto = IPPROTO_ICMP, .dport = (number), .quote = &(what)

static const struct scenario errors[] = {
	{ "about a flow from inside", 0, { "-a pass 9.9.9.0 24 1 1 0 tcp" }, {
		{ "nothing was sent", { ABOUT(sent) }, 0, REASON_NO_RULE },
		{ "it is sent", sent, OUT_VETH, REASON_OUT, .conn = "unconfirmed new 1/0 outbound" },
		{ "the whole packet quoted", { ABOUT(sent) }, 0, REASON_ICMP_ERROR },
		{ "8 bytes quoted", { ABOUT(sent), .quoted = 8 }, 0, REASON_ICMP_ERROR },
		{ "7 bytes quoted", { ABOUT(sent), .quoted = 7 }, 0, REASON_NO_RULE },
		{ "8 bytes quoted, the last behind the packet", { .family = 4, ABOUT(sent), .quoted = 8, .poke = { AT_NETWORK, 2, 2, 55 } }, 0, REASON_NO_RULE },
		{ "8 bytes quoted, the last behind the packet", { .family = 6, ABOUT(sent), .quoted = 8, .poke = { AT_NETWORK, 4, 2, 55 } }, 0, REASON_NO_RULE },
		{ "the ports quoted", { ABOUT(sent), .quoted = 4 }, 0, REASON_NO_RULE },
		{ "by another interface", { ABOUT(sent), .quoted = 8 }, ON_PEER, REASON_ICMP_ERROR },
		{ "tagged twice", { .tags = { ETH_P_8021AD, ETH_P_8021Q }, ABOUT(sent), .quoted = 8 }, 0, REASON_ICMP_ERROR },
		{ "behind options", { .family = 4, .options = 40, ABOUT(sent), .quoted = 8 }, 0, REASON_ICMP_ERROR },
		{ "behind extension headers", { .family = 6, .chain = "HDRS", ABOUT(sent), .quoted = 8 }, 0, REASON_ICMP_ERROR },
		{ "from its destination", { .src = SPEC_DST, .dst = SPEC_SRC, .icmp = UNREACHABLE, .quote = &sent }, 0, REASON_ICMP_ERROR },
		{ "time exceeded", { .src = ROUTER, .dst = SPEC_SRC, .icmp = EXCEEDED, .quote = &sent }, 0, REASON_ICMP_ERROR },
		{ "padding instead of the quoted packet", { .src = ROUTER, .dst = SPEC_SRC, .icmp = UNREACHABLE, .pad = 60 }, 0, REASON_NO_RULE },
		{ "no quoted packet", { .src = ROUTER, .dst = SPEC_SRC, .icmp = UNREACHABLE }, 0, REASON_NO_RULE },
		{ "quoted with options", { .family = 4, ABOUT(sent_options), .quoted = 8 }, 0, REASON_ICMP_ERROR },
		{ "quoted with most options", { .family = 4, ABOUT(sent_most_options), .quoted = 8 }, 0, REASON_ICMP_ERROR },
		{ "quoted with options, 7 bytes", { .family = 4, ABOUT(sent_options), .quoted = 7 }, 0, REASON_NO_RULE },
		{ "quoted with four extension headers", { .family = 6, ABOUT(sent_headers), .quoted = 8 }, 0, REASON_ICMP_ERROR },
		{ "quoted with four extension headers, 7 bytes", { .family = 6, ABOUT(sent_headers), .quoted = 7 }, 0, REASON_NO_RULE },
		{ "quoted with five", { .family = 6, ABOUT(sent_many_headers) }, 0, REASON_NO_RULE },
		{ 0 } } },
	{ "what is quoted", 0, { "-a pass 9.9.9.0 24 1 1 0 tcp" }, {
		{ "it is sent", sent, OUT_VETH, REASON_OUT },
		{ "a first fragment", { ABOUT(sent_first), .quoted = 8 }, 0, REASON_ICMP_ERROR },
		{ "an atomic fragment", { .family = 6, ABOUT(sent_atomic), .quoted = 8 }, 0, REASON_ICMP_ERROR },
		{ "a later fragment", { ABOUT(sent_later) }, 0, REASON_NO_RULE },
		{ "to another port", { ABOUT(other_port) }, 0, REASON_NO_RULE },
		{ "from another port", { ABOUT(other_source_port) }, 0, REASON_NO_RULE },
		{ "to another destination", { ABOUT(other_destination) }, 0, REASON_NO_RULE },
		{ "another protocol", { ABOUT(sent_tcp) }, 0, REASON_NO_RULE },
		{ "an error", { ABOUT(sent_error) }, 0, REASON_NO_RULE },
		{ "the reply, to who did not send it", { ABOUT(sent_back) }, 0, REASON_NO_RULE },
		{ "to another than its sender", { .src = ROUTER, .dst = "198.51.100.8", .icmp = UNREACHABLE, .quote = &sent }, 0, REASON_NO_RULE },
		{ "to its receiver", { .src = ROUTER, .dst = SPEC_DST, .icmp = UNREACHABLE, .quote = &sent }, 0, REASON_NO_RULE },
		{ "of version 5", { ABOUT(sent), .poke = { AT_TRANSPORT, 8, 1, 0x55 } }, 0, REASON_NO_RULE },
		{ "of the other version", { .family = 4, ABOUT(sent), .poke = { AT_TRANSPORT, 8, 1, 0x60 } }, 0, REASON_NO_RULE },
		{ "of the other version", { .family = 6, ABOUT(sent), .poke = { AT_TRANSPORT, 8, 1, 0x45 } }, 0, REASON_NO_RULE },
		{ "with IHL 4", { .family = 4, ABOUT(sent), .poke = { AT_TRANSPORT, 8, 1, 0x44 } }, 0, REASON_NO_RULE },
		{ "with an IHL beyond it", { .family = 4, ABOUT(sent), .quoted = 8, .poke = { AT_TRANSPORT, 8, 1, 0x4f } }, 0, REASON_NO_RULE },
		{ "in a first fragment", { ABOUT(sent), .fragment = FIRST, .id = 1 }, 0, REASON_ICMP_ERROR },
		{ "in an atomic one", { .family = 6, ABOUT(sent), .fragment = ATOMIC }, 0, REASON_ICMP_ERROR },
		{ "in a later one", { ABOUT(sent), .fragment = LATER, .id = 2 }, 0, REASON_FRAGMENT_EARLY },
		{ 0 } } },
	{ "other messages about it", 4, { "-a pass 9.9.9.0 24 1 1 0 tcp" }, {
		{ "it is sent", sent, OUT_VETH, REASON_OUT },
		{ "fragmentation needed", { MESSAGE(TYPE(3, 4), sent) }, 0, REASON_ICMP_ERROR },
		{ "unreachable, a code not assigned", { MESSAGE(TYPE(3, 200), sent) }, 0, REASON_ICMP_ERROR },
		{ "reassembly time exceeded", { MESSAGE(TYPE(11, 1), sent) }, 0, REASON_ICMP_ERROR },
		{ "source quench", { MESSAGE(TYPE(4, 0), sent) }, 0, REASON_NO_RULE },
		{ "redirect", { MESSAGE(TYPE(5, 1), sent) }, 0, REASON_NO_RULE },
		{ "router advertisement", { MESSAGE(TYPE(9, 0), sent) }, 0, REASON_NO_RULE },
		{ "router solicitation", { MESSAGE(TYPE(10, 0), sent) }, 0, REASON_NO_RULE },
		{ "parameter problem", { MESSAGE(TYPE(12, 0), sent) }, 0, REASON_NO_RULE },
		{ "timestamp", { MESSAGE(TYPE(13, 0), sent) }, 0, REASON_NO_RULE },
		{ "address mask", { MESSAGE(TYPE(17, 0), sent) }, 0, REASON_NO_RULE },
		{ "extended echo", { MESSAGE(TYPE(42, 0), sent) }, 0, REASON_NO_RULE },
		{ "the types of ICMPv6", { MESSAGE(TYPE(1, 4), sent) }, 0, REASON_NO_RULE },
		{ 0 } } },
	{ "other messages about it", 6, { "-a pass 9.9.9.0 24 1 1 0 tcp" }, {
		{ "it is sent", sent, OUT_VETH, REASON_OUT },
		{ "no route", { MESSAGE(TYPE(1, 0), sent) }, 0, REASON_ICMP_ERROR },
		{ "packet too big", { MESSAGE(TYPE(2, 0), sent) }, 0, REASON_ICMP_ERROR },
		{ "hop limit exceeded", { MESSAGE(TYPE(3, 0), sent) }, 0, REASON_ICMP_ERROR },
		{ "parameter problem", { MESSAGE(TYPE(4, 1), sent) }, 0, REASON_NO_RULE },
		{ "type 0", { MESSAGE(TYPE(0, 0), sent) }, 0, REASON_NO_RULE },
		{ "type 100", { MESSAGE(TYPE(100, 0), sent) }, 0, REASON_NO_RULE },
		{ "router advertisement from afar", { MESSAGE(TYPE(134, 0), sent) }, 0, REASON_NO_RULE },
		{ "redirect", { MESSAGE(TYPE(137, 0), sent), .hop_limit = 255 }, 0, REASON_NO_RULE },
		{ "node information", { MESSAGE(TYPE(139, 0), sent) }, 0, REASON_NO_RULE },
		{ "the types of ICMP", { MESSAGE(TYPE(11, 0), sent) }, 0, REASON_NO_RULE },
		{ 0 } } },
	{ "about a flow that came in", 0, { "203.0.113.0 24 53 53 0 udp", "203.0.113.0 24 53 53 0 tcp" }, {
		{ "it comes", sent, 0, REASON_RULE_PASS },
		{ "an error about the reply comes", { .src = ROUTER, .dst = SPEC_DST, .icmp = UNREACHABLE, .quote = &sent_back, .quoted = 8 }, 0, REASON_ICMP_ERROR },
		{ "an error about it leaves", { .src = SPEC_DST, .dst = SPEC_SRC, .icmp = UNREACHABLE, .quote = &sent, .quoted = 8 }, OUT_VETH, REASON_ICMP_ERROR },
		{ "an error about another leaves", { .src = SPEC_DST, .dst = SPEC_SRC, .icmp = UNREACHABLE, .quote = &other_port }, OUT_VETH, REASON_OUT },
		{ "TCP comes", sent_tcp, 0, REASON_RULE_PASS },
		{ "an error about TCP, 8 bytes quoted", { ABOUT(sent_tcp), .quoted = 8 }, 0, REASON_ICMP_ERROR },
		{ 0 } } },
	{ "about other protocols", 0, { "-a pass 9.9.9.0 24 1 1 0 tcp" }, {
		{ "SCTP is sent", sent_sctp, OUT_VETH, REASON_OUT },
		{ "GRE is sent", sent_gre, OUT_VETH, REASON_OUT },
		{ "an echo request is sent", sent_echo, OUT_VETH, REASON_OUT },
		{ "about SCTP", { ABOUT(sent_sctp), .quoted = 8 }, 0, REASON_ICMP_ERROR },
		{ "about GRE", { ABOUT(sent_gre), .quoted = 8 }, 0, REASON_ICMP_ERROR },
		{ "about the echo request", { ABOUT(sent_echo), .quoted = 8 }, 0, REASON_ICMP_ERROR },
		{ "about another one", { ABOUT(sent_other_echo), .quoted = 8 }, 0, REASON_NO_RULE },
		{ 0 } } },
};

static void echo_drop(struct fixture *fixture, int family)
{
	(void)family;
	fixture_set(fixture, fixture->veth, SETTING_ICMP_ECHO, GATE_DROP);
}

static const struct scenario echoes[] = {
	{ "echo from outside", 0, { "-a pass 9.9.9.0 24 1 1 0 tcp" }, {
		{ "nothing said", { .icmp = ECHO_REQUEST, .id = 7 }, 0, REASON_NO_RULE, .conn = "none" },
		{ "icmp_echo=pass", { .icmp = ECHO_REQUEST, .id = 7 }, 0, REASON_ECHO, .conn = "unconfirmed new 1/0", .before = before_echo_pass },
		{ "the reply leaves", { .back = true, .icmp = ECHO_ANSWER, .id = 7 }, OUT_VETH, REASON_TRACKED, .conn = "unconfirmed established 1/1" },
		{ "another request", { .icmp = ECHO_REQUEST, .id = 7 }, 0, REASON_ECHO, .conn = "confirmed established 2/1" },
		{ "another reply", { .back = true, .icmp = ECHO_ANSWER, .id = 7 }, OUT_VETH, REASON_TRACKED, .conn = "confirmed established 2/2" },
		{ "a request with a code", { .proto = IPPROTO_ICMP, .family = 4, .dport = TYPE(8, 1), .id = 7 }, 0, REASON_NO_RULE },
		{ "a request with a code", { .proto = IPPROTO_ICMP, .family = 6, .dport = TYPE(128, 1), .id = 7 }, 0, REASON_NO_RULE },
		{ "a reply to nobody", { .icmp = ECHO_ANSWER, .id = 9 }, 0, REASON_NO_RULE, .conn = "none" },
		{ "on another interface", { .icmp = ECHO_REQUEST, .id = 10 }, ON_PEER, REASON_NO_RULE, .conn = "none" },
		{ "in a first fragment", { .icmp = ECHO_REQUEST, .fragment = FIRST, .id = 11 }, 0, REASON_ECHO },
		{ "its later fragment", { .proto = IPPROTO_ICMP, .fragment = LATER, .id = 11 }, 0, REASON_FRAGMENT_PASS },
		{ "icmp_echo=drop: another request", { .icmp = ECHO_REQUEST, .id = 7 }, 0, REASON_NO_RULE, .before = echo_drop },
		{ "icmp_echo=drop: a new one", { .icmp = ECHO_REQUEST, .id = 12 }, 0, REASON_NO_RULE, .conn = "none" },
		{ 0 } } },
	{ "echo from inside", 0, { "-a pass 9.9.9.0 24 1 1 0 tcp" }, {
		{ "the request leaves", { .icmp = ECHO_REQUEST, .id = 7 }, OUT_VETH, REASON_OUT, .conn = "unconfirmed new 1/0 outbound" },
		{ "the reply", { .back = true, .icmp = ECHO_ANSWER, .id = 7 }, 0, REASON_TRACKED, .conn = "confirmed established 1/1 outbound" },
		{ "the reply again", { .back = true, .icmp = ECHO_ANSWER, .id = 7 }, 0, REASON_TRACKED, .conn = "confirmed established 1/2 outbound" },
		{ "a reply to another", { .back = true, .icmp = ECHO_ANSWER, .id = 8 }, 0, REASON_NO_RULE, .conn = "none" },
		{ "a reply from another", { .src = ROUTER, .dst = SPEC_SRC, .icmp = ECHO_ANSWER, .id = 7 }, 0, REASON_NO_RULE },
		{ "a request of the same number back", { .back = true, .icmp = ECHO_REQUEST, .id = 7 }, 0, REASON_NO_RULE, .conn = "confirmed established 1/2 outbound" },
		{ "a reply leaves that nobody asked for", { .icmp = ECHO_ANSWER, .id = 20 }, OUT_VETH, REASON_OUT, .conn = "none" },
		{ 0 } } },
	{ "a rule for echo", 4, { "203.0.113.0 24 8 0 0 icmp", "-a drop 203.0.113.0 24 3 3 0 icmp" }, {
		{ "the request", { .icmp = ECHO_REQUEST, .id = 7 }, 0, REASON_RULE_PASS, .conn = "unconfirmed new 1/0" },
		{ "the reply leaves", { .back = true, .icmp = ECHO_ANSWER, .id = 7 }, OUT_VETH, REASON_TRACKED },
		{ "another request", { .icmp = ECHO_REQUEST, .id = 7 }, 0, REASON_RULE_PASS, .conn = "confirmed established 2/1" },
		{ "an error that a rule drops, about nothing", { .icmp = UNREACHABLE, .quote = &sent }, 0, REASON_RULE_DROP, .conn = "none" },
		{ "an error that no rule speaks of", { .icmp = EXCEEDED, .quote = &sent }, 0, REASON_NO_RULE },
		{ "an error about a flow precedes rules", { .dst = SPEC_DST, .icmp = UNREACHABLE, .quote = &sent_back }, 0, REASON_RULE_DROP },
		{ "the flow", { .back = true, .proto = IPPROTO_UDP, .dport = 53 }, OUT_VETH, REASON_OUT },
		{ "and now the error", { .dst = SPEC_DST, .icmp = UNREACHABLE, .quote = &sent_back }, 0, REASON_ICMP_ERROR },
		{ 0 } } },
	{ "a rule for messages that are no echo", 4, { "203.0.113.0 24 13 0 0 icmp", "-a pass 203.0.113.0 24 5 1 0 icmp" }, {
		{ "timestamp", { .proto = IPPROTO_ICMP, .dport = TYPE(13, 0), .id = 7 }, 0, REASON_RULE_PASS },
		{ "its reply is not tracked", { .back = true, .proto = IPPROTO_ICMP, .dport = TYPE(14, 0), .id = 7 }, OUT_VETH, REASON_OUT },
		{ "redirect", { .proto = IPPROTO_ICMP, .dport = TYPE(5, 1) }, 0, REASON_RULE_PASS },
		{ 0 } } },
	{ "a rule for echo", 6, { "203.0.113.0 24 128 0 0 icmpv6", "-a drop 203.0.113.0 24 1 4 0 icmpv6" }, {
		{ "the request", { .icmp = ECHO_REQUEST, .id = 7 }, 0, REASON_RULE_PASS, .conn = "unconfirmed new 1/0" },
		{ "the reply leaves", { .back = true, .icmp = ECHO_ANSWER, .id = 7 }, OUT_VETH, REASON_TRACKED },
		{ "another request", { .icmp = ECHO_REQUEST, .id = 7 }, 0, REASON_RULE_PASS, .conn = "confirmed established 2/1" },
		{ "an error that a rule drops, about nothing", { .icmp = UNREACHABLE, .quote = &sent }, 0, REASON_RULE_DROP },
		{ 0 } } },
};
/* clang-format on */

/* ---- local sockets ---- */

static const char *loopback(int family)
{
	return family == 4 ? "127.0.0.1" : "::1";
}

/* An error to loopback's address, as if it had come in by the veth interface, about what was sent from there. */
static void check(struct fixture *fixture, const char *name, const struct spec *quote, enum reason reason)
{
	struct row row = { .name = name,
			   .spec = { .src = ROUTER,
				     .dst = loopback(quote->family),
				     .icmp = UNREACHABLE,
				     .quote = quote,
				     .quoted = 8 },
			   .reason = reason };

	row_run(fixture, &row, quote->family);
}

static struct spec sent_by(int family, uint8_t proto, uint16_t sport, uint16_t dport)
{
	return (struct spec){ .family = family,
			      .src = loopback(family),
			      .dst = loopback(family),
			      .proto = proto,
			      .sport = sport,
			      .dport = dport,
			      .flags = TCP_ACK };
}

static void tcp_socket(struct fixture *fixture, int family)
{
	int listener = socket_listen(family, SOCK_STREAM, TCP_PORT);
	int client = socket_connect(family, SOCK_STREAM, TCP_PORT), server = accept(listener, NULL, NULL);
	uint16_t port = socket_port(client);
	struct spec spec = sent_by(family, IPPROTO_TCP, port, TCP_PORT);

	if (server < 0)
		err(2, "accept");
	check(fixture, "ICMP error about a connected TCP socket", &spec, REASON_ICMP_ERROR);
	spec = sent_by(family, IPPROTO_TCP, TCP_PORT, port);
	check(fixture, "ICMP error about the other end of it", &spec, REASON_ICMP_ERROR);
	spec = sent_by(family, IPPROTO_TCP, port, TCP_PORT + 1);
	check(fixture, "ICMP error about TCP to another port", &spec, REASON_NO_RULE);
	spec = sent_by(family, IPPROTO_TCP, TCP_PORT, 1);
	check(fixture, "ICMP error about a TCP listener, from which nothing was sent", &spec, REASON_NO_RULE);
	spec = sent_by(family, IPPROTO_TCP, port, TCP_PORT);
	spec.dst = ROUTER;
	check(fixture, "ICMP error about TCP to another address", &spec, REASON_NO_RULE);
	spec = sent_by(family, IPPROTO_UDP, port, TCP_PORT);
	check(fixture, "ICMP error about UDP of the same ports", &spec, REASON_NO_RULE);
	close(server);
	close(client);
	close(listener);
}

static void udp_socket(struct fixture *fixture, int family)
{
	int lonely = socket_listen(family, SOCK_DGRAM, UDP_PORT);
	struct spec spec = sent_by(family, IPPROTO_UDP, UDP_PORT, 53);

	spec.dst = SPEC_DST;
	check(fixture, "ICMP error about a UDP socket that is not connected", &spec, REASON_ICMP_ERROR);
	spec.sport = UDP_PORT + 1;
	check(fixture, "ICMP error about UDP from a port without a socket", &spec, REASON_NO_RULE);
	spec = sent_by(family, IPPROTO_UDP, UDP_PORT, 53);
	spec.dst = SPEC_DST;
	spec.fragment = LATER;
	check(fixture, "ICMP error about a later fragment of UDP", &spec, REASON_NO_RULE);
	spec = sent_by(family, IPPROTO_TCP, UDP_PORT, 53);
	check(fixture, "ICMP error about TCP from a UDP socket's port", &spec, REASON_NO_RULE);
	close(lonely);
}

/* As many bytes of the quoted packet as it takes, and not one less. */
static void quoted_sweep(struct fixture *fixture, int family)
{
	size_t headers = family == 4 ? 20 : 40, at = 8 + headers + 8;
	struct spec spec = { .family = family, ABOUT(sent) };
	struct outcome outcome;
	struct frame whole, frame;
	char got[256];

	spec_build(&spec, &whole);
	for (size_t size = 8; size < whole.len - whole.transport; size++) {
		enum reason reason = size < at ? REASON_NO_RULE : REASON_ICMP_ERROR;

		frame = whole;
		frame.len = whole.transport + size;
		frame_finish(&frame);
		fixture_run(fixture, ON_VETH, &frame, &outcome);
		if (outcome_is(&outcome, reason, &frame))
			continue;
		outcome_print(&outcome, &frame, got, sizeof(got));
		tap_not_ok(reason_name(reason), got, "ICMP error cut at every byte: at %zu (IPv%d)", size, family);
		return;
	}
	tap_ok("ICMP error cut at every byte (IPv%d)", family);
}

static void socket_errors(struct fixture *fixture)
{
	fixture_open(fixture);
	fixture_set_rules_seen(fixture, 1);
	for (int family = 4; family <= 6; family += 2) {
		const struct row row = { "what the next quotes is sent", sent, OUT_VETH, REASON_OUT };

		tcp_socket(fixture, family);
		udp_socket(fixture, family);
		row_run(fixture, &row, family);
		quoted_sweep(fixture, family);
	}
	fixture_close(fixture);
}

void icmp_cases(struct fixture *fixture)
{
	scenarios_run(fixture, errors, sizeof(errors) / sizeof(errors[0]));
	scenarios_run(fixture, echoes, sizeof(echoes) / sizeof(echoes[0]));
	socket_errors(fixture);
}
