/* SPDX-License-Identifier: GPL-2.0-only */
#include "xdprule.h"

#include "batch.h"
#include "guard.h"
#include "num.h"
#include "portrange.h"
#include "prefix.h"
#include "rulekey.h"
#include "xdpproto.h"

#include <inttypes.h>
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

static const struct action *action_parse(const char *text, struct error *error)
{
	const struct action *action = action_find(strcmp(text, "0") ? text : "drop");

	if (action)
		return action;
	if (*text && !text[strspn(text, "0123456789")])
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

static int prefixes_parse(const char *text, const struct rules_record *template, bool mask, struct prefix_list *out,
			  struct error *error)
{
	int result;

	if (!text || !strcmp(text, "any"))
		return any_fill(template->proto, out, error);
	result = mask ? prefix_parse_cover_masked(text, out, error) : prefix_parse_cover(text, NULL, out, error);
	if (!result && !has_family(template->proto, out->items[0].family))
		return error_usage(error, text, "not of the family of the protocol");
	return result;
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

static uint32_t family_bits(const struct rules_record *rule)
{
	return rule->family == RULES_IPV6 ? 128 : 32;
}

/* Unless it was said otherwise, each address is a source of its own. */
static int set_rate_bits(const char *rate, struct rules_record *rules, size_t count, struct error *error)
{
	for (size_t i = 0; i < count && rate; i++) {
		if (rules[i].rate_bits > family_bits(&rules[i]))
			return error_usage(error, rate, "an IPv4 address has 32 bits");
		if (!rules[i].rate_bits)
			rules[i].rate_bits = family_bits(&rules[i]);
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

int xdp_default_parse(const char *action, const char *const *interfaces, size_t interface_count,
		      struct rules_record **out, size_t *count, struct error *error)
{
	static const struct rules_record kinds[] = {
		{ .family = RULES_IPV4, .proto = RULES_PROTO_ANY },
		{ .family = RULES_IPV6, .proto = RULES_PROTO_ANY },
		{ .family = RULES_IPV4, .proto = XDP_PROTO_NONIP },
	};
	const struct action *verdict = action_parse(action, error);
	struct rule_places places;

	if (!verdict)
		return -1;
	if (verdict == NEVER_DROP)
		return error_usage(error, action, "not a default (drop, pass, monitor)");
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

/* ---- back to text ---- */

static void print_option(char letter, const char *value)
{
	printf(" -%c ", letter);
	batch_print_list_word(value);
}

static void print_interface(const struct rules_record *rule)
{
	char interface[INTERFACE_TEXT_MAX];

	if (*interface_format(rule->head.ifindex, interface))
		print_option('i', interface);
}

static void print_ports(const struct rules_record *rule)
{
	long low, high;

	if (rule->head.low == 0 && rule->head.high == 65535)
		return;
	rule_ports(rule, &low, &high);
	if (proto_ports(rule->proto) == PROTO_HAS_TYPES)
		printf(high < 0 ? " --icmp %ld" : " --icmp %ld/%ld", low, high);
	else
		printf(low == high ? " --dport %ld" : " --dport %ld-%ld", low, high);
}

static void print_protocol(const struct rules_record *rule)
{
	char proto[PROTO_TEXT_MAX];

	if (rule->proto != RULES_PROTO_ANY)
		printf(" -p %s", xdp_proto_format(rule->proto, proto));
	print_ports(rule);
}

char *xdp_rate_format(const struct rules_record *rule, char buf[XDP_RATE_TEXT_MAX])
{
	uint32_t rate = rule_rate(rule), burst = rule_burst(rule);
	size_t used = 0;

	*buf = 0;
	if (!rate)
		return buf;
	used += (size_t)snprintf(buf, XDP_RATE_TEXT_MAX, "%" PRIu32, rate);
	if (burst != rate)
		used += (size_t)snprintf(buf + used, XDP_RATE_TEXT_MAX - used, ":%" PRIu32, burst);
	if (rule->rate_bits != family_bits(rule))
		snprintf(buf + used, XDP_RATE_TEXT_MAX - used, "/%" PRIu32, rule->rate_bits);
	return buf;
}

static void print_default(const struct rules_record *rule)
{
	printf("default %s", xdp_rule_action(rule));
	print_interface(rule);
	putchar('\n');
}

/* "any" would be both families. */
static void print_source(const struct rules_record *rule)
{
	char text[PREFIX_TEXT_MAX];
	struct prefix src = rule_src(rule);

	printf("add %s", rule->proto == XDP_PROTO_NONIP ? "any" : prefix_format(&src, text));
}

void xdp_rule_print_line(const struct rules_record *rule)
{
	char text[PREFIX_TEXT_MAX], service[RULES_SERVICE_MAX + 1], rate[XDP_RATE_TEXT_MAX];
	struct prefix dst = rule_dst(rule);

	if (xdp_rule_is_default(rule)) {
		print_default(rule);
		return;
	}
	print_source(rule);
	printf(" %s", xdp_rule_action(rule));
	if (dst.len)
		print_option('d', prefix_format(&dst, text));
	print_protocol(rule);
	print_interface(rule);
	if (rule->priority && !xdp_rule_is_never_drop(rule))
		printf(" -P %" PRId32, rule->priority);
	if (*rule_service(rule, service))
		print_option('S', service);
	if (*xdp_rate_format(rule, rate))
		printf(" --rate %s", rate);
	if (rule->head.expires)
		rule_print_expires(rule->head.expires);
	putchar('\n');
}
