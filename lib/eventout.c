/* SPDX-License-Identifier: GPL-2.0-only */
#include "eventout.h"

#include "abi/event.h"
#include "clock.h"
#include "out.h"
#include "prefix.h"
#include "proto.h"
#include "registry.h"
#include "rule.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const char *fragment_name(unsigned int fragment)
{
	return fragment == EVENT_FIRST_FRAGMENT ? "first" : fragment == EVENT_LATER_FRAGMENT ? "later" : NULL;
}

/* An event's text forms, made once for both outputs. */
struct shown {
	char interface[INTERFACE_TEXT_MAX];
	char proto[PROTO_TEXT_MAX];
	char src[PREFIX_TEXT_MAX], dst[PREFIX_TEXT_MAX];
	char service[sizeof(((struct event *)0)->service) + 1];
	bool has_transport, has_ports, is_icmp;
};

static void event_show(const struct event *event, struct shown *shown)
{
	enum proto_ports ports = event->family ? proto_ports(event->proto) : PROTO_NO_PORTS;

	interface_format(event->ifindex, shown->interface);
	proto_format(event->proto, shown->proto);
	address_format(event->family, event->src, shown->src);
	address_format(event->family, event->dst, shown->dst);
	memcpy(shown->service, event->service, sizeof(event->service));
	shown->service[sizeof(event->service)] = '\0';
	shown->has_transport = event->fragment != EVENT_LATER_FRAGMENT;
	shown->has_ports = shown->has_transport && ports == PROTO_HAS_PORTS;
	shown->is_icmp = shown->has_transport && ports == PROTO_HAS_TYPES;
}

/* The wall-clock time of a moment of CLOCK_MONOTONIC. */
static double wall_time(uint64_t monotonic)
{
	return (double)clock_to_epoch(monotonic) / 1e9;
}

static void event_print_json(const struct event *event, const struct shown *shown)
{
	struct out out;

	out_open(&out, OUT_JSON_LINES);
	out_begin(&out);
	out_seconds(&out, "time", NULL, wall_time(event->time), NULL);
	out_text(&out, "object", NULL, object_name(event->object));
	out_text(&out, "iface", NULL, shown->interface);
	out_text(&out, "hook", NULL, hook_name(event->hook));
	out_text(&out, "type", NULL, event_type_name(event->type));
	out_text(&out, "verdict", NULL, verdict_name(event->verdict));
	out_text(&out, "action", NULL, verdict_action(event->verdict));
	out_text(&out, "reason", NULL, reason_name(event->reason));
	out_text(&out, "proto", NULL, event->family ? shown->proto : NULL);
	out_text(&out, "src", NULL, event->family ? shown->src : NULL);
	out_number_or(&out, "sport", NULL, shown->has_ports ? ntohs(event->sport) : -1, NULL);
	out_text(&out, "dst", NULL, event->family ? shown->dst : NULL);
	out_number_or(&out, "dport", NULL, shown->has_ports ? ntohs(event->dport) : -1, NULL);
	out_number_or(&out, "rule", NULL, event->rule ? (int64_t)event->rule : -1, NULL);
	out_text(&out, "service", NULL, *shown->service ? shown->service : NULL);
	out_number_or(&out, "port", NULL, event->splice_port ? event->splice_port : -1, NULL);
	out_number(&out, "length", NULL, event->length);
	out_number(&out, "ethertype", NULL, event->ethertype);
	out_number_or(&out, "vlan", NULL, event->vlan ? event->vlan : -1, NULL);
	out_number_or(&out, "tcp_flags", NULL, shown->has_ports && event->proto == IPPROTO_TCP ? event->tcp_flags : -1,
		      NULL);
	out_number_or(&out, "icmp_type", NULL, shown->is_icmp ? event->icmp_type : -1, NULL);
	out_number_or(&out, "icmp_code", NULL, shown->is_icmp ? event->icmp_code : -1, NULL);
	out_text(&out, "fragment", NULL, fragment_name(event->fragment));
	out_end(&out);
}

static void endpoint_print(const struct event *event, const struct shown *shown, const char *address, __be16 port)
{
	bool ports = shown->has_ports;

	printf(event->family == 6 && ports ? " [%s]" : " %s", address);
	if (ports)
		printf(":%u", ntohs(port));
}

static void event_print_line(const struct event *event, const struct shown *shown)
{
	double time = wall_time(event->time);
	time_t seconds = (time_t)time;
	struct tm tm;

	localtime_r(&seconds, &tm);
	printf("%02d:%02d:%02d.%06d %-8s %-10s %-12s %s", tm.tm_hour, tm.tm_min, tm.tm_sec,
	       (int)((time - (double)seconds) * 1e6), verdict_name(event->verdict), verdict_action(event->verdict),
	       reason_name(event->reason), shown->interface);
	if (event->family) {
		printf(" %s", shown->proto);
		endpoint_print(event, shown, shown->src, event->sport);
		fputs(" >", stdout);
		endpoint_print(event, shown, shown->dst, event->dport);
	} else {
		printf(" ethertype 0x%04x", event->ethertype);
	}
	if (shown->is_icmp)
		printf(" type %u code %u", event->icmp_type, event->icmp_code);
	if (fragment_name(event->fragment))
		printf(" %s-fragment", fragment_name(event->fragment));
	if (event->splice_port)
		printf(" port %u", event->splice_port);
	if (event->vlan)
		printf(" vlan %u", event->vlan);
	if (*shown->service)
		printf(" service %s", shown->service);
	if (event->hook == EVENT_EGRESS)
		fputs(" egress", stdout);
	printf(" len %u\n", event->length);
	fflush(stdout);
}

int event_print(const void *data, size_t size, bool json)
{
	const struct event *event = data;
	struct shown shown;

	if (size < sizeof(*event))
		return -1;
	event_show(event, &shown);
	if (json)
		event_print_json(event, &shown);
	else
		event_print_line(event, &shown);
	return 0;
}
