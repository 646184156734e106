/* SPDX-License-Identifier: GPL-2.0-only */
#include "metrics.h"

#include "clock.h"
#include "utf8.h"

#include <inttypes.h>
#include <stdio.h>

static void character_print(const unsigned char *at, unsigned int length)
{
	if (!length)
		fputs("\xef\xbf\xbd", stdout); /* U+FFFD */
	else if (*at == '\n')
		fputs("\\n", stdout);
	else if (*at == '"' || *at == '\\')
		printf("\\%c", *at);
	else
		fwrite(at, 1, length, stdout);
}

static void escaped_print(const char *text)
{
	const unsigned char *at = (const unsigned char *)text;

	while (*at) {
		unsigned int length = utf8_length(at);

		character_print(at, length);
		at += length ? length : 1;
	}
}

void metric_open(const struct metric *metric)
{
	static const char *const types[] = { "counter", "gauge", "histogram" };

	printf("# TYPE %s %s\n", metric->name, types[metric->type]);
	if (metric->unit)
		printf("# UNIT %s %s\n", metric->name, metric->unit);
	printf("# HELP %s ", metric->name);
	escaped_print(metric->help);
	putchar('\n');
}

void sample_begin_part(struct metric *metric, const char *suffix)
{
	printf("%s%s", metric->name, suffix);
	metric->labels = 0;
}

void sample_begin(struct metric *metric)
{
	sample_begin_part(metric, metric->type == METRIC_COUNTER ? "_total" : "");
}

void sample_label(struct metric *metric, const char *name, const char *value)
{
	printf("%c%s=\"", metric->labels++ ? ',' : '{', name);
	escaped_print(value);
	putchar('"');
}

void sample_end_text(struct metric *metric, const char *number)
{
	printf("%s %s\n", metric->labels ? "}" : "", number);
}

void sample_end(struct metric *metric, uint64_t value)
{
	printf("%s %" PRIu64 "\n", metric->labels ? "}" : "", value);
}

void sample_created(const struct metric *metric, uint64_t epoch)
{
	printf("%s_created %" PRIu64 ".%03" PRIu64 "\n", metric->name, epoch / CLOCK_SECOND,
	       epoch % CLOCK_SECOND / (CLOCK_SECOND / 1000));
}

void gauge_print(const char *name, const char *unit, const char *help, uint64_t value)
{
	struct metric metric = { .name = name, .unit = unit, .help = help, .type = METRIC_GAUGE };

	metric_open(&metric);
	sample_begin(&metric);
	sample_end(&metric, value);
}

void metrics_end(void)
{
	puts("# EOF");
}
