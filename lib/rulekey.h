/* SPDX-License-Identifier: GPL-2.0-only */
/* What of a rule is its key, its tuple and its identity; see abi/rules.h. */
#ifndef SPLICER_RULEKEY_H
#define SPLICER_RULEKEY_H

#include "abi/rules.h"

#include <stdbool.h>
#include <stdint.h>

struct rules_key rule_key(const struct rules_record *rule);

/* The meta word of the rule's tuple: that of its key without the interface. */
uint64_t rule_tuple_meta(const struct rules_record *rule);

/* What a rule of that tuple has by it; see ruleset_next_tuple. */
struct rules_record rule_of_tuple(const struct rules_tuple *tuple);

/* The masks that a tuple puts on a packet's addresses. */
void rule_tuple_mask(const struct rules_record *rule, __u64 mask[4]);

/* The lists that a tuple stands in: 1, or 4 for any protocol. Fills lists, returns their number. */
unsigned int rule_lists(const struct rules_record *rule, unsigned int lists[4]);

uint64_t rule_rank(const struct rules_record *rule);

/* Whether its time is up: packets pass it over, and so does everybody else. */
bool rule_has_expired(const struct rules_record *rule);

/* Seconds that a connection which the rule let in may last; 0: any time. The decision tells whether the number counts.
 */
uint32_t rule_max_duration(const struct rules_record *rule);

/* Packets per second of one source, and how many at once; 0: no matter, as the decision tells. */
uint32_t rule_rate(const struct rules_record *rule);
uint32_t rule_burst(const struct rules_record *rule);

/* Whether what the decision says is limited is so in the same way. */
bool rule_limits_are_alike(const struct rules_record *a, const struct rules_record *b);

/* The same decision with another sequence number. */
uint64_t decision_renumber(uint64_t decision, uint64_t sequence);

/*
 * Total order by identity (key but for its layer, ports, priority, service); 0: the same rule. All rules of one key
 * stand together, whatever their layers, sorted by their ports.
 */
int rule_compare(const struct rules_record *a, const struct rules_record *b);

/* 0: of one key. */
int rule_compare_key(const struct rules_record *a, const struct rules_record *b);

#endif
