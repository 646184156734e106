/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the balancer tells of its packets: the first of a flow in each direction is a decision, with both tuples, the
 * way and the checksums as they were and are; all others are packets. Two listen, one to decisions and one to packets.
 * Records are compared byte by byte with what the frames say that went in and should come out.
 */
#include "exchange_steps.h"
#include "listener.h"

#include <linux/if_ether.h>

#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define RING 65536

/* Where a packet goes. */
struct way {
	const char *interface; /* NULL: the stack decides */
	uint8_t mac[ETH_ALEN];
};

struct told {
	struct step step;
	bool is_decision;
	struct way way;
};

/* clang-format off */
#define TO_1 { "backends", { 2, 0, 0, 0, 0x0b, 0x11 } }
#define TO_ROUTER { "backends", { 2, 0, 0, 0, 0x0b, 0xfe } }
#define TO_CLIENT { "clients", { 2, 0, 0, 0, 0xc0, 0xfe } }
#define LEAVING { "clients", { 2, 0, 0, 0, 0, 1 } } /* as the frame has it */
#define UNRESOLVED { "backends", { 0 } }
#define FAR { .vip = "203.0.113.6", .backends = { { .addr = BOX_BACKEND_FAR, .port = SERVICE_BACKEND_PORT } } }
#define NONE_TAKES { .vip = "203.0.113.7", .backends = { { .addr = BOX_BACKEND_1, .weight = -1 } } }
#define PUT(...) .put = &(const struct service_spec)__VA_ARGS__

static const struct service_spec services[] = { { .low = SERVICE_PORT }, FAR, NONE_TAKES };

static const struct told tolds[] = {
	{ { "the first there", TO_VIP(.payload = 5), ON_VETH, BALANCED, TO_BACKEND }, true, TO_1 },
	{ { "the same again", TO_VIP(.payload = 5), ON_VETH, BALANCED, TO_BACKEND }, false, TO_1 },
	{ { "the first back", FROM_BACKEND(.flags = SYN_ACK), ON_PEER, BACK, AS_VIP }, true, TO_CLIENT },
	{ { "there again", TO_VIP(.flags = TCP_ACK), ON_VETH, BALANCED, TO_BACKEND }, false, TO_1 },
	{ { "back again", FROM_BACKEND(.flags = TCP_ACK, .payload = 9), ON_PEER, BACK, AS_VIP }, false, TO_CLIENT },
	{ { "there, right after a packet back", TO_VIP(.flags = TCP_ACK), ON_VETH, BALANCED, TO_BACKEND }, false, TO_1 },
	{ { "to a backend behind a router", TO_VIP(.dst = "203.0.113.6"), ON_VETH, BALANCED, { .dst = BOX_BACKEND_FAR, .dport = SERVICE_BACKEND_PORT } }, true, TO_ROUTER },
	{ { "of the first flow, right after that", TO_VIP(.flags = TCP_ACK), ON_VETH, BALANCED, TO_BACKEND }, false, TO_1 },
	{ { "the first back, leaving", { .src = BOX_BACKEND_FAR, .dst = SPEC_SRC, .sport = SERVICE_BACKEND_PORT, .dport = CLIENT_PORT, .flags = SYN_ACK }, OUT_VETH, BACK_LEAVING, { .src = "203.0.113.6", .sport = SERVICE_PORT } }, true, LEAVING },
	{ { "leaving again", { .src = BOX_BACKEND_FAR, .dst = SPEC_SRC, .sport = SERVICE_BACKEND_PORT, .dport = CLIENT_PORT, .flags = TCP_ACK }, OUT_VETH, BACK_LEAVING, { .src = "203.0.113.6", .sport = SERVICE_PORT } }, false, LEAVING },
	{ { "no backend", TO_VIP(.dst = "203.0.113.7"), ON_VETH, DROPPED(REASON_NO_BACKEND) }, true },
	{ { "and again: each that is dropped", TO_VIP(.dst = "203.0.113.7"), ON_VETH, DROPPED(REASON_NO_BACKEND) }, true },
	{ { "out of hops", TO_VIP(.sport = 3, .hop_limit = 1), ON_VETH, TC_ACT_REDIRECT, REASON_HOP_LIMIT, { .form = ANSWERED } }, true },
	{ { "back, of no flow", FROM_BACKEND(.dport = 4, .flags = TCP_ACK), ON_PEER, BACK, AS_VIP }, true, TO_CLIENT },
	{ { "a neighbour that is not known", TO_VIP(.sport = 5), ON_VETH, BALANCED, { .dst = BOX_BACKEND_UNKNOWN, .dport = SERVICE_BACKEND_PORT }, PUT({ .backends = { { .addr = BOX_BACKEND_UNKNOWN, .port = SERVICE_BACKEND_PORT } } }) }, true, UNRESOLVED },
	{ { "the stack decides", TO_VIP(.sport = 6), ON_VETH, TC_ACT_UNSPEC, REASON_BALANCED, { .dst = BOX_BACKEND_NOWHERE, .dport = SERVICE_BACKEND_PORT }, PUT({ .backends = { { .addr = BOX_BACKEND_NOWHERE, .port = SERVICE_BACKEND_PORT } } }) }, true },
	{ { "masquerade", TO_VIP(.sport = 7), ON_VETH, BALANCED, AS_BOX, PUT(MASQUERADE) }, true, TO_1 },
	{ { "its answer", FROM_BACKEND_TO_BOX(.flags = SYN_ACK), ON_PEER, BACK, { .src = SPEC_DST, .sport = SERVICE_PORT, .dst = SPEC_SRC, .dport = 7 } }, true, TO_CLIENT },
	{ { "dsr", TO_VIP(.sport = 8, .payload = 5), ON_VETH, BALANCED, { .form = TUNNELLED }, PUT(DSR) }, true, TO_1 },
	{ { "dsr to the other family", TO_VIP(.sport = 9, .payload = 5), ON_VETH, BALANCED, { .form = TUNNELLED, .is_other = true }, PUT({ .mode = LB_DSR, .backends = { { .addr = BOX_BACKEND_1, .is_other = true } } }) }, true, TO_1 },
	{ { "none of ours", { .dport = 81 }, ON_VETH, UNTOUCHED }, false },
};
/* clang-format on */

/* ---- what is expected ---- */

static uint16_t raw16(const uint8_t *at)
{
	uint16_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

static size_t check_at(const struct frame *frame)
{
	return frame->transport + (frame->data[frame->next] == IPPROTO_TCP ? 16 : 6);
}

static void expect_tuple(const struct frame *frame, uint8_t src[16], uint8_t dst[16])
{
	size_t size = frame->family == 6 ? 16 : 4;
	const uint8_t *addresses = frame->data + frame->network + (frame->family == 6 ? 8 : 12);

	memcpy(src, addresses, size);
	memcpy(dst, addresses + size, size);
}

/* Of a tunnel the addresses are the outer ones; ports and the transport's checksum are those of the packet in it. */
static void expect_translation(const struct told *told, const struct frame *in, const struct frame *out,
			       struct event *event)
{
	bool is_tunnelled = told->step.becomes.form == TUNNELLED;
	const uint8_t *ports = is_tunnelled ? in->data + in->transport : out->data + out->transport;

	event->new_family = (uint8_t)out->family;
	expect_tuple(out, event->new_src, event->new_dst);
	event->new_sport = raw16(ports);
	event->new_dport = raw16(ports + 2);
	event->l4_check_before = raw16(in->data + check_at(in));
	event->l4_check_after = is_tunnelled ? event->l4_check_before : raw16(out->data + check_at(out));
	if (in->family == 4)
		event->ip_check_before = raw16(in->data + in->network + 10);
	if (out->family == 4)
		event->ip_check_after = raw16(out->data + out->network + 10);
	if (told->way.interface)
		event->new_ifindex = if_nametoindex(told->way.interface);
	memcpy(event->next_hop, told->way.mac, sizeof(event->next_hop));
}

static struct event expected_of(const struct fixture *fixture, const struct told *told, const struct frame *in,
				const struct frame *out)
{
	enum context context = told->step.context;
	struct event event = { .size = sizeof(event), .version = EVENT_ABI, .object = EVENT_LB };

	event.hook = context >= OUT_VETH ? EVENT_EGRESS : EVENT_INGRESS;
	event.ifindex = (uint32_t)(context == ON_PEER || context == OUT_PEER ? fixture->veth_peer : fixture->veth);
	event.length = (uint32_t)in->len;
	event.reason = told->step.reason;
	event.verdict = reason_verdict(told->step.reason) == VERDICT_DROP ? VERDICT_DROP : VERDICT_TRANSLATE;
	event.family = (uint8_t)in->family;
	event.proto = in->data[in->next];
	event.ethertype = in->family == 6 ? ETH_P_IPV6 : ETH_P_IP;
	expect_tuple(in, event.src, event.dst);
	event.sport = raw16(in->data + in->transport);
	event.dport = raw16(in->data + in->transport + 2);
	if (event.proto == IPPROTO_TCP)
		event.tcp_flags = in->data[in->transport + 13];
	if (event.verdict == VERDICT_TRANSLATE)
		expect_translation(told, in, out, &event);
	return event;
}

/* ---- running ---- */

static bool record_is(const struct listener *listener, struct event expected, enum event_type type, bool is_told,
		      char *got, size_t size)
{
	struct event event = listener->event[0];
	size_t used = 0;

	snprintf(got, size, "%zu events of type %d", listener->count, type);
	if (listener->count != is_told || listener->odd)
		return false;
	if (!is_told)
		return true;
	expected.type = (uint8_t)type;
	expected.sample = type == EVENT_PACKET;
	if (!event.time)
		return false;
	event.time = 0;
	for (size_t i = 0; i < sizeof(event) && used + 16 < size; i++)
		if (((uint8_t *)&event)[i] != ((uint8_t *)&expected)[i])
			used += (size_t)snprintf(got + used, size - used, "%zu:%02x/%02x ", i, ((uint8_t *)&event)[i],
						 ((uint8_t *)&expected)[i]);
	return !used;
}

static void told_run(struct fixture *fixture, struct listener listeners[2], const struct told *told, int family,
		     uint8_t proto)
{
	struct step step = told->step;
	const char *ip = family == 4 ? "IPv4" : "IPv6", *transport = proto == IPPROTO_TCP ? "TCP" : "UDP";
	struct frame in, out = { .len = 0 };
	struct event expected;
	char got[512];
	int action;

	step.spec = step_spec(&step.spec, family, proto);
	if (step.put)
		service_put(fixture, 0, family, proto, step.put);
	spec_build(&step.spec, &in);
	action = fixture_run_quick(fixture, step.context, &in);
	if (step.action != TC_ACT_SHOT && step.reason)
		step_expect(fixture, &step, &in, &out);
	listener_read(&listeners[0]);
	listener_read(&listeners[1]);
	expected = expected_of(fixture, told, &in, &out);
	if (action == step.action &&
	    record_is(&listeners[0], expected, EVENT_DECISION, told->is_decision, got, sizeof(got)) &&
	    record_is(&listeners[1], expected, EVENT_PACKET, step.reason != REASON_NONE, got, sizeof(got)))
		tap_ok("record: %s (%s, %s)", step.name, ip, transport);
	else
		tap_not_ok("the record, at OFFSET:GOT/EXPECTED no difference", got, "record: %s (%s, %s)", step.name,
			   ip, transport);
}

static void tolds_run(struct fixture *fixture, int family, uint8_t proto)
{
	const struct event_filter decisions = { .types = TYPES(EVENT_DECISION, EVENT_REDECISION) };
	const struct event_filter packets = { .types = TYPES(EVENT_PACKET), .sample = 1 };
	struct listener listeners[2];
	struct plane plane;

	fixture_open(fixture);
	plane = plane_of(fixture);
	for (uint32_t i = 0; i < COUNT(services); i++)
		service_put(fixture, i, family, proto, &services[i]);
	listener_open(&listeners[0], &plane, 0, &decisions, RING);
	listener_open(&listeners[1], &plane, EVENT_SLOT_COUNT - 1, &packets, RING);
	for (size_t i = 0; i < COUNT(tolds); i++)
		told_run(fixture, listeners, &tolds[i], family, proto);
	listener_close(&listeners[0]);
	listener_close(&listeners[1]);
	fixture_close(fixture);
}

/* ---- the counters of backends ---- */

static void stats_run(struct fixture *fixture, int family, uint8_t proto)
{
	const struct spec there = {
		.family = family, .proto = proto, .dport = SERVICE_PORT, .flags = TCP_ACK, .payload = 7
	};
	const struct spec back = { .family = family,
				   .proto = proto,
				   .src = BOX_BACKEND_1,
				   .dst = SPEC_SRC,
				   .sport = SERVICE_BACKEND_PORT,
				   .dport = CLIENT_PORT,
				   .flags = TCP_ACK };
	const char *name = proto == IPPROTO_TCP ? "TCP" : "UDP";
	struct frame forward, reply;
	struct lb_stat stat;
	char got[160];

	fixture_open(fixture);
	service_put(fixture, 0, family, proto, &services[0]);
	spec_build(&there, &forward);
	spec_build(&back, &reply);
	fixture_run_quick(fixture, ON_VETH, &forward);
	fixture_run_quick(fixture, ON_PEER, &reply);
	fixture_run_quick(fixture, OUT_VETH, &reply);
	for (int i = 0; i < 3; i++)
		fixture_run_quick(fixture, ON_VETH, &forward);
	stat = service_stat(fixture, SERVICE_STAT(0, 0));
	snprintf(got, sizeof(got), "%llu flows, %llu packets of %llu bytes there, %llu of %llu back",
		 (unsigned long long)stat.flows, (unsigned long long)stat.packets[0], (unsigned long long)stat.bytes[0],
		 (unsigned long long)stat.packets[1], (unsigned long long)stat.bytes[1]);
	if (stat.flows == 1 && stat.packets[0] == 4 && stat.bytes[0] == 4 * forward.len && stat.packets[1] == 2 &&
	    stat.bytes[1] == 2 * reply.len)
		tap_ok("backends are counted (IPv%d, %s)", family, name);
	else
		tap_not_ok("1 flow, 4 packets there, 2 back, and their bytes", got, "backends are counted (IPv%d, %s)",
			   family, name);
	fixture_close(fixture);
}

void lb_event_cases(struct fixture *fixture)
{
	struct box box;

	box_enter(fixture, &box);
	for (int family = 4; family <= 6; family += 2) {
		tolds_run(fixture, family, IPPROTO_TCP);
		tolds_run(fixture, family, IPPROTO_UDP);
		stats_run(fixture, family, IPPROTO_TCP);
		stats_run(fixture, family, IPPROTO_UDP);
	}
	box_leave(fixture, &box);
}
