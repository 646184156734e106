/* SPDX-License-Identifier: GPL-2.0-only */
#include "rulerank.h"

int rules_rank_by_hits(struct ranking *ranking, size_t count, rule_reader *read, void *context, struct error *error)
{
	struct rules_record rule;

	ranking_begin(ranking);
	for (size_t i = 0; i < count; i++) {
		struct reading reading;

		if (!read(context, i, &rule))
			continue;
		reading = (struct reading){ .sequence = rules_decision_sequence(rule.head.decision),
					    .packets = rule.head.packets,
					    .bytes = rule.head.bytes };
		if (ranking_add(ranking, i, &reading, error))
			return -1;
	}
	ranking_sort(ranking);
	return 0;
}
