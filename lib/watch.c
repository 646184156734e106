/* SPDX-License-Identifier: GPL-2.0-only */
#include "watch.h"

#include "array.h"
#include "num.h"
#include "out.h"
#include "rates.h"
#include "ruleview.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define LINES_DEFAULT 24
#define LINES_AROUND 3 /* the line of sums, the header of the table, and where the cursor rests */

/* ECMA-48, and DECAWM: lines that are too long end at the edge instead of taking up a second one */
#define SCREEN_WRAP_OFF "\033[?7l"
#define SCREEN_WRAP_ON "\033[?7h"
#define SCREEN_CLEAR "\033[H\033[J"

struct row {
	size_t place;
	uint64_t packets;
	struct rate rate;
};

struct watch {
	const struct selector *selector;
	bool json, terminal;
	bool begun; /* something was printed */
	struct rates rates;
	/* of this tick */
	struct row *rows;
	size_t count;
	struct rate sum;
};

static volatile sig_atomic_t stopped;

static void stop(int signal_number)
{
	(void)signal_number;
	stopped = 1;
}

static double seconds_of(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- one tick ---- */

/* Busiest first; of those that are equal, or not known yet, the one with more packets in all, then the older. */
static int busiest_first(const void *a, const void *b)
{
	const struct row *first = a, *second = b;

	if (first->rate.packets != second->rate.packets)
		return first->rate.packets < second->rate.packets ? 1 : -1;
	if (first->packets != second->packets)
		return first->packets < second->packets ? 1 : -1;
	return (first->place > second->place) - (first->place < second->place);
}

static int rows_add(struct watch *watch, const struct row *row, struct error *error)
{
	struct row *rows = array_room(watch->rows, watch->count, sizeof(*rows));

	if (!rows)
		return error_errno(error, "rules");
	watch->rows = rows;
	rows[watch->count++] = *row;
	if (row->rate.packets >= 0) {
		watch->sum.packets += row->rate.packets;
		watch->sum.bytes += row->rate.bytes;
	}
	return 0;
}

static int rows_read(struct watch *watch, struct ruleview *view, struct error *error)
{
	struct rules_record rule;

	rates_begin(&watch->rates, seconds_of(CLOCK_MONOTONIC));
	for (size_t i = 0; i < view->count; i++) {
		struct row row = { .place = i };
		struct reading reading;

		if (!ruleview_read(view, watch->selector, i, &rule))
			continue;
		reading = (struct reading){ .sequence = rules_decision_sequence(rule.head.decision),
					    .packets = rule.head.packets,
					    .bytes = rule.head.bytes };
		row.packets = reading.packets;
		if (rates_take(&watch->rates, &reading, &row.rate, error) || rows_add(watch, &row, error))
			return -1;
	}
	if (watch->count)
		qsort(watch->rows, watch->count, sizeof(*watch->rows), busiest_first);
	return 0;
}

/* Lines of the terminal that are left for rules. */
static size_t lines_for_rules(void)
{
	const char *text = getenv("LINES");
	struct winsize size = { 0 };
	struct error error;
	uint64_t lines;

	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_row)
		lines = size.ws_row;
	else if (!text || num_parse(text, 1, UINT16_MAX, &lines, &error))
		lines = LINES_DEFAULT;
	return lines > LINES_AROUND ? lines - LINES_AROUND : 1;
}

static void rate_out(struct out *out, const char *key, const char *header, double rate)
{
	char text[32] = "-";

	if (rate >= 0)
		snprintf(text, sizeof(text), rate > 0 && rate < 10 ? "%.1f" : "%.0f", rate);
	out_seconds(out, key, header, rate, text);
}

static void row_out(struct watch *watch, struct ruleview *view, const struct row *row, struct out *out, double now)
{
	struct rules_record rule;

	if (!ruleview_read(view, watch->selector, row->place, &rule))
		return;
	out_begin(out);
	out_seconds(out, "time", NULL, now, NULL);
	rate_out(out, "pps", "PPS", row->rate.packets);
	rate_out(out, "bps", "BPS", row->rate.bytes);
	rule_out(out, &rule, &view->surroundings);
	out_end(out);
}

static void rows_print(struct watch *watch, struct ruleview *view)
{
	size_t count = watch->count, most = watch->terminal ? lines_for_rules() : count;
	double now = seconds_of(CLOCK_REALTIME);
	struct out out;

	if (!watch->json && count > most)
		count = most;
	out_open(&out, watch->json ? OUT_JSON_LINES : OUT_TABLE);
	do {
		for (size_t i = 0; i < count; i++)
			row_out(watch, view, &watch->rows[i], &out, now);
	} while (out_again(&out));
}

/* The time, how many rules, and what they decide together. */
static void head_print(struct watch *watch)
{
	time_t now = time(NULL);
	struct tm local;
	char text[16];

	if (watch->terminal)
		fputs(SCREEN_CLEAR, stdout);
	else if (watch->begun)
		putchar('\n');
	strftime(text, sizeof(text), "%H:%M:%S", localtime_r(&now, &local));
	printf("%s  %zu %s", text, watch->count, watch->count == 1 ? "rule" : "rules");
	if (watch->begun)
		printf("  %.0f packets/s  %.0f bytes/s", watch->sum.packets, watch->sum.bytes);
	putchar('\n');
}

static int tick(struct watch *watch, const struct pins *pins, struct error *error)
{
	static struct ruleview view; /* 32 KiB */
	int result;

	if (ruleview_open(&view, pins, error))
		return -1;
	watch->count = 0;
	watch->sum = (struct rate){ 0 };
	result = rows_read(watch, &view, error);
	if (!result) {
		if (!watch->json)
			head_print(watch);
		rows_print(watch, &view);
		watch->begun = true;
	}
	free(watch->rows);
	watch->rows = NULL;
	ruleview_close(&view);
	return result;
}

/* ---- again and again ---- */

/* A second signal ends the process as usual, should stdout take nothing. */
static void signals_set(void)
{
	struct sigaction action = { .sa_handler = stop, .sa_flags = SA_RESTART | (int)SA_RESETHAND };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* What is left until a moment of CLOCK_MONOTONIC. */
static struct timespec time_until(double moment)
{
	double left = moment - seconds_of(CLOCK_MONOTONIC);
	struct timespec out = { 0 };

	if (left > 0) {
		out.tv_sec = (time_t)left;
		out.tv_nsec = (long)((left - (double)out.tv_sec) * 1e9);
	}
	return out;
}

/* Waits; the signals are let in only here, so none comes between the look at `stopped` and the wait. */
static int wait_until(double moment)
{
	struct pollfd reader = { .fd = STDOUT_FILENO };
	struct timespec left = time_until(moment);
	sigset_t ours, before;
	int result = 0;

	sigemptyset(&ours);
	sigaddset(&ours, SIGINT);
	sigaddset(&ours, SIGTERM);
	sigprocmask(SIG_BLOCK, &ours, &before);
	if (!stopped)
		result = ppoll(&reader, 1, &left, &before);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return result;
}

static int watch_loop(struct watch *watch, const struct pins *pins, uint64_t seconds, struct error *error)
{
	double next = seconds_of(CLOCK_MONOTONIC);

	while (!stopped) {
		if (tick(watch, pins, error))
			return -1;
		if (fflush(stdout) || ferror(stdout))
			return 0;
		next += (double)seconds;
		if (next < seconds_of(CLOCK_MONOTONIC))
			next = seconds_of(
				CLOCK_MONOTONIC); /* was stopped meanwhile: what was missed is not made up for */
		if (wait_until(next) > 0)
			return error_state(error, "stdout", "nobody reads it any more");
	}
	return 0;
}

int watch_run(const struct pins *pins, const struct selector *selector, uint64_t seconds, bool json,
	      struct error *error)
{
	struct watch watch = { .selector = selector, .json = json, .terminal = !json && isatty(STDOUT_FILENO) };
	int result, reason;

	signals_set();
	if (watch.terminal)
		fputs(SCREEN_WRAP_OFF, stdout);
	result = watch_loop(&watch, pins, seconds, error);
	reason = errno;
	if (watch.terminal)
		fputs(SCREEN_WRAP_ON, stdout);
	rates_free(&watch.rates);
	errno = reason;
	return result;
}
