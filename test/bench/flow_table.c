/* SPDX-License-Identifier: GPL-2.0-only */
/* Generations of flow.o, as tools make and read them. */
#include "flow.h"
#include "flowgen.h"
#include "process.h"

#include <stdio.h>
#include <stdlib.h>

#define WORDS_MAX 8

static void must(int result, const struct error *error)
{
	if (!result)
		return;
	fprintf(stderr, "bench: %s\n", error->text);
	exit(1);
}

void flow_table_set(const struct flow_bench *flow, const char *const words[])
{
	const char *argv[WORDS_MAX + 4] = { "flow_set", "--pin-dir", flow->pin_dir };

	for (size_t i = 0; words[i] && i < WORDS_MAX; i++)
		argv[i + 3] = words[i];
	process_tool_time(flow->tools, argv);
}

static void gens_open(const struct flow_bench *flow, struct pins *pins, struct flowgens *gens)
{
	struct error error;

	must(pins_open(pins, flow->pin_dir, PINS_FLOW, false, &error), &error);
	must(flowgens_open(gens, pins, &error), &error);
}

static void table_rotate(const struct pins *pins)
{
	const struct flowgen_plan as_now = { 0 };
	struct flowgens gens;
	struct error error;

	must(pins_lock(pins, &error), &error);
	must(flowgens_rotate(pins, &as_now, &error), &error);
	must(flowgens_open(&gens, pins, &error), &error);
	flowgens_deliver(&gens);
	flowgens_close(&gens);
	pins_unlock(pins);
}

/* Of a session that is not found, programs ask the generation before: so that has to be empty too. */
void flow_table_empty(const struct flow_bench *flow)
{
	struct error error;
	struct pins pins;

	must(pins_open(&pins, flow->pin_dir, PINS_FLOW, false, &error), &error);
	table_rotate(&pins);
	table_rotate(&pins);
	pins_close(&pins);
}

uint64_t flow_table_count(const struct flow_bench *flow)
{
	struct flowgens gens;
	struct pins pins;
	uint64_t count = 0;

	gens_open(flow, &pins, &gens);
	for (uint32_t i = 0; i < gens.item[0].bucket_count; i++)
		for (size_t way = 0; way < FLOW_WAYS; way++)
			count += gens.item[0].buckets[i].used[way] != 0;
	flowgens_close(&gens);
	pins_close(&pins);
	return count;
}

struct flow_memory flow_table_memory(const struct flow_bench *flow)
{
	struct flow_memory memory;
	struct flowgens gens;
	struct pins pins;

	gens_open(flow, &pins, &gens);
	memory.bytes = gens.item[0].sessions_size;
	memory.capacity = (uint64_t)gens.item[0].bucket_count * FLOW_WAYS;
	flowgens_close(&gens);
	pins_close(&pins);
	return memory;
}
