/* SPDX-License-Identifier: GPL-2.0-only */
/* What a packet costs in test runs: hit and miss, one address and any, by kind and size of the set. */
#include "xdp.h"

#include <bpf/bpf.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const uint32_t sizes[] = { 0, XDP_TOOLS_MAX, 1000000 }, quick_sizes[] = { 0, 1000, 20000 };

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

/* The programs of xdp-tools: with the first 10,000 hosts of the set at most, and with all. */
struct tools {
	struct bpf_object *first, *all;
};

static void choice_run(struct xdp_bench *bench, const struct xdp_set *set, enum xdp_choice choice,
		       const struct tools *tools, const struct bench_frame frames[2])
{
	struct xdp_run *run = &bench->runs[bench->run_count++];
	const struct bench *all = &bench->bench, *first = &bench->first;
	uint32_t verdict = set->hit ? XDP_DROP : XDP_PASS;
	struct turns turns = { .count = 0 };

	*run = (struct xdp_run){ *set, choice, { NONE, NONE, NONE, NONE, NONE } };
	bench_choose(all, set->family, choice == XDP_HOT ? 1 : xdp_set_packets(set));
	turns_add(&turns, all, &frames[0], bench_program(all, "pass"), XDP_PASS, &run->cost.empty);
	turns_add(&turns, all, &frames[0], bench_program(all, "xdp_filter"), verdict, &run->cost.splicer);
	if (tools->all && set->kind == XDP_HOSTS)
		turns_add(&turns, all, &frames[0], xdp_tools_program(tools->all), verdict, &run->cost.tools_same);
	if (tools->first) {
		bench_choose(first, set->family, choice == XDP_HOT ? 1 : XDP_TOOLS_MAX);
		turns_add(&turns, first, &frames[1], bench_program(first, "pass"), XDP_PASS, &run->cost.empty_10k);
		turns_add(&turns, first, &frames[1], xdp_tools_program(tools->first), verdict, &run->cost.tools_10k);
	}
	turns_run(&turns, all);
}

static void packets_run(struct xdp_bench *bench, const struct xdp_set *set, const struct tools *tools)
{
	struct xdp_set first = { XDP_HOSTS, set->family, XDP_TOOLS_MAX, set->hit };
	struct bench_frame frames[2];

	xdp_set_prepare(set, &bench->bench, &frames[0]);
	xdp_set_prepare(&first, &bench->first, &frames[1]);
	for (enum xdp_choice choice = 0; choice < XDP_CHOICES; choice++)
		choice_run(bench, set, choice, tools, frames);
}

static void progress(const struct xdp_set *set)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r%s, IPv%d, %u rules %20s", xdp_kinds[set->kind], set->family == RULES_IPV6 ? 6 : 4,
			set->rules, "");
}

static void set_run(struct xdp_bench *bench, struct xdp_set set)
{
	struct tools tools = { .first = xdp_tools_load(set.family, set.rules ? XDP_TOOLS_MAX : 0) };

	progress(&set);
	if (set.kind == XDP_HOSTS)
		tools.all = xdp_tools_load(set.family, set.rules);
	xdp_set_load(&set, bench->pin_dir);
	for (int hit = set.rules != 0; hit >= 0; hit--) {
		set.hit = hit;
		packets_run(bench, &set, &tools);
	}
	bpf_object__close(tools.first);
	bpf_object__close(tools.all);
}

void xdp_measure_runs(struct xdp_bench *bench)
{
	const uint32_t *chosen = bench->bench.quick ? quick_sizes : sizes;

	if (bpf_xdp_attach((int)bench->bench.ifindex, bench_program(&bench->bench, "pass"), XDP_FLAGS_DRV_MODE, NULL))
		bench_fail("XDP program");
	for (enum xdp_kind kind = 0; kind < XDP_KINDS; kind++)
		for (uint32_t family = RULES_IPV4; family <= RULES_IPV6; family++)
			for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
				set_run(bench, (struct xdp_set){ kind, family, chosen[i], false });
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r%60s\r", "");
}
