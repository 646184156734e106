/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Random packets to services and back, against a plain model of translation: a list of flows, each with what it became.
 * A reply becomes what the client expects, a flow stays as it was, no two look alike to a backend, and every checksum
 * is what a sum from nothing gives. PACKET_TEST_RUNS says how many.
 */
#include "exchange_steps.h"

#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RUNS 6000
#define CLIENTS 12
#define CLIENT_PORTS 40

/* clang-format off */
static const struct service_spec services[] = {
	{ .low = 80, .backends = { BACKEND(1), BACKEND(2) } },
	{ .vip = "203.0.113.6", .low = 80, .backends = { BACKEND(2), BACKEND(3) } },
	{ .vip = "203.0.113.7", .high = SERVICE_ANY_PORT, .backends = { { .addr = BOX_BACKEND_1 }, { .addr = BOX_BACKEND_FAR } } },
	{ .vip = "203.0.113.8", .low = 80, .mode = LB_MASQUERADE, .backends = { BACKEND(1), BACKEND(3) } },
	{ .vip = "203.0.113.9", .low = 64, .high = 127, .mode = LB_MASQUERADE, .backends = { BACKEND(1) } },
};
/* clang-format on */

/* A flow as the model has it: the client's end, and what it became. */
struct model {
	const struct service_spec *service;
	char client[INET_ADDRSTRLEN];
	uint16_t cport, vport;
	const char *src, *dst; /* text as in specs; NULL: not seen yet */
	uint16_t sport, dport;
};

static struct {
	int family;
	uint8_t proto;
	struct numbers numbers;
	struct model flows[COUNT(services) * CLIENTS * CLIENT_PORTS * 3];
	size_t count, replies, zero_sums;
	char wrong[256]; /* what went wrong first */
	size_t wrongs;
} oracle;

static void wrong(const char *what, const struct model *flow)
{
	if (!oracle.wrongs++)
		snprintf(oracle.wrong, sizeof(oracle.wrong), "%s: %s:%u to %s:%u", what, flow->client, flow->cport,
			 flow->service->vip ? flow->service->vip : SPEC_DST, flow->vport);
}

/* ---- drawing ---- */

static size_t below(size_t limit)
{
	return numbers_below(&oracle.numbers, limit);
}

static struct model *flow_draw(void)
{
	const struct service_spec *service = &services[below(COUNT(services))];
	struct model flow = { .service = service,
			      .cport = (uint16_t)(1 + below(CLIENT_PORTS) * 1600),
			      .vport = (uint16_t)(service->low ? service->low : 1 + below(3) * 32000) };

	snprintf(flow.client, sizeof(flow.client), "198.51.100.%zu", 1 + below(CLIENTS));
	for (size_t i = 0; i < oracle.count; i++)
		if (oracle.flows[i].service == service && oracle.flows[i].cport == flow.cport &&
		    oracle.flows[i].vport == flow.vport && !strcmp(oracle.flows[i].client, flow.client))
			return &oracle.flows[i];
	if (oracle.count == COUNT(oracle.flows))
		errx(2, "too many flows");
	oracle.flows[oracle.count] = flow;
	return &oracle.flows[oracle.count++];
}

static void packet_draw(struct spec *spec)
{
	static const char *const chains[] = { "", "H", "D", "HD" };

	spec->family = oracle.family;
	spec->proto = oracle.proto;
	spec->payload = below(4) ? below(64) : below(1300);
	spec->hop_limit = (uint8_t)(2 + below(254));
	spec->flags = TCP_ACK;
	spec->options = below(4) ? 0 : 4 * below(11);
	spec->chain = chains[below(4) ? 0 : below(COUNT(chains))];
}

/* ---- the model ---- */

/* The address as specs have it that stands in these bytes; NULL: none that could be. */
static const char *name_of(const uint8_t *bytes)
{
	static const char *const names[] = { BOX_BACKEND_1, BOX_BACKEND_2, BOX_BACKEND_3, BOX_BACKEND_FAR,
					     BOX_BACKEND_ADDRESS };
	__u64 words[2];

	for (size_t i = 0; i < COUNT(names); i++) {
		address_words(oracle.family, names[i], words);
		if (!memcmp(words, bytes, oracle.family == 4 ? 4 : 16))
			return names[i];
	}
	return NULL;
}

static const struct backend_spec *backend_of(const struct model *flow)
{
	for (size_t i = 0; i < SERVICE_BACKENDS && flow->service->backends[i].addr; i++)
		if (!strcmp(flow->service->backends[i].addr, flow->dst))
			return &flow->service->backends[i];
	return NULL;
}

static bool is_taken(const struct model *flow)
{
	for (size_t i = 0; i < oracle.count; i++) {
		const struct model *other = &oracle.flows[i];

		if (other != flow && other->dst && !strcmp(other->dst, flow->dst) && other->dport == flow->dport &&
		    !strcmp(other->src, flow->src) && other->sport == flow->sport)
			return true;
	}
	return false;
}

/* What a flow becomes is read from its first packet, and must be one of the things that it may become. */
static void flow_learn(const struct fixture *fixture, struct model *flow, const struct frame *in)
{
	const uint8_t *ip = fixture->out + in->network + (oracle.family == 4 ? 12 : 8);
	const uint8_t *ports = fixture->out + in->transport;
	bool is_masqueraded = flow->service->mode == LB_MASQUERADE;
	const struct backend_spec *backend;

	flow->src = is_masqueraded ? name_of(ip) : flow->client;
	flow->dst = name_of(ip + (oracle.family == 4 ? 4 : 16));
	flow->sport = (uint16_t)(ports[0] << 8 | ports[1]);
	flow->dport = (uint16_t)(ports[2] << 8 | ports[3]);
	backend = flow->dst ? backend_of(flow) : NULL;
	if (!backend || !flow->src) {
		wrong("to none of the backends, or from nowhere", flow);
		flow->dst = NULL;
		return;
	}
	if (flow->dport != (backend->port ? backend->port : flow->vport))
		wrong("to another port", flow);
	if (is_masqueraded && (flow->sport < PORT_CHOSEN_FIRST || flow->sport > PORT_CHOSEN_LAST))
		wrong("a source port out of range", flow);
	if (is_taken(flow))
		wrong("looks like another flow", flow);
}

static bool is_zero_sum(const struct frame *frame)
{
	return oracle.proto == IPPROTO_UDP && frame->data[frame->transport + 6] == 0xff &&
	       frame->data[frame->transport + 7] == 0xff;
}

static bool comes_out_as(const struct fixture *fixture, const struct spec *spec, const struct frame *in,
			 const struct becomes *becomes, int action)
{
	struct frame expected;

	becomes_build(spec, in, becomes, action, &expected);
	oracle.zero_sums += is_zero_sum(&expected);
	return fixture->out_len == expected.len && !memcmp(fixture->out, expected.data, expected.len);
}

static void forward_run(struct fixture *fixture, struct model *flow)
{
	struct spec spec = {
		.src = flow->client, .dst = flow->service->vip, .sport = flow->cport, .dport = flow->vport
	};
	struct frame in;

	packet_draw(&spec);
	spec_build(&spec, &in);
	if (fixture_run_quick(fixture, ON_VETH, &in) != TC_ACT_REDIRECT) {
		wrong("not sent on", flow);
		return;
	}
	if (!flow->dst)
		flow_learn(fixture, flow, &in);
	if (flow->dst &&
	    !comes_out_as(
		    fixture, &spec, &in,
		    &(struct becomes){ .src = flow->src, .dst = flow->dst, .sport = flow->sport, .dport = flow->dport },
		    TC_ACT_REDIRECT))
		wrong("there, other bytes", flow);
}

static void reply_run(struct fixture *fixture, const struct model *flow)
{
	struct spec spec = { .src = flow->dst, .dst = flow->src, .sport = flow->dport, .dport = flow->sport };
	const struct becomes becomes = { .src = flow->service->vip ? flow->service->vip : SPEC_DST,
					 .dst = flow->client,
					 .sport = flow->vport,
					 .dport = flow->cport };
	/* what one flow's backend sends comes by one way: to ingress here, or to the stack and then to egress */
	bool leaves = flow->service->mode == LB_NAT && flow->cport % 3 == 0;
	int action = leaves ? TC_ACT_UNSPEC : TC_ACT_REDIRECT;
	struct frame in;

	packet_draw(&spec);
	spec_build(&spec, &in);
	if (fixture_run_quick(fixture, leaves ? OUT_VETH : ON_PEER, &in) != action)
		wrong("not sent back", flow);
	else if (!comes_out_as(fixture, &spec, &in, &becomes, action))
		wrong("back, other bytes", flow);
	oracle.replies++;
}

static void oracle_run(struct fixture *fixture, int family, uint8_t proto)
{
	unsigned long runs = numbers_setting("PACKET_TEST_RUNS", RUNS);
	const char *name = proto == IPPROTO_TCP ? "TCP" : "UDP";
	char got[320];

	memset(&oracle, 0, sizeof(oracle));
	oracle.family = family;
	oracle.proto = proto;
	oracle.numbers = numbers_seeded();
	fixture_open(fixture);
	for (uint32_t i = 0; i < COUNT(services); i++)
		service_put(fixture, i, family, proto, &services[i]);
	for (unsigned long i = 0; i < runs; i++) {
		struct model *flow = flow_draw();

		if (flow->dst && below(2))
			reply_run(fixture, flow);
		else
			forward_run(fixture, flow);
	}
	fixture_close(fixture);
	snprintf(got, sizeof(got), "%zu wrong, the first: %s", oracle.wrongs, oracle.wrong);
	if (!oracle.wrongs && oracle.replies)
		tap_ok("oracle: %lu packets (IPv%d, %s)", runs, family, name);
	else
		tap_not_ok("none wrong", got, "oracle: %lu packets (IPv%d, %s)", runs, family, name);
}

/* ---- every source port: among them those whose checksum is 0, which is sent as 0xffff ---- */

static void ports_run(struct fixture *fixture, int family, uint8_t proto)
{
	const char *name = proto == IPPROTO_TCP ? "TCP" : "UDP";
	struct model flow = { .service = &services[0], .vport = SERVICE_PORT };
	const struct becomes there = { .dst = BOX_BACKEND_1, .dport = SERVICE_BACKEND_PORT };
	char got[320];

	memset(&oracle, 0, sizeof(oracle));
	oracle.family = family;
	oracle.proto = proto;
	fixture_open(fixture);
	service_put(fixture, 0, family, proto, &(const struct service_spec){ .low = SERVICE_PORT });
	snprintf(flow.client, sizeof(flow.client), "%s", SPEC_SRC);
	flow.src = flow.client;
	flow.dst = BOX_BACKEND_1;
	flow.dport = SERVICE_BACKEND_PORT;
	for (uint32_t port = 1; port < 65536; port++) {
		struct spec spec = { .family = family, .proto = proto, .sport = (uint16_t)port, .dport = SERVICE_PORT };
		struct frame in;

		flow.cport = flow.sport = (uint16_t)port;
		spec_build(&spec, &in);
		if (fixture_run_quick(fixture, ON_VETH, &in) != TC_ACT_REDIRECT ||
		    !comes_out_as(fixture, &spec, &in, &there, TC_ACT_REDIRECT))
			wrong("there, other bytes", &flow);
		if (port & 1)
			reply_run(fixture, &flow);
	}
	fixture_close(fixture);
	snprintf(got, sizeof(got), "%zu wrong, the first: %s; %zu sums of 0xffff", oracle.wrongs, oracle.wrong,
		 oracle.zero_sums);
	if (!oracle.wrongs && (proto == IPPROTO_TCP || oracle.zero_sums))
		tap_ok("oracle: every source port (IPv%d, %s)", family, name);
	else
		tap_not_ok("none wrong, of UDP some sums of 0xffff", got, "oracle: every source port (IPv%d, %s)",
			   family, name);
}

void lb_oracle_cases(struct fixture *fixture)
{
	static const uint8_t protos[] = { IPPROTO_TCP, IPPROTO_UDP };
	struct box box;

	box_enter(fixture, &box);
	for (int family = 4; family <= 6; family += 2)
		for (size_t i = 0; i < COUNT(protos); i++) {
			oracle_run(fixture, family, protos[i]);
			ports_run(fixture, family, protos[i]);
		}
	box_leave(fixture, &box);
}
