/* SPDX-License-Identifier: GPL-2.0-only */
/* What the parts of the bench share: programs loaded, packets prepared, runs in turn. Every failure ends the process.
 */
#ifndef SPLICER_BENCH_H
#define SPLICER_BENCH_H

#include "../sets/sets.h"
#include "packet.h"

#include <bpf/libbpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BENCH_ROUNDS 7 /* the median is reported */

#define BENCH_SPORT 40000 /* of the packets that bench_prepare makes */

/* A network namespace, and the interface in it that frames are said to have come in by. */
struct bench_box {
	int netns;
	uint32_t ifindex;
};

struct bench {
	const char *wrap_path;
	struct bpf_object *splicer, *wrap;
	uint32_t ifindex; /* that packets are said to come in by; not the loopback, which has rules of its own */
	uint32_t ingress_ifindex; /* at egress: that forwarded packets came in by */
	bool restores; /* the program under test changes packets: each run of bench_run begins with the frame anew */
	const struct bench_box *boxes;
	uint32_t box_count;
	bool quick;    /* shorter runs: to see that all works */
	bool budgets;  /* only rows that the part "budgets" is made of */
	size_t rounds; /* 0: BENCH_ROUNDS */
};

struct bench_frame {
	uint8_t bytes[128];
	uint32_t size;
};

_Noreturn void bench_fail(const char *what);

/* The descriptor of a network namespace of this name. */
int bench_netns(const char *name);

/* What the process does from here on, it does there. */
void bench_enter(int netns);

/* Loads splicer.o or another object that is under test, with its pins in pin_dir. wrap.o comes with bench_room. */
void bench_open(struct bench *bench, const char *splicer, const char *wrap, const char *pin_dir, const char *device);

/* An object file, not loaded yet; the pins that it asks for are in pin_dir (NULL: it asks for none). */
struct bpf_object *bench_object(const char *path, const char *pin_dir);

/* wrap.o anew, with room for so many packets of the family, and as many probes. */
void bench_room(struct bench *bench, uint32_t family, uint32_t count);

/* The descriptor of a program of either object. */
int bench_program(const struct bench *bench, const char *name);

/* Prepares packets in random order, and a probe for each. packet_of(context, i) gives the i-th. */
void bench_prepare(const struct bench *bench, uint32_t family, uint32_t count,
		   struct set_packet (*packet_of)(void *context, uint32_t i), void *context);

/* Runs take the first `count` packets by turns; 0: the frame as it is. */
void bench_choose(const struct bench *bench, uint32_t family, uint32_t count);

/* TCP packets of runs carry so many bytes each, one after the other; after bench_choose. */
void bench_advance(const struct bench *bench, uint32_t bytes);

/* An IP frame of 8 bytes of payload; fit for TCP (a SYN) and UDP alike. sport in host byte order. */
void bench_frame(struct bench_frame *frame, uint32_t family, const struct set_packet *packet, uint16_t sport);

/*
 * Nanoseconds per packet of each program: medians of rounds in which they take turns, so that a slow moment of the
 * machine hits them alike.
 */
void bench_run(const struct bench *bench, const struct bench_frame *frame, const int *programs, double *ns,
	       size_t count);

/* Nanoseconds per packet of one program in so many runs, without a median. */
double bench_run_once(const struct bench *bench, const struct bench_frame *frame, int program, int repeat);

/*
 * As bench_run, of whatever run(context, subject, repeat) does `repeat` times: it returns nanoseconds per packet. A
 * round takes some 40 ms.
 */
typedef double (*bench_runner)(void *context, uint32_t subject, int repeat);
void bench_take_turns(const struct bench *bench, bench_runner run, void *context, const uint32_t *subjects, double *ns,
		      size_t count);

/* The same of frames that go up the stack of each interface. */
void bench_run_live(const struct bench *bench, const struct bench_frame *frame, const uint32_t *ifindexes, double *ns,
		    size_t count);

/* The same, each in one of bench->boxes: ns[i] of box i. */
void bench_run_boxes(const struct bench *bench, const struct bench_frame *frame, double *ns);

/* One frame goes up the stack of an interface of a box. */
void bench_send(const struct bench *bench, const struct bench_frame *frame, uint32_t box, uint32_t ifindex);

/* Sorts the values. */
double bench_median(double *values, size_t count);

/* How many rounds there are. */
size_t bench_rounds(const struct bench *bench);

/* Seconds of a clock that does not jump. */
double bench_now(void);

#endif
