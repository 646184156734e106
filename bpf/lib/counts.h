/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SPLICER_LIB_COUNTS_H
#define SPLICER_LIB_COUNTS_H

#include "lib/bpf.h"
#include "maps/config.h"

/* One packet of length bytes was decided for this reason. */
static __always_inline void counts_add(__u32 reason, __u32 length)
{
	struct splicer_count *count = bpf_map_lookup_elem(&splicer1_counts, &reason);

	if (!count)
		return;
	count->packets++;
	count->bytes += length;
}

#endif
