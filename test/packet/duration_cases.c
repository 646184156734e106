/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * --max-duration: the packet that finds its connection too old becomes a reset to its receiver, and a copy of it goes
 * to its sender: RFC 9293 section 3.5.2.
 */
#include "harness.h"

#include <linux/if_ether.h>
#include <linux/if_packet.h>

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <err.h>
#include <linux/pkt_cls.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RST_ACK (TCP_RST | TCP_ACK)
#define TCP_SIZE 20
#define WAIT_MS 2000

/* clang-format off */
#define UDP IPPROTO_UDP
#define THERE(bits) { .dport = 80, .flags = (bits) }
#define BACK(bits)  { .back = true, .dport = 80, .flags = (bits) }

/* Packets without ACK cannot be made a reset of: the frame stays, so tables do. */
static const struct scenario cases[] = {
	{ "max-duration of UDP", 0, { "--max-duration 1000 203.0.113.0 24 53 53 0 udp" }, {
		{ "begins", { .proto = UDP, .dport = 53 }, ON_VETH, REASON_RULE_PASS, .conn = "unconfirmed new 1/0" },
		{ "back", { .back = true, .proto = UDP, .dport = 53 }, OUT_VETH, REASON_TRACKED },
		{ "too old", { .proto = UDP, .dport = 53 }, ON_VETH, REASON_MAX_DURATION, .conn = "unconfirmed closed 1/1 cut", .before = before_overdue },
		{ "gone", { .proto = UDP, .dport = 53 }, ON_VETH, REASON_MAX_DURATION, .conn = "unconfirmed closed 1/1 cut" },
		{ "gone the other way too", { .back = true, .proto = UDP, .dport = 53 }, OUT_VETH, REASON_MAX_DURATION, .conn = "unconfirmed closed 1/1 cut" },
		{ "mode=detect", { .proto = UDP, .dport = 53 }, ON_VETH, REASON_MAX_DURATION, VERDICT_DETECT, .before = before_detect },
		{ "another flow", { .proto = UDP, .sport = 1, .dport = 53 }, ON_VETH, REASON_RULE_PASS, .conn = "unconfirmed new 1/0" },
		{ 0 } } },
	{ "max-duration of TCP", 0, { "--max-duration 1000 203.0.113.0 24 80 80 0 tcp" }, {
		{ "SYN", THERE(TCP_SYN), ON_VETH, REASON_RULE_PASS, .conn = "unconfirmed handshake 1/0" },
		{ "SYN-ACK", BACK(TCP_SYN | TCP_ACK), OUT_VETH, REASON_TRACKED },
		{ "ACK", THERE(TCP_ACK), ON_VETH, REASON_RULE_PASS, .conn = "confirmed established 2/1" },
		{ "too old, a segment without ACK", THERE(TCP_FIN), ON_VETH, REASON_MAX_DURATION, .conn = "confirmed closed 2/1 cut", .before = before_overdue },
		{ "RST passes", THERE(TCP_RST), ON_VETH, REASON_TRACKED, .conn = "confirmed closed 2/1 cut" },
		{ "RST passes the other way", BACK(RST_ACK), OUT_VETH, REASON_TRACKED, .conn = "confirmed closed 2/1 cut" },
		{ "an error about it passes", { .src = "192.0.2.77", .dst = SPEC_SRC, .icmp = UNREACHABLE, .quote = &(const struct spec){ .dport = 80 } }, ON_VETH, REASON_ICMP_ERROR },
		{ "SYN begins anew", THERE(TCP_SYN), ON_VETH, REASON_RULE_PASS, .conn = "unconfirmed handshake 1/0" },
		{ "and is answered", BACK(TCP_SYN | TCP_ACK), OUT_VETH, REASON_TRACKED, .conn = "unconfirmed handshake 1/1" },
		{ 0 } } },
	{ "max-duration of what leaves", 0, { "--max-duration 1000 --direction out 203.0.113.0 24 53 53 0 udp" }, {
		{ "begins", { .proto = UDP, .dport = 53 }, OUT_VETH, REASON_RULE_PASS, .conn = "unconfirmed new 1/0 outbound" },
		{ "back", { .back = true, .proto = UDP, .dport = 53 }, ON_VETH, REASON_TRACKED },
		{ "too old", { .back = true, .proto = UDP, .dport = 53 }, ON_VETH, REASON_MAX_DURATION, .conn = "confirmed closed 1/1 outbound cut", .before = before_overdue },
		{ "gone", { .proto = UDP, .dport = 53 }, OUT_VETH, REASON_MAX_DURATION },
		{ 0 } } },
	{ "max-duration that comes later", 0, { "203.0.113.0 24 53 53 0 udp" }, {
		{ "begins", { .proto = UDP, .dport = 53 }, ON_VETH, REASON_RULE_PASS },
		{ "a rule limits it", { .proto = UDP, .dport = 53 }, ON_VETH, REASON_RULE_PASS, .rule = "-P 1 --max-duration 1000 203.0.113.0 24 53 53 0 udp" },
		{ "too old", { .proto = UDP, .dport = 53 }, ON_VETH, REASON_MAX_DURATION, .before = before_overdue },
		{ 0 } } },
};
/* clang-format on */

/* ---- frames out ---- */

/* A segment as it comes, and the reset that it becomes. */
struct reset_case {
	const char *name;
	struct spec spec;
	bool partial; /* the checksum is still to be made */
};

/* clang-format off */
static const struct reset_case resets[] = {
	{ "without data", { .dport = 80, .flags = TCP_ACK }, false },
	{ "with data", { .dport = 80, .flags = TCP_ACK, .payload = 333 }, false },
	{ "with options", { .dport = 80, .flags = TCP_ACK, .payload = 40, .poke = { AT_TRANSPORT, 12, 1, 0xf0 } }, false },
	{ "FIN", { .dport = 80, .flags = TCP_FIN | TCP_ACK, .payload = 7 }, false },
	{ "behind IP options", { .family = 4, .options = 24, .dport = 80, .flags = TCP_ACK, .payload = 9 }, false },
	{ "behind extension headers", { .family = 6, .chain = "HRD", .dport = 80, .flags = TCP_ACK, .payload = 9 }, false },
	{ "tagged", { .tags = { ETH_P_8021Q }, .dport = 80, .flags = TCP_ACK, .payload = 9 }, false },
	{ "padded", { .dport = 80, .flags = TCP_ACK, .pad = 6 }, false },
	{ "whose checksum is yet to be made", { .dport = 80, .flags = TCP_ACK, .payload = 100 }, true },
};
/* clang-format on */

static uint32_t sum16(const uint8_t *at, size_t size, uint32_t sum)
{
	for (size_t i = 0; i < size; i += 2)
		sum += (uint32_t)(at[i] << 8 | at[i + 1]);
	return sum;
}

/* The checksum field as a driver finds it that makes checksums: the sum of the pseudo header. */
static void checksum_partial(struct frame *frame)
{
	size_t addresses = frame->network + (frame->family == 4 ? 12 : 8);
	uint32_t sum = sum16(frame->data + addresses, frame->family == 4 ? 8 : 32,
			     IPPROTO_TCP + (uint32_t)(frame->len - frame->transport));

	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	frame_put16(frame, frame->transport + 16, (uint16_t)sum);
}

/* The fields that differ from segment to segment; spec_build leaves seq 1 and ack 1. */
static void number(struct frame *frame)
{
	static const uint8_t seq_ack[] = { 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf0 };

	memcpy(frame->data + frame->transport + 4, seq_ack, sizeof(seq_ack));
}

static void segment_build(const struct reset_case *test, int family, struct frame *frame)
{
	struct spec spec = test->spec;

	spec.family = family;
	spec.pad = 0;
	spec_build(&spec, frame);
	number(frame);
	frame_put16(frame, frame->transport + 18, 0x0101); /* urgent pointer */
	frame_finish(frame);
	if (test->partial)
		checksum_partial(frame);
	frame_bytes(frame, test->spec.pad);
}

/* On to the receiver: the sender's own numbers. */
static void reset_forward_build(const struct reset_case *test, int family, struct frame *frame)
{
	struct spec spec = test->spec;

	spec.family = family;
	spec.flags = RST_ACK;
	spec.payload = spec.pad = 0;
	spec.poke = (struct poke){ 0 };
	spec_build(&spec, frame);
	number(frame);
	frame_put16(frame, frame->transport + 14, 0); /* window */
	frame_finish(frame);
	if (test->partial)
		checksum_partial(frame);
}

/* Back to the sender, with the number that it acknowledged. */
static void reset_back_build(const struct reset_case *test, int family, struct frame *frame)
{
	struct spec spec = test->spec;
	uint8_t addresses[12];

	spec.family = family;
	spec.flags = TCP_RST;
	spec.back = !spec.back;
	spec.payload = spec.pad = 0;
	spec.poke = (struct poke){ 0 };
	spec_build(&spec, frame);
	number(frame);
	memcpy(frame->data + frame->transport + 4, frame->data + frame->transport + 8, 4);
	memset(frame->data + frame->transport + 8, 0, 4);
	frame_put16(frame, frame->transport + 14, 0);
	frame_finish(frame);
	if (test->partial)
		checksum_partial(frame);
	memcpy(addresses, frame->data, sizeof(addresses));
	memcpy(frame->data, addresses + 6, 6);
	memcpy(frame->data + 6, addresses, 6);
}

static void frames_compare(const struct frame *expected, const uint8_t *got, size_t len, const char *name, int family)
{
	char text[128];
	size_t at = 0;

	if (len == expected->len && !memcmp(got, expected->data, len)) {
		tap_ok("%s (IPv%d)", name, family);
		return;
	}
	while (at < len && at < expected->len && got[at] == expected->data[at])
		at++;
	snprintf(text, sizeof(text), "%zu bytes, byte %zu (%zu of TCP) is %02x", len, at, at - expected->transport,
		 at < len ? got[at] : 0);
	tap_not_ok("the reset", text, "%s (IPv%d)", name, family);
}

/* The kernel takes the tag off what it receives before anybody sees it. */
static void untag(struct frame *frame)
{
	memmove(frame->data + 12, frame->data + 16, frame->len - 16);
	frame->len -= 4;
}

/* Frames that arrive at an interface. */
static int capture_open(int ifindex)
{
	struct sockaddr_ll address = { .sll_family = AF_PACKET,
				       .sll_protocol = htons(ETH_P_ALL),
				       .sll_ifindex = ifindex };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)))
		err(2, "capture");
	return fd;
}

/* The first frame of those Ethernet addresses and that ethertype; the kernel itself sends others. */
static size_t capture_read(int fd, const struct frame *like, uint8_t *buffer, size_t size)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	while (poll(&poll_fd, 1, WAIT_MS) > 0) {
		ssize_t got = recv(fd, buffer, size, 0);

		if (got > 14 && !memcmp(buffer, like->data, 14))
			return (size_t)got;
	}
	return 0;
}

static void overdue_open(struct fixture *fixture, const struct spec *spec, int family)
{
	struct spec first = *spec;
	struct outcome outcome;
	struct frame frame;

	state_forget(fixture);
	first.family = family;
	spec_build(&first, &frame);
	fixture_run(fixture, ON_VETH, &frame, &outcome);
	if (outcome.reason != REASON_RULE_PASS)
		tap_not_ok("rule-pass", reason_name(outcome.reason), "a connection to be reset (IPv%d)", family);
	before_overdue(fixture, family);
}

/* at: where the segment is seen; copies come out at the peer of veth0, or come in by veth0. */
static void reset_run(struct fixture *fixture, const struct reset_case *test, int family, enum context at)
{
	int fd = capture_open(at == ON_VETH ? fixture->veth_peer : fixture->veth);
	struct frame segment, expected;
	struct outcome outcome;
	uint8_t copy[FRAME_MAX];
	char name[128];
	size_t len;

	overdue_open(fixture, &test->spec, family);
	segment_build(test, family, &segment);
	fixture_run(fixture, at, &segment, &outcome);
	snprintf(name, sizeof(name), "a reset%s %s", at == ON_VETH ? "" : " as it leaves", test->name);
	if (outcome.action != TC_ACT_UNSPEC || outcome.reason != REASON_MAX_DURATION || outcome.moved != 1 ||
	    outcome.bytes != (int64_t)segment.len)
		tap_not_ok("pass max-duration", reason_name(outcome.reason), "%s (IPv%d)", name, family);
	reset_forward_build(test, family, &expected);
	frames_compare(&expected, fixture->out, fixture->out_len, name, family);
	reset_back_build(test, family, &expected);
	if (test->spec.tags[0])
		untag(&expected);
	len = capture_read(fd, &expected, copy, sizeof(copy));
	snprintf(name, sizeof(name), "its copy back%s %s", at == ON_VETH ? "" : " as it leaves", test->name);
	frames_compare(&expected, copy, len, name, family);
	fixture_run(fixture, at, &segment, &outcome);
	reset_forward_build(test, family, &expected);
	snprintf(name, sizeof(name), "the next, which may have missed it,%s %s", at == ON_VETH ? "" : " as it leaves",
		 test->name);
	frames_compare(&expected, fixture->out, fixture->out_len, name, family);
	close(fd);
}

static void reset_cases(struct fixture *fixture, int family)
{
	fixture_open(fixture);
	if (fixture->map_update && !rule_insert(fixture, family, "--max-duration 1000 203.0.113.0 24 80 80 0 tcp"))
		for (size_t i = 0; i < sizeof(resets) / sizeof(resets[0]); i++)
			for (enum context at = ON_VETH; at <= OUT_VETH; at += OUT_VETH - ON_VETH)
				if (!resets[i].spec.family || resets[i].spec.family == family)
					reset_run(fixture, &resets[i], family, at);
	if (!fixture->map_update)
		tap_skip("no map_update", "resets (IPv%d)", family);
	fixture_close(fixture);
}

void duration_cases(struct fixture *fixture)
{
	scenarios_run(fixture, cases, sizeof(cases) / sizeof(cases[0]));
	reset_cases(fixture, 4);
	reset_cases(fixture, 6);
}
