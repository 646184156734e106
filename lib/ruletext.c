/* SPDX-License-Identifier: GPL-2.0-only */
/* Rules back to text. */
#include "rule.h"

#include "batch.h"
#include "clock.h"
#include "proto.h"
#include "rulekey.h"

#include <inttypes.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

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

static void print_option(char letter, const char *value)
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
		print_option('s', prefix_format(&src, text));
	if (*interface_format(rule->head.ifindex, interface))
		print_option('i', interface);
	if (action == RULES_DROP)
		print_option('a', rule_action_name(action));
	if (rule->priority)
		printf(" -P %d", rule->priority);
	if (*rule_service(rule, service))
		print_option('S', service);
	print_long_options(rule);
	putchar('\n');
}
