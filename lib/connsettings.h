/* SPDX-License-Identifier: GPL-2.0-only */
/* Settings of connection tracking: the sizes of its tables and its timeouts. Their text, and what is in force. */
#ifndef SPLICER_CONNSETTINGS_H
#define SPLICER_CONNSETTINGS_H

#include "abi/config.h"
#include "abi/conns.h"
#include "error.h"
#include "option.h"
#include "out.h"
#include "pin.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The tables, then the timeouts: setting CONN_TABLES + enum conn_timeout. */
#define CONN_SETTINGS (CONN_TABLES + TIMEOUT_COUNT)

/* What a command says. */
struct conn_change {
	bool given[CONN_SETTINGS];
	uint32_t value[CONN_SETTINGS]; /* entries, or seconds; 0: the default */
	char letter[CONN_SETTINGS];    /* set by conn_settings_apply: 'C' changed, '=' was so already */
	size_t dropped;                /* likewise: connections that a smaller table had no room for */
};

/* Takes one NAME=VALUE; EXIT_USAGE errors name the choices. */
int conn_change_parse(struct conn_change *change, const char *operand, struct error *error);

/* What is in force; 0 where a timeout is the default. */
struct conn_settings {
	uint32_t value[CONN_SETTINGS];
	size_t used[CONN_TABLES];    /* connections */
	size_t overdue[CONN_TABLES]; /* entries that count as absent, and make room when there is need */
};

int conn_settings_read(const struct pins *pins, struct conn_settings *settings, struct error *error);

/*
 * Puts all of the change into force, or nothing of it; in a dry run only says what it would do. The caller holds
 * pins_lock, unless it is a dry run.
 */
int conn_settings_apply(const struct pins *pins, struct conn_change *change, bool dry_run, struct error *error);

/* All settings; those with a letter after "change" when there is a change. */
void conn_settings_print(const struct conn_settings *settings, const struct conn_change *change, enum out_form form);

/* "NAME=VALUE" and a newline for each that is not the default, as conn_change_parse reads it back. */
void conn_settings_print_lines(const struct conn_settings *settings);

/* The same of those given, each after its letter. */
void conn_change_print_lines(const struct conn_change *change);

#endif
