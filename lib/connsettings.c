/* SPDX-License-Identifier: GPL-2.0-only */
#include "connsettings.h"

#include "clock.h"
#include "conn.h"
#include "connresize.h"
#include "connselect.h"
#include "conntable.h"
#include "num.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- text ---- */

static bool is_table(size_t setting)
{
	return setting < CONN_TABLES;
}

static enum conn_timeout timeout_at(size_t setting)
{
	return (enum conn_timeout)(setting - CONN_TABLES);
}

static const char *setting_name(size_t setting)
{
	return is_table(setting) ? conn_place_name((enum conn_place)setting) : timeout_name(timeout_at(setting));
}

static uint32_t setting_default(size_t setting)
{
	if (is_table(setting))
		return setting == CONNS_CONFIRMED ? CONNS_CONFIRMED_DEFAULT : CONNS_UNCONFIRMED_DEFAULT;
	return conn_timeout_default(timeout_at(setting));
}

static int name_unknown(const char *operand, struct error *error)
{
	char names[256] = "";

	for (size_t i = 0; i < CONN_SETTINGS; i++)
		snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s",
			 !i                       ? ""
			 : i + 1 == CONN_SETTINGS ? " or "
						  : ", ",
			 setting_name(i));
	return error_usage(error, operand, "expected NAME=VALUE, where NAME is %s", names);
}

static int setting_find(const char *operand, size_t size, size_t *setting)
{
	for (*setting = 0; *setting < CONN_SETTINGS; ++*setting)
		if (strlen(setting_name(*setting)) == size && !memcmp(setting_name(*setting), operand, size))
			return 0;
	return -1;
}

int conn_change_parse(struct conn_change *change, const char *operand, struct error *error)
{
	size_t size = strcspn(operand, "="), setting;
	uint64_t value = 0, most;
	struct error ignored;

	if (!operand[size] || setting_find(operand, size, &setting))
		return name_unknown(operand, error);
	if (change->given[setting])
		return error_usage(error, operand, "%s was said already", setting_name(setting));
	most = is_table(setting) ? CONN_TABLE_SIZE_MAX : UINT32_MAX;
	if (strcmp(operand + size + 1, "default") && num_parse(operand + size + 1, 1, most, &value, &ignored))
		return error_usage(error, operand, "%s is a number of %s, 1-%ju, or default", setting_name(setting),
				   is_table(setting) ? "connections" : "seconds", (uintmax_t)most);
	change->given[setting] = true;
	change->value[setting] = (uint32_t)value;
	return 0;
}

/* ---- in force ---- */

struct counting {
	const struct splicer_config *config;
	uint64_t now;
	size_t used, overdue;
};

static int entry_count(void *context, const struct conn_key *key, const struct conn *conn)
{
	struct counting *counting = context;

	if (conn_is_overdue(counting->config, key, conn, counting->now))
		counting->overdue++;
	else
		counting->used++;
	return 0;
}

static int table_read(const struct pins *pins, int outer, enum conn_table table, struct conn_settings *settings,
		      struct error *error)
{
	struct counting counting = { .config = pins->config, .now = clock_now() };
	struct conn_map map;
	int result;

	if (conn_map_open(outer, table, &map, error))
		return -1;
	result = conn_map_each(map.fd, entry_count, &counting) ? error_errno(error, SPLICER_CONNS) : 0;
	close(map.fd);
	settings->value[table] = map.size;
	settings->used[table] = counting.used;
	settings->overdue[table] = counting.overdue;
	return result;
}

int conn_settings_read(const struct pins *pins, struct conn_settings *settings, struct error *error)
{
	int outer = pin_open(pins, &pin_conns, error), result = 0;

	*settings = (struct conn_settings){ 0 };
	if (outer < 0)
		return -1;
	for (int table = 0; table < CONN_TABLES && !result; table++)
		result = table_read(pins, outer, (enum conn_table)table, settings, error);
	close(outer);
	for (size_t i = CONN_TABLES; i < CONN_SETTINGS; i++)
		settings->value[i] = __atomic_load_n(&pins->config->timeout[timeout_at(i)], __ATOMIC_RELAXED);
	return result;
}

/* ---- changing ---- */

static int table_size(int outer, enum conn_table table, uint32_t *size, struct error *error)
{
	struct conn_map map;

	if (conn_map_open(outer, table, &map, error))
		return -1;
	close(map.fd);
	*size = map.size;
	return 0;
}

static uint32_t wanted_size(const struct conn_change *change, size_t table)
{
	return change->value[table] ? change->value[table] : setting_default(table);
}

static int letters_set(const struct pins *pins, int outer, struct conn_change *change, struct error *error)
{
	for (size_t i = 0; i < CONN_SETTINGS; i++) {
		uint32_t now = 0, wanted = is_table(i) ? wanted_size(change, i) : change->value[i];

		if (!is_table(i))
			now = pins->config->timeout[timeout_at(i)];
		else if (table_size(outer, (enum conn_table)i, &now, error))
			return -1;
		change->letter[i] = now == wanted ? '=' : 'C';
	}
	return 0;
}

static bool is_changed(const struct conn_change *change, size_t setting)
{
	return change->given[setting] && change->letter[setting] == 'C';
}

/* All new tables are there and filled before the first is put in its place. */
static int tables_change(const struct pins *pins, int outer, struct conn_change *change, struct error *error)
{
	struct conn_resize resizes[CONN_TABLES];
	size_t begun = 0;
	int result = 0;

	for (size_t i = 0; i < CONN_TABLES && !result; i++)
		if (is_changed(change, i))
			result = conn_resize_begin(&resizes[begun++], pins, outer, (enum conn_table)i,
						   wanted_size(change, i), error);
	for (size_t i = 0; i < begun && !result; i++) {
		result = conn_resize_commit(&resizes[i], error);
		change->dropped += resizes[i].dropped;
	}
	for (size_t i = 0; i < begun; i++)
		conn_resize_end(&resizes[i]);
	return result;
}

static void timeouts_change(const struct pins *pins, const struct conn_change *change)
{
	for (size_t i = CONN_TABLES; i < CONN_SETTINGS; i++)
		if (is_changed(change, i))
			__atomic_store_n(&pins->config->timeout[timeout_at(i)], change->value[i], __ATOMIC_RELAXED);
}

int conn_settings_apply(const struct pins *pins, struct conn_change *change, bool dry_run, struct error *error)
{
	int outer = pin_open(pins, &pin_conns, error), result;

	if (outer < 0)
		return -1;
	result = letters_set(pins, outer, change, error);
	if (!result && !dry_run)
		result = tables_change(pins, outer, change, error);
	if (!result && !dry_run)
		timeouts_change(pins, change);
	close(outer);
	return result;
}

/* ---- printing ---- */

/* In the table, a default stands in parentheses. */
static void setting_out(struct out *out, const struct conn_settings *settings, size_t setting)
{
	uint32_t fallback = setting_default(setting), value = settings->value[setting];
	bool is_default = !value || (is_table(setting) && value == fallback);
	char text[24];

	snprintf(text, sizeof(text), is_default ? "(%u)" : "%u", value ? value : fallback);
	out_text(out, "name", "NAME", setting_name(setting));
	out_number(out, "value", NULL, value ? value : fallback);
	out_bool(out, "default", is_default);
	out_text(out, NULL, "VALUE", text);
	out_text(out, "unit", "UNIT", is_table(setting) ? "connections" : "seconds");
	out_number_or(out, "used", "USED", is_table(setting) ? (int64_t)settings->used[setting] : -1, "-");
	out_number_or(out, "overdue", "OVERDUE", is_table(setting) ? (int64_t)settings->overdue[setting] : -1, "-");
}

static void change_out(struct out *out, const struct conn_change *change, size_t setting)
{
	char letter[2] = { change->letter[setting], '\0' };

	out_text(out, "change", NULL, letter);
}

/* What was given shows as it is to be, also after a dry run. */
void conn_settings_print(const struct conn_settings *settings, const struct conn_change *change, enum out_form form)
{
	struct conn_settings shown = *settings;
	struct out out;

	out_open(&out, form);
	for (size_t i = 0; change && i < CONN_SETTINGS; i++)
		if (change->given[i])
			shown.value[i] = change->value[i];
	do {
		for (size_t i = 0; i < CONN_SETTINGS; i++) {
			if (change && !change->given[i])
				continue;
			out_begin(&out);
			if (change)
				change_out(&out, change, i);
			setting_out(&out, &shown, i);
			out_end(&out);
		}
	} while (out_again(&out));
}

void conn_settings_print_lines(const struct conn_settings *settings)
{
	for (size_t i = 0; i < CONN_SETTINGS; i++)
		if (settings->value[i] && !(is_table(i) && settings->value[i] == setting_default(i)))
			printf("%s=%u\n", setting_name(i), settings->value[i]);
}

void conn_change_print_lines(const struct conn_change *change)
{
	for (size_t i = 0; i < CONN_SETTINGS; i++) {
		if (!change->given[i])
			continue;
		printf("%c %s=", change->letter[i], setting_name(i));
		printf(change->value[i] ? "%u\n" : "default\n", change->value[i]);
	}
}
