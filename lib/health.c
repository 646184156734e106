/* SPDX-License-Identifier: GPL-2.0-only */
#include "health.h"

void health_set(struct health *health, bool up)
{
	*health = (struct health){ .up = up };
}

bool health_take(struct health *health, const struct health_rule *rule, bool success)
{
	if (success == health->up) {
		health->against = 0;
		return false;
	}
	if (++health->against < (success ? rule->rise : rule->fall))
		return false;
	health_set(health, success);
	return true;
}
