/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What events cost: a packet by its subscribers, in test runs beside an empty program; and the lines that one
 * trace_tail gets of a flood, beside cat trace_pipe with a bpf_printk per packet. events_bench [-j] SPLICER.o WRAP.o
 * PRINT.o PIN_DIR TOOLS_DIR SCRATCH_DIR; run by scripts/bench in a box of its own.
 */
#include "events.h"
#include "out.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TRACE_DIR "/sys/kernel/tracing"

static const char *const reader_names[EVENTS_READERS] = {
	[READER_NONE] = "nobody",
	[READER_JSON] = "trace_tail -j",
	[READER_TEXT] = "trace_tail",
	[READER_PIPE] = "cat trace_pipe",
};

/* ---- bpf_printk ---- */

/* Without tracefs its row stays empty; and where somebody else reads, which newer kernels refuse to share. */
static void print_open(struct events *events, const char *path)
{
	int pipe = open(TRACE_DIR "/trace_pipe", O_RDONLY | O_CLOEXEC);

	if (pipe < 0) {
		fprintf(stderr, "bench: %s: %s, its row stays empty\n", TRACE_DIR "/trace_pipe", strerror(errno));
		return;
	}
	close(pipe);
	events->trace = TRACE_DIR;
	events->print = bench_object(path, NULL);
	if (bpf_object__load(events->print))
		bench_fail(path);
}

/* ---- what is printed ---- */

static void cost_print(struct out *out, const struct events_cost *row)
{
	out_begin(out);
	out_text(out, "part", NULL, "events");
	out_text(out, "block", NULL, "cost");
	out_text(out, "packet", "EVENTS, NS PER PACKET", row->packet);
	out_number(out, "subscribers", "SUBSCRIBERS", row->subscribers);
	out_text(out, "wanted", "WANT", row->wants);
	out_integer(out, "empty", "EMPTY", (int64_t)row->empty);
	out_integer(out, "gross", "SPLICER", (int64_t)row->splicer);
	out_integer(out, "net", "+NET", (int64_t)(row->splicer - row->empty));
	out_integer(out, "over_none", "+OVER 0", (int64_t)(row->splicer - row->none));
	out_end(out);
}

static void ratio_print(struct out *out, const char *key, const char *header, double ours, double theirs)
{
	char text[16];

	if (ours <= 0 || theirs <= 0) {
		out_text(out, key, header, NULL);
		return;
	}
	snprintf(text, sizeof(text), "%.2f", ours / theirs);
	out_seconds(out, key, header, ours / theirs, text);
}

/* "lost" is also what the reader's ring had no room for: the sender is faster than it. */
static void delivery_print(struct out *out, const struct events *events, enum events_reader reader)
{
	const struct events_delivery *row = &events->delivery[reader], *pipe = &events->delivery[READER_PIPE];
	bool reads = row->done && reader != READER_NONE;

	out_begin(out);
	out_text(out, "part", NULL, "events");
	out_text(out, "block", NULL, "delivery");
	out_text(out, "reader", "EVENTS DELIVERED TO", reader_names[reader]);
	out_number_or(out, "packets", "PACKETS", row->done ? (int64_t)row->packets : -1, "-");
	out_number_or(out, "sender", "NS/PACKET", row->done ? (int64_t)row->sender : -1, "-");
	out_number_or(out, "in_drop", "NS/EVENT", reads ? (int64_t)row->in_drop : -1, "-");
	out_number_or(out, "lines", "LINES", reads ? (int64_t)row->lines : -1, "-");
	out_number_or(out, "lost", "LOST", reads ? (int64_t)row->lost : -1, "-");
	out_number_or(out, "rate", "LINES/S", reads ? (int64_t)row->rate : -1, "-");
	out_number_or(out, "busy", "LINES/CPU S", reads ? (int64_t)row->busy : -1, "-");
	ratio_print(out, "rate_over_pipe", "RATIO", row->rate, pipe->rate);
	ratio_print(out, "busy_over_pipe", "CPU RATIO", row->busy, pipe->busy);
	ratio_print(out, "event_over_pipe", "NS RATIO", row->in_drop, pipe->in_drop);
	out_end(out);
}

static void tables_print(const struct events *events, enum out_form form)
{
	struct out out;

	out_open(&out, form);
	do {
		for (size_t i = 0; i < events->costs; i++)
			cost_print(&out, &events->cost[i]);
	} while (out_again(&out));
	if (form == OUT_TABLE)
		putchar('\n');
	out_open(&out, form);
	do {
		for (size_t i = 0; i < EVENTS_READERS; i++)
			delivery_print(&out, events, (enum events_reader)i);
	} while (out_again(&out));
}

int main(int argc, char **argv)
{
	bool json = argc > 1 && !strcmp(argv[1], "-j");
	static struct events events;
	struct error error;

	argv += json;
	if (argc - json != 7) {
		fprintf(stderr, "usage: events_bench [-j] SPLICER.o WRAP.o PRINT.o PIN_DIR TOOLS_DIR SCRATCH_DIR\n");
		return 2;
	}
	events.tools = argv[5];
	events.scratch = argv[6];
	bench_open(&events.bench, argv[1], argv[2], argv[4], "wan0");
	if (pins_open(&events.pins, argv[4], PINS_SPLICER, false, &error))
		return error_print(&error);
	print_open(&events, argv[3]);
	events_measure_cost(&events);
	events_measure_delivery(&events);
	tables_print(&events, json ? OUT_JSON_LINES : OUT_TABLE);
	return 0;
}
