/* SPDX-License-Identifier: GPL-2.0-only */
#include "lbflowadd.h"

#include "array.h"
#include "clock.h"
#include "conn.h"
#include "flowput.h"
#include "lbtable.h"
#include "progress.h"

#include <stdio.h>
#include <string.h>

#define PROGRESS_LINES 4096

struct adding {
	struct flow_put put;
	struct lbset set;
	const struct common_options *common;
	struct flow_turns turns;
	int64_t offset; /* clock_epoch_offset */
	uint64_t now;   /* ns of CLOCK_MONOTONIC */
	size_t dropped; /* for want of room */
};

int lb_flow_lines_add(struct lb_flow_lines *lines, const struct lb_flow_line *line, struct error *error)
{
	struct lb_flow_line *items = array_room(lines->items, lines->count, sizeof(*items));

	if (!items)
		return error_errno(error, "flows");
	lines->items = items;
	items[lines->count++] = *line;
	return 0;
}

/* why: of what is left out */
static int tell(const struct adding *adding, char letter, const struct lb_flow_line *line, const char *why)
{
	char bytes[LB_FLOW_LINE_MAX];
	struct text text = TEXT_OF(bytes);

	if (!adding->common->verbose && !adding->common->dry_run)
		return 0;
	text_lb_flow_ends(&text, line);
	printf("%c %.*s%s%s\n", letter, (int)text.length, bytes, *why ? " " : "", why);
	return 0;
}

/* ---- one flow ---- */

static int put_one(const struct adding *adding, enum conn_table table, const struct lb_entry *entry, char *letter,
		   struct error *error)
{
	return flow_put_entry(&adding->put, table, &entry->key, &entry->flow, letter, error);
}

/* Whether what stands at a key leads to the other entry's. */
static bool leads_to(const struct lb_key *key, const struct lb_flow *there, const struct lb_entry *other)
{
	struct lb_key back;

	return lb_shape.make_other(key, there, &back) && !memcmp(&back, &other->key, sizeof(back));
}

/* 1: what stands there is of another flow, and as new or newer. */
static int is_taken(const struct adding *adding, const struct lb_entry *entry, const struct lb_entry *other,
		    struct error *error)
{
	struct lb_flow there;
	enum conn_table table;
	int absent = flow_put_find(&adding->put, &entry->key, &there, &table, error);

	if (absent)
		return absent < 0 ? -1 : 0;
	if (leads_to(&entry->key, &there, other) ||
	    timeout_is_over(adding->put.config, entry->key.proto, there.state, there.last, adding->now))
		return 0;
	return !flow_put_is_newer(&adding->put, &entry->flow, &there);
}

/* The way back first, as the programs do: its place may be another's, and then there is no such flow. */
static int put_double(const struct adding *adding, enum conn_table table, const struct lb_entry *forward,
		      const struct lb_flow_line *line, struct error *error)
{
	struct lb_entry back = lb_entry_other(forward);
	int forward_taken = is_taken(adding, forward, &back, error), back_taken = 0;
	char letter = '=', back_letter;

	/* the client has begun anew, with another backend */
	if (forward_taken)
		return forward_taken < 0 ? -1 : tell(adding, letter, line, "");
	back_taken = is_taken(adding, &back, forward, error);
	if (back_taken)
		return back_taken < 0 ? -1 : tell(adding, '-', line, "its port is another flow's");
	if (put_one(adding, table, &back, &back_letter, error) || put_one(adding, table, forward, &letter, error))
		return -1;
	return tell(adding, letter == '=' && back_letter != '=' ? 'C' : letter, line, "");
}

static int row_put(const struct adding *adding, const struct lb_flow_row *row, const struct lb_flow_line *line,
		   struct error *error)
{
	char letter;

	if (lb_flow_is_double(&row->forward.flow))
		return put_double(adding, row->table, &row->forward, line, error);
	if (put_one(adding, row->table, &row->forward, &letter, error))
		return -1;
	return tell(adding, letter, line, "");
}

/* ---- one line ---- */

/* 0: there is no such service, or no such backend of it; *why says which. */
static int line_resolve(const struct adding *adding, const struct lb_flow_line *line, const struct lb_item **item,
			const struct lb_backend **backend, const char **why, struct error *error)
{
	const struct lb_item *found = lbset_find(&adding->set, &line->service);

	*item = found;
	*backend = found ? lb_item_find(found, &line->backend) : NULL;
	*why = found ? "no such backend" : "no such service";
	if (*backend || adding->common->file)
		return *backend != NULL;
	if (!lbset_require(&adding->set, &line->service, error))
		return -1;
	lb_item_require(found, &line->backend, error);
	return -1;
}

/* Of those that lb_flow_line_row would use: to 0.0.0.0 nothing comes back. */
static bool lacks_source(const struct lb_flow_line *line, const struct lb_item *item, const struct lb_backend *backend)
{
	uint8_t mode = line->has_mode ? line->mode : item->mode;

	return mode != LB_NAT && !line->source.family && !backend->source[0] && !backend->source[1];
}

static int line_put(const struct adding *adding, const struct lb_flow_line *line, struct error *error)
{
	const struct lb_backend *backend = NULL;
	const struct lb_item *item = NULL;
	const char *why = "";
	struct lb_flow_row row;
	int found = line->is_direct ? 1 : line_resolve(adding, line, &item, &backend, &why, error);

	if (found <= 0)
		return found < 0 ? -1 : tell(adding, '-', line, why);
	if (!line->is_direct && lacks_source(line, item, backend)) {
		if (!adding->common->file)
			return error_state(error, "source=", "missing: the backend has been given none");
		return tell(adding, '-', line, "no source");
	}
	row = lb_flow_line_row(line, item, backend, adding->offset, adding->now);
	return row_put(adding, &row, line, error);
}

static int turn_take(struct adding *adding, const struct flow_turn *turn, const struct lb_flow_line *line,
		     struct error *error)
{
	bool has_room = flow_turn_has_room(&adding->put, &adding->turns, turn);

	if (timeout_is_over(adding->put.config, line->service.proto, line->state, line->last,
			    clock_to_epoch_by(adding->now, adding->offset)))
		return tell(adding, '-', line, "overdue");
	if (has_room)
		return line_put(adding, line, error);
	adding->dropped++;
	return tell(adding, '-', line, "no room");
}

/* ---- all ---- */

static int turns_take(struct adding *adding, const struct lb_flow_lines *lines, struct error *error)
{
	const struct flow_turns *turns = &adding->turns;
	int result = 0;

	for (size_t i = 0; i < turns->count && !result; i++) {
		if (i % PROGRESS_LINES == PROGRESS_LINES - 1)
			progress_show("%zu of %zu flows put", i + 1, turns->count);
		result = turn_take(adding, &turns->items[i], &lines->items[turns->items[i].item], error);
	}
	progress_end();
	return result;
}

static int turns_make(struct adding *adding, const struct lb_flow_lines *lines, struct error *error)
{
	for (size_t i = 0; i < lines->count; i++)
		if (flow_turns_add(&adding->turns, lines->items[i].last, (enum conn_table)lines->items[i].table, error))
			return -1;
	flow_turns_sort(&adding->turns);
	return 0;
}

static int add_to_tables(const struct pins *pins, const struct lb_flow_lines *lines, struct adding *adding,
			 struct error *error)
{
	int result;

	if (flow_put_open(&adding->put, &lb_shape, pins, adding->common->dry_run, error))
		return -1;
	adding->now = clock_now();
	adding->offset = clock_epoch_offset();
	result = turns_make(adding, lines, error);
	if (!result)
		result = turns_take(adding, lines, error);
	flow_put_close(&adding->put);
	flow_turns_free(&adding->turns);
	return result;
}

int lb_flows_add(const struct pins *pins, const struct lb_flow_lines *lines, const struct common_options *common,
		 struct error *error)
{
	struct adding adding = { .common = common };
	int result;

	if (!common->dry_run && pins_lock(pins, error))
		return -1;
	result = lbset_open(pins, &adding.set, error) || add_to_tables(pins, lines, &adding, error) ? -1 : 0;
	lbset_close(&adding.set);
	if (!common->dry_run)
		pins_unlock(pins);
	if (!result && adding.dropped && !common->quiet)
		note_print("%zu %s left out, the longest unused ones: the tables are too small for them",
			   adding.dropped, lb_shape.unit);
	return result;
}
