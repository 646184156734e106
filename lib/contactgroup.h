/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Contacts of a moment by what they have in common. They are sorted by hashes of it: in n log n, and with one look at
 * each contact, whose memory is nowhere near. The seed is random, so nobody can make two of them alike.
 */
#ifndef SPLICER_CONTACTGROUP_H
#define SPLICER_CONTACTGROUP_H

#include "contacts.h"
#include "error.h"
#include "signs.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef bool contact_pick(const struct contact *contact);

/* Adds what it is about to a hash. */
typedef uint64_t contact_hash(uint64_t hash, const struct contact *contact);

struct contact_entry {
	uint64_t subject, detail;
	const struct contact *contact;
	size_t place; /* in moment->recent */
};

/* Those of one subject, of which those with one detail stand beside each other. */
struct contact_group {
	const struct contact_entry *entries;
	size_t count;                /* at least 1 */
	const struct contact *first; /* the oldest one */
};

typedef void contact_judge(struct signs *signs, const struct moment *moment, const struct contact_group *group);

struct contact_grouping {
	contact_pick *pick; /* which of moment->recent are meant */
	contact_hash *subject, *detail;
	contact_judge *judge; /* is shown each group, those first that began first */
};

int contacts_group(struct signs *signs, const struct moment *moment, const struct contact_grouping *grouping,
		   struct error *error);

/* Where those with another detail begin that come after entry `from` of a group. */
size_t group_next(const struct contact_group *group, size_t from);

/* How many details there are. */
size_t group_details(const struct contact_group *group);

/* Whether one of them proves that the address of its originator is no forgery. */
bool group_is_proven(const struct contact_group *group);

/* ---- hashes ---- */

uint64_t hash_number(uint64_t hash, uint64_t number);

/* Also where it was seen: a packet that passes two interfaces is of two sessions. */
uint64_t hash_source(uint64_t hash, const struct contact *contact);
uint64_t hash_destination(uint64_t hash, const struct contact *contact);

/* The same, whatever interface it is. */
uint64_t hash_source_anywhere(uint64_t hash, const struct contact *contact);
uint64_t hash_destination_anywhere(uint64_t hash, const struct contact *contact);

/* A contact_pick. */
bool contact_is_attempt(const struct contact *contact);

#endif
