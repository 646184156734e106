/* SPDX-License-Identifier: GPL-2.0-only */
#include "abi/reasons.h"
#include "eventout.h"
#include "eventshow.h"
#include "registry.h"

#include <arpa/inet.h>

enum column { COLUMN_VERDICT, COLUMN_ACTION, COLUMN_REASON, COLUMN_INTERFACE, COLUMN_PROTO, COLUMN_SOURCE };
_Static_assert(COLUMN_SOURCE + 1 == EVENT_VIEW_COLUMNS, "each has a width");

static void line_word(struct text *text, struct event_view *view, enum column column, const char *word)
{
	size_t begin;

	text_char(text, ' ');
	begin = text->length;
	text_put(text, word);
	event_view_align(view, column, begin, text);
}

static const char *verdict_colour(const struct event *event)
{
	switch (event->verdict) {
	case VERDICT_DROP:
		return "\033[31m"; /* red */
	case VERDICT_DETECT:
		return "\033[33m"; /* yellow */
	default:
		return "\033[32m"; /* green */
	}
}

/* The colour is around the blanks too: they show none, and the width is that of what is seen. */
static void line_verdict(struct text *text, struct event_view *view, const struct event *event)
{
	if (view->colour)
		text_put(text, verdict_colour(event));
	line_word(text, view, COLUMN_VERDICT, verdict_name(event->verdict));
	if (view->colour)
		text_put(text, "\033[0m");
}

static void line_interface(struct text *text, struct event_view *view, const char *interface)
{
	size_t begin;

	text_char(text, ' ');
	begin = text->length;
	if (*interface)
		text_name(text, interface);
	else
		text_char(text, '-');
	event_view_align(view, COLUMN_INTERFACE, begin, text);
}

static void line_end(struct text *text, const struct shown *shown, uint8_t family, const __u8 *address, __be16 port)
{
	bool bracket = family == 6 && shown->has_ports;

	text_put(text, bracket ? " [" : " ");
	text_address(text, family, address);
	if (bracket)
		text_char(text, ']');
	if (!shown->has_ports)
		return;
	text_char(text, ':');
	text_number(text, ntohs(port));
}

static void line_ends(struct text *text, struct event_view *view, const struct shown *shown)
{
	const struct event *event = shown->event;
	size_t begin;

	line_word(text, view, COLUMN_PROTO, shown->proto);
	begin = text->length;
	line_end(text, shown, event->family, event->src, event->sport);
	event_view_align(view, COLUMN_SOURCE, begin, text);
	text_put(text, " >");
	line_end(text, shown, event->family, event->dst, event->dport);
}

static void line_translation(struct text *text, const struct shown *shown)
{
	const struct event *event = shown->event;

	text_put(text, " ->");
	line_end(text, shown, shown->new_family, event->new_src, event->new_sport);
	text_put(text, " >");
	line_end(text, shown, shown->new_family, event->new_dst, event->new_dport);
	if (*shown->new_interface) {
		text_put(text, " via ");
		text_name(text, shown->new_interface);
	}
	if (shown->is_resolved) {
		text_char(text, ' ');
		text_mac(text, event->next_hop);
	}
}

static void line_number(struct text *text, const char *name, bool has, uint64_t number)
{
	if (!has)
		return;
	text_put(text, name);
	text_number(text, number);
}

/* As tcpdump has them, from the lowest bit on; "none" */
static void line_tcp_flags(struct text *text, unsigned int flags)
{
	text_put(text, " flags ");
	if (!flags)
		text_put(text, "none");
	for (unsigned int bit = 0; bit < 8; bit++)
		if (flags & 1u << bit)
			text_char(text, "FSRPAUEC"[bit]);
}

static void line_headers(struct text *text, const struct shown *shown)
{
	const struct event *event = shown->event;

	line_number(text, " type ", shown->is_icmp, event->icmp_type);
	line_number(text, " code ", shown->is_icmp, event->icmp_code);
	if (shown->is_tcp)
		line_tcp_flags(text, event->tcp_flags);
	if (event_fragment_name(event->fragment)) {
		text_char(text, ' ');
		text_put(text, event_fragment_name(event->fragment));
		text_put(text, "-fragment");
	}
}

static void line_rule(struct text *text, const struct shown *shown)
{
	const struct event *event = shown->event;

	line_number(text, " port ", event->splice_port, event->splice_port);
	line_number(text, " vlan ", event->vlan, event->vlan);
	line_number(text, " rule ", event->rule, event->rule);
	if (*shown->service) {
		text_put(text, " service ");
		text_name(text, shown->service);
	}
}

/* What is not as it mostly is. */
static void line_origin(struct text *text, const struct event *event)
{
	if (event->hook != EVENT_INGRESS) {
		text_char(text, ' ');
		text_put(text, hook_name(event->hook));
	}
	if (event->object != EVENT_SPLICER) {
		text_put(text, " object ");
		text_put(text, object_name(event->object));
	}
	if (event->type == EVENT_REDECISION) {
		text_char(text, ' ');
		text_put(text, event_type_name(event->type));
	}
	line_number(text, " sample ", event->type == EVENT_PACKET, event->sample);
	line_number(text, " len ", true, event->length);
}

void event_put_line(const struct event *event, struct event_view *view, struct text *text)
{
	struct shown shown;

	event_show(event, view, &shown);
	event_view_time(view, event->time, text);
	line_verdict(text, view, event);
	line_word(text, view, COLUMN_ACTION, verdict_action(event->verdict));
	line_word(text, view, COLUMN_REASON, reason_name(event->reason));
	line_interface(text, view, shown.interface);
	if (event_is_ip(event)) {
		line_ends(text, view, &shown);
	} else {
		text_put(text, " ethertype 0x");
		text_hex(text, event->ethertype, 4);
	}
	if (shown.is_translated)
		line_translation(text, &shown);
	line_headers(text, &shown);
	line_rule(text, &shown);
	line_origin(text, event);
	text_char(text, '\n');
}
