/* SPDX-License-Identifier: GPL-2.0-only */
#include "xdprule.h"

#include "guard.h"
#include "num.h"
#include "portrange.h"
#include "prefix.h"
#include "rulekey.h"
#include "xdpproto.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RATE_MAX 10000000 /* packets per second, and of a burst */

/* ---- actions ---- */

static const struct action {
	const char *name;
	enum rules_action action;
	enum rules_mode mode;
} actions[] = {
	{ "drop", RULES_DROP, RULES_MODE_UNSET },
	{ "pass", RULES_PASS, RULES_MODE_UNSET },
	{ "monitor", RULES_DROP, RULES_DETECT },
	{ "never-drop", RULES_PASS, RULES_MODE_UNSET },
};

#define ACTIONS (sizeof(actions) / sizeof(actions[0]))
#define NEVER_DROP (&actions[3])

static const struct action *action_find(const char *name)
{
	for (size_t i = 0; i < ACTIONS; i++)
		if (!strcmp(name, actions[i].name))
			return &actions[i];
	return NULL;
}

static bool action_is_number(const char *text)
{
	return *text && !text[strspn(text, "0123456789")];
}

static const struct action *action_parse(const char *text, struct error *error)
{
	const struct action *action = action_find(strcmp(text, "0") ? text : "drop");

	if (action)
		return action;
	if (action_is_number(text))
		error_usage(error, text, "0 is drop, other numbers mean different things to different programs");
	else
		error_usage(error, text, "unknown action (drop, pass, monitor, never-drop)");
	return NULL;
}

static uint64_t action_decision(const struct action *action)
{
	return rules_decision(0, action->action, 0, 0) | rules_decision_of_mode(action->mode);
}

const char *xdp_rule_action(const struct rules_record *rule)
{
	uint64_t decision = rule->head.decision;

	if (xdp_rule_is_never_drop(rule))
		return NEVER_DROP->name;
	for (size_t i = 0; i < ACTIONS; i++)
		if (actions[i].action == rules_decision_action(decision) &&
		    (actions[i].mode == RULES_DETECT) == (rules_decision_mode(decision) == RULES_DETECT))
			return actions[i].name;
	return actions[0].name;
}

bool xdp_rule_is_default(const struct rules_record *rule)
{
	return rule->priority == XDP_PRIORITY_DEFAULT;
}

bool xdp_rule_is_never_drop(const struct rules_record *rule)
{
	return rule->priority == XDP_PRIORITY_NEVER_DROP;
}

/* ---- what operands and options say ---- */

int xdp_rule_operands(struct xdp_rule_options *options, char *const *operands, int count, struct error *error)
{
	bool prefix = count && !action_find(operands[0]) && (!options->source || strcmp(operands[0], "0") != 0);

	if (prefix) {
		if (options->source)
			return error_usage(error, operands[0], "the source is also given as an option");
		options->source = operands[0];
		operands++;
		count--;
	}
	if (count > 1)
		return error_usage(error, operands[1], "expected [PREFIX] [ACTION]");
	if (count)
		options->action = operands[0];
	return 0;
}

static void inherit(const char **own, const char *other)
{
	if (!*own)
		*own = other;
}

void xdp_rule_options_inherit(struct xdp_rule_options *options, const struct xdp_rule_options *others)
{
	bool lasts = !options->ttl && !options->expires;

	inherit(&options->source, others->source);
	inherit(&options->destination, others->destination);
	inherit(&options->action, others->action);
	inherit(&options->proto, others->proto);
	inherit(&options->dport, others->dport);
	inherit(&options->icmp, others->icmp);
	inherit(&options->priority, others->priority);
	inherit(&options->service, others->service);
	inherit(&options->rate, others->rate);
	if (lasts) {
		options->ttl = others->ttl;
		options->expires = others->expires;
	}
	if (!options->interface_count) {
		options->interface_count = others->interface_count;
		memcpy(options->interfaces, others->interfaces, others->interface_count * sizeof(const char *));
	}
	options->mask |= others->mask;
}

/* ---- protocol and ports ---- */

static int types_parse(const char *text, struct rules_record *out, struct error *error)
{
	const char *slash = strchr(text, '/');
	char type[8];

	if (proto_ports(out->proto) != PROTO_HAS_TYPES)
		return error_usage(error, text, "--icmp needs -p icmp or -p icmpv6");
	snprintf(type, sizeof(type), "%.*s", slash ? (int)(slash - text) : (int)strlen(text), text);
	if (!text[strspn(text, "0123456789/")] && strcmp(text, "0/65535") != 0 &&
	    !rule_parse_ports(out->proto, type, slash ? slash + 1 : NULL, &out->head, error))
		return 0;
	return error_usage(error, text, "expected TYPE or TYPE/CODE, each 0-255");
}

static int ports_parse(const struct xdp_rule_options *options, struct rules_record *out, struct error *error)
{
	out->proto = RULES_PROTO_ANY;
	out->head.high = 65535;
	if (options->proto && xdp_proto_parse(options->proto, &out->proto, error))
		return -1;
	if (options->icmp && options->dport)
		return error_usage(error, options->icmp, "--icmp and --dport exclude each other");
	if (options->icmp)
		return types_parse(options->icmp, out, error);
	if (!options->dport)
		return 0;
	if (proto_ports(out->proto) != PROTO_HAS_PORTS)
		return error_usage(error, options->dport, "--dport needs -p with a protocol that has ports");
	return portrange_parse(options->dport, &out->head.low, &out->head.high, error);
}

/* ---- action, priority, rate ---- */

static int priority_parse(const struct xdp_rule_options *options, bool never_drop, int32_t *out, struct error *error)
{
	int64_t value;

	if (never_drop && options->priority)
		return error_usage(error, options->priority, "a never-drop rule comes before all others");
	*out = never_drop ? XDP_PRIORITY_NEVER_DROP : 0;
	if (!options->priority)
		return 0;
	if (num_parse_signed(options->priority, -XDP_PRIORITY_MAX, XDP_PRIORITY_MAX, &value, error))
		return -1;
	*out = (int32_t)value;
	return 0;
}

/* PPS[:BURST][/LEN]; what is not said: *burst as *rate, *bits 0. */
static int rate_split(const char *text, uint64_t *rate, uint64_t *burst, uint64_t *bits)
{
	char copy[XDP_RATE_TEXT_MAX], *colon, *slash;
	struct error ignored;

	if ((size_t)snprintf(copy, sizeof(copy), "%s", text) >= sizeof(copy))
		return -1;
	slash = strchr(copy, '/');
	if (slash)
		*slash++ = 0;
	colon = strchr(copy, ':');
	if (colon)
		*colon++ = 0;
	*bits = 0;
	if (num_parse(copy, 1, RATE_MAX, rate, &ignored) ||
	    num_parse(colon ? colon : copy, 1, RATE_MAX, burst, &ignored))
		return -1;
	return slash ? num_parse(slash, 1, 128, bits, &ignored) : 0;
}

static int rate_parse(const char *text, struct rules_record *out, struct error *error)
{
	uint64_t rate, burst, bits;

	if (rate_split(text, &rate, &burst, &bits))
		return error_usage(error, text, "expected PPS[:BURST][/LEN], PPS and BURST 1-%d, LEN 1-128", RATE_MAX);
	out->rate = (uint32_t)rate;
	out->burst = (uint32_t)burst;
	out->rate_bits = (uint32_t)bits;
	out->head.decision |= RULES_LIMITED;
	return 0;
}

static int decision_parse(const struct xdp_rule_options *options, struct rules_record *out, struct error *error)
{
	const struct action *action = action_parse(options->action ? options->action : "drop", error);

	if (!action || priority_parse(options, action == NEVER_DROP, &out->priority, error))
		return -1;
	out->head.decision = action_decision(action);
	if (!options->rate)
		return 0;
	if (action == NEVER_DROP)
		return error_usage(error, options->rate, "a never-drop rule has no rate");
	return rate_parse(options->rate, out, error);
}

/* Nothing of what is not IP but that it is so, and which interface it came by. */
static int check_nonip(const struct xdp_rule_options *options, struct error *error)
{
	const char *wrong = options->destination ? options->destination : options->rate;

	if (options->source && strcmp(options->source, "any"))
		wrong = options->source;
	return wrong ? error_usage(error, wrong, "frames of nonip have no address") : 0;
}

/* What all rules of one command share. */
static int template_parse(const struct xdp_rule_options *options, struct rules_record *out, struct error *error)
{
	*out = (struct rules_record){ .direction = RULES_IN };
	if (ports_parse(options, out, error) || decision_parse(options, out, error))
		return -1;
	if (out->proto == XDP_PROTO_NONIP && check_nonip(options, error))
		return -1;
	if (options->service && rule_parse_service(options->service, out->service, error))
		return -1;
	return rule_parse_expiry(options->ttl, options->expires, &out->head.expires, error);
}

/* ---- prefixes ---- */

/* The families that a rule of this protocol can be of. */
static bool has_family(uint16_t proto, uint8_t family)
{
	if (proto == IPPROTO_ICMP || proto == XDP_PROTO_NONIP)
		return family == 4;
	return proto != IPPROTO_ICMPV6 || family == 6;
}

static int any_fill(uint16_t proto, struct prefix_list *out, struct error *error)
{
	static const struct prefix all[] = { { .family = 4 }, { .family = 6 } };

	*out = (struct prefix_list){ 0 };
	for (size_t i = 0; i < 2; i++)
		if (has_family(proto, all[i].family) && prefix_list_add(out, &all[i]))
			return error_errno(error, "any");
	return 0;
}

/* The stack has such addresses for sockets of both families; on the wire they are IPv4, and a rule would be for
 * nothing. */
static int check_mapped(const char *text, const struct prefix_list *list, struct error *error)
{
	char meant[PREFIX_TEXT_MAX];

	for (size_t i = 0; i < list->count; i++) {
		struct prefix prefix = list->items[i];

		if (prefix_unmap(&prefix) && prefix.len)
			return error_usage(error, text,
					   "an IPv4 address in IPv6 form, which no packet has; did you mean %s",
					   prefix_format(&prefix, meant));
	}
	return 0;
}

static int prefixes_parse(const char *text, const struct rules_record *template, bool mask, struct prefix_list *out,
			  struct error *error)
{
	int result;

	if (!text || !strcmp(text, "any"))
		return any_fill(template->proto, out, error);
	result = mask ? prefix_parse_cover_masked(text, out, error) : prefix_parse_cover(text, NULL, out, error);
	if (!result && !has_family(template->proto, out->items[0].family))
		return error_usage(error, text, "not of the family of the protocol");
	return result ? result : check_mapped(text, out, error);
}

static int session_fill(struct prefix_list *out, struct error *error)
{
	struct prefix client;

	*out = (struct prefix_list){ 0 };
	if (guard_session(&client, error))
		return -1;
	return prefix_list_add(out, &client) ? error_errno(error, "session") : 0;
}

static int places_parse(const struct xdp_rule_options *options, const struct rules_record *template,
			struct rule_places *out, struct error *error)
{
	bool session = options->source && !strcmp(options->source, "session");

	if (session ? session_fill(&out->src, error)
		    : prefixes_parse(options->source, template, options->mask, &out->src, error))
		return -1;
	if (prefixes_parse(options->destination, template, options->mask, &out->dst, error))
		return -1;
	return rule_parse_interfaces(options->interfaces, options->interface_count, out, error);
}

/* What to call the rules in a message. */
static const char *options_name(const struct xdp_rule_options *options)
{
	return options->source ? options->source : options->destination ? options->destination : "rule";
}

static int check_count(const struct xdp_rule_options *options, size_t count, struct error *error)
{
	if (count)
		return 0;
	return error_usage(error, options_name(options), "source, destination and protocol are not of one family");
}

/* Unless it was said otherwise, each address is a source of its own. */
static int set_rate_bits(const char *rate, struct rules_record *rules, size_t count, struct error *error)
{
	for (size_t i = 0; i < count && rate; i++) {
		if (rules[i].rate_bits > prefix_bits(rule_src(&rules[i]).family))
			return error_usage(error, rate, "an IPv4 address has 32 bits");
		if (!rules[i].rate_bits)
			rules[i].rate_bits = prefix_bits(rule_src(&rules[i]).family);
	}
	return 0;
}

int xdp_rule_parse(const struct xdp_rule_options *options, struct rules_record **out, size_t *count,
		   struct error *error)
{
	struct rule_places places;
	struct rules_record template;
	int result = -1;

	if (!options->source && !options->destination && !options->proto && !options->interface_count)
		return error_usage(error, "rule", "expected a PREFIX, or any where all packets are meant");
	places.dst = places.src = (struct prefix_list){ 0 };
	*out = NULL;
	if (!template_parse(options, &template, error) && !places_parse(options, &template, &places, error) &&
	    !rule_multiply(&template, &places, options_name(options), out, count, error))
		result = check_count(options, *count, error) || set_rate_bits(options->rate, *out, *count, error) ? -1
														  : 0;
	if (result)
		free(*out);
	rule_places_free(&places);
	return result;
}

/* ---- defaults ---- */

static const struct action *default_parse(const char *text, struct error *error)
{
	const struct action *verdict = action_is_number(text) ? action_parse(text, error) : action_find(text);

	if (verdict && verdict != NEVER_DROP)
		return verdict;
	if (!action_is_number(text))
		error_usage(error, text, "not a default (drop, pass, monitor; and as a command, unset)");
	return NULL;
}

int xdp_default_parse(const char *action, const char *const *interfaces, size_t interface_count,
		      struct rules_record **out, size_t *count, struct error *error)
{
	static const struct rules_record kinds[] = {
		{ .family = RULES_IPV4, .proto = RULES_PROTO_ANY },
		{ .family = RULES_IPV6, .proto = RULES_PROTO_ANY },
		{ .family = RULES_IPV4, .proto = XDP_PROTO_NONIP },
	};
	const struct action *verdict = default_parse(action, error);
	struct rule_places places;

	if (!verdict)
		return -1;
	if (rule_parse_interfaces(interfaces, interface_count, &places, error))
		return -1;
	*count = 3 * places.index_count;
	*out = malloc(*count * sizeof(**out));
	if (!*out)
		return error_errno(error, action);
	for (size_t i = 0; i < *count; i++) {
		struct rules_record *rule = &(*out)[i];

		*rule = kinds[i % 3];
		rule->priority = XDP_PRIORITY_DEFAULT;
		rule->head.high = 65535;
		rule->head.ifindex = places.indices[i / 3];
		rule->head.decision = action_decision(verdict) | (uint64_t)(rule->head.ifindex != 0) << 63;
	}
	return 0;
}
