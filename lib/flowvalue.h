/* SPDX-License-Identifier: GPL-2.0-only */
/* What a column has in a row: of which kind, in which order, and as text. */
#ifndef SPLICER_FLOWVALUE_H
#define SPLICER_FLOWVALUE_H

#include "text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FLOW_VALUE_TEXT_MAX 48

enum flow_value_kind {
	VALUE_NONE, /* not known, or it does not apply */
	VALUE_WORD,
	VALUE_NUMBER,
	VALUE_INTEGER,      /* with a sign */
	VALUE_WIDE,         /* more than 64 bits */
	VALUE_REAL,         /* six digits after the point */
	VALUE_SECONDS,      /* in ns, nine digits after the point */
	VALUE_MICROSECONDS, /* in ns, three digits after the point */
	VALUE_TIME,         /* in ns since the epoch; ISO 8601, UTC */
	VALUE_CIC_TIME,     /* the same; as CICFlowMeter V4 writes it, "22/11/2026 03:59:00 AM", UTC */
	VALUE_ADDRESS,
	VALUE_ENDS, /* "192.0.2.1-192.0.2.2-80-40000-6" */
	VALUE_TRUTH,
	VALUE_LIST,
};

struct flow_value {
	enum flow_value_kind kind;
	uint8_t family; /* of addresses */
	union {
		char word[FLOW_VALUE_TEXT_MAX];
		uint64_t number; /* also seconds, microseconds, times, truth */
		int64_t integer;
		unsigned __int128 wide;
		double real;
		uint8_t address[16];
		struct {
			uint8_t address[2][16];
			uint16_t port[2]; /* of this machine's byte order */
			uint8_t proto;
		} ends;
		struct {
			const uint32_t *items;
			size_t count;
		} list;
	};
};

struct flow_value value_none(void);
struct flow_value value_word(const char *word); /* NULL or "": none */
struct flow_value value_of(enum flow_value_kind kind, uint64_t number);
struct flow_value value_real(double real);

/* Which stands first: the larger number, the lesser word or address; nothing stands last. As qsort wants it. */
int flow_value_order(const struct flow_value *a, const struct flow_value *b);

#define FLOW_VALUE_SHOWN_MAX 512

enum flow_value_form {
	VALUE_AS_JSON,  /* words as they are: to be quoted; a list in brackets */
	VALUE_AS_CELL,  /* as a table has it: fewer digits */
	VALUE_AS_FIELD, /* of CSV: a list has blanks between, nothing is nothing */
};

/* As text, to buf, terminated; returns buf. */
char *flow_value_format(const struct flow_value *value, enum flow_value_form form, char buf[FLOW_VALUE_SHOWN_MAX]);

/* Whether JSON has it in quotes, and a table at the left. */
bool flow_value_is_text(const struct flow_value *value);

#endif
