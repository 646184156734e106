/* SPDX-License-Identifier: GPL-2.0-only */
/* What a packet costs in flow.o in test runs. */
#include "flow.h"
#include "frames.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#define PAYLOAD 8 /* bytes of bench_frame's TCP */

/* What the packets of a row are. */
struct kind {
	const char *name;
	uint8_t proto;
	bool has_payload; /* TCP */
};

static const struct kind tcp_ack = { "TCP ACK", IPPROTO_TCP, false };
static const struct kind tcp_data = { "TCP data in order", IPPROTO_TCP, true };
static const struct kind udp = { "UDP", IPPROTO_UDP, true };

struct source {
	uint32_t family;
	const struct kind *kind;
};

static struct set_packet packet_at(void *context, uint32_t i)
{
	const struct source *source = context;
	struct set_packet packet = { .port = 5060, .proto = source->kind->proto };

	set_address(source->family, i, packet.dst);
	inet_pton(source->family == RULES_IPV4 ? AF_INET : AF_INET6,
		  source->family == RULES_IPV4 ? "192.0.2.2" : "2001:db8:f::2", packet.src);
	return packet;
}

/* An acknowledgement of nothing new has no payload. */
static void payload_cut(struct bench_frame *frame, uint32_t family)
{
	frame->bytes[family == RULES_IPV4 ? 14 + 3 : 14 + 5] -= PAYLOAD;
	frame->size -= PAYLOAD;
}

static void frame_of(struct bench_frame *frame, struct source *source)
{
	struct set_packet packet = packet_at(source, 0);

	bench_frame(frame, source->family, &packet, BENCH_SPORT);
	if (source->kind->proto != IPPROTO_TCP)
		return;
	frame->bytes[14 + (source->family == RULES_IPV4 ? 20 : 40) + 13] = TCP_ACK;
	if (!source->kind->has_payload)
		payload_cut(frame, source->family);
}

/* ---- rows ---- */

static struct flow_run *run_add(struct flow_bench *flow, const struct source *source, const char *what)
{
	struct flow_run *run = &flow->runs[flow->run_count++];

	snprintf(run->packet, sizeof(run->packet), "%s %s, %s", flow_family_names[source->family], source->kind->name,
		 what);
	return run;
}

static void prepare(struct flow_bench *flow, struct source *source, uint32_t sessions)
{
	bench_room(&flow->bench, source->family, sessions);
	bench_prepare(&flow->bench, source->family, sessions, packet_at, source);
	bench_choose(&flow->bench, source->family, sessions);
	if (source->kind == &tcp_data)
		bench_advance(&flow->bench, PAYLOAD);
}

/* What is measured is what the row says: its sessions are in the table. Of as many as it is for, few find no place. */
static void must_have(const struct flow_bench *flow, uint64_t sessions, const char *row)
{
	uint64_t got = flow_table_count(flow);

	if (got <= sessions && got >= sessions - sessions / 20)
		return;
	fprintf(stderr, "bench: %s: the table has %llu sessions\n", row, (unsigned long long)got);
	exit(1);
}

/* Each session is there before the first run that counts. */
static void run_sessions(struct flow_bench *flow, struct source *source, uint32_t sessions, const char *what)
{
	int programs[3];
	struct bench_frame frame;
	struct flow_run *run = run_add(flow, source, what);

	flow_table_empty(flow);
	frame_of(&frame, source);
	prepare(flow, source, sessions);
	programs[0] = bench_program(&flow->bench, "empty");
	programs[1] = bench_program(&flow->bench, "probe");
	programs[2] = bench_program(&flow->bench, "flow_ingress");
	bench_run_once(&flow->bench, &frame, programs[2], (int)sessions);
	must_have(flow, sessions, run->packet);
	bench_run(&flow->bench, &frame, programs, run->ns, 3);
	must_have(flow, sessions, run->packet);
}

/* ---- a new session each packet ---- */

struct renewal {
	const struct flow_bench *flow;
	const struct bench_frame *frame;
	int observer;
	bool renews;
};

static double run_new(void *context, uint32_t program, int repeat)
{
	const struct renewal *renewal = context;

	if (renewal->renews && (int)program == renewal->observer)
		flow_table_empty(renewal->flow);
	return bench_run_once(&renewal->flow->bench, renewal->frame, (int)program, repeat);
}

/* In a table that is emptied before each round, or in one that is full, so that others have to go. */
static void run_new_sessions(struct flow_bench *flow, struct source *source, bool full, const char *what)
{
	uint32_t count = flow->bench.quick ? 20000 : FLOW_SESSIONS_NEW;
	struct renewal renewal = { .flow = flow, .renews = !full };
	struct flow_run *run = run_add(flow, source, what);
	struct bench_frame frame;
	uint32_t programs[3];

	flow_table_empty(flow);
	frame_of(&frame, source);
	prepare(flow, source, count);
	programs[0] = (uint32_t)bench_program(&flow->bench, "empty");
	programs[1] = (uint32_t)bench_program(&flow->bench, "probe");
	programs[2] = (uint32_t)bench_program(&flow->bench, "flow_ingress");
	renewal.frame = &frame;
	renewal.observer = (int)programs[2];
	if (full)
		bench_run_once(&flow->bench, &frame, renewal.observer, (int)count);
	bench_take_turns(&flow->bench, run_new, &renewal, programs, run->ns, 3);
}

/* ---- which there are ---- */

#define SAMPLED_ALL "N_PACKET_PER_SESSION=4294967295"

/* The state that most packets meet: the first ones of their session are recorded. And what each of those costs. */
static void run_sampled(struct flow_bench *flow, struct source *source)
{
	flow_table_set(flow, (const char *const[]){ "N_SESSION=1000", "N_PACKET_PER_SESSION=20",
						    "SESSION_PACKET_RESTART_TIME=1h", NULL });
	run_sessions(flow, source, 1, "1 session, its first packets sampled");
	flow_table_set(flow, (const char *const[]){ SAMPLED_ALL, "BUFFER_PACKET_RESTART_TIME=1ns", NULL });
	run_sessions(flow, source, 1, "1 session, each packet sampled");
	flow_table_set(flow, (const char *const[]){ "N_PACKET_PER_SESSION=0", NULL });
}

static void run_family(struct flow_bench *flow, uint32_t family)
{
	struct source ack = { family, &tcp_ack }, data = { family, &tcp_data }, datagram = { family, &udp };
	struct source *each[] = { &ack, &data, &datagram };

	for (size_t i = 0; i < 3; i++) {
		run_sessions(flow, each[i], 1, "1 session");
		if (!flow->bench.budgets)
			run_sampled(flow, each[i]);
	}
	if (flow->bench.budgets)
		return;
	run_sessions(flow, &ack, flow->bench.quick ? 1000 : FLOW_SESSIONS_SOME, "10k sessions in turn");
	run_sessions(flow, &datagram, flow->bench.quick ? 1000 : FLOW_SESSIONS_SOME, "10k sessions in turn");
	run_new_sessions(flow, &datagram, true, "a new session each, in a full table");
}

static void run_family_large(struct flow_bench *flow, uint32_t family)
{
	struct source ack = { family, &tcp_ack }, datagram = { family, &udp };
	uint32_t sessions = flow->bench.quick ? 20000 : FLOW_SESSIONS_MANY;

	run_new_sessions(flow, &ack, false, "a new session each");
	run_new_sessions(flow, &datagram, false, "a new session each");
	run_sessions(flow, &ack, sessions, "1M sessions in turn");
	run_sessions(flow, &datagram, sessions, "1M sessions in turn");
}

void flow_measure_runs(struct flow_bench *flow)
{
	const char *capacity = flow->bench.quick ? "100000" : "1000000";

	for (uint32_t family = RULES_IPV4; family <= RULES_IPV6; family++)
		run_family(flow, family);
	if (flow->bench.budgets)
		return;
	flow->memory[flow->memory_count++] = flow_table_memory(flow);
	flow_table_set(flow, (const char *const[]){ "--capacity", capacity, NULL });
	flow->memory[flow->memory_count++] = flow_table_memory(flow);
	for (uint32_t family = RULES_IPV4; family <= RULES_IPV6; family++)
		run_family_large(flow, family);
}
