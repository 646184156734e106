/* SPDX-License-Identifier: GPL-2.0-only */
#include "connview.h"

#include "array.h"
#include "clock.h"
#include "conntable.h"
#include "keyindex.h"

#include <stdlib.h>
#include <string.h>

struct reading {
	struct connview *view;
	struct keyindex index; /* of the rows that one read later may be the same as */
	enum conn_place place; /* being read */
};

static struct conn_row *row_add(struct connview *view)
{
	struct conn_row *rows = array_room(view->rows, view->count, sizeof(*rows));

	if (!rows)
		return NULL;
	view->rows = rows;
	rows[view->count] = (struct conn_row){ 0 };
	return &rows[view->count++];
}

/* The row of a key, a new one if there is none; *known tells which. */
static struct conn_row *row_of(struct reading *reading, const struct conn_key *key, bool *known)
{
	struct connview *view = reading->view;
	size_t place = keyindex_find(&reading->index, view->rows, key);
	struct conn_row *row;

	*known = place != KEYINDEX_NONE;
	if (*known)
		return &view->rows[place];
	row = row_add(view);
	if (!row)
		return NULL;
	row->key = *key;
	/* the confirmed table is read last, and has each key once */
	if (reading->place != PLACE_CONFIRMED && keyindex_add(&reading->index, view->rows, view->count - 1))
		return NULL;
	return row;
}

/* ---- sockets ---- */

static void row_of_socket(struct conn_row *row, const struct local_socket *socket)
{
	row->place = PLACE_SOCKET;
	row->conn.opener = socket->opener;
	row->conn.flags = socket->outbound ? CONN_OUTBOUND : 0;
	row->conn.state = local_socket_conn_state(socket->state);
	conn_set_interface(&row->conn, socket->ifindex);
}

/* Both ends of a connection may be here: then one row has two sockets. */
static int take_sockets(struct reading *reading)
{
	struct local_sockets *sockets = &reading->view->sockets;

	reading->place = PLACE_SOCKET;
	for (size_t i = 0; i < sockets->count; i++) {
		bool known;
		struct conn_row *row = row_of(reading, &sockets->items[i].key, &known);

		if (!row)
			return -1;
		if (!known)
			row_of_socket(row, &sockets->items[i]);
		sockets->items[i].next = row->socket;
		row->socket = (uint32_t)i + 1;
	}
	return 0;
}

/* ---- tables ---- */

static int take_entry(void *context, enum conn_table table, const void *key, const void *value)
{
	struct reading *reading = context;
	const struct conn *conn = value;
	struct conn_row *row;
	bool known;

	reading->place = (enum conn_place)table;
	if (conn_is_overdue(&reading->view->config, key, conn, reading->view->now))
		return 0;
	row = row_of(reading, key, &known);
	if (!row)
		return -1;
	row->conn = *conn;
	row->conn.opener &= 1;
	row->place = reading->place;
	return 0;
}

/* Sockets first: a connection that has one is known by the time it is found in a table. */
static int take_begin(void *context, struct error *error)
{
	struct reading *reading = context;
	struct connview *view = reading->view;

	keyindex_free(&reading->index);
	connview_close(view);
	if (local_sockets_read(&view->sockets, error))
		return -1;
	if (take_sockets(reading))
		return error_errno(error, "connections");
	view->now = clock_now();
	view->now_epoch = clock_to_epoch(view->now);
	return 0;
}

static int read_all(struct connview *view, const struct pins *pins, struct error *error)
{
	struct reading reading = {
		.view = view,
		.index = { .key_size = sizeof(struct conn_key), .stride = sizeof(*view->rows) },
	};
	int result = flow_tables_each(&conn_shape, pins, take_begin, take_entry, &reading, error);

	keyindex_free(&reading.index);
	return result;
}

/* ---- what was asked for ---- */

static void rows_select(struct connview *view, const struct conn_selector *selector)
{
	size_t kept = 0;

	for (size_t i = 0; i < view->count; i++)
		if (conn_selector_matches(selector, &view->rows[i]))
			view->rows[kept++] = view->rows[i];
	view->count = kept;
}

/* Sockets have no time and stand last; what is equally old stands by its key, so that the order is always the same. */
static int row_order(const void *left, const void *right)
{
	const struct conn_row *a = left, *b = right;
	bool a_last = a->place == PLACE_SOCKET, b_last = b->place == PLACE_SOCKET;

	if (a_last != b_last)
		return a_last - b_last;
	if (a->conn.created != b->conn.created)
		return a->conn.created > b->conn.created ? 1 : -1;
	return memcmp(&a->key, &b->key, sizeof(a->key));
}

int connview_open(struct connview *view, const struct pins *pins, const struct conn_selector *selector,
		  struct error *error)
{
	*view = (struct connview){ .config = *pins->config };
	if (read_all(view, pins, error)) {
		connview_close(view);
		return -1;
	}
	rows_select(view, selector);
	if (view->count)
		qsort(view->rows, view->count, sizeof(*view->rows), row_order);
	return 0;
}

void connview_close(struct connview *view)
{
	free(view->rows);
	free(view->sockets.items);
	view->rows = NULL;
	view->sockets = (struct local_sockets){ 0 };
	view->count = 0;
}
