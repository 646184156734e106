/* SPDX-License-Identifier: GPL-2.0-only */
#include "metrics.h"

#include "utf8.h"

#include <inttypes.h>
#include <stdio.h>

void metric_open(const struct metric *metric)
{
	printf("# TYPE %s %s\n", metric->name, metric->type == METRIC_COUNTER ? "counter" : "gauge");
	if (metric->unit)
		printf("# UNIT %s %s\n", metric->name, metric->unit);
	printf("# HELP %s %s\n", metric->name, metric->help);
}

void sample_begin(struct metric *metric)
{
	printf("%s%s", metric->name, metric->type == METRIC_COUNTER ? "_total" : "");
	metric->labels = 0;
}

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

void sample_label(struct metric *metric, const char *name, const char *value)
{
	const unsigned char *at = (const unsigned char *)value;

	printf("%c%s=\"", metric->labels++ ? ',' : '{', name);
	while (*at) {
		unsigned int length = utf8_length(at);

		character_print(at, length);
		at += length ? length : 1;
	}
	putchar('"');
}

void sample_end(struct metric *metric, uint64_t value)
{
	printf("%s %" PRIu64 "\n", metric->labels ? "}" : "", value);
}

void metrics_end(void)
{
	puts("# EOF");
}
