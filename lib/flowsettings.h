/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Settings of connection tracking, the sizes of its tables and its timeouts, and of the load balancer, the sizes of
 * its tables: their text, and what is in force.
 */
#ifndef SPLICER_FLOWSETTINGS_H
#define SPLICER_FLOWSETTINGS_H

#include "abi/config.h"
#include "abi/conns.h"
#include "error.h"
#include "flowtable.h"
#include "option.h"
#include "out.h"
#include "pin.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The tables, then the timeouts: setting CONN_TABLES + enum conn_timeout. */
#define FLOW_SETTINGS_MAX (CONN_TABLES + TIMEOUT_COUNT)

/* Which settings there are. Sizes are of shape->unit. */
struct flow_settings_of {
	const struct flow_shape *shape;
	const char *names[CONN_TABLES];
	uint32_t defaults[CONN_TABLES];
	size_t count; /* FLOW_SETTINGS_MAX, or CONN_TABLES: without timeouts */
};

extern const struct flow_settings_of settings_of_conns, settings_of_lb;

/* What a command says. */
struct flow_change {
	bool given[FLOW_SETTINGS_MAX];
	uint32_t value[FLOW_SETTINGS_MAX]; /* of shape->unit, or seconds; 0: the default */
	char letter[FLOW_SETTINGS_MAX];    /* set by flow_settings_set: 'C' changed, '=' was so already */
	size_t dropped;                    /* likewise: of shape->unit, that a smaller table had no room for */
};

/* Takes one NAME=VALUE; EXIT_USAGE errors name the choices. */
int flow_change_parse(struct flow_change *change, const struct flow_settings_of *of, const char *operand,
		      struct error *error);

/*
 * Takes pins_lock and puts all of the change into force, or nothing of it; in a dry run it only says what it would do.
 * Prints what -v, -n and -j ask for.
 */
int flow_settings_set(const struct flow_settings_of *of, const struct pins *pins, struct flow_change *change,
		      const struct common_options *common, struct error *error);

/* Prints all settings in force. */
int flow_settings_show(const struct flow_settings_of *of, const struct pins *pins, enum out_form form,
		       struct error *error);

/* Prints "NAME=VALUE" and a newline for each that is not the default, as flow_change_parse reads it back. */
int flow_settings_save(const struct flow_settings_of *of, const struct pins *pins, struct error *error);

#endif
