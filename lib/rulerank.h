/* SPDX-License-Identifier: GPL-2.0-only */
/* Rules by how fast their counters grow. */
#ifndef SPLICER_RULERANK_H
#define SPLICER_RULERANK_H

#include "abi/rules.h"
#include "error.h"
#include "ranking.h"

#include <stdbool.h>
#include <stddef.h>

/* Copies the i-th rule of a listing; false when it is gone, or is not to be shown. */
typedef bool rule_reader(void *context, size_t i, struct rules_record *rule);

/* Ranks the first `count` rules anew: what they counted since the last time. */
int rules_rank_by_hits(struct ranking *ranking, size_t count, rule_reader *read, void *context, struct error *error);

#endif
