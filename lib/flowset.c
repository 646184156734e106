/* SPDX-License-Identifier: GPL-2.0-only */
#include "flowset.h"

#include "flowgen.h"
#include "flowset_internal.h"

#include <inttypes.h>

static void change_one(const struct flowset_change *change, struct state *next, enum flowset_name name)
{
	if (change->is_default[name])
		value_reset(next, name);
	else
		value_put(next, name, change->value[name]);
}

/* What sampling needs and nobody has said: programs have no defaults for it. */
static void sampling_complete(struct state *next)
{
	for (int name = FLOWSET_SESSIONS; name < FLOWSET_COUNT; name++)
		if (!value_get(next, (enum flowset_name)name))
			value_put(next, (enum flowset_name)name, value_default(next, (enum flowset_name)name));
}

static uint32_t room_for(const struct state *state)
{
	return state->settings.packets > FLOW_PACKETS_DEFAULT ? state->settings.packets : FLOW_PACKETS_DEFAULT;
}

static struct state state_after(const struct flowset_change *change, const struct state *now)
{
	struct state next = *now;

	for (int name = 0; name < FLOWSET_COUNT; name++)
		if (change->given[name])
			change_one(change, &next, (enum flowset_name)name);
	if (next.settings.session_packets)
		sampling_complete(&next);
	return next;
}

static int state_check(const struct state *next, struct error *error)
{
	uint64_t capacity = value_get(next, FLOWSET_CAPACITY);

	if (next->settings.sessions < capacity)
		return 0;
	return error_state(error, "--sessions",
			   "%u sessions sampled at a time are not fewer than there is room for, %" PRIu64
			   " (--capacity)",
			   next->settings.sessions, capacity);
}

static void letters_set(struct flowset_change *change, const struct state *now, const struct state *next)
{
	for (int name = 0; name < FLOWSET_COUNT; name++)
		change->letter[name] =
			value_get(now, (enum flowset_name)name) == value_get(next, (enum flowset_name)name) ? '=' : 'C';
}

/* Sizes are those of a generation. */
static bool takes_generation(const struct state *now, const struct state *next)
{
	return now->buckets != next->buckets || next->settings.packets > now->room;
}

static int state_write(const struct pins *pins, const struct state *now, const struct state *next, struct error *error)
{
	const struct flowgen_plan plan = {
		.buckets = next->buckets,
		.packets = room_for(next),
		.settings = &next->settings,
	};

	if (takes_generation(now, next) && flowgens_rotate(pins, &plan, error))
		return -1;
	return flowgens_set(pins, &next->settings, error);
}

static int change_locked(const struct pins *pins, struct flowset_change *change, bool dry_run, struct state *next,
			 struct error *error)
{
	struct state now;

	if ((!dry_run && flowgens_repair(pins, error)) || state_read(pins, &now, false, error))
		return -1;
	*next = state_after(change, &now);
	if (state_check(next, error))
		return -1;
	letters_set(change, &now, next);
	return dry_run ? 0 : state_write(pins, &now, next, error);
}

static int change_apply(const struct pins *pins, struct flowset_change *change, bool dry_run, struct state *next,
			struct error *error)
{
	int result;

	if (dry_run)
		return change_locked(pins, change, true, next, error);
	if (pins_lock(pins, error))
		return -1;
	result = change_locked(pins, change, false, next, error);
	pins_unlock(pins);
	return result;
}

int flowset_apply(const struct pins *pins, struct flowset_change *change, const struct common_options *common,
		  struct error *error)
{
	struct state next;

	if (change_apply(pins, change, common->dry_run, &next, error))
		return -1;
	if (common->json)
		state_print(&next, change, OUT_JSON);
	else if (common->verbose || common->dry_run)
		change_print(change, &next);
	return 0;
}
