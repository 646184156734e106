/* SPDX-License-Identifier: GPL-2.0-only */
/* Scans: many ports of one destination, or one port of many destinations, most of which do not answer. */
#include "contactgroup.h"
#include "signs.h"

#include <netinet/in.h>
#include <string.h>

/* Where traceroute sends to; by its port it tells its packets apart. */
#define TRACEROUTE_FIRST 33434
#define TRACEROUTE_LAST 33533

/* ---- what was tried ---- */

struct targets {
	uint64_t tried, unanswered; /* what is known to be either; of what is pending nothing is known */
};

/* One that answered once is no target that does not. */
static void target_count(struct targets *targets, const struct contact_group *group, size_t from, size_t end)
{
	bool is_answered = false, is_unanswered = false;

	for (size_t i = from; i < end; i++) {
		is_answered |= group->entries[i].contact->outcome == CONTACT_ANSWERED;
		is_unanswered |= group->entries[i].contact->outcome == CONTACT_FAILED ||
				 group->entries[i].contact->outcome == CONTACT_REFUSED;
	}
	targets->tried += is_answered || is_unanswered;
	targets->unanswered += is_unanswered && !is_answered;
}

static struct targets targets_count(const struct contact_group *group)
{
	struct targets targets = { 0 };

	for (size_t from = 0, end; from < group->count; from = end) {
		end = group_next(group, from);
		target_count(&targets, group, from, end);
	}
	return targets;
}

static void scan_judge(struct signs *signs, const struct moment *moment, const struct contact_group *group,
		       struct sign sign)
{
	const struct targets targets = targets_count(group);
	double share = sign_setting(signs, sign.kind, "share");

	sign.observed = (double)targets.unanswered;
	sign.samples = targets.tried;
	sign.expected = sign_expected(signs, sign.kind, 1);
	sign.threshold = sign_setting(signs, sign.kind, "least");
	sign.is_proven = group_is_proven(group);
	sign_judge(signs, moment, &sign,
		   sign.observed >= sign.threshold && sign.observed >= share * (double)targets.tried);
}

/* ---- ports of a destination ---- */

static bool is_traceroute(const struct contact *contact)
{
	return contact->proto == IPPROTO_UDP && contact->dport >= TRACEROUTE_FIRST && contact->dport <= TRACEROUTE_LAST;
}

static bool tries_port(const struct contact *contact)
{
	return contact->is_attempt && contact->dport && !is_traceroute(contact);
}

static uint64_t hash_ends(uint64_t hash, const struct contact *contact)
{
	return hash_number(hash_destination(hash_source(hash, contact), contact), contact->proto);
}

static uint64_t hash_port(uint64_t hash, const struct contact *contact)
{
	return hash_number(hash, contact->dport);
}

static void ports_judge(struct signs *signs, const struct moment *moment, const struct contact_group *group)
{
	scan_judge(signs, moment, group,
		   sign_of(SIGN_PORT_SCAN, group->first, SIGN_OF_SRC | SIGN_OF_DST | SIGN_OF_PROTO));
}

int signs_look_port_scan(struct signs *signs, const struct moment *moment, struct error *error)
{
	static const struct contact_grouping grouping = { tries_port, hash_ends, hash_port, ports_judge };

	return contacts_group(signs, moment, &grouping, error);
}

/* ---- destinations of a port ---- */

static bool is_to_many(const struct contact *contact)
{
	static const uint8_t broadcast[4] = { 255, 255, 255, 255 };

	if (contact->family == 6)
		return contact->dst[0] == 0xff;
	return contact->dst[0] >> 4 == 0xe || !memcmp(contact->dst, broadcast, sizeof(broadcast));
}

/* Who sends to a group is not answered, and there may be many groups. */
static bool tries_address(const struct contact *contact)
{
	return contact->is_attempt && !is_to_many(contact);
}

static uint64_t hash_errand(uint64_t hash, const struct contact *contact)
{
	return hash_number(hash_source(hash, contact), (uint64_t)contact->proto << 16 | contact->dport);
}

static void addresses_judge(struct signs *signs, const struct moment *moment, const struct contact_group *group)
{
	scan_judge(signs, moment, group,
		   sign_of(SIGN_ADDRESS_SCAN, group->first, SIGN_OF_SRC | SIGN_OF_PROTO | SIGN_OF_DPORT));
}

int signs_look_address_scan(struct signs *signs, const struct moment *moment, struct error *error)
{
	static const struct contact_grouping grouping = { tries_address, hash_errand, hash_destination,
							  addresses_judge };

	return contacts_group(signs, moment, &grouping, error);
}
