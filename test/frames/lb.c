/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lb.o, both ways, in a box with routes: services of each mode, for both families and protocols. What is to no service
 * and from no backend is left alone. What is rewritten reads as a packet still, of the same payload, and its checksums
 * are right if they were, and wrong if they were wrong.
 */
#include "packet/box.h"
#include "packet/flows.h"
#include "packet/services.h"
#include "trial.h"

#include <arpa/inet.h>
#include <err.h>
#include <linux/pkt_cls.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define QUIET_MAX 64 /* frames that are let alone before it is asked whether a counter moved */

#define BACKEND(n)                                                    \
	{                                                             \
		.addr = BOX_BACKEND_##n, .port = SERVICE_BACKEND_PORT \
	}
static const struct service_spec services[] = {
	{ .vip = "203.0.113.5", .low = 80, .backends = { BACKEND(1), BACKEND(2) } },
	{ .vip = "203.0.113.7",
	  .high = SERVICE_ANY_PORT,
	  .backends = { { .addr = BOX_BACKEND_1 }, { .addr = BOX_BACKEND_FAR } } },
	{ .vip = "203.0.113.8", .low = 80, .mode = LB_MASQUERADE, .backends = { BACKEND(1), BACKEND(3) } },
	{ .vip = "203.0.113.9", .low = 80, .mode = LB_DSR, .backends = { { .addr = BOX_BACKEND_2 } } },
	{ .vip = "203.0.113.10", .low = 80, .backends = { { .addr = BOX_BACKEND_NARROW, .port = 80 } } },
};

static const char *const ends[] = { "203.0.113.5",   "203.0.113.7",      "203.0.113.8",      "203.0.113.9",
				    "203.0.113.10",  BOX_BACKEND_1,      BOX_BACKEND_2,      BOX_BACKEND_3,
				    BOX_BACKEND_FAR, BOX_BACKEND_NARROW, BOX_BACKEND_ADDRESS };
static const char *const clients[] = { BOX_CLIENT, BOX_NEAR_CLIENT, BOX_NARROW_CLIENT, "198.51.100.200" };

static unsigned int quiet;       /* frames since the counters were looked at */
static struct frame first, sent; /* the newest first fragment that was drawn; what was sent on, from its IP header on */

static void open_lb(struct trial *trial)
{
	uint32_t index = 0;

	trial->fixture.tested = LB;
	fixture_open(&trial->fixture);
	for (int family = 4; family <= 6; family += 2)
		for (size_t i = 0; i < COUNT(services); i++) {
			service_put(&trial->fixture, index++, family, IPPROTO_TCP, &services[i]);
			service_put(&trial->fixture, index++, family, IPPROTO_UDP, &services[i]);
		}
}

static void close_lb(struct trial *trial)
{
	fixture_close(&trial->fixture);
}

static void begin_lb(struct trial *trial)
{
	flows_forget(&trial->fixture);
}

/* ---- frames ---- */

static void address_of(int family, const char *name, uint8_t addr[16])
{
	__u64 words[2];

	address_words(family == RULES_IPV6 ? 6 : 4, name, words);
	memcpy(addr, words, 16);
}

/* Another fragment of the packet whose first was drawn before. */
static void draw_later(struct frame *frame)
{
	*frame = first;
	if (frame->family == 4)
		frame_put16(frame, frame->network + 6, 0x2000 | 5);
	else
		frame_put16(frame, frame->extension + 2, 5 << 3 | 1);
}

/* An error about what was sent on, from a router on its way. */
static void draw_error(struct trial *trial, struct frame *frame)
{
	bool six = sent.data[0] >> 4 == 6;
	const struct spec spec = { .family = six ? 6 : 4, .src = BOX_BACKEND_FAR, .icmp = UNREACHABLE };
	size_t size = 28 + 20 * six + numbers_below(&trial->numbers, 40);

	spec_build(&spec, frame);
	memcpy(frame->data + frame->network + (six ? 24 : 16), sent.data + (six ? 8 : 12), six ? 16 : 4);
	frame_append(frame, sent.data, size < sent.len ? size : sent.len);
	frame_finish(frame);
}

/* To a service or back. */
static void draw_end(struct trial *trial, struct frame *frame)
{
	static const int protos[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP };
	static const int ports[] = { 80, 80, 80, 80, 8080, 40000 };
	struct numbers *numbers = &trial->numbers;
	struct plain_packet packet = { .family = (int)numbers_below(numbers, 2),
				       .proto = protos[numbers_below(numbers, COUNT(protos))],
				       .port = ports[numbers_below(numbers, COUNT(ports))] };
	const char *end = ends[numbers_below(numbers, COUNT(ends))],
		   *client = clients[numbers_below(numbers, COUNT(clients))];
	bool back = ONE_IN(numbers, 3);
	struct plain plain;

	if (packet.proto == IPPROTO_ICMP) {
		packet.proto = packet.family == RULES_IPV6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
		packet.port = 3 << 8;
	}
	address_of(packet.family, back ? end : client, packet.src);
	address_of(packet.family, back ? client : end, packet.dst);
	frame_draw_for(numbers, &packet, frame);
	plain_read(frame, &plain);
	if (plain.is_first && plain.l3 == frame->network && (plain.family == 4 || frame->extension))
		first = *frame;
}

/* Or what has to do with the one before. */
static void draw_lb(struct trial *trial, struct frame *frame)
{
	if (first.len && ONE_IN(&trial->numbers, 4)) {
		draw_later(frame);
		first.len = 0;
	} else if (sent.len && ONE_IN(&trial->numbers, 4)) {
		draw_error(trial, frame);
		sent.len = 0;
	} else {
		draw_end(trial, frame);
	}
}

static enum context where_lb(struct trial *trial)
{
	static const enum context contexts[] = { ON_VETH, ON_VETH, ON_PEER, OUT_VETH, OUT_PEER };

	return contexts[numbers_below(&trial->numbers, COUNT(contexts))];
}

/* ---- what must hold ---- */

static bool is_end(const struct plain *plain, const uint8_t addr[16])
{
	uint8_t end[16];

	for (size_t i = 0; i < COUNT(ends); i++) {
		address_of(plain->family == 6 ? RULES_IPV6 : RULES_IPV4, ends[i], end);
		if (!memcmp(end, addr, plain->family == 6 ? 16 : 4))
			return true;
	}
	return false;
}

/* ICMP errors are about packets of services, whoever sends them. */
static bool may_be_ours(const struct plain *plain)
{
	if (plain->kind != PLAIN_IP)
		return false;
	if (plain_is_icmp(plain))
		return true;
	return (plain->proto == IPPROTO_TCP || plain->proto == IPPROTO_UDP || plain->is_later) &&
	       (is_end(plain, plain->src) || is_end(plain, plain->dst));
}

static bool is_same(const struct fixture *fixture, const struct frame *frame)
{
	return fixture->out_len == frame->len && !memcmp(fixture->out, frame->data, frame->len);
}

static bool counters_rest(struct trial *trial, struct wrong *wrong)
{
	struct outcome outcome = { .moved = 0 };

	quiet = 0;
	counts_compare(&trial->fixture, &outcome);
	return !outcome.moved || wrong_say(wrong, "what is none of its is not counted", "%d packets, %s", outcome.moved,
					   reason_name(outcome.reason));
}

static bool is_counted(struct trial *trial, const struct frame *frame, struct outcome *outcome, struct wrong *wrong)
{
	counts_compare(&trial->fixture, outcome);
	trial->decided[outcome->reason]++;
	if (outcome->moved == 1 && outcome->bytes == (int64_t)frame->len)
		return true;
	return wrong_say(wrong, "what is its is counted once, with its bytes", "%d packets, %lld bytes of %zu, %s",
			 outcome->moved, (long long)outcome->bytes, frame->len, reason_name(outcome->reason));
}

static struct frame frame_out(const struct fixture *fixture)
{
	struct frame out = { .len = fixture->out_len };

	memcpy(out.data, fixture->out, fixture->out_len);
	return out;
}

/* The sums of what it came as say those of what it is; an answer is the program's own. */
static bool sums_hold(const struct frame *in, const struct plain *was, const struct frame *out, const struct plain *is,
		      bool own, struct wrong *wrong)
{
	enum sums header = own && is->family == 4 ? SUM_RIGHT : plain_header_sum(in, was);
	enum sums transport = own ? SUM_RIGHT : plain_transport_sum(in, was);

	if (plain_header_sum(out, is) != header)
		return wrong_say(wrong, "the checksum of the header is as right as it was", "%d, not %d",
				 plain_header_sum(out, is), header);
	if (plain_transport_sum(out, is) != transport)
		return wrong_say(wrong, "the checksum of the transport is as right as it was", "%d, not %d",
				 plain_transport_sum(out, is), transport);
	return true;
}

/* A tunnel's outer header is its own; what is in it is the packet with a hop less. */
static bool tunnel_holds(const struct plain *was, const struct frame *out, const struct plain *is, struct wrong *wrong)
{
	if (is->family == 4 && plain_header_sum(out, is) != SUM_RIGHT)
		return wrong_say(wrong, "the checksum of a tunnel's header is right", "it is wrong");
	if (is->end - is->l4 != was->end - was->l3)
		return wrong_say(wrong, "a tunnel has all of the packet", "%zu bytes of %zu", is->end - is->l4,
				 was->end - was->l3);
	return true;
}

static bool payload_holds(const struct frame *in, const struct plain *was, const struct frame *out,
			  const struct plain *is, struct wrong *wrong)
{
	/* ports and a checksum may be others, which stand in the first 18 bytes; of ICMP what it quotes */
	size_t skipped = plain_is_icmp(was)          ? was->end - was->l4
			 : was->is_later             ? 0
			 : was->proto == IPPROTO_UDP ? 8
						     : 18;
	size_t size = was->end - was->l4;

	if (is->end - is->l4 != size || is->l4 - is->l3 != was->l4 - was->l3 || is->proto != was->proto)
		return wrong_say(wrong, "a packet stays as long as it was", "%zu bytes, not %zu", is->end - is->l4,
				 size);
	if (size > skipped && memcmp(in->data + was->l4 + skipped, out->data + is->l4 + skipped, size - skipped))
		return wrong_say(wrong, "the payload is not changed", "it is");
	return true;
}

static bool is_tunnelled(const struct plain *was, const struct plain *is)
{
	return (is->proto == IPPROTO_IPIP || is->proto == IPPROTO_IPV6) && was->proto != is->proto;
}

/* For an error about it. */
static void sent_keep(const struct frame *out, const struct plain *is)
{
	sent.len = is->end - is->l3;
	memcpy(sent.data, out->data + is->l3, sent.len);
}

static bool rewritten_holds(struct trial *trial, int action, enum reason reason, const struct frame *in,
			    const struct plain *was, struct wrong *wrong)
{
	struct frame out = frame_out(&trial->fixture);
	bool answer = reason == REASON_TOO_BIG || reason == REASON_HOP_LIMIT;
	struct plain is;

	plain_read(&out, &is);
	if (is.kind != PLAIN_IP)
		return wrong_say(wrong, "what is rewritten reads as a packet", "kind %d", is.kind);
	if (answer)
		return sums_hold(in, was, &out, &is, true, wrong);
	if (is_tunnelled(was, &is))
		return tunnel_holds(was, &out, &is, wrong);
	if (action == TC_ACT_REDIRECT && is.hops + 1 != was->hops)
		return wrong_say(wrong, "who sends on takes a hop", "%u, then %u", was->hops, is.hops);
	if (action == TC_ACT_UNSPEC && is.hops != was->hops)
		return wrong_say(wrong, "what the stack is given keeps its hops", "%u, then %u", was->hops, is.hops);
	sent_keep(&out, &is);
	return payload_holds(in, was, &out, &is, wrong) && sums_hold(in, was, &out, &is, false, wrong);
}

static bool action_holds(int action, const struct outcome *outcome, struct wrong *wrong)
{
	bool drop = reason_verdict(outcome->reason) == VERDICT_DROP;
	bool told = outcome->reason == REASON_TOO_BIG || outcome->reason == REASON_HOP_LIMIT;

	if (action == TC_ACT_SHOT ? drop : action == TC_ACT_REDIRECT ? !drop || told : action == TC_ACT_UNSPEC && !drop)
		return true;
	return wrong_say(wrong, "the action is that of the reason", "%d for %s", action, reason_name(outcome->reason));
}

static bool ours_holds(struct trial *trial, int action, const struct frame *frame, const struct plain *plain,
		       struct wrong *wrong)
{
	struct outcome outcome = { .moved = 0 };

	if (!may_be_ours(plain))
		return wrong_say(wrong, "what is to no service and from no backend is left alone", "%s",
				 action_name(action));
	if (!is_counted(trial, frame, &outcome, wrong) || !action_holds(action, &outcome, wrong))
		return false;
	return action == TC_ACT_SHOT || rewritten_holds(trial, action, outcome.reason, frame, plain, wrong);
}

static bool run_holds(struct trial *trial, enum context context, const struct frame *frame, const struct plain *plain,
		      int *action, struct wrong *wrong)
{
	*action = fixture_run_quick(&trial->fixture, context, frame);
	trial->frames++;
	if (*action < -100)
		return wrong_say(wrong, "a run succeeds", "errno %d", -100 - *action);
	if (*action != TC_ACT_UNSPEC || !is_same(&trial->fixture, frame))
		return ours_holds(trial, *action, frame, plain, wrong);
	return ++quiet < QUIET_MAX || counters_rest(trial, wrong);
}

/* The first time, when its flow is known, and with other bytes behind it. */
static bool holds_lb(struct trial *trial, enum context context, const struct frame *frame, struct wrong *wrong)
{
	struct numbers numbers = { frame->len };
	int action, again;
	struct plain plain;
	struct frame other;

	if (frame->len < frame_shortest(frame))
		return true;
	plain_read(frame, &plain);
	if (!run_holds(trial, context, frame, &plain, &action, wrong) ||
	    !run_holds(trial, context, frame, &plain, &again, wrong))
		return false;
	if (!frame_trail(&numbers, frame, &plain, &other) || other.len < frame_shortest(&other))
		return true;
	if (!run_holds(trial, context, &other, &plain, &action, wrong))
		return false;
	return action == again || wrong_say(wrong, "what is behind the IP packet has no say", "%s, then %s",
					    action_name(again), action_name(action));
}

static bool end_lb(struct trial *trial, struct wrong *wrong)
{
	return counters_rest(trial, wrong);
}

const struct program program_lb = {
	.name = "lb.o",
	.open = open_lb,
	.begin = begin_lb,
	.draw = draw_lb,
	.where = where_lb,
	.holds = holds_lb,
	.end = end_lb,
	.close = close_lb,
	.in_box = true,
};
