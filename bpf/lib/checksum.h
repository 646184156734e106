/* SPDX-License-Identifier: GPL-2.0-only */
/* Sums in ones' complement: RFC 1071, 1624. */
#ifndef SPLICER_LIB_CHECKSUM_H
#define SPLICER_LIB_CHECKSUM_H

#include "lib/bpf.h"

static __always_inline __u16 csum_fold(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)sum;
}

/* A checksum field after what it covers has changed by so much. */
static __always_inline __u16 csum_changed(__u16 check, __u32 difference)
{
	return (__u16)~csum_fold((__u64)(__u16)~check + difference);
}

/* By which the sum over an IPv4 header changes when a hop is taken: its field is the first byte of a word. */
#define CSUM_ONE_HOP ((__u32)bpf_htons(0xfeff))

#endif
