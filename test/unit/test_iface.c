/* SPDX-License-Identifier: GPL-2.0-only */
/* lib/iface.c: the text of settings, and the map as it is in memory. */
#include "iface.h"

#include "ifaceout.h"
#include "tap.h"

#include <net/if.h>

#define GONE 0x7ffffff0u /* no interface has this index */

/* ---- text ---- */

static const struct {
	const char *operands[4];
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
	{ { "lo", "ssh=on" }, NULL, "ssh=on: ssh is default, auto, any, own or off", EXIT_USAGE },
	{ { "lo", "ssh=" }, NULL, "ssh=: ssh is default, auto, any, own or off", EXIT_USAGE },
	{ { "lo", "ssh=OWN" }, NULL, "ssh=OWN: ssh is default, auto, any, own or off", EXIT_USAGE },
	{ { "lo", "ssh=own " }, NULL, "ssh=own : ssh is default, auto, any, own or off", EXIT_USAGE },
	{ { "lo", "nonip=own" }, NULL, "nonip=own: nonip is default, drop or pass", EXIT_USAGE },
	{ { "lo", "ssh" }, NULL, "ssh: expected SETTING=VALUE, where SETTING is ssh or nonip", EXIT_USAGE },
	{ { "lo", "ss=own" }, NULL, "ss=own: expected SETTING=VALUE, where SETTING is ssh or nonip", EXIT_USAGE },
	{ { "lo", "sshh=own" }, NULL, "sshh=own: expected SETTING=VALUE, where SETTING is ssh or nonip", EXIT_USAGE },
	{ { "lo", "=own" }, NULL, "=own: expected SETTING=VALUE, where SETTING is ssh or nonip", EXIT_USAGE },
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

	while (count < 4 && operands[count])
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
	free(ifaces.items);
	return text;
}

static void test_lines(void)
{
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		char *operands[4];
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
	}
}

/* Every combination of words is printed so that it is read back. */
static void test_round_trip(void)
{
	char bad[128] = "";

	for (uint8_t ssh = 0; ssh <= SSH_OFF; ssh++) {
		for (uint8_t nonip = 0; nonip <= NONIP_PASS; nonip++) {
			struct iface_change again;
			char words[2][32], *operands[] = { "any", words[0], words[1] };
			struct error error;

			snprintf(words[0], sizeof(words[0]), "ssh=%s", setting_word(SETTING_SSH, ssh));
			snprintf(words[1], sizeof(words[1]), "nonip=%s", setting_word(SETTING_NONIP, nonip));
			if (iface_change_parse(operands, 3, &again, &error) || again.setting[SETTING_SSH] != ssh ||
			    again.setting[SETTING_NONIP] != nonip)
				snprintf(bad, sizeof(bad), "any %s %s", words[0], words[1]);
		}
	}
	check_property(bad, "every value has a word that is read back");
	check_text(setting_word(SETTING_SSH, 200), "unknown", "a value of a later version");
}

/* ---- in memory ---- */

static void apply(struct ifaces *ifaces, uint32_t ifindex, enum splicer_setting setting, uint8_t value, char letter)
{
	struct iface_change change = { .ifindex = ifindex };
	struct error error;

	change.given[setting] = true;
	change.setting[setting] = value;
	if (ifaces_apply(ifaces, &change, &error))
		bail_out(error.text);
	check(change.letter, letter, "%u %s=%s: %c", ifindex, setting_kinds[setting].name, setting_word(setting, value),
	      letter);
}

static void check_effective(const struct ifaces *ifaces, uint32_t ifindex, enum splicer_setting setting,
			    const char *word, enum setting_origin origin)
{
	enum setting_origin got;

	check_text(setting_word(setting, ifaces_effective(ifaces, ifindex, setting, &got)), word, "%u: %s is %s",
		   ifindex, setting_kinds[setting].name, word);
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
	free(ifaces.items);
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
	free(ifaces.items);
}

static void test_room(void)
{
	struct ifaces ifaces = { 0 };
	struct iface_change change = { .given = { true }, .setting = { SSH_OWN } };
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
	change.setting[SETTING_SSH] = SSH_UNSET;
	change.ifindex = 5;
	if (ifaces_apply(&ifaces, &change, &error))
		bail_out(error.text);
	check(ifaces_check(&ifaces, &error), 0, "what says nothing takes no room");
	free(ifaces.items);
}

int main(void)
{
	test_lines();
	test_round_trip();
	test_precedence();
	test_sweep();
	test_room();
	return tap_done();
}
