/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Records for people or for programs, from the same calls: an aligned table, or JSON (an array for a snapshot, JSON
 * Lines for a stream). A table is emitted twice, first to measure its columns, so that nothing is held in memory:
 *
 *     do { for each record { out_begin(o); out_text(o, ...); ...; out_end(o); } } while (out_again(o));
 */
#ifndef SPLICER_OUT_H
#define SPLICER_OUT_H

#include <stdbool.h>
#include <stdint.h>

#define OUT_COLUMNS_MAX 256

enum out_form { OUT_TABLE, OUT_JSON, OUT_JSON_LINES };

struct out {
	enum out_form form;
	bool measuring;
	bool header_done;
	unsigned long records;
	unsigned int column, columns, fields;
	unsigned int width[OUT_COLUMNS_MAX];
	const char *header[OUT_COLUMNS_MAX];
	bool right[OUT_COLUMNS_MAX];
	bool shown[OUT_COLUMNS_MAX];
	bool dispensable;     /* the next field: see out_rare */
	unsigned int pending; /* blanks owed before the next cell */
};

void out_open(struct out *out, enum out_form form);

void out_begin(struct out *out);
void out_end(struct out *out);

/* True when the records are to be emitted once more; prints the end of an array otherwise. */
bool out_again(struct out *out);

/*
 * Before a field: a table has a column for it only where some record `has` something to show there. JSON has it always.
 */
void out_rare(struct out *out, bool has);

/*
 * One field: its key in JSON (NULL: table only) and its header in the table (NULL: JSON only). A NULL or
 * negative-for-none value is null in JSON and "-" in the table.
 */
void out_text(struct out *out, const char *key, const char *header, const char *value);
void out_number(struct out *out, const char *key, const char *header, uint64_t value);
void out_integer(struct out *out, const char *key, const char *header, int64_t value);
void out_number_or(struct out *out, const char *key, const char *header, int64_t value, const char *none);
void out_seconds(struct out *out, const char *key, const char *header, double value, const char *shown);
void out_bool(struct out *out, const char *key, int value); /* JSON only; negative: null */

/* A value whose JSON is made already, and what a cell, aligned like a number, shows of it. */
void out_made(struct out *out, const char *key, const char *header, const char *json, const char *shown);

/* Prints text as a JSON string, quotes included; what is not UTF-8 is replaced. */
void json_string(const char *text);

#endif
