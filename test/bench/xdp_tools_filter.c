/* SPDX-License-Identifier: GPL-2.0-only */
/* The xdp-filter of xdp-tools, as far as its object says what it wants of its maps. */
#include "xdp.h"

#include <bpf/bpf.h>
#include <glob.h>
#include <stdlib.h>

/* Debian and Ubuntu, Fedora, and what others may do. */
#define TOOLS_OBJECT "/usr/lib{/*-linux-gnu*,64,}/bpf/xdpfilt_alw_all.o"
#define TOOLS_PROGRAM "xdpfilt_alw_all"

/* What it keeps for each address, on each processor: a counter above these bits. */
#define TOOLS_SOURCE 1ull

static void pins_forget(struct bpf_object *object)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, object)
	{
		if (bpf_map__set_pin_path(map, NULL))
			bench_fail(bpf_map__name(map));
	}
}

static struct bpf_object *tools_open(void)
{
	struct bpf_object *object = NULL;
	glob_t found;

	/* the sections that only libxdp reads are no news */
	libbpf_set_print(NULL);
	if (!glob(TOOLS_OBJECT, GLOB_BRACE, NULL, &found)) {
		object = bench_object(found.gl_pathv[0], NULL);
		pins_forget(object);
	}
	globfree(&found);
	return object;
}

static void tools_fill(const struct bpf_map *map, uint32_t family, uint32_t hosts)
{
	struct xdp_set set = { .kind = XDP_HOSTS, .family = family, .rules = hosts };
	int cpus = libbpf_num_possible_cpus();
	uint64_t *values = calloc((size_t)cpus, sizeof(*values));

	if (!values)
		bench_fail(TOOLS_PROGRAM);
	for (int i = 0; i < cpus; i++)
		values[i] = TOOLS_SOURCE;
	for (uint32_t i = 0; i < hosts; i++) {
		struct rules_record rule = xdp_set_rule(&set, i);

		if (bpf_map_update_elem(bpf_map__fd(map), rule.src, values, BPF_ANY))
			bench_fail(bpf_map__name(map));
	}
	free(values);
}

struct bpf_object *xdp_tools_load(uint32_t family, uint32_t hosts)
{
	struct bpf_object *object = tools_open();
	struct bpf_map *map;

	if (!object)
		return NULL;
	map = bpf_object__find_map_by_name(object, family == RULES_IPV6 ? "filter_ipv6" : "filter_ipv4");
	if (!map || (hosts > XDP_TOOLS_MAX && bpf_map__set_max_entries(map, hosts)) || bpf_object__load(object))
		bench_fail(TOOLS_PROGRAM);
	tools_fill(map, family, hosts);
	return object;
}

int xdp_tools_program(const struct bpf_object *object)
{
	struct bpf_program *program = bpf_object__find_program_by_name(object, TOOLS_PROGRAM);

	if (!program)
		bench_fail(TOOLS_PROGRAM);
	return bpf_program__fd(program);
}
