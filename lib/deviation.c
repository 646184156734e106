/* SPDX-License-Identifier: GPL-2.0-only */
#include "deviation.h"

#include <math.h>

long double deviation_whole(long double count, long double sum, long double squares)
{
	long double mean = sum / count, variance = squares / count - mean * mean;

	return variance > 0 ? sqrtl(variance) : 0;
}

long double variance_sample(long double count, long double sum, long double squares)
{
	long double variance;

	if (count < 2)
		return 0;
	variance = (squares - sum * (sum / count)) / (count - 1);
	return variance > 0 ? variance : 0;
}
