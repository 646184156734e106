/* SPDX-License-Identifier: GPL-2.0-only */
/* The values of an event that a line and JSON are both made of. */
#ifndef SPLICER_EVENTSHOW_H
#define SPLICER_EVENTSHOW_H

#include "abi/event.h"
#include "eventview.h"
#include "proto.h"

#include <stdbool.h>
#include <stdint.h>

struct shown {
	const struct event *event;
	char interface[INTERFACE_TEXT_MAX], new_interface[INTERFACE_TEXT_MAX]; /* empty: none */
	char proto[PROTO_TEXT_MAX];
	char service[sizeof(((struct event *)0)->service) + 1];
	uint8_t new_family; /* of the addresses it gets */
	bool has_ports, is_icmp, is_tcp, is_translated, is_resolved;
};

void event_show(const struct event *event, struct event_view *view, struct shown *shown);

/* Whether it has a protocol and addresses. */
bool event_is_ip(const struct event *event);

/* "first", "later"; NULL: not a fragment. */
const char *event_fragment_name(unsigned int fragment);

#endif
