/* SPDX-License-Identifier: GPL-2.0-only */
#include "countmetrics.h"

#include "countview.h"
#include "metrics.h"
#include "registry.h"
#include "ruleset.h"
#include "subscribe.h"
#include "utf8.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const struct {
	enum event_object object;
	const struct pin_shape *rules;
} rule_sets[] = {
	{ EVENT_SPLICER, &pin_rules },
	{ EVENT_XDP, &pin_xdp_rules },
};

#define RULE_SETS (sizeof(rule_sets) / sizeof(rule_sets[0]))

/* All that is told, read before the first of it is printed. */
struct readings {
	struct countview view;
	struct subscriber subscribers[EVENT_SLOT_COUNT];
	size_t subscriber_count;
	int64_t rules[RULE_SETS]; /* -1: the object was never attached */
};

static int rules_read(const struct pins *pins, const struct pin_shape *shape, int64_t *rules, struct error *error)
{
	struct ruleset set;

	*rules = -1;
	if (!pin_is_there(pins, shape))
		return 0;
	if (ruleset_open(&set, pins, shape, false, error))
		return -1;
	*rules = ruleset_count(&set);
	ruleset_close(&set);
	return 0;
}

static int readings_take(struct readings *readings, const struct pins *pins, const struct count_selector *selector,
			 struct error *error)
{
	int result = 0;

	if (countview_open(&readings->view, pins, selector, error) ||
	    subscribers_read(pins, readings->subscribers, &readings->subscriber_count, error))
		return -1;
	for (size_t i = 0; i < RULE_SETS && !result; i++)
		result = rules_read(pins, rule_sets[i].rules, &readings->rules[i], error);
	return result;
}

/* ---- counters ---- */

static unsigned int field_number(const struct count_key *key, enum count_field field)
{
	switch (field) {
	case COUNT_OBJECT:
		return key->object;
	case COUNT_IFACE:
		return key->ifindex;
	case COUNT_HOOK:
		return key->hook;
	case COUNT_REASON:
		return key->reason;
	default:
		return key->verdict;
	}
}

/* Two samples with equal labels are an error for who reads them, so what has no name of its own goes by its number. */
static void label_out(struct metric *metric, const struct countview *view, const struct count_row *row,
		      enum count_field field)
{
	const char *word = countview_word(view, row, field);
	char number[COUNT_WORD_MAX];

	if (word && (!strcmp(word, "?") || !utf8_is_text(word))) {
		snprintf(number, sizeof(number), "#%u", field_number(&row->key, field));
		word = number;
	}
	sample_label(metric, count_field_name(field), word ? word : "");
}

static void counters_out(struct metric *metric, const struct countview *view, bool bytes)
{
	metric_open(metric);
	for (size_t i = 0; i < view->counts.count; i++) {
		const struct count_row *row = &view->counts.rows[i];

		sample_begin(metric);
		for (enum count_field field = 0; field < COUNT_FIELDS; field++)
			if (view->fields & 1u << field)
				label_out(metric, view, row, field);
		sample_end(metric, bytes ? row->bytes : row->packets);
	}
}

/* ---- what stands beside them ---- */

static void rules_out(const struct readings *readings)
{
	struct metric metric = { .name = "splicer_rules",
				 .unit = "rules",
				 .help = "Rules in the set of this object.",
				 .type = METRIC_GAUGE };

	metric_open(&metric);
	for (size_t i = 0; i < RULE_SETS; i++) {
		if (readings->rules[i] < 0)
			continue;
		sample_begin(&metric);
		sample_label(&metric, count_field_name(COUNT_OBJECT), object_name(rule_sets[i].object));
		sample_end(&metric, (uint64_t)readings->rules[i]);
	}
}

static void losses_out(const struct readings *readings)
{
	struct metric metric = { .name = "splicer_events_lost",
				 .help = "Events that found the ring of this subscriber full.",
				 .type = METRIC_COUNTER };
	char number[16];

	metric_open(&metric);
	for (size_t i = 0; i < readings->subscriber_count; i++) {
		const struct subscriber *subscriber = &readings->subscribers[i];

		sample_begin(&metric);
		snprintf(number, sizeof(number), "%" PRIu32, subscriber->slot);
		sample_label(&metric, "slot", number);
		snprintf(number, sizeof(number), "%" PRIu32, subscriber->pid);
		sample_label(&metric, "pid", number);
		sample_end(&metric, subscriber->lost);
	}
}

static void readings_out(const struct readings *readings)
{
	struct metric packets = { .name = "splicer_packets",
				  .unit = "packets",
				  .help = "Packets that were decided, by where that was and what came of them.",
				  .type = METRIC_COUNTER };
	struct metric bytes = { .name = "splicer_bytes",
				.unit = "bytes",
				.help = "Bytes of these packets, as the hook sees them.",
				.type = METRIC_COUNTER };

	counters_out(&packets, &readings->view, false);
	counters_out(&bytes, &readings->view, true);
	rules_out(readings);
	gauge_print("splicer_event_subscribers", "subscribers", "Programs that follow events.",
		    readings->subscriber_count);
	losses_out(readings);
	metrics_end();
}

int countmetrics_print(const struct pins *pins, const struct count_selector *selector, struct error *error)
{
	struct readings readings = { 0 };
	int result = readings_take(&readings, pins, selector, error);

	if (!result)
		readings_out(&readings);
	countview_close(&readings.view);
	return result;
}
