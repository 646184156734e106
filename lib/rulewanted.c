/* SPDX-License-Identifier: GPL-2.0-only */
#include "array.h"
#include "rulefind.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMED_MAX (6 * PREFIX_TEXT_MAX)

int wanted_name(struct rule_wanted *wanted, const char *file, unsigned long line, char *const *words, int count,
		struct error *error)
{
	char text[NAMED_MAX] = "";
	size_t used = 0;

	if (line)
		used = (size_t)snprintf(text, sizeof(text), "%.60s:%lu:1: ", strcmp(file, "-") ? file : "stdin", line);
	for (int i = 0; i < count && used < sizeof(text); i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, i ? " %.40s" : "%.40s", words[i]);
	wanted->named = strdup(text);
	return wanted->named ? 0 : error_errno(error, "rules");
}

static int list_add(struct wanted_list *list, const struct rule_wanted *wanted, struct error *error)
{
	struct rule_wanted *items = array_room(list->items, list->count, sizeof(*items));

	if (!items)
		return error_errno(error, "rules");
	list->items = items;
	list->items[list->count++] = *wanted;
	return 0;
}

/* Both families, and not a range, which has one. */
static bool is_any(const struct prefix_list *list)
{
	return list->count == 2 && list->items[0].family != list->items[1].family;
}

static size_t parts(const struct prefix_list *list)
{
	return !list->count || is_any(list) ? 1 : list->count;
}

static struct prefix_list part(const struct prefix_list *list, size_t i)
{
	return !list->count || is_any(list) ? *list : (struct prefix_list){ &list->items[i], 1 };
}

int wanted_add(struct wanted_list *list, const struct rule_wanted *wanted, struct error *error)
{
	const struct prefix_list *dst = &wanted->selector.dst, *src = &wanted->selector.src;
	int result = 0;

	for (size_t d = 0; !result && d < parts(dst); d++) {
		for (size_t s = 0; !result && s < parts(src); s++) {
			struct rule_wanted one = *wanted;

			one.selector.dst = part(dst, d);
			one.selector.src = part(src, s);
			result = list_add(list, &one, error);
		}
	}
	return result;
}
