/* SPDX-License-Identifier: GPL-2.0-only */
#include "rule.h"

#include "batch.h"
#include "clock.h"
#include "num.h"
#include "proto.h"
#include "rulekey.h"

#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const action_names[] = { [RULES_PASS] = "pass", [RULES_SPLICE] = "splice", [RULES_DROP] = "drop" };

const char *rule_action_name(enum rules_action action)
{
	return action_names[action];
}

int rule_parse_action(const char *text, enum rules_action *out, struct error *error)
{
	for (int action = RULES_PASS; action <= RULES_DROP; action++) {
		if (!strcmp(text, action_names[action])) {
			*out = (enum rules_action)action;
			return 0;
		}
	}
	return error_usage(error, text, "unknown action (pass, drop, splice)");
}

static const char *const direction_names[] = { [RULES_IN] = "in", [RULES_OUT] = "out" };

const char *rule_direction_name(enum rules_direction direction)
{
	return direction_names[direction];
}

int rule_parse_direction(const char *text, enum rules_direction *out, struct error *error)
{
	for (int direction = RULES_IN; direction <= RULES_OUT; direction++) {
		if (!strcmp(text, direction_names[direction])) {
			*out = (enum rules_direction)direction;
			return 0;
		}
	}
	return error_usage(error, text, "unknown direction (in, out)");
}

static const char *const mode_names[] = { [RULES_PREVENT] = "prevent", [RULES_DETECT] = "detect" };

const char *rule_mode_name(enum rules_mode mode)
{
	return mode <= RULES_DETECT ? mode_names[mode] : NULL;
}

static int mode_parse(const char *text, enum rules_mode *out, struct error *error)
{
	for (int mode = RULES_PREVENT; mode <= RULES_DETECT; mode++) {
		if (!strcmp(text, mode_names[mode])) {
			*out = (enum rules_mode)mode;
			return 0;
		}
	}
	return error_usage(error, text, "unknown mode (prevent, detect)");
}

int rule_parse_priority(const char *text, int32_t *out, struct error *error)
{
	int64_t value;

	if (num_parse_signed(text, -INT32_MAX, INT32_MAX, &value, error))
		return -1;
	*out = (int32_t)value;
	return 0;
}

int rule_parse_service(const char *text, uint8_t out[RULES_SERVICE_MAX], struct error *error)
{
	size_t size = strlen(text);

	if (!size)
		return error_usage(error, "service", "empty tag");
	if (size > RULES_SERVICE_MAX)
		return error_usage(error, text, "service tag of %zu bytes, at most %d", size, RULES_SERVICE_MAX);
	if (has_control(text))
		return error_usage(error, text, "service tag with a control character");
	memset(out, 0, RULES_SERVICE_MAX);
	memcpy(out, text, size);
	return 0;
}

int rule_parse_interface(const char *name, uint32_t *ifindex, struct error *error)
{
	uint64_t index;

	if (!*name || strlen(name) >= IF_NAMESIZE)
		return error_usage(error, *name ? name : "interface", "not an interface name");
	if (!strcmp(name, "any"))
		return error_usage(error, name, "means no interface in particular: leave the option out");
	*ifindex = if_nametoindex(name);
	if (*ifindex)
		return 0;
	/* the form that interface_format gives to an interface that is gone */
	if (*name != '#')
		return error_state(error, name, "no such interface");
	if (num_parse(name + 1, 1, INT32_MAX, &index, error))
		return -1;
	*ifindex = (uint32_t)index;
	return 0;
}

/* ---- ports ---- */

static int ports_range(const char *low, const char *high, struct rules_head *out, struct error *error)
{
	uint64_t first, last;

	if (num_parse(low, 0, 65535, &first, error) || num_parse(high, 0, 65535, &last, error))
		return -1;
	if (last < first)
		return error_usage(error, high, "the range of ports ends before it starts (%s)", low);
	out->low = (uint16_t)first;
	out->high = (uint16_t)last;
	return 0;
}

/* "any any" or "0 65535", which is how callers write every port. */
static bool ports_are_all(const char *low, const char *high)
{
	return (!strcmp(low, "any") && (!high || !strcmp(high, "any"))) ||
	       (high && !strcmp(low, "0") && !strcmp(high, "65535"));
}

static int types_range(const char *type, const char *code, struct rules_head *out, struct error *error)
{
	uint64_t t, c;

	if (num_parse(type, 0, 255, &t, error))
		return -1;
	out->low = (uint16_t)(t << 8);
	out->high = (uint16_t)(t << 8 | 255);
	if (!code || !strcmp(code, "any"))
		return 0;
	if (num_parse(code, 0, 255, &c, error))
		return -1;
	out->low = out->high = (uint16_t)(t << 8 | c);
	return 0;
}

int rule_parse_ports(uint16_t proto, const char *low, const char *high, struct rules_head *out, struct error *error)
{
	char name[PROTO_TEXT_MAX];

	if (ports_are_all(low, high)) {
		out->low = 0;
		out->high = 65535;
		return 0;
	}
	switch (proto_ports(proto)) {
	case PROTO_HAS_TYPES:
		return types_range(low, high, out, error);
	case PROTO_HAS_PORTS:
		return ports_range(low, high ? high : low, out, error);
	default:
		if (ports_range(low, high ? high : low, out, error))
			return -1;
		return error_usage(error, low, "protocol %s has no ports, give 0 65535", proto_format(proto, name));
	}
}

/* ---- expiry ---- */

#define TTL_MAX (100ull * 366 * 86400) /* seconds: a hundred years */
#define EPOCH_MAX 9200000000ull        /* seconds: in 2261; more does not fit in 63 bits of ns */

/* One to three digits after the point; false: it is something else. */
static bool thousandths_parse(const char *digits, uint64_t *out)
{
	size_t count = strspn(digits, "0123456789");

	*out = 0;
	for (size_t i = 0; i < 3; i++)
		*out = *out * 10 + (i < count ? (uint64_t)(digits[i] - '0') : 0);
	return count >= 1 && count <= 3 && !digits[count];
}

/* "1795236126" or "1795236126.362", to ns. */
static int epoch_parse(const char *text, uint64_t *epoch, struct error *error)
{
	size_t size = strcspn(text, ".");
	uint64_t seconds, thousandths;
	char whole[24] = "";

	memcpy(whole, text, size < sizeof(whole) ? size : sizeof(whole) - 1);
	if (!thousandths_parse(text[size] ? text + size + 1 : "0", &thousandths) ||
	    num_parse(whole, 0, EPOCH_MAX, &seconds, error))
		return error_usage(error, text,
				   "not a time in seconds since the epoch, before 2261, as in 1795236126.362");
	*epoch = seconds * CLOCK_SECOND + thousandths * (CLOCK_SECOND / 1000);
	return 0;
}

int rule_parse_expiry(const char *ttl, const char *expires, __u64 *out, struct error *error)
{
	uint64_t value = 0;

	if (ttl && expires)
		return error_usage(error, expires, "--ttl and --expires say the same thing, give one");
	if (ttl) {
		if (num_parse(ttl, 1, TTL_MAX, &value, error))
			return -1;
		*out = clock_now() + value * CLOCK_SECOND;
	}
	if (expires) {
		if (epoch_parse(expires, &value, error))
			return -1;
		*out = clock_from_epoch(value);
	}
	return 0;
}

/* ---- operands ---- */

static int decide_action(const struct rule_options *options, enum rules_direction direction, uint16_t port,
			 const char *operand, enum rules_action *action, struct error *error)
{
	*action = port ? RULES_SPLICE : RULES_PASS;
	if (options->action && rule_parse_action(options->action, action, error))
		return -1;
	if (*action == RULES_SPLICE && direction == RULES_OUT)
		return error_usage(error, options->action ? options->action : operand,
				   "an out rule passes or drops, it cannot splice");
	if (*action == RULES_SPLICE && !port)
		return error_usage(error, operand, "splice needs the port of a listener");
	if (*action != RULES_SPLICE && port)
		return error_usage(error, operand, "%s takes port 0", rule_action_name(*action));
	return 0;
}

static int check_proto(const struct prefix *dst, uint16_t proto, enum rules_action action, const char *operand,
		       struct error *error)
{
	if (action == RULES_SPLICE && proto != IPPROTO_TCP && proto != IPPROTO_UDP)
		return error_usage(error, operand, "splice needs protocol tcp or udp");
	if ((dst->family == 4 && proto == IPPROTO_ICMPV6) || (dst->family == 6 && proto == IPPROTO_ICMP))
		return error_usage(error, operand, "not a protocol of IPv%u", dst->family);
	return 0;
}

#define RULES_PER_LINE_MAX 65536
#define ROUTE_LEN_MIN 8

/* A local route of everything, or of a large part of it, would take the host off the network. */
static int check_route(const struct prefix_list *dst, const struct rule_options *options, enum rules_action action,
		       struct error *error)
{
	if (!options->route)
		return 0;
	if (action != RULES_SPLICE)
		return error_usage(error, "--route", "only for splice rules");
	for (size_t i = 0; i < dst->count; i++)
		if (dst->items[i].len < ROUTE_LEN_MIN)
			return error_usage(error, "--route", "a local route shorter than /%d would cut this host off",
					   ROUTE_LEN_MIN);
	return 0;
}

/* What becomes of a packet that the rule matches: the parts of the decision. */
static int decision_parse(const struct rule_options *options, char *const operands[RULE_OPERANDS],
			  struct rules_record *out, struct error *error)
{
	enum rules_direction direction = RULES_IN;
	enum rules_mode mode = RULES_MODE_UNSET;
	enum rules_action action;
	uint64_t port;

	if ((options->direction && rule_parse_direction(options->direction, &direction, error)) ||
	    num_parse(operands[4], 0, 65535, &port, error) ||
	    decide_action(options, direction, (uint16_t)port, operands[4], &action, error) ||
	    (options->mode && mode_parse(options->mode, &mode, error)))
		return -1;
	out->direction = (uint8_t)direction;
	out->head.decision = rules_decision(0, action, 0, (uint32_t)port) | rules_decision_of_mode(mode) |
			     (options->route ? RULES_ROUTE : 0);
	return 0;
}

static int max_duration_parse(const struct rule_options *options, struct rules_record *out, struct error *error)
{
	uint64_t seconds;

	if (!options->max_duration)
		return 0;
	if (rules_decision_action(out->head.decision) == RULES_DROP)
		return error_usage(error, "--max-duration", "a rule that drops lets no connection in");
	if (num_parse(options->max_duration, 1, RULE_MAX_DURATION, &seconds, error))
		return -1;
	out->max_duration = (uint32_t)seconds;
	out->head.decision |= RULES_LIMITED;
	return 0;
}

/* What all rules of one command share. */
static int template_parse(char *const operands[RULE_OPERANDS], const struct rule_options *options,
			  const struct prefix_list *dst, struct rules_record *out, struct error *error)
{
	enum rules_action action;

	*out = (struct rules_record){ 0 };
	if (proto_parse(operands[5], &out->proto, error) ||
	    rule_parse_ports(out->proto, operands[2], operands[3], &out->head, error) ||
	    decision_parse(options, operands, out, error))
		return -1;
	action = rules_decision_action(out->head.decision);
	if (check_proto(&dst->items[0], out->proto, action, operands[5], error) ||
	    check_route(dst, options, action, error) || max_duration_parse(options, out, error))
		return -1;
	if (options->priority && rule_parse_priority(options->priority, &out->priority, error))
		return -1;
	if (options->service && rule_parse_service(options->service, out->service, error))
		return -1;
	return rule_parse_expiry(options->ttl, options->expires, &out->head.expires, error);
}

static int source_parse(const struct rule_options *options, uint8_t family, struct prefix_list *out,
			struct error *error)
{
	char any[] = "0.0.0.0/0";

	if (prefix_parse_cover(options->source ? options->source : family == 6 ? "::/0" : any, NULL, out, error))
		return -1;
	if (out->items[0].family != family)
		return error_usage(error, options->source, "not of the family of the destination");
	return 0;
}

int rule_parse_interfaces(const char *const *names, size_t count, struct rule_places *out, struct error *error)
{
	out->indices[0] = 0;
	out->index_count = count ? count : 1;
	for (size_t i = 0; i < count; i++)
		if (rule_parse_interface(names[i], &out->indices[i], error))
			return -1;
	return 0;
}

static void rule_complete(struct rules_record *rule, const struct prefix *dst, const struct prefix *src,
			  uint32_t ifindex)
{
	rule->family = dst->family == 6 ? RULES_IPV6 : RULES_IPV4;
	memcpy(rule->dst, dst->addr, sizeof(rule->dst));
	memcpy(rule->src, src->addr, sizeof(rule->src));
	rule->dst_len = dst->len;
	rule->src_len = src->len;
	rule->head.ifindex = ifindex;
	if (ifindex)
		rule->head.decision |= 1ull << 63;
}

/* Two ranges and many interfaces multiply; what is more is hardly meant. */
static int check_number(const char *operand, size_t number, struct error *error)
{
	if (number <= RULES_PER_LINE_MAX)
		return 0;
	return error_usage(error, operand, "stands for %zu rules, at most %d in one command", number,
			   RULES_PER_LINE_MAX);
}

static void multiply(const struct rules_record *template, const struct rule_places *places, struct rules_record *out,
		     size_t *count)
{
	for (size_t d = 0; d < places->dst.count; d++) {
		for (size_t s = 0; s < places->src.count; s++) {
			if (places->dst.items[d].family != places->src.items[s].family)
				continue;
			for (size_t i = 0; i < places->index_count; i++) {
				out[*count] = *template;
				rule_complete(&out[(*count)++], &places->dst.items[d], &places->src.items[s],
					      places->indices[i]);
			}
		}
	}
}

int rule_multiply(const struct rules_record *template, const struct rule_places *places, const char *operand,
		  struct rules_record **out, size_t *count, struct error *error)
{
	size_t most = places->dst.count * places->src.count * places->index_count;

	*count = 0;
	if (check_number(operand, most, error))
		return -1;
	*out = malloc(most * sizeof(**out));
	if (!*out)
		return error_errno(error, operand);
	multiply(template, places, *out, count);
	return 0;
}

void rule_places_free(struct rule_places *places)
{
	free(places->dst.items);
	free(places->src.items);
}

int rule_parse(char *const operands[RULE_OPERANDS], const struct rule_options *options, struct rules_record **out,
	       size_t *count, struct error *error)
{
	struct rule_places places;
	struct rules_record template;
	int result = -1;

	places.dst = places.src = (struct prefix_list){ 0 };
	if (!prefix_parse_cover(operands[0], operands[1], &places.dst, error) &&
	    !template_parse(operands, options, &places.dst, &template, error) &&
	    !source_parse(options, places.dst.items[0].family, &places.src, error) &&
	    !rule_parse_interfaces(options->interfaces, options->interface_count, &places, error))
		result = rule_multiply(&template, &places, operands[0], out, count, error);
	rule_places_free(&places);
	return result;
}

/* ---- back to text ---- */

static struct prefix prefix_of(const struct rules_record *rule, const uint8_t addr[16], uint8_t len)
{
	struct prefix prefix = { .family = rule->family == RULES_IPV6 ? 6 : 4, .len = len };

	memcpy(prefix.addr, addr, sizeof(prefix.addr));
	return prefix;
}

struct prefix rule_dst(const struct rules_record *rule)
{
	return prefix_of(rule, rule->dst, rule->dst_len);
}

struct prefix rule_src(const struct rules_record *rule)
{
	return prefix_of(rule, rule->src, rule->src_len);
}

char *rule_service(const struct rules_record *rule, char buf[RULES_SERVICE_MAX + 1])
{
	memcpy(buf, rule->service, RULES_SERVICE_MAX);
	buf[RULES_SERVICE_MAX] = '\0';
	return buf;
}

char *interface_format(uint32_t ifindex, char buf[INTERFACE_TEXT_MAX])
{
	buf[0] = '\0';
	if (ifindex && (!if_indextoname(ifindex, buf) || has_control(buf) || !strcmp(buf, "any")))
		snprintf(buf, INTERFACE_TEXT_MAX, "#%u", ifindex);
	return buf;
}

void rule_ports(const struct rules_record *rule, long *low, long *high)
{
	*low = rule->head.low;
	*high = rule->head.high;
	if (proto_ports(rule->proto) != PROTO_HAS_TYPES)
		return;
	if (*low == 0 && *high == 65535) {
		*low = *high = -1;
		return;
	}
	*high = *low == *high ? *high & 255 : -1;
	*low >>= 8;
}

static void print_port(long port)
{
	if (port < 0)
		printf(" any");
	else
		printf(" %ld", port);
}

void rule_print_option(char letter, const char *value)
{
	printf(" -%c ", letter);
	batch_print_word(value);
}

void rule_print_expires(uint64_t expires)
{
	uint64_t epoch = clock_to_epoch(expires) + CLOCK_SECOND / 2000;

	printf(" --expires %" PRIu64 ".%03" PRIu64, epoch / CLOCK_SECOND, epoch % CLOCK_SECOND / (CLOCK_SECOND / 1000));
}

/* The options that have no letter. */
static void print_long_options(const struct rules_record *rule)
{
	uint64_t decision = rule->head.decision;
	const char *mode = rule_mode_name(rules_decision_mode(decision));

	if (rule->direction != RULES_IN)
		printf(" --direction %s", rule_direction_name((enum rules_direction)rule->direction));
	if (mode)
		printf(" --mode %s", mode);
	if (rule_max_duration(rule))
		printf(" --max-duration %" PRIu32, rule_max_duration(rule));
	if (rule->head.expires)
		rule_print_expires(rule->head.expires);
	/* a rule that spliced once keeps its route until it goes, but --route is for splice rules */
	if (decision & RULES_ROUTE && rules_decision_action(decision) == RULES_SPLICE)
		printf(" --route");
}

void rule_print_line(const struct rules_record *rule)
{
	char text[PREFIX_TEXT_MAX], proto[PROTO_TEXT_MAX], service[RULES_SERVICE_MAX + 1],
		interface[INTERFACE_TEXT_MAX];
	enum rules_action action = rules_decision_action(rule->head.decision);
	struct prefix dst = rule_dst(rule), src = rule_src(rule);
	long low, high;

	rule_ports(rule, &low, &high);
	printf("%s %u", address_format(dst.family, dst.addr, text), dst.len);
	print_port(low);
	print_port(high);
	printf(" %u %s", rules_decision_port(rule->head.decision), proto_format(rule->proto, proto));
	if (src.len)
		rule_print_option('s', prefix_format(&src, text));
	if (*interface_format(rule->head.ifindex, interface))
		rule_print_option('i', interface);
	if (action == RULES_DROP)
		rule_print_option('a', rule_action_name(action));
	if (rule->priority)
		printf(" -P %d", rule->priority);
	if (*rule_service(rule, service))
		rule_print_option('S', service);
	print_long_options(rule);
	putchar('\n');
}
