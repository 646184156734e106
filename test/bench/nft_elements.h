/* SPDX-License-Identifier: GPL-2.0-only */
/* IPv4 rules as elements of nft sets, of which none overlaps another. */
#ifndef SPLICER_BENCH_NFT_ELEMENTS_H
#define SPLICER_BENCH_NFT_ELEMENTS_H

#include "abi/rules.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define NFT_BUCKET_BITS 22 /* no generated rule that nft can hold has a shorter destination */

struct nft_element {
	uint32_t dst, src; /* host byte order */
	uint8_t dst_len, src_len, proto;
	uint16_t low, high;
	uint32_t next; /* in its bucket, counted from 1; 0: the last */
};

/* Zeroed: empty. */
struct nft_elements {
	struct nft_element *items;
	uint32_t count;
	uint32_t *buckets; /* by the first bits of the destination: an element, counted from 1 */
};

enum nft_choice { NFT_ALL, NFT_HOSTS, NFT_NETWORKS };

/* Adds the rule, unless a rule that is there already has a packet in common with it. */
void nft_elements_add(struct nft_elements *elements, const struct rules_record *rule);

/*
 * The line "elements = { ... }" of a set, nothing when there are none. An element is destination . protocol . port, or
 * destination . source . port.
 */
void nft_elements_write(const struct nft_elements *elements, FILE *file, enum nft_choice choice, bool with_proto);

void nft_elements_free(struct nft_elements *elements);

#endif
