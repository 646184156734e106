/* SPDX-License-Identifier: GPL-2.0-only */
/* The rules that operands and options stand for. */
#include "rule.h"

#include "num.h"
#include "proto.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

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
	    (options->mode && rule_parse_mode(options->mode, &mode, error)))
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
