/* SPDX-License-Identifier: GPL-2.0-only */
#include "follow.h"

#include "clock.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

/* A round ends after so many events even if more are there: signals, the pins and the clock want to be looked at. */
#define ROUND_EVENTS 4096
/*
 * Above this rate the reader looks by itself, as network drivers do: a wake-up costs the packet path some microseconds.
 * Below, each event wakes it at once.
 */
#define BUSY_RATE 1000                /* events a second */
#define SLICE_NS (CLOCK_SECOND / 100) /* the rate is of no shorter time */
#define LOOK_NS (CLOCK_SECOND / 500)  /* the smallest default ring takes two million events a second so */

#define CHECK_NS CLOCK_SECOND

/* ---- signals ---- */

static volatile sig_atomic_t stopped, asked, hung_up;

static void on_signal(int number)
{
	if (number == SIGUSR1)
		asked = 1;
	else if (number == SIGHUP)
		hung_up = 1;
	else
		stopped = 1;
}

static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGUSR1 };

/* nohup(1), which stays in force unless SIGHUP has another meaning. */
static bool hangups_are_ignored(void)
{
	struct sigaction action;

	return !sigaction(SIGHUP, NULL, &action) && action.sa_handler == SIG_IGN;
}

/*
 * A second SIGINT or SIGTERM ends the process as usual, should output take nothing. A reader that goes away,
 * `trace_tail | head`, must not leave its slot behind: SIGPIPE becomes a failed write.
 */
static void signals_set(const struct follow *follow)
{
	bool ignored = !follow->hangup_goes_on && hangups_are_ignored();

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		bool ends = signals[i] == SIGINT || signals[i] == SIGTERM;
		struct sigaction action = { .sa_handler = on_signal,
					    .sa_flags = SA_RESTART | (ends ? (int)SA_RESETHAND : 0) };

		if (signals[i] != SIGHUP || !ignored)
			sigaction(signals[i], &action, NULL);
	}
	signal(SIGPIPE, SIG_IGN);
}

/* ---- a subscription ---- */

/* The record counts as read also where it ends the round. */
int follow_take(void *context, void *record, size_t size)
{
	struct follow *follow = context;

	if (size < sizeof(struct event)) {
		follow->skipped++;
	} else {
		follow->seen++;
		follow->event(follow->context, record);
	}
	follow->taken++;
	return follow->taken == ROUND_EVENTS || (follow->count && follow->seen == follow->count) ? -1 : 0;
}

static void polls_set(struct follow *follow, bool polls)
{
	if (follow->polls != polls)
		subscription_set_polls(&follow->subscription, polls);
	follow->polls = polls;
}

/* Signals are set before the ring's descriptor is there, by which others see that it follows; and after the place was
 * taken: while it waits for the lock it can be ended as usual, and a place taken just then goes to the next one. */
static int subscribe(struct follow *follow, bool spares, struct error *error)
{
	if (pins_open(&follow->pins, follow->pin_dir, PINS_SHARED, false, error))
		return -1;
	follow->polls = false;
	if (subscription_open(&follow->subscription, &follow->pins, &follow->filter, follow->ring_bytes, spares,
			      error)) {
		pins_close(&follow->pins);
		return -1;
	}
	follow->subscribed = true;
	signals_set(follow);
	follow->ring = ring_buffer__new(follow->subscription.ring, follow_take, follow, NULL);
	return follow->ring ? 0 : error_errno(error, EVENT_RINGS);
}

static bool is_complete(const struct follow *follow)
{
	return follow->count && follow->seen == follow->count;
}

static int round_read(struct follow *follow, struct error *error)
{
	follow->taken = 0;
	if (follow->ring && !is_complete(follow))
		ring_buffer__consume(follow->ring);
	return follow->round(follow->context, error);
}

/* All that is left, once nothing is written to the ring any more. */
static int drain(struct follow *follow, struct error *error)
{
	do {
		if (round_read(follow, error))
			return -1;
	} while (follow->taken && !is_complete(follow));
	return 0;
}

void follow_lost(struct follow *follow)
{
	follow->lost = follow->lost_before;
	if (follow->subscribed)
		follow->lost += subscription_lost(&follow->subscription);
}

static void unsubscribe(struct follow *follow)
{
	if (!follow->subscribed)
		return;
	subscription_stop(&follow->subscription);
	follow_lost(follow);
	follow->lost_before = follow->lost;
	ring_buffer__free(follow->ring);
	follow->ring = NULL;
	subscription_close(&follow->subscription);
	pins_close(&follow->pins);
	follow->subscribed = false;
}

/* ---- maps that are made anew ---- */

/* The id of what is pinned now, or 0. */
static uint32_t pinned_id(const struct follow *follow)
{
	struct pins pins = { .dir = follow->pin_dir, .dir_fd = -1 };
	struct error error;
	uint32_t id;

	return pin_id(&pins, &pin_event_control, &id, &error) ? 0 : id;
}

#define ROBBED "another subscriber took the place, so some events are missing"

static int resubscribe(struct follow *follow, bool robbed, struct error *error)
{
	struct error failure;

	if (follow->subscribed) {
		subscription_stop(&follow->subscription);
		if (drain(follow, error))
			return -1;
		unsubscribe(follow);
	}
	if (!subscribe(follow, robbed, &failure)) {
		note_print("%s: %s, subscribed again", follow->pin_dir, robbed ? ROBBED : "made anew");
		follow->gap_from = follow->anew;
		follow->gap_to = clock_now();
		follow->anew = 0;
		follow->told_gone = false;
		*follow->told = '\0';
		return 0;
	}
	unsubscribe(follow);
	/* once; while they are being made some are missing, which is not told at the first look */
	if (follow->told_gone && strcmp(follow->told, failure.text))
		note_print("%s", failure.text);
	snprintf(follow->told, sizeof(follow->told), "%s", failure.text);
	follow->told_gone = true;
	return 0;
}

/*
 * Who looks into another /proc takes this process for dead, and its place. It takes another, but not that of whom it
 * would take for dead itself: the two would go on so forever.
 *
 * Programs that are still attached go on writing to maps whose pins are gone, so those are kept until there are others.
 */
static int pins_check(struct follow *follow, struct error *error)
{
	uint64_t now = clock_now(), before = follow->checked;
	bool same;
	uint32_t id;

	if (now - before < CHECK_NS)
		return 0;
	follow->checked = now;
	id = pinned_id(follow);
	same = id && follow->subscribed && id == follow->subscription.id;
	if (same && subscription_holds(&follow->subscription)) {
		follow->told_gone = false;
		return 0;
	}
	if (id && !follow->anew)
		follow->anew = before;
	if (id)
		return resubscribe(follow, same, error);
	if (!follow->told_gone)
		note_print("%s: the pins are gone, waiting for new ones", follow->pin_dir);
	follow->told_gone = true;
	return 0;
}

/* ---- waiting ---- */

static struct timespec time_left(const struct follow *follow, bool unwoken)
{
	uint64_t now = clock_now(), until = follow->checked + CHECK_NS;

	if (unwoken && until > now + LOOK_NS)
		until = now + LOOK_NS;
	if (follow->due && until > follow->due)
		until = follow->due;
	until = until > now ? until - now : 0;
	return (struct timespec){ (time_t)(until / CLOCK_SECOND), (long)(until % CLOCK_SECOND) };
}

/* The signals are let in only here, so none comes between the look at them and the wait. */
static int wait_for_events(const struct follow *follow, bool unwoken)
{
	struct pollfd fds[] = {
		{ .fd = follow->ring ? ring_buffer__epoll_fd(follow->ring) : -1, .events = POLLIN },
		{ .fd = follow->output },
	};
	struct timespec left = time_left(follow, unwoken);
	sigset_t ours, before;

	sigemptyset(&ours);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaddset(&ours, signals[i]);
	sigprocmask(SIG_BLOCK, &ours, &before);
	if (!stopped && !asked && !hung_up)
		ppoll(fds, 2, &left, &before);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return fds[1].revents ? -1 : 0;
}

/* ---- the loop ---- */

static void signals_answer(struct follow *follow)
{
	if (asked) {
		asked = 0;
		follow_lost(follow);
		note_print("%" PRIu64 " events, %" PRIu64 " lost", follow->seen, follow->lost);
	}
	if (hung_up && follow->hangup_goes_on) {
		hung_up = 0;
		follow->hangup = true;
	}
}

static bool is_over(const struct follow *follow)
{
	return stopped || follow->over || (hung_up && !follow->hangup_goes_on) || is_complete(follow);
}

/* Whether many events come. */
static bool is_busy(struct follow *follow)
{
	uint64_t now = clock_now(), elapsed = now - follow->slice;

	follow->slice_events += follow->taken;
	if (elapsed < SLICE_NS)
		return follow->busy;
	follow->busy = follow->slice_events > elapsed / (CLOCK_SECOND / BUSY_RATE);
	follow->slice = now;
	follow->slice_events = 0;
	return follow->busy;
}

static int round_run(struct follow *follow, struct error *error)
{
	bool before = follow->polls;

	if (round_read(follow, error) || pins_check(follow, error))
		return -1;
	signals_answer(follow);
	if (follow->taken == ROUND_EVENTS || follow->hangup || is_over(follow))
		return 0;
	if (follow->subscribed)
		polls_set(follow, is_busy(follow));
	/* a program that has yet to see the change wakes nobody */
	if (wait_for_events(follow, before || follow->polls))
		return error_state(error, "stdout", "nobody reads it any more");
	return 0;
}

int follow_open(struct follow *follow, struct error *error)
{
	/* what is to be opened anew is not open yet; it may take the lock a while, and logrotate does not ask */
	if (follow->hangup_goes_on)
		signal(SIGHUP, SIG_IGN);
	follow->checked = clock_now();
	/* it says no more than the error that it returns */
	libbpf_set_print(NULL);
	if (!subscribe(follow, false, error))
		return 0;
	follow_close(follow);
	return -1;
}

int follow_run(struct follow *follow, struct error *error)
{
	while (!is_over(follow))
		if (round_run(follow, error))
			return -1;
	if (follow->subscribed && !subscription_holds(&follow->subscription))
		note_print("%s: " ROBBED, follow->pin_dir);
	if (follow->subscribed)
		subscription_stop(&follow->subscription);
	return drain(follow, error);
}

void follow_close(struct follow *follow)
{
	unsubscribe(follow);
	follow->lost = follow->lost_before;
}
