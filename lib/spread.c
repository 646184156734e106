/* SPDX-License-Identifier: GPL-2.0-only */
#include "profile.h"

#include <math.h>

void spread_add(struct spread *spread, double value)
{
	double difference = value - spread->mean;

	spread->count++;
	spread->mean += difference / (double)spread->count;
	spread->squares += difference * (value - spread->mean);
	if (spread->count == 1 || value > spread->most)
		spread->most = value;
}

double spread_deviation(const struct spread *spread)
{
	return spread->count < 2 ? 0 : sqrt(spread->squares / (double)(spread->count - 1));
}
