/* SPDX-License-Identifier: GPL-2.0-only */
/* Settings of interfaces: every value of each, said of the interface, of all, or of both. */
#include "harness.h"

#include <linux/if_ether.h>

#include <netinet/in.h>
#include <stdio.h>

#define LLDP 0x88cc
#define OWN "192.0.2.1"
#define OF_PEER "192.0.2.2"
#define SAID_MAX 4

/* Who said it: which interface's entry holds the value. */
enum said { SAID_NOT, SAID_VETH, SAID_ANY, SAID_PEER };

struct word {
	enum said of;
	uint8_t value;
};

/* What was said of one setting, and which SSH packets then pass at veth0 before and after the first rule. */
struct ssh_case {
	const char *name;
	struct word said[SAID_MAX];
	enum reason own[2], other[2]; /* by rules_seen; to an own address, and to another */
};

#define BY_RULES                               \
	{                                      \
		REASON_NO_RULE, REASON_NO_RULE \
	}
#define BY_ANY                                 \
	{                                      \
		REASON_SSH_ANY, REASON_SSH_ANY \
	}
#define BY_OWN                                 \
	{                                      \
		REASON_SSH_OWN, REASON_SSH_OWN \
	}
#define AUTO_OWN                               \
	{                                      \
		REASON_SSH_ANY, REASON_SSH_OWN \
	}
#define AUTO_OTHER                             \
	{                                      \
		REASON_SSH_ANY, REASON_NO_RULE \
	}

/* clang-format off */
static const struct ssh_case ssh[] = {
	{ "nothing said", { { 0 } }, AUTO_OWN, AUTO_OTHER },
	{ "ssh=auto", { { SAID_VETH, SSH_AUTO } }, AUTO_OWN, AUTO_OTHER },
	{ "ssh=any", { { SAID_VETH, SSH_ANY } }, BY_ANY, BY_ANY },
	{ "ssh=own", { { SAID_VETH, SSH_OWN } }, BY_OWN, BY_RULES },
	{ "ssh=off", { { SAID_VETH, SSH_OFF } }, BY_RULES, BY_RULES },
	{ "any ssh=auto", { { SAID_ANY, SSH_AUTO } }, AUTO_OWN, AUTO_OTHER },
	{ "any ssh=any", { { SAID_ANY, SSH_ANY } }, BY_ANY, BY_ANY },
	{ "any ssh=own", { { SAID_ANY, SSH_OWN } }, BY_OWN, BY_RULES },
	{ "any ssh=off", { { SAID_ANY, SSH_OFF } }, BY_RULES, BY_RULES },
	{ "any ssh=off, ssh=any", { { SAID_ANY, SSH_OFF }, { SAID_VETH, SSH_ANY } }, BY_ANY, BY_ANY },
	{ "any ssh=off, ssh=auto", { { SAID_ANY, SSH_OFF }, { SAID_VETH, SSH_AUTO } }, AUTO_OWN, AUTO_OTHER },
	{ "any ssh=any, ssh=off", { { SAID_ANY, SSH_ANY }, { SAID_VETH, SSH_OFF } }, BY_RULES, BY_RULES },
	{ "any ssh=any, ssh=own", { { SAID_ANY, SSH_ANY }, { SAID_VETH, SSH_OWN } }, BY_OWN, BY_RULES },
	{ "any ssh=own, an entry without ssh", { { SAID_ANY, SSH_OWN }, { SAID_VETH, SSH_UNSET } }, BY_OWN, BY_RULES },
	{ "ssh=off of another interface", { { SAID_PEER, SSH_OFF } }, AUTO_OWN, AUTO_OTHER },
	{ "ssh=any of another interface", { { SAID_PEER, SSH_ANY } }, AUTO_OWN, AUTO_OTHER },
	{ "ssh of a later version", { { SAID_VETH, 200 } }, AUTO_OWN, AUTO_OTHER },
	{ 0 },
};

struct nonip_case {
	const char *name;
	struct word said[SAID_MAX];
	enum reason reason;
};

static const struct nonip_case nonip[] = {
	{ "nothing said", { { 0 } }, REASON_ETHERTYPE },
	{ "nonip=drop", { { SAID_VETH, NONIP_DROP } }, REASON_ETHERTYPE },
	{ "nonip=pass", { { SAID_VETH, NONIP_PASS } }, REASON_NONIP },
	{ "any nonip=drop", { { SAID_ANY, NONIP_DROP } }, REASON_ETHERTYPE },
	{ "any nonip=pass", { { SAID_ANY, NONIP_PASS } }, REASON_NONIP },
	{ "any nonip=pass, nonip=drop", { { SAID_ANY, NONIP_PASS }, { SAID_VETH, NONIP_DROP } }, REASON_ETHERTYPE },
	{ "any nonip=drop, nonip=pass", { { SAID_ANY, NONIP_DROP }, { SAID_VETH, NONIP_PASS } }, REASON_NONIP },
	{ "any nonip=pass, an entry without nonip", { { SAID_ANY, NONIP_PASS }, { SAID_VETH, NONIP_UNSET } }, REASON_NONIP },
	{ "nonip=pass of another interface", { { SAID_PEER, NONIP_PASS } }, REASON_ETHERTYPE },
	{ "nonip of a later version", { { SAID_VETH, 200 } }, REASON_ETHERTYPE },
	{ 0 },
};

/* What no setting decides, with every setting at its most open and at its most closed. */
static const struct row unaffected_open[] = {
	{ "all open: ARP", { .family = 4, .ethertype = ETH_P_ARP }, 0, REASON_ARP },
	{ "all open: TCP port 23", { .dport = 23 }, 0, REASON_NO_RULE },
	{ "all open: UDP port 22", { .proto = IPPROTO_UDP, .dport = 22 }, 0, REASON_NO_RULE },
	{ "all open: from port 22", { .sport = 22, .dport = 1000, .flags = TCP_ACK }, 0, REASON_NO_RULE },
	{ "all open: a later fragment of SSH", { .fragment = LATER, .dport = 22 }, 0, REASON_FRAGMENT_EARLY },
	{ "all open: SSH that is cut", { .dport = 22, .cut = 1 }, 0, REASON_TRUNCATED },
	{ "all open: nothing after the VLAN tag", { .family = 4, .tags = { ETH_P_8021Q }, .cut = 40 }, 0, REASON_TRUNCATED },
	{ "all open: SSH on loopback", { .dport = 22 }, ON_LOOPBACK, REASON_LOOPBACK },
	{ "all open: LLDP on loopback", { .family = 4, .ethertype = LLDP }, ON_LOOPBACK, REASON_LOOPBACK },
	{ 0 },
};

static const struct row unaffected_closed[] = {
	{ "all closed: ARP", { .family = 4, .ethertype = ETH_P_ARP }, 0, REASON_ARP },
	{ "all closed: SSH on loopback", { .dport = 22 }, ON_LOOPBACK, REASON_LOOPBACK },
	{ "all closed: TCP on loopback", { .dport = 80 }, ON_LOOPBACK, REASON_LOOPBACK },
	{ "all closed: LLDP on loopback", { .family = 4, .ethertype = LLDP }, ON_LOOPBACK, REASON_LOOPBACK },
	{ 0 },
};
/* clang-format on */

static void say(struct fixture *fixture, enum splicer_setting setting, const struct word said[SAID_MAX])
{
	const int index[] = { 0, fixture->veth, SPLICER_IFACE_ANY, fixture->veth_peer };

	fixture_clear_settings(fixture);
	for (int i = 0; i < SAID_MAX && said[i].of; i++)
		fixture_set(fixture, index[said[i].of], setting, said[i].value);
}

static void ssh_case_run(struct fixture *fixture, const struct ssh_case *test, int seen)
{
	char own[128], other[128];
	const struct row rows[] = {
		{ own, { .dst = OWN, .dport = 22 }, ON_VETH, test->own[seen] },
		{ other, { .dst = OF_PEER, .dport = 22 }, ON_VETH, test->other[seen] },
		{ 0 },
	};

	snprintf(own, sizeof(own), "%s, %s: SSH to an own address", test->name, seen ? "rules seen" : "no rule yet");
	snprintf(other, sizeof(other), "%s, %s: SSH to another address", test->name,
		 seen ? "rules seen" : "no rule yet");
	rows_run(fixture, rows);
}

static void ssh_cases(struct fixture *fixture)
{
	for (int family = 4; family <= 6; family += 2) {
		fixture_add_address(fixture, fixture->veth, family, OWN);
		fixture_add_address(fixture, fixture->veth_peer, family, OF_PEER);
	}
	for (const struct ssh_case *test = ssh; test->name; test++) {
		say(fixture, SETTING_SSH, test->said);
		for (int seen = 0; seen <= 1; seen++) {
			fixture_set_rules_seen(fixture, (uint32_t)seen);
			ssh_case_run(fixture, test, seen);
		}
	}
}

static void nonip_cases(struct fixture *fixture)
{
	for (const struct nonip_case *test = nonip; test->name; test++) {
		char name[128];
		const struct row rows[] = {
			{ test->name, { .family = 4, .ethertype = LLDP }, ON_VETH, test->reason },
			{ name, { .family = 4, .ethertype = LLDP, .tags = { ETH_P_8021Q } }, ON_VETH, test->reason },
			{ 0 },
		};

		snprintf(name, sizeof(name), "%s, tagged", test->name);
		say(fixture, SETTING_NONIP, test->said);
		rows_run(fixture, rows);
	}
}

/* Of all interfaces, and of loopback itself. */
static void say_everywhere(struct fixture *fixture, uint8_t ssh_value, uint8_t nonip_value)
{
	const int index[] = { SPLICER_IFACE_ANY, fixture->veth, 1 };

	fixture_clear_settings(fixture);
	for (size_t i = 0; i < sizeof(index) / sizeof(index[0]); i++) {
		fixture_set(fixture, index[i], SETTING_SSH, ssh_value);
		fixture_set(fixture, index[i], SETTING_NONIP, nonip_value);
	}
}

void setting_cases(struct fixture *fixture)
{
	fixture_open(fixture);
	ssh_cases(fixture);
	nonip_cases(fixture);
	say_everywhere(fixture, SSH_ANY, NONIP_PASS);
	rows_run(fixture, unaffected_open);
	say_everywhere(fixture, SSH_OFF, NONIP_DROP);
	rows_run(fixture, unaffected_closed);
	fixture_close(fixture);
}
