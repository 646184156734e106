/* SPDX-License-Identifier: GPL-2.0-only */
/* SYN floods: sessions that are opened to a port, whose handshake nobody completes. */
#include "contactgroup.h"
#include "signs.h"

static bool is_opened(const struct contact *contact)
{
	return contact->is_opened;
}

static uint64_t hash_target(uint64_t hash, const struct contact *contact)
{
	return hash_number(hash_destination(hash, contact), contact->dport);
}

/* Where sessions lose their places to others there is no time to wait whether a handshake is completed yet. */
static uint64_t half_open_count(const struct contact_group *group, bool is_crowded)
{
	uint64_t count = 0;

	for (size_t i = 0; i < group->count; i++)
		count += is_crowded ? group->entries[i].contact->is_opening : group->entries[i].contact->is_half_open;
	return count;
}

static void flood_judge(struct signs *signs, const struct moment *moment, const struct contact_group *group)
{
	struct sign sign = sign_of(SIGN_SYN_FLOOD, group->first, SIGN_OF_DST | SIGN_OF_DPORT | SIGN_OF_PROTO);
	double least = sign_setting(signs, SIGN_SYN_FLOOD, "least");
	double share = sign_setting(signs, SIGN_SYN_FLOOD, "share");

	sign.observed = (double)half_open_count(group, (double)moment->evicted >= least);
	sign.samples = group->count;
	sign.sources = group_details(group);
	sign.expected = sign_expected(signs, SIGN_SYN_FLOOD, 0);
	sign.threshold = least;
	sign.is_least = moment->evicted != 0;
	sign_judge(signs, moment, &sign, sign.observed >= least && sign.observed >= share * (double)group->count);
}

int signs_look_syn_flood(struct signs *signs, const struct moment *moment, struct error *error)
{
	static const struct contact_grouping grouping = { is_opened, hash_target, hash_source, flood_judge };

	return contacts_group(signs, moment, &grouping, error);
}
