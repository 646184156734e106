/* SPDX-License-Identifier: GPL-2.0-only */
/* CONN_CUT and the other flags of abi/conns.h as words, and what lines of connections and of flows have in common. */
#ifndef SPLICER_FLOWFLAGS_H
#define SPLICER_FLOWFLAGS_H

#include "conn.h"
#include "error.h"
#include "text.h"

#include <stdint.h>

/* What was said of `value` in *error becomes what is said of all of NAME=VALUE; returns -1. */
int flow_word_fault(const char *word, const char *value, struct error *error);

/* Flags that have a word: all but CONN_OUTBOUND, which the direction says. */
#define FLOW_FLAGS ((uint8_t)~CONN_OUTBOUND)

/* "fin,rst-back": words with commas between. word is what errors name. */
int flow_flags_parse(const char *word, const char *value, uint8_t *flags, struct error *error);
void text_flow_flags(struct text *text, uint8_t flags);

/* "confirmed" or "unconfirmed" */
int flow_table_parse(const char *word, const char *value, uint8_t *table, struct error *error);
const char *flow_table_name(uint8_t table);

/* A time of day with up to nine digits after the point; ns since the epoch. */
int flow_time_parse(const char *word, const char *value, uint64_t *epoch, struct error *error);

/* " NAME=TIME" */
void text_flow_time(struct text *text, const char *name, uint64_t epoch);

#endif
