/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Beacons: contacts of one source with one service that come at regular times, as software makes them that asks for
 * orders.
 *
 * A series is what has the same source, destination, protocol and destination port. Sessions that begin less than a
 * quarter of `least` after one another are one contact, as tries and parallel connections come together. Of the gaps
 * from contact to contact the newest BEACON_GAPS are looked at.
 *
 * A contact that was missed, or did not come about, makes a gap of twice the time. So each gap is divided by the whole
 * number of times that it has the median of all, and that is what the coefficient of variation is taken of. By
 * test/unit/test_signbeacon.c, which prints its table, that finds nine of ten with a jitter of 20 % and a loss of 20 %
 * in 14 contacts, where the plain coefficient finds one in ten; of what is there at random it takes hardly more
 * for regular, since from 12 gaps on chance is not kind that often.
 *
 * A session that is regular itself, one of ping or of UDP from one port, has sums of the gaps of its packets: these
 * give the plain coefficient of variation, which a few missed packets hide. Of TCP it is that of the spells of silence,
 * if flow.o keeps details; without, messages and acknowledgements of their answers are gaps that tell nothing.
 *
 * What the row of this kind says:
 *   subject   source, destination, protocol and destination port
 *   observed  coefficient of variation (standard deviation / mean) of the gaps between contacts, each divided by the
 *             whole number of medians that it is nearest to, at least 1; of a single session that of the gaps between
 *             packets of its originator, not divided
 *   expected  the same of contacts at random times (Poisson): 0.51; of a single session 1
 *   rule      at least `samples` gaps, of a median of at least `least` seconds, and observed <= `most`; with --against
 *             series that are not known from there
 *   unit      ratio
 *   settings  samples 12 (3-32), least 1 (0.01-86400), most 0.15 (0-1)
 */
#include "ledger.h"
#include "profile.h"
#include "signs.h"

#include "clock.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BEACON_GAPS 32
#define BEACON_SERIES 65536

/* What contacts at random times have: test_signbeacon sees to it. */
#define RANDOM_CONTACTS 0.51
#define RANDOM_PACKETS 1.0

struct beat {
	struct series series;
	uint64_t start, last;   /* when the newest contact began, and the last session of it; ns */
	uint64_t gaps;          /* how many there were, in all */
	float gap[BEACON_GAPS]; /* seconds; a ring */
};

/* Those that came but once go first: a scan makes many of these. Then those that were seen last longest ago. */
static int beat_worth(const void *a, const void *b)
{
	const struct beat *first = a, *second = b;

	if (!first->gaps != !second->gaps)
		return first->gaps ? -1 : 1;
	if (first->last != second->last)
		return first->last > second->last ? -1 : 1;
	return memcmp(&first->series, &second->series, sizeof(first->series));
}

/* ---- how regular ---- */

static int ascending(const void *a, const void *b)
{
	const double *first = a, *second = b;

	return (*first > *second) - (*first < *second);
}

static double median(const double *values, unsigned int count)
{
	double sorted[BEACON_GAPS];

	memcpy(sorted, values, count * sizeof(*values));
	qsort(sorted, count, sizeof(*sorted), ascending);
	return (sorted[count / 2] + sorted[(count - 1) / 2]) / 2;
}

/* Of one gap: what each of the contacts that were missed in it would have had. */
static double gap_reduced(double gap, double usual)
{
	double times = floor(gap / usual + 0.5);

	return times > 1 ? gap / times : gap;
}

struct rhythm {
	double period, variation; /* seconds; a ratio */
	unsigned int gaps;
	double time; /* of all gaps, seconds */
};

/* There is at least one gap. */
static struct rhythm beat_rhythm(const struct beat *beat)
{
	struct rhythm rhythm = { .gaps = beat->gaps < BEACON_GAPS ? (unsigned int)beat->gaps : BEACON_GAPS };
	struct spread spread = { 0 };
	double gaps[BEACON_GAPS];

	for (unsigned int i = 0; i < rhythm.gaps; i++) {
		gaps[i] = (double)beat->gap[i];
		rhythm.time += gaps[i];
	}
	rhythm.period = median(gaps, rhythm.gaps);
	for (unsigned int i = 0; i < rhythm.gaps; i++)
		spread_add(&spread, gap_reduced(gaps[i], rhythm.period));
	rhythm.variation = spread_deviation(&spread) / spread.mean;
	return rhythm;
}

/* ---- what is said of it ---- */

struct limits {
	double samples, least, most;
};

static struct limits limits_of(const struct signs *signs)
{
	return (struct limits){
		.samples = sign_setting(signs, SIGN_BEACON, "samples"),
		.least = sign_setting(signs, SIGN_BEACON, "least"),
		.most = sign_setting(signs, SIGN_BEACON, "most"),
	};
}

static bool is_regular(const struct rhythm *rhythm, const struct limits *limits)
{
	return rhythm->gaps >= limits->samples && rhythm->period >= limits->least && rhythm->variation <= limits->most;
}

/* A sign, unless it is known; or with --learn what will be known. */
static int beacon_found(struct signs *signs, const struct moment *moment, const struct contact *contact,
			const struct rhythm *rhythm, struct sign *sign, struct error *error)
{
	struct series series = series_of(contact);

	if (signs->learn && profile_add_beacon(signs->learn, &series, rhythm->period))
		return error_errno(error, "profile");
	if (signs->against && profile_has_beacon(signs->against, &series))
		return 0;
	sign->observed = rhythm->variation;
	sign->threshold = sign_setting(signs, SIGN_BEACON, "most");
	sign->samples = rhythm->gaps;
	sign->since = sign->until - (uint64_t)(rhythm->time * CLOCK_SECOND);
	sign_found(signs, moment, sign);
	return 0;
}

#define SIGN_OF_SERIES (SIGN_OF_SRC | SIGN_OF_DST | SIGN_OF_DPORT | SIGN_OF_PROTO | SIGN_OF_SERVICE)

/* ---- sessions one after the other ---- */

/* Whether a contact of the series has begun with this session; those that were seen before are not seen again. */
static bool beat_add(struct beat *beat, uint64_t start, double apart)
{
	bool is_next = beat->last && (double)(start - beat->last) >= apart * CLOCK_SECOND;

	if (is_next)
		beat->gap[beat->gaps++ % BEACON_GAPS] = (float)((double)(start - beat->start) / CLOCK_SECOND);
	if (is_next || !beat->last)
		beat->start = start;
	beat->last = start;
	return is_next;
}

static int look_at_session(struct signs *signs, const struct moment *moment, const struct contact *contact,
			   const struct limits *limits, struct error *error)
{
	struct series series = series_of(contact);
	struct beat *beat = ledger_put(&signs->beats, &series);
	struct sign sign;
	struct rhythm rhythm;

	if (!beat)
		return error_errno(error, "beacons");
	if (contact->start <= beat->last || !beat_add(beat, contact->start, limits->least / 4))
		return 0;
	rhythm = beat_rhythm(beat);
	if (!is_regular(&rhythm, limits))
		return 0;
	sign = sign_of(SIGN_BEACON, contact, SIGN_OF_SERIES);
	sign.expected = RANDOM_CONTACTS;
	sign.until = contact->start;
	return beacon_found(signs, moment, contact, &rhythm, &sign, error);
}

/* ---- packets of one session ---- */

static struct rhythm session_rhythm(const struct contact *contact)
{
	double count = (double)contact->gaps, time = (double)contact->gap_sum, mean = time / count;
	double variance = contact->gap_squares / count - mean * mean;

	return (struct rhythm){
		.period = mean / CLOCK_SECOND,
		.variation = sqrt(variance > 0 ? variance : 0) / mean,
		.gaps = contact->gaps < UINT32_MAX ? (unsigned int)contact->gaps : UINT32_MAX,
		.time = time / CLOCK_SECOND,
	};
}

static int look_within_session(struct signs *signs, const struct moment *moment, const struct contact *contact,
			       const struct limits *limits, struct error *error)
{
	struct rhythm rhythm;
	struct sign sign;

	/* of what was counted long ago, the sums are those up to its last packet */
	if (!contact->gaps || !contact->gap_sum || contact->last <= moment->before || contact->last > moment->now)
		return 0;
	rhythm = session_rhythm(contact);
	if (!is_regular(&rhythm, limits))
		return 0;
	sign = sign_of(SIGN_BEACON, contact, SIGN_OF_SERIES);
	sign.expected = RANDOM_PACKETS;
	sign.until = contact->last;
	return beacon_found(signs, moment, contact, &rhythm, &sign, error);
}

int signs_look_beacon(struct signs *signs, const struct moment *moment, struct error *error)
{
	struct limits limits = limits_of(signs);

	if (!signs->beats.most)
		signs->beats = LEDGER_OF(struct beat, series, BEACON_SERIES, beat_worth);
	for (size_t i = 0; i < moment->recent_count; i++)
		if (moment->recent[i]->is_attempt && look_at_session(signs, moment, moment->recent[i], &limits, error))
			return -1;
	for (size_t i = 0; i < moment->all_count; i++)
		if (moment->all[i]->is_attempt && look_within_session(signs, moment, moment->all[i], &limits, error))
			return -1;
	return 0;
}
