/* SPDX-License-Identifier: GPL-2.0-only */
#include "contactgroup.h"

#include <stdlib.h>
#include <string.h>

/* ---- hashes ---- */

uint64_t hash_number(uint64_t hash, uint64_t number)
{
	hash = (hash ^ number) * 0x9e3779b97f4a7c15ull;
	return hash ^ hash >> 32;
}

static uint64_t hash_address(uint64_t hash, uint8_t family, const uint8_t address[16])
{
	uint64_t words[2];

	memcpy(words, address, sizeof(words));
	return hash_number(hash_number(hash_number(hash, family), words[0]), words[1]);
}

uint64_t hash_source_anywhere(uint64_t hash, const struct contact *contact)
{
	return hash_address(hash, contact->family, contact->src);
}

uint64_t hash_destination_anywhere(uint64_t hash, const struct contact *contact)
{
	return hash_address(hash, contact->family, contact->dst);
}

uint64_t hash_source(uint64_t hash, const struct contact *contact)
{
	return hash_source_anywhere(hash_number(hash, contact->ifindex), contact);
}

uint64_t hash_destination(uint64_t hash, const struct contact *contact)
{
	return hash_destination_anywhere(hash_number(hash, contact->ifindex), contact);
}

bool contact_is_attempt(const struct contact *contact)
{
	return contact->is_attempt;
}

/* ---- groups ---- */

static int entry_order(const void *left, const void *right)
{
	const struct contact_entry *a = left, *b = right;

	if (a->subject != b->subject)
		return a->subject < b->subject ? -1 : 1;
	return a->detail < b->detail ? -1 : a->detail > b->detail;
}

static size_t pick_all(const struct signs *signs, const struct moment *moment, const struct contact_grouping *grouping,
		       struct contact_entry *entries)
{
	size_t count = 0;

	for (size_t i = 0; i < moment->recent_count; i++) {
		const struct contact *contact = moment->recent[i];

		if (grouping->pick(contact))
			entries[count++] = (struct contact_entry){
				.subject = grouping->subject(signs->seed, contact),
				.detail = grouping->detail(signs->seed, contact),
				.contact = contact,
				.place = i,
			};
	}
	return count;
}

static size_t subject_end(const struct contact_entry *entries, size_t from, size_t count)
{
	size_t end = from + 1;

	while (end < count && entries[end].subject == entries[from].subject)
		end++;
	return end;
}

/* The entry that came first, of those of a subject. */
static size_t first_place(const struct contact_entry *entries, size_t from, size_t end)
{
	size_t first = entries[from].place;

	for (size_t i = from + 1; i < end; i++)
		if (entries[i].place < first)
			first = entries[i].place;
	return first;
}

/* Of a group: where it began in time, and where its entries are. */
struct stretch {
	size_t place, from, end;
};

static int stretch_order(const void *left, const void *right)
{
	const struct stretch *a = left, *b = right;

	return a->place < b->place ? -1 : a->place > b->place;
}

/* Hashes have an order of their own in each process; what is told should not. */
static size_t stretches_sort(struct stretch *stretches, const struct contact_entry *entries, size_t count)
{
	size_t groups = 0;

	for (size_t from = 0, end; from < count; from = end) {
		end = subject_end(entries, from, count);
		stretches[groups++] = (struct stretch){ first_place(entries, from, end), from, end };
	}
	qsort(stretches, groups, sizeof(*stretches), stretch_order);
	return groups;
}

static void groups_judge(struct signs *signs, const struct moment *moment, const struct contact_grouping *grouping,
			 struct contact_entry *entries, struct stretch *stretches)
{
	size_t count = pick_all(signs, moment, grouping, entries), groups;

	qsort(entries, count, sizeof(*entries), entry_order);
	groups = stretches_sort(stretches, entries, count);
	for (size_t i = 0; i < groups; i++) {
		const struct contact_group group = {
			.entries = entries + stretches[i].from,
			.count = stretches[i].end - stretches[i].from,
			.first = moment->recent[stretches[i].place],
		};

		grouping->judge(signs, moment, &group);
	}
}

int contacts_group(struct signs *signs, const struct moment *moment, const struct contact_grouping *grouping,
		   struct error *error)
{
	struct contact_entry *entries = calloc(moment->recent_count + 1, sizeof(*entries));
	struct stretch *stretches = calloc(moment->recent_count + 1, sizeof(*stretches));
	bool has_room = entries && stretches;

	if (has_room)
		groups_judge(signs, moment, grouping, entries, stretches);
	free(entries);
	free(stretches);
	return has_room ? 0 : error_errno(error, "sessions");
}

size_t group_next(const struct contact_group *group, size_t from)
{
	size_t end = from + 1;

	while (end < group->count && group->entries[end].detail == group->entries[from].detail)
		end++;
	return end;
}

size_t group_details(const struct contact_group *group)
{
	size_t count = 0;

	for (size_t from = 0; from < group->count; from = group_next(group, from))
		count++;
	return count;
}

bool group_is_proven(const struct contact_group *group)
{
	for (size_t i = 0; i < group->count; i++)
		if (group->entries[i].contact->is_proven)
			return true;
	return false;
}
