/* SPDX-License-Identifier: GPL-2.0-only */
/* Interfaces as records of an output: what is attached, what was set, which addresses are own. */
#ifndef SPLICER_IFACEOUT_H
#define SPLICER_IFACEOUT_H

#include "error.h"
#include "iface.h"
#include "option.h"
#include "out.h"
#include "pin.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Prints all that there is to list, "any" if it has settings, then by index; or the one interface at *alone, in a table
 * with its settings one a line.
 */
int ifaces_print(const struct pins *pins, const uint32_t *alone, enum out_form form, struct error *error);

/*
 * What a command did to ifaces, as -v, -n and -j ask for it: a letter and the line of each change, or JSON. Takes
 * over what ifaces holds.
 */
int iface_changes_print(const struct pins *pins, const struct common_options *common,
			const struct iface_change *changes, size_t count, struct ifaces *ifaces, struct error *error);

/* "IF SETTING=VALUE..." and a newline; iface_change_parse reads it back. */
void iface_print_entry(const struct iface_entry *entry);

#endif
