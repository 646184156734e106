/* SPDX-License-Identifier: GPL-2.0-only */
#include "rates.h"

#include "array.h"

#include <stdio.h>
#include <stdlib.h>

static int by_sequence(const void *a, const void *b)
{
	const struct reading *first = a, *second = b;

	return (first->sequence > second->sequence) - (first->sequence < second->sequence);
}

void rates_begin(struct rates *rates, double time)
{
	free(rates->before.items);
	rates->before = rates->now;
	rates->now = (struct readings){ .time = time };
	if (rates->before.count)
		qsort(rates->before.items, rates->before.count, sizeof(*rates->before.items), by_sequence);
}

static const struct reading *reading_before(const struct rates *rates, const struct reading *reading)
{
	if (!rates->before.count)
		return NULL;
	return bsearch(reading, rates->before.items, rates->before.count, sizeof(*reading), by_sequence);
}

static struct rate rate_of(const struct rates *rates, const struct reading *reading)
{
	const struct reading *before = reading_before(rates, reading);
	double seconds = rates->now.time - rates->before.time;

	if (!before || seconds <= 0 || reading->packets < before->packets || reading->bytes < before->bytes)
		return (struct rate){ .packets = -1, .bytes = -1 };
	return (struct rate){ .packets = (double)(reading->packets - before->packets) / seconds,
			      .bytes = (double)(reading->bytes - before->bytes) / seconds };
}

int rates_take(struct rates *rates, const struct reading *reading, struct rate *out, struct error *error)
{
	struct reading *items = array_room(rates->now.items, rates->now.count, sizeof(*items));

	if (!items)
		return error_errno(error, "rates");
	rates->now.items = items;
	items[rates->now.count++] = *reading;
	*out = rate_of(rates, reading);
	return 0;
}

static void number_out(struct out *out, const char *key, const char *header, double rate)
{
	char text[32] = "-";

	if (rate >= 0)
		snprintf(text, sizeof(text), rate > 0 && rate < 10 ? "%.1f" : "%.0f", rate);
	out_seconds(out, key, header, rate, text);
}

void rate_out(struct out *out, const struct rate *rate)
{
	number_out(out, "pps", "PPS", rate->packets);
	number_out(out, "bps", "BPS", rate->bytes);
}

void rates_free(struct rates *rates)
{
	free(rates->before.items);
	free(rates->now.items);
	*rates = (struct rates){ 0 };
}
