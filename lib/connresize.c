/* SPDX-License-Identifier: GPL-2.0-only */
#include "connresize.h"

#include "array.h"
#include "clock.h"
#include "conn.h"
#include "conntable.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BATCH_ENTRIES 4096

/* ---- the entries that there are ---- */

static int entry_take(void *context, const struct conn_key *key, const struct conn *conn)
{
	struct conn_resize *resize = context;
	struct conn_entry *entries;

	if (conn_is_overdue(resize->config, key, conn, clock_now()))
		return 0;
	entries = array_room(resize->was, resize->count, sizeof(*entries));
	if (!entries)
		return -1;
	resize->was = entries;
	entries[resize->count].key = *key;
	entries[resize->count++].conn = *conn;
	return 0;
}

static int entry_order(const void *left, const void *right)
{
	const struct conn_entry *a = left, *b = right;

	return (a->conn.last > b->conn.last) - (a->conn.last < b->conn.last);
}

static int entries_read(struct conn_resize *resize)
{
	if (conn_map_each(resize->old, entry_take, resize))
		return -1;
	if (resize->count)
		qsort(resize->was, resize->count, sizeof(*resize->was), entry_order);
	for (size_t i = 0; i < resize->count; i++)
		if (connindex_add(&resize->index, resize->was, sizeof(*resize->was), i))
			return -1;
	return 0;
}

/* ---- filling ---- */

struct batch {
	struct conn_key keys[BATCH_ENTRIES];
	struct conn conns[BATCH_ENTRIES];
};

static int batch_write(int map, struct batch *batch, __u32 count)
{
	return count ? bpf_map_update_batch(map, batch->keys, batch->conns, &count, NULL) : 0;
}

/* The most recently used ones, of these the oldest first: so the new table has its entries in the same order of use. */
static int entries_write(const struct conn_resize *resize)
{
	size_t first = resize->count > resize->size ? resize->count - resize->size : 0;
	struct batch *batch = malloc(sizeof(*batch));
	__u32 filled = 0;
	int result = batch ? 0 : -1;

	for (size_t i = first; i < resize->count && !result; i++) {
		batch->keys[filled] = resize->was[i].key;
		batch->conns[filled++] = resize->was[i].conn;
		if (filled == BATCH_ENTRIES) {
			result = batch_write(resize->next, batch, filled);
			filled = 0;
		}
	}
	if (!result)
		result = batch_write(resize->next, batch, filled);
	free(batch);
	return result;
}

static int resize_fail(const struct conn_resize *resize, struct error *error)
{
	if (errno == ENOMEM || errno == E2BIG)
		return error_state(error, SPLICER_CONNS, "no memory for a table of %u connections: %s", resize->size,
				   strerror(errno));
	return error_errno(error, SPLICER_CONNS);
}

int conn_resize_begin(struct conn_resize *resize, const struct pins *pins, int outer, enum conn_table table,
		      uint32_t size, struct error *error)
{
	struct conn_map map;

	*resize = (struct conn_resize){
		.config = pins->config, .outer = outer, .table = table, .old = -1, .next = -1, .size = size
	};
	if (conn_map_open(outer, table, &map, error))
		return -1;
	resize->old = map.fd;
	resize->next =
		bpf_map_create(BPF_MAP_TYPE_LRU_HASH, table == CONNS_CONFIRMED ? "conns_confirmed" : "conns_unconf",
			       sizeof(struct conn_key), sizeof(struct conn), size, NULL);
	if (resize->next < 0 || entries_read(resize) || entries_write(resize))
		return resize_fail(resize, error);
	return 0;
}

/* ---- what changes meanwhile ---- */

/* Within one tick of the clock, the one with more packets is the later. */
static bool is_newer(const struct conn *conn, const struct conn *than)
{
	if (conn->last != than->last)
		return conn->last > than->last;
	return conn->packets[0] + conn->packets[1] > than->packets[0] + than->packets[1];
}

static bool is_as_it_was(const struct conn_resize *resize, const struct conn_key *key, const struct conn *conn)
{
	size_t place = connindex_find(&resize->index, resize->was, sizeof(*resize->was), key);

	return place != CONNINDEX_NONE && !memcmp(&resize->was[place].conn, conn, sizeof(*conn));
}

/* Packets may use the new table already: what they wrote there later stays. */
static int entry_carry(void *context, const struct conn_key *key, const struct conn *conn)
{
	const struct conn_resize *resize = context;
	struct conn there;
	int result;

	if (is_as_it_was(resize, key, conn) || conn_is_overdue(resize->config, key, conn, clock_now()))
		return 0;
	if (bpf_map_lookup_elem(resize->next, key, &there))
		result = bpf_map_update_elem(resize->next, key, conn, BPF_NOEXIST);
	else if (is_newer(conn, &there))
		result = bpf_map_update_elem(resize->next, key, conn, BPF_EXIST);
	else
		return 0;
	/* a packet was faster: it made the entry, or took it away */
	return result && (errno == EEXIST || errno == ENOENT) ? 0 : result;
}

static int gone_find(void *context, const struct conn_key *key, const struct conn *conn)
{
	struct conn_resize *resize = context;

	if (conn_is_overdue(resize->config, key, conn, clock_now()))
		return 0;
	return connindex_find(&resize->index, resize->was, sizeof(*resize->was), key) != CONNINDEX_NONE &&
			       bpf_map_delete_elem(resize->next, key) && errno != ENOENT
		       ? -1
		       : 0;
}

/* What was confirmed since the unconfirmed table was copied must not stay there as it was. */
static int forget_confirmed(struct conn_resize *resize, struct error *error)
{
	struct conn_map confirmed;
	int result;

	if (resize->table != CONNS_UNCONFIRMED || !resize->count)
		return 0;
	if (conn_map_open(resize->outer, CONNS_CONFIRMED, &confirmed, error))
		return -1;
	result = conn_map_each(confirmed.fd, gone_find, resize) ? error_errno(error, SPLICER_CONNS) : 0;
	close(confirmed.fd);
	return result;
}

static int entry_count(void *context, const struct conn_key *key, const struct conn *conn)
{
	size_t *count = context;

	(void)key;
	(void)conn;
	++*count;
	return 0;
}

/* A full table of the kernel's may forget some more than it must. */
static int dropped_count(struct conn_resize *resize)
{
	size_t kept = 0;

	if (conn_map_each(resize->next, entry_count, &kept))
		return -1;
	resize->dropped = resize->count > kept ? resize->count - kept : 0;
	return 0;
}

/*
 * Filling took a while, so what changed is carried over once before the exchange, to have little to do after it; and
 * again when the exchange has waited for the last packet that used the old table.
 */
int conn_resize_commit(struct conn_resize *resize, struct error *error)
{
	__u32 slot = resize->table;

	if (dropped_count(resize) || conn_map_each(resize->old, entry_carry, resize) ||
	    bpf_map_update_elem(resize->outer, &slot, &resize->next, BPF_ANY) ||
	    conn_map_each(resize->old, entry_carry, resize))
		return resize_fail(resize, error);
	return forget_confirmed(resize, error);
}

void conn_resize_end(struct conn_resize *resize)
{
	if (resize->old >= 0)
		close(resize->old);
	if (resize->next >= 0)
		close(resize->next);
	free(resize->was);
	connindex_free(&resize->index);
}
