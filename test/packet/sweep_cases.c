/* SPDX-License-Identifier: GPL-2.0-only */
/* Rule sets that a loop writes: nested prefixes, many ports in one prefix. */
#include "harness.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define FIRST_PORT 1000
#define SINGLE_PORTS 300
#define HOST4 "203.170.85.219"
#define HOST6 "aaaa:5555:cccc:3333:9999:6666:dbdb:2525"

/* A loop of checks that is one line of TAP: the first failure is told, the rest not tried. */
struct sweep {
	struct fixture *fixture;
	char name[128];
	int failed;
};

static void sweep_insert(struct sweep *sweep, const char *rule)
{
	int status = sweep->failed ? 0 : rule_insert(sweep->fixture, 0, rule);
	char got[32];

	if (!status)
		return;
	sweep->failed = 1;
	snprintf(got, sizeof(got), "exit %d", status);
	tap_not_ok("exit 0", got, "%s: map_update %s", sweep->name, rule);
}

static void sweep_check(struct sweep *sweep, int family, const char *dst, uint16_t port, enum reason reason)
{
	struct spec spec = {
		.family = family, .src = family == 6 ? "2001:db8::9" : SPEC_SRC, .dst = dst, .dport = port
	};
	struct outcome outcome;
	struct frame frame;
	char got[256];

	if (sweep->failed)
		return;
	spec_build(&spec, &frame);
	fixture_run(sweep->fixture, ON_VETH, &frame, &outcome);
	if (outcome_is(&outcome, reason, &frame))
		return;
	sweep->failed = 1;
	outcome_print(&outcome, &frame, got, sizeof(got));
	tap_not_ok(reason_name(reason), got, "%s: %s port %u", sweep->name, dst, port);
}

static void mask(uint8_t *address, size_t size, int length)
{
	for (size_t i = 0; i < size; i++, length -= 8) {
		if (length <= 0)
			address[i] = 0;
		else if (length < 8)
			address[i] &= 0xff << (8 - length);
	}
}

static void nested_insert(struct sweep *sweep, int family, const char *host, int length)
{
	char rule[128], text[INET6_ADDRSTRLEN];
	uint8_t address[16];
	int domain = family == 6 ? AF_INET6 : AF_INET;

	inet_pton(domain, host, address);
	mask(address, family == 6 ? 16 : 4, length);
	inet_ntop(domain, address, text, sizeof(text));
	snprintf(rule, sizeof(rule), "%s %d %d %d 0 tcp", text, length, FIRST_PORT + length, FIRST_PORT + length);
	sweep_insert(sweep, rule);
}

/* Flips the last bit that a prefix of this length covers: the prefix then does not match, all shorter ones do. */
static void neighbour_of(int family, const char *host, int length, char text[INET6_ADDRSTRLEN])
{
	int domain = family == 6 ? AF_INET6 : AF_INET;
	uint8_t address[16];

	inet_pton(domain, host, address);
	address[(length - 1) / 8] ^= 0x80 >> (length - 1) % 8;
	inet_ntop(domain, address, text, INET6_ADDRSTRLEN);
}

static void nested(struct sweep *sweep, int family, const char *host)
{
	int bits = family == 6 ? 128 : 32;
	char text[INET6_ADDRSTRLEN];

	snprintf(sweep->name, sizeof(sweep->name), "prefixes nested %d deep, a port each (IPv%d)", bits + 1, family);
	for (int length = 0; length <= bits; length++)
		nested_insert(sweep, family, host, length);
	for (int length = 0; length <= bits; length++)
		sweep_check(sweep, family, host, FIRST_PORT + length, REASON_RULE_PASS);
	sweep_check(sweep, family, host, FIRST_PORT - 1, REASON_NO_RULE);
	sweep_check(sweep, family, host, FIRST_PORT + bits + 1, REASON_NO_RULE);
	for (int length = 1; length <= bits; length++) {
		neighbour_of(family, host, length, text);
		sweep_check(sweep, family, text, FIRST_PORT + length, REASON_NO_RULE);
		sweep_check(sweep, family, text, FIRST_PORT + length - 1, REASON_RULE_PASS);
	}
}

static void nested4(struct sweep *sweep)
{
	nested(sweep, 4, HOST4);
}

static void nested6(struct sweep *sweep)
{
	nested(sweep, 6, HOST6);
}

/* Every second port, inserted from both ends inwards. */
static void single_ports(struct sweep *sweep)
{
	char rule[128];

	snprintf(sweep->name, sizeof(sweep->name), "%d rules of one port in one prefix", SINGLE_PORTS);
	for (int i = 0; i < SINGLE_PORTS; i++) {
		int port = FIRST_PORT + 2 * (i & 1 ? SINGLE_PORTS - 1 - i / 2 : i / 2);

		snprintf(rule, sizeof(rule), "%s203.0.113.0 24 %d %d 0 tcp", port % 4 ? "-a drop " : "", port, port);
		sweep_insert(sweep, rule);
	}
	for (int port = FIRST_PORT; port < FIRST_PORT + 2 * SINGLE_PORTS; port += 2)
		sweep_check(sweep, 4, SPEC_DST, port, port % 4 ? REASON_RULE_DROP : REASON_RULE_PASS);
	for (int port = FIRST_PORT - 1; port <= FIRST_PORT + 2 * SINGLE_PORTS; port += 2)
		sweep_check(sweep, 4, SPEC_DST, port, REASON_NO_RULE);
	sweep_check(sweep, 4, SPEC_DST, 0, REASON_NO_RULE);
	sweep_check(sweep, 4, SPEC_DST, 65535, REASON_NO_RULE);
}

/* Growing block by block: after each insertion all that are there are found, and the next is not. */
static void growing_block(struct sweep *sweep)
{
	char rule[128];

	snprintf(sweep->name, sizeof(sweep->name), "a prefix that gains port after port");
	for (int count = 1; count <= 40; count++) {
		snprintf(rule, sizeof(rule), "203.0.113.0 24 %d %d 0 tcp", 10 * count, 10 * count + 4);
		sweep_insert(sweep, rule);
		for (int i = 1; i <= count; i++) {
			sweep_check(sweep, 4, SPEC_DST, 10 * i - 1, REASON_NO_RULE);
			sweep_check(sweep, 4, SPEC_DST, 10 * i, REASON_RULE_PASS);
			sweep_check(sweep, 4, SPEC_DST, 10 * i + 4, REASON_RULE_PASS);
			sweep_check(sweep, 4, SPEC_DST, 10 * i + 5, REASON_NO_RULE);
		}
		sweep_check(sweep, 4, SPEC_DST, 10 * count + 10, REASON_NO_RULE);
	}
}

static void sweep_run(struct fixture *fixture, const char *name, void (*body)(struct sweep *))
{
	struct sweep sweep = { .fixture = fixture };

	if (!fixture->map_update) {
		tap_skip("no map_update", "%s", name);
		return;
	}
	fixture_open(fixture);
	fixture_set_rules_seen(fixture, 1);
	body(&sweep);
	fixture_close(fixture);
	if (!sweep.failed)
		tap_ok("%s", name);
}

void sweep_cases(struct fixture *fixture)
{
	sweep_run(fixture, "prefixes nested 33 deep, a port each (IPv4)", nested4);
	sweep_run(fixture, "prefixes nested 129 deep, a port each (IPv6)", nested6);
	sweep_run(fixture, "300 rules of one port in one prefix", single_ports);
	sweep_run(fixture, "a prefix that gains port after port", growing_block);
}
