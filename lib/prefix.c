/* SPDX-License-Identifier: GPL-2.0-only */
#include "prefix.h"

#include "array.h"
#include "num.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

unsigned int prefix_bits(uint8_t family)
{
	return family == 4 ? 32 : 128;
}

static int bit_get(const uint8_t *addr, unsigned int bit)
{
	return addr[bit / 8] >> (7 - bit % 8) & 1;
}

static void bit_set(uint8_t *addr, unsigned int bit, int value)
{
	uint8_t mask = (uint8_t)(1 << (7 - bit % 8));

	addr[bit / 8] = (uint8_t)(value ? addr[bit / 8] | mask : addr[bit / 8] & ~mask);
}

void prefix_mask(struct prefix *prefix)
{
	unsigned int whole = prefix->len / 8;

	if (prefix->len % 8)
		prefix->addr[whole++] &= (uint8_t)(0xff00 >> prefix->len % 8);
	memset(prefix->addr + whole, 0, sizeof(prefix->addr) - whole);
}

bool prefix_unmap(struct prefix *prefix)
{
	static const uint8_t mapped[12] = { [10] = 0xff, 0xff };

	if (prefix->family != 6 || prefix->len < 96 || memcmp(prefix->addr, mapped, sizeof(mapped)) != 0)
		return false;
	prefix->family = 4;
	prefix->len -= 96;
	memmove(prefix->addr, prefix->addr + sizeof(mapped), 4);
	memset(prefix->addr + 4, 0, sizeof(mapped));
	return true;
}

char *address_format(uint8_t family, const uint8_t addr[16], char buf[PREFIX_TEXT_MAX])
{
	inet_ntop(family == 4 ? AF_INET : AF_INET6, addr, buf, PREFIX_TEXT_MAX);
	return buf;
}

char *prefix_format(const struct prefix *prefix, char buf[PREFIX_TEXT_MAX])
{
	size_t used;

	address_format(prefix->family, prefix->addr, buf);
	used = strlen(buf);
	snprintf(buf + used, PREFIX_TEXT_MAX - used, "/%u", prefix->len);
	return buf;
}

/* inet_pton takes four decimal parts only, and no leading zeros. */
static int address_read(const char *text, struct prefix *out)
{
	memset(out, 0, sizeof(*out));
	if (strchr(text, ':')) {
		out->family = 6;
		out->len = 128;
		return inet_pton(AF_INET6, text, out->addr);
	}
	out->family = 4;
	out->len = 32;
	return inet_pton(AF_INET, text, out->addr);
}

int prefix_parse_address(const char *text, struct prefix *out, struct error *error)
{
	if (address_read(text, out) != 1)
		return error_usage(error, text, "not an IPv4 or IPv6 address");
	return 0;
}

/* Gives an address its length; with mask, host bits are cleared. */
static int prefix_set_len(struct prefix *out, const char *len, bool mask, struct error *error)
{
	char given[PREFIX_TEXT_MAX], masked_text[PREFIX_TEXT_MAX];
	struct prefix masked;
	uint64_t value;

	if (num_parse(len, 0, prefix_bits(out->family), &value, error))
		return -1;
	out->len = (uint8_t)value;
	masked = *out;
	prefix_mask(&masked);
	if (mask)
		*out = masked;
	if (!memcmp(masked.addr, out->addr, sizeof(masked.addr)))
		return 0;
	return error_usage(error, prefix_format(out, given), "host bits set, did you mean %s",
			   prefix_format(&masked, masked_text));
}

static int prefix_parse_with_len(const char *text, const char *len, struct prefix *out, struct error *error)
{
	if (prefix_parse_address(text, out, error) || prefix_set_len(out, len, false, error)) {
		/* host bits are named with a text made here; they stand in the address */
		if (error->operand != len)
			error->operand = text;
		return -1;
	}
	return 0;
}

static int prefix_read(const char *text, bool mask, struct prefix *out, struct error *error)
{
	const char *slash = strchr(text, '/');
	char address[PREFIX_TEXT_MAX];
	size_t size = slash ? (size_t)(slash - text) : 0;
	uint64_t len;

	if (!slash)
		return prefix_parse_address(text, out, error);
	if (size >= sizeof(address))
		return error_usage(error, text, "not an IPv4 or IPv6 prefix");
	memcpy(address, text, size);
	address[size] = '\0';
	if (address_read(address, out) != 1)
		return error_usage(error, text, "not an IPv4 or IPv6 prefix");
	if (num_parse(slash + 1, 0, prefix_bits(out->family), &len, error))
		return error_usage(error, text, "length not a number from 0 to %u", prefix_bits(out->family));
	if (prefix_set_len(out, slash + 1, mask, error)) {
		error->operand = text;
		return -1;
	}
	return 0;
}

int prefix_parse(const char *text, struct prefix *out, struct error *error)
{
	return prefix_read(text, false, out, error);
}

int prefix_list_add(struct prefix_list *list, const struct prefix *prefix)
{
	struct prefix *items = array_room(list->items, list->count, sizeof(*items));

	if (!items)
		return -1;
	list->items = items;
	list->items[list->count++] = *prefix;
	return 0;
}

/* Adds one to the address above its lowest `zeros` bits; 0 when it wraps around. */
static int address_advance(struct prefix *address, unsigned int zeros)
{
	for (unsigned int bit = prefix_bits(address->family) - zeros; bit-- > 0;) {
		if (!bit_get(address->addr, bit)) {
			bit_set(address->addr, bit, 1);
			return 1;
		}
		bit_set(address->addr, bit, 0);
	}
	return 0;
}

/* The last address of the prefix that starts at `first` with `zeros` host bits. */
static struct prefix block_last(const struct prefix *first, unsigned int zeros)
{
	struct prefix last = *first;
	unsigned int bits = prefix_bits(first->family);

	for (unsigned int bit = bits - zeros; bit < bits; bit++)
		bit_set(last.addr, bit, 1);
	return last;
}

/* The largest aligned block that starts at `first` and does not go past `last`. */
static unsigned int block_zeros(const struct prefix *first, const struct prefix *last)
{
	unsigned int bits = prefix_bits(first->family), zeros = 0;

	while (zeros < bits && !bit_get(first->addr, bits - 1 - zeros)) {
		struct prefix end = block_last(first, zeros + 1);

		if (memcmp(end.addr, last->addr, sizeof(end.addr)) > 0)
			break;
		zeros++;
	}
	return zeros;
}

static int range_cover(struct prefix first, const struct prefix *last, struct prefix_list *out)
{
	unsigned int zeros;

	do {
		struct prefix block = first;

		zeros = block_zeros(&first, last);
		block.len = (uint8_t)(prefix_bits(first.family) - zeros);
		if (prefix_list_add(out, &block))
			return -1;
	} while (address_advance(&first, zeros) && memcmp(first.addr, last->addr, sizeof(first.addr)) <= 0);
	return 0;
}

static int range_parse(const char *text, const char *dash, struct prefix *first, struct prefix *last,
		       struct error *error)
{
	char from[PREFIX_TEXT_MAX];
	size_t size = (size_t)(dash - text);

	if (size >= sizeof(from))
		return error_usage(error, text, "not an address range");
	memcpy(from, text, size);
	from[size] = '\0';
	if (address_read(from, first) != 1 || address_read(dash + 1, last) != 1)
		return error_usage(error, text, "not an address range");
	if (first->family != last->family)
		return error_usage(error, text, "a range of two address families");
	if (memcmp(first->addr, last->addr, sizeof(first->addr)) > 0)
		return error_usage(error, text, "the range ends before it starts");
	return 0;
}

int prefix_parse_range(const char *text, struct prefix *first, struct prefix *last, struct error *error)
{
	const char *dash = strchr(text, '-');
	unsigned int bits;

	if (dash)
		return range_parse(text, dash, first, last, error);
	if (prefix_parse(text, first, error))
		return -1;
	bits = prefix_bits(first->family);
	*last = block_last(first, bits - first->len);
	first->len = last->len = (uint8_t)bits;
	return 0;
}

int prefix_parse_cover(const char *text, const char *len, struct prefix_list *out, struct error *error)
{
	const char *dash = strchr(text, '-');
	struct prefix prefix, last;
	uint64_t value;

	*out = (struct prefix_list){ 0 };
	if (dash) {
		unsigned int bits = strchr(text, ':') ? 128 : 32;

		if (len && num_parse(len, bits, bits, &value, error))
			return -1;
		if (range_parse(text, dash, &prefix, &last, error))
			return -1;
		return range_cover(prefix, &last, out) ? error_errno(error, text) : 0;
	}
	if (len ? prefix_parse_with_len(text, len, &prefix, error) : prefix_parse(text, &prefix, error))
		return -1;
	return prefix_list_add(out, &prefix) ? error_errno(error, text) : 0;
}

int prefix_parse_cover_masked(const char *text, struct prefix_list *out, struct error *error)
{
	struct prefix prefix;

	if (strchr(text, '-'))
		return prefix_parse_cover(text, NULL, out, error);
	*out = (struct prefix_list){ 0 };
	if (prefix_read(text, true, &prefix, error))
		return -1;
	return prefix_list_add(out, &prefix) ? error_errno(error, text) : 0;
}

/* By family, length and address: a search for one length is a binary search. */
static int prefix_order(const void *left, const void *right)
{
	const struct prefix *a = left, *b = right;

	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	if (a->len != b->len)
		return a->len < b->len ? -1 : 1;
	return memcmp(a->addr, b->addr, sizeof(a->addr));
}

void prefix_list_sort(struct prefix_list *list)
{
	if (list->count)
		qsort(list->items, list->count, sizeof(*list->items), prefix_order);
}

void prefix_list_unique(struct prefix_list *sorted)
{
	size_t kept = 0;

	for (size_t i = 0; i < sorted->count; i++)
		if (!i || prefix_order(&sorted->items[i], &sorted->items[kept - 1]))
			sorted->items[kept++] = sorted->items[i];
	sorted->count = kept;
}

int prefix_list_has(const struct prefix_list *sorted, const struct prefix *prefix)
{
	return sorted->count && bsearch(prefix, sorted->items, sorted->count, sizeof(*prefix), prefix_order) != NULL;
}

int prefix_list_covers(const struct prefix_list *sorted, const struct prefix *prefix)
{
	struct prefix wanted = *prefix;

	for (int len = prefix->len; len >= 0; len--) {
		wanted.len = (uint8_t)len;
		prefix_mask(&wanted);
		if (prefix_list_has(sorted, &wanted))
			return 1;
	}
	return 0;
}
