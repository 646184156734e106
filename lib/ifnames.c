/* SPDX-License-Identifier: GPL-2.0-only */
#include "ifnames.h"

#include "array.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int ifnames_add(struct ifnames *names, uint32_t ifindex, struct error *error)
{
	struct ifname *items;

	if (!ifindex || (names->count && names->items[names->count - 1].ifindex == ifindex))
		return 0;
	items = array_room(names->items, names->count, sizeof(*items));
	if (!items)
		return error_errno(error, "interfaces");
	names->items = items;
	items[names->count++] = (struct ifname){ .ifindex = ifindex };
	return 0;
}

static int by_index(const void *a, const void *b)
{
	uint32_t one = ((const struct ifname *)a)->ifindex, two = ((const struct ifname *)b)->ifindex;

	return (one > two) - (one < two);
}

static void each_once(struct ifnames *names)
{
	size_t kept = 0;

	for (size_t i = 0; i < names->count; i++)
		if (!kept || names->items[kept - 1].ifindex != names->items[i].ifindex)
			names->items[kept++] = names->items[i];
	names->count = kept;
}

static bool is_taken(const struct ifnames *names, size_t count, const char *text)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(names->items[i].text, text))
			return true;
	return false;
}

void ifnames_read(struct ifnames *names)
{
	if (!names->count)
		return;
	qsort(names->items, names->count, sizeof(*names->items), by_index);
	each_once(names);
	for (size_t i = 0; i < names->count; i++) {
		struct ifname *name = &names->items[i];

		interface_format(name->ifindex, name->text);
		if (is_taken(names, i, name->text))
			snprintf(name->text, sizeof(name->text), "#%u", name->ifindex);
	}
}

size_t ifnames_place(const struct ifnames *names, uint32_t ifindex)
{
	struct ifname wanted = { .ifindex = ifindex };
	const struct ifname *found;

	if (!ifindex || !names->count)
		return names->count;
	found = bsearch(&wanted, names->items, names->count, sizeof(wanted), by_index);
	return found ? (size_t)(found - names->items) : names->count;
}

const char *ifnames_find(const struct ifnames *names, uint32_t ifindex)
{
	size_t place = ifnames_place(names, ifindex);

	return place < names->count ? names->items[place].text : NULL;
}

void ifnames_free(struct ifnames *names)
{
	free(names->items);
	*names = (struct ifnames){ 0 };
}
