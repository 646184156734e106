/* SPDX-License-Identifier: GPL-2.0-only */
#include "iface.h"

#include "array.h"
#include "rule.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- text ---- */

static const char *const ssh_words[] = {
	[SSH_UNSET] = "default", [SSH_AUTO] = "auto", [SSH_ANY] = "any", [SSH_OWN] = "own", [SSH_OFF] = "off", NULL,
};

static const char *const nonip_words[] = {
	[NONIP_UNSET] = "default",
	[NONIP_DROP] = "drop",
	[NONIP_PASS] = "pass",
	NULL,
};

static const char *const mode_words[] = {
	[MODE_UNSET] = "default",
	[MODE_PREVENT] = "prevent",
	[MODE_DETECT] = "detect",
	NULL,
};

static const char *const gate_words[] = {
	[GATE_UNSET] = "default",
	[GATE_DROP] = "drop",
	[GATE_PASS] = "pass",
	NULL,
};

const struct setting_kind setting_kinds[SETTING_COUNT] = {
	[SETTING_SSH] = { "ssh", "SSH", ssh_words, SSH_AUTO },
	[SETTING_NONIP] = { "nonip", "NONIP", nonip_words, NONIP_DROP },
	[SETTING_MODE] = { "mode", "MODE", mode_words, MODE_PREVENT },
	[SETTING_OUT] = { "out", "OUT", gate_words, GATE_PASS },
	[SETTING_ICMP_ECHO] = { "icmp_echo", "ICMP_ECHO", gate_words, GATE_DROP },
	[SETTING_ON_TRUNCATED] = { "on_truncated", "ON_TRUNCATED", gate_words, GATE_DROP },
	[SETTING_ON_FULL] = { "on_full", "ON_FULL", gate_words, GATE_DROP },
	[SETTING_ON_STATE] = { "on_state", "ON_STATE", gate_words, GATE_PASS },
};

const char *setting_word(enum splicer_setting setting, uint8_t value)
{
	const char *const *words = setting_kinds[setting].words;

	for (uint8_t i = 0; words[i]; i++)
		if (i == value)
			return words[i];
	return "unknown";
}

int iface_parse(const char *name, uint32_t *ifindex, struct error *error)
{
	char text[IF_NAMESIZE];

	if (!strcmp(name, "any")) {
		*ifindex = SPLICER_IFACE_ANY;
		return 0;
	}
	if (rule_parse_interface(name, ifindex, error))
		return -1;
	return if_indextoname(*ifindex, text) ? 0 : error_state(error, name, "no such interface");
}

/* "a, b or c" */
static void choices_add(char *text, size_t size, const char *word, bool first, bool last)
{
	size_t used = strlen(text);

	snprintf(text + used, size - used, "%s%s", first ? "" : last ? " or " : ", ", word);
}

static int setting_unknown(const char *operand, struct error *error)
{
	char choices[256] = "";

	for (size_t i = 0; i < SETTING_COUNT; i++)
		choices_add(choices, sizeof(choices), setting_kinds[i].name, !i, i + 1 == SETTING_COUNT);
	return error_usage(error, operand, "expected SETTING=VALUE, where SETTING is %s", choices);
}

static int word_unknown(const char *operand, const struct setting_kind *kind, struct error *error)
{
	char choices[256] = "";

	for (size_t i = 0; kind->words[i]; i++)
		choices_add(choices, sizeof(choices), kind->words[i], !i, !kind->words[i + 1]);
	return error_usage(error, operand, "%s is %s", kind->name, choices);
}

static int setting_parse(const char *operand, struct iface_change *change, struct error *error)
{
	size_t size = strcspn(operand, "="), i;
	const struct setting_kind *kind;

	for (i = 0; i < SETTING_COUNT; i++)
		if (strlen(setting_kinds[i].name) == size && !memcmp(setting_kinds[i].name, operand, size))
			break;
	if (i == SETTING_COUNT || !operand[size])
		return setting_unknown(operand, error);
	kind = &setting_kinds[i];
	if (change->given[i])
		return error_usage(error, operand, "%s was said already", kind->name);
	change->given[i] = true;
	for (uint8_t value = 0; kind->words[value]; value++) {
		change->setting[i] = value;
		if (!strcmp(kind->words[value], operand + size + 1))
			return 0;
	}
	return word_unknown(operand, kind, error);
}

int iface_change_parse(char *const *operands, int count, struct iface_change *change, struct error *error)
{
	*change = (struct iface_change){ 0 };
	if (count < 2)
		return error_usage(error, count ? operands[0] : "operands", "expected IF SETTING=VALUE...");
	for (int i = 1; i < count; i++)
		if (setting_parse(operands[i], change, error))
			return -1;
	return iface_parse(operands[0], &change->ifindex, error);
}

/* ---- in memory ---- */

static bool is_empty(const struct splicer_iface *iface)
{
	static const struct splicer_iface empty;

	return !memcmp(iface, &empty, sizeof(empty));
}

static struct iface_entry *entry_add(struct ifaces *ifaces, uint32_t ifindex)
{
	struct iface_entry *items = array_room(ifaces->items, ifaces->count, sizeof(*items));

	if (!items)
		return NULL;
	ifaces->items = items;
	items[ifaces->count] = (struct iface_entry){ .ifindex = ifindex };
	return &items[ifaces->count++];
}

static struct iface_entry *entry_find(const struct ifaces *ifaces, uint32_t ifindex)
{
	for (size_t i = 0; i < ifaces->count; i++)
		if (ifaces->items[i].ifindex == ifindex)
			return &ifaces->items[i];
	return NULL;
}

const struct iface_entry *ifaces_find(const struct ifaces *ifaces, uint32_t ifindex)
{
	return entry_find(ifaces, ifindex);
}

static void entry_set(struct iface_entry *entry, const struct splicer_iface *now)
{
	entry->now = *now;
	entry->changed = memcmp(&entry->now, &entry->stored, sizeof(entry->now)) != 0;
}

int ifaces_apply(struct ifaces *ifaces, struct iface_change *change, struct error *error)
{
	struct iface_entry *entry = entry_find(ifaces, change->ifindex);
	struct splicer_iface now;

	if (!entry)
		entry = entry_add(ifaces, change->ifindex);
	if (!entry)
		return error_errno(error, SPLICER_IFACES);
	now = entry->now;
	for (size_t i = 0; i < SETTING_COUNT; i++)
		if (change->given[i])
			now.setting[i] = change->setting[i];
	change->letter = memcmp(&now, &entry->now, sizeof(now)) ? 'C' : '=';
	entry_set(entry, &now);
	return 0;
}

/* Only what the kernel says is gone: another error tells nothing. */
static bool is_gone(uint32_t ifindex)
{
	char name[IF_NAMESIZE];

	return ifindex != SPLICER_IFACE_ANY && !if_indextoname(ifindex, name) && (errno == ENXIO || errno == ENODEV);
}

void ifaces_sweep(struct ifaces *ifaces)
{
	static const struct splicer_iface empty;

	for (size_t i = 0; i < ifaces->count; i++)
		if (is_gone(ifaces->items[i].ifindex))
			entry_set(&ifaces->items[i], &empty);
}

bool iface_entry_says(const struct iface_entry *entry)
{
	for (size_t i = 0; i < SETTING_COUNT; i++)
		if (entry->now.setting[i])
			return true;
	return false;
}

static uint8_t setting_said(const struct ifaces *ifaces, uint32_t ifindex, enum splicer_setting setting)
{
	const struct iface_entry *entry = ifaces_find(ifaces, ifindex);

	return entry ? entry->now.setting[setting] : 0;
}

uint8_t ifaces_effective(const struct ifaces *ifaces, uint32_t ifindex, enum splicer_setting setting,
			 enum setting_origin *origin)
{
	uint8_t value = setting_said(ifaces, ifindex, setting);

	*origin = ifindex == SPLICER_IFACE_ANY ? ORIGIN_ANY : ORIGIN_IFACE;
	if (!value && ifindex != SPLICER_IFACE_ANY) {
		value = setting_said(ifaces, SPLICER_IFACE_ANY, setting);
		*origin = ORIGIN_ANY;
	}
	if (value)
		return value;
	*origin = ORIGIN_BUILT_IN;
	return setting_kinds[setting].fallback;
}

/* ---- the map ---- */

static int entry_order(const void *left, const void *right)
{
	const struct iface_entry *a = left, *b = right;

	return (a->ifindex > b->ifindex) - (a->ifindex < b->ifindex);
}

/* Bounded: an entry that goes while the keys are walked makes the walk begin anew. */
static int entries_read(int map, struct ifaces *ifaces)
{
	uint32_t key, *previous = NULL;

	while (ifaces->count < SPLICER_IFACES_MAX && !bpf_map_get_next_key(map, previous, &key)) {
		struct splicer_iface value;
		struct iface_entry *entry;

		previous = &key;
		if (entry_find(ifaces, key) || bpf_map_lookup_elem(map, &key, &value))
			continue;
		entry = entry_add(ifaces, key);
		if (!entry)
			return -1;
		entry->stored = entry->now = value;
	}
	return 0;
}

int ifaces_read(const struct pins *pins, struct ifaces *ifaces, struct error *error)
{
	int map = pin_open(pins, &pin_ifaces, error), result;

	*ifaces = (struct ifaces){ 0 };
	if (map < 0)
		return -1;
	result = entries_read(map, ifaces);
	close(map);
	if (result)
		return error_errno(error, SPLICER_IFACES);
	if (ifaces->count)
		qsort(ifaces->items, ifaces->count, sizeof(*ifaces->items), entry_order);
	return 0;
}

int ifaces_check(const struct ifaces *ifaces, struct error *error)
{
	size_t used = 0;

	for (size_t i = 0; i < ifaces->count; i++)
		used += !is_empty(&ifaces->items[i].now);
	if (used <= SPLICER_IFACES_MAX)
		return 0;
	return error_state(error, SPLICER_IFACES, "full: settings of %zu interfaces, at most %d", used,
			   SPLICER_IFACES_MAX);
}

static int entry_write(int map, uint32_t ifindex, const struct splicer_iface *value)
{
	if (!is_empty(value))
		return bpf_map_update_elem(map, &ifindex, value, BPF_ANY);
	return bpf_map_delete_elem(map, &ifindex) && errno != ENOENT ? -1 : 0;
}

/* Entries that go make room for those that come, so they are first. */
static int entries_write(int map, const struct ifaces *ifaces)
{
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < ifaces->count; i++) {
			const struct iface_entry *entry = &ifaces->items[i];

			if (entry->changed && is_empty(&entry->now) == !pass &&
			    entry_write(map, entry->ifindex, &entry->now))
				return -1;
		}
	}
	return 0;
}

static void entries_restore(int map, const struct ifaces *ifaces)
{
	int saved = errno;

	for (size_t i = 0; i < ifaces->count; i++)
		if (ifaces->items[i].changed)
			entry_write(map, ifaces->items[i].ifindex, &ifaces->items[i].stored);
	errno = saved;
}

/* The program looks up only what was ever set: so it must be told before that is. */
static void tell_seen(struct splicer_config *config, const struct ifaces *ifaces)
{
	__u64 seen = 0;

	for (size_t i = 0; i < ifaces->count; i++) {
		const struct splicer_iface *now = &ifaces->items[i].now;

		for (__u32 n = 0; n < SETTING_COUNT; n++)
			seen |= (__u64)(now->setting[n] != 0) << n;
		for (__u32 n = 0; n < NUMBER_COUNT; n++)
			seen |= (__u64)(now->number[n] != 0) << (32 + n);
	}
	__atomic_fetch_or(&config->settings_seen, seen, __ATOMIC_SEQ_CST);
}

int ifaces_write(const struct pins *pins, struct ifaces *ifaces, struct error *error)
{
	int map, result = 0;

	if (ifaces_check(ifaces, error))
		return -1;
	map = pin_open(pins, &pin_ifaces, error);
	if (map < 0)
		return -1;
	tell_seen(pins->config, ifaces);
	if (entries_write(map, ifaces)) {
		entries_restore(map, ifaces);
		result = error_errno(error, SPLICER_IFACES);
	}
	close(map);
	return result;
}

int ifaces_forget_gone(const struct pins *pins, struct error *error)
{
	struct ifaces ifaces;
	int result = ifaces_read(pins, &ifaces, error);

	if (!result) {
		ifaces_sweep(&ifaces);
		result = ifaces_write(pins, &ifaces, error);
	}
	free(ifaces.items);
	return result;
}
