/* SPDX-License-Identifier: GPL-2.0-only */
#include "endselect.h"

#include <stdlib.h>
#include <string.h>

int end_take_prefix(struct prefix_list *list, const char *value, struct error *error)
{
	free(list->items);
	*list = (struct prefix_list){ 0 };
	if (prefix_parse_cover(value, NULL, list, error))
		return -1;
	prefix_list_sort(list);
	return 0;
}

int end_take_ports(struct end_ports *ports, const char *value, struct error *error)
{
	ports->given = true;
	return portrange_parse(value, &ports->low, &ports->high, error);
}

bool end_is_in(const struct prefix_list *list, uint8_t family, const uint8_t addr[16])
{
	struct prefix prefix = { .family = family, .len = (uint8_t)prefix_bits(family) };

	if (!list->count)
		return true;
	memcpy(prefix.addr, addr, sizeof(prefix.addr));
	return prefix_list_covers(list, &prefix);
}

bool end_port_is_in(const struct end_ports *ports, uint16_t port)
{
	return !ports->given || (port >= ports->low && port <= ports->high);
}
