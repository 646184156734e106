/* SPDX-License-Identifier: GPL-2.0-only */
#include "ifaceout.h"

#include "array.h"
#include "attachment.h"
#include "batch.h"
#include "netlink.h"
#include "ownaddr.h"
#include "rule.h"

#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what there is ---- */

struct view {
	struct ifaces ifaces;
	struct attachments attachments;
	struct own_addresses addresses;
	uint32_t *indices; /* to be listed, ascending; of interfaces that are gone, too, if they have settings */
	size_t count;
};

static int index_add(struct view *view, uint32_t ifindex)
{
	uint32_t *indices = array_room(view->indices, view->count, sizeof(*indices));

	if (!indices)
		return -1;
	view->indices = indices;
	indices[view->count++] = ifindex;
	return 0;
}

static int index_order(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	return (a > b) - (a < b);
}

static void indices_sort_unique(struct view *view)
{
	size_t kept = 0;

	if (!view->count)
		return;
	qsort(view->indices, view->count, sizeof(*view->indices), index_order);
	for (size_t i = 0; i < view->count; i++)
		if (!i || view->indices[i] != view->indices[kept - 1])
			view->indices[kept++] = view->indices[i];
	view->count = kept;
}

static int indices_read(struct view *view)
{
	struct if_nameindex *names = if_nameindex();
	int result = 0;

	if (!names)
		return -1;
	for (struct if_nameindex *at = names; at->if_index && !result; at++)
		result = index_add(view, at->if_index);
	if_freenameindex(names);
	for (size_t i = 0; i < view->ifaces.count && !result; i++)
		if (iface_entry_says(&view->ifaces.items[i]))
			result = index_add(view, view->ifaces.items[i].ifindex);
	indices_sort_unique(view);
	return result;
}

static int view_read(const struct pins *pins, struct view *view, struct error *error)
{
	*view = (struct view){ 0 };
	if (ifaces_read(pins, &view->ifaces, error) || attachments_read(pins, &view->attachments, error) ||
	    own_addresses_read(pins, &view->addresses, error))
		return -1;
	return indices_read(view) ? error_errno(error, "interface list") : 0;
}

static void view_free(struct view *view)
{
	free(view->ifaces.items);
	free(view->attachments.items);
	free(view->addresses.items);
	free(view->indices);
}

/* ---- one interface ---- */

/* What is attached to its ingress hook. */
struct ingress {
	unsigned int ours, stale;
	uint32_t prio;  /* of the first of ours */
	char prios[64]; /* of all of ours, in the order they are asked */
};

static void ingress_find(const struct attachments *attachments, uint32_t ifindex, struct ingress *ingress)
{
	*ingress = (struct ingress){ 0 };
	for (size_t i = 0; i < attachments->count; i++) {
		const struct attachment *attachment = &attachments->items[i];
		size_t used = strlen(ingress->prios);

		if (attachment->ifindex != ifindex || attachment->hook != ATTACH_INGRESS)
			continue;
		if (!attachment->ours) {
			ingress->stale++;
			continue;
		}
		if (!ingress->ours++)
			ingress->prio = attachment->prio;
		snprintf(ingress->prios + used, sizeof(ingress->prios) - used, "%s%u", used ? "," : "prio ",
			 attachment->prio);
	}
}

static void ingress_out(struct out *out, const struct view *view, uint32_t ifindex)
{
	struct ingress ingress;

	ingress_find(&view->attachments, ifindex, &ingress);
	out_text(out, NULL, "INGRESS", ingress.ours ? ingress.prios : ingress.stale ? "stale" : "");
	out_bool(out, "attached", ifindex == SPLICER_IFACE_ANY ? -1 : ingress.ours > 0);
	out_number_or(out, "prio", NULL, ingress.ours ? (int64_t)ingress.prio : -1, "-");
	out_bool(out, "stacked", ifindex == SPLICER_IFACE_ANY ? -1 : ingress.ours > 1);
	out_bool(out, "stale", ifindex == SPLICER_IFACE_ANY ? -1 : ingress.stale > 0);
}

/* In the table, what was not said of the interface itself stands in parentheses. */
static void setting_out(struct out *out, const struct view *view, uint32_t ifindex, enum splicer_setting setting)
{
	static const char *const origins[] = {
		[ORIGIN_IFACE] = "iface",
		[ORIGIN_ANY] = "any",
		[ORIGIN_BUILT_IN] = "default",
	};
	const struct setting_kind *kind = &setting_kinds[setting];
	char key[32], text[32];
	enum setting_origin origin;
	const char *word = setting_word(setting, ifaces_effective(&view->ifaces, ifindex, setting, &origin));
	bool said = origin == ORIGIN_IFACE || (origin == ORIGIN_ANY && ifindex == SPLICER_IFACE_ANY);

	snprintf(text, sizeof(text), said ? "%s" : "(%s)", word);
	snprintf(key, sizeof(key), "%s_from", kind->name);
	out_text(out, kind->name, NULL, word);
	out_text(out, key, NULL, origins[origin]);
	out_text(out, NULL, kind->header, text);
}

static void note_out(struct out *out, const struct view *view, uint32_t ifindex, bool gone)
{
	struct ingress ingress;
	bool stacked, stale;

	ingress_find(&view->attachments, ifindex, &ingress);
	stacked = ingress.ours > 1;
	stale = ingress.stale > 0;
	out_text(out, NULL, "NOTE",
		 gone               ? "gone"
		 : stacked && stale ? "stacked,stale"
		 : stacked          ? "stacked"
		 : stale            ? "stale"
				    : "");
	out_bool(out, "gone", gone);
}

static void iface_out(struct out *out, const struct view *view, uint32_t ifindex)
{
	char name[INTERFACE_TEXT_MAX], probe[IF_NAMESIZE];
	bool any = ifindex == SPLICER_IFACE_ANY, gone = !any && !if_indextoname(ifindex, probe);
	int64_t addresses = any ? -1 : (int64_t)own_addresses_count(&view->addresses, ifindex);

	out_text(out, "iface", "IFACE", any ? "any" : interface_format(ifindex, name));
	out_number(out, "ifindex", NULL, ifindex);
	ingress_out(out, view, ifindex);
	for (size_t i = 0; i < SETTING_COUNT; i++)
		setting_out(out, view, ifindex, (enum splicer_setting)i);
	out_number_or(out, "addresses", "ADDRS", addresses, "-");
	note_out(out, view, ifindex, gone);
}

/* ---- lines ---- */

static void print_name(uint32_t ifindex)
{
	char name[INTERFACE_TEXT_MAX];

	interface_format(ifindex, name);
	if (*name == '-')
		fputs("-- ", stdout);
	batch_print_word(ifindex == SPLICER_IFACE_ANY ? "any" : name);
}

static void setting_print(enum splicer_setting setting, uint8_t value)
{
	printf(" %s=%s", setting_kinds[setting].name, setting_word(setting, value));
}

static void print_change(const struct iface_change *change)
{
	print_name(change->ifindex);
	for (size_t i = 0; i < SETTING_COUNT; i++)
		if (change->given[i])
			setting_print((enum splicer_setting)i, change->setting[i]);
	putchar('\n');
}

void iface_print_entry(const struct iface_entry *entry)
{
	print_name(entry->ifindex);
	for (size_t i = 0; i < SETTING_COUNT; i++)
		if (entry->now.setting[i])
			setting_print((enum splicer_setting)i, entry->now.setting[i]);
	putchar('\n');
}

/* ---- all ---- */

static void print_records(struct view *view, enum out_form form)
{
	struct out out;

	out_open(&out, form);
	do {
		for (size_t i = 0; i < view->count; i++) {
			out_begin(&out);
			iface_out(&out, view, view->indices[i]);
			out_end(&out);
		}
	} while (out_again(&out));
}

int ifaces_print(const struct pins *pins, const uint32_t *alone, enum out_form form, struct error *error)
{
	struct view view;
	int result = view_read(pins, &view, error);

	if (!result && alone && view.count) {
		view.indices[0] = *alone;
		view.count = 1;
	}
	if (!result)
		print_records(&view, form);
	view_free(&view);
	return result;
}

static void print_changes_json(const struct view *view, const struct iface_change *changes, size_t count)
{
	struct out out;

	out_open(&out, OUT_JSON);
	for (size_t i = 0; i < count; i++) {
		char letter[2] = { changes[i].letter, '\0' };

		out_begin(&out);
		out_text(&out, "change", NULL, letter);
		iface_out(&out, view, changes[i].ifindex);
		out_end(&out);
	}
	out_again(&out);
}

static void print_change_lines(const struct iface_change *changes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		printf("%c ", changes[i].letter);
		print_change(&changes[i]);
	}
}

int iface_changes_print(const struct pins *pins, const struct common_options *common,
			const struct iface_change *changes, size_t count, struct ifaces *ifaces, struct error *error)
{
	struct view view;
	int result;

	if (!common->json) {
		if (common->verbose || common->dry_run)
			print_change_lines(changes, count);
		return 0;
	}
	result = view_read(pins, &view, error);
	if (!result) {
		/* after a dry run, as it would be */
		free(view.ifaces.items);
		view.ifaces = *ifaces;
		*ifaces = (struct ifaces){ 0 };
		print_changes_json(&view, changes, count);
	}
	view_free(&view);
	return result;
}
