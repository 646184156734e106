/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is not in a learned profile: addresses that never opened a session before, and such as move far more than they
 * ever did.
 *
 * A talker is an address that opens sessions. What it moves in a window are the bytes of these sessions in both
 * directions, so that what is carried out is seen and what is fetched too. Windows in which it was silent are no part
 * of what is learned of it: a host that works by day would have a deviation so large that nothing was unusual any more.
 *
 * What the rows of these kinds say:
 * new-talker
 *   subject   source
 *   observed  sessions that it began in the window
 *   expected  0: the profile has no session of it
 *   rule      needs --against a profile of at least `windows` windows that has not this address; observed >= `least`
 *   unit      sessions
 *   samples   windows that the profile was learned in
 *   settings  least 1 (1-1000000), windows 10 (1-1000000)
 * volume
 *   subject   source
 *   observed  bytes of IP, both directions, of sessions that it opened, in a window; windows do not overlap
 *   expected  exp(m) - 1, m being the mean of ln(1 + bytes) over the windows of the profile in which it was not silent
 *   rule      needs --against a profile in which it has at least `windows` windows; ln(1 + observed) - m >
 *             `deviations` standard deviations of the same, observed > `least` bytes, and observed > twice the most
 * that was learned of it in a window; threshold is the highest of these three unit      bytes samples   windows of the
 * profile in which it was not silent settings  deviations 3.5 (0-1000), least 10000000 (0-1e15), windows 5 (2-1000000)
 */
#include "contactgroup.h"
#include "ledger.h"
#include "profile.h"
#include "signs.h"

#include <math.h>
#include <string.h>

/* Talkers of one window: forged ones must come fast to be more, and those that moved least go first then. */
#define WINDOW_TALKERS 262144

struct volume {
	struct host host;
	uint64_t sessions, bytes;
	bool is_proven;
};

static int volume_worth(const void *a, const void *b)
{
	const struct volume *first = a, *second = b;

	if (first->bytes != second->bytes)
		return first->bytes > second->bytes ? -1 : 1;
	return memcmp(&first->host, &second->host, sizeof(first->host));
}

/* The order in which signs are said, whatever the order of contacts. */
static int volume_order(const void *a, const void *b)
{
	const struct volume *first = a, *second = b;

	if (first->host.family != second->host.family)
		return first->host.family < second->host.family ? -1 : 1;
	return memcmp(first->host.addr, second->host.addr, sizeof(first->host.addr));
}

/* ---- how much ---- */

static int volume_add(struct signs *signs, const struct contact *contact, uint64_t from, uint64_t until)
{
	uint64_t bytes = contact_bytes_within(contact, from, until);
	bool is_new = contact->start > from && contact->start <= until;
	struct host host = host_of(contact->family, contact->src);
	struct volume *volume;

	if (!contact->is_attempt || (!bytes && !is_new))
		return 0;
	volume = ledger_put(&signs->talkers, &host);
	if (!volume)
		return -1;
	volume->sessions += is_new;
	volume->bytes += bytes;
	volume->is_proven = volume->is_proven || contact->is_proven;
	return 0;
}

/*
 * What came since the sums were brought up to date last, though there may have been moments since which nobody was
 * shown; before the first look there was no window.
 */
static int volumes_add(struct signs *signs, const struct moment *moment)
{
	uint64_t from = signs->talkers_until ? signs->talkers_until : moment->before;
	int result = 0;

	for (size_t i = 0; from && !result && i < moment->all_count; i++)
		result = volume_add(signs, moment->all[i], from, moment->now);
	signs->talkers_until = moment->now;
	return result;
}

struct limits {
	double deviations, least, windows;
};

/* What it takes to be more than usual. */
static double volume_threshold(const struct usual_talker *usual, const struct limits *limits)
{
	double far = expm1(usual->volume.mean + limits->deviations * spread_deviation(&usual->volume));

	return fmax(fmax(far, limits->least), 2 * (double)usual->most_bytes);
}

static void look_at_talker(struct signs *signs, const struct moment *moment, const struct volume *volume,
			   const struct limits *limits)
{
	const struct usual_talker *usual = profile_talker(signs->against, &volume->host);
	struct sign sign = { .kind = SIGN_VOLUME, .has_src = true, .proto = -1, .service = SERVICE_NONE };

	if (!usual || (double)usual->volume.count < limits->windows)
		return;
	sign.threshold = volume_threshold(usual, limits);
	sign.observed = (double)volume->bytes;
	if (sign.observed <= sign.threshold)
		return;
	sign.family = (uint8_t)volume->host.family;
	memcpy(sign.src, volume->host.addr, sizeof(sign.src));
	sign.is_proven = volume->is_proven;
	sign.expected = expm1(usual->volume.mean);
	sign.samples = usual->volume.count;
	sign.since = moment->now - moment->window;
	sign.until = moment->now;
	sign_found(signs, moment, &sign);
}

/* At the end of a window. */
static int look_at_talkers(struct signs *signs, const struct moment *moment)
{
	struct limits limits = {
		.deviations = sign_setting(signs, SIGN_VOLUME, "deviations"),
		.least = sign_setting(signs, SIGN_VOLUME, "least"),
		.windows = sign_setting(signs, SIGN_VOLUME, "windows"),
	};
	struct ledger *talkers = &signs->talkers;

	if (ledger_sort(talkers, volume_order))
		return -1;
	for (size_t i = 0; i < talkers->count; i++) {
		const struct volume *volume = ledger_at(talkers, i);

		if (signs->against)
			look_at_talker(signs, moment, volume, &limits);
		if (signs->learn && profile_talked(signs->learn, &volume->host, volume->sessions, volume->bytes))
			return -1;
	}
	ledger_clear(talkers);
	return 0;
}

/* The sums are made moment by moment, as what a contact moved is known of the time since the look before only. */
int signs_look_volume(struct signs *signs, const struct moment *moment, struct error *error)
{
	int result;

	if (!signs->talkers.most)
		signs->talkers = LEDGER_OF(struct volume, host, WINDOW_TALKERS, volume_worth);
	result = volumes_add(signs, moment);
	if (!result && moment->is_last_of_window)
		result = look_at_talkers(signs, moment);
	return result ? error_errno(error, "talkers") : 0;
}

/* ---- new talkers ---- */

static void look_at_source(struct signs *signs, const struct moment *moment, const struct contact_group *group)
{
	struct host host = host_of(group->first->family, group->first->src);
	struct sign sign = sign_of(SIGN_NEW_TALKER, group->first, SIGN_OF_SRC);

	sign.observed = (double)group->count;
	sign.threshold = sign_setting(signs, SIGN_NEW_TALKER, "least");
	if (profile_talker(signs->against, &host) || sign.observed < sign.threshold)
		return;
	sign.samples = profile_windows(signs->against);
	sign.since = moment->now - moment->window;
	sign.until = moment->now;
	sign.is_proven = group_is_proven(group);
	sign_found(signs, moment, &sign);
}

static const struct contact_grouping by_source = {
	.pick = contact_is_attempt,
	.subject = hash_source_anywhere,
	.detail = hash_source_anywhere,
	.judge = look_at_source,
};

int signs_look_new_talker(struct signs *signs, const struct moment *moment, struct error *error)
{
	if (!signs->against ||
	    (double)profile_windows(signs->against) < sign_setting(signs, SIGN_NEW_TALKER, "windows"))
		return 0;
	return contacts_group(signs, moment, &by_source, error);
}
