/* SPDX-License-Identifier: GPL-2.0-only */
/* lib/proto.c */
#include "proto.h"

#include "tap.h"

static const struct {
	const char *text;
	int number;
	enum proto_ports ports;
	const char *error;
} cases[] = {
	{ "tcp", 6, PROTO_HAS_PORTS, NULL },
	{ "udp", 17, PROTO_HAS_PORTS, NULL },
	{ "icmp", 1, PROTO_HAS_TYPES, NULL },
	{ "icmpv6", 58, PROTO_HAS_TYPES, NULL },
	{ "sctp", 132, PROTO_HAS_PORTS, NULL },
	{ "dccp", 33, PROTO_HAS_PORTS, NULL },
	{ "udplite", 136, PROTO_HAS_PORTS, NULL },
	{ "gre", 47, PROTO_NO_PORTS, NULL },
	{ "any", PROTO_ANY, PROTO_NO_PORTS, NULL },
	{ "6", 6, PROTO_HAS_PORTS, NULL },
	{ "0", 0, PROTO_NO_PORTS, NULL },
	{ "255", 255, PROTO_NO_PORTS, NULL },
	{ "256", 0, 0, "256: out of range (0-255)" },
	{ "06", 0, 0, "06: leading zero (octal or decimal?)" },
	{ "", 0, 0, "'': unknown protocol (tcp, udp, icmp, icmpv6, a number 0-255, any)" },
	{ "TCP", 0, 0, "TCP: unknown protocol (tcp, udp, icmp, icmpv6, a number 0-255, any)" },
	{ "tc", 0, 0, "tc: unknown protocol (tcp, udp, icmp, icmpv6, a number 0-255, any)" },
	{ "tcp ", 0, 0, "tcp : unknown protocol (tcp, udp, icmp, icmpv6, a number 0-255, any)" },
	{ "-1", 0, 0, "-1: unknown protocol (tcp, udp, icmp, icmpv6, a number 0-255, any)" },
	{ "6x", 0, 0, "6x: unknown protocol (tcp, udp, icmp, icmpv6, a number 0-255, any)" },
};

static void test_parse(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct error error = { .text = "" };
		uint16_t number = 999;
		int result = proto_parse(cases[i].text, &number, &error);

		check_text(result ? error.text : "", cases[i].error ? cases[i].error : "", "\"%s\"", cases[i].text);
		if (cases[i].error)
			continue;
		check(number, cases[i].number, "\"%s\": its number", cases[i].text);
		check(proto_ports(number), cases[i].ports, "\"%s\": its ports", cases[i].text);
	}
}

static void test_round_trip(void)
{
	char text[PROTO_TEXT_MAX], wrong[128] = "";

	for (unsigned int number = 0; number <= PROTO_ANY && !*wrong; number++) {
		struct error error;
		uint16_t again = 999;

		proto_format((uint16_t)number, text);
		if (proto_parse(text, &again, &error) || again != number)
			snprintf(wrong, sizeof(wrong), "expected %u, got %u from %s", number, again, text);
	}
	check_property(wrong, "every protocol printed and parsed is the same protocol");
}

int main(void)
{
	test_parse();
	test_round_trip();
	return tap_done();
}
