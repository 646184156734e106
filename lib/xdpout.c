/* SPDX-License-Identifier: GPL-2.0-only */
#include "xdpout.h"

#include "abi/xdp.h"
#include "age.h"
#include "proto.h"
#include "rule.h"
#include "rulekey.h"
#include "ruleout.h"
#include "xdpproto.h"
#include "xdprule.h"

#include <inttypes.h>
#include <stdio.h>

/* ---- a rule ---- */

static const char *rule_kind(const struct rules_record *rule)
{
	if (xdp_rule_is_default(rule))
		return "default";
	return xdp_rule_is_never_drop(rule) ? "never-drop" : "rule";
}

/* What a person reads of the ports: "80", "80-90", of ICMP "8" or "8/0". */
static const char *ports_format(const struct rules_record *rule, char text[32])
{
	bool types = proto_ports(rule->proto) == PROTO_HAS_TYPES;
	long low, high;

	rule_ports(rule, &low, &high);
	if (rule->head.low == 0 && rule->head.high == 65535)
		return "any";
	snprintf(text, 32, low == high || high < 0 ? "%ld" : types ? "%ld/%ld" : "%ld-%ld", low, high);
	if (types && low == high)
		snprintf(text, 32, "%ld/%ld", low, high);
	return text;
}

/* What a packet must be; a default minds nothing of it, and is told without where there are only defaults. */
static void match_out(struct out *out, const struct rules_record *rule, bool shown)
{
	char text[PREFIX_TEXT_MAX], proto[PROTO_TEXT_MAX], ports[32];
	struct prefix src = rule_src(rule), dst = rule_dst(rule);
	bool any = xdp_rule_is_default(rule);
	long low, high;

	rule_ports(rule, &low, &high);
	out_text(out, "proto", shown ? "PROTO" : NULL, any ? "any" : xdp_proto_format(rule->proto, proto));
	out_text(out, "src", NULL, any ? NULL : prefix_format(&src, text));
	out_text(out, NULL, shown ? "SOURCE" : NULL, any ? "any" : prefix_format(&src, text));
	out_text(out, "dst", NULL, any ? NULL : prefix_format(&dst, text));
	out_text(out, NULL, shown ? "DESTINATION" : NULL, any ? "any" : prefix_format(&dst, text));
	out_number_or(out, "low", NULL, low, NULL);
	out_number_or(out, "high", NULL, high, NULL);
	out_text(out, NULL, shown ? "PORTS" : NULL, ports_format(rule, ports));
}

static void place_out(struct out *out, const struct rules_record *rule)
{
	bool ordinary = !xdp_rule_is_default(rule) && !xdp_rule_is_never_drop(rule);
	char interface[INTERFACE_TEXT_MAX], service[RULES_SERVICE_MAX + 1], priority[16] = "";

	interface_format(rule->head.ifindex, interface);
	out_text(out, "iface", NULL, *interface ? interface : NULL);
	out_text(out, NULL, "IFACE", *interface ? interface : "any");
	out_integer(out, "prio", NULL, rule->priority);
	if (ordinary)
		snprintf(priority, sizeof(priority), "%" PRId32, rule->priority);
	out_rare(out, ordinary && rule->priority);
	out_text(out, NULL, "PRIO", priority);
	rule_service(rule, service);
	out_rare(out, *service);
	out_text(out, "service", "SERVICE", *service ? service : NULL);
}

static void rate_limit_out(struct out *out, const struct rules_record *rule)
{
	uint32_t rate = rule_rate(rule), burst = rule_burst(rule);
	char text[XDP_RATE_TEXT_MAX];

	out_number_or(out, "rate", NULL, rate ? (int64_t)rate : -1, NULL);
	out_number_or(out, "burst", NULL, rate ? (int64_t)burst : -1, NULL);
	out_number_or(out, "rate_bits", NULL, rate ? (int64_t)rule->rate_bits : -1, NULL);
	out_rare(out, rate);
	out_text(out, NULL, "RATE", xdp_rate_format(rule, text));
}

static void hits_out(struct out *out, const struct rules_record *rule)
{
	bool one = !xdp_rule_is_default(rule);
	char left[AGE_TEXT_MAX];

	out_number(out, "packets", "PACKETS", rule->head.packets);
	out_number(out, "bytes", "BYTES", rule->head.bytes);
	rule_last_out(out, rule);
	rule_expires_out(out, rule);
	out_rare(out, rule->head.expires);
	out_text(out, NULL, "EXPIRES", rule_left_format(rule, left));
	out_number_or(out, "rule", NULL, one ? (int64_t)rules_decision_sequence(rule->head.decision) : -1, NULL);
}

void xdp_rule_out(struct out *out, const struct rules_record *rule, bool only_defaults)
{
	out_text(out, "action", "ACTION", xdp_rule_action(rule));
	match_out(out, rule, !only_defaults);
	place_out(out, rule);
	rate_limit_out(out, rule);
	hits_out(out, rule);
	out_text(out, "kind", NULL, rule_kind(rule));
}

/* ---- changes ---- */

/* A default is told once, not for each of its three rules. */
static bool is_told(const struct rules_record *rule)
{
	return !xdp_rule_is_default(rule) || rule->proto == XDP_PROTO_NONIP;
}

static void print_json(const struct changes *changes)
{
	struct out out;

	out_open(&out, OUT_JSON);
	for (size_t i = 0; i < changes->count; i++) {
		char letter[2] = { changes->items[i].letter, '\0' };

		if (!is_told(&changes->items[i].rule))
			continue;
		out_begin(&out);
		out_text(&out, "change", NULL, letter);
		xdp_rule_out(&out, &changes->items[i].rule, false);
		out_end(&out);
	}
	out_again(&out);
}

static void print_lines(const struct changes *changes)
{
	for (size_t i = 0; i < changes->count; i++) {
		if (!is_told(&changes->items[i].rule))
			continue;
		printf("%c ", changes->items[i].letter);
		xdp_rule_print_line(&changes->items[i].rule);
	}
}

void xdp_changes_print(const struct common_options *common, const struct changes *changes)
{
	if (common->json)
		print_json(changes);
	else if (common->verbose || common->dry_run)
		print_lines(changes);
}
