/* SPDX-License-Identifier: GPL-2.0-only */
#include "flowflags.h"

#include "epoch.h"

#include <string.h>

static const struct {
	uint8_t flag;
	const char *word;
} flag_words[] = {
	{ CONN_CUT, "cut" },           { CONN_FIN_FORWARD, "fin" },   { CONN_FIN_BACK, "fin-back" },
	{ CONN_RST_FORWARD, "rst" },   { CONN_RST_BACK, "rst-back" }, { CONN_BACK_LEFT, "back-left" },
	{ CONN_IN_DOUBT, "in-doubt" },
};

#define FLAG_WORDS (sizeof(flag_words) / sizeof(flag_words[0]))

int flow_word_fault(const char *word, const char *value, struct error *error)
{
	struct error reason = *error;
	size_t size = strlen(value);

	/* "VALUE: why", unless the value was too long for that */
	if (!strncmp(reason.text, value, size) && !strncmp(reason.text + size, ": ", 2))
		size += 2;
	else
		size = 0;
	if (reason.exit == EXIT_STATE)
		return error_state(error, word, "%s", reason.text + size);
	return error_usage(error, word, "%s", reason.text + size);
}

static int flag_add(const char *word, const char *name, size_t size, uint8_t *flags, struct error *error)
{
	for (size_t i = 0; i < FLAG_WORDS; i++) {
		if (strlen(flag_words[i].word) != size || memcmp(name, flag_words[i].word, size) != 0)
			continue;
		*flags |= flag_words[i].flag;
		return 0;
	}
	return error_usage(error, word, "flags are cut, fin, fin-back, rst, rst-back, back-left and in-doubt");
}

int flow_flags_parse(const char *word, const char *value, uint8_t *flags, struct error *error)
{
	for (;;) {
		size_t size = strcspn(value, ",");

		if (flag_add(word, value, size, flags, error))
			return -1;
		if (!value[size])
			return 0;
		value += size + 1;
	}
}

void text_flow_flags(struct text *text, uint8_t flags)
{
	const char *before = " flags=";

	for (size_t i = 0; i < FLAG_WORDS; i++) {
		if (!(flags & flag_words[i].flag))
			continue;
		text_put(text, before);
		text_put(text, flag_words[i].word);
		before = ",";
	}
}

static const char *const tables[CONN_TABLES] = {
	[CONNS_CONFIRMED] = "confirmed",
	[CONNS_UNCONFIRMED] = "unconfirmed",
};

const char *flow_table_name(uint8_t table)
{
	return tables[table];
}

int flow_table_parse(const char *word, const char *value, uint8_t *table, struct error *error)
{
	for (size_t i = 0; i < CONN_TABLES; i++) {
		*table = (uint8_t)i;
		if (!strcmp(value, tables[i]))
			return 0;
	}
	return error_usage(error, word, "a table is confirmed or unconfirmed");
}

int flow_time_parse(const char *word, const char *value, uint64_t *epoch, struct error *error)
{
	return epoch_parse(value, EPOCH_DIGITS, epoch, error) ? flow_word_fault(word, value, error) : 0;
}

void text_flow_time(struct text *text, const char *name, uint64_t epoch)
{
	text_char(text, ' ');
	text_put(text, name);
	text_epoch(text, epoch);
}
