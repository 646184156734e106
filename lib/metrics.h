/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * OpenMetrics 1.0 text (github.com/OpenObservability/OpenMetrics) on standard output: families of samples, whose labels
 * are given in the same order each time.
 */
#ifndef SPLICER_METRICS_H
#define SPLICER_METRICS_H

#include <stdint.h>

enum metric_type { METRIC_COUNTER, METRIC_GAUGE };

struct metric {
	const char *name; /* of the family; it ends in its unit, if that has one */
	const char *unit; /* NULL: none */
	const char *help;
	enum metric_type type;
	unsigned int labels; /* of the sample that is printed just now */
};

/* The lines before the samples of a family. */
void metric_open(const struct metric *metric);

/* One sample: begun, its labels, and its value at the end. Any bytes may be in a label: they are escaped, and what is
 * not UTF-8 is replaced. */
void sample_begin(struct metric *metric);
void sample_label(struct metric *metric, const char *name, const char *value);
void sample_end(struct metric *metric, uint64_t value);

/* The end of the exposition. */
void metrics_end(void);

#endif
