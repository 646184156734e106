/* SPDX-License-Identifier: GPL-2.0-only */
#include "flowset_internal.h"

#include <inttypes.h>
#include <stdio.h>

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

#define SHOWN_MAX 24

/* A time is in a unit that suits it. */
static char *value_format(const struct setting *setting, uint64_t value, char text[SHOWN_MAX])
{
	if (setting->unit == UNIT_SWITCH)
		snprintf(text, SHOWN_MAX, "%s", switch_name(value));
	else
		snprintf(text, SHOWN_MAX, "%" PRIu64,
			 setting->unit == UNIT_TIME ? value / time_unit_of(value)->ns : value);
	return text;
}

/* In the table, a default stands in parentheses. */
static void value_out(struct out *out, const struct state *state, enum flowset_name name)
{
	const struct setting *setting = &flowset_settings[name];
	uint64_t value = value_shown(state, name);
	char shown[SHOWN_MAX], text[SHOWN_MAX + 2];

	snprintf(text, sizeof(text), is_default(state, name) ? "(%s)" : "%s", value_format(setting, value, shown));
	out_text(out, "name", "NAME", setting->option);
	out_text(out, "original", NULL, setting->word);
	if (setting->unit == UNIT_SWITCH)
		out_bool(out, "value", value != 0);
	else
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

void state_print(const struct state *state, const struct flowset_change *change, enum out_form form)
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
	const struct setting *setting = &flowset_settings[name];
	uint64_t value = value_shown(state, name);
	char text[SHOWN_MAX];

	printf("--%s %s%s\n", setting->option, value_format(setting, value, text),
	       setting->unit == UNIT_TIME ? time_unit_of(value)->name : "");
}

void change_print(const struct flowset_change *change, const struct state *next)
{
	for (int name = 0; name < FLOWSET_COUNT; name++) {
		if (!change->given[name])
			continue;
		printf("%c ", change->letter[name]);
		if (change->is_default[name])
			printf("--%s default\n", flowset_settings[name].option);
		else
			option_print(next, (enum flowset_name)name);
	}
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
