/* SPDX-License-Identifier: GPL-2.0-only */
#include "ruleout.h"

#include "proto.h"
#include "rule.h"
#include "select.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int surroundings_read(struct surroundings *surroundings, struct error *error)
{
	if (netlink_listeners(&surroundings->listeners, error))
		return -1;
	if (netlink_local_routes(&surroundings->routes, error))
		return -1;
	prefix_list_sort(&surroundings->routes);
	return 0;
}

void surroundings_free(struct surroundings *surroundings)
{
	free(surroundings->routes.items);
}

int rule_is_routed(const struct rules_record *rule, const struct surroundings *surroundings)
{
	struct prefix dst = rule_dst(rule);

	if (rules_decision_action(rule->head.decision) != RULES_SPLICE)
		return -1;
	return prefix_list_covers(&surroundings->routes, &dst);
}

static double clock_seconds(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* The time of the last hit: in JSON seconds since the epoch, in the table how long ago. */
static void last_out(struct out *out, uint64_t last)
{
	double ago = clock_seconds(CLOCK_MONOTONIC) - (double)last / 1e9;
	char text[32] = "-";

	if (ago < 0)
		ago = 0;
	if (last && ago < 120)
		snprintf(text, sizeof(text), "%.1fs", ago);
	else if (last && ago < 7200)
		snprintf(text, sizeof(text), "%.0fm", ago / 60);
	else if (last)
		snprintf(text, sizeof(text), "%.0fh", ago / 3600);
	out_seconds(out, "last", "LAST", last ? clock_seconds(CLOCK_REALTIME) - ago : -1, text);
}

static void note_out(struct out *out, int dead, int routed)
{
	const char *note = dead && !routed ? "dead,no-route" : dead ? "dead" : !routed ? "no-route" : "";

	out_text(out, NULL, "NOTE", note);
	out_bool(out, "dead", dead);
	out_bool(out, "routed", routed);
}

void rule_out(struct out *out, const struct rules_record *rule, const struct surroundings *surroundings)
{
	char text[PREFIX_TEXT_MAX], proto[PROTO_TEXT_MAX], service[RULES_SERVICE_MAX + 1],
		interface[INTERFACE_TEXT_MAX];
	enum rules_action action = rules_decision_action(rule->head.decision);
	struct prefix dst = rule_dst(rule), src = rule_src(rule);
	long low, high;

	rule_ports(rule, &low, &high);
	out_text(out, "dir", NULL, rule->direction == RULES_OUT ? "out" : "in");
	out_text(out, "proto", "PROTO", proto_format(rule->proto, proto));
	out_text(out, "dst", "DST", prefix_format(&dst, text));
	out_text(out, "src", "SRC", prefix_format(&src, text));
	out_number_or(out, "low", "LOW", low, "any");
	out_number_or(out, "high", "HIGH", high, "any");
	out_text(out, "action", "ACTION", rule_action_name(action));
	out_number(out, "port", "PORT", rules_decision_port(rule->head.decision));
	interface_format(rule->head.ifindex, interface);
	out_text(out, "iface", "IFACE", *interface ? interface : NULL);
	out_integer(out, "prio", "PRIO", rule->priority);
	rule_service(rule, service);
	out_text(out, "service", "SERVICE", *service ? service : NULL);
	out_number(out, "packets", "PACKETS", rule->head.packets);
	out_number(out, "bytes", "BYTES", rule->head.bytes);
	last_out(out, rule->head.last);
	out_number(out, "rule", NULL, rules_decision_sequence(rule->head.decision));
	if (surroundings)
		note_out(out, rule_is_dead(rule, &surroundings->listeners), rule_is_routed(rule, surroundings));
}

static void changes_print_json(const struct changes *changes, const struct surroundings *surroundings)
{
	struct out out;

	out_open(&out, OUT_JSON);
	for (size_t i = 0; i < changes->count; i++) {
		char letter[2] = { changes->items[i].letter, '\0' };

		out_begin(&out);
		out_text(&out, "change", NULL, letter);
		rule_out(&out, &changes->items[i].rule, surroundings);
		out_end(&out);
	}
	out_again(&out);
}

static void changes_print_lines(const struct changes *changes)
{
	for (size_t i = 0; i < changes->count; i++) {
		printf("%c ", changes->items[i].letter);
		rule_print_line(&changes->items[i].rule);
	}
}

static void changes_note_routes(const struct changes *changes, const struct surroundings *surroundings)
{
	for (size_t i = 0; i < changes->count; i++) {
		struct prefix dst = rule_dst(&changes->items[i].rule);
		char text[PREFIX_TEXT_MAX];

		/* in a dry run the route is yet to come */
		if (changes->items[i].rule.head.decision & RULES_ROUTE)
			continue;
		if (changes->items[i].kind == CHANGE_PUT && !rule_is_routed(&changes->items[i].rule, surroundings))
			note_print("%s: no local route: packets are not delivered (see --route)",
				   prefix_format(&dst, text));
	}
}

/* What was done is done: that the surroundings cannot be read makes no error of it. */
void changes_print(const struct common_options *common, const struct changes *changes)
{
	static struct surroundings surroundings; /* 32 KiB */
	struct error error;
	bool known;

	if (!common->json && !common->verbose && !common->dry_run)
		return;
	known = !surroundings_read(&surroundings, &error);
	if (!known && !common->quiet)
		note_print("%s: listeners and routes are not known", error.text);
	if (common->json)
		changes_print_json(changes, known ? &surroundings : NULL);
	else
		changes_print_lines(changes);
	if (known && !common->json && !common->quiet)
		changes_note_routes(changes, &surroundings);
	surroundings_free(&surroundings);
}
