/* SPDX-License-Identifier: GPL-2.0-only */
/* Rules of xdp_filter.o back to text. */
#include "xdprule.h"

#include "batch.h"
#include "prefix.h"
#include "rulekey.h"
#include "xdpproto.h"

#include <inttypes.h>
#include <stdio.h>

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
	if (rule->rate_bits != prefix_bits(rule_src(rule).family))
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
