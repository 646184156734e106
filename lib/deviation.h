/* SPDX-License-Identifier: GPL-2.0-only */
/* Standard deviations, by how many numbers there are, their sum and the sum of their squares. */
#ifndef SPLICER_DEVIATION_H
#define SPLICER_DEVIATION_H

/* Of a whole population: sqrt(squares / count - (sum / count)^2). count is not 0. */
long double deviation_whole(long double count, long double sum, long double squares);

/* Variance of a population that these are a sample of: (squares - sum^2 / count) / (count - 1); 0 of fewer than two. */
long double variance_sample(long double count, long double sum, long double squares);

#endif
