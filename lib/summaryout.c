/* SPDX-License-Identifier: GPL-2.0-only */
#include "clock.h"
#include "out.h"
#include "prefix.h"
#include "registry.h"
#include "summary.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Lines of a block beside those of the reasons: the first, two headers, an empty one, sources, and what is missing. */
#define LINES_OTHER (5 + SUMMARY_SOURCES)

#define ROWS_MAX ((VERDICT_COUNT + 1) * (UINT8_MAX + 1))

/* ---- rows ---- */

struct row {
	uint8_t verdict, reason;
	struct summary_sum sum;
};

/* More events first; of those that are equal the lower numbers. */
static int busiest_first(const void *a, const void *b)
{
	const struct row *first = a, *second = b;

	if (first->sum.events != second->sum.events)
		return first->sum.events < second->sum.events ? 1 : -1;
	if (first->verdict != second->verdict)
		return first->verdict < second->verdict ? -1 : 1;
	return (first->reason > second->reason) - (first->reason < second->reason);
}

static size_t rows_make(const struct summary *summary, struct row rows[ROWS_MAX])
{
	size_t count = 0;

	for (unsigned int verdict = 0; verdict <= VERDICT_COUNT; verdict++)
		for (unsigned int reason = 0; reason <= UINT8_MAX; reason++)
			if (summary->by[verdict][reason].events)
				rows[count++] =
					(struct row){ (uint8_t)verdict, (uint8_t)reason, summary->by[verdict][reason] };
	qsort(rows, count, sizeof(*rows), busiest_first);
	return count;
}

/* ---- printing ---- */

/* Of a block: what all its rows have. */
struct block {
	struct out out;
	double time, seconds;
};

static void block_begin(struct block *block, bool json)
{
	out_open(&block->out, json ? OUT_JSON_LINES : OUT_TABLE);
}

static void row_begin(struct block *block, const char *kind)
{
	out_begin(&block->out);
	out_text(&block->out, "kind", NULL, kind);
	out_seconds(&block->out, "time", NULL, block->time, NULL);
}

static void rate_out(struct block *block, uint64_t events)
{
	double rate = block->seconds > 0 ? (double)events / block->seconds : -1;
	char text[32] = "-";

	if (rate >= 0)
		snprintf(text, sizeof(text), "%.1f", rate);
	out_seconds(&block->out, "eps", "PER_S", rate, text);
}

static void head_print(const struct summary *summary, struct block *block, uint64_t lost)
{
	struct out *out = &block->out;

	if (!summary->screen.json) {
		screen_head(&summary->screen);
		printf("  %.1f s  %" PRIu64 " events  %" PRIu64 " bytes  %" PRIu64 " lost\n", block->seconds,
		       summary->sum.events, summary->sum.bytes, lost);
		return;
	}
	block_begin(block, true);
	row_begin(block, "interval");
	out_seconds(out, "seconds", NULL, block->seconds, NULL);
	out_number(out, "events", NULL, summary->sum.events);
	rate_out(block, summary->sum.events);
	out_number(out, "bytes", NULL, summary->sum.bytes);
	out_number(out, "lost", NULL, lost);
	out_number(out, "sources", NULL, summary->talkers.count);
	out_number(out, "missed", NULL, summary->talkers.error);
	out_end(out);
}

static void reason_out(struct block *block, const struct row *row)
{
	struct out *out = &block->out;

	row_begin(block, "verdict");
	out_text(out, "verdict", "VERDICT", verdict_name(row->verdict));
	out_text(out, "action", "ACTION", verdict_action(row->verdict));
	out_text(out, "reason", "REASON", reason_name(row->reason));
	out_number(out, "events", "EVENTS", row->sum.events);
	rate_out(block, row->sum.events);
	out_number(out, "bytes", "BYTES", row->sum.bytes);
	out_text(out, "text", "MEANING", reason_text(row->reason));
	out_end(out);
}

static void reasons_print(const struct summary *summary, struct block *block)
{
	static struct row rows[ROWS_MAX]; /* 40 KiB */
	size_t count = rows_make(summary, rows), most = screen_lines(&summary->screen, LINES_OTHER);

	block_begin(block, summary->screen.json);
	if (count > most)
		count = most;
	do {
		for (size_t i = 0; i < count; i++)
			reason_out(block, &rows[i]);
	} while (out_again(&block->out));
}

static void source_out(struct block *block, const struct talker *talker)
{
	struct out *out = &block->out;
	char text[PREFIX_TEXT_MAX], ports[8];

	row_begin(block, "source");
	out_text(out, "src", "SOURCE", address_format(talker->source.family, talker->source.addr, text));
	out_number(out, "events", "EVENTS", talker->sum.events);
	rate_out(block, talker->sum.events);
	out_number(out, "blocked", "BLOCKED", talker->sum.blocked);
	out_number(out, "bytes", "BYTES", talker->sum.bytes);
	out_number(out, "ports", NULL, talker->port_count);
	out_bool(out, "more_ports", talker->more_ports);
	snprintf(ports, sizeof(ports), "%s%u", talker->more_ports ? ">" : "", talker->port_count);
	out_text(out, NULL, "PORTS", ports);
	out_number_or(out, "dport", "LAST_PORT", talker->sum.port, "-");
	out_rare(out, talker->missed > 0);
	out_number(out, "missed", "MISSED", talker->missed);
	out_end(out);
}

static void sources_print(struct summary *summary, struct block *block)
{
	size_t count = talkers_sort(&summary->talkers, SUMMARY_SOURCES);

	block_begin(block, summary->screen.json);
	if (!summary->screen.json && count)
		putchar('\n');
	do {
		for (size_t i = 0; i < count; i++)
			source_out(block, &summary->talkers.items[i]);
	} while (out_again(&block->out));
	if (!summary->screen.json && summary->talkers.error)
		printf("more sources than can be counted: any that is missing sent %" PRIu64 " events at most\n",
		       summary->talkers.error);
}

void summary_block_print(struct summary *summary, double seconds, uint64_t lost)
{
	struct block block = { .time = clock_seconds(CLOCK_REALTIME), .seconds = seconds };

	head_print(summary, &block, lost);
	reasons_print(summary, &block);
	sources_print(summary, &block);
	fflush(stdout);
}
