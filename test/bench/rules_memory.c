/* SPDX-License-Identifier: GPL-2.0-only */
#include "rules.h"

#include <bpf/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MAPS_MAX 64 /* of one program */

/* Maps that were counted: programs share them. */
struct counted {
	uint32_t ids[4 * MAPS_MAX];
	size_t count;
	double bytes;
};

static bool counted_add(struct counted *counted, uint32_t id)
{
	for (size_t i = 0; i < counted->count; i++)
		if (counted->ids[i] == id)
			return false;
	if (counted->count == sizeof(counted->ids) / sizeof(*counted->ids)) {
		fprintf(stderr, "bench: more maps than are expected\n");
		exit(1);
	}
	counted->ids[counted->count++] = id;
	return true;
}

/* Bytes of the map as the kernel accounts them. */
static double map_memory(int fd)
{
	char path[64], line[256];
	double bytes = -1;
	FILE *info;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	info = fopen(path, "r");
	while (info && bytes < 0 && fgets(line, sizeof(line), info))
		if (sscanf(line, "memlock: %lf", &bytes) != 1)
			bytes = -1;
	if (bytes < 0)
		bench_fail("memory of a map");
	fclose(info);
	return bytes;
}

static void map_count(struct counted *counted, uint32_t id);

/* What stands in a map of maps is not in what the kernel accounts for that. */
static void inner_count(struct counted *counted, int outer, uint32_t entries)
{
	for (uint32_t i = 0; i < entries; i++) {
		uint32_t id;

		if (!bpf_map_lookup_elem(outer, &i, &id))
			map_count(counted, id);
	}
}

static void map_count(struct counted *counted, uint32_t id)
{
	struct bpf_map_info info = { 0 };
	uint32_t size = sizeof(info);
	int fd;

	if (!counted_add(counted, id))
		return;
	fd = bpf_map_get_fd_by_id(id);
	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size))
		bench_fail("map");
	counted->bytes += map_memory(fd);
	if (info.type == BPF_MAP_TYPE_ARRAY_OF_MAPS)
		inner_count(counted, fd, info.max_entries);
	close(fd);
}

static void program_count(struct counted *counted, int program)
{
	uint32_t ids[MAPS_MAX];
	struct bpf_prog_info info = { .nr_map_ids = MAPS_MAX, .map_ids = (uint64_t)(uintptr_t)ids };
	uint32_t size = sizeof(info);

	if (bpf_obj_get_info_by_fd(program, &info, &size) || info.nr_map_ids > MAPS_MAX)
		bench_fail("maps of a program");
	for (uint32_t i = 0; i < info.nr_map_ids; i++)
		map_count(counted, ids[i]);
}

double maps_memory(const struct bpf_object *object)
{
	struct counted counted = { .count = 0 };
	struct bpf_program *program;

	bpf_object__for_each_program(program, object)
	{
		program_count(&counted, bpf_program__fd(program));
	}
	return counted.bytes;
}
