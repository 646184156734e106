/* SPDX-License-Identifier: GPL-2.0-only */
#include "xdpselect.h"

#include "guard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int session_select(struct prefix_list *out, struct error *error)
{
	struct prefix client;

	if (guard_session(&client, error))
		return -1;
	return prefix_list_add(out, &client) ? error_errno(error, "session") : 0;
}

static int any_select(struct prefix_list *out, struct error *error)
{
	static const struct prefix all[] = { { .family = 4 }, { .family = 6 } };

	return prefix_list_add(out, &all[0]) || prefix_list_add(out, &all[1]) ? error_errno(error, "any") : 0;
}

static int prefix_select(const char *text, bool mask, struct prefix_list *out, struct error *error)
{
	if (!text)
		return 0;
	if (!strcmp(text, "any"))
		return any_select(out, error);
	return mask ? prefix_parse_cover_masked(text, out, error) : prefix_parse_cover(text, NULL, out, error);
}

static int interface_select(const struct xdp_rule_options *options, struct selector *out, struct error *error)
{
	if (!options->interface_count)
		return 0;
	if (options->interface_count > 1)
		return error_usage(error, options->interfaces[1], "one interface at a time");
	return selector_option(out, SELECT_INTERFACE, options->interfaces[0], error);
}

static void ports_select(const struct rules_record *rule, struct selector *out)
{
	long low;

	rule_ports(rule, &low, &out->high);
	snprintf(out->low, sizeof(out->low), "%ld", low);
	out->has_low = out->has_high = true;
}

static void action_select(const struct rules_record *rule, struct selector *out)
{
	out->has_action = out->has_mode = true;
	out->action = rules_decision_action(rule->head.decision);
	out->mode = rules_decision_mode(rule->head.decision);
	if (xdp_rule_is_never_drop(rule)) {
		out->has_priority = true;
		out->priority = rule->priority;
	}
	out->no_never_drop = !out->has_priority;
}

/* Those of its fields that were said. */
static void rule_select(const struct xdp_rule_options *options, const struct rules_record *rule, struct selector *out)
{
	if (options->proto) {
		out->has_proto = true;
		out->proto = rule->proto;
	}
	if (options->dport || options->icmp)
		ports_select(rule, out);
	if (options->priority) {
		out->has_priority = true;
		out->priority = rule->priority;
	}
	if (options->action)
		action_select(rule, out);
	if (options->service) {
		out->has_service = true;
		memcpy(out->service, rule->service, sizeof(out->service));
	}
}

/* The rule that they would make says what they mean. Ports are selected also of any protocol that has some. */
static int fields_select(const struct xdp_rule_options *options, struct selector *out, struct error *error)
{
	struct xdp_rule_options wanted = {
		.source = "any",
		.proto = options->dport && !options->proto ? "tcp" : options->proto,
		.dport = options->dport,
		.icmp = options->icmp,
		.action = options->action,
		.priority = options->priority,
		.service = options->service && *options->service ? options->service : NULL,
	};
	struct rules_record *rules;
	size_t count;

	if (xdp_rule_parse(&wanted, &rules, &count, error))
		return -1;
	rule_select(options, &rules[0], out);
	free(rules);
	return 0;
}

int xdp_selector_fill(const struct xdp_rule_options *options, struct selector *out, struct error *error)
{
	bool session = options->source && !strcmp(options->source, "session");

	*out = (struct selector){ 0 };
	if (session ? session_select(&out->src, error)
		    : prefix_select(options->source, options->mask, &out->src, error))
		return -1;
	if (prefix_select(options->destination, options->mask, &out->dst, error) ||
	    interface_select(options, out, error))
		return -1;
	return fields_select(options, out, error);
}

static int wanted_add_one(struct wanted_list *list, const struct xdp_rule_options *options,
			  const struct rule_wanted *wanted, struct error *error)
{
	struct rule_wanted one = *wanted;

	if (xdp_selector_fill(options, &one.selector, error))
		return -1;
	one.selector.no_default = true;
	one.selector.no_never_drop |= !options->action;
	return wanted_add(list, &one, error);
}

int xdp_wanted_add(struct wanted_list *list, const struct xdp_rule_options *options, const struct rule_wanted *wanted,
		   struct error *error)
{
	struct xdp_rule_options one;
	int result = 0;

	if (options->interface_count <= 1)
		return wanted_add_one(list, options, wanted, error);
	one = *options;
	one.interface_count = 1;
	for (size_t i = 0; i < options->interface_count && !result; i++) {
		one.interfaces[0] = options->interfaces[i];
		result = wanted_add_one(list, &one, wanted, error);
	}
	return result;
}

int xdp_wanted_defaults(struct wanted_list *list, const struct xdp_rule_options *options, struct error *error)
{
	struct rule_wanted wanted = {
		.selector = { .has_priority = true, .priority = XDP_PRIORITY_DEFAULT },
		.which = RULE_ALL,
	};
	const char *any[] = { "any" };
	const char *const *names = options->interface_count ? options->interfaces : any;
	int result = 0;

	for (size_t i = 0; i < (options->interface_count ? options->interface_count : 1) && !result; i++)
		result = selector_option(&wanted.selector, SELECT_INTERFACE, names[i], error) ||
					 wanted_add(list, &wanted, error)
				 ? -1
				 : 0;
	return result;
}
