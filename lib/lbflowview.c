/* SPDX-License-Identifier: GPL-2.0-only */
#include "lbflowview.h"

#include "array.h"
#include "clock.h"
#include "conn.h"
#include "keyindex.h"
#include "lbtable.h"

#include <stdlib.h>
#include <string.h>

/* An entry as it was read; begins with its key, as keyindex wants it. */
struct stored {
	struct lb_entry entry;
	uint64_t table;
};

struct reading {
	struct lb_flow_view *view;
	struct stored *items;
	size_t count;
	struct keyindex index;
};

/* ---- entries ---- */

static int reading_begin(void *context, struct error *error)
{
	struct reading *reading = context;

	(void)error;
	keyindex_free(&reading->index);
	free(reading->items);
	reading->items = NULL;
	reading->count = 0;
	reading->view->stamp.now = clock_now();
	reading->view->stamp.now_epoch = clock_to_epoch(reading->view->stamp.now);
	return 0;
}

static int stored_add(struct reading *reading, const struct stored *stored)
{
	size_t place = keyindex_find(&reading->index, reading->items, &stored->entry.key);
	struct stored *items;

	if (place != KEYINDEX_NONE) {
		reading->items[place] = *stored;
		return 0;
	}
	items = array_room(reading->items, reading->count, sizeof(*items));
	if (!items)
		return -1;
	reading->items = items;
	items[reading->count] = *stored;
	return keyindex_add(&reading->index, items, reading->count++);
}

static int entry_take(void *context, enum conn_table table, const void *key, const void *value)
{
	struct reading *reading = context;
	struct stored stored = { .table = table };

	memcpy(&stored.entry.key, key, sizeof(stored.entry.key));
	memcpy(&stored.entry.flow, value, sizeof(stored.entry.flow));
	if (timeout_is_over(&reading->view->config, stored.entry.key.proto, stored.entry.flow.state,
			    stored.entry.flow.last, reading->view->stamp.now))
		return 0;
	return stored_add(reading, &stored);
}

/* ---- flows ---- */

static struct lb_flow_row *row_add(struct lb_flow_view *view)
{
	struct lb_flow_row *rows = array_room(view->rows, view->count, sizeof(*rows));

	if (!rows)
		return NULL;
	view->rows = rows;
	rows[view->count] = (struct lb_flow_row){ 0 };
	return &rows[view->count++];
}

/* The entry that was read of the other direction of a flow, not of one that has come in its place; NULL: none. */
static const struct stored *other_of(const struct reading *reading, const struct lb_entry *entry,
				     const struct lb_entry *other)
{
	size_t place = keyindex_find(&reading->index, reading->items, &other->key);
	struct lb_entry back;

	if (place == KEYINDEX_NONE || !lb_flow_is_double(&reading->items[place].entry.flow))
		return NULL;
	back = lb_entry_other(&reading->items[place].entry);
	return memcmp(&back.key, &entry->key, sizeof(back.key)) ? NULL : &reading->items[place];
}

/* Each direction is told of the other only now and then. */
static void row_learn(struct lb_flow_row *row, const struct lb_flow *other)
{
	struct lb_flow *flow = &row->forward.flow;

	if (other->last <= flow->last)
		return;
	flow->last = other->last;
	flow->state = other->state;
	flow->flags = other->flags;
	flow->is_answered |= other->is_answered;
}

/* A flow is a row by its way forward, or where that was forgotten, by what the way back says of it. */
static int row_of(struct reading *reading, const struct stored *stored)
{
	bool is_double = lb_flow_is_double(&stored->entry.flow);
	struct lb_entry other = { 0 };
	const struct stored *met = NULL;
	struct lb_flow_row *row;

	if (is_double) {
		other = lb_entry_other(&stored->entry);
		met = other_of(reading, &stored->entry, &other);
	}
	if (met && stored->entry.flow.kind == LB_REPLY)
		return 0;
	row = row_add(reading->view);
	if (!row)
		return -1;
	row->forward = stored->entry.flow.kind == LB_REPLY ? other : stored->entry;
	row->table = (enum conn_table)stored->table;
	if (met)
		row_learn(row, &met->entry.flow);
	return 0;
}

static int row_order(const void *left, const void *right)
{
	const struct lb_entry *a = &((const struct lb_flow_row *)left)->forward;
	const struct lb_entry *b = &((const struct lb_flow_row *)right)->forward;

	if (a->flow.created != b->flow.created)
		return a->flow.created > b->flow.created ? 1 : -1;
	return memcmp(&a->key, &b->key, sizeof(a->key));
}

static int rows_make(struct reading *reading)
{
	struct lb_flow_services *services = malloc(sizeof(*services));
	struct lb_flow_view *view = reading->view;
	int result = services ? 0 : -1;

	for (size_t i = 0; i < reading->count && !result; i++)
		result = row_of(reading, &reading->items[i]);
	if (services)
		lb_flow_services_make(services, &view->set);
	for (size_t i = 0; i < view->count && !result; i++)
		lb_flow_resolve(&view->rows[i], services);
	free(services);
	return result;
}

/* ---- what was asked for ---- */

static bool end_matches(const struct prefix_list *list, const struct lb_flow_end *end)
{
	return end_is_in(list, end->family, end->addr);
}

static bool row_matches(const struct lb_flow_selector *selector, const struct lb_flow_row *row)
{
	struct lb_flow_end client = lb_flow_client(row), vip = lb_flow_vip(row), backend = lb_flow_backend(row);

	if (selector->has_proto && selector->proto != row->forward.key.proto)
		return false;
	if (selector->has_state && selector->state != row->forward.flow.state)
		return false;
	if (selector->has_service && (!row->item || lb_name_order(&selector->service, &row->item->name)))
		return false;
	if (selector->drained && (!row->backend || (row->backend->weight && !row->backend->flags)))
		return false;
	return end_matches(&selector->client, &client) && end_matches(&selector->vip, &vip) &&
	       end_matches(&selector->backend, &backend);
}

static void rows_select(struct lb_flow_view *view, const struct lb_flow_selector *selector)
{
	size_t kept = 0;

	for (size_t i = 0; i < view->count; i++)
		if (row_matches(selector, &view->rows[i]))
			view->rows[kept++] = view->rows[i];
	view->count = kept;
	if (kept)
		qsort(view->rows, kept, sizeof(*view->rows), row_order);
}

/* ---- all ---- */

static int view_read(struct lb_flow_view *view, const struct pins *pins, struct error *error)
{
	struct reading reading = {
		.view = view,
		.index = { .key_size = sizeof(struct lb_key), .stride = sizeof(struct stored) },
	};
	int result = flow_tables_each(&lb_shape, pins, reading_begin, entry_take, &reading, error);

	if (!result && lbset_open(pins, &view->set, error))
		result = -1;
	else if (!result && rows_make(&reading))
		result = error_errno(error, LB_FLOWS);
	keyindex_free(&reading.index);
	free(reading.items);
	return result;
}

int lb_flow_view_open(struct lb_flow_view *view, const struct pins *pins, const struct lb_flow_selector *selector,
		      struct error *error)
{
	*view = (struct lb_flow_view){ .config = *pins->config };
	if (view_read(view, pins, error)) {
		lb_flow_view_close(view);
		return -1;
	}
	rows_select(view, selector);
	return 0;
}

void lb_flow_view_close(struct lb_flow_view *view)
{
	free(view->rows);
	lbset_close(&view->set);
	view->rows = NULL;
	view->count = 0;
}
