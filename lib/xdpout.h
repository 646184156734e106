/* SPDX-License-Identifier: GPL-2.0-only */
/* Rules of xdp_filter.o as records of an output. */
#ifndef SPLICER_XDPOUT_H
#define SPLICER_XDPOUT_H

#include "abi/rules.h"
#include "option.h"
#include "out.h"
#include "ruleset.h"

#include <stdbool.h>

/* The fields of one rule, between out_begin and out_end; a table of nothing but defaults has fewer. */
void xdp_rule_out(struct out *out, const struct rules_record *rule, bool only_defaults);

/* What a command did, as -v, -n and -j ask for it: a letter and the line of each rule, or JSON. */
void xdp_changes_print(const struct common_options *common, const struct changes *changes);

#endif
