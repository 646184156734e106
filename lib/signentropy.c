/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The entropy of the sources of what is new at a destination: many that were never here, as of a flood, make it go up,
 * a few that push all others aside make it go down.
 *
 * It is taken in windows that do not overlap. The spread of the windows before it is kept of ENTROPY_DESTINATIONS; a
 * window that is a sign is not part of it, but after as many of these in a row as it takes to know what is usual, that
 * is found out anew. All sources of a window are sorted: forged ones cost what they take among the contacts, no more.
 *
 * What the row of this kind says:
 *   subject   destination address
 *   observed  entropy of the sources of sessions that began in the window: sum of p * log2(1 / p) over all sources,
 *             p being a source's share of the sessions, and (sources - 1) / (2 * sessions * ln 2) more (Miller and
 *             Madow, 1955: so much the sample of so many is too low)
 *   expected  mean of the same in the windows before that were no signs, or of the profile
 *   rule      at least `samples` sessions, at least `windows` windows before, or in the profile, with as many, and
 *             |observed - expected| > the greater of `deviations` standard deviations and `least` bits
 *   unit      bits
 *   settings  samples 50 (2-1000000), deviations 5 (0-1000), least 1 (0-64), windows 5 (2-1000000)
 */
#include "contactgroup.h"
#include "ledger.h"
#include "profile.h"
#include "signs.h"

#include <math.h>
#include <string.h>

#define ENTROPY_DESTINATIONS 16384

struct usual {
	struct host dst;
	struct spread bits;
	uint64_t in_a_row; /* windows that were signs */
	uint64_t seen;     /* ns */
};

/* Those that came in few windows go first, and then those that were seen last longest ago. */
static int usual_worth(const void *a, const void *b)
{
	const struct usual *first = a, *second = b;

	if (first->bits.count != second->bits.count)
		return first->bits.count > second->bits.count ? -1 : 1;
	if (first->seen != second->seen)
		return first->seen > second->seen ? -1 : 1;
	return memcmp(&first->dst, &second->dst, sizeof(first->dst));
}

/* ---- of the sessions of one destination ---- */

static double entropy(const struct contact_group *group)
{
	double bits = 0, all = (double)group->count;
	size_t sources = 0;

	for (size_t from = 0, next; from < group->count; from = next, sources++) {
		next = group_next(group, from);
		bits += (double)(next - from) / all * log2(all / (double)(next - from));
	}
	return bits + (double)(sources - 1) / (2 * all * M_LN2);
}

/* ---- what is said of it ---- */

struct limits {
	double samples, deviations, least, windows;
};

static struct limits limits_of(const struct signs *signs)
{
	return (struct limits){
		.samples = sign_setting(signs, SIGN_ENTROPY, "samples"),
		.deviations = sign_setting(signs, SIGN_ENTROPY, "deviations"),
		.least = sign_setting(signs, SIGN_ENTROPY, "least"),
		.windows = sign_setting(signs, SIGN_ENTROPY, "windows"),
	};
}

static double difference_allowed(const struct spread *usual, const struct limits *limits)
{
	return fmax(limits->deviations * spread_deviation(usual), limits->least);
}

/* Whether it is far from what is usual, which is then said. */
static bool look_for_sign(struct signs *signs, const struct moment *moment, const struct contact_group *group,
			  const struct spread *usual, const struct limits *limits, double bits)
{
	double allowed = difference_allowed(usual, limits);
	struct sign sign;

	if ((double)usual->count < limits->windows || fabs(bits - usual->mean) <= allowed)
		return false;
	sign = sign_of(SIGN_ENTROPY, group->first, SIGN_OF_DST);
	sign.observed = bits;
	sign.expected = usual->mean;
	sign.threshold = bits > usual->mean ? usual->mean + allowed : usual->mean - allowed;
	sign.samples = group->count;
	sign.since = moment->now - moment->window;
	sign.until = moment->now;
	sign_found(signs, moment, &sign);
	return true;
}

/* What a profile has of it, if that is enough to be held against. */
static const struct spread *known_of(const struct signs *signs, const struct host *dst, const struct limits *limits)
{
	const struct spread *known = signs->against ? profile_entropy(signs->against, dst) : NULL;

	return known && (double)known->count >= limits->windows ? known : NULL;
}

static void usual_add(struct usual *usual, bool is_sign, double bits, const struct limits *limits)
{
	if (is_sign && (double)++usual->in_a_row < limits->windows)
		return;
	if (is_sign)
		usual->bits = (struct spread){ 0 };
	usual->in_a_row = 0;
	spread_add(&usual->bits, bits);
}

static int destination_add(struct signs *signs, const struct moment *moment, const struct contact_group *group,
			   const struct limits *limits)
{
	struct host dst = host_of(group->first->family, group->first->dst);
	struct usual *usual = ledger_put(&signs->usual, &dst);
	const struct spread *known = known_of(signs, &dst, limits);
	double bits = entropy(group);
	bool is_sign;

	if (!usual || (signs->learn && profile_add_entropy(signs->learn, &dst, bits)))
		return -1;
	usual->seen = moment->now;
	is_sign = look_for_sign(signs, moment, group, known ? known : &usual->bits, limits, bits);
	usual_add(usual, is_sign, bits, limits);
	return 0;
}

static void look_at_destination(struct signs *signs, const struct moment *moment, const struct contact_group *group)
{
	struct limits limits = limits_of(signs);

	if ((double)group->count >= limits.samples && destination_add(signs, moment, group, &limits))
		signs->usual_failed = true;
}

static const struct contact_grouping by_destination = {
	.pick = contact_is_attempt,
	/* what is seen on two interfaces has each source twice, and the same shares */
	.subject = hash_destination_anywhere,
	.detail = hash_source_anywhere,
	.judge = look_at_destination,
};

int signs_look_entropy(struct signs *signs, const struct moment *moment, struct error *error)
{
	if (!moment->is_last_of_window)
		return 0;
	if (!signs->usual.most)
		signs->usual = LEDGER_OF(struct usual, dst, ENTROPY_DESTINATIONS, usual_worth);
	if (contacts_group(signs, moment, &by_destination, error))
		return -1;
	return signs->usual_failed ? error_errno(error, "entropies") : 0;
}
