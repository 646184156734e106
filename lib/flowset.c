/* SPDX-License-Identifier: GPL-2.0-only */
#include "flowset.h"

#include "clock.h"
#include "flowgen.h"
#include "num.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/*
 * Sessions for each bucket: three quarters of its places. Of sessions that take three quarters of all places, 1.6 in a
 * hundred lose theirs to others, of those that take half of them none.
 */
#define BUCKET_SESSIONS (FLOW_WAYS * 3 / 4)
#define CAPACITY_MAX ((uint64_t)FLOW_BUCKETS_MAX * BUCKET_SESSIONS)

/* What the original began with. */
#define SESSIONS_DEFAULT 10
#define SESSION_RESTART_DEFAULT (5 * CLOCK_SECOND)
#define PACKET_RESTART_DEFAULT (1 * CLOCK_SECOND)
#define BUFFER_RESTART_DEFAULT (1 * CLOCK_SECOND)

/* ---- what there is ---- */

enum unit { UNIT_SESSIONS, UNIT_PACKETS, UNIT_SECONDS, UNIT_TIME };

struct setting {
	const char *option;
	const char *word; /* of the original; NULL: it has none */
	enum unit unit;
	uint64_t least, most;
};

static const struct setting settings[FLOWSET_COUNT] = {
	[FLOWSET_CAPACITY] = { "capacity", NULL, UNIT_SESSIONS, 1, CAPACITY_MAX },
	[FLOWSET_IDLE_TCP] = { "idle-tcp", NULL, UNIT_SECONDS, 1, UINT32_MAX },
	[FLOWSET_IDLE_ENDED] = { "idle-ended", NULL, UNIT_SECONDS, 1, UINT32_MAX },
	[FLOWSET_IDLE_UDP] = { "idle-udp", NULL, UNIT_SECONDS, 1, UINT32_MAX },
	[FLOWSET_IDLE_OTHER] = { "idle-other", NULL, UNIT_SECONDS, 1, UINT32_MAX },
	[FLOWSET_SESSION_PACKETS] = { "session-packets", "N_PACKET_PER_SESSION", UNIT_PACKETS, 0, UINT32_MAX },
	[FLOWSET_SESSIONS] = { "sessions", "N_SESSION", UNIT_SESSIONS, 1, CAPACITY_MAX - 1 },
	[FLOWSET_PACKETS] = { "packets", "N_PACKET_TOTAL", UNIT_PACKETS, 1, FLOW_PACKETS_MAX },
	[FLOWSET_SESSION_RESTART] = { "session-restart", "SESSION_ACCEPT_RESTART_TIME", UNIT_TIME, 1, INT64_MAX },
	[FLOWSET_PACKET_RESTART] = { "packet-restart", "SESSION_PACKET_RESTART_TIME", UNIT_TIME, 1, INT64_MAX },
	[FLOWSET_BUFFER_RESTART] = { "buffer-restart", "BUFFER_PACKET_RESTART_TIME", UNIT_TIME, 1, INT64_MAX },
};

static const struct time_unit {
	const char *name;
	uint64_t ns;
} time_units[] = {
	{ "h", 3600 * CLOCK_SECOND },  { "m", 60 * CLOCK_SECOND },       { "s", CLOCK_SECOND },
	{ "ms", CLOCK_SECOND / 1000 }, { "us", CLOCK_SECOND / 1000000 }, { "ns", 1 },
};

#define TIME_UNITS (sizeof(time_units) / sizeof(time_units[0]))
#define TIME_UNIT_SHOWN 2 /* the largest that is shown: seconds */

/* ---- text ---- */

static const char *unit_name(enum unit unit)
{
	static const char *const names[] = { "sessions", "packets", "seconds", "ns" };

	return names[unit];
}

/* A number with a unit; without one it is ns. */
static int time_parse(const char *text, uint64_t *ns)
{
	size_t digits = strspn(text, "0123456789");
	const char *unit = text[digits] ? text + digits : "ns";
	struct error ignored;
	char number[24];

	if (digits >= sizeof(number))
		return -1;
	memcpy(number, text, digits);
	number[digits] = '\0';
	for (size_t i = 0; i < TIME_UNITS; i++) {
		if (strcmp(unit, time_units[i].name))
			continue;
		if (num_parse(number, 0, (uint64_t)INT64_MAX / time_units[i].ns, ns, &ignored))
			return -1;
		*ns *= time_units[i].ns;
		return 0;
	}
	return -1;
}

/* The largest unit of those that are shown in which it is a whole number. */
static const struct time_unit *time_unit_of(uint64_t ns)
{
	for (size_t i = TIME_UNIT_SHOWN; i < TIME_UNITS; i++)
		if (!(ns % time_units[i].ns))
			return &time_units[i];
	return &time_units[TIME_UNITS - 1];
}

static int value_fail(const struct setting *setting, const char *operand, struct error *error)
{
	if (setting->unit == UNIT_TIME)
		return error_usage(error, operand,
				   "--%s is a time, a number with ns, us, ms, s, m or h, or without for ns; or default",
				   setting->option);
	return error_usage(error, operand, "--%s is a number of %s, %" PRIu64 "-%" PRIu64 ", or default",
			   setting->option, unit_name(setting->unit), setting->least, setting->most);
}

static int value_parse(const struct setting *setting, const char *text, uint64_t *value)
{
	struct error ignored;

	if (setting->unit != UNIT_TIME)
		return num_parse(text, setting->least, setting->most, value, &ignored);
	if (time_parse(text, value))
		return -1;
	/* 0 is what a time is that nobody set, and no packet comes within 1 ns */
	if (*value < setting->least)
		*value = setting->least;
	return 0;
}

static int take(struct flowset_change *change, enum flowset_name name, const char *text, const char *operand,
		struct error *error)
{
	const struct setting *setting = &settings[name];

	if (change->given[name])
		return error_usage(error, operand, "--%s was said already", setting->option);
	change->given[name] = true;
	change->is_default[name] = !strcmp(text, "default");
	if (change->is_default[name] || !value_parse(setting, text, &change->value[name]))
		return 0;
	return value_fail(setting, operand, error);
}

int flowset_take(struct flowset_change *change, enum flowset_name name, const char *text, struct error *error)
{
	return take(change, name, text, text, error);
}

static int word_unknown(const char *operand, struct error *error)
{
	return error_usage(error, operand,
			   "expected NAME=VALUE, where NAME is N_SESSION, N_PACKET_PER_SESSION, N_PACKET_TOTAL, "
			   "SESSION_ACCEPT_RESTART_TIME, SESSION_PACKET_RESTART_TIME or BUFFER_PACKET_RESTART_TIME");
}

int flowset_take_operand(struct flowset_change *change, const char *operand, struct error *error)
{
	size_t size = strcspn(operand, "=");

	for (int name = 0; operand[size] && name < FLOWSET_COUNT; name++) {
		const char *word = settings[name].word;

		if (word && strlen(word) == size && !memcmp(word, operand, size))
			return take(change, (enum flowset_name)name, operand + size + 1, operand, error);
	}
	return word_unknown(operand, error);
}

/* ---- in force ---- */

struct state {
	struct flow_settings settings;
	uint32_t buckets, room;
	/* of the sizes */
	uint64_t capacity_used, sessions_used, packets_used;
	uint64_t capacity_bytes, packets_bytes;
};

static uint64_t value_get(const struct state *state, enum flowset_name name)
{
	const struct flow_settings *s = &state->settings;

	switch (name) {
	case FLOWSET_CAPACITY:
		return (uint64_t)state->buckets * BUCKET_SESSIONS;
	case FLOWSET_IDLE_TCP:
		return s->idle_tcp;
	case FLOWSET_IDLE_ENDED:
		return s->idle_ended;
	case FLOWSET_IDLE_UDP:
		return s->idle_udp;
	case FLOWSET_IDLE_OTHER:
		return s->idle_other;
	case FLOWSET_SESSION_PACKETS:
		return s->session_packets;
	case FLOWSET_SESSIONS:
		return s->sessions;
	case FLOWSET_PACKETS:
		return s->packets;
	case FLOWSET_SESSION_RESTART:
		return s->session_restart;
	case FLOWSET_PACKET_RESTART:
		return s->packet_restart;
	case FLOWSET_BUFFER_RESTART:
	case FLOWSET_COUNT:
		break;
	}
	return s->buffer_restart;
}

static void value_put(struct state *state, enum flowset_name name, uint64_t value)
{
	struct flow_settings *s = &state->settings;
	uint32_t word = (uint32_t)value;

	switch (name) {
	case FLOWSET_CAPACITY:
		state->buckets = (word + BUCKET_SESSIONS - 1) / BUCKET_SESSIONS;
		break;
	case FLOWSET_IDLE_TCP:
		s->idle_tcp = word;
		break;
	case FLOWSET_IDLE_ENDED:
		s->idle_ended = word;
		break;
	case FLOWSET_IDLE_UDP:
		s->idle_udp = word;
		break;
	case FLOWSET_IDLE_OTHER:
		s->idle_other = word;
		break;
	case FLOWSET_SESSION_PACKETS:
		s->session_packets = word;
		break;
	case FLOWSET_SESSIONS:
		s->sessions = word;
		break;
	case FLOWSET_PACKETS:
		s->packets = word;
		break;
	case FLOWSET_SESSION_RESTART:
		s->session_restart = value;
		break;
	case FLOWSET_PACKET_RESTART:
		s->packet_restart = value;
		break;
	case FLOWSET_BUFFER_RESTART:
	case FLOWSET_COUNT:
		s->buffer_restart = value;
		break;
	}
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* As many as the sessions sampled at a time fill, as far as there is room. */
static uint64_t packets_default(const struct state *state)
{
	const struct flow_settings *s = &state->settings;
	uint64_t sessions = s->sessions ? s->sessions : SESSIONS_DEFAULT;

	return s->session_packets ? least(sessions * s->session_packets, state->room) : state->room;
}

static uint64_t value_default(const struct state *state, enum flowset_name name)
{
	static const uint64_t defaults[FLOWSET_COUNT] = {
		[FLOWSET_CAPACITY] = FLOW_BUCKETS_DEFAULT * BUCKET_SESSIONS,
		[FLOWSET_IDLE_TCP] = FLOW_IDLE_TCP,
		[FLOWSET_IDLE_ENDED] = FLOW_IDLE_ENDED,
		[FLOWSET_IDLE_UDP] = FLOW_IDLE_UDP,
		[FLOWSET_IDLE_OTHER] = FLOW_IDLE_OTHER,
		[FLOWSET_SESSIONS] = SESSIONS_DEFAULT,
		[FLOWSET_SESSION_RESTART] = SESSION_RESTART_DEFAULT,
		[FLOWSET_PACKET_RESTART] = PACKET_RESTART_DEFAULT,
		[FLOWSET_BUFFER_RESTART] = BUFFER_RESTART_DEFAULT,
	};

	return name == FLOWSET_PACKETS ? packets_default(state) : defaults[name];
}

/* What is in force, or would be when sampling is turned on. */
static uint64_t value_shown(const struct state *state, enum flowset_name name)
{
	uint64_t value = value_get(state, name);

	return value ? value : value_default(state, name);
}

static uint64_t places_used(const struct flowgen *gen)
{
	uint64_t used = 0;

	for (uint32_t i = 0; i < gen->bucket_count; i++)
		for (uint32_t way = 0; way < FLOW_WAYS; way++)
			used += gen->buckets[i].used[way] != 0;
	return used;
}

/* The newest generation has no sessions yet where a tool was killed: see flowgen.h. */
static void state_of(const struct flowgens *gens, struct state *state)
{
	const struct flowgen *packets = &gens->item[0], *sessions = &gens->item[packets->bucket_count ? 0 : 1];

	*state = (struct state){
		.settings = sessions->head->settings,
		.buckets = sessions->bucket_count,
		.room = packets->packet_count,
		.sessions_used = sessions->head->taken,
		.packets_used = packets->packets_head->next,
		.capacity_bytes = sessions->sessions_size,
		.packets_bytes = packets->packets_size,
	};
}

static int state_read(const struct pins *pins, struct state *state, bool with_use, struct error *error)
{
	struct flowgens gens;

	if (flowgens_open(&gens, pins, error))
		return -1;
	state_of(&gens, state);
	for (uint32_t i = 0; with_use && i < gens.count; i++) {
		if (!gens.item[i].bucket_count)
			continue;
		state->capacity_used = places_used(&gens.item[i]);
		break;
	}
	flowgens_close(&gens);
	return 0;
}

/* ---- changing ---- */

/* What is the default is 0 in the maps, but for sizes. */
static void change_one(const struct flowset_change *change, struct state *next, enum flowset_name name)
{
	if (!change->is_default[name])
		value_put(next, name, change->value[name]);
	else
		value_put(next, name, name == FLOWSET_CAPACITY ? value_default(next, name) : 0);
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

/* ---- printing ---- */

static bool is_default(const struct state *state, enum flowset_name name)
{
	return value_shown(state, name) == value_default(state, name);
}

static const char *unit_shown(const struct setting *setting, uint64_t value)
{
	if (setting->unit == UNIT_TIME)
		return time_unit_of(value)->name;
	return setting->unit == UNIT_SECONDS ? "s" : unit_name(setting->unit);
}

/* In the table, a default stands in parentheses, and a time in a unit that suits it. */
static void value_out(struct out *out, const struct state *state, enum flowset_name name)
{
	const struct setting *setting = &settings[name];
	uint64_t value = value_shown(state, name);
	const struct time_unit *unit = time_unit_of(value);
	bool is_time = setting->unit == UNIT_TIME;
	char text[24];

	snprintf(text, sizeof(text), is_default(state, name) ? "(%" PRIu64 ")" : "%" PRIu64,
		 is_time ? value / unit->ns : value);
	out_text(out, "name", "NAME", setting->option);
	out_text(out, "original", NULL, setting->word);
	out_number(out, "value", NULL, value);
	out_bool(out, "default", is_default(state, name));
	out_text(out, NULL, "VALUE", text);
	out_text(out, "unit", NULL, unit_name(setting->unit));
	out_text(out, NULL, "UNIT", unit_shown(setting, value));
}

static void use_out(struct out *out, const struct state *state, enum flowset_name name)
{
	int64_t used = -1, bytes = -1;

	if (name == FLOWSET_CAPACITY) {
		used = (int64_t)state->capacity_used;
		bytes = (int64_t)state->capacity_bytes;
	} else if (name == FLOWSET_SESSIONS) {
		used = (int64_t)state->sessions_used;
	} else if (name == FLOWSET_PACKETS) {
		used = (int64_t)state->packets_used;
		bytes = (int64_t)state->packets_bytes;
	}
	out_number_or(out, "used", "USED", used, "-");
	out_number_or(out, "bytes", "BYTES", bytes, "-");
}

static void setting_out(struct out *out, const struct state *state, const struct flowset_change *change,
			enum flowset_name name)
{
	out_begin(out);
	if (change)
		out_text(out, "change", NULL, (const char[]){ change->letter[name], '\0' });
	value_out(out, state, name);
	if (!change)
		use_out(out, state, name);
	out_end(out);
}

/* All settings; those that were given, with a letter, when there is a change. */
static void state_print(const struct state *state, const struct flowset_change *change, enum out_form form)
{
	struct out out;

	out_open(&out, form);
	do {
		for (int name = 0; name < FLOWSET_COUNT; name++)
			if (!change || change->given[name])
				setting_out(&out, state, change, (enum flowset_name)name);
	} while (out_again(&out));
}

/* As an option of flow_set. */
static void option_print(const struct state *state, enum flowset_name name)
{
	uint64_t value = value_shown(state, name);
	const struct time_unit *unit = time_unit_of(value);

	if (settings[name].unit == UNIT_TIME)
		printf("--%s %" PRIu64 "%s\n", settings[name].option, value / unit->ns, unit->name);
	else
		printf("--%s %" PRIu64 "\n", settings[name].option, value);
}

static void change_print(const struct flowset_change *change, const struct state *next)
{
	for (int name = 0; name < FLOWSET_COUNT; name++) {
		if (!change->given[name])
			continue;
		printf("%c ", change->letter[name]);
		if (change->is_default[name])
			printf("--%s default\n", settings[name].option);
		else
			option_print(next, (enum flowset_name)name);
	}
}

/* ---- commands ---- */

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

int flowset_show(const struct pins *pins, enum out_form form, struct error *error)
{
	struct state state;

	if (state_read(pins, &state, true, error))
		return -1;
	state_print(&state, NULL, form);
	return 0;
}

/* How many packets there are by default depends on the rest, so that is said even then. */
static bool is_saved(const struct state *state, enum flowset_name name)
{
	return name == FLOWSET_PACKETS ? value_get(state, name) != 0 : !is_default(state, name);
}

int flowset_save(const struct pins *pins, struct error *error)
{
	struct state state;

	if (state_read(pins, &state, false, error))
		return -1;
	for (int name = 0; name < FLOWSET_COUNT; name++)
		if (is_saved(&state, (enum flowset_name)name))
			option_print(&state, (enum flowset_name)name);
	return 0;
}
