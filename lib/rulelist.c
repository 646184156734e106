/* SPDX-License-Identifier: GPL-2.0-only */
#include "rulelist.h"

#include <stdlib.h>

int rulelist_open(struct rulelist *list, const struct pins *pins, const struct pin_shape *shape, struct error *error)
{
	*list = (struct rulelist){ 0 };
	if (ruleset_open(&list->set, pins, shape, false, error))
		return -1;
	if (!arena_map_whole(&list->set.arena, error))
		return 0;
	rulelist_close(list);
	return -1;
}

void rulelist_close(struct rulelist *list)
{
	ruleset_close(&list->set);
	free(list->places);
	list->places = NULL;
}

int rulelist_order(struct rulelist *list, struct error *error)
{
	return ruleset_order(&list->set, &list->places, &list->count, error);
}

bool rulelist_read(struct rulelist *list, size_t i, struct rules_record *rule)
{
	return ruleset_read(&list->set, &list->places[i], rule);
}
