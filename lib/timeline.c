/* SPDX-License-Identifier: GPL-2.0-only */
#include "timeline.h"

#include "clock.h"

#include <stdlib.h>

/* Without any session: a night is part of what is usual, what is longer than two days is not. */
#define SILENCE_MOST (2 * 86400 * CLOCK_SECOND)

/* What is sorted has its time beside it: the contacts themselves are all over the memory. */
struct beginning {
	uint64_t start;
	const struct contact *contact;
};

static int start_order(const void *left, const void *right)
{
	const struct beginning *a = left, *b = right;

	return a->start < b->start ? -1 : a->start > b->start;
}

static struct beginning *beginnings_sort(const struct contacts *contacts)
{
	struct beginning *items = calloc(contacts->count + 1, sizeof(*items));

	if (!items)
		return NULL;
	for (size_t i = 0; i < contacts->count; i++)
		items[i] = (struct beginning){ contacts->items[i].start, &contacts->items[i] };
	qsort(items, contacts->count, sizeof(*items), start_order);
	return items;
}

int timeline_read(struct timeline *timeline, const struct contacts *contacts, struct error *error)
{
	struct beginning *items = beginnings_sort(contacts);

	*timeline = (struct timeline){ .count = contacts->count };
	timeline->items = calloc(contacts->count + 1, sizeof(const struct contact *));
	for (size_t i = 0; items && timeline->items && i < contacts->count; i++)
		timeline->items[i] = items[i].contact;
	free(items);
	return items && timeline->items ? 0 : error_errno(error, "sessions");
}

void timeline_free(struct timeline *timeline)
{
	free(timeline->items);
	*timeline = (struct timeline){ 0 };
}

/* How many began up to a time. */
static size_t begun_until(const struct timeline *timeline, uint64_t time)
{
	size_t low = 0, high = timeline->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (timeline->items[middle]->start <= time)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void timeline_at(const struct timeline *timeline, struct moment *moment)
{
	uint64_t from = moment->now > moment->window ? moment->now - moment->window : 0;
	size_t first = begun_until(timeline, from), end = begun_until(timeline, moment->now);

	moment->all = timeline->items;
	moment->all_count = end;
	moment->recent = timeline->items + first;
	moment->recent_count = end - first;
}

/* ---- moments of the past ---- */

struct steps timeline_steps(const struct timeline *timeline, uint64_t end, uint64_t step, uint64_t window)
{
	uint64_t first = timeline->count ? timeline->items[0]->start : end;
	uint64_t past = first < end ? end - first : 0, covered = (past / window + 1) * window;

	return (struct steps){
		.begin = covered < end ? end - covered : 0,
		.end = end,
		.step = step,
		.window = window,
	};
}

bool window_ends(uint64_t begin, uint64_t window, uint64_t before, uint64_t now)
{
	return before >= begin && (now - begin) / window > (before - begin) / window;
}

/* Whether of those that began up to a time none is in the window before it, or goes on after it. */
static bool is_silent(const struct timeline *timeline, size_t begun, uint64_t time, uint64_t window)
{
	if (begun && time - timeline->items[begun - 1]->start < window)
		return false;
	for (size_t i = 0; i < begun; i++)
		if (timeline->items[i]->last > time)
			return false;
	return true;
}

/*
 * A long silence, as of a capture that began before its clock was set, might have a thousand million steps: as many
 * whole windows as it has are left out.
 */
static uint64_t silence_skip(const struct timeline *timeline, const struct steps *steps, uint64_t time)
{
	size_t begun = begun_until(timeline, time);
	uint64_t next = begun < timeline->count ? timeline->items[begun]->start : steps->end;
	uint64_t silence = next > time ? next - time : 0;

	if (silence <= SILENCE_MOST || !is_silent(timeline, begun, time, steps->window))
		return time;
	return time + (silence - 1) / steps->window * steps->window;
}

static bool step_next(const struct timeline *timeline, const struct steps *steps, struct moment *moment)
{
	uint64_t before = silence_skip(timeline, steps, moment->now ? moment->now : steps->begin);

	if (before >= steps->end)
		return false;
	moment->before = before;
	moment->now = steps->end - before > steps->step ? before + steps->step : steps->end;
	moment->window = steps->window;
	moment->is_last_of_window = window_ends(steps->begin, steps->window, before, moment->now);
	timeline_at(timeline, moment);
	return true;
}

/* Where nothing began there is nothing to be seen: a session may have begun long before the others. */
bool timeline_next(const struct timeline *timeline, const struct steps *steps, struct moment *moment)
{
	do
		if (!step_next(timeline, steps, moment))
			return false;
	while (!moment->recent_count && !moment->is_last_of_window);
	return true;
}
