/* SPDX-License-Identifier: GPL-2.0-only */
#include "assign.h"

#include "text.h"

#include <stdint.h>
#include <string.h>

static int name_unknown(const struct assign_row *table, const char *word, struct error *error)
{
	char names[256];
	struct text text = TEXT_OF(names);

	for (const struct assign_row *row = table; row->name; row++) {
		text_put(&text, row == table ? "" : row[1].name ? ", " : " or ");
		text_bytes(&text, row->name, strlen(row->name) - 1);
	}
	return error_usage(error, word, "expected NAME=VALUE, where NAME is %.*s", (int)text.length, text.data);
}

static int word_take(const struct assign_row *table, const char *word, uint32_t *said, void *context,
		     struct error *error)
{
	for (size_t i = 0; table[i].name; i++) {
		size_t size = strlen(table[i].name);

		if (strncmp(word, table[i].name, size) != 0)
			continue;
		if (*said & 1u << i)
			return error_usage(error, word, "said twice");
		*said |= 1u << i;
		return table[i].take(context, word, word + size, error);
	}
	return name_unknown(table, word, error);
}

int assign_parse(const struct assign_row *table, char *const *words, int count, void *context, struct error *error)
{
	uint32_t said = 0;

	for (int i = 0; i < count; i++)
		if (word_take(table, words[i], &said, context, error))
			return -1;
	return 0;
}
