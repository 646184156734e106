/* SPDX-License-Identifier: GPL-2.0-only */
#include "profile.h"

#include "clock.h"
#include "profile_internal.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* ---- keys and orders ---- */

struct host host_of(uint8_t family, const uint8_t addr[16])
{
	struct host host = { .family = family };

	memcpy(host.addr, addr, sizeof(host.addr));
	return host;
}

struct series series_of(const struct contact *contact)
{
	struct series series = { .dport = contact->dport, .proto = contact->proto, .family = contact->family };

	memcpy(series.src, contact->src, sizeof(series.src));
	memcpy(series.dst, contact->dst, sizeof(series.dst));
	return series;
}

static int host_order(const struct host *a, const struct host *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return memcmp(a->addr, b->addr, sizeof(a->addr));
}

int talker_order(const void *a, const void *b)
{
	return host_order(&((const struct usual_talker *)a)->host, &((const struct usual_talker *)b)->host);
}

int entropy_order(const void *a, const void *b)
{
	return host_order(&((const struct usual_entropy *)a)->dst, &((const struct usual_entropy *)b)->dst);
}

/* By family, source, destination, protocol, port. */
int beacon_order(const void *a, const void *b)
{
	const struct series *first = &((const struct usual_beacon *)a)->series;
	const struct series *second = &((const struct usual_beacon *)b)->series;
	int order = memcmp(first, second, offsetof(struct series, dport));

	if (first->family != second->family)
		return first->family < second->family ? -1 : 1;
	if (order)
		return order;
	if (first->proto != second->proto)
		return first->proto < second->proto ? -1 : 1;
	return (first->dport > second->dport) - (first->dport < second->dport);
}

static int more_first(uint64_t a, uint64_t b)
{
	return (a < b) - (a > b);
}

/*
 * Whoever floods with forged sources has each seen in a window or two; those who are here every day are to outlive
 * that.
 */
static int talker_worth(const void *a, const void *b)
{
	const struct usual_talker *first = a, *second = b;
	int order = more_first(first->volume.count, second->volume.count);

	if (!order)
		order = more_first(first->seen, second->seen);
	return order ? order : talker_order(a, b);
}

static int entropy_worth(const void *a, const void *b)
{
	const struct usual_entropy *first = a, *second = b;
	int order = more_first(first->bits.count, second->bits.count);

	if (!order)
		order = more_first(first->seen, second->seen);
	return order ? order : entropy_order(a, b);
}

static int beacon_worth(const void *a, const void *b)
{
	int order = more_first(((const struct usual_beacon *)a)->seen, ((const struct usual_beacon *)b)->seen);

	return order ? order : beacon_order(a, b);
}

/* ---- as a whole ---- */

struct profile *profile_new(uint64_t window)
{
	struct profile *profile = calloc(1, sizeof(*profile));

	if (!profile)
		return NULL;
	profile->window = window;
	profile->talkers = LEDGER_OF(struct usual_talker, host, PROFILE_TALKERS, talker_worth);
	profile->beacons = LEDGER_OF(struct usual_beacon, series, PROFILE_BEACONS, beacon_worth);
	profile->entropies = LEDGER_OF(struct usual_entropy, dst, PROFILE_ENTROPIES, entropy_worth);
	return profile;
}

void profile_free(struct profile *profile)
{
	if (!profile)
		return;
	ledger_clear(&profile->talkers);
	ledger_clear(&profile->beacons);
	ledger_clear(&profile->entropies);
	free(profile);
}

uint64_t profile_windows(const struct profile *profile)
{
	return profile->windows;
}

uint64_t profile_window(const struct profile *profile)
{
	return profile->window;
}

uint64_t profile_dropped(const struct profile *profile)
{
	return profile->dropped + profile->talkers.dropped + profile->beacons.dropped + profile->entropies.dropped;
}

/* Times of CLOCK_MONOTONIC are those since a machine booted, of packets those since 1970: 30 years are between them. */
#define EPOCH_LEAST (UINT64_C(1000000000) * CLOCK_SECOND)

static uint64_t moment_epoch(const struct moment *moment)
{
	uint64_t time = moment->now < EPOCH_LEAST ? clock_to_epoch(moment->now) : moment->now;

	return time / CLOCK_SECOND;
}

void profile_end_window(struct profile *profile, const struct moment *moment)
{
	profile->windows++;
	profile->until = moment_epoch(moment);
	if (!profile->from)
		profile->from = profile->until;
}

/* ---- what it is of ---- */

void profile_observe(struct profile *profile, enum sign_kind kind, double observed)
{
	spread_add(&profile->observed[kind], observed);
}

const struct spread *profile_observed(const struct profile *profile, enum sign_kind kind)
{
	return profile->observed[kind].count ? &profile->observed[kind] : NULL;
}

int profile_talked(struct profile *profile, const struct host *host, uint64_t sessions, uint64_t bytes)
{
	struct usual_talker *talker = ledger_put(&profile->talkers, host);

	if (!talker)
		return -1;
	spread_add(&talker->volume, log1p((double)bytes));
	if (bytes > talker->most_bytes)
		talker->most_bytes = bytes;
	talker->sessions += sessions;
	talker->seen = profile->windows + 1;
	return 0;
}

const struct usual_talker *profile_talker(const struct profile *profile, const struct host *host)
{
	return ledger_find(&profile->talkers, host);
}

int profile_add_beacon(struct profile *profile, const struct series *series, double period)
{
	struct usual_beacon *beacon = ledger_put(&profile->beacons, series);

	if (!beacon)
		return -1;
	beacon->period = period;
	beacon->seen = profile->windows + 1;
	return 0;
}

bool profile_has_beacon(const struct profile *profile, const struct series *series)
{
	return ledger_find(&profile->beacons, series) != NULL;
}

int profile_add_entropy(struct profile *profile, const struct host *dst, double bits)
{
	struct usual_entropy *entropy = ledger_put(&profile->entropies, dst);

	if (!entropy)
		return -1;
	spread_add(&entropy->bits, bits);
	entropy->seen = profile->windows + 1;
	return 0;
}

const struct spread *profile_entropy(const struct profile *profile, const struct host *dst)
{
	const struct usual_entropy *entropy = ledger_find(&profile->entropies, dst);

	return entropy ? &entropy->bits : NULL;
}
