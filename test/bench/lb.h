/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the part "lb" is made of: the load balancer in test runs, and between hosts beside a router that only routes and
 * one where nft does the same.
 */
#ifndef SPLICER_BENCH_LB_H
#define SPLICER_BENCH_LB_H

#include "abi/lb.h"
#include "bench.h"

#include <sys/socket.h>

/* scripts/bench knows them too */
#define LB_VIP_PORT 5060
#define LB_SERVER_PORT 5061
#define LB_OTHER_PORT 5062 /* nobody's */

#define LB_FLOWS_MANY 65536
#define LB_FLOWS_NEW 500000 /* more than the tables hold: whoever has his turn again was forgotten */

#define TCP_ACK 0x10
#define TCP_SYN 0x02

/* The ways from a client to a server, each a router of this name with two hosts of its own, "host_" and "server_". */
enum lb_way { WAY_ROUTED, WAY_LB, WAY_NFT, LB_WAYS };
extern const char *const lb_ways[LB_WAYS];

struct lb_place {
	bool is_there; /* nft may not be */
	int client, server;
};

struct lb_run {
	char packet[96];
	double ns[3]; /* empty, probe, lb.o */
};

/* Below 0: not measured. */
struct lb_row {
	char packet[64];
	double value[LB_WAYS];
};

#define LB_ROWS_MAX 16
struct lb_block {
	struct lb_row rows[LB_ROWS_MAX];
	size_t count;
};

struct lb_bench {
	struct bench bench;
	uint32_t in, out; /* interfaces of the router with lb.o: to clients, to servers */
	struct lb_place places[LB_WAYS];
	struct lb_run runs[64];
	size_t run_count;
	struct lb_block flood;    /* ns per packet */
	struct lb_block p50, p99; /* ns of a round trip; the rows of one belong to those of the other */
	struct lb_block requests; /* ns of one */
	struct lb_block iperf;    /* bits per second */
};

extern const char *const lb_family_names[];

/* ---- frames ---- */

/* To the VIP of the mode from one of many clients. */
struct set_packet lb_packet(uint32_t family, uint8_t proto, enum lb_mode mode, uint32_t client);

/* As bench_frame, with flags of TCP and the right checksum. */
void lb_frame(struct bench_frame *frame, uint32_t family, const struct set_packet *packet, uint16_t sport,
	      uint8_t flags);

/* What who got the frame answers. */
void lb_answer(struct bench_frame *answer, const struct bench_frame *seen, uint8_t flags);

/* ---- measurements ---- */

void lb_measure_runs(struct lb_bench *lb);
void lb_measure_flood(struct lb_bench *lb);
void lb_measure_round_trips(struct lb_bench *lb);
void lb_measure_requests(struct lb_bench *lb);

/* scratch: a directory for what iperf3 prints. */
void lb_measure_iperf(struct lb_bench *lb, const char *scratch);

/* ---- between hosts ---- */

void lb_places_open(struct lb_bench *lb);

/* A new row; nothing is measured yet. */
struct lb_row *lb_row_add(struct lb_block *block, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Medians of bench_take_turns of the ways that are there, into the row; the subject is the way. */
void lb_row_measure(struct lb_bench *lb, struct lb_row *row, bench_runner run, void *context);

/* A socket of the client, connected to the VIP, or on its way with SOCK_NONBLOCK. */
int lb_client_socket(const struct lb_bench *lb, enum lb_way way, uint32_t family, int type, int proto);

/* One of the server. Where packets are only routed it has the VIP itself. */
int lb_server_socket(const struct lb_bench *lb, enum lb_way way, uint32_t family, int type);

/* Until there is something to read. Ends the process where nothing comes. */
void lb_wait(int fd);

void lb_report_runs(const struct lb_bench *lb, bool json);
void lb_report_live(const struct lb_bench *lb, bool json);

#endif
