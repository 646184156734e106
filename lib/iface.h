/* SPDX-License-Identifier: GPL-2.0-only */
/* What was said of interfaces (lib/setting.h), and the pinned maps that hold it. */
#ifndef SPLICER_IFACE_H
#define SPLICER_IFACE_H

#include "abi/config.h"
#include "error.h"
#include "pin.h"
#include "setting.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An interface by name, or as interface_format gives it; "any" is SPLICER_IFACE_ANY. EXIT_STATE when there is none. */
int iface_parse(const char *name, uint32_t *ifindex, struct error *error);

/* What one command says of one interface; said is released with setting_said_free. */
struct iface_change {
	uint32_t ifindex;
	struct setting_said said;
	char letter; /* set by ifaces_apply: 'C' changed, '=' was so already */
};

/* IF SETTING=VALUE...; after an error there is nothing to release. */
int iface_change_parse(char *const *operands, int count, struct iface_change *change, struct error *error);

/* ---- the maps ---- */

struct iface_entry {
	uint32_t ifindex;
	bool gone;                                /* found by ifaces_sweep */
	struct splicer_iface stored;              /* as the map has it; zero: it has none */
	struct splicer_iface now;                 /* as it is to be */
	struct prefix_list geneve_stored, geneve; /* likewise, the keys of the trie; sorted, without doubles */
};

/* All of the maps in memory: read, changed, then written. */
struct ifaces {
	struct iface_entry *items; /* sorted by ifindex after ifaces_read */
	size_t count;
};

/* Whatever it returns, ifaces_free releases what *ifaces holds. */
int ifaces_read(const struct pins *pins, struct ifaces *ifaces, struct error *error);

void ifaces_free(struct ifaces *ifaces);

/* Changes the copy in memory. */
int ifaces_apply(struct ifaces *ifaces, struct iface_change *change, struct error *error);

/* Takes away, in memory, what was said of interfaces that are gone: an index may come back as another interface. */
void ifaces_sweep(struct ifaces *ifaces);

/*
 * Whether the maps have room for all of it; EXIT_STATE. Sources that come are added before others go, so that those
 * which stay allowed are at no moment refused: there must be room for both.
 */
int ifaces_check(const struct ifaces *ifaces, struct error *error);

/*
 * Writes what changed, one interface at a time, each with all its settings at once, but for the sources of tunnels.
 * When there is no room or the kernel refuses something, everything is as it was. A writer that is killed leaves old
 * ones, new ones or some of both, and the next that says the same completes it. The caller holds pins_lock since
 * ifaces_read.
 */
int ifaces_write(const struct pins *pins, const struct ifaces *ifaces, struct error *error);

/* ifaces_read, ifaces_sweep and ifaces_write. The caller holds pins_lock. */
int ifaces_forget_gone(const struct pins *pins, struct error *error);

/* Who said it. */
enum setting_origin { ORIGIN_IFACE, ORIGIN_ANY, ORIGIN_BUILT_IN };

/* Whether the entry says anything that this version knows. */
bool iface_entry_says(const struct iface_entry *entry);

/* The entry of an interface; NULL: nothing was said of it. */
const struct iface_entry *ifaces_find(const struct ifaces *ifaces, uint32_t ifindex);

/*
 * Whose word is in force for packets of an interface; NULL: nobody's, it is as built in. The sources of tunnels add up:
 * those of SPLICER_IFACE_ANY are in force too where the interface has its own.
 */
const struct iface_entry *ifaces_speaker(const struct ifaces *ifaces, uint32_t ifindex, size_t setting,
					 enum setting_origin *origin);

#endif
