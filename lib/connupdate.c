/* SPDX-License-Identifier: GPL-2.0-only */
#include "connupdate.h"

#include "array.h"
#include "clock.h"
#include "connline.h"
#include "conntable.h"
#include "flowput.h"
#include "progress.h"

#include <stdio.h>
#include <stdlib.h>

#define PROGRESS_ROWS 4096

struct updating {
	struct flow_put put;
	const struct common_options *common;
	struct flow_turns turns;
	int64_t offset; /* clock_epoch_offset */
	uint64_t now;   /* ns of CLOCK_MONOTONIC */
	size_t dropped; /* for want of room */
};

int conn_updates_add(struct conn_updates *updates, const struct conn_row *row, struct error *error)
{
	struct conn_row *items = array_room(updates->items, updates->count, sizeof(*items));

	if (!items)
		return error_errno(error, "connections");
	updates->items = items;
	items[updates->count++] = *row;
	return 0;
}

void conn_updates_free(struct conn_updates *updates)
{
	free(updates->items);
	*updates = (struct conn_updates){ 0 };
}

/* why: of what is left out */
static void tell(const struct updating *updating, char letter, const struct conn_row *row, const char *why)
{
	char line[CONN_LINE_MAX];
	struct text text = TEXT_OF(line);

	if (!updating->common->verbose && !updating->common->dry_run)
		return;
	text_conn_ends(&text, row);
	printf("%c %.*s%s%s\n", letter, (int)text.length, line, *why ? " " : "", why);
}

/* By the time of day, for a connection may be idle for longer than this machine is up. */
static bool is_overdue(const struct updating *updating, const struct conn_row *row)
{
	return conn_is_overdue(updating->put.config, &row->key, &row->conn,
			       clock_to_epoch_by(updating->now, updating->offset));
}

static int row_put(struct updating *updating, struct conn_row row, struct error *error)
{
	char letter;

	conn_row_from_epoch(&row, updating->offset, updating->now);
	if (flow_put_entry(&updating->put, (enum conn_table)row.place, &row.key, &row.conn, &letter, error))
		return -1;
	tell(updating, letter, &row, "");
	return 0;
}

static int turn_take(struct updating *updating, const struct flow_turn *turn, const struct conn_row *row,
		     struct error *error)
{
	bool has_room = flow_turn_has_room(&updating->put, &updating->turns, turn);

	if (is_overdue(updating, row)) {
		tell(updating, '-', row, "overdue");
		return 0;
	}
	if (!has_room) {
		updating->dropped++;
		tell(updating, '-', row, "no room");
		return 0;
	}
	return row_put(updating, *row, error);
}

static int turns_take(struct updating *updating, const struct conn_updates *updates, struct error *error)
{
	const struct flow_turns *turns = &updating->turns;
	int result = 0;

	for (size_t i = 0; i < turns->count && !result; i++) {
		if (i % PROGRESS_ROWS == PROGRESS_ROWS - 1)
			progress_show("%zu of %zu connections put", i + 1, turns->count);
		result = turn_take(updating, &turns->items[i], &updates->items[turns->items[i].item], error);
	}
	progress_end();
	return result;
}

static int turns_make(struct updating *updating, const struct conn_updates *updates, struct error *error)
{
	for (size_t i = 0; i < updates->count; i++)
		if (flow_turns_add(&updating->turns, updates->items[i].conn.last,
				   (enum conn_table)updates->items[i].place, error))
			return -1;
	flow_turns_sort(&updating->turns);
	return 0;
}

static int update(const struct pins *pins, const struct conn_updates *updates, struct updating *updating,
		  struct error *error)
{
	int result;

	if (flow_put_open(&updating->put, &conn_shape, pins, updating->common->dry_run, error))
		return -1;
	updating->now = clock_now();
	updating->offset = clock_epoch_offset();
	result = turns_make(updating, updates, error);
	if (!result)
		result = turns_take(updating, updates, error);
	flow_put_close(&updating->put);
	flow_turns_free(&updating->turns);
	return result;
}

int connections_update(const struct pins *pins, const struct conn_updates *updates, const struct common_options *common,
		       struct error *error)
{
	struct updating updating = { .common = common };
	int result;

	if (!common->dry_run && pins_lock(pins, error))
		return -1;
	result = update(pins, updates, &updating, error);
	if (!common->dry_run)
		pins_unlock(pins);
	if (!result && updating.dropped && !common->quiet)
		note_print("%zu %s left out, the longest unused ones: the tables are too small for them",
			   updating.dropped, conn_shape.unit);
	return result;
}
