/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SPLICER_LIB_HASH_H
#define SPLICER_LIB_HASH_H

#include "lib/bpf.h"

#define HASH_FACTOR 0x9e3779b97f4a7c15ull /* 2^64 divided by the golden ratio: Knuth, section 6.4 */

/* A hash of what was hashed before and a word more. */
static __always_inline __u64 hash_mix(__u64 hash, __u64 word)
{
	hash = (hash ^ word) * HASH_FACTOR;
	return hash ^ hash >> 32;
}

#endif
