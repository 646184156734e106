/* SPDX-License-Identifier: GPL-2.0-only */
#include "conndelete.h"

#include "conntable.h"
#include "session.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

struct deleting {
	struct connview *view;
	const struct conn_deletion *deletion;
	int tables[CONN_TABLES];
};

/* Each says: 1 it was there and is gone now, 0 it was not there, -1 with *error. */

static int destroy_sockets(const struct deleting *deleting, const struct conn_row *row, struct error *error)
{
	const struct local_socket *items = deleting->view->sockets.items;
	int result = 0;

	for (uint32_t at = row->socket; at; at = items[at - 1].next) {
		int one = local_socket_destroy(&items[at - 1], error);

		if (one < 0)
			return -1;
		result |= one;
	}
	return result;
}

static int delete_entry(const struct deleting *deleting, const struct conn_row *row, struct error *error)
{
	int result = 0;

	/* a packet may move it to the confirmed table meanwhile, so that is looked at last */
	for (int table = CONN_TABLES - 1; table >= 0; table--) {
		if (!bpf_map_delete_elem(deleting->tables[table], &row->key))
			result = 1;
		else if (errno != ENOENT)
			return error_errno(error, SPLICER_CONNS);
	}
	return result;
}

static int delete_row(const struct deleting *deleting, const struct conn_row *row, struct error *error)
{
	int sockets = 0, entry;

	if (deleting->deletion->dry_run)
		return 1;
	if (deleting->deletion->sockets)
		sockets = destroy_sockets(deleting, row, error);
	if (sockets < 0)
		return -1;
	entry = delete_entry(deleting, row, error);
	return entry < 0 ? -1 : sockets | entry;
}

static int delete_rows(const struct deleting *deleting, struct error *error)
{
	struct connview *view = deleting->view;
	size_t deleted = 0;
	int result = 0;

	for (size_t i = 0; i < view->count && result >= 0; i++) {
		result = delete_row(deleting, &view->rows[i], error);
		if (result > 0)
			view->rows[deleted++] = view->rows[i];
	}
	view->count = deleted;
	return result < 0 ? -1 : 0;
}

/* ---- what counts as absent ---- */

struct sweeping {
	const struct connview *view;
	int table;
};

static int sweep_entry(void *context, const struct conn_key *key, const struct conn *conn)
{
	const struct sweeping *sweeping = context;

	if (!conn_is_overdue(&sweeping->view->config, key, conn, sweeping->view->now))
		return 0;
	return bpf_map_delete_elem(sweeping->table, key) && errno != ENOENT ? -1 : 0;
}

static int sweep_overdue(const struct deleting *deleting, struct error *error)
{
	for (int table = 0; table < CONN_TABLES; table++) {
		struct sweeping sweeping = { deleting->view, deleting->tables[table] };

		if (conn_map_each(sweeping.table, sweep_entry, &sweeping))
			return error_errno(error, SPLICER_CONNS);
	}
	return 0;
}

/* ---- what stays ---- */

static bool is_one_of(const struct conn_key *key, const struct session *sessions, size_t count)
{
	struct conn_key own;

	for (size_t i = 0; i < count; i++) {
		session_key(&sessions[i], &own);
		if (!memcmp(key, &own, sizeof(own)))
			return true;
	}
	return false;
}

static void rows_spare(struct connview *view, struct conn_deletion *deletion)
{
	struct session own[SESSIONS_MAX];
	size_t count = sessions_find(own), kept = 0;

	for (size_t i = 0; i < view->count; i++) {
		const struct conn_row *row = &view->rows[i];

		if (is_one_of(&row->key, own, count))
			deletion->spared++;
		else if (deletion->sockets || row->place != PLACE_SOCKET)
			view->rows[kept++] = *row;
	}
	view->count = kept;
}

/* ---- all ---- */

static void tables_close(const struct deleting *deleting)
{
	for (int table = 0; table < CONN_TABLES; table++)
		if (deleting->tables[table] >= 0)
			close(deleting->tables[table]);
}

static int tables_open(const struct pins *pins, struct deleting *deleting, struct error *error)
{
	int outer = pin_open(pins, &pin_conns, error), result = 0;

	if (outer < 0)
		return -1;
	for (int table = 0; table < CONN_TABLES && !result; table++) {
		struct flow_table map = { .fd = -1 };

		result = conn_map_open(outer, (enum conn_table)table, &map, error);
		deleting->tables[table] = result ? -1 : map.fd;
	}
	close(outer);
	return result;
}

int connections_delete(const struct pins *pins, struct connview *view, struct conn_deletion *deletion,
		       struct error *error)
{
	struct deleting deleting = { .view = view, .deletion = deletion, .tables = { -1, -1 } };
	int result;

	rows_spare(view, deletion);
	result = tables_open(pins, &deleting, error);
	if (!result)
		result = delete_rows(&deleting, error);
	else
		view->count = 0;
	if (!result && deletion->overdue && !deletion->dry_run)
		result = sweep_overdue(&deleting, error);
	tables_close(&deleting);
	return result;
}
