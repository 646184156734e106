/* SPDX-License-Identifier: GPL-2.0-only */
/* Sums that must not turn over. */
#ifndef SPLICER_LIB_SUMS_H
#define SPLICER_LIB_SUMS_H

#include "lib/bpf.h"

/* The largest number stays what it is. */
static __always_inline void sum_count(__u32 *count, __u32 more)
{
	__u32 sum = *count + more;

	*count = sum < more ? 0xffffffffu : sum;
}

/* Adds x^2, of up to 128 bits, to a sum of so many, the low word first. */
static __always_inline void sum_square(__u64 sum[2], __u64 x)
{
	__u64 low = x & 0xffffffff, high = x >> 32, square = low * low, cross = 2 * low * high;

	sum[0] += square;
	sum[1] += sum[0] < square;
	if (!high)
		return;
	sum[0] += cross << 32;
	sum[1] += (sum[0] < cross << 32) + (cross >> 32) + high * high;
}

#endif
