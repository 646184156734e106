/* SPDX-License-Identifier: GPL-2.0-only */
/* What a packet costs in lb.o in test runs. */
#include "abi/conns.h"
#include "lb.h"

#include <bpf/bpf.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Single runs are few: what a run costs that is not of the program is not measured, but takes time. */
#define SINGLE_SHARE 10

static const char *const mode_names[] = { [LB_NAT] = "nat", [LB_MASQUERADE] = "masquerade", [LB_DSR] = "dsr" };

/* A program with the interfaces that a packet is said to go by. */
enum hook { FROM_CLIENT, FROM_SERVER, TO_CLIENT };

static const char *hook_set(struct lb_bench *lb, enum hook hook)
{
	lb->bench.ifindex = hook == FROM_SERVER ? lb->out : lb->in;
	lb->bench.ingress_ifindex = hook == FROM_CLIENT ? lb->in : lb->out;
	return hook == TO_CLIENT ? "lb_egress" : "lb_ingress";
}

/* ---- one packet ---- */

/* What becomes of a frame in the last of so many runs: what the program returns, and what it makes of it. */
static uint32_t frame_run(const struct lb_bench *lb, int program, int repeat, const struct bench_frame *frame,
			  struct bench_frame *out)
{
	struct __sk_buff context = { .ifindex = lb->bench.ifindex, .ingress_ifindex = lb->bench.ingress_ifindex };
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame->bytes, .data_size_in = frame->size,
		    .data_out = out->bytes, .data_size_out = sizeof(out->bytes), .ctx_in = &context,
		    .ctx_size_in = sizeof(context), .repeat = repeat);

	if (bpf_prog_test_run_opts(program, &options))
		bench_fail("test run");
	out->size = options.data_size_out;
	return options.retval;
}

static bool frame_differs(const struct bench_frame *left, const struct bench_frame *right)
{
	return left->size != right->size || memcmp(left->bytes, right->bytes, left->size) != 0;
}

/* False: it stays as it is. */
static bool frame_pass(struct lb_bench *lb, enum hook hook, const struct bench_frame *frame, struct bench_frame *out)
{
	frame_run(lb, bench_program(&lb->bench, hook_set(lb, hook)), 1, frame, out);
	return frame_differs(out, frame);
}

static void must_change(bool changed, const char *packet)
{
	if (changed)
		return;
	fprintf(stderr, "bench: lb.o leaves it as it is: %s\n", packet);
	exit(1);
}

/* Opened, answered and confirmed. The answer as the server sends it. */
static void flow_open(struct lb_bench *lb, const struct set_packet *packet, uint32_t family, struct bench_frame *answer)
{
	struct bench_frame frame, out;
	bool changed;

	lb_frame(&frame, family, packet, BENCH_SPORT, TCP_SYN);
	must_change(frame_pass(lb, FROM_CLIENT, &frame, &out), "the first packet of a flow");
	lb_answer(answer, &out, TCP_SYN | TCP_ACK);
	changed = frame_pass(lb, FROM_SERVER, answer, &out);
	must_change(frame_pass(lb, TO_CLIENT, answer, &out) || changed, "the first answer");
	lb_frame(&frame, family, packet, BENCH_SPORT, TCP_ACK);
	must_change(frame_pass(lb, FROM_CLIENT, &frame, &out), "the second packet of a flow");
	lb_answer(answer, &out, TCP_ACK);
}

/* ---- rows ---- */

static struct lb_run *run_add(struct lb_bench *lb, uint32_t family, const char *packet)
{
	struct lb_run *run = &lb->runs[lb->run_count++];

	snprintf(run->packet, sizeof(run->packet), "%s %s", lb_family_names[family], packet);
	return run;
}

/* That what was measured is what one run does. bench_run leaves the wrapper with the last of its programs. */
static void must_repeat(const struct lb_bench *lb, int program, const struct bench_frame *frame, const char *packet)
{
	struct bench_frame once, again;
	uint32_t verdict = frame_run(lb, program, 1, frame, &once);

	if (frame_run(lb, bench_program(&lb->bench, "wrap"), 3, frame, &again) == verdict &&
	    frame_differs(&once, frame) == frame_differs(&again, frame))
		return;
	fprintf(stderr, "bench: a frame that was restored is not as it was: %s\n", packet);
	exit(1);
}

static void run_wrapped(struct lb_bench *lb, uint32_t family, enum hook hook, const struct bench_frame *frame,
			const char *packet)
{
	int programs[] = { bench_program(&lb->bench, "empty"), bench_program(&lb->bench, "probe"),
			   bench_program(&lb->bench, hook_set(lb, hook)) };

	bench_run(&lb->bench, frame, programs, run_add(lb, family, packet)->ns, 3);
	must_repeat(lb, programs[2], frame, packet);
}

/* ---- of one flow ---- */

/* A packet that was put in a tunnel cannot be again: the kernel remembers that it was. So each run is one by itself. */
struct single {
	const struct lb_bench *lb;
	const struct bench_frame *frame;
};

static double run_single(void *context, uint32_t program, int repeat)
{
	const struct single *single = context;
	const struct bench *bench = &single->lb->bench;
	struct __sk_buff skb = { .ifindex = bench->ifindex, .ingress_ifindex = bench->ingress_ifindex };
	int runs = 1 + repeat / SINGLE_SHARE;
	double ns = 0;

	for (int i = 0; i < runs; i++) {
		LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = single->frame->bytes,
			    .data_size_in = single->frame->size, .ctx_in = &skb, .ctx_size_in = sizeof(skb));

		if (bpf_prog_test_run_opts((int)program, &options))
			bench_fail("test run");
		ns += options.duration;
	}
	return ns / runs;
}

static void run_dsr(struct lb_bench *lb, uint32_t family, uint8_t proto, const char *name)
{
	struct set_packet packet = lb_packet(family, proto, LB_DSR, 0);
	const char *program = hook_set(lb, FROM_CLIENT);
	uint32_t programs[] = { (uint32_t)bench_program(&lb->bench, "empty"),
				(uint32_t)bench_program(&lb->bench, "probe"),
				(uint32_t)bench_program(&lb->bench, program) };
	struct bench_frame frame, out;
	struct single single = { lb, &frame };
	char row[64];

	lb_frame(&frame, family, &packet, BENCH_SPORT, TCP_SYN);
	must_change(frame_pass(lb, FROM_CLIENT, &frame, &out), "the first packet of a flow in mode dsr");
	lb_frame(&frame, family, &packet, BENCH_SPORT, TCP_ACK);
	must_change(frame_pass(lb, FROM_CLIENT, &frame, &out), "the second packet of a flow in mode dsr");
	snprintf(row, sizeof(row), "established %s, dsr, to the server", name);
	bench_take_turns(&lb->bench, run_single, &single, programs, run_add(lb, family, row)->ns, 3);
}

static void run_established(struct lb_bench *lb, uint32_t family, uint8_t proto, const char *name, enum lb_mode mode)
{
	struct set_packet packet = lb_packet(family, proto, mode, 0);
	struct bench_frame frame, answer, out;
	char row[64];

	flow_open(lb, &packet, family, &answer);
	lb_frame(&frame, family, &packet, BENCH_SPORT, TCP_ACK);
	snprintf(row, sizeof(row), "established %s, %s, to the server", name, mode_names[mode]);
	run_wrapped(lb, family, FROM_CLIENT, &frame, row);
	for (enum hook hook = FROM_SERVER; hook <= TO_CLIENT; hook++) {
		snprintf(row, sizeof(row), "established %s, %s, back, at %s%s", name, mode_names[mode],
			 hook == TO_CLIENT ? "egress" : "ingress",
			 frame_pass(lb, hook, &answer, &out) ? "" : ", passes");
		run_wrapped(lb, family, hook, &answer, row);
	}
}

/* ---- of many flows ---- */

struct source {
	uint32_t family;
	uint8_t proto;
};

static struct set_packet source_packet(void *context, uint32_t i)
{
	const struct source *source = context;

	return lb_packet(source->family, source->proto, LB_NAT, i);
}

/* Packets of so many flows, and a probe that finds the VIP; runs take the frame that they are given. */
static void packets_prepare(struct lb_bench *lb, struct source *source, uint32_t count)
{
	bench_room(&lb->bench, source->family, count);
	bench_prepare(&lb->bench, source->family, count, source_packet, source);
	bench_choose(&lb->bench, source->family, 0);
}

static void run_many(struct lb_bench *lb, struct source *source, uint32_t count, uint8_t flags, const char *packet)
{
	struct set_packet first = source_packet(source, 0);
	struct bench_frame frame;

	lb_frame(&frame, source->family, &first, BENCH_SPORT, flags);
	packets_prepare(lb, source, count);
	bench_choose(&lb->bench, source->family, count);
	run_wrapped(lb, source->family, FROM_CLIENT, &frame, packet);
}

/* In a table that has room for more: else some would be forgotten while others come. */
static void flows_room(const struct lb_bench *lb)
{
	LIBBPF_OPTS(bpf_map_create_opts, options);
	int flows = bpf_object__find_map_fd_by_name(lb->bench.splicer, LB_FLOWS);
	uint32_t table = CONNS_CONFIRMED;
	int larger = bpf_map_create(BPF_MAP_TYPE_LRU_HASH, "lb_confirmed", sizeof(struct lb_key),
				    sizeof(struct lb_flow), 4 * LB_FLOWS_MANY, &options);

	if (larger < 0 || bpf_map_update_elem(flows, &table, &larger, BPF_ANY))
		bench_fail(LB_FLOWS);
	close(larger);
}

static void run_many_established(struct lb_bench *lb, struct source *source, const char *name)
{
	uint32_t count = lb->bench.quick ? 1000 : LB_FLOWS_MANY;
	struct bench_frame answer;
	char row[64];

	flows_room(lb);
	for (uint32_t i = 0; i < count; i++) {
		struct set_packet packet = source_packet(source, i);

		flow_open(lb, &packet, source->family, &answer);
	}
	snprintf(row, sizeof(row), "established %s, nat, 64k flows", name);
	run_many(lb, source, count, TCP_ACK, row);
}

static void run_protocol(struct lb_bench *lb, uint32_t family, uint8_t proto)
{
	const char *name = proto == IPPROTO_TCP ? "TCP" : "UDP";
	struct source source = { family, proto };
	char row[64];

	packets_prepare(lb, &source, 1);
	run_established(lb, family, proto, name, LB_NAT);
	if (lb->bench.budgets)
		return;
	run_established(lb, family, proto, name, LB_MASQUERADE);
	run_dsr(lb, family, proto, name);
	run_many_established(lb, &source, name);
	snprintf(row, sizeof(row), "new %s flow, nat", name);
	run_many(lb, &source, lb->bench.quick ? 1000 : LB_FLOWS_NEW, TCP_SYN, row);
}

static void run_other(struct lb_bench *lb, uint32_t family)
{
	struct source source = { family, IPPROTO_UDP };
	struct set_packet packet = source_packet(&source, 0);
	struct bench_frame frame, out;

	packets_prepare(lb, &source, 1);
	packet.port = LB_OTHER_PORT;
	lb_frame(&frame, family, &packet, BENCH_SPORT, 0);
	for (enum hook hook = FROM_CLIENT; hook <= TO_CLIENT; hook++) {
		if (frame_pass(lb, hook, &frame, &out)) {
			fprintf(stderr, "bench: lb.o changes what is none of its business\n");
			exit(1);
		}
	}
	run_wrapped(lb, family, FROM_CLIENT, &frame, "to nobody's VIP, at ingress");
	run_wrapped(lb, family, TO_CLIENT, &frame, "from nobody's server, at egress");
}

void lb_measure_runs(struct lb_bench *lb)
{
	lb->bench.restores = true;
	for (uint32_t family = RULES_IPV4; family <= RULES_IPV6; family++) {
		run_protocol(lb, family, IPPROTO_TCP);
		run_protocol(lb, family, IPPROTO_UDP);
		if (!lb->bench.budgets)
			run_other(lb, family);
	}
}
