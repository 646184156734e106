/* SPDX-License-Identifier: GPL-2.0-only */
/* What can be said of an interface (abi/config.h), as text: "SETTING=VALUE". */
#ifndef SPLICER_SETTING_H
#define SPLICER_SETTING_H

#include "abi/config.h"
#include "error.h"
#include "prefix.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Settings that are one of a few words. */
struct setting_kind {
	const char *name;
	const char *const *words; /* by value, NULL-terminated; the first takes the setting away */
	uint8_t fallback;         /* what the program does where nothing is set */
};

extern const struct setting_kind setting_kinds[SETTING_COUNT];

/* The word of a value; "unknown" for one that only a newer version of the tools has. */
const char *setting_word(enum splicer_setting setting, uint8_t value);

/* All settings, in the order in which they are shown: those of enum splicer_setting, then these. */
enum setting_other {
	SETTING_NEW_FLOWS = SETTING_COUNT, /* RATE[/BURST]: NUMBER_FLOW_RATE and NUMBER_FLOW_BURST */
	SETTING_GENEVE,                    /* SOURCE[,SOURCE...]: the keys of SPLICER_TUNNELS */
	SETTINGS
};

const char *setting_name(size_t setting);

/* What the program does where nothing is set; "" of SETTING_GENEVE: nobody's tunnels are taken apart. */
const char *setting_fallback(size_t setting);

/* Of NUMBER_FLOW_RATE and NUMBER_FLOW_BURST: from 1 to this. */
#define NEW_FLOWS_MAX 1000000u

/* What one command says of one interface; setting_said_free releases what it holds. */
struct setting_said {
	bool given[SETTINGS];
	struct splicer_iface value; /* of those given; 0 takes it away */
	struct prefix_list geneve;  /* sorted, without doubles; none takes all away */
};

/* "SETTING=VALUE". EXIT_USAGE errors name the choices; one that was said already is refused, too. */
int setting_parse(const char *operand, struct setting_said *said, struct error *error);

void setting_said_free(struct setting_said *said);

/* Whether the setting has a value. */
bool setting_is_set(size_t setting, const struct splicer_iface *value, const struct prefix_list *geneve);

/* The value as setting_parse takes it; "default" where there is none. */
void setting_write(FILE *to, size_t setting, const struct splicer_iface *value, const struct prefix_list *geneve);

#endif
