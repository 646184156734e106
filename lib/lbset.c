/* SPDX-License-Identifier: GPL-2.0-only */
#include "lbset.h"

#include "array.h"
#include "lbservice.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- reading ---- */

static int item_order(const void *left, const void *right)
{
	const struct lb_item *a = left, *b = right;

	return lb_name_order(&a->name, &b->name);
}

static struct lb_item *item_append(struct lbset *set)
{
	struct lb_item *items = array_room(set->items, set->count, sizeof(*items));

	if (!items)
		return NULL;
	set->items = items;
	items[set->count] = (struct lb_item){ .index = LB_INDEX_NONE };
	return &items[set->count++];
}

/* Tables are not looked at, so of the map few pages are. */
static int slot_read(int fd, uint32_t index, struct lbset *set)
{
	const struct lb_service *service = mmap(NULL, sizeof(*service), PROT_READ, MAP_SHARED, fd, 0);
	struct lb_item *item;
	int result = 0;

	if (service == MAP_FAILED)
		return -1;
	if (service->family) {
		item = item_append(set);
		result = item ? lb_service_read(service, item) : -1;
		if (item)
			item->index = index;
	}
	munmap((void *)service, sizeof(*service));
	return result;
}

static int slots_read(int outer, struct lbset *set)
{
	for (uint32_t index = 0; index < LB_SERVICES_MAX; index++) {
		int fd = pin_inner_open(outer, index), result;

		if (fd < 0 && errno == ENOENT)
			continue;
		if (fd < 0)
			return -1;
		result = slot_read(fd, index, set);
		close(fd);
		if (result)
			return -1;
	}
	return 0;
}

int lbset_open(const struct pins *pins, struct lbset *set, struct error *error)
{
	int outer = pin_open(pins, &pin_lb_services, error), result;

	*set = (struct lbset){ 0 };
	if (outer < 0)
		return -1;
	result = slots_read(outer, set) ? error_errno(error, LB_SERVICES) : 0;
	close(outer);
	if (set->count)
		qsort(set->items, set->count, sizeof(*set->items), item_order);
	return result;
}

void lbset_close(struct lbset *set)
{
	for (size_t i = 0; i < set->count; i++)
		free(set->items[i].backends);
	free(set->items);
	*set = (struct lbset){ 0 };
}

/* ---- finding ---- */

/* Where it stands, or would. */
static size_t item_place(const struct lbset *set, const struct lb_name *name)
{
	size_t low = 0, high = set->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (lb_name_order(&set->items[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct lb_item *item_at(const struct lbset *set, const struct lb_name *name)
{
	size_t place = item_place(set, name);

	return place < set->count && !lb_name_order(&set->items[place].name, name) ? &set->items[place] : NULL;
}

struct lb_item *lbset_find(const struct lbset *set, const struct lb_name *name)
{
	struct lb_item *item = item_at(set, name);

	return item && !item->gone ? item : NULL;
}

struct lb_item *lbset_require(const struct lbset *set, const struct lb_name *name, struct error *error)
{
	struct lb_item *item = lbset_find(set, name);
	char text[LB_TEXT_MAX];

	if (!item)
		error_state(error, lb_name_format(name, text), "no such service");
	return item;
}

struct lb_backend *lb_item_find(const struct lb_item *item, const struct lb_target *target)
{
	struct lb_backend wanted = { 0 };

	lb_target_put(target, &wanted);
	for (size_t i = 0; i < item->places; i++) {
		struct lb_backend *backend = &item->backends[i];

		if (backend->family == wanted.family && backend->port == wanted.port &&
		    !memcmp(backend->addr, wanted.addr, sizeof(wanted.addr)))
			return backend;
	}
	return NULL;
}

struct lb_backend *lb_item_require(const struct lb_item *item, const struct lb_target *target, struct error *error)
{
	struct lb_backend *backend = lb_item_find(item, target);
	char text[LB_TEXT_MAX], service[LB_TEXT_MAX];

	if (!backend)
		error_state(error, lb_target_format(target, text), "no such backend of %s",
			    lb_name_format(&item->name, service));
	return backend;
}

/* ---- services ---- */

static int check_across(const struct lbset *set, const struct lb_name *name, struct error *error)
{
	char text[LB_TEXT_MAX], other[LB_TEXT_MAX];

	for (size_t i = 0; i < set->count; i++)
		if (!set->items[i].gone && lb_name_overlap(name, &set->items[i].name) == LB_ACROSS)
			return error_state(error, lb_name_format(name, text),
					   "lies partly in %s: one must have all ports of the other, or none",
					   lb_name_format(&set->items[i].name, other));
	return 0;
}

static size_t services_count(const struct lbset *set)
{
	size_t count = 0;

	for (size_t i = 0; i < set->count; i++)
		count += !set->items[i].gone;
	return count;
}

static struct lb_item *item_insert(struct lbset *set, const struct lb_name *name)
{
	size_t place = item_place(set, name);

	if (!item_append(set))
		return NULL;
	memmove(&set->items[place + 1], &set->items[place], (set->count - 1 - place) * sizeof(*set->items));
	set->items[place] = (struct lb_item){ .index = LB_INDEX_NONE };
	return &set->items[place];
}

struct lb_item *lbset_add(struct lbset *set, const struct lb_name *name, struct error *error)
{
	struct lb_item *item = item_at(set, name);
	char text[LB_TEXT_MAX];

	if (check_across(set, name, error))
		return NULL;
	if (services_count(set) >= LB_SERVICES_MAX) {
		error_state(error, lb_name_format(name, text), "there are %d services, and no room for more",
			    LB_SERVICES_MAX);
		return NULL;
	}
	if (!item)
		item = item_insert(set, name);
	if (!item) {
		error_errno(error, lb_name_format(name, text));
		return NULL;
	}
	/* one that is deleted in the same breath begins anew, in its place */
	free(item->backends);
	*item = (struct lb_item){ .name = *name, .index = item->index, .changed = true };
	return item;
}

/* ---- backends ---- */

static struct lb_backend *place_take(struct lb_item *item)
{
	struct lb_backend *backends;

	for (size_t i = 0; i < item->places; i++)
		if (!item->backends[i].family)
			return &item->backends[i];
	if (item->places >= LB_BACKENDS_MAX) {
		errno = 0;
		return NULL;
	}
	backends = reallocarray(item->backends, item->places + 1, sizeof(*backends));
	if (!backends)
		return NULL;
	item->backends = backends;
	return &backends[item->places++];
}

struct lb_backend *lb_item_add(struct lb_item *item, const struct lb_target *target, struct error *error)
{
	struct lb_backend *backend = place_take(item);
	char text[LB_TEXT_MAX];

	if (!backend) {
		lb_target_format(target, text);
		if (errno)
			error_errno(error, text);
		else
			error_state(error, text, "the service has %d backends, and no room for more", LB_BACKENDS_MAX);
		return NULL;
	}
	*backend = (struct lb_backend){ .weight = 1 };
	lb_target_put(target, backend);
	item->changed = true;
	return backend;
}

void lb_item_remove(struct lb_item *item, struct lb_backend *backend)
{
	*backend = (struct lb_backend){ 0 };
	while (item->places && !item->backends[item->places - 1].family)
		item->places--;
	item->changed = true;
}

static int place_order(const void *left, const void *right, void *context)
{
	const struct lb_item *item = context;
	struct lb_target a = lb_target_of(&item->backends[*(const uint16_t *)left]);
	struct lb_target b = lb_target_of(&item->backends[*(const uint16_t *)right]);

	return lb_target_order(&a, &b);
}

size_t lb_item_order(const struct lb_item *item, uint16_t *order)
{
	size_t count = 0;

	for (size_t i = 0; i < item->places; i++)
		if (item->backends[i].family)
			order[count++] = (uint16_t)i;
	if (count)
		qsort_r(order, count, sizeof(*order), place_order, (void *)item);
	return count;
}

/* ---- what goes together ---- */

static int backend_check(const struct lb_item *item, const struct lb_backend *backend, struct error *error)
{
	struct lb_target target = lb_target_of(backend);
	char text[LB_TEXT_MAX], service[LB_TEXT_MAX];

	lb_target_format(&target, text);
	lb_name_format(&item->name, service);
	if (item->mode != LB_DSR && backend->family != item->name.family)
		return error_state(error, text, "not of the address family of %s, which only mode=dsr can do", service);
	if (item->mode == LB_DSR && target.port && (item->name.low != item->name.high || target.port != item->name.low))
		return error_state(error, text, "mode=dsr leaves ports as they are: name it without a port");
	if (item->source.family && backend->family != item->source.family)
		return error_state(error, text, "not of the address family of the source of %s", service);
	return 0;
}

int lb_item_check(const struct lb_item *item, struct error *error)
{
	char text[LB_TEXT_MAX];

	if (item->source.family && item->mode == LB_NAT)
		return error_state(error, lb_name_format(&item->name, text),
				   "a source is for mode=masquerade and mode=dsr");
	if (item->source.family && item->mode == LB_MASQUERADE && item->source.family != item->name.family)
		return error_state(error, lb_name_format(&item->name, text), "the source is of another address family");
	for (size_t i = 0; i < item->places; i++)
		if (item->backends[i].family && backend_check(item, &item->backends[i], error))
			return -1;
	return 0;
}
