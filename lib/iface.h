/* SPDX-License-Identifier: GPL-2.0-only */
/* Settings of interfaces (abi/config.h): their text, and the pinned map that holds them. */
#ifndef SPLICER_IFACE_H
#define SPLICER_IFACE_H

#include "abi/config.h"
#include "error.h"
#include "pin.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- text ---- */

struct setting_kind {
	const char *name;
	const char *header;       /* of its column in a table */
	const char *const *words; /* by value, NULL-terminated; the first takes the setting away */
	uint8_t fallback;         /* what the program does where nothing is set */
};

extern const struct setting_kind setting_kinds[SETTING_COUNT];

/* The word of a value; "unknown" for one that only a newer version of the tools has. */
const char *setting_word(enum splicer_setting setting, uint8_t value);

/* An interface by name, or as interface_format gives it; "any" is SPLICER_IFACE_ANY. EXIT_STATE when there is none. */
int iface_parse(const char *name, uint32_t *ifindex, struct error *error);

/* What one command says of one interface. */
struct iface_change {
	uint32_t ifindex;
	bool given[SETTING_COUNT];
	uint8_t setting[SETTING_COUNT]; /* of those given; 0 takes it away */
	char letter;                    /* set by ifaces_apply: 'C' changed, '=' was so already */
};

/* IF SETTING=VALUE...; EXIT_USAGE errors name the choices. */
int iface_change_parse(char *const *operands, int count, struct iface_change *change, struct error *error);

/* ---- the map ---- */

struct iface_entry {
	uint32_t ifindex;
	bool changed;
	struct splicer_iface stored; /* as the map has it; zero: it has none */
	struct splicer_iface now;
};

/* All of the map in memory: read, changed, then written. */
struct ifaces {
	struct iface_entry *items; /* sorted by ifindex after ifaces_read; released with free() */
	size_t count;
};

int ifaces_read(const struct pins *pins, struct ifaces *ifaces, struct error *error);

/* Changes the copy in memory. */
int ifaces_apply(struct ifaces *ifaces, struct iface_change *change, struct error *error);

/* Takes away, in memory, what was said of interfaces that are gone: an index may come back as another interface. */
void ifaces_sweep(struct ifaces *ifaces);

/* Whether the map has room for all of it; EXIT_STATE. */
int ifaces_check(const struct ifaces *ifaces, struct error *error);

/*
 * Writes what changed, one interface at a time, each with all its settings at once. When it has no room or the kernel
 * refuses one, everything is as it was. The caller holds pins_lock since ifaces_read.
 */
int ifaces_write(const struct pins *pins, struct ifaces *ifaces, struct error *error);

/* ifaces_read, ifaces_sweep and ifaces_write. The caller holds pins_lock. */
int ifaces_forget_gone(const struct pins *pins, struct error *error);

/* Who said it. */
enum setting_origin { ORIGIN_IFACE, ORIGIN_ANY, ORIGIN_BUILT_IN };

/* Whether the entry says anything that this version knows. */
bool iface_entry_says(const struct iface_entry *entry);

/* The entry of an interface; NULL: nothing was said of it. */
const struct iface_entry *ifaces_find(const struct ifaces *ifaces, uint32_t ifindex);

/* The value in force for packets of an interface. */
uint8_t ifaces_effective(const struct ifaces *ifaces, uint32_t ifindex, enum splicer_setting setting,
			 enum setting_origin *origin);

#endif
