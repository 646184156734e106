/* SPDX-License-Identifier: GPL-2.0-only */
/* Sources whose connections fail too often, and those that log in too often. */
#include "contactgroup.h"
#include "signs.h"

#include <math.h>

/* ---- connections that fail ---- */

/* One in a thousand times a true share lies below the lower end of Wilson's interval, or above the upper one. */
#define WILSON_Z 3.29

/* E. B. Wilson, Probable Inference, the Law of Succession, and Statistical Inference, 1927. */
static double wilson_low(double share, double samples)
{
	double z2 = WILSON_Z * WILSON_Z, middle = share + z2 / (2 * samples);
	double margin = WILSON_Z * sqrt(share * (1 - share) / samples + z2 / (4 * samples * samples));

	return (middle - margin) / (1 + z2 / samples);
}

static bool is_decided(const struct contact *contact)
{
	return contact->is_opened && contact->outcome != CONTACT_PENDING;
}

static uint64_t hash_nothing(uint64_t hash, const struct contact *contact)
{
	(void)contact;
	return hash;
}

static uint64_t failed_count(const struct contact_group *group)
{
	uint64_t count = 0;

	for (size_t i = 0; i < group->count; i++)
		count += group->entries[i].contact->outcome != CONTACT_ANSWERED;
	return count;
}

static void failed_judge(struct signs *signs, const struct moment *moment, const struct contact_group *group)
{
	struct sign sign = sign_of(SIGN_FAILED, group->first, SIGN_OF_SRC | SIGN_OF_PROTO);
	double samples = (double)group->count;

	if (samples < sign_setting(signs, SIGN_FAILED, "samples"))
		return;
	sign.observed = (double)failed_count(group) / samples;
	sign.samples = group->count;
	sign.expected = sign_expected(signs, SIGN_FAILED, 0.1);
	sign.threshold = fmax(sign.expected, sign_setting(signs, SIGN_FAILED, "least"));
	sign.is_proven = group_is_proven(group);
	sign_judge(signs, moment, &sign, wilson_low(sign.observed, samples) > sign.threshold);
}

int signs_look_failed(struct signs *signs, const struct moment *moment, struct error *error)
{
	static const struct contact_grouping grouping = { is_decided, hash_source, hash_nothing, failed_judge };

	return contacts_group(signs, moment, &grouping, error);
}

/* ---- attempts to log in ---- */

static bool is_login(const struct contact *contact)
{
	return service_is_login(contact->service);
}

static uint64_t hash_client(uint64_t hash, const struct contact *contact)
{
	return hash_number(hash_source(hash, contact), (uint64_t)contact->service << 8 | contact->proto);
}

/* The destination is named where there is only one, and so is the port. */
static unsigned int only_server(const struct contact_group *group)
{
	bool is_one_port = true;

	for (size_t i = 0; i < group->count; i++)
		is_one_port &= group->entries[i].contact->dport == group->first->dport;
	return (group_details(group) == 1 ? SIGN_OF_DST : 0) | (is_one_port ? SIGN_OF_DPORT : 0);
}

static uint64_t attempts_count(const struct contact_group *group, double most)
{
	uint64_t count = 0;

	for (size_t i = 0; i < group->count; i++)
		count += (double)group->entries[i].contact->payload[0] <= most;
	return count;
}

static void logins_judge(struct signs *signs, const struct moment *moment, const struct contact_group *group)
{
	unsigned int parts = SIGN_OF_SRC | SIGN_OF_PROTO | SIGN_OF_SERVICE | only_server(group);
	struct sign sign = sign_of(SIGN_LOGINS, group->first, parts);

	sign.observed = (double)attempts_count(group, sign_setting(signs, SIGN_LOGINS, "most"));
	sign.samples = group->count;
	sign.expected = sign_expected(signs, SIGN_LOGINS, 1);
	sign.threshold = sign_setting(signs, SIGN_LOGINS, "least");
	sign.is_proven = group_is_proven(group);
	sign_judge(signs, moment, &sign, sign.observed >= sign.threshold);
}

int signs_look_logins(struct signs *signs, const struct moment *moment, struct error *error)
{
	static const struct contact_grouping grouping = { is_login, hash_client, hash_destination, logins_judge };

	return contacts_group(signs, moment, &grouping, error);
}
