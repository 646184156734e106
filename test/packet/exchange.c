/* SPDX-License-Identifier: GPL-2.0-only */
#include "exchange.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static uint16_t chosen; /* the source port that the balancer chose last */

static uint16_t port_of(uint16_t port)
{
	return port == PORT_CHOSEN ? chosen : port;
}

struct spec step_spec(const struct spec *spec, int family, uint8_t proto)
{
	struct spec own = *spec;

	own.family = family;
	if (!own.proto)
		own.proto = proto;
	own.sport = port_of(own.sport);
	own.dport = port_of(own.dport);
	return own;
}

/* ---- steps ---- */

/* The variants of an exchange share a fixture: nothing that is remembered for one is of another. */
static uint32_t first_index(int family, uint8_t proto)
{
	return (uint32_t)((family == 6) * 2 + (proto == IPPROTO_UDP)) * EXCHANGE_SERVICES;
}

/* "at 16: 50, not 1f": the first byte that differs, after the link-layer header: it is the kernel that writes it. */
static bool bytes_differ(const struct fixture *fixture, const struct frame *expected, bool is_link_ours, char *text,
			 size_t size)
{
	size_t i = is_link_ours ? 0 : FRAME_ETH_SIZE;

	for (; i < expected->len && i < fixture->out_len; i++)
		if (fixture->out[i] != expected->data[i]) {
			snprintf(text, size, ", at %zu: %02x, not %02x", i - FRAME_ETH_SIZE, fixture->out[i],
				 expected->data[i]);
			return true;
		}
	if (expected->len == fixture->out_len)
		return false;
	snprintf(text, size, ", %zu bytes, not %zu", fixture->out_len, expected->len);
	return true;
}

/* A source port that is to be chosen is taken from what came out. */
static bool port_learn(const struct fixture *fixture, const struct step *step, const struct frame *in)
{
	uint16_t port;

	if (step->becomes.sport != PORT_CHOSEN || step->becomes.form != TRANSLATED)
		return true;
	memcpy(&port, fixture->out + in->transport, sizeof(port));
	if (ntohs(port) < PORT_CHOSEN_FIRST || ntohs(port) > PORT_CHOSEN_LAST)
		return false;
	chosen = ntohs(port);
	return true;
}

/* What may be fragmented has an identification of its own: RFC 6864. */
static void id_learn(const struct fixture *fixture, struct frame *expected)
{
	if (expected->family != 4 || expected->data[expected->network + 6] & 0x40)
		return;
	memcpy(expected->data + expected->network + 4, fixture->out + expected->network + 4, 2);
	header_sum(expected);
}

static enum verdict verdict_of(enum reason reason)
{
	return reason_verdict(reason) == VERDICT_DROP ? VERDICT_DROP : VERDICT_TRANSLATE;
}

static bool is_counted(const struct outcome *outcome, enum reason reason, const struct frame *in)
{
	if (!reason)
		return outcome->moved == 0;
	return outcome->reason == reason && outcome->counted.verdict == verdict_of(reason) && outcome->placed &&
	       outcome->moved == 1 && outcome->bytes == (int64_t)in->len;
}

bool step_expect(const struct fixture *fixture, const struct step *step, const struct frame *in, struct frame *expected)
{
	struct becomes becomes = step->becomes;
	struct spec quote;

	if (!port_learn(fixture, step, in))
		return false;
	becomes.sport = port_of(becomes.sport);
	becomes.dport = port_of(becomes.dport);
	if (becomes.quote) {
		quote = step_spec(becomes.quote, step->spec.family, step->spec.proto);
		becomes.quote = &quote;
	}
	becomes_build(&step->spec, in, &becomes, step->action, expected);
	if (becomes.form == TUNNELLED)
		id_learn(fixture, expected);
	return true;
}

static bool is_carried_out(const struct fixture *fixture, const struct step *step, const struct frame *in,
			   const struct outcome *outcome, char *got, size_t size)
{
	struct frame expected;

	if (step->action == TC_ACT_SHOT)
		return true;
	if (step->action == TC_ACT_UNSPEC && !step->reason)
		return outcome->same;
	if (step_expect(fixture, step, in, &expected))
		return !bytes_differ(fixture, &expected, step->becomes.form == ANSWERED, got, size);
	snprintf(got, size, ", a source port out of range");
	return false;
}

static void step_prepare(struct fixture *fixture, const struct exchange *exchange, const struct step *step, int family,
			 uint8_t proto)
{
	if (step->put)
		service_put(fixture, first_index(family, proto), family, proto, step->put);
	if (step->is_deleted)
		service_delete(fixture, first_index(family, proto), family, proto, &exchange->services[0]);
	if (step->age)
		flows_age(fixture, step->age);
	if (step->before)
		step->before(fixture, family);
}

static void step_expected(const struct step *step, char *text, size_t size)
{
	snprintf(text, size, "%s (%d) %s%s%s", action_name(step->action), step->action,
		 step->reason ? reason_name(step->reason) : "uncounted", step->flow ? ", flow " : "",
		 step->flow ? step->flow : "");
}

static void step_run(struct fixture *fixture, const struct exchange *exchange, const struct step *row, int family,
		     uint8_t proto)
{
	struct step own = *row, *step = &own;
	struct spec quote;
	const char *ip = family == 4 ? "IPv4" : "IPv6", *transport = proto == IPPROTO_TCP ? "TCP" : "UDP";
	char expected[192], got[512], difference[64] = "", flow[FLOW_TEXT_MAX] = "";
	struct outcome outcome;
	struct frame in;
	bool right;

	step->spec = step_spec(&row->spec, family, proto);
	if (step->spec.quote) {
		quote = step_spec(step->spec.quote, family, proto);
		step->spec.quote = &quote;
	}
	step_prepare(fixture, exchange, step, family, proto);
	step_build(&step->spec, &in);
	fixture_run(fixture, step->context, &in, &outcome);
	right = !outcome.error && outcome.action == step->action && is_counted(&outcome, step->reason, &in) &&
		is_carried_out(fixture, step, &in, &outcome, difference, sizeof(difference));
	if (step->flow) {
		flow_print(fixture, &in, flow);
		right = right && !strcmp(flow, step->flow);
	}
	if (right) {
		tap_ok("%s: %s (%s, %s)", exchange->name, step->name, ip, transport);
		return;
	}
	step_expected(step, expected, sizeof(expected));
	outcome_print(&outcome, &in, got, sizeof(got));
	snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%s%s", difference, *flow ? ", flow " : "", flow);
	tap_not_ok(expected, got, "%s: %s (%s, %s)", exchange->name, step->name, ip, transport);
}

static void variant_run(struct fixture *fixture, const struct exchange *exchange, int family, uint8_t proto)
{
	for (uint32_t i = 0; i < EXCHANGE_SERVICES; i++)
		if (!i || exchange->services[i].backends[0].addr)
			service_put(fixture, first_index(family, proto) + i, family, proto, &exchange->services[i]);
	for (const struct step *step = exchange->steps; step->name; step++)
		if ((!step->spec.family || step->spec.family == family) &&
		    (!step->spec.proto || step->spec.proto == proto || exchange->proto))
			step_run(fixture, exchange, step, family, proto);
}

static void exchange_run(struct fixture *fixture, const struct exchange *exchange)
{
	static const uint8_t protos[] = { IPPROTO_TCP, IPPROTO_UDP };

	fixture_open(fixture);
	for (int family = 4; family <= 6; family += 2)
		for (size_t n = 0; n < 2; n++)
			if ((!exchange->family || exchange->family == family) &&
			    (!exchange->proto || exchange->proto == protos[n]))
				variant_run(fixture, exchange, family, protos[n]);
	fixture_close(fixture);
}

void exchanges_run(struct fixture *fixture, const struct exchange *exchanges, size_t count)
{
	struct box box;

	box_enter(fixture, &box);
	for (size_t i = 0; i < count; i++)
		exchange_run(fixture, &exchanges[i]);
	box_leave(fixture, &box);
}
