/* SPDX-License-Identifier: GPL-2.0-only */
/* When a backend counts as up or down: after so many results in a row that say otherwise than it is. */
#ifndef SPLICER_HEALTH_H
#define SPLICER_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

struct health_rule {
	uint32_t rise, fall; /* at least 1: successes that raise it, failures that lower it */
};

struct health {
	bool up;
	uint32_t against; /* results in a row that say otherwise */
};

/* As it is known from elsewhere; counting begins anew. */
void health_set(struct health *health, bool up);

/* Takes a result. Whether `up` changed. */
bool health_take(struct health *health, const struct health_rule *rule, bool success);

#endif
