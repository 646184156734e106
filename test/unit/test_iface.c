/* SPDX-License-Identifier: GPL-2.0-only */
/* lib/iface.c: the text of settings, and the map as it is in memory. */
#include "iface.h"

#include "ifaceout.h"
#include "tap.h"

#include <net/if.h>

#define GONE 0x7ffffff0u /* no interface has this index */

#define NAMES "ssh, nonip, mode, out, icmp_echo, on_truncated, on_full, on_state, new_flows or geneve"
#define NEW_FLOWS "new_flows is default, off or RATE[/BURST], both from 1 to 1000000"
#define GENEVE "geneve is default or SOURCE[,SOURCE...]"

/* ---- text ---- */

static const struct {
	const char *operands[5];
	const char *printed; /* NULL: refused */
	const char *error;
	int exit;
} lines[] = {
	{ { "lo", "ssh=auto" }, "lo ssh=auto\n", NULL, 0 },
	{ { "lo", "ssh=any" }, "lo ssh=any\n", NULL, 0 },
	{ { "lo", "ssh=own" }, "lo ssh=own\n", NULL, 0 },
	{ { "lo", "ssh=off" }, "lo ssh=off\n", NULL, 0 },
	{ { "lo", "nonip=drop" }, "lo nonip=drop\n", NULL, 0 },
	{ { "lo", "nonip=pass" }, "lo nonip=pass\n", NULL, 0 },
	{ { "any", "nonip=pass", "ssh=own" }, "any ssh=own nonip=pass\n", NULL, 0 },
	{ { "lo", "ssh=default", "nonip=pass" }, "lo nonip=pass\n", NULL, 0 },
	{ { "#1", "ssh=own" }, "lo ssh=own\n", NULL, 0 },
	{ { "lo", "mode=detect" }, "lo mode=detect\n", NULL, 0 },
	{ { "lo", "mode=prevent" }, "lo mode=prevent\n", NULL, 0 },
	{ { "lo", "out=drop", "icmp_echo=pass" }, "lo out=drop icmp_echo=pass\n", NULL, 0 },
	{ { "lo", "on_state=drop", "on_full=pass", "on_truncated=pass" },
	  "lo on_truncated=pass on_full=pass on_state=drop\n",
	  NULL,
	  0 },
	{ { "lo", "mode=drop" }, NULL, "mode=drop: mode is default, prevent or detect", EXIT_USAGE },
	{ { "lo", "out=off" }, NULL, "out=off: out is default, drop or pass", EXIT_USAGE },
	{ { "lo", "new_flows=1" }, "lo new_flows=1\n", NULL, 0 },
	{ { "lo", "new_flows=1000000/1000000" }, "lo new_flows=1000000\n", NULL, 0 },
	{ { "lo", "new_flows=100/1" }, "lo new_flows=100/1\n", NULL, 0 },
	{ { "lo", "new_flows=off" }, "lo new_flows=off\n", NULL, 0 },
	{ { "lo", "new_flows=default", "ssh=own" }, "lo ssh=own\n", NULL, 0 },
	{ { "lo", "new_flows=0" }, NULL, "new_flows=0: " NEW_FLOWS, EXIT_USAGE },
	{ { "lo", "new_flows=1000001" }, NULL, "new_flows=1000001: " NEW_FLOWS, EXIT_USAGE },
	{ { "lo", "new_flows=4294967295" }, NULL, "new_flows=4294967295: " NEW_FLOWS, EXIT_USAGE },
	{ { "lo", "new_flows=1/0" }, NULL, "new_flows=1/0: " NEW_FLOWS, EXIT_USAGE },
	{ { "lo", "new_flows=1/1000001" }, NULL, "new_flows=1/1000001: " NEW_FLOWS, EXIT_USAGE },
	{ { "lo", "new_flows=1/" }, NULL, "new_flows=1/: " NEW_FLOWS, EXIT_USAGE },
	{ { "lo", "new_flows=/1" }, NULL, "new_flows=/1: " NEW_FLOWS, EXIT_USAGE },
	{ { "lo", "new_flows=1/2/3" }, NULL, "new_flows=1/2/3: " NEW_FLOWS, EXIT_USAGE },
	{ { "lo", "new_flows=off/1" }, NULL, "new_flows=off/1: " NEW_FLOWS, EXIT_USAGE },
	{ { "lo", "new_flows=01" }, NULL, "new_flows=01: " NEW_FLOWS, EXIT_USAGE },
	{ { "lo", "new_flows=-1" }, NULL, "new_flows=-1: " NEW_FLOWS, EXIT_USAGE },
	{ { "lo", "new_flows=" }, NULL, "new_flows=: " NEW_FLOWS, EXIT_USAGE },
	{ { "lo", "new_flows=1", "new_flows=2" }, NULL, "new_flows=2: new_flows was said already", EXIT_USAGE },
	{ { "lo", "geneve=192.0.2.1" }, "lo geneve=192.0.2.1/32\n", NULL, 0 },
	{ { "any", "geneve=2001:db8::/32,192.0.2.0/24" }, "any geneve=192.0.2.0/24,2001:db8::/32\n", NULL, 0 },
	{ { "lo", "geneve=192.0.2.1-192.0.2.4" }, "lo geneve=192.0.2.2/31,192.0.2.1/32,192.0.2.4/32\n", NULL, 0 },
	{ { "lo", "geneve=10.0.0.0/8,10.1.0.0/16,10.0.0.0/8" }, "lo geneve=10.0.0.0/8,10.1.0.0/16\n", NULL, 0 },
	{ { "lo", "geneve=0.0.0.0/1,128.0.0.0/1" }, "lo geneve=0.0.0.0/1,128.0.0.0/1\n", NULL, 0 },
	{ { "lo", "geneve=default", "ssh=own" }, "lo ssh=own\n", NULL, 0 },
	{ { "lo", "geneve=0.0.0.0/0" },
	  NULL,
	  "geneve=0.0.0.0/0: 0.0.0.0/0 is everyone: name those who may send tunnels",
	  EXIT_USAGE },
	{ { "lo", "geneve=10.0.0.1,::/0" },
	  NULL,
	  "geneve=10.0.0.1,::/0: ::/0 is everyone: name those who may send tunnels",
	  EXIT_USAGE },
	{ { "lo", "geneve=0.0.0.0-255.255.255.255" },
	  NULL,
	  "geneve=0.0.0.0-255.255.255.255: 0.0.0.0/0 is everyone: name those who may send tunnels",
	  EXIT_USAGE },
	{ { "lo", "geneve=off" },
	  NULL,
	  "geneve=off: default takes the sources away; those of any stay allowed",
	  EXIT_USAGE },
	{ { "lo", "geneve=" }, NULL, "geneve=: " GENEVE, EXIT_USAGE },
	{ { "lo", "geneve=10.0.0.1," }, NULL, "geneve=10.0.0.1,: " GENEVE, EXIT_USAGE },
	{ { "lo", "geneve=,10.0.0.1" }, NULL, "geneve=,10.0.0.1: " GENEVE, EXIT_USAGE },
	{ { "lo", "geneve=10.0.0.1/8" }, NULL, "10.0.0.1/8: host bits set, did you mean 10.0.0.0/8", EXIT_USAGE },
	{ { "lo", "geneve=10.0.0.1,x" }, NULL, "x: not an IPv4 or IPv6 address", EXIT_USAGE },
	{ { "lo", "geneve=10.0.0.1 " }, NULL, "10.0.0.1 : not an IPv4 or IPv6 address", EXIT_USAGE },
	{ { "nope", "geneve=10.0.0.1" }, NULL, "nope: no such interface", EXIT_STATE },
	{ { "lo", "ssh=on" }, NULL, "ssh=on: ssh is default, auto, any, own or off", EXIT_USAGE },
	{ { "lo", "ssh=" }, NULL, "ssh=: ssh is default, auto, any, own or off", EXIT_USAGE },
	{ { "lo", "ssh=OWN" }, NULL, "ssh=OWN: ssh is default, auto, any, own or off", EXIT_USAGE },
	{ { "lo", "ssh=own " }, NULL, "ssh=own : ssh is default, auto, any, own or off", EXIT_USAGE },
	{ { "lo", "nonip=own" }, NULL, "nonip=own: nonip is default, drop or pass", EXIT_USAGE },
	{ { "lo", "ssh" }, NULL, "ssh: expected SETTING=VALUE, where SETTING is " NAMES, EXIT_USAGE },
	{ { "lo", "ss=own" }, NULL, "ss=own: expected SETTING=VALUE, where SETTING is " NAMES, EXIT_USAGE },
	{ { "lo", "sshh=own" }, NULL, "sshh=own: expected SETTING=VALUE, where SETTING is " NAMES, EXIT_USAGE },
	{ { "lo", "=own" }, NULL, "=own: expected SETTING=VALUE, where SETTING is " NAMES, EXIT_USAGE },
	{ { "lo", "ssh=own", "ssh=own" }, NULL, "ssh=own: ssh was said already", EXIT_USAGE },
	{ { "lo" }, NULL, "lo: expected IF SETTING=VALUE...", EXIT_USAGE },
	{ { NULL }, NULL, "operands: expected IF SETTING=VALUE...", EXIT_USAGE },
	{ { "nope", "ssh=own" }, NULL, "nope: no such interface", EXIT_STATE },
	{ { "nope", "ssh=bad" }, NULL, "ssh=bad: ssh is default, auto, any, own or off", EXIT_USAGE },
	{ { "#2147483632", "ssh=own" }, NULL, "#2147483632: no such interface", EXIT_STATE },
	{ { "#0", "ssh=own" }, NULL, "0: out of range (1-2147483647)", EXIT_USAGE },
	{ { "sixteen-letters-", "ssh=own" }, NULL, "sixteen-letters-: not an interface name", EXIT_USAGE },
	{ { "", "ssh=own" }, NULL, "interface: not an interface name", EXIT_USAGE },
};

static int operands_count(const char *const *operands)
{
	int count = 0;

	while (count < 5 && operands[count])
		count++;
	return count;
}

/* What the entry of a fresh copy says after the change. */
static char *printed_after(struct iface_change *change)
{
	struct ifaces ifaces = { 0 };
	struct error error;
	char *text;

	if (ifaces_apply(&ifaces, change, &error))
		bail_out(error.text);
	output_begin();
	iface_print_entry(&ifaces.items[0]);
	text = output_end();
	ifaces_free(&ifaces);
	return text;
}

static void test_lines(void)
{
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		char *operands[5];
		struct error error = { .text = "" };
		struct iface_change change;
		char *text;

		memcpy(operands, lines[i].operands, sizeof(operands));
		if (iface_change_parse(operands, operands_count(lines[i].operands), &change, &error)) {
			check_text(error.text, lines[i].error ? lines[i].error : "", "line %zu is refused", i);
			check(error.exit, lines[i].exit, "line %zu: exit status", i);
			continue;
		}
		text = printed_after(&change);
		check_text(text, lines[i].printed ? lines[i].printed : "", "line %zu", i);
		free(text);
		setting_said_free(&change.said);
	}
}

/* What a value is written as, to buf. */
static char *written(size_t setting, const struct splicer_iface *value, char *buf, size_t size)
{
	static const struct prefix_list none;
	FILE *to = fmemopen(buf, size, "w");

	if (!to)
		bail_out("fmemopen");
	setting_write(to, setting, value, &none);
	fclose(to);
	return buf;
}

/* Whether a value is written so that it is read back. */
static bool comes_back(size_t setting, const struct splicer_iface *value)
{
	struct setting_said again = { 0 };
	char operand[64], text[32];
	struct error error;

	snprintf(operand, sizeof(operand), "%s=%s", setting_name(setting), written(setting, value, text, sizeof(text)));
	return !setting_parse(operand, &again, &error) && !memcmp(&again.value, value, sizeof(*value));
}

static void test_round_trip(void)
{
	static const uint32_t flows[] = { 0, 1, 2, 99, NEW_FLOWS_MAX - 1, NEW_FLOWS_MAX };
	struct splicer_iface value = { .number = { FLOW_RATE_OFF, FLOW_RATE_OFF } };
	char bad[128] = "", text[32];

	if (!comes_back(SETTING_NEW_FLOWS, &value))
		snprintf(bad, sizeof(bad), "new_flows=off");
	for (size_t rate = 0; rate < 6; rate++) {
		for (size_t burst = rate ? 1 : 0; burst < (rate ? 6 : 1); burst++) {
			value = (struct splicer_iface){ .number = { flows[rate], flows[burst] } };
			if (!comes_back(SETTING_NEW_FLOWS, &value))
				snprintf(bad, sizeof(bad), "new_flows=%u/%u", flows[rate], flows[burst]);
		}
	}
	for (size_t setting = 0; setting < SETTING_COUNT; setting++) {
		for (uint8_t i = 0; setting_kinds[setting].words[i]; i++) {
			value = (struct splicer_iface){ 0 };
			value.setting[setting] = i;
			if (!comes_back(setting, &value))
				snprintf(bad, sizeof(bad), "%s=%u", setting_name(setting), i);
		}
	}
	check_property(bad, "every value is written so that it is read back");
	check_text(setting_word(SETTING_SSH, 200), "unknown", "a value of a later version");
	value = (struct splicer_iface){ .number = { NEW_FLOWS_MAX + 1, 1 } };
	check_text(written(SETTING_NEW_FLOWS, &value, text, sizeof(text)), "unknown", "a number of a later version");
}

/* ---- in memory ---- */

static void apply(struct ifaces *ifaces, uint32_t ifindex, enum splicer_setting setting, uint8_t value, char letter)
{
	struct iface_change change = { .ifindex = ifindex };
	struct error error;

	change.said.given[setting] = true;
	change.said.value.setting[setting] = value;
	if (ifaces_apply(ifaces, &change, &error))
		bail_out(error.text);
	check(change.letter, letter, "%u %s=%s: %c", ifindex, setting_kinds[setting].name, setting_word(setting, value),
	      letter);
}

static void check_effective(const struct ifaces *ifaces, uint32_t ifindex, enum splicer_setting setting,
			    const char *word, enum setting_origin origin)
{
	enum setting_origin got;
	const struct iface_entry *speaker = ifaces_speaker(ifaces, ifindex, setting, &got);

	check_text(speaker ? setting_word(setting, speaker->now.setting[setting]) : setting_fallback(setting), word,
		   "%u: %s is %s", ifindex, setting_name(setting), word);
	check(got, origin, "%u: who said so", ifindex);
}

static void test_precedence(void)
{
	struct ifaces ifaces = { 0 };

	check_effective(&ifaces, 7, SETTING_SSH, "auto", ORIGIN_BUILT_IN);
	check_effective(&ifaces, 7, SETTING_NONIP, "drop", ORIGIN_BUILT_IN);
	check_effective(&ifaces, SPLICER_IFACE_ANY, SETTING_SSH, "auto", ORIGIN_BUILT_IN);
	apply(&ifaces, SPLICER_IFACE_ANY, SETTING_SSH, SSH_OFF, 'C');
	check_effective(&ifaces, 7, SETTING_SSH, "off", ORIGIN_ANY);
	check_effective(&ifaces, SPLICER_IFACE_ANY, SETTING_SSH, "off", ORIGIN_ANY);
	check_effective(&ifaces, 7, SETTING_NONIP, "drop", ORIGIN_BUILT_IN);
	apply(&ifaces, 7, SETTING_NONIP, NONIP_PASS, 'C');
	check_effective(&ifaces, 7, SETTING_NONIP, "pass", ORIGIN_IFACE);
	check_effective(&ifaces, 7, SETTING_SSH, "off", ORIGIN_ANY);
	apply(&ifaces, 7, SETTING_SSH, SSH_OWN, 'C');
	apply(&ifaces, 7, SETTING_SSH, SSH_OWN, '=');
	check_effective(&ifaces, 7, SETTING_SSH, "own", ORIGIN_IFACE);
	check_effective(&ifaces, 8, SETTING_SSH, "off", ORIGIN_ANY);
	apply(&ifaces, 7, SETTING_SSH, SSH_UNSET, 'C');
	check_effective(&ifaces, 7, SETTING_SSH, "off", ORIGIN_ANY);
	apply(&ifaces, 9, SETTING_SSH, SSH_UNSET, '=');
	check(iface_entry_says(ifaces_find(&ifaces, 7)), 1, "7 still says something");
	check(iface_entry_says(ifaces_find(&ifaces, 9)), 0, "9 says nothing");
	check(ifaces_find(&ifaces, 10) == NULL, 1, "of 10 there is no entry");
	ifaces_free(&ifaces);
}

/* Only an interface that is gone loses its settings. */
static void test_sweep(void)
{
	struct ifaces ifaces = { 0 };

	apply(&ifaces, SPLICER_IFACE_ANY, SETTING_SSH, SSH_OFF, 'C');
	apply(&ifaces, if_nametoindex("lo"), SETTING_SSH, SSH_OWN, 'C');
	apply(&ifaces, GONE, SETTING_SSH, SSH_ANY, 'C');
	ifaces_sweep(&ifaces);
	check_effective(&ifaces, SPLICER_IFACE_ANY, SETTING_SSH, "off", ORIGIN_ANY);
	check_effective(&ifaces, if_nametoindex("lo"), SETTING_SSH, "own", ORIGIN_IFACE);
	check_effective(&ifaces, GONE, SETTING_SSH, "off", ORIGIN_ANY);
	ifaces_free(&ifaces);
}

static void test_room(void)
{
	struct ifaces ifaces = { 0 };
	struct iface_change change = { .said = { .given = { true }, .value.setting = { SSH_OWN } } };
	struct error error = { .text = "" };

	for (change.ifindex = 0; change.ifindex < SPLICER_IFACES_MAX; change.ifindex++)
		if (ifaces_apply(&ifaces, &change, &error))
			bail_out(error.text);
	check(ifaces_check(&ifaces, &error), 0, "as many as the map holds");
	if (ifaces_apply(&ifaces, &change, &error))
		bail_out(error.text);
	check(ifaces_check(&ifaces, &error), -1, "one more is refused");
	check_text(error.text, "splicer1_ifaces: full: settings of 4097 interfaces, at most 4096", "and said so");
	check(error.exit, EXIT_STATE, "as a state");
	change.said.value.setting[SETTING_SSH] = SSH_UNSET;
	change.ifindex = 5;
	if (ifaces_apply(&ifaces, &change, &error))
		bail_out(error.text);
	check(ifaces_check(&ifaces, &error), 0, "what says nothing takes no room");
	ifaces_free(&ifaces);
}

/* ---- sources of tunnels ---- */

static void say(struct ifaces *ifaces, const char *iface, const char *setting, char letter)
{
	char *operands[] = { (char *)iface, (char *)setting };
	struct iface_change change;
	struct error error;

	if (iface_change_parse(operands, 2, &change, &error) || ifaces_apply(ifaces, &change, &error))
		bail_out(error.text);
	check(change.letter, letter, "%s %s: %c", iface, setting, letter);
	setting_said_free(&change.said);
}

static void test_geneve_letters(void)
{
	struct ifaces ifaces = { 0 };

	say(&ifaces, "lo", "geneve=10.0.0.1,2001:db8::/32", 'C');
	say(&ifaces, "lo", "geneve=2001:db8::/32,10.0.0.1/32", '=');
	say(&ifaces, "lo", "geneve=10.0.0.2,2001:db8::/32", 'C');
	say(&ifaces, "any", "geneve=10.0.0.2,2001:db8::/32", 'C');
	check(iface_entry_says(ifaces_find(&ifaces, SPLICER_IFACE_ANY)), 1, "sources are something that is said");
	say(&ifaces, "any", "geneve=default", 'C');
	check(iface_entry_says(ifaces_find(&ifaces, SPLICER_IFACE_ANY)), 0, "none are nothing");
	say(&ifaces, "any", "geneve=default", '=');
	say(&ifaces, "lo", "new_flows=5", 'C');
	say(&ifaces, "lo", "new_flows=5/5", '=');
	say(&ifaces, "lo", "new_flows=5/6", 'C');
	check(ifaces_find(&ifaces, if_nametoindex("lo"))->geneve.count, 2, "the sources stayed");
	ifaces_free(&ifaces);
}

/* As many sources as asked for, from 10.0.0.0 on. */
static struct prefix_list sources_make(uint32_t count, uint8_t first)
{
	struct prefix_list list = { 0 };

	for (uint32_t i = 0; i < count; i++) {
		struct prefix source = { .family = 4, .len = 32, .addr = { first, 0, (uint8_t)(i >> 8), (uint8_t)i } };

		if (prefix_list_add(&list, &source))
			bail_out("memory");
	}
	return list;
}

static void test_geneve_room(void)
{
	struct iface_entry entry = { .ifindex = 7 };
	struct ifaces ifaces = { .items = &entry, .count = 1 };
	struct error error = { .text = "" };

	entry.geneve_stored = sources_make(SPLICER_TUNNELS_MAX - 1, 10);
	entry.geneve = sources_make(SPLICER_TUNNELS_MAX, 10);
	check(ifaces_check(&ifaces, &error), 0, "one more, and as many as the trie holds");
	free(entry.geneve.items);
	entry.geneve = sources_make(2, 11);
	check(ifaces_check(&ifaces, &error), -1, "those that come do not fit beside those that go");
	check_text(error.text,
		   "splicer1_tunnels: full: 1025 sources with those that would go, at most 1024; take some away first",
		   "and it says so");
	check(error.exit, EXIT_STATE, "as a state");
	entry.gone = true;
	check(ifaces_check(&ifaces, &error), 0, "those of an interface that is gone are in nobody's way");
	free(entry.geneve.items);
	free(entry.geneve_stored.items);
}

static void test_geneve_sweep(void)
{
	struct iface_entry entries[] = { { .ifindex = if_nametoindex("lo") }, { .ifindex = GONE } };
	struct ifaces ifaces = { .items = entries, .count = 2 };

	entries[0].geneve = sources_make(3, 10);
	entries[1].geneve = sources_make(3, 10);
	ifaces_sweep(&ifaces);
	check(entries[0].geneve.count, 3, "sources of an interface that is there stay");
	check(entries[1].geneve.count, 0, "those of one that is gone go");
	free(entries[0].geneve.items);
	free(entries[1].geneve.items);
}

int main(void)
{
	test_lines();
	test_round_trip();
	test_precedence();
	test_sweep();
	test_room();
	test_geneve_letters();
	test_geneve_room();
	test_geneve_sweep();
	return tap_done();
}
