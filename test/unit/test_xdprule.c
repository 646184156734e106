/* SPDX-License-Identifier: GPL-2.0-only */
/* lib/xdprule.c and lib/xdpverb.c: lines of xdp_rule -f to rules and rules to lines. */
#include "xdprule.h"

#include "clock.h"
#include "proto.h"
#include "tap.h"
#include "xdp_line.h"

#include <net/if.h>
#include <netinet/in.h>

/* ---- the lines that lines become ---- */

static char *rules_printed(const struct xdp_work *work)
{
	output_begin();
	for (size_t i = 0; i < work->change.changes.count; i++)
		xdp_rule_print_line(&work->change.changes.items[i].rule);
	return output_end();
}

static const struct {
	const char *text, *expected;
} line_cases[] = {
	{ "192.168.3.0/24", "add 192.168.3.0/24 drop\n" },
	{ "add 192.168.3.0/24 drop", "add 192.168.3.0/24 drop\n" },
	{ "192.168.3.0/24 0", "add 192.168.3.0/24 drop\n" },
	{ "10.0.0.1 pass", "add 10.0.0.1/32 pass\n" },
	{ "10.0.0.1 monitor", "add 10.0.0.1/32 monitor\n" },
	{ "10.0.0.1 never-drop", "add 10.0.0.1/32 never-drop\n" },
	{ "-s 10.0.0.1 pass", "add 10.0.0.1/32 pass\n" },
	{ "add drop --source 10.0.0.1", "add 10.0.0.1/32 drop\n" },
	{ "10.0.0.1-10.0.0.4", "add 10.0.0.1/32 drop\nadd 10.0.0.2/31 drop\nadd 10.0.0.4/32 drop\n" },
	{ "2001:db8::/32", "add 2001:db8::/32 drop\n" },
	{ "any", "add 0.0.0.0/0 drop\nadd ::/0 drop\n" },
	{ "any -d 10.0.0.0/8", "add 0.0.0.0/0 drop -d 10.0.0.0/8\n" },
	{ "drop -d 2001:db8::1", "add ::/0 drop -d 2001:db8::1/128\n" },
	{ "10.0.0.0/8 -d any", "add 10.0.0.0/8 drop\n" },
	{ "any -p icmp", "add 0.0.0.0/0 drop -p icmp\n" },
	{ "any -p icmpv6 --icmp 128/0", "add ::/0 drop -p icmpv6 --icmp 128/0\n" },
	{ "10.0.0.1 -p icmp --icmp 8", "add 10.0.0.1/32 drop -p icmp --icmp 8\n" },
	{ "10.0.0.1 -p 1 --icmp 0", "add 10.0.0.1/32 drop -p icmp --icmp 0\n" },
	{ "10.0.0.1 -p tcp --dport 22", "add 10.0.0.1/32 drop -p tcp --dport 22\n" },
	{ "10.0.0.1 -p udp --dport 80-90", "add 10.0.0.1/32 drop -p udp --dport 80-90\n" },
	{ "10.0.0.1 -p tcp --dport 0-65535", "add 10.0.0.1/32 drop -p tcp\n" },
	{ "10.0.0.1 -p any", "add 10.0.0.1/32 drop\n" },
	{ "10.0.0.1 -p 47", "add 10.0.0.1/32 drop -p gre\n" },
	{ "any pass -p nonip", "add any pass -p nonip\n" },
	{ "drop -p nonip -i lo", "add any drop -p nonip -i lo\n" },
	{ "10.0.0.1 -i lo -P -5 -S 'a", "add 10.0.0.1/32 drop -i lo -P -5 -S 'a\n" },
	{ "10.0.0.1 -S \"a b;c\"", "add 10.0.0.1/32 drop -S \"a b;c\"\n" },
	{ "10.0.0.1 -P 2147483646", "add 10.0.0.1/32 drop -P 2147483646\n" },
	{ "10.0.0.1 --rate 100", "add 10.0.0.1/32 drop --rate 100\n" },
	{ "10.0.0.1 --rate 100:100", "add 10.0.0.1/32 drop --rate 100\n" },
	{ "10.0.0.1 --rate 5/32", "add 10.0.0.1/32 drop --rate 5\n" },
	{ "10.0.0.0/8 --rate 5/24", "add 10.0.0.0/8 drop --rate 5/24\n" },
	{ "::/0 --rate 5:6/64", "add ::/0 drop --rate 5:6/64\n" },
	{ "10.0.0.1 pass --rate 10000000:1", "add 10.0.0.1/32 pass --rate 10000000:1\n" },
	{ "10.0.0.1/8 --mask", "add 10.0.0.0/8 drop\n" },
	{ "10.0.0.1 -d 10.0.0.1/8 --mask", "add 10.0.0.1/32 drop -d 10.0.0.0/8\n" },
	{ "10.0.0.1 --expires 5", "" },
	{ "default drop", "default drop\ndefault drop\ndefault drop\n" },
	{ "default monitor -i lo", "default monitor -i lo\ndefault monitor -i lo\ndefault monitor -i lo\n" },
	{ "default 0", "default drop\ndefault drop\ndefault drop\n" },
	/* as lists are published */
	{ "1.2.3.0/24 ; SBL123", "add 1.2.3.0/24 drop\n" },
	{ "1.2.3.0/24;SBL123", "add 1.2.3.0/24 drop\n" },
	{ "1.2.3.4#bad\t1.2.3.5", "add 1.2.3.4/32 drop\n" },
	{ "; head\r\n# more\r\n\r\n1.2.3.4\r\n\t5.6.7.8\t\r\n", "add 1.2.3.4/32 drop\nadd 5.6.7.8/32 drop\n" },
	{ "\xef\xbb\xbf"
	  "1.2.3.4\n",
	  "add 1.2.3.4/32 drop\n" },
	{ "1.2.3.4-1.2.3.5 # a range", "add 1.2.3.4/31 drop\n" },
};

static void test_lines(void)
{
	for (size_t i = 0; i < sizeof(line_cases) / sizeof(line_cases[0]); i++) {
		struct xdp_work work = { 0 };
		struct error error = { .text = "" };
		char *text;

		if (xdp_lines_read(line_cases[i].text, strlen(line_cases[i].text), &work, &error))
			check_text(error.text, "", "%s", line_cases[i].text);
		text = rules_printed(&work);
		check_text(text, line_cases[i].expected, "%s", line_cases[i].text);
		free(text);
		free(work.change.changes.items);
	}
}

/* ---- what is refused ---- */

static const struct {
	const char *text, *operand;
} bad_cases[] = {
	{ "drop", "drop" },
	{ "add", "line" },
	{ "--rate 5", "line" },
	{ "--mask drop --ttl 5", "drop" },
	{ "10.0.0.1 1", "1" },
	{ "10.0.0.1 2", "2" },
	{ "10.0.0.1 deny", "deny" },
	{ "10.0.0.1 DROP", "DROP" },
	{ "0", "0" },
	{ "delete 10.0.0.1", "10.0.0.1" },
	{ "10.0.0.1 drop pass", "pass" },
	{ "drop 10.0.0.1", "10.0.0.1" },
	{ "10.0.0.1 -s 10.0.0.2", "10.0.0.1" },
	{ "10.0.0.1/8", "10.0.0.1/8" },
	{ "10.0.0.1/33", "10.0.0.1/33" },
	{ "10", "10" },
	{ "example.org", "example.org" },
	{ "10.0.0.9-10.0.0.1", "10.0.0.9-10.0.0.1" },
	{ "10.0.0.1 -d ::1", "10.0.0.1" },
	{ "10.0.0.1 -d session", "session" },
	{ "10.0.0.1 -p icmpv6", "10.0.0.1" },
	{ "any -p icmp -d ::1", "::1" },
	{ "10.0.0.1 -p tpc", "tpc" },
	{ "10.0.0.1 --dport 22", "22" },
	{ "10.0.0.1 -p gre --dport 22", "22" },
	{ "10.0.0.1 -p icmp --dport 8", "8" },
	{ "10.0.0.1 -p tcp --dport 90-80", "90-80" },
	{ "10.0.0.1 -p tcp --dport 65536", "65536" },
	{ "10.0.0.1 -p tcp --dport ssh", "ssh" },
	{ "10.0.0.1 --icmp 8", "8" },
	{ "10.0.0.1 -p tcp --icmp 8", "8" },
	{ "10.0.0.1 -p icmp --icmp 256", "256" },
	{ "10.0.0.1 -p icmp --icmp 8/256", "8/256" },
	{ "10.0.0.1 -p icmp --icmp 8/", "8/" },
	{ "10.0.0.1 -p icmp --icmp /8", "/8" },
	{ "10.0.0.1 -p icmp --icmp any", "any" },
	{ "10.0.0.1 -p icmp --icmp 0/65535", "0/65535" },
	{ "10.0.0.1 -p icmp --icmp 8/0/0", "8/0/0" },
	{ "10.0.0.1 -P 2147483647", "2147483647" },
	{ "10.0.0.1 -P -2147483647", "-2147483647" },
	{ "10.0.0.1 never-drop -P 1", "1" },
	{ "10.0.0.1 never-drop --rate 1", "1" },
	{ "10.0.0.1 --rate 0", "0" },
	{ "10.0.0.1 --rate 10000001", "10000001" },
	{ "10.0.0.1 --rate 5:0", "5:0" },
	{ "10.0.0.1 --rate 5:10000001", "5:10000001" },
	{ "10.0.0.1 --rate 5:", "5:" },
	{ "10.0.0.1 --rate 5/", "5/" },
	{ "10.0.0.1 --rate 5/0", "5/0" },
	{ "10.0.0.1 --rate 5/33", "5/33" },
	{ "any --rate 5/64", "5/64" },
	{ "::1 --rate 5/129", "5/129" },
	{ "::1 --rate /64", "/64" },
	{ "10.0.0.1 --rate :5", ":5" },
	{ "10.0.0.1 --rate 5:5:5", "5:5:5" },
	{ "10.0.0.1 --rate 1000000000000000000000005", "1000000000000000000000005" },
	{ "10.0.0.1 --rate -5", "-5" },
	{ "10.0.0.1 --ttl 0", "0" },
	{ "10.0.0.1 --ttl 5 --expires 5", "5" },
	{ "10.0.0.1 -S \"\"", "service" },
	{ "10.0.0.1 -i nonesuch", "nonesuch" },
	{ "10.0.0.1 -p nonip", "10.0.0.1" },
	{ "any -p nonip -d 10.0.0.1", "10.0.0.1" },
	{ "any -p nonip --rate 5", "5" },
	{ "any -p nonip --dport 5", "5" },
	{ "default", "default" },
	{ "default drop pass", "default" },
	{ "default never-drop", "never-drop" },
	{ "default unset", "unset" },
	{ "default 1", "1" },
	{ "default drop -P 1", "--priority" },
	{ "default drop -d 10.0.0.1", "--destination" },
	{ "0.0.0.1-255.255.255.254 -d 0.0.0.1-255.255.255.254 -i lo -i lo -i lo -i lo -i lo -i lo -i lo -i lo -i lo "
	  "-i lo -i lo -i lo -i lo -i lo -i lo -i lo -i lo -i lo",
	  "0.0.0.1-255.255.255.254" },
};

static void test_bad_lines(void)
{
	for (size_t i = 0; i < sizeof(bad_cases) / sizeof(bad_cases[0]); i++) {
		struct xdp_work work = { 0 };
		struct error error = { .text = "" };
		char operand[64], *after;
		int result = xdp_lines_read(bad_cases[i].text, strlen(bad_cases[i].text), &work, &error);

		/* stdin:1:COLUMN: OPERAND: REASON */
		after = strstr(error.text, ": ");
		snprintf(operand, sizeof(operand), ": %s: ", bad_cases[i].operand);
		check(result == -1 && after && !strncmp(after, operand, strlen(operand)) && !work.change.changes.count,
		      1, "refused: %s (%s)", bad_cases[i].text, error.text);
		free(work.change.changes.items);
	}
}

/* ---- what the command line says beside a file ---- */

static const struct {
	struct xdp_rule_options beside;
	const char *text, *expected;
} beside_cases[] = {
	{ { .action = "pass" }, "10.0.0.1\n10.0.0.2 pass", "add 10.0.0.1/32 pass\nadd 10.0.0.2/32 pass\n" },
	{ { .service = "a", .priority = "3" },
	  "10.0.0.1\n10.0.0.2 -S b",
	  "add 10.0.0.1/32 drop -P 3 -S a\nadd 10.0.0.2/32 drop -P 3 -S b\n" },
	{ { .interfaces = { "lo" }, .interface_count = 1 },
	  "10.0.0.1\n10.0.0.2 -i \"#70000\"\ndefault drop",
	  "add 10.0.0.1/32 drop -i lo\nadd 10.0.0.2/32 drop -i \"#70000\"\n"
	  "default drop -i lo\ndefault drop -i lo\ndefault drop -i lo\n" },
	{ { .proto = "tcp", .dport = "22", .destination = "10.1.0.0/16" },
	  "10.0.0.1\n10.0.0.2 -p udp",
	  "add 10.0.0.1/32 drop -d 10.1.0.0/16 -p tcp --dport 22\n"
	  "add 10.0.0.2/32 drop -d 10.1.0.0/16 -p udp --dport 22\n" },
	{ { .rate = "5", .mask = true },
	  "10.0.0.1/8\n10.0.0.1 --rate 6:7",
	  "add 10.0.0.0/8 drop --rate 5\nadd 10.0.0.1/32 drop --rate 6:7\n" },
	{ { .expires = "4" },
	  "10.0.0.1\n10.0.0.2 --expires 3\ndefault drop",
	  "default drop\ndefault drop\ndefault drop\n" },
};

static void test_beside(void)
{
	for (size_t i = 0; i < sizeof(beside_cases) / sizeof(beside_cases[0]); i++) {
		struct xdp_work work = { .request.options = beside_cases[i].beside };
		struct error error = { .text = "" };
		char *text;

		if (xdp_lines_read(beside_cases[i].text, strlen(beside_cases[i].text), &work, &error))
			check_text(error.text, "", "%s", beside_cases[i].text);
		text = rules_printed(&work);
		check_text(text, beside_cases[i].expected, "beside: %s", beside_cases[i].text);
		free(text);
		free(work.change.changes.items);
	}
}

/* ---- printed, and read again ---- */

static const uint16_t protocols[] = { 6, 17, 1, 58, 132, 47, RULES_PROTO_ANY, XDP_PROTO_NONIP };

static void random_prefix(unsigned int bits, uint8_t *len, uint8_t addr[16])
{
	struct prefix prefix = { .family = bits == 32 ? 4 : 6, .len = (uint8_t)random_below(bits + 1) };

	for (size_t i = 0; i < bits / 8; i++)
		prefix.addr[i] = (uint8_t)random_next();
	prefix_mask(&prefix);
	*len = prefix.len;
	memcpy(addr, prefix.addr, 16);
}

static void random_ports(struct rules_record *rule)
{
	uint16_t a = (uint16_t)random_next(), b = (uint16_t)random_next();

	rule->head.high = 65535;
	if (random_below(2))
		return;
	if (proto_ports(rule->proto) == PROTO_HAS_PORTS) {
		rule->head.low = a < b ? a : b;
		rule->head.high = random_below(2) ? rule->head.low : a < b ? b : a;
	} else if (proto_ports(rule->proto) == PROTO_HAS_TYPES) {
		rule->head.low = random_below(2) ? a : a & 0xff00;
		rule->head.high = rule->head.low & 0xff ? rule->head.low : rule->head.low | 0xff;
	}
}

static uint32_t random_bits(uint8_t family)
{
	uint32_t bits = family == RULES_IPV6 ? 128 : 32;

	return random_below(2) ? bits : 1 + random_below(bits);
}

static void random_action(struct rules_record *rule)
{
	bool named = rule->head.ifindex != 0;

	rule->head.decision = rules_decision(named, random_below(2) ? RULES_DROP : RULES_PASS, 0, 0);
	if (random_below(2))
		rule->priority = (int32_t)((int64_t)random_below(UINT32_MAX - 2) - XDP_PRIORITY_MAX);
	if (rules_decision_action(rule->head.decision) == RULES_DROP && random_below(2))
		rule->head.decision |= rules_decision_of_mode(RULES_DETECT);
	else if (rules_decision_action(rule->head.decision) == RULES_PASS && !random_below(3))
		rule->priority = XDP_PRIORITY_NEVER_DROP;
	if (xdp_rule_is_never_drop(rule) || rule->proto == XDP_PROTO_NONIP || random_below(2))
		return;
	rule->rate = 1 + random_below(10000000);
	rule->burst = random_below(2) ? rule->rate : 1 + random_below(10000000);
	rule->rate_bits = random_bits(rule->family);
	rule->head.decision |= RULES_LIMITED;
}

static void random_service(uint8_t service[RULES_SERVICE_MAX])
{
	uint32_t size = random_below(3) ? random_below(12) : random_below(RULES_SERVICE_MAX);

	for (uint32_t i = 0; i < size; i++) {
		service[i] = (uint8_t)(' ' + random_below(95));
		if (random_below(2))
			service[i] = (uint8_t) "\"\\ #;-'"[random_below(7)];
	}
}

static struct rules_record random_rule(void)
{
	struct rules_record rule = { .family = (uint8_t)random_below(2) };
	unsigned int bits = rule.family == RULES_IPV6 ? 128 : 32;

	do
		rule.proto = random_below(2) ? RANDOM_OF(protocols) : (uint16_t)random_below(257);
	while (rule.proto == (rule.family == RULES_IPV4 ? IPPROTO_ICMPV6 : IPPROTO_ICMP));
	if (rule.proto == XDP_PROTO_NONIP) {
		rule.family = RULES_IPV4;
	} else {
		random_prefix(bits, &rule.src_len, rule.src);
		if (random_below(2))
			random_prefix(bits, &rule.dst_len, rule.dst);
	}
	random_ports(&rule);
	if (!random_below(3))
		rule.head.ifindex = random_below(2) ? if_nametoindex("lo") : 1000000 + random_below(1000000000);
	random_service(rule.service);
	random_action(&rule);
	return rule;
}

/* A time that is told to the millisecond; 0: never. */
static void random_expiry(struct rules_record *rule)
{
	if (rule->proto != XDP_PROTO_NONIP && !random_below(4))
		rule->head.expires = clock_now() + CLOCK_SECOND * (3600 + random_below(1000000));
}

static bool same_but_for_milliseconds(const struct rules_record *a, struct rules_record b)
{
	uint64_t x = a->head.expires, y = b.head.expires;

	if (!x != !y || (x > y ? x - y : y - x) > CLOCK_SECOND / 10)
		return false;
	b.head.expires = x;
	return !memcmp(a, &b, sizeof(b));
}

static void test_round_trip(void)
{
	char wrong[1600] = "";

	for (int n = 0; n < 10000 && !*wrong; n++) {
		struct xdp_work out = { 0 }, in = { 0 };
		struct error error = { .text = "other rules" };
		char *text;
		bool same;

		for (size_t i = 0; i < 4; i++) {
			struct rules_record rule = random_rule();

			random_expiry(&rule);
			if (changes_add(&out.change.changes, CHANGE_PUT, &rule, &error))
				bail_out(error.text);
		}
		text = rules_printed(&out);
		same = !xdp_lines_read(text, strlen(text), &in, &error) && in.change.changes.count == 4;
		for (size_t i = 0; i < 4 && same; i++)
			same = same_but_for_milliseconds(&out.change.changes.items[i].rule,
							 in.change.changes.items[i].rule);
		if (!same)
			snprintf(wrong, sizeof(wrong), "expected the same from: %.600s got %.767s", text, error.text);
		free(text);
		free(out.change.changes.items);
		free(in.change.changes.items);
	}
	check_property(wrong, "40000 random rules, printed and read again, are the same");
}

int main(int argc, char **argv)
{
	random_start(argc, argv);
	test_lines();
	test_bad_lines();
	test_beside();
	test_round_trip();
	return tap_done();
}
