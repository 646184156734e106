/* SPDX-License-Identifier: GPL-2.0-only */
/* What a packet costs in test runs: hit and miss, one address and any, by kind and size of the set. */
#include "xdp.h"

#include <bpf/bpf.h>
#include <stdio.h>
#include <stdlib.h>

/* A program with the packets that it gets. */
struct subject {
	const struct bench *bench;
	const struct bench_frame *frame;
	int program;
	uint32_t verdict; /* that it must come to */
};

#define SUBJECTS_MAX 5

/* ---- one program ---- */

static void target_set(const struct bench *bench, int program)
{
	uint32_t zero = 0;

	if (bpf_map_update_elem(bpf_object__find_map_fd_by_name(bench->wrap, "xdp_target"), &zero, &program, BPF_ANY))
		bench_fail("xdp_target");
}

static double run_subject(void *context, uint32_t index, int repeat)
{
	const struct subject *subject = (struct subject *)context + index;
	struct xdp_md frame = { .data_end = subject->frame->size, .ingress_ifindex = subject->bench->ifindex };
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = subject->frame->bytes, .data_size_in = subject->frame->size,
		    .repeat = repeat, .ctx_in = &frame, .ctx_size_in = sizeof(frame));

	target_set(subject->bench, subject->program);
	if (bpf_prog_test_run_opts(bench_program(subject->bench, "xdp_wrap"), &options))
		bench_fail("test run");
	if (options.retval != subject->verdict) {
		fprintf(stderr, "bench: verdict %u instead of %u\n", options.retval, subject->verdict);
		exit(1);
	}
	return options.duration;
}

/* ---- one set ---- */

/* What takes turns, and where its time goes. */
struct turns {
	struct subject subjects[SUBJECTS_MAX];
	double *places[SUBJECTS_MAX];
	uint32_t count;
};

static void turns_add(struct turns *turns, const struct bench *bench, const struct bench_frame *frame, int program,
		      uint32_t verdict, double *place)
{
	turns->places[turns->count] = place;
	turns->subjects[turns->count++] = (struct subject){ bench, frame, program, verdict };
}

static void turns_run(struct turns *turns, const struct bench *bench)
{
	uint32_t order[SUBJECTS_MAX] = { 0, 1, 2, 3, 4 };
	double ns[SUBJECTS_MAX];

	bench_take_turns(bench, run_subject, turns->subjects, order, ns, turns->count);
	for (uint32_t i = 0; i < turns->count; i++)
		*turns->places[i] = ns[i];
}

static void choice_run(struct xdp_bench *bench, const struct xdp_set *set, enum xdp_choice choice,
		       const struct xdp_tools *tools, const struct xdp_frames *frames)
{
	struct xdp_run *run = &bench->runs[bench->run_count++];
	const struct bench *all = &bench->bench, *first = &bench->first;
	uint32_t verdict = set->hit ? XDP_DROP : XDP_PASS;
	struct turns turns = { .count = 0 };

	*run = (struct xdp_run){ *set, choice, { NONE, NONE, NONE, NONE, NONE } };
	bench_choose(all, set->family, xdp_choose(choice, xdp_set_packets(set)));
	turns_add(&turns, all, &frames->all, bench_program(all, "pass"), XDP_PASS, &run->cost.empty);
	turns_add(&turns, all, &frames->all, bench_program(all, "xdp_filter"), verdict, &run->cost.splicer);
	if (tools->all && set->kind == XDP_HOSTS)
		turns_add(&turns, all, &frames->all, xdp_tools_program(tools->all), verdict, &run->cost.tools_same);
	if (tools->first) {
		bench_choose(first, set->family, xdp_choose(choice, bench->first_hosts));
		turns_add(&turns, first, &frames->first, bench_program(first, "pass"), XDP_PASS, &run->cost.empty_10k);
		turns_add(&turns, first, &frames->first, xdp_tools_program(tools->first), verdict,
			  &run->cost.tools_10k);
	}
	turns_run(&turns, all);
}

void xdp_run_sets(struct xdp_bench *bench, const struct xdp_set *set, const struct xdp_tools *tools,
		  const struct xdp_frames *frames)
{
	for (enum xdp_choice choice = 0; choice < XDP_CHOICES; choice++)
		choice_run(bench, set, choice, tools, frames);
}
