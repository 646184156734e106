/* SPDX-License-Identifier: GPL-2.0-only */
#include "nft_elements.h"

#include "array.h"
#include "bench.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdlib.h>

static uint32_t address_of(const uint8_t addr[16])
{
	uint32_t address;

	memcpy(&address, addr, sizeof(address));
	return ntohl(address);
}

static bool prefixes_meet(uint32_t a, uint8_t a_len, uint32_t b, uint8_t b_len)
{
	uint8_t len = a_len < b_len ? a_len : b_len;

	return !len || !((a ^ b) >> (32 - len));
}

static bool elements_meet(const struct nft_element *a, const struct nft_element *b)
{
	return a->proto == b->proto && a->low <= b->high && b->low <= a->high &&
	       prefixes_meet(a->dst, a->dst_len, b->dst, b->dst_len) &&
	       prefixes_meet(a->src, a->src_len, b->src, b->src_len);
}

static bool meets_any(const struct nft_elements *elements, const struct nft_element *element, uint32_t first)
{
	for (uint32_t at = first; at; at = elements->items[at - 1].next)
		if (elements_meet(&elements->items[at - 1], element))
			return true;
	return false;
}

void nft_elements_add(struct nft_elements *elements, const struct rules_record *rule)
{
	struct nft_element element = { .dst = address_of(rule->dst),
				       .src = address_of(rule->src),
				       .dst_len = rule->dst_len,
				       .src_len = rule->src_len,
				       .proto = (uint8_t)rule->proto,
				       .low = rule->head.low,
				       .high = rule->head.high };
	uint32_t *bucket;

	if (!elements->buckets)
		elements->buckets = calloc(1u << NFT_BUCKET_BITS, sizeof(*elements->buckets));
	if (!elements->buckets)
		bench_fail("elements");
	bucket = &elements->buckets[element.dst >> (32 - NFT_BUCKET_BITS)];
	if (meets_any(elements, &element, *bucket))
		return;
	elements->items = array_room(elements->items, elements->count, sizeof(element));
	if (!elements->items)
		bench_fail("elements");
	element.next = *bucket;
	elements->items[elements->count++] = element;
	*bucket = elements->count;
}

static void address_write(FILE *file, uint32_t address, uint8_t len)
{
	fprintf(file, "%u.%u.%u.%u", address >> 24, address >> 16 & 255, address >> 8 & 255, address & 255);
	if (len < 32)
		fprintf(file, "/%u", len);
}

/* With protocol or source, as set_type of rules_nft.c; the kinds differ in what their rules have. */
static void element_write(FILE *file, const struct nft_element *element, bool with_proto)
{
	address_write(file, element->dst, element->dst_len);
	if (with_proto) {
		fprintf(file, " . %u . ", element->proto);
	} else {
		fprintf(file, " . ");
		address_write(file, element->src, element->src_len);
		fprintf(file, " . ");
	}
	fprintf(file, element->low == element->high ? "%u" : "%u-%u", element->low, element->high);
}

static bool is_chosen(const struct nft_element *element, enum nft_choice choice)
{
	bool host = element->dst_len == 32 && element->low == element->high;

	return choice == NFT_ALL || host == (choice == NFT_HOSTS);
}

void nft_elements_write(const struct nft_elements *elements, FILE *file, enum nft_choice choice, bool with_proto)
{
	uint32_t written = 0;

	for (uint32_t i = 0; i < elements->count; i++) {
		if (!is_chosen(&elements->items[i], choice))
			continue;
		fputs(written++ ? ",\n\t\t\t" : "\t\telements = { ", file);
		element_write(file, &elements->items[i], with_proto);
	}
	if (written)
		fputs(" }\n", file);
}

void nft_elements_free(struct nft_elements *elements)
{
	free(elements->items);
	free(elements->buckets);
}
