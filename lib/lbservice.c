/* SPDX-License-Identifier: GPL-2.0-only */
#include "lbservice.h"

#include "maglev.h"

#include <stdlib.h>
#include <string.h>

static struct prefix source_get(const struct lb_service *service)
{
	struct prefix source = { .family = service->source_family };

	if (!source.family)
		return source;
	source.len = (uint8_t)prefix_bits(source.family);
	memcpy(source.addr, service->source, sizeof(source.addr));
	return source;
}

int lb_service_read(const struct lb_service *service, struct lb_item *item)
{
	size_t places = service->backends < LB_BACKENDS_MAX ? service->backends : LB_BACKENDS_MAX;

	*item = (struct lb_item){
		.name = { .family = service->family,
			  .proto = service->proto,
			  .low = service->low,
			  .high = service->high },
		.mode = service->mode,
		.affinity = service->affinity,
		.source = source_get(service),
	};
	memcpy(item->name.addr, service->vip, sizeof(item->name.addr));
	if (!places)
		return 0;
	item->backends = malloc(places * sizeof(*item->backends));
	if (!item->backends)
		return -1;
	memcpy(item->backends, service->backend, places * sizeof(*item->backends));
	item->places = places;
	return 0;
}

int lb_service_build(const struct lb_item *item, struct lb_service *service)
{
	service->family = item->name.family;
	service->proto = item->name.proto;
	service->low = item->name.low;
	service->high = item->name.high;
	service->mode = item->mode;
	service->affinity = item->affinity;
	service->backends = (__u32)item->places;
	memcpy(service->vip, item->name.addr, sizeof(service->vip));
	service->source_family = item->source.family;
	memcpy(service->source, item->source.addr, sizeof(service->source));
	if (item->places)
		memcpy(service->backend, item->backends, item->places * sizeof(*item->backends));
	return maglev_build(service);
}
