/* SPDX-License-Identifier: GPL-2.0-only */
#include "eventout.h"
#include "eventshow.h"
#include "registry.h"

#include <arpa/inet.h>

/* "key": is a constant with its quotes, comma and colon, so that each is one copy. */
static void json_word(struct text *text, const char *key, const char *word)
{
	text_put(text, key);
	if (!word) {
		text_put(text, "null");
		return;
	}
	text_char(text, '"');
	text_put(text, word);
	text_char(text, '"');
}

static void json_name(struct text *text, const char *key, const char *name)
{
	text_put(text, key);
	if (*name)
		text_json(text, name);
	else
		text_put(text, "null");
}

static void json_number(struct text *text, const char *key, bool has, uint64_t number)
{
	text_put(text, key);
	if (has)
		text_number(text, number);
	else
		text_put(text, "null");
}

static void json_address(struct text *text, const char *key, uint8_t family, const __u8 *address)
{
	text_put(text, key);
	if (!address) {
		text_put(text, "null");
		return;
	}
	text_char(text, '"');
	text_address(text, family, address);
	text_char(text, '"');
}

static void json_what(struct text *text, struct event_view *view, const struct shown *shown)
{
	const struct event *event = shown->event;
	uint64_t us = event_view_epoch_us(view, event->time);

	text_put(text, "{\"time\":");
	text_number(text, us / 1000000);
	text_char(text, '.');
	text_digits(text, us % 1000000, 6);
	json_word(text, ",\"object\":", object_name(event->object));
	json_name(text, ",\"iface\":", shown->interface);
	json_word(text, ",\"hook\":", hook_name(event->hook));
	json_word(text, ",\"type\":", event_type_name(event->type));
	json_word(text, ",\"verdict\":", verdict_name(event->verdict));
	json_word(text, ",\"action\":", verdict_action(event->verdict));
	json_word(text, ",\"reason\":", reason_name(event->reason));
}

static void json_packet(struct text *text, const struct shown *shown)
{
	const struct event *event = shown->event;
	bool ip = event_is_ip(event);

	json_word(text, ",\"proto\":", ip ? shown->proto : NULL);
	json_address(text, ",\"src\":", event->family, ip ? event->src : NULL);
	json_number(text, ",\"sport\":", shown->has_ports, ntohs(event->sport));
	json_address(text, ",\"dst\":", event->family, ip ? event->dst : NULL);
	json_number(text, ",\"dport\":", shown->has_ports, ntohs(event->dport));
	json_number(text, ",\"rule\":", event->rule, event->rule);
	json_name(text, ",\"service\":", shown->service);
	json_number(text, ",\"port\":", event->splice_port, event->splice_port);
	json_number(text, ",\"length\":", true, event->length);
	json_number(text, ",\"ethertype\":", true, event->ethertype);
	json_number(text, ",\"vlan\":", event->vlan, event->vlan);
	json_number(text, ",\"tcp_flags\":", shown->is_tcp, event->tcp_flags);
	json_number(text, ",\"icmp_type\":", shown->is_icmp, event->icmp_type);
	json_number(text, ",\"icmp_code\":", shown->is_icmp, event->icmp_code);
	json_word(text, ",\"fragment\":", event_fragment_name(event->fragment));
	json_number(text, ",\"sample\":", event->type == EVENT_PACKET, event->sample);
}

static void json_translation(struct text *text, const struct shown *shown)
{
	const struct event *event = shown->event;
	bool is = shown->is_translated, ports = is && shown->has_ports;

	json_address(text, ",\"new_src\":", shown->new_family, is ? event->new_src : NULL);
	json_number(text, ",\"new_sport\":", ports, ntohs(event->new_sport));
	json_address(text, ",\"new_dst\":", shown->new_family, is ? event->new_dst : NULL);
	json_number(text, ",\"new_dport\":", ports, ntohs(event->new_dport));
	json_name(text, ",\"new_iface\":", shown->new_interface);
	text_put(text, ",\"next_hop\":");
	if (shown->is_resolved) {
		text_char(text, '"');
		text_mac(text, event->next_hop);
		text_char(text, '"');
	} else {
		text_put(text, "null");
	}
	json_number(text, ",\"ip_check_before\":", is && event->family == 4, ntohs(event->ip_check_before));
	json_number(text, ",\"ip_check_after\":", is && event->family == 4, ntohs(event->ip_check_after));
	json_number(text, ",\"l4_check_before\":", is, ntohs(event->l4_check_before));
	json_number(text, ",\"l4_check_after\":", is, ntohs(event->l4_check_after));
}

void event_put_json(const struct event *event, struct event_view *view, struct text *text)
{
	struct shown shown;

	event_show(event, view, &shown);
	json_what(text, view, &shown);
	json_packet(text, &shown);
	json_translation(text, &shown);
	text_put(text, "}\n");
}
