/* SPDX-License-Identifier: GPL-2.0-only */
#include "abi/config.h"
#include "rules.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

/* Bytes of the map as the kernel accounts them. Takes over the descriptor. */
static double map_memory(int fd)
{
	char path[64], line[256];
	double bytes = 0;
	FILE *info;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	info = fd < 0 ? NULL : fopen(path, "r");
	if (!info)
		bench_fail("map");
	while (fgets(line, sizeof(line), info))
		if (sscanf(line, "memlock: %lf", &bytes) == 1)
			break;
	fclose(info);
	close(fd);
	return bytes;
}

/* The rules stand in the inner map of a map of maps, which is counted apart from it. */
static double arena_memory(int outer)
{
	uint32_t zero = 0, id;

	if (bpf_map_lookup_elem(outer, &zero, &id))
		bench_fail(SPLICER_RULES);
	return map_memory(bpf_map_get_fd_by_id(id));
}

double maps_memory(const char *pin_dir)
{
	DIR *dir = opendir(pin_dir);
	struct dirent *entry;
	double bytes = 0;

	if (!dir)
		bench_fail(pin_dir);
	while ((entry = readdir(dir))) {
		char path[512];
		int fd;

		if (*entry->d_name == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", pin_dir, entry->d_name);
		fd = bpf_obj_get(path);
		if (!strcmp(entry->d_name, SPLICER_RULES))
			bytes += arena_memory(fd);
		bytes += map_memory(fd);
	}
	closedir(dir);
	return bytes;
}
