/* SPDX-License-Identifier: GPL-2.0-only */
/* Changed services to the maps: lbset_write and lbset_mark. */
#include "lbindex.h"
#include "lbservice.h"
#include "lbset.h"
#include "netlink.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct writing {
	const struct pins *pins;
	struct lbset *set;
	bool stat_used[LB_STATS_MAX];
	uint32_t stats[LB_STATS_MAX]; /* that were given to new backends */
	size_t stat_count;
	bool index_used[LB_SERVICES_MAX];
	struct lb_index vips, ends;
};

static bool is_written(const struct lb_item *item)
{
	return item->changed && !item->gone;
}

/* ---- places in the other maps ---- */

/* Those of a service that goes are not given away in the same breath: its packets are still counted there. */
static void note_used(struct writing *writing)
{
	for (size_t i = 0; i < writing->set->count; i++) {
		const struct lb_item *item = &writing->set->items[i];

		if (item->index < LB_SERVICES_MAX)
			writing->index_used[item->index] = true;
		for (size_t place = 0; place < item->places; place++)
			if (item->backends[place].stat < LB_STATS_MAX)
				writing->stat_used[item->backends[place].stat] = true;
	}
	writing->stat_used[0] = true;
}

/* After the highest that is used: who was there before is most likely forgotten by then. 0: all are used. */
static uint32_t stat_find(const struct writing *writing)
{
	uint32_t highest = LB_STATS_MAX - 1;

	while (highest && !writing->stat_used[highest])
		highest--;
	for (uint32_t i = 1; i <= LB_STATS_MAX; i++)
		if (!writing->stat_used[(highest + i) % LB_STATS_MAX])
			return (highest + i) % LB_STATS_MAX;
	return 0;
}

static int stats_give(struct writing *writing, struct lb_item *item, struct error *error)
{
	char text[LB_TEXT_MAX];

	for (size_t place = 0; place < item->places; place++) {
		struct lb_backend *backend = &item->backends[place];

		if (!backend->family || backend->stat)
			continue;
		backend->stat = stat_find(writing);
		if (!backend->stat)
			return error_state(error, lb_name_format(&item->name, text),
					   "there are %d backends in all, and no room for more", LB_STATS_MAX - 1);
		writing->stat_used[backend->stat] = true;
		writing->stats[writing->stat_count++] = backend->stat;
	}
	return 0;
}

static int index_give(struct writing *writing, struct lb_item *item, struct error *error)
{
	char text[LB_TEXT_MAX];

	for (uint32_t index = 0; item->index == LB_INDEX_NONE && index < LB_SERVICES_MAX; index++)
		if (!writing->index_used[index])
			item->index = index;
	if (item->index == LB_INDEX_NONE)
		return error_state(error, lb_name_format(&item->name, text),
				   "there are %d services with those that would go, and no room for more",
				   LB_SERVICES_MAX);
	writing->index_used[item->index] = true;
	return 0;
}

/* ---- who backends see ---- */

/* Where the route is gone for now, who had a source keeps it: others may be taken in and out nevertheless. */
static int source_ask(struct lb_backend *backend, struct error *error)
{
	struct prefix to = { .family = backend->family }, source;
	static const __u64 none[2];

	memcpy(to.addr, backend->addr, sizeof(to.addr));
	if (!netlink_route_source(&to, &source, error))
		memcpy(backend->source, source.addr, sizeof(backend->source));
	else if (!memcmp(backend->source, none, sizeof(none)))
		return -1;
	return 0;
}

static int sources_give(struct lb_item *item, struct error *error)
{
	for (size_t place = 0; place < item->places; place++) {
		struct lb_backend *backend = &item->backends[place];

		if (item->mode == LB_NAT)
			memset(backend->source, 0, sizeof(backend->source));
		else if (item->source.family && backend->family)
			memcpy(backend->source, item->source.addr, sizeof(backend->source));
		else if (backend->family && source_ask(backend, error))
			return -1;
	}
	return 0;
}

/* ---- before the first write ---- */

static int prepare(struct writing *writing, struct error *error)
{
	note_used(writing);
	for (size_t i = 0; i < writing->set->count; i++) {
		struct lb_item *item = &writing->set->items[i];

		if (is_written(item) && (lb_item_check(item, error) || sources_give(item, error) ||
					 stats_give(writing, item, error) || index_give(writing, item, error)))
			return -1;
	}
	return lb_index_vips(writing->set, &writing->vips, error) || lb_index_ends(writing->set, &writing->ends, error)
		       ? -1
		       : 0;
}

/* ---- writing ---- */

static int stats_clear_in(const struct writing *writing, int map, struct error *error)
{
	int cpus = libbpf_num_possible_cpus(), result = 0;
	struct lb_stat *zero = cpus > 0 ? calloc((size_t)cpus, sizeof(*zero)) : NULL;

	if (!zero)
		return error_errno(error, LB_STATS);
	for (size_t i = 0; i < writing->stat_count && !result; i++)
		result = bpf_map_update_elem(map, &writing->stats[i], zero, BPF_ANY);
	free(zero);
	return result ? error_errno(error, LB_STATS) : 0;
}

static int stats_clear(const struct writing *writing, struct error *error)
{
	int map, result;

	if (!writing->stat_count)
		return 0;
	map = pin_open(writing->pins, &pin_lb_stats, error);
	if (map < 0)
		return -1;
	result = stats_clear_in(writing, map, error);
	close(map);
	return result;
}

/* Built services on the way to their places. The kernel waits once for each time that some are put there. */
#define BATCH_SERVICES 64

struct batch {
	int outer;
	__u32 count, index[BATCH_SERVICES];
	int fd[BATCH_SERVICES];
	struct lb_service *service; /* room to build one */
};

/* A kernel that has no batches for such maps takes them one by one. */
static int batch_put(struct batch *batch)
{
	__u32 count = batch->count;
	int result = 0;

	if (count && bpf_map_update_batch(batch->outer, batch->index, batch->fd, &count, NULL))
		for (__u32 i = 0; i < batch->count && !result; i++)
			result = bpf_map_update_elem(batch->outer, &batch->index[i], &batch->fd[i], BPF_ANY);
	while (batch->count)
		close(batch->fd[--batch->count]);
	return result;
}

static int batch_add(struct batch *batch, const struct lb_item *item)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "lb_service", sizeof(__u32), sizeof(*batch->service), 1, &options);
	__u32 zero = 0;

	if (fd < 0)
		return -1;
	memset(batch->service, 0, sizeof(*batch->service));
	if (lb_service_build(item, batch->service) || bpf_map_update_elem(fd, &zero, batch->service, BPF_ANY)) {
		close(fd);
		return -1;
	}
	batch->index[batch->count] = item->index;
	batch->fd[batch->count++] = fd;
	return batch->count == BATCH_SERVICES ? batch_put(batch) : 0;
}

static int services_put(const struct writing *writing, int outer)
{
	struct batch batch = { .outer = outer, .service = malloc(sizeof(*batch.service)) };
	int result = batch.service ? 0 : -1;

	for (size_t i = 0; i < writing->set->count && !result; i++)
		if (is_written(&writing->set->items[i]))
			result = batch_add(&batch, &writing->set->items[i]);
	if (!result)
		result = batch_put(&batch);
	while (batch.count)
		close(batch.fd[--batch.count]);
	free(batch.service);
	return result;
}

static int services_delete(const struct writing *writing, int outer)
{
	for (size_t i = 0; i < writing->set->count; i++) {
		const struct lb_item *item = &writing->set->items[i];

		if (item->gone && item->index != LB_INDEX_NONE && bpf_map_delete_elem(outer, &item->index) &&
		    errno != ENOENT)
			return -1;
	}
	return 0;
}

/* Entries lead only to what is there already, or still. */
static int all_write(const struct writing *writing, int outer, struct error *error)
{
	if (services_put(writing, outer))
		return error_errno(error, LB_SERVICES);
	if (lb_index_write(writing->pins, &pin_lb_vips, &writing->vips, error) ||
	    lb_index_write(writing->pins, &pin_lb_backends, &writing->ends, error))
		return -1;
	return services_delete(writing, outer) ? error_errno(error, LB_SERVICES) : 0;
}

static int write_prepared(const struct writing *writing, struct error *error)
{
	int outer, result;

	if (stats_clear(writing, error))
		return -1;
	outer = pin_open(writing->pins, &pin_lb_services, error);
	if (outer < 0)
		return -1;
	result = all_write(writing, outer, error);
	close(outer);
	return result;
}

int lbset_write(const struct pins *pins, struct lbset *set, bool dry_run, struct error *error)
{
	struct writing *writing = calloc(1, sizeof(*writing));
	int result;

	if (!writing)
		return error_errno(error, LB_SERVICES);
	writing->pins = pins;
	writing->set = set;
	result = prepare(writing, error);
	if (!result && !dry_run)
		result = write_prepared(writing, error);
	lb_index_free(&writing->vips);
	lb_index_free(&writing->ends);
	free(writing);
	return result;
}

/* ---- for a prober ---- */

static void verdict_apply(const struct lbset *set, struct lb_verdict *verdict)
{
	struct lb_item *item = lbset_find(set, &verdict->service);
	struct lb_backend *backend = item ? lb_item_find(item, &verdict->backend) : NULL;

	verdict->letter = backend ? '=' : '?';
	if (!backend || !!(backend->flags & LB_BACKEND_DOWN) == verdict->down)
		return;
	backend->flags ^= LB_BACKEND_DOWN;
	item->changed = true;
	verdict->letter = 'C';
}

int lbset_mark(const struct pins *pins, struct lb_verdict *verdicts, size_t count, struct error *error)
{
	struct lbset set;
	int result;

	if (pins_lock(pins, error))
		return -1;
	result = lbset_open(pins, &set, error);
	for (size_t i = 0; i < count && !result; i++)
		verdict_apply(&set, &verdicts[i]);
	if (!result)
		result = lbset_write(pins, &set, false, error);
	lbset_close(&set);
	pins_unlock(pins);
	return result;
}
