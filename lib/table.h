/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SPLICER_TABLE_H
#define SPLICER_TABLE_H

#include <stddef.h>
#include <stdint.h>

/* Records of one size. Those with a uint32_t ifindex in front can be found by it once sorted. items is released with
 * free(). */
struct table {
	uint8_t *items;
	size_t size, count;
};

/* -1 with errno when memory ran out. */
int table_add(struct table *table, const void *record);
void *table_at(const struct table *table, size_t i);

/* Bytewise, without doubles. */
void table_sort_unique(struct table *table);

/* The position of the first record of the interface, or where it would be. */
size_t table_search(const struct table *table, uint32_t ifindex);

/* The record at the position if it is one of the interface, else NULL. */
void *table_match(const struct table *table, size_t i, uint32_t ifindex);

#endif
