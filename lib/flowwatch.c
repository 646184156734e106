/* SPDX-License-Identifier: GPL-2.0-only */
#include "flowwatch.h"

#include "clock.h"
#include "pin.h"
#include "profile.h"
#include "screen.h"
#include "timeline.h"

#include <inttypes.h>
#include <unistd.h>

/* ---- profiles ---- */

static int window_check(const struct flowwatch *watch, const struct profile *profile, const char *path,
			struct error *error)
{
	uint64_t seconds = profile_window(profile) / CLOCK_SECOND;

	if (seconds == watch->window)
		return 0;
	return error_usage(error, path, "was learned in windows of %" PRIu64 " seconds: --window %" PRIu64, seconds,
			   seconds);
}

/* What is there already is learned on. */
static int learn_open(struct flowwatch *watch, struct error *error)
{
	if (!access(watch->learn, F_OK))
		watch->learned = profile_read(watch->learn, error);
	else if (!(watch->learned = profile_new(watch->window * CLOCK_SECOND)))
		return error_errno(error, watch->learn);
	if (!watch->learned)
		return -1;
	watch->signs.learn = watch->learned;
	watch->dropped = profile_dropped(watch->learned);
	return window_check(watch, watch->learned, watch->learn, error);
}

static int against_open(struct flowwatch *watch, struct error *error)
{
	watch->usual = profile_read(watch->against, error);
	if (!watch->usual)
		return -1;
	watch->signs.against = watch->usual;
	return window_check(watch, watch->usual, watch->against, error);
}

static int profiles_open(struct flowwatch *watch, struct error *error)
{
	if (watch->learn && learn_open(watch, error))
		return -1;
	return watch->against ? against_open(watch, error) : 0;
}

static void window_learn(struct flowwatch *watch, const struct moment *moment)
{
	uint64_t dropped = watch->learned ? profile_dropped(watch->learned) : 0;

	if (!watch->learned || !moment->is_last_of_window)
		return;
	profile_end_window(watch->learned, moment);
	if (dropped > watch->dropped && !watch->quiet)
		note_print("%s: no room for %" PRIu64 " of those that were seen least: they are not usual",
			   watch->learn, dropped - watch->dropped);
	watch->dropped = dropped;
}

static int learned_write(const struct flowwatch *watch, struct error *error)
{
	return watch->learned ? profile_write(watch->learned, watch->learn, error) : 0;
}

/* ---- one look ---- */

static void tell_losses(const struct flowwatch *watch, uint64_t missed, uint64_t dropped)
{
	const struct contacts *contacts = &watch->contacts;

	if (watch->quiet)
		return;
	if (contacts->is_anew)
		note_print("%s: made anew, goes on with it", watch->pin_dir);
	if (contacts->missed > missed)
		note_print("%" PRIu64 " generations were handed out between two looks and not seen: --interval is "
			   "too long for that",
			   contacts->missed - missed);
	if (contacts->dropped && !dropped)
		note_print("more than %zu sessions: those that were silent longest are forgotten; see --most",
			   contacts->most);
}

static int sessions_look(struct flowwatch *watch, struct error *error)
{
	uint64_t missed = watch->contacts.missed, dropped = watch->contacts.dropped;
	struct pins pins;
	int result;

	if (pins_open(&pins, watch->pin_dir, PINS_FLOW, false, error))
		return -1;
	result = contacts_look(&watch->contacts, &pins, error);
	pins_close(&pins);
	if (result)
		return -1;
	tell_losses(watch, missed, dropped);
	if (watch->verbose)
		note_print("%zu sessions are known, %" PRIu64 " lost their place since", watch->contacts.count,
			   watch->contacts.evicted);
	return signout_refresh(&watch->out, &watch->contacts, error);
}

static int moment_look(struct flowwatch *watch, const struct moment *moment, struct error *error)
{
	if (signs_look(&watch->signs, moment, error))
		return -1;
	window_learn(watch, moment);
	return 0;
}

/* ---- again and again ---- */

static struct moment moment_now(struct flowwatch *watch)
{
	const struct contacts *contacts = &watch->contacts;
	struct moment moment = {
		.now = contacts->now,
		.before = contacts->before,
		.window = watch->window * CLOCK_SECOND,
		.evicted = contacts->evicted,
	};

	if (!watch->begun)
		watch->begun = contacts->now;
	moment.is_last_of_window = window_ends(watch->begun, moment.window, moment.before, moment.now);
	return moment;
}

static int now_look(struct flowwatch *watch, struct error *error)
{
	struct moment moment = moment_now(watch);
	struct timeline timeline;
	int result = timeline_read(&timeline, &watch->contacts, error);

	if (!result) {
		timeline_at(&timeline, &moment);
		result = moment_look(watch, &moment, error);
	}
	timeline_free(&timeline);
	if (!result && moment.is_last_of_window)
		result = learned_write(watch, error);
	if (!result && moment.now > moment.window)
		result = contacts_forget(&watch->contacts, moment.now - moment.window, error);
	return result;
}

static int tick(void *context, const struct screen *screen, struct error *error)
{
	struct flowwatch *watch = context;

	(void)screen;
	return sessions_look(watch, error) ? -1 : now_look(watch, error);
}

/* ---- once ---- */

static int past_look(struct flowwatch *watch, struct error *error)
{
	struct moment moment = { .evicted = watch->contacts.evicted };
	struct timeline timeline;
	struct steps steps;
	int result = timeline_read(&timeline, &watch->contacts, error);

	steps = timeline_steps(&timeline, watch->contacts.now, watch->interval * CLOCK_SECOND,
			       watch->window * CLOCK_SECOND);
	while (!result && timeline_next(&timeline, &steps, &moment))
		result = moment_look(watch, &moment, error);
	timeline_free(&timeline);
	return result ? -1 : learned_write(watch, error);
}

/* ---- all of it ---- */

int flowwatch_run(struct flowwatch *watch, struct error *error)
{
	watch->contacts.selector = &watch->selector;
	watch->contacts.most = watch->most;
	watch->signs.take = signout_print;
	watch->signs.context = &watch->out;
	watch->out.again = watch->signs.again;
	if (profiles_open(watch, error))
		return -1;
	if (!watch->once)
		return screen_run(watch->interval, true, tick, watch, error);
	return sessions_look(watch, error) ? -1 : past_look(watch, error);
}

void flowwatch_close(struct flowwatch *watch)
{
	signout_close(&watch->out);
	signs_close(&watch->signs);
	contacts_free(&watch->contacts);
	profile_free(watch->learned);
	profile_free(watch->usual);
}
