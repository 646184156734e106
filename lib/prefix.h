/* SPDX-License-Identifier: GPL-2.0-only */
/* Addresses and prefixes, IPv4 and IPv6, as text and as the bytes that maps hold. */
#ifndef SPLICER_PREFIX_H
#define SPLICER_PREFIX_H

#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct prefix {
	uint8_t family;   /* 4 or 6 */
	uint8_t len;      /* bits: 0-32 or 0-128 */
	uint8_t addr[16]; /* network byte order; IPv4 in the first 4 bytes, the rest zero; host bits zero */
};

struct prefix_list {
	struct prefix *items; /* released with free() */
	size_t count;
};

#define PREFIX_TEXT_MAX 50 /* bytes that prefix_format writes at most, with the terminator */

/* 32 or 128. */
unsigned int prefix_bits(uint8_t family);

/* One address, dotted quad of four decimal parts without leading zeros (RFC 6943 section 3.1.1) or RFC 4291. */
int prefix_parse_address(const char *text, struct prefix *out, struct error *error);

/* "ADDRESS/LEN", or an address alone, which is all its bits. Host bits are an error that names the masked form. */
int prefix_parse(const char *text, struct prefix *out, struct error *error);

/*
 * What prefix_parse takes, or a range "A-B" (both inclusive, one family), as its smallest set of prefixes in
 * ascending order. len NULL: the length stands in the text. Otherwise the text has none and len is it; a range then
 * takes only the length of an address.
 */
int prefix_parse_cover(const char *text, const char *len, struct prefix_list *out, struct error *error);

/* As it with the length in the text, but host bits are cleared. */
int prefix_parse_cover_masked(const char *text, struct prefix_list *out, struct error *error);

/* As prefix_parse_cover with the length in the text: the first and the last address of what prefix_parse takes, or of a
 * range. */
int prefix_parse_range(const char *text, struct prefix *first, struct prefix *last, struct error *error);

/* "10.0.0.0/8" to buf; returns buf. */
char *prefix_format(const struct prefix *prefix, char buf[PREFIX_TEXT_MAX]);

/* The address without the length, to buf; returns buf. family is 4 or 6. */
char *address_format(uint8_t family, const uint8_t addr[16], char buf[PREFIX_TEXT_MAX]);

/* Sorts a list for prefix_list_covers. */
void prefix_list_sort(struct prefix_list *list);

/* Whether some prefix of a sorted list contains all of this one. */
int prefix_list_covers(const struct prefix_list *sorted, const struct prefix *prefix);

/* Whether a sorted list has just this prefix. */
int prefix_list_has(const struct prefix_list *sorted, const struct prefix *prefix);

/* Takes doubles out of a sorted list. */
void prefix_list_unique(struct prefix_list *sorted);

/* Adds one at the end; -1 with errno. */
int prefix_list_add(struct prefix_list *list, const struct prefix *prefix);

/*
 * IPv4 in IPv6 form, ::ffff:192.0.2.0/120, as sockets for both families have it (RFC 4291 section 2.5.5.2), becomes
 * IPv4; whether it was that.
 */
bool prefix_unmap(struct prefix *prefix);

/* Clears the host bits. */
void prefix_mask(struct prefix *prefix);

#endif
