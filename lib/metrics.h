/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * OpenMetrics 1.0 text (github.com/OpenObservability/OpenMetrics) on standard output: families of samples, whose labels
 * are given in the same order each time.
 */
#ifndef SPLICER_METRICS_H
#define SPLICER_METRICS_H

#include <stdint.h>

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

struct metric {
	const char *name; /* of the family; it ends in its unit, if that has one */
	const char *unit; /* NULL: none */
	const char *help;
	enum metric_type type;
	unsigned int labels; /* of the sample that is printed just now */
};

/* The lines before the samples of a family. Its help is escaped. */
void metric_open(const struct metric *metric);

/* One sample: begun, its labels, and its value at the end. Any bytes may be in a label: they are escaped, and what is
 * not UTF-8 is replaced. */
void sample_begin(struct metric *metric);
void sample_begin_part(struct metric *metric, const char *suffix); /* of a histogram: "_bucket", "_count", "_sum" */
void sample_label(struct metric *metric, const char *name, const char *value);
void sample_end(struct metric *metric, uint64_t value);
void sample_end_text(struct metric *metric, const char *number);

/* After the sample of a counter that has no labels: since when it counts, ns since the epoch. */
void sample_created(const struct metric *metric, uint64_t epoch);

/* A gauge of one sample without labels. */
void gauge_print(const char *name, const char *unit, const char *help, uint64_t value);

/* The end of the exposition. */
void metrics_end(void);

#endif
