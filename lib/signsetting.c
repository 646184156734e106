/* SPDX-License-Identifier: GPL-2.0-only */
/* Kinds of signs and their settings by name, and the list of them. */
#include "signs.h"

#include "out.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int kind_find(const char *name, size_t length)
{
	for (int kind = 0; kind < SIGN_KINDS; kind++)
		if (strlen(sign_rows[kind].name) == length && !strncmp(sign_rows[kind].name, name, length))
			return kind;
	return -1;
}

/* Words with commas between, and "or" before the last. */
static void word_append(char *text, size_t size, const char *word, bool is_first, bool is_last)
{
	size_t used = strlen(text);

	snprintf(text + used, size - used, "%s%s", is_first ? "" : is_last ? " or " : ", ", word);
}

static int kind_refuse(const char *operand, struct error *error)
{
	char names[256] = "";

	for (int kind = 0; kind < SIGN_KINDS; kind++)
		word_append(names, sizeof(names), sign_rows[kind].name, kind == 0, kind + 1 == SIGN_KINDS);
	return error_usage(error, operand, "a kind of sign is %s", names);
}

static int settings_of(enum sign_kind kind)
{
	int count = 0;

	while (count < SIGN_SETTINGS_MAX && sign_rows[kind].settings[count].name)
		count++;
	return count;
}

static int setting_find(enum sign_kind kind, const char *name, size_t length)
{
	const struct sign_setting *settings = sign_rows[kind].settings;

	for (int i = 0; i < settings_of(kind); i++)
		if (strlen(settings[i].name) == length && !strncmp(settings[i].name, name, length))
			return i;
	return -1;
}

static int setting_refuse(enum sign_kind kind, const char *operand, struct error *error)
{
	const struct sign_row *row = &sign_rows[kind];
	int count = settings_of(kind);
	char names[256] = "";

	for (int i = 0; i < count; i++)
		word_append(names, sizeof(names), row->settings[i].name, i == 0, i + 1 == count);
	return error_usage(error, operand, "what can be set of %s is %s", row->name, count ? names : "nothing");
}

/* Digits, with a point and more digits or without. */
static bool is_decimal(const char *text)
{
	size_t whole = strspn(text, "0123456789"), more;

	if (!whole || text[whole] != '.')
		return whole && !text[whole];
	more = strspn(text + whole + 1, "0123456789");
	return more && !text[whole + 1 + more];
}

static int value_take(const struct sign_setting *setting, const char *text, double *value, struct error *error)
{
	double given = is_decimal(text) ? strtod(text, NULL) : -1;

	if (given < setting->least || given > setting->most)
		return error_usage(error, text, "%s is a number from %.10g to %.10g", setting->name, setting->least,
				   setting->most);
	*value = given;
	return 0;
}

int signs_set(struct signs *signs, const char *text, struct error *error)
{
	const char *dot = strchr(text, '.'), *equals = strchr(text, '=');
	int kind, setting;

	if (!dot || !equals || dot > equals)
		return error_usage(error, text, "expected KIND.NAME=VALUE");
	kind = kind_find(text, (size_t)(dot - text));
	if (kind < 0)
		return kind_refuse(text, error);
	setting = setting_find((enum sign_kind)kind, dot + 1, (size_t)(equals - dot - 1));
	if (setting < 0)
		return setting_refuse((enum sign_kind)kind, text, error);
	return value_take(&sign_rows[kind].settings[setting], equals + 1, &signs->settings[kind][setting], error);
}

int signs_choose(struct signs *signs, const char *text, struct error *error)
{
	memset(signs->wanted, 0, sizeof(signs->wanted));
	for (const char *name = text;; name++) {
		size_t length = strcspn(name, ",");
		int kind = kind_find(name, length);

		if (kind < 0)
			return kind_refuse(text, error);
		signs->wanted[kind] = true;
		name += length;
		if (!*name)
			return 0;
	}
}

double sign_setting(const struct signs *signs, enum sign_kind kind, const char *name)
{
	int setting = setting_find(kind, name, strlen(name));

	if (setting < 0)
		abort();
	return signs->settings[kind][setting];
}

/* ---- the list ---- */

static void put_number(struct out *out, const char *key, const char *header, double value)
{
	char text[32];

	snprintf(text, sizeof(text), "%.10g", value);
	out_made(out, key, header, text, text);
}

static void list_setting(const struct signs *signs, enum sign_kind kind, int setting, struct out *out)
{
	const struct sign_row *row = &sign_rows[kind];
	const struct sign_setting *it = &row->settings[setting];
	char name[64];

	snprintf(name, sizeof(name), "%s.%s", row->name, it->name);
	out_begin(out);
	out_text(out, "setting", "SETTING", name);
	put_number(out, "value", "VALUE", signs->settings[kind][setting]);
	put_number(out, "least", "FROM", it->least);
	put_number(out, "most", "TO", it->most);
	out_text(out, "meaning", "MEANING", it->meaning);
	out_end(out);
}

static void list_settings(const struct signs *signs)
{
	struct out out;

	out_open(&out, OUT_TABLE);
	do
		for (int kind = 0; kind < SIGN_KINDS; kind++)
			for (int i = 0; i < settings_of((enum sign_kind)kind); i++)
				list_setting(signs, (enum sign_kind)kind, i, &out);
	while (out_again(&out));
}

static void setting_format(const struct sign_setting *setting, double value, struct text *text)
{
	char numbers[128];

	snprintf(numbers, sizeof(numbers), ":{\"value\":%.10g,\"least\":%.10g,\"most\":%.10g,\"meaning\":", value,
		 setting->least, setting->most);
	text_json(text, setting->name);
	text_put(text, numbers);
	text_json(text, setting->meaning);
	text_char(text, '}');
}

/* {"least":{"value":15,"least":1,"most":1000000000,"meaning":"..."},...} */
static void settings_format(const struct signs *signs, enum sign_kind kind, char *form, size_t size)
{
	struct text text = { .data = form, .size = size - 1 };

	text_char(&text, '{');
	for (int i = 0; i < settings_of(kind); i++) {
		if (i)
			text_char(&text, ',');
		setting_format(&sign_rows[kind].settings[i], signs->settings[kind][i], &text);
	}
	text_char(&text, '}');
	form[text.length] = '\0';
}

static void list_kind(const struct signs *signs, enum sign_kind kind, struct out *out)
{
	const struct sign_row *row = &sign_rows[kind];
	char settings[1024];

	settings_format(signs, kind, settings, sizeof(settings));
	out_begin(out);
	out_text(out, "sign", "SIGN", row->name);
	out_text(out, "subject", "OF", row->subject);
	out_text(out, "unit", "UNIT", row->unit);
	out_text(out, "observed", "OBSERVED", row->observed);
	out_text(out, "expected", NULL, row->expected);
	out_text(out, "rule", NULL, row->rule);
	out_made(out, "settings", NULL, settings, "");
	out_bool(out, "for_bans", row->is_for_bans);
	out_bool(out, "needs_profile", row->needs_profile);
	out_end(out);
}

void signs_list(const struct signs *signs, bool json)
{
	struct out out;

	out_open(&out, json ? OUT_JSON : OUT_TABLE);
	do
		for (int kind = 0; kind < SIGN_KINDS; kind++)
			list_kind(signs, (enum sign_kind)kind, &out);
	while (out_again(&out));
	if (json)
		return;
	putchar('\n');
	list_settings(signs);
}
