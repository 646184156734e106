/* SPDX-License-Identifier: GPL-2.0-only */
/* lib/counts.c, lib/countselect.c: cells of all CPUs merged, summed, ordered and selected */
#include "counts.h"

#include "abi/event.h"
#include "abi/reasons.h"
#include "countselect.h"
#include "registry.h"
#include "tap.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <unistd.h>

#define FULL_CELLS 3000

static struct count_key key_random(void)
{
	return (struct count_key){
		.ifindex = random_below(4),
		.object = (uint8_t)(1 + random_below(2)),
		.hook = (uint8_t)(1 + random_below(2)),
		.verdict = (uint8_t)(1 + random_below(5)),
		.reason = (uint8_t)(1 + random_below(8)),
	};
}

static int same_key(const struct count_key *a, const struct count_key *b)
{
	return !memcmp(a, b, sizeof(*a));
}

/* ---- what is read from a map ---- */

/* Fills cells anywhere in the map, of all CPUs, a key in several of them; *expected is what they hold of the key. */
static void map_fill(int map, size_t cpus, const struct count_key *key, struct count_row *expected, uint64_t *total)
{
	struct count_cell *cells = calloc(cpus, sizeof(*cells));

	*expected = (struct count_row){ .key = *key };
	*total = 0;
	for (uint32_t i = 0; cells && i < FULL_CELLS; i++) {
		uint32_t at = i ? random_below(COUNT_CELLS) : COUNT_CELLS - 1;

		/* what the cell held until now is replaced */
		if (i && bpf_map_lookup_elem(map, &at, cells))
			bail_out("lookup");
		for (size_t cpu = 0; cpu < cpus; cpu++) {
			struct count_cell *cell = &cells[cpu];

			*total -= cell->packets;
			if (same_key(&cell->key, key)) {
				expected->packets -= cell->packets;
				expected->bytes -= cell->bytes;
			}
			*cell = (struct count_cell){ .key = key_random() };
			cell->packets = random_below(1000); /* now and then none yet */
			cell->bytes = cell->packets * 60;
			*total += cell->packets;
			if (same_key(&cell->key, key)) {
				expected->packets += cell->packets;
				expected->bytes += cell->bytes;
			}
		}
		if (bpf_map_update_elem(map, &at, cells, BPF_ANY))
			bail_out("update");
	}
	free(cells);
}

static void rows_check(const struct counts *counts, const struct count_row *expected, uint64_t total)
{
	const struct count_row *found = NULL;
	uint64_t sum = 0, empty = 0, doubled = 0;

	for (size_t i = 0; i < counts->count; i++) {
		sum += counts->rows[i].packets;
		empty += !counts->rows[i].packets;
		for (size_t j = 0; j < i; j++)
			doubled += same_key(&counts->rows[i].key, &counts->rows[j].key);
		if (same_key(&counts->rows[i].key, &expected->key))
			found = &counts->rows[i];
	}
	check((long long)sum, (long long)total, "all packets of all cells");
	check((long long)doubled, 0, "each key once");
	check((long long)empty, 0, "none without packets");
	check(found ? (long long)found->packets : -1, (long long)expected->packets, "packets of one key");
	check(found ? (long long)found->bytes : -1, (long long)expected->bytes, "bytes of one key");
}

static void test_map(void)
{
	int map = bpf_map_create(BPF_MAP_TYPE_PERCPU_ARRAY, "counts", 4, sizeof(struct count_cell), COUNT_CELLS, NULL);
	struct count_key key = { 3, EVENT_SPLICER, EVENT_INGRESS, VERDICT_DROP, REASON_NO_RULE };
	struct count_row expected;
	struct counts counts;
	uint64_t total;

	if (map < 0) {
		printf("ok %d - counters of a map # SKIP %s\n", ++tap_tests, strerror(errno));
		return;
	}
	check(counts_read_map(map, &counts), 0, "an empty map");
	check((long long)counts.count, 0, "has no rows");
	counts_free(&counts);
	map_fill(map, (size_t)libbpf_num_possible_cpus(), &key, &expected, &total);
	check(counts_read_map(map, &counts), 0, "a full map");
	rows_check(&counts, &expected, total);
	counts_free(&counts);
	close(map);
	check(counts_read_map(map, &counts), -1, "no map");
	counts_free(&counts);
}

/* ---- sums ---- */

static struct counts counts_of(const struct count_row *rows, size_t count)
{
	struct counts counts = { .rows = calloc(count, sizeof(*rows)), .count = count };

	if (!counts.rows)
		bail_out("memory");
	memcpy(counts.rows, rows, count * sizeof(*rows));
	return counts;
}

/* "OBJECT/IFINDEX/HOOK/VERDICT/REASON=PACKETS,BYTES ..." */
static const char *counts_text(const struct counts *counts)
{
	static char text[1024];
	size_t used = 0;

	*text = '\0';
	for (size_t i = 0; i < counts->count && used < sizeof(text); i++) {
		const struct count_row *row = &counts->rows[i];

		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%u/%u/%u/%u/%u=%llu,%llu", i ? " " : "",
					 row->key.object, row->key.ifindex, row->key.hook, row->key.verdict,
					 row->key.reason, (unsigned long long)row->packets,
					 (unsigned long long)row->bytes);
	}
	return text;
}

static const struct count_row sample[] = {
	{ { 7, 1, 1, VERDICT_PASS, REASON_RULE_PASS }, 5, 50 },
	{ { 7, 1, 1, VERDICT_SPLICE, REASON_RULE_SPLICE }, 6, 60 },
	{ { 8, 1, 2, VERDICT_PASS, REASON_OUT }, 7, 70 },
	{ { 8, 1, 1, VERDICT_DETECT, REASON_NO_RULE }, 3, 30 },
	{ { 0, 1, 1, VERDICT_DROP, REASON_NO_RULE }, 1, 10 },
	{ { 7, 1, 1, VERDICT_DROP, REASON_NO_RULE }, 2, 20 },
	{ { 7, 2, 3, VERDICT_TRANSLATE, REASON_NONE }, 4, 40 },
	{ { 7, 1, 1, 200, REASON_COUNT }, 9, 90 }, /* a verdict of a later version */
};

static void sum_check(unsigned int fields, const char *expected, const char *what)
{
	struct counts counts = counts_of(sample, sizeof(sample) / sizeof(sample[0]));

	counts_sum(&counts, fields);
	check_text(counts_text(&counts), expected, "sums by %s", what);
	counts_free(&counts);
}

static void test_sums(void)
{
	sum_check(1u << COUNT_OBJECT, "1/0/0/0/0=33,330 2/0/0/0/0=4,40", "object");
	sum_check(1u << COUNT_IFACE, "0/0/0/0/0=1,10 0/7/0/0/0=26,260 0/8/0/0/0=10,100", "interface");
	sum_check(1u << COUNT_HOOK, "0/0/1/0/0=26,260 0/0/2/0/0=7,70 0/0/3/0/0=4,40", "hook");
	sum_check(1u << COUNT_VERDICT, "0/0/0/1/0=3,30 0/0/0/2/0=22,220 0/0/0/4/0=3,30 0/0/0/200/0=9,90",
		  "verdict: ALLOWED is one");
	sum_check(1u << COUNT_ACTION, "0/0/0/1/0=3,30 0/0/0/2/0=15,150 0/0/0/3/0=6,60 0/0/0/5/0=4,40 0/0/0/200/0=9,90",
		  "action: passed is one");
	sum_check(1u << COUNT_VERDICT | 1u << COUNT_ACTION,
		  "0/0/0/1/0=3,30 0/0/0/2/0=12,120 0/0/0/3/0=6,60 0/0/0/4/0=3,30 0/0/0/5/0=4,40 0/0/0/200/0=9,90",
		  "both: no two are one");
	sum_check(1u << COUNT_REASON,
		  "0/0/0/0/0=4,40 0/0/0/0/6=6,60 0/0/0/0/71=5,50 0/0/0/0/78=7,70 0/0/0/0/96=6,60 0/0/0/0/128=9,90",
		  "reason");
	sum_check(0, "0/0/0/0/0=37,370", "nothing");
}

static void test_order(void)
{
	struct counts counts = counts_of(sample, sizeof(sample) / sizeof(sample[0])), none = { 0 };

	counts_order(&counts);
	check_text(counts_text(&counts),
		   "1/7/1/1/6=2,20 1/0/1/1/6=1,10 1/8/1/4/6=3,30 1/7/1/200/128=9,90 1/8/2/2/78=7,70 1/7/1/3/96=6,60 "
		   "1/7/1/2/71=5,50 2/7/3/5/0=4,40",
		   "blocked, detected, allowed; most packets first");
	counts_free(&counts);
	counts_order(&none);
	counts_sum(&none, COUNT_FIELDS_ALL);
	check((long long)none.count, 0, "nothing stays nothing");
}

/* ---- selectors ---- */

static void select_check(const char *expected, const char *words, struct count_selector *selector)
{
	struct counts counts = counts_of(sample, sizeof(sample) / sizeof(sample[0]));
	size_t kept = 0;

	for (size_t i = 0; i < counts.count; i++)
		if (count_selector_matches(selector, &counts.rows[i].key))
			counts.rows[kept++] = counts.rows[i];
	counts.count = kept;
	check_text(counts_text(&counts), expected, "%s", words);
	counts_free(&counts);
	free(selector->ifindexes);
	*selector = (struct count_selector){ 0 };
}

static void take(struct count_selector *selector, enum count_select_row row, const char *value)
{
	struct error error;

	if (count_selector_option(selector, row, value, &error))
		check_text(error.text, "", "%s is taken", value);
}

static void test_selectors(void)
{
	struct count_selector selector = { 0 };

	take(&selector, COUNT_SELECT_INTERFACE, "#8");
	select_check("1/8/2/2/78=7,70 1/8/1/4/6=3,30", "-i", &selector);
	take(&selector, COUNT_SELECT_INTERFACE, "#8");
	take(&selector, COUNT_SELECT_INTERFACE, "#9");
	take(&selector, COUNT_SELECT_HOOK, "egress");
	select_check("1/8/2/2/78=7,70", "-i twice, and --hook", &selector);
	take(&selector, COUNT_SELECT_VERDICT, "blocked");
	take(&selector, COUNT_SELECT_VERDICT, "DETECTED");
	select_check("1/8/1/4/6=3,30 1/0/1/1/6=1,10 1/7/1/1/6=2,20", "--verdict twice", &selector);
	take(&selector, COUNT_SELECT_ACTION, "passed");
	select_check("1/7/1/2/71=5,50 1/8/2/2/78=7,70 1/8/1/4/6=3,30", "--action", &selector);
	take(&selector, COUNT_SELECT_ACTION, "passed");
	take(&selector, COUNT_SELECT_VERDICT, "ALLOWED");
	select_check("1/7/1/2/71=5,50 1/8/2/2/78=7,70", "--action and --verdict", &selector);
	take(&selector, COUNT_SELECT_REASON, "rule-splice");
	take(&selector, COUNT_SELECT_REASON, "no-rule");
	take(&selector, COUNT_SELECT_INTERFACE, "#7");
	select_check("1/7/1/3/96=6,60 1/7/1/1/6=2,20", "--reason of both words", &selector);
	take(&selector, COUNT_SELECT_OBJECT, "xdp");
	select_check("2/7/3/5/0=4,40", "--object", &selector);
	take(&selector, COUNT_SELECT_BY, "reason,iface");
	take(&selector, COUNT_SELECT_BY, "reason");
	check(selector.fields, 1 << COUNT_REASON | 1 << COUNT_IFACE, "--by, twice the same");
}

static void test_refused(void)
{
	static const struct {
		enum count_select_row row;
		const char *value;
	} wrong[] = {
		{ COUNT_SELECT_BY, "" },           { COUNT_SELECT_BY, "reason," },
		{ COUNT_SELECT_BY, ",reason" },    { COUNT_SELECT_BY, "reasons" },
		{ COUNT_SELECT_BY, "rea" },        { COUNT_SELECT_BY, "iface reason" },
		{ COUNT_SELECT_BY, "packets" },    { COUNT_SELECT_VERDICT, "drop" },
		{ COUNT_SELECT_ACTION, "" },       { COUNT_SELECT_REASON, "no rule" },
		{ COUNT_SELECT_HOOK, "?" },        { COUNT_SELECT_OBJECT, "splicer.o" },
		{ COUNT_SELECT_INTERFACE, "any" }, { COUNT_SELECT_INTERFACE, "" },
		{ COUNT_SELECT_INTERFACE, "#0" },
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct count_selector selector = { 0 };
		struct error error = { 0 };

		check(count_selector_option(&selector, wrong[i].row, wrong[i].value, &error), -1, "\"%s\" is refused",
		      wrong[i].value);
		check(error.exit, EXIT_USAGE, "\"%s\" is malformed", wrong[i].value);
	}
}

int main(int argc, char **argv)
{
	random_start(argc, argv);
	test_map();
	test_sums();
	test_order();
	test_selectors();
	test_refused();
	return tap_done();
}
