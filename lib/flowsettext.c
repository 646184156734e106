/* SPDX-License-Identifier: GPL-2.0-only */
#include "clock.h"
#include "flowset_internal.h"
#include "num.h"

#include <inttypes.h>
#include <string.h>

#define CAPACITY_MAX ((uint64_t)FLOW_BUCKETS_MAX * BUCKET_SESSIONS)

/* ---- what there is ---- */

const struct setting flowset_settings[FLOWSET_COUNT] = {
	[FLOWSET_CAPACITY] = { "capacity", NULL, UNIT_SESSIONS, 1, CAPACITY_MAX },
	[FLOWSET_IDLE_TCP] = { "idle-tcp", NULL, UNIT_SECONDS, 1, UINT32_MAX },
	[FLOWSET_IDLE_ENDED] = { "idle-ended", NULL, UNIT_SECONDS, 1, UINT32_MAX },
	[FLOWSET_IDLE_UDP] = { "idle-udp", NULL, UNIT_SECONDS, 1, UINT32_MAX },
	[FLOWSET_IDLE_OTHER] = { "idle-other", NULL, UNIT_SECONDS, 1, UINT32_MAX },
	[FLOWSET_DETAILS] = { "details", NULL, UNIT_SWITCH, 0, 1 },
	[FLOWSET_CONTENT] = { "content", NULL, UNIT_SWITCH, 0, 1 },
	[FLOWSET_SESSION_PACKETS] = { "session-packets", "N_PACKET_PER_SESSION", UNIT_PACKETS, 0, UINT32_MAX },
	[FLOWSET_SESSIONS] = { "sessions", "N_SESSION", UNIT_SESSIONS, 1, CAPACITY_MAX - 1 },
	[FLOWSET_PACKETS] = { "packets", "N_PACKET_TOTAL", UNIT_PACKETS, 1, FLOW_PACKETS_MAX },
	[FLOWSET_SESSION_RESTART] = { "session-restart", "SESSION_ACCEPT_RESTART_TIME", UNIT_TIME, 1, INT64_MAX },
	[FLOWSET_PACKET_RESTART] = { "packet-restart", "SESSION_PACKET_RESTART_TIME", UNIT_TIME, 1, INT64_MAX },
	[FLOWSET_BUFFER_RESTART] = { "buffer-restart", "BUFFER_PACKET_RESTART_TIME", UNIT_TIME, 1, INT64_MAX },
};

static const struct time_unit time_units[] = {
	{ "h", 3600 * CLOCK_SECOND },  { "m", 60 * CLOCK_SECOND },       { "s", CLOCK_SECOND },
	{ "ms", CLOCK_SECOND / 1000 }, { "us", CLOCK_SECOND / 1000000 }, { "ns", 1 },
};

#define TIME_UNITS (sizeof(time_units) / sizeof(time_units[0]))
#define TIME_UNIT_SHOWN 2 /* the largest that is shown: seconds */

/* ---- text ---- */

const char *unit_name(enum unit unit)
{
	static const char *const names[] = { "sessions", "packets", "seconds", "ns", NULL };

	return names[unit];
}

const char *switch_name(uint64_t value)
{
	return value ? "on" : "off";
}

static int switch_parse(const char *text, uint64_t *value)
{
	*value = !strcmp(text, "on");
	return *value || !strcmp(text, "off") ? 0 : -1;
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

const struct time_unit *time_unit_of(uint64_t ns)
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
	if (setting->unit == UNIT_SWITCH)
		return error_usage(error, operand, "--%s is on, off or default", setting->option);
	return error_usage(error, operand, "--%s is a number of %s, %" PRIu64 "-%" PRIu64 ", or default",
			   setting->option, unit_name(setting->unit), setting->least, setting->most);
}

static int value_parse(const struct setting *setting, const char *text, uint64_t *value)
{
	struct error ignored;

	if (setting->unit == UNIT_SWITCH)
		return switch_parse(text, value);
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
	const struct setting *setting = &flowset_settings[name];

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
		const char *word = flowset_settings[name].word;

		if (word && strlen(word) == size && !memcmp(word, operand, size))
			return take(change, (enum flowset_name)name, operand + size + 1, operand, error);
	}
	return word_unknown(operand, error);
}
