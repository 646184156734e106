/* SPDX-License-Identifier: GPL-2.0-only */
#include "ruleout.h"

#include "clock.h"
#include "proto.h"
#include "rule.h"
#include "rulekey.h"
#include "select.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

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

static double epoch_seconds(uint64_t monotonic)
{
	return (double)clock_to_epoch(monotonic) / (double)CLOCK_SECOND;
}

void rule_last_out(struct out *out, const struct rules_record *rule)
{
	uint64_t last = rule->head.last;
	char text[AGE_TEXT_MAX] = "-";

	if (last)
		age_format(seconds_between(last, clock_now()), text);
	out_seconds(out, "last", "LAST", last ? epoch_seconds(last) : -1, text);
}

void rule_expires_out(struct out *out, const struct rules_record *rule)
{
	out_seconds(out, "expires", NULL, rule->head.expires ? epoch_seconds(rule->head.expires) : -1, NULL);
}

char *rule_left_format(const struct rules_record *rule, char text[AGE_TEXT_MAX])
{
	text[0] = '\0';
	return rule->head.expires ? age_format(seconds_between(clock_now(), rule->head.expires), text) : text;
}

#define NOTE_TEXT_MAX 80

/* "dead,no-route,58.2s left": what of it is so. */
static void note_format(const struct rules_record *rule, bool dead, bool unrouted, char note[NOTE_TEXT_MAX])
{
	const char *parts[3];
	char age[AGE_TEXT_MAX], left[AGE_TEXT_MAX + 8];
	size_t count = 0, used = 0;

	if (dead)
		parts[count++] = "dead";
	if (unrouted)
		parts[count++] = "no-route";
	if (rule->head.expires) {
		snprintf(left, sizeof(left), "%s left", rule_left_format(rule, age));
		parts[count++] = left;
	}
	note[0] = '\0';
	for (size_t i = 0; i < count; i++)
		used += (size_t)snprintf(note + used, NOTE_TEXT_MAX - used, "%s%s", i ? "," : "", parts[i]);
}

static void note_out(struct out *out, const struct rules_record *rule, bool dead, int routed)
{
	char note[NOTE_TEXT_MAX];

	note_format(rule, dead, !routed, note);
	out_text(out, NULL, "NOTE", note);
	out_bool(out, "dead", dead);
	out_bool(out, "routed", routed);
}

/* What few rules have. */
static void rare_out(struct out *out, const struct rules_record *rule)
{
	const char *mode = rule_mode_name(rules_decision_mode(rule->head.decision));
	int64_t seconds = rule_max_duration(rule);

	out_rare(out, mode);
	out_text(out, "mode", "MODE", mode);
	out_rare(out, seconds);
	out_number_or(out, "max_duration", "MAX_DURATION", seconds ? seconds : -1, "-");
}

void rule_out(struct out *out, const struct rules_record *rule, const struct surroundings *surroundings)
{
	char text[PREFIX_TEXT_MAX], proto[PROTO_TEXT_MAX], service[RULES_SERVICE_MAX + 1],
		interface[INTERFACE_TEXT_MAX];
	enum rules_action action = rules_decision_action(rule->head.decision);
	struct prefix dst = rule_dst(rule), src = rule_src(rule);
	long low, high;

	rule_ports(rule, &low, &high);
	out_rare(out, rule->direction != RULES_IN);
	out_text(out, "dir", "DIR", rule_direction_name((enum rules_direction)rule->direction));
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
	rare_out(out, rule);
	out_number(out, "packets", "PACKETS", rule->head.packets);
	out_number(out, "bytes", "BYTES", rule->head.bytes);
	rule_last_out(out, rule);
	rule_expires_out(out, rule);
	out_number(out, "rule", NULL, rules_decision_sequence(rule->head.decision));
	if (surroundings)
		note_out(out, rule, rule_is_dead(rule, &surroundings->listeners), rule_is_routed(rule, surroundings));
}

int rules_print_aside(struct ruleset *set, const struct rule_place *places, size_t count,
		      void (*print)(const struct rules_record *rule), struct error *error)
{
	struct rules_record rule;

	fflush(stdout);
	if (dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		return error_errno(error, "stderr");
	for (size_t i = 0; i < count; i++)
		if (ruleset_read(set, &places[i], &rule))
			print(&rule);
	fflush(stdout);
	return 0;
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

void changes_note_repair(const struct common_options *common, const struct changes *changes)
{
	if (changes->repaired && common->verbose)
		note_print("repaired what a killed writer had left");
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
