/* SPDX-License-Identifier: GPL-2.0-only */
/* Settings of flow.o: how many sessions it has room for, how long they are kept apart, what it samples. */
#ifndef SPLICER_FLOWSET_H
#define SPLICER_FLOWSET_H

#include "error.h"
#include "option.h"
#include "out.h"
#include "pin.h"

#include <stdbool.h>
#include <stdint.h>

/* In the order of the options of flow_set. */
enum flowset_name {
	FLOWSET_CAPACITY, /* sessions that there is room for */
	FLOWSET_IDLE_TCP,
	FLOWSET_IDLE_ENDED,
	FLOWSET_IDLE_UDP,
	FLOWSET_IDLE_OTHER,
	FLOWSET_DETAILS, /* 1: on; of sessions that begin, also the next */
	FLOWSET_CONTENT,
	FLOWSET_SESSION_PACKETS,
	FLOWSET_SESSIONS,
	FLOWSET_PACKETS,
	FLOWSET_SESSION_RESTART,
	FLOWSET_PACKET_RESTART,
	FLOWSET_BUFFER_RESTART,
	FLOWSET_COUNT,
};

/* What a command says. */
struct flowset_change {
	bool given[FLOWSET_COUNT];
	bool is_default[FLOWSET_COUNT]; /* the default is to be in force, whatever it is then */
	uint64_t value[FLOWSET_COUNT];  /* sessions, seconds, packets, ns */
	char letter[FLOWSET_COUNT];     /* set by flowset_apply: 'C' changed, '=' was so already */
};

/* Takes the value of an option; EXIT_USAGE errors name the choices. */
int flowset_take(struct flowset_change *change, enum flowset_name name, const char *text, struct error *error);

/* Takes an operand as the original names it: N_SESSION=20. */
int flowset_take_operand(struct flowset_change *change, const char *operand, struct error *error);

/*
 * Takes pins_lock and puts all of the change into force, or nothing of it; in a dry run it only says what it would do.
 * Prints what -v, -n and -j ask for.
 */
int flowset_apply(const struct pins *pins, struct flowset_change *change, const struct common_options *common,
		  struct error *error);

/* Prints all settings in force. */
int flowset_show(const struct pins *pins, enum out_form form, struct error *error);

/* Prints an option with its value and a newline for each that is not the default, as flow_set takes it. */
int flowset_save(const struct pins *pins, struct error *error);

#endif
