/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A token bucket, kept as the time at which it will be full again (the generic cell rate algorithm), so that one word
 * does.
 */
#ifndef SPLICER_LIB_BUCKET_H
#define SPLICER_LIB_BUCKET_H

#include "lib/bpf.h"

/*
 * Takes one of `rate` tokens per second from a bucket that holds `burst`; whether there was none. CPUs that take at the
 * same moment may each get the last one, but all that is taken is accounted for.
 */
static __always_inline int bucket_is_empty(__u64 *full, __u32 rate, __u32 burst, __u64 now)
{
	__u64 interval = NS_PER_SECOND / (rate ?: 1), seen = *(volatile __u64 *)full;

	if (seen <= now) {
		if (__sync_val_compare_and_swap(full, seen, now + interval) == seen)
			return 0;
	} else if (seen + interval - now > interval * burst) {
		return 1;
	}
	__sync_fetch_and_add(full, interval);
	return 0;
}

/* What a bucket is from which the first token was just taken. */
static __always_inline __u64 bucket_begin(__u32 rate, __u64 now)
{
	return now + NS_PER_SECOND / (rate ?: 1);
}

#endif
