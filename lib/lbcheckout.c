/* SPDX-License-Identifier: GPL-2.0-only */
#include "lbcheckout.h"

#include "clock.h"
#include "lbout.h"
#include "out.h"

#include <stdio.h>
#include <time.h>

static unsigned int flags_of(const struct lb_probed *probed)
{
	return (probed->drained ? LB_BACKEND_DRAINED : 0) | (probed->health.up ? 0 : LB_BACKEND_DOWN);
}

static const char *result_word(enum probe_result result)
{
	static const char *const words[] = {
		[PROBE_SUCCESS] = "healthy", [PROBE_FAILURE] = "failed", [PROBE_NOT_MADE] = "unknown"
	};

	return words[result];
}

static void names_out(struct out *out, const struct lb_probed *probed)
{
	lb_service_out(out, &probed->service);
	lb_target_out(out, &probed->backend);
}

static void result_out(struct out *out, const struct lb_probed *probed, const struct probe_outcome *outcome)
{
	double seconds = outcome->result == PROBE_NOT_MADE ? -1 : (double)outcome->took / CLOCK_SECOND;
	char shown[32] = "-";

	if (seconds >= 0)
		snprintf(shown, sizeof(shown), "%.1f", seconds * 1000);
	out_text(out, "probe", "PROBE", probe_kind_name(probed->probe.how->kind));
	out_text(out, "result", "RESULT", result_word(outcome->result));
	out_seconds(out, "seconds", "MS", seconds, shown);
}

static void state_out(struct out *out, const struct lb_probed *probed, const struct probe_outcome *outcome)
{
	out_text(out, "state", "STATE", lb_state_name(flags_of(probed)));
	out_bool(out, "changed", probed->changed);
	out_text(out, "why", "WHY", *outcome->why ? outcome->why : NULL);
}

static void columns_out(struct out *out, const struct lb_probed *probed, const struct probe_outcome *outcome)
{
	names_out(out, probed);
	result_out(out, probed, outcome);
	state_out(out, probed, outcome);
}

void lb_results_print(const struct lb_targets *targets, bool json)
{
	struct out out;

	out_open(&out, json ? OUT_JSON : OUT_TABLE);
	do {
		for (size_t i = 0; i < targets->count; i++) {
			out_begin(&out);
			columns_out(&out, targets->items[i], &targets->items[i]->probe.outcome);
			out_end(&out);
		}
	} while (out_again(&out));
}

/* ---- lines ---- */

static void json_line(const struct lb_probed *probed, const struct probe_outcome *outcome, const char *event)
{
	struct out out;

	out_open(&out, OUT_JSON_LINES);
	out_begin(&out);
	out_seconds(&out, "time", NULL, clock_seconds(CLOCK_REALTIME), NULL);
	out_text(&out, "event", NULL, event);
	columns_out(&out, probed, outcome);
	out_end(&out);
}

static void line_begin(const struct lb_probed *probed)
{
	char text[16], service[LB_TEXT_MAX], backend[LB_TEXT_MAX];
	time_t now = time(NULL);
	struct tm local;

	strftime(text, sizeof(text), "%H:%M:%S", localtime_r(&now, &local));
	printf("%s %s %s", text, lb_name_format(&probed->service, service),
	       lb_target_format(&probed->backend, backend));
}

static void line_end(const struct probe_outcome *outcome)
{
	printf("%s%s\n", *outcome->why ? ": " : "", outcome->why);
	fflush(stdout);
}

void lb_result_print(const struct lb_probed *probed, bool json)
{
	const struct probe_outcome *outcome = &probed->probe.outcome;

	if (json) {
		json_line(probed, outcome, "probe");
		return;
	}
	line_begin(probed);
	printf(" %s %s", probe_kind_name(probed->probe.how->kind), result_word(outcome->result));
	if (outcome->result != PROBE_NOT_MADE)
		printf(" %.1f ms", (double)outcome->took * 1000 / CLOCK_SECOND);
	line_end(outcome);
}

void lb_change_print(const struct lb_probed *probed, bool json)
{
	if (json) {
		json_line(probed, &probed->decisive, "state");
		return;
	}
	line_begin(probed);
	printf(" %s", probed->health.up ? "up" : "down");
	line_end(&probed->decisive);
}

void lb_unprobed_note(const struct lb_probed *probed)
{
	char service[LB_TEXT_MAX], backend[LB_TEXT_MAX];

	note_print("%s %s: not probed: %s", lb_name_format(&probed->service, service),
		   lb_target_format(&probed->backend, backend), probed->probe.outcome.why);
}
