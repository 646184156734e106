/* SPDX-License-Identifier: GPL-2.0-only */
#include "countview.h"

#include "registry.h"

static void rows_keep(struct counts *counts, const struct count_selector *selector)
{
	size_t kept = 0;

	for (size_t i = 0; i < counts->count; i++)
		if (count_selector_matches(selector, &counts->rows[i].key))
			counts->rows[kept++] = counts->rows[i];
	counts->count = kept;
}

static int names_read(struct countview *view, struct error *error)
{
	for (size_t i = 0; i < view->counts.count; i++)
		if (ifnames_add(&view->names, view->counts.rows[i].key.ifindex, error))
			return -1;
	ifnames_read(&view->names);
	return 0;
}

int countview_open(struct countview *view, const struct pins *pins, const struct count_selector *selector,
		   struct error *error)
{
	*view = (struct countview){ .fields = selector->fields ? selector->fields : COUNT_FIELDS_ALL };
	if (counts_read(pins, &view->counts, error))
		return -1;
	rows_keep(&view->counts, selector);
	counts_sum(&view->counts, view->fields);
	counts_order(&view->counts);
	return names_read(view, error);
}

void countview_close(struct countview *view)
{
	counts_free(&view->counts);
	ifnames_free(&view->names);
}

const char *countview_word(const struct countview *view, const struct count_row *row, enum count_field field)
{
	const struct count_key *key = &row->key;

	switch (field) {
	case COUNT_OBJECT:
		return key->object ? object_name(key->object) : NULL;
	case COUNT_IFACE:
		return ifnames_find(&view->names, key->ifindex);
	case COUNT_HOOK:
		return key->hook ? hook_name(key->hook) : NULL;
	case COUNT_VERDICT:
		return key->verdict ? verdict_name(key->verdict) : NULL;
	case COUNT_ACTION:
		return key->verdict ? verdict_action(key->verdict) : NULL;
	default:
		return key->reason ? reason_name(key->reason) : NULL;
	}
}

static const char *const headers[COUNT_FIELDS] = {
	[COUNT_OBJECT] = "OBJECT",   [COUNT_IFACE] = "IFACE",   [COUNT_HOOK] = "HOOK",
	[COUNT_VERDICT] = "VERDICT", [COUNT_ACTION] = "ACTION", [COUNT_REASON] = "REASON",
};

void countview_row_out(const struct countview *view, const struct count_row *row, struct out *out)
{
	unsigned int reason = row->key.reason;

	for (enum count_field field = 0; field < COUNT_FIELDS; field++)
		if (view->fields & 1u << field)
			out_text(out, count_field_name(field), headers[field], countview_word(view, row, field));
	out_number(out, "packets", "PACKETS", row->packets);
	out_number(out, "bytes", "BYTES", row->bytes);
	if (view->fields & 1u << COUNT_REASON)
		out_text(out, "text", "MEANING", reason ? reason_text(reason) : NULL);
}

int countview_print(const struct pins *pins, const struct count_selector *selector, enum out_form form,
		    struct error *error)
{
	struct countview view;
	struct out out;
	int result = countview_open(&view, pins, selector, error);

	out_open(&out, form);
	if (!result) {
		do {
			for (size_t i = 0; i < view.counts.count; i++) {
				out_begin(&out);
				countview_row_out(&view, &view.counts.rows[i], &out);
				out_end(&out);
			}
		} while (out_again(&out));
	}
	countview_close(&view);
	return result;
}
