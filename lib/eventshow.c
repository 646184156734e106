/* SPDX-License-Identifier: GPL-2.0-only */
#include "eventshow.h"

#include "abi/reasons.h"

#include <netinet/in.h>
#include <string.h>

const char *event_fragment_name(unsigned int fragment)
{
	return fragment == EVENT_FIRST_FRAGMENT ? "first" : fragment == EVENT_LATER_FRAGMENT ? "later" : NULL;
}

bool event_is_ip(const struct event *event)
{
	return event->family == 4 || event->family == 6;
}

void event_show(const struct event *event, struct event_view *view, struct shown *shown)
{
	enum proto_ports ports = event_is_ip(event) ? proto_ports(event->proto) : PROTO_NO_PORTS;
	bool has_transport = event->fragment != EVENT_LATER_FRAGMENT;
	static const __u8 unresolved[6];

	shown->event = event;
	proto_format(event->proto, shown->proto);
	memcpy(shown->service, event->service, sizeof(event->service));
	shown->service[sizeof(event->service)] = '\0';
	shown->has_ports = has_transport && ports == PROTO_HAS_PORTS;
	shown->is_icmp = has_transport && ports == PROTO_HAS_TYPES;
	shown->is_tcp = shown->has_ports && event->proto == IPPROTO_TCP;
	shown->is_translated = event_is_ip(event) && event->verdict == VERDICT_TRANSLATE;
	shown->new_family = event->new_family ? event->new_family : event->family;
	shown->is_resolved = shown->is_translated && memcmp(event->next_hop, unresolved, sizeof(unresolved)) != 0;
	event_view_interface(view, event->ifindex, shown->interface);
	event_view_interface(view, shown->is_translated ? event->new_ifindex : 0, shown->new_interface);
}
