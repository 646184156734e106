/* SPDX-License-Identifier: GPL-2.0-only */
/* What events of objects with rules have beside. */
#ifndef SPLICER_LIB_EVENTRULE_H
#define SPLICER_LIB_EVENTRULE_H

#include "lib/bpf.h"
#include "lib/events.h"
#include "lib/match.h"

/* The rule that decided, if one did. */
static __always_inline void events_fill_rule(struct event *event, const struct rules_hit *hit)
{
	struct rules_cell *service;

	event->rule = 0;
	event->splice_port = 0;
	__builtin_memset(event->service, 0, sizeof(event->service));
	if (!hit->head)
		return;
	event->rule = rules_decision_sequence(hit->decision);
	event->splice_port = rules_decision_port(hit->decision);
	service = rules_service(hit);
	if (service)
		__builtin_memcpy(event->service, service, sizeof(event->service));
}

#endif
