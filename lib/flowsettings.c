/* SPDX-License-Identifier: GPL-2.0-only */
#include "flowsettings.h"

#include "abi/lb.h"
#include "clock.h"
#include "conn.h"
#include "conntable.h"
#include "flowresize.h"
#include "lbtable.h"
#include "num.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

const struct flow_settings_of settings_of_conns = {
	.shape = &conn_shape,
	.names = { [CONNS_CONFIRMED] = "confirmed", [CONNS_UNCONFIRMED] = "unconfirmed" },
	.defaults = { [CONNS_CONFIRMED] = CONNS_CONFIRMED_DEFAULT, [CONNS_UNCONFIRMED] = CONNS_UNCONFIRMED_DEFAULT },
	.count = FLOW_SETTINGS_MAX,
};

const struct flow_settings_of settings_of_lb = {
	.shape = &lb_shape,
	.names = { [CONNS_CONFIRMED] = "max", [CONNS_UNCONFIRMED] = "unconfirmed" },
	.defaults = { [CONNS_CONFIRMED] = LB_CONFIRMED_DEFAULT / 2, [CONNS_UNCONFIRMED] = LB_UNCONFIRMED_DEFAULT / 2 },
	.count = CONN_TABLES,
};

/* What is in force; 0 where a timeout is the default. */
struct settings {
	uint32_t value[FLOW_SETTINGS_MAX];
	size_t used[CONN_TABLES];
	size_t overdue[CONN_TABLES]; /* that count as absent, and make room when there is need */
};

/* ---- text ---- */

static bool is_table(size_t setting)
{
	return setting < CONN_TABLES;
}

static enum conn_timeout timeout_at(size_t setting)
{
	return (enum conn_timeout)(setting - CONN_TABLES);
}

static const char *setting_name(const struct flow_settings_of *of, size_t setting)
{
	return is_table(setting) ? of->names[setting] : timeout_name(timeout_at(setting));
}

static const char *setting_unit(const struct flow_settings_of *of, size_t setting)
{
	return is_table(setting) ? of->shape->unit : "seconds";
}

static uint32_t setting_default(const struct flow_settings_of *of, size_t setting)
{
	return is_table(setting) ? of->defaults[setting] : conn_timeout_default(timeout_at(setting));
}

static int name_unknown(const struct flow_settings_of *of, const char *operand, struct error *error)
{
	char names[256] = "";

	for (size_t i = 0; i < of->count; i++)
		snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s",
			 !i                   ? ""
			 : i + 1 == of->count ? " or "
					      : ", ",
			 setting_name(of, i));
	return error_usage(error, operand, "expected NAME=VALUE, where NAME is %s", names);
}

static int setting_find(const struct flow_settings_of *of, const char *operand, size_t size, size_t *setting)
{
	for (*setting = 0; *setting < of->count; ++*setting) {
		const char *name = setting_name(of, *setting);

		if (strlen(name) == size && !memcmp(name, operand, size))
			return 0;
	}
	return -1;
}

int flow_change_parse(struct flow_change *change, const struct flow_settings_of *of, const char *operand,
		      struct error *error)
{
	size_t size = strcspn(operand, "="), setting;
	uint64_t value = 0, most;
	struct error ignored;

	if (!operand[size] || setting_find(of, operand, size, &setting))
		return name_unknown(of, operand, error);
	if (change->given[setting])
		return error_usage(error, operand, "%s was said already", setting_name(of, setting));
	most = is_table(setting) ? FLOW_TABLE_MAX : UINT32_MAX;
	if (strcmp(operand + size + 1, "default") && num_parse(operand + size + 1, 1, most, &value, &ignored))
		return error_usage(error, operand, "%s is a number of %s, 1-%ju, or default", setting_name(of, setting),
				   setting_unit(of, setting), (uintmax_t)most);
	change->given[setting] = true;
	change->value[setting] = (uint32_t)value;
	return 0;
}

/* ---- in force ---- */

struct counting {
	const struct flow_shape *shape;
	const struct splicer_config *config;
	uint64_t now;
	size_t used, overdue; /* entries */
};

static int entry_count(void *context, const void *key, const void *value)
{
	struct counting *counting = context;

	if (counting->shape->is_overdue(counting->config, key, value, counting->now))
		counting->overdue++;
	else
		counting->used++;
	return 0;
}

/* Of so many entries that are taken: what has one that others have two of takes half the room. */
static size_t rounded_up(const struct flow_shape *shape, size_t entries)
{
	return (entries + shape->entries - 1) / shape->entries;
}

static int table_read(const struct flow_shape *shape, const struct pins *pins, int outer, enum conn_table table,
		      struct settings *settings, struct error *error)
{
	struct counting counting = { .shape = shape, .config = pins->config, .now = clock_now() };
	struct flow_table map;
	int result;

	if (flow_table_open(shape, outer, table, &map, error))
		return -1;
	result = flow_table_each(shape, map.fd, entry_count, &counting) ? error_errno(error, shape->pin->name) : 0;
	close(map.fd);
	settings->value[table] = map.size / shape->entries;
	settings->used[table] = rounded_up(shape, counting.used);
	settings->overdue[table] = rounded_up(shape, counting.overdue);
	return result;
}

static int settings_read(const struct flow_settings_of *of, const struct pins *pins, struct settings *settings,
			 struct error *error)
{
	int outer = pin_open(pins, of->shape->pin, error), result = 0;

	*settings = (struct settings){ 0 };
	if (outer < 0)
		return -1;
	for (int table = 0; table < CONN_TABLES && !result; table++)
		result = table_read(of->shape, pins, outer, (enum conn_table)table, settings, error);
	close(outer);
	for (size_t i = CONN_TABLES; i < of->count; i++)
		settings->value[i] = __atomic_load_n(&pins->config->timeout[timeout_at(i)], __ATOMIC_RELAXED);
	return result;
}

/* ---- changing ---- */

static int table_size(const struct flow_shape *shape, int outer, enum conn_table table, uint32_t *size,
		      struct error *error)
{
	struct flow_table map;

	if (flow_table_open(shape, outer, table, &map, error))
		return -1;
	close(map.fd);
	*size = map.size;
	return 0;
}

/* Entries. */
static uint32_t wanted_size(const struct flow_settings_of *of, const struct flow_change *change, size_t table)
{
	return (change->value[table] ? change->value[table] : of->defaults[table]) * of->shape->entries;
}

static int letters_set(const struct flow_settings_of *of, const struct pins *pins, int outer,
		       struct flow_change *change, struct error *error)
{
	for (size_t i = 0; i < of->count; i++) {
		uint32_t now = 0, wanted = is_table(i) ? wanted_size(of, change, i) : change->value[i];

		if (!is_table(i))
			now = pins->config->timeout[timeout_at(i)];
		else if (table_size(of->shape, outer, (enum conn_table)i, &now, error))
			return -1;
		change->letter[i] = now == wanted ? '=' : 'C';
	}
	return 0;
}

static bool is_changed(const struct flow_change *change, size_t setting)
{
	return change->given[setting] && change->letter[setting] == 'C';
}

/* All new tables are there and filled before the first is put in its place. */
static int tables_change(const struct flow_settings_of *of, const struct pins *pins, int outer,
			 struct flow_change *change, struct error *error)
{
	struct flow_resize resizes[CONN_TABLES];
	size_t begun = 0;
	int result = 0;

	for (size_t i = 0; i < CONN_TABLES && !result; i++)
		if (is_changed(change, i))
			result = flow_resize_begin(&resizes[begun++], of->shape, pins, outer, (enum conn_table)i,
						   wanted_size(of, change, i), error);
	for (size_t i = 0; i < begun && !result; i++) {
		result = flow_resize_commit(&resizes[i], error);
		change->dropped += resizes[i].dropped;
	}
	for (size_t i = 0; i < begun; i++)
		flow_resize_end(&resizes[i]);
	return result;
}

static void timeouts_change(const struct flow_settings_of *of, const struct pins *pins,
			    const struct flow_change *change)
{
	for (size_t i = CONN_TABLES; i < of->count; i++)
		if (is_changed(change, i))
			__atomic_store_n(&pins->config->timeout[timeout_at(i)], change->value[i], __ATOMIC_RELAXED);
}

static int settings_apply(const struct flow_settings_of *of, const struct pins *pins, struct flow_change *change,
			  bool dry_run, struct error *error)
{
	int outer = pin_open(pins, of->shape->pin, error), result;

	if (outer < 0)
		return -1;
	result = letters_set(of, pins, outer, change, error);
	if (!result && !dry_run)
		result = tables_change(of, pins, outer, change, error);
	if (!result && !dry_run)
		timeouts_change(of, pins, change);
	close(outer);
	return result;
}

static int apply_locked(const struct flow_settings_of *of, const struct pins *pins, struct flow_change *change,
			bool dry_run, struct error *error)
{
	int result;

	if (dry_run)
		return settings_apply(of, pins, change, true, error);
	if (pins_lock(pins, error))
		return -1;
	result = settings_apply(of, pins, change, false, error);
	pins_unlock(pins);
	return result;
}

/* ---- printing ---- */

/* In the table, a default stands in parentheses. */
static void setting_out(const struct flow_settings_of *of, struct out *out, const struct settings *settings,
			size_t setting)
{
	uint32_t fallback = setting_default(of, setting), value = settings->value[setting];
	bool is_default = !value || (is_table(setting) && value == fallback);
	char text[24];

	snprintf(text, sizeof(text), is_default ? "(%u)" : "%u", value ? value : fallback);
	out_text(out, "name", "NAME", setting_name(of, setting));
	out_number(out, "value", NULL, value ? value : fallback);
	out_bool(out, "default", is_default);
	out_text(out, NULL, "VALUE", text);
	out_text(out, "unit", "UNIT", setting_unit(of, setting));
	out_number_or(out, "used", "USED", is_table(setting) ? (int64_t)settings->used[setting] : -1, "-");
	out_number_or(out, "overdue", "OVERDUE", is_table(setting) ? (int64_t)settings->overdue[setting] : -1, "-");
}

static void change_out(struct out *out, const struct flow_change *change, size_t setting)
{
	char letter[2] = { change->letter[setting], '\0' };

	out_text(out, "change", NULL, letter);
}

/* All settings; those with a letter after "change" when there is a change. */
static void settings_print(const struct flow_settings_of *of, const struct settings *settings,
			   const struct flow_change *change, enum out_form form)
{
	struct out out;

	out_open(&out, form);
	do {
		/* gcc 13 cannot see that count is no more */
		for (size_t i = 0; i < of->count && i < FLOW_SETTINGS_MAX; i++) {
			if (change && !change->given[i])
				continue;
			out_begin(&out);
			if (change)
				change_out(&out, change, i);
			setting_out(of, &out, settings, i);
			out_end(&out);
		}
	} while (out_again(&out));
}

/* What was given shows as it is to be, also after a dry run. */
static int change_print_json(const struct flow_settings_of *of, const struct pins *pins,
			     const struct flow_change *change, struct error *error)
{
	struct settings settings;

	if (settings_read(of, pins, &settings, error))
		return -1;
	for (size_t i = 0; i < of->count; i++)
		if (change->given[i])
			settings.value[i] = change->value[i];
	settings_print(of, &settings, change, OUT_JSON);
	return 0;
}

static void change_print_lines(const struct flow_settings_of *of, const struct flow_change *change)
{
	for (size_t i = 0; i < of->count; i++) {
		if (!change->given[i])
			continue;
		printf("%c %s=", change->letter[i], setting_name(of, i));
		printf(change->value[i] ? "%u\n" : "default\n", change->value[i]);
	}
}

/* ---- commands ---- */

int flow_settings_set(const struct flow_settings_of *of, const struct pins *pins, struct flow_change *change,
		      const struct common_options *common, struct error *error)
{
	if (apply_locked(of, pins, change, common->dry_run, error))
		return -1;
	if (common->json) {
		if (change_print_json(of, pins, change, error))
			return -1;
	} else if (common->verbose || common->dry_run) {
		change_print_lines(of, change);
	}
	if (change->dropped && common->verbose && !common->quiet)
		note_print("%zu %s dropped, the longest unused ones: the table is too small for them", change->dropped,
			   of->shape->unit);
	return 0;
}

int flow_settings_show(const struct flow_settings_of *of, const struct pins *pins, enum out_form form,
		       struct error *error)
{
	struct settings settings;

	if (settings_read(of, pins, &settings, error))
		return -1;
	settings_print(of, &settings, NULL, form);
	return 0;
}

int flow_settings_save(const struct flow_settings_of *of, const struct pins *pins, struct error *error)
{
	struct settings settings;

	if (settings_read(of, pins, &settings, error))
		return -1;
	for (size_t i = 0; i < of->count; i++)
		if (settings.value[i] && !(is_table(i) && settings.value[i] == of->defaults[i]))
			printf("%s=%u\n", setting_name(of, i), settings.value[i]);
	return 0;
}
