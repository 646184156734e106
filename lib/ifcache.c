/* SPDX-License-Identifier: GPL-2.0-only */
#include "ifcache.h"

#include "rule.h"

#include <stdio.h>
#include <string.h>

#define PLACES 64

struct place {
	uint32_t ifindex;
	char name[INTERFACE_TEXT_MAX];
};

const char *ifcache_name(uint32_t ifindex)
{
	static struct place places[PLACES];
	struct place *place = &places[ifindex % PLACES];

	if (place->ifindex != ifindex || !*place->name)
		interface_format(ifindex, place->name);
	place->ifindex = ifindex;
	return ifindex ? place->name : NULL;
}

static struct place *place_of(struct place places[PLACES], const char *name)
{
	unsigned int hash = 0;

	for (const char *at = name; *at; at++)
		hash = hash * 31 + (unsigned char)*at;
	return &places[hash % PLACES];
}

int ifcache_index(const char *name, uint32_t *ifindex, struct error *error)
{
	static struct place places[PLACES];
	struct place *place = place_of(places, name);

	if (*name && !strcmp(place->name, name)) {
		*ifindex = place->ifindex;
		return 0;
	}
	if (rule_parse_interface(name, ifindex, error))
		return -1;
	snprintf(place->name, sizeof(place->name), "%s", name);
	place->ifindex = *ifindex;
	return 0;
}
