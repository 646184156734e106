/* SPDX-License-Identifier: GPL-2.0-only */
#include "iface.h"

#include "array.h"
#include "rule.h"
#include "tunnel.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- operands ---- */

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

int iface_change_parse(char *const *operands, int count, struct iface_change *change, struct error *error)
{
	int result = 0;

	*change = (struct iface_change){ 0 };
	if (count < 2)
		return error_usage(error, count ? operands[0] : "operands", "expected IF SETTING=VALUE...");
	for (int i = 1; i < count && !result; i++)
		result = setting_parse(operands[i], &change->said, error);
	if (!result)
		result = iface_parse(operands[0], &change->ifindex, error);
	if (result)
		setting_said_free(&change->said);
	return result;
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

static bool lists_equal(const struct prefix_list *a, const struct prefix_list *b)
{
	return a->count == b->count && (!a->count || !memcmp(a->items, b->items, a->count * sizeof(*a->items)));
}

static int list_copy(const struct prefix_list *from, struct prefix_list *to)
{
	*to = (struct prefix_list){ 0 };
	for (size_t i = 0; i < from->count; i++)
		if (prefix_list_add(to, &from->items[i]))
			return -1;
	return 0;
}

/* 1: it is another list now; 0: it was so already; -1 with errno. */
static int geneve_replace(struct iface_entry *entry, const struct prefix_list *sources)
{
	struct prefix_list copy;

	if (lists_equal(&entry->geneve, sources))
		return 0;
	if (list_copy(sources, &copy)) {
		free(copy.items);
		return -1;
	}
	free(entry->geneve.items);
	entry->geneve = copy;
	return 1;
}

static void value_replace(struct splicer_iface *now, const struct setting_said *said)
{
	for (size_t i = 0; i < SETTING_COUNT; i++)
		if (said->given[i])
			now->setting[i] = said->value.setting[i];
	if (said->given[SETTING_NEW_FLOWS])
		memcpy(now->number, said->value.number, sizeof(now->number));
}

int ifaces_apply(struct ifaces *ifaces, struct iface_change *change, struct error *error)
{
	struct iface_entry *entry = entry_find(ifaces, change->ifindex);
	struct splicer_iface before;
	int replaced = 0;

	if (!entry)
		entry = entry_add(ifaces, change->ifindex);
	if (!entry)
		return error_errno(error, SPLICER_IFACES);
	before = entry->now;
	value_replace(&entry->now, &change->said);
	if (change->said.given[SETTING_GENEVE])
		replaced = geneve_replace(entry, &change->said.geneve);
	if (replaced < 0)
		return error_errno(error, SPLICER_TUNNELS);
	change->letter = replaced || memcmp(&before, &entry->now, sizeof(before)) ? 'C' : '=';
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
	for (size_t i = 0; i < ifaces->count; i++) {
		struct iface_entry *entry = &ifaces->items[i];

		if (!is_gone(entry->ifindex))
			continue;
		entry->gone = true;
		entry->now = (struct splicer_iface){ 0 };
		entry->geneve.count = 0;
	}
}

bool iface_entry_says(const struct iface_entry *entry)
{
	for (size_t i = 0; i < SETTINGS; i++)
		if (setting_is_set(i, &entry->now, &entry->geneve))
			return true;
	return false;
}

const struct iface_entry *ifaces_speaker(const struct ifaces *ifaces, uint32_t ifindex, size_t setting,
					 enum setting_origin *origin)
{
	const struct iface_entry *own = ifaces_find(ifaces, ifindex), *any = ifaces_find(ifaces, SPLICER_IFACE_ANY);

	*origin = ifindex == SPLICER_IFACE_ANY ? ORIGIN_ANY : ORIGIN_IFACE;
	if (own && setting_is_set(setting, &own->now, &own->geneve))
		return own;
	*origin = ORIGIN_ANY;
	if (any && setting_is_set(setting, &any->now, &any->geneve))
		return any;
	*origin = ORIGIN_BUILT_IN;
	return NULL;
}

/* ---- the maps ---- */

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

static int geneve_give(struct ifaces *ifaces, const struct tunnel *tunnel)
{
	struct iface_entry *entry = entry_find(ifaces, tunnel->ifindex);

	if (!entry)
		entry = entry_add(ifaces, tunnel->ifindex);
	return entry ? prefix_list_add(&entry->geneve_stored, &tunnel->source) : -1;
}

static int geneve_take(struct ifaces *ifaces, struct table *tunnels)
{
	for (size_t i = 0; i < tunnels->count; i++)
		if (geneve_give(ifaces, table_at(tunnels, i)))
			return -1;
	for (size_t i = 0; i < ifaces->count; i++) {
		prefix_list_sort(&ifaces->items[i].geneve_stored);
		prefix_list_unique(&ifaces->items[i].geneve_stored);
		if (list_copy(&ifaces->items[i].geneve_stored, &ifaces->items[i].geneve))
			return -1;
	}
	return 0;
}

static int geneve_read(const struct pins *pins, struct ifaces *ifaces, struct error *error)
{
	struct table tunnels;
	int result = tunnels_read(pins, &tunnels, error);

	if (!result && geneve_take(ifaces, &tunnels))
		result = error_errno(error, SPLICER_TUNNELS);
	free(tunnels.items);
	return result;
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
	if (geneve_read(pins, ifaces, error))
		return -1;
	if (ifaces->count)
		qsort(ifaces->items, ifaces->count, sizeof(*ifaces->items), entry_order);
	return 0;
}

void ifaces_free(struct ifaces *ifaces)
{
	for (size_t i = 0; i < ifaces->count; i++) {
		free(ifaces->items[i].geneve_stored.items);
		free(ifaces->items[i].geneve.items);
	}
	free(ifaces->items);
	*ifaces = (struct ifaces){ 0 };
}

/* How many there are while the new ones are in and the old ones not out yet. */
static size_t sources_count(const struct iface_entry *entry)
{
	size_t count = entry->geneve.count;

	for (size_t i = 0; i < entry->geneve_stored.count; i++)
		count += !prefix_list_has(&entry->geneve, &entry->geneve_stored.items[i]);
	return entry->gone ? 0 : count;
}

int ifaces_check(const struct ifaces *ifaces, struct error *error)
{
	size_t used = 0, sources = 0;

	for (size_t i = 0; i < ifaces->count; i++) {
		used += !is_empty(&ifaces->items[i].now);
		sources += sources_count(&ifaces->items[i]);
	}
	if (used > SPLICER_IFACES_MAX)
		return error_state(error, SPLICER_IFACES, "full: settings of %zu interfaces, at most %d", used,
				   SPLICER_IFACES_MAX);
	if (sources > SPLICER_TUNNELS_MAX)
		return error_state(error, SPLICER_TUNNELS,
				   "full: %zu sources with those that would go, at most %d; take some away first",
				   sources, SPLICER_TUNNELS_MAX);
	return 0;
}

static int entry_write(int map, uint32_t ifindex, const struct splicer_iface *value)
{
	if (!is_empty(value))
		return bpf_map_update_elem(map, &ifindex, value, BPF_ANY);
	return bpf_map_delete_elem(map, &ifindex) && errno != ENOENT ? -1 : 0;
}

static bool is_changed(const struct iface_entry *entry)
{
	return memcmp(&entry->now, &entry->stored, sizeof(entry->now)) != 0;
}

/* Entries that go make room for those that come, so they are first. */
static int entries_write(int map, const struct ifaces *ifaces)
{
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < ifaces->count; i++) {
			const struct iface_entry *entry = &ifaces->items[i];

			if (is_changed(entry) && is_empty(&entry->now) == !pass &&
			    entry_write(map, entry->ifindex, &entry->now))
				return -1;
		}
	}
	return 0;
}

static int geneve_add(int trie, const struct ifaces *ifaces)
{
	int result = 0;

	for (size_t i = 0; i < ifaces->count && !result; i++)
		result = tunnels_add(trie, ifaces->items[i].ifindex, &ifaces->items[i].geneve,
				     &ifaces->items[i].geneve_stored);
	return result;
}

/* Of interfaces that are gone, or of the others. */
static int geneve_remove(int trie, const struct ifaces *ifaces, bool gone)
{
	int result = 0;

	for (size_t i = 0; i < ifaces->count && !result; i++)
		if (ifaces->items[i].gone == gone)
			result = tunnels_remove(trie, ifaces->items[i].ifindex, &ifaces->items[i].geneve_stored,
						&ifaces->items[i].geneve);
	return result;
}

/* As it was. What is gone stays away: it has no packets. */
static void stored_restore(int map, int trie, const struct ifaces *ifaces)
{
	int saved = errno;

	for (size_t i = 0; i < ifaces->count; i++) {
		const struct iface_entry *entry = &ifaces->items[i];

		if (is_changed(entry))
			entry_write(map, entry->ifindex, &entry->stored);
		tunnels_remove(trie, entry->ifindex, &entry->geneve, &entry->geneve_stored);
		if (!entry->gone)
			tunnels_add(trie, entry->ifindex, &entry->geneve_stored, &entry->geneve);
	}
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

/* NULL, or the name of the map that refused; errno tells why. */
static const char *both_write(int map, int trie, const struct ifaces *ifaces)
{
	if (geneve_remove(trie, ifaces, true) || geneve_add(trie, ifaces))
		return SPLICER_TUNNELS;
	if (entries_write(map, ifaces))
		return SPLICER_IFACES;
	return geneve_remove(trie, ifaces, false) ? SPLICER_TUNNELS : NULL;
}

static int both_write_or_restore(int map, int trie, const struct ifaces *ifaces, struct error *error)
{
	const char *failed = both_write(map, trie, ifaces);

	if (!failed)
		return 0;
	stored_restore(map, trie, ifaces);
	return error_errno(error, failed);
}

int ifaces_write(const struct pins *pins, const struct ifaces *ifaces, struct error *error)
{
	int map, trie, result = -1;

	if (ifaces_check(ifaces, error))
		return -1;
	map = pin_open(pins, &pin_ifaces, error);
	if (map < 0)
		return -1;
	tell_seen(pins->config, ifaces);
	trie = pin_open(pins, &pin_tunnels, error);
	if (trie >= 0) {
		result = both_write_or_restore(map, trie, ifaces, error);
		close(trie);
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
	ifaces_free(&ifaces);
	return result;
}
