/* SPDX-License-Identifier: GPL-2.0-only */
/* lib/rule.c: the text of rules to records and back. */
#include "rule.h"

#include "proto.h"
#include "rule_line.h"
#include "ruleset.h"
#include "tap.h"

#include <net/if.h>
#include <netinet/in.h>

/* ---- what rules a line stands for, as the lines that are printed of them ---- */

static const struct {
	const char *line, *expected;
} good_cases[] = {
	{ "10.0.0.0 8 80 90 8080 tcp", "10.0.0.0 8 80 90 8080 tcp\n" },
	{ "10.0.0.0 8 80 90 8080 6", "10.0.0.0 8 80 90 8080 tcp\n" },
	{ "10.0.0.1 32 53 53 0 udp", "10.0.0.1 32 53 53 0 udp\n" },
	{ "0.0.0.0 0 0 65535 0 any", "0.0.0.0 0 0 65535 0 any\n" },
	{ "0.0.0.0 0 any any 0 any", "0.0.0.0 0 0 65535 0 any\n" },
	{ ":: 0 any any 0 tcp -a drop", ":: 0 0 65535 0 tcp -a drop\n" },
	{ "-a pass 2001:DB8:: 32 1 1 0 udp", "2001:db8:: 32 1 1 0 udp\n" },
	{ "-a splice 10.0.0.0 8 1 2 3 tcp", "10.0.0.0 8 1 2 3 tcp\n" },
	{ "10.0.0.0 8 0 65535 0 gre", "10.0.0.0 8 0 65535 0 gre\n" },
	{ "10.0.0.0 8 0 65535 0 253", "10.0.0.0 8 0 65535 0 253\n" },
	{ "10.0.0.0 8 5 6 0 sctp", "10.0.0.0 8 5 6 0 sctp\n" },
	/* ICMP: type and code */
	{ "10.0.0.0 8 8 0 0 icmp", "10.0.0.0 8 8 0 0 icmp\n" },
	{ "10.0.0.0 8 8 any 0 icmp", "10.0.0.0 8 8 any 0 icmp\n" },
	{ "10.0.0.0 8 any any 0 icmp", "10.0.0.0 8 any any 0 icmp\n" },
	{ "10.0.0.0 8 0 65535 0 icmp", "10.0.0.0 8 any any 0 icmp\n" },
	{ "10.0.0.0 8 0 any 0 icmp", "10.0.0.0 8 0 any 0 icmp\n" },
	{ "10.0.0.0 8 0 0 0 icmp", "10.0.0.0 8 0 0 0 icmp\n" },
	{ "10.0.0.0 8 255 255 0 icmp", "10.0.0.0 8 255 255 0 icmp\n" },
	{ "2001:db8:: 32 128 0 0 icmpv6", "2001:db8:: 32 128 0 0 icmpv6\n" },
	{ "2001:db8:: 32 128 any 0 58", "2001:db8:: 32 128 any 0 icmpv6\n" },
	/* options */
	{ "10.0.0.0 8 1 2 0 tcp -s 192.0.2.0/24", "10.0.0.0 8 1 2 0 tcp -s 192.0.2.0/24\n" },
	{ "10.0.0.0 8 1 2 0 tcp -s 192.0.2.1", "10.0.0.0 8 1 2 0 tcp -s 192.0.2.1/32\n" },
	{ "10.0.0.0 8 1 2 0 tcp -s 0.0.0.0/0", "10.0.0.0 8 1 2 0 tcp\n" },
	{ "10.0.0.0 8 1 2 0 tcp -P -5 -S \"a b\"", "10.0.0.0 8 1 2 0 tcp -P -5 -S \"a b\"\n" },
	{ "10.0.0.0 8 1 2 0 tcp -P 0", "10.0.0.0 8 1 2 0 tcp\n" },
	{ "10.0.0.0 8 1 2 0 tcp -P -2147483647", "10.0.0.0 8 1 2 0 tcp -P -2147483647\n" },
	{ "10.0.0.0 8 1 2 0 tcp -S -P", "10.0.0.0 8 1 2 0 tcp -S -P\n" },
	{ "10.0.0.0 8 1 2 0 tcp -i lo", "10.0.0.0 8 1 2 0 tcp -i lo\n" },
	{ "10.0.0.0 8 1 2 0 tcp -i \"#2147483647\"", "10.0.0.0 8 1 2 0 tcp -i \"#2147483647\"\n" },
	{ "10.0.0.0 8 1 2 3 tcp --route", "10.0.0.0 8 1 2 3 tcp --route\n" },
	{ "10.0.0.0 8 1 2 0 tcp --direction in", "10.0.0.0 8 1 2 0 tcp\n" },
	{ "10.0.0.0 8 1 2 0 tcp --direction out", "10.0.0.0 8 1 2 0 tcp --direction out\n" },
	{ ":: 0 any any 0 any -a drop --direction out -i lo", ":: 0 0 65535 0 any -i lo -a drop --direction out\n" },
	{ "10.0.0.0 8 1 2 3 tcp --mode prevent", "10.0.0.0 8 1 2 3 tcp --mode prevent\n" },
	{ "10.0.0.0 8 1 2 0 tcp -a drop --mode detect", "10.0.0.0 8 1 2 0 tcp -a drop --mode detect\n" },
	{ "10.0.0.0 8 1 2 0 tcp --max-duration 1", "10.0.0.0 8 1 2 0 tcp --max-duration 1\n" },
	{ "10.0.0.0 8 1 2 3 tcp --route --max-duration 31536000 --mode detect",
	  "10.0.0.0 8 1 2 3 tcp --mode detect --max-duration 31536000 --route\n" },
	{ "10.0.0.0 8 1 2 0 udp --max-duration 9 --direction out",
	  "10.0.0.0 8 1 2 0 udp --direction out --max-duration 9\n" },
	/* several rules */
	{ "10.0.0.1-10.0.0.3 32 1 2 0 tcp", "10.0.0.1 32 1 2 0 tcp\n10.0.0.2 31 1 2 0 tcp\n" },
	{ "10.0.0.0 8 1 2 0 tcp -s 10.1.0.0-10.1.0.2",
	  "10.0.0.0 8 1 2 0 tcp -s 10.1.0.0/31\n10.0.0.0 8 1 2 0 tcp -s 10.1.0.2/32\n" },
	{ "10.0.0.0 8 1 2 0 tcp -i lo -i \"#2147483647\"",
	  "10.0.0.0 8 1 2 0 tcp -i lo\n10.0.0.0 8 1 2 0 tcp -i \"#2147483647\"\n" },
	{ "# none\n\n", "" },
};

/* What is printed of all rules, or the error. */
static char *lines_printed(const char *text)
{
	struct rule_lines lines;
	struct error error;

	if (rule_lines_read(text, strlen(text), &lines, &error)) {
		free(lines.items);
		return strdup(error.text);
	}
	output_begin();
	for (size_t i = 0; i < lines.count; i++)
		rule_print_line(&lines.items[i]);
	free(lines.items);
	return output_end();
}

static void test_good(void)
{
	for (size_t i = 0; i < sizeof(good_cases) / sizeof(good_cases[0]); i++) {
		char *got = lines_printed(good_cases[i].line);

		check_text(got, good_cases[i].expected, "%s", good_cases[i].line);
		free(got);
	}
}

/* ---- malformed lines ---- */

static const struct {
	const char *line, *expected;
} bad_cases[] = {
	{ "10.0.0.1 24 80 80 0 tcp", "1:1: 10.0.0.1/24: host bits set, did you mean 10.0.0.0/24" },
	{ "10.0.0.0 33 80 80 0 tcp", "1:10: 33: out of range (0-32)" },
	{ "10 8 80 80 0 tcp", "1:1: 10: not an IPv4 or IPv6 address" },
	{ "010.0.0.1 32 80 80 0 tcp", "1:1: 010.0.0.1: not an IPv4 or IPv6 address" },
	{ "10.0.0.0 8 99999 99999 0 tcp", "1:12: 99999: out of range (0-65535)" },
	{ "10.0.0.0 8 80 65536 0 tcp", "1:15: 65536: out of range (0-65535)" },
	{ "10.0.0.0 8 80-90 90 0 tcp", "1:12: 80-90: not a number" },
	{ "10.0.0.0 8 080 90 0 tcp", "1:12: 080: leading zero (octal or decimal?)" },
	{ "10.0.0.0 8 90 80 0 tcp", "1:15: 80: the range of ports ends before it starts (90)" },
	{ "10.0.0.0 8 any 80 0 tcp", "1:12: any: not a number" },
	{ "10.0.0.0 8 80 any 0 tcp", "1:15: any: not a number" },
	{ "10.0.0.0 8 80 80 65536 tcp", "1:18: 65536: out of range (0-65535)" },
	{ "10.0.0.0 8 80 80 -1 tcp", "1:18: -1: unknown option (see --help)" },
	{ "10.0.0.0 8 80 80 \"\" tcp", "1:18: '': empty, expected a number" },
	{ "10.0.0.0 8 80 80 0 tpc", "1:20: tpc: unknown protocol (tcp, udp, icmp, icmpv6, a number 0-255, any)" },
	{ "10.0.0.0 8 80 80 0 256", "1:20: 256: out of range (0-255)" },
	{ "10.0.0.0 8 80 80 0 any", "1:12: 80: protocol any has no ports, give 0 65535" },
	{ "10.0.0.0 8 80 80 0 gre", "1:12: 80: protocol gre has no ports, give 0 65535" },
	{ "10.0.0.0 8 80 80 0", "1:1: rules: 5 operands" },
	{ "10.0.0.0 8 80 80 0 tcp x", "1:1: rules: 7 operands" },
	/* ICMP */
	{ "10.0.0.0 8 256 0 0 icmp", "1:12: 256: out of range (0-255)" },
	{ "10.0.0.0 8 8 256 0 icmp", "1:14: 256: out of range (0-255)" },
	{ "10.0.0.0 8 any 0 0 icmp", "1:12: any: not a number" },
	{ "10.0.0.0 8 any any 0 icmpv6", "1:22: icmpv6: not a protocol of IPv4" },
	{ ":: 0 any any 0 icmp", "1:16: icmp: not a protocol of IPv6" },
	/* actions */
	{ "10.0.0.0 8 80 80 0 tcp -a splice", "1:18: 0: splice needs the port of a listener" },
	{ "10.0.0.0 8 80 80 5 tcp -a drop", "1:18: 5: drop takes port 0" },
	{ "10.0.0.0 8 80 80 5 tcp -a pass", "1:18: 5: pass takes port 0" },
	{ "10.0.0.0 8 80 80 0 tcp -a reject", "1:27: reject: unknown action (pass, splice, drop)" },
	{ "10.0.0.0 8 0 65535 5 any", "1:22: any: splice needs protocol tcp or udp" },
	{ "10.0.0.0 8 1 1 5 sctp", "1:18: sctp: splice needs protocol tcp or udp" },
	/* options */
	{ "10.0.0.0 8 80 80 0 tcp -s ::/0", "1:27: ::/0: not of the family of the destination" },
	{ "10.0.0.0 8 80 80 0 tcp -s 10.0.0.1/8", "1:27: 10.0.0.1/8: host bits set, did you mean 10.0.0.0/8" },
	{ "10.0.0.0 8 80 80 0 tcp -P 1.5", "1:27: 1.5: not a number" },
	{ "10.0.0.0 8 80 80 0 tcp -P -2147483648", "1:27: -2147483648: out of range (-2147483647 to 2147483647)" },
	{ "10.0.0.0 8 80 80 0 tcp -P 2147483648", "1:27: 2147483648: out of range (-2147483647 to 2147483647)" },
	{ "10.0.0.0 8 80 80 0 tcp -S \"\"", "1:1: service: empty tag" },
	{ "10.0.0.0 8 80 80 0 tcp -S \x01", "1:27: ?: service tag with a control character" },
	{ "10.0.0.0 8 80 80 0 tcp -S xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
	  "1:27: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx: service tag of 65 bytes, at most "
	  "64" },
	{ "10.0.0.0 8 80 80 0 tcp -i \"\"", "1:1: interface: not an interface name" },
	{ "10.0.0.0 8 80 80 0 tcp -i nosuchif0", "1:27: nosuchif0: no such interface" },
	{ "10.0.0.0 8 80 80 0 tcp -i nosuchinterface0", "1:27: nosuchinterface0: not an interface name" },
	{ "10.0.0.0 8 80 80 0 tcp -S \xc2\x9bx", "1:27: ??x: service tag with a control character" },
	{ "10.0.0.0 8 80 80 0 tcp --route", "1:24: --route: only for splice rules" },
	{ "0.0.0.0 0 80 80 5 tcp --route", "1:23: --route: a local route shorter than /8 would cut this host off" },
	{ "0.0.0.0-255.255.255.255 32 80 80 5 tcp --route",
	  "1:40: --route: a local route shorter than /8 would cut this host off" },
	{ "10.0.0.0 8 80 80 0 tcp --direction both", "1:36: both: unknown direction (in, out)" },
	{ "10.0.0.0 8 80 80 0 tcp --direction IN", "1:36: IN: unknown direction (in, out)" },
	{ "10.0.0.0 8 80 80 0 tcp --dir in", "1:24: --dir: unknown option (see --help)" },
	{ "10.0.0.0 8 80 80 5 tcp --direction out", "1:18: 5: an out rule passes or drops, it cannot splice" },
	{ "10.0.0.0 8 80 80 5 tcp --direction out -a splice",
	  "1:43: splice: an out rule passes or drops, it cannot splice" },
	{ "10.0.0.0 8 80 80 5 tcp --direction out -a drop", "1:18: 5: drop takes port 0" },
	{ "10.0.0.0 8 80 80 0 tcp --direction out --route", "1:40: --route: only for splice rules" },
	{ "10.0.0.0 8 80 80 0 tcp --mode off", "1:31: off: unknown mode (prevent, detect)" },
	{ "10.0.0.0 8 80 80 0 tcp --mode \"\"", "1:31: '': unknown mode (prevent, detect)" },
	{ "10.0.0.0 8 80 80 0 tcp --max-duration 0", "1:39: 0: out of range (1-31536000)" },
	{ "10.0.0.0 8 80 80 0 tcp --max-duration 31536001", "1:39: 31536001: out of range (1-31536000)" },
	{ "10.0.0.0 8 80 80 0 tcp --max-duration 1h", "1:39: 1h: not a number" },
	{ "10.0.0.0 8 80 80 0 tcp -a drop --max-duration 60",
	  "1:32: --max-duration: a rule that drops lets no connection in" },
	{ "10.0.0.0 8 80 80 0 tcp -v", "1:24: -v: unknown option (see --help)" },
	{ "10.0.0.0 8 80 80 0 tcp -s", "1:24: -s: needs an argument" },
	{ "10.0.0.0-10.0.0.1 24 80 80 0 tcp", "1:19: 24: out of range (32-32)" },
};

static void test_bad(void)
{
	for (size_t i = 0; i < sizeof(bad_cases) / sizeof(bad_cases[0]); i++) {
		char *got = lines_printed(bad_cases[i].line), expected[512];

		snprintf(expected, sizeof(expected), "stdin:%s", bad_cases[i].expected);
		check_text(got, expected, "refused: %s", bad_cases[i].line);
		free(got);
	}
}

/* Part of a word is at fault: the column is that of the word, not of another that happens to look like the part. */
static const struct {
	const char *line;
	int column;
} column_cases[] = {
	{ "10.0.0.0 8 80 80 0 tcp -i \"#0\"", 27 },
	{ "10.0.0.0 8 33 33 0 tcp -s 10.0.0.0/33", 27 },
};

static void test_columns(void)
{
	for (size_t i = 0; i < sizeof(column_cases) / sizeof(column_cases[0]); i++) {
		char *got = lines_printed(column_cases[i].line);
		int column = 0;

		sscanf(got, "stdin:1:%d:", &column);
		check(column, column_cases[i].column, "column: %s (%s)", column_cases[i].line, got);
		free(got);
	}
}

/* ---- the parts ---- */

static void test_ports(void)
{
	struct rules_head head = { .low = 1 };
	struct error error;

	check(rule_parse_ports(IPPROTO_TCP, "80", NULL, &head, &error), 0, "one port");
	check(head.low == 80 && head.high == 80, 1, "is the range of it");
	check(rule_parse_ports(IPPROTO_ICMP, "8", NULL, &head, &error), 0, "an ICMP type alone");
	check(head.low == 0x800 && head.high == 0x8ff, 1, "is all its codes");
	check(rule_parse_ports(IPPROTO_ICMPV6, "any", NULL, &head, &error), 0, "any alone");
	check(head.low == 0 && head.high == 65535, 1, "is everything");
	check(rule_parse_ports(IPPROTO_GRE, "0", NULL, &head, &error), -1, "a port where there are none");
}

/* All pairs of a destination range, a source range and interfaces, each once. */
static void test_multiply(void)
{
	static const char text[] =
		"10.0.0.1-10.0.0.6 32 80 90 7 tcp -s 10.1.0.1-10.1.0.3 -i lo -i \"#77777\" -P 3 -S x\n";
	struct rule_lines lines;
	struct error error = { .text = "" };
	bool distinct = true;

	check(rule_lines_read(text, strlen(text), &lines, &error), 0, "ranges and interfaces: %s", error.text);
	check((long long)lines.count, 4 * 2 * 2, "number of rules");
	for (size_t i = 0; i < lines.count; i++) {
		for (size_t k = 0; k < i; k++)
			distinct &= memcmp(&lines.items[i], &lines.items[k], sizeof(*lines.items)) != 0;
		distinct &= lines.items[i].priority == 3 && lines.items[i].service[0] == 'x' &&
			    lines.items[i].head.low == 80 && lines.items[i].head.high == 90;
	}
	check(distinct, 1, "all differ in what was multiplied and agree in the rest");
	free(lines.items);
}

/* ---- a rule that was changed is still one that can be saved and read ---- */

static void change_line(struct ruleset *set, const char *text)
{
	struct rule_lines lines;
	struct error error;

	if (rule_lines_read(text, strlen(text), &lines, &error))
		bail_out(error.text);
	for (size_t i = 0; i < lines.count; i++) {
		struct change change = { .kind = CHANGE_PUT, .rule = lines.items[i] };
		struct changes changes = { .items = &change, .count = 1 };

		if (ruleset_apply(set, &changes, false, &error))
			bail_out(error.text);
	}
	free(lines.items);
}

static void test_changed(void)
{
	struct rules_record record;
	struct ruleset set;
	struct error error;
	uint32_t cursor = 0;
	char *saved, *again;

	if (ruleset_new(&set, &error))
		bail_out("ruleset_new");
	change_line(&set, "10.0.0.0 8 80 80 7 tcp --route");
	change_line(&set, "10.0.0.0 8 80 80 0 tcp");
	check(ruleset_next(&set, &cursor, &record), 1, "a splice rule with a route, changed to pass");
	output_begin();
	rule_print_line(&record);
	saved = output_end();
	again = lines_printed(saved);
	check_text(again, saved, "what is saved of it can be read");
	free(saved);
	free(again);
	ruleset_close(&set);
}

/* ---- property: a rule printed and read is the same rule ---- */

static const uint16_t protocols[] = { 6, 17, 1, 58, 132, 33, 136, 47, 50, 2, 0, 255, 253, RULES_PROTO_ANY };

static void random_address(uint8_t family, uint8_t *len, uint8_t addr[16])
{
	struct prefix prefix = { .family = family };

	prefix.len = (uint8_t)random_below(prefix_bits(family) + 1);
	for (unsigned int i = 0; i < prefix_bits(family) / 8; i++)
		prefix.addr[i] = (uint8_t)(random_below(3) ? random_next() : 0);
	prefix_mask(&prefix);
	*len = prefix.len;
	memcpy(addr, prefix.addr, 16);
}

static void random_ports(struct rules_record *rule)
{
	uint16_t a = (uint16_t)random_next(), b = (uint16_t)random_next(), type = (uint16_t)(a & 0xff00);

	rule->head.low = 0;
	rule->head.high = 65535;
	if (proto_ports(rule->proto) == PROTO_NO_PORTS || !random_below(4))
		return;
	if (proto_ports(rule->proto) == PROTO_HAS_PORTS) {
		rule->head.low = a < b ? a : b;
		rule->head.high = random_below(3) ? (a < b ? b : a) : rule->head.low;
		return;
	}
	rule->head.low = random_below(2) ? type : a;
	rule->head.high = rule->head.low == type && random_below(2) ? type | 255 : rule->head.low;
}

static void random_service(uint8_t service[RULES_SERVICE_MAX])
{
	uint32_t size = random_below(3) ? random_below(12) : random_below(RULES_SERVICE_MAX);

	memset(service, 0, RULES_SERVICE_MAX);
	for (uint32_t i = 0; i < size; i++) {
		service[i] = (uint8_t)(random_below(3) ? ' ' + random_below(95) : 128 + random_below(128));
		if (!random_below(4))
			service[i] = (uint8_t) "\"\\ #-'"[random_below(6)];
	}
}

static void random_action(struct rules_record *rule)
{
	enum rules_action action = random_below(2) ? RULES_PASS : RULES_DROP;
	uint32_t port = 0;

	if ((rule->proto == 6 || rule->proto == 17) && rule->direction == RULES_IN && random_below(2)) {
		action = RULES_SPLICE;
		port = 1 + random_below(65535);
	}
	rule->head.decision = rules_decision(rule->head.ifindex != 0, action, 0, port);
	if (action == RULES_SPLICE && rule->dst_len >= 8 && random_below(2))
		rule->head.decision |= RULES_ROUTE;
}

static void random_attributes(struct rules_record *rule)
{
	rule->head.decision |= rules_decision_of_mode((enum rules_mode)random_below(3));
	if (rules_decision_action(rule->head.decision) == RULES_DROP || random_below(2))
		return;
	rule->max_duration = 1 + random_below(RULE_MAX_DURATION);
	rule->head.decision |= RULES_LIMITED;
}

static struct rules_record random_rule(void)
{
	uint8_t family = random_below(2) ? 4 : 6;
	struct rules_record rule = { .family = family == 6 ? RULES_IPV6 : RULES_IPV4 };

	random_address(family, &rule.dst_len, rule.dst);
	if (random_below(2))
		random_address(family, &rule.src_len, rule.src);
	do
		rule.proto = random_below(3) ? RANDOM_OF(protocols) : (uint16_t)random_below(257);
	while (rule.proto == (family == 4 ? IPPROTO_ICMPV6 : IPPROTO_ICMP));
	random_ports(&rule);
	if (random_below(2))
		rule.priority = (int32_t)((int64_t)random_below(UINT32_MAX) - INT32_MAX);
	if (!random_below(3))
		rule.head.ifindex = random_below(2) ? if_nametoindex("lo") : 1000000 + random_below(1000000000);
	do
		random_service(rule.service);
	while (has_control((const char *)rule.service));
	rule.direction = random_below(3) ? RULES_IN : RULES_OUT;
	random_action(&rule);
	random_attributes(&rule);
	return rule;
}

static char *rules_printed(const struct rules_record *rules, size_t count)
{
	output_begin();
	for (size_t i = 0; i < count; i++)
		rule_print_line(&rules[i]);
	return output_end();
}

static void test_round_trip(void)
{
	char wrong[1600] = "";

	for (int n = 0; n < 10000 && !*wrong; n++) {
		struct rules_record rules[4];
		struct error error = { .text = "other rules" };
		struct rule_lines lines;
		char *text;

		for (size_t i = 0; i < 4; i++)
			rules[i] = random_rule();
		text = rules_printed(rules, 4);
		if (rule_lines_read(text, strlen(text), &lines, &error) || lines.count != 4 ||
		    memcmp(lines.items, rules, sizeof(rules)))
			snprintf(wrong, sizeof(wrong), "expected the same from: %.600s got %.767s", text, error.text);
		free(lines.items);
		free(text);
	}
	check_property(wrong, "a rule printed and read is the same record");
}

int main(int argc, char **argv)
{
	random_start(argc, argv);
	test_good();
	test_bad();
	test_columns();
	test_ports();
	test_multiply();
	test_changed();
	test_round_trip();
	return tap_done();
}
