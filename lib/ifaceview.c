/* SPDX-License-Identifier: GPL-2.0-only */
#include "ifaceview.h"

#include "array.h"
#include "ownaddr.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- which there are ---- */

static int index_add(struct iface_view *view, uint32_t ifindex)
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

static void indices_sort_unique(struct iface_view *view)
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

static int indices_read(struct iface_view *view)
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

static int lookup_read(const struct pins *pins, enum lookup_state *state, struct error *error)
{
	struct lookup_link link;

	if (lookup_link_open(pins, &link, error))
		return -1;
	*state = link.state;
	lookup_link_close(&link);
	return 0;
}

int iface_view_read(const struct pins *pins, struct iface_view *view, struct error *error)
{
	*view = (struct iface_view){ 0 };
	if (ifaces_read(pins, &view->ifaces, error) ||
	    attachments_read(pins, ATTACH_SPLICER, &view->attachments, error) ||
	    attachments_read(pins, ATTACH_LB, &view->balancers, error) ||
	    own_addresses_read(pins, &view->addresses, error) || lookup_read(pins, &view->lookup, error))
		return -1;
	return indices_read(view) ? error_errno(error, "interface list") : 0;
}

void iface_view_free(struct iface_view *view)
{
	ifaces_free(&view->ifaces);
	free(view->attachments.items);
	free(view->balancers.items);
	free(view->addresses.items);
	free(view->indices);
}

/* ---- one of them ---- */

void hook_view(const struct attachments *list, uint32_t ifindex, enum attachment_hook hook, struct hook_view *out)
{
	*out = (struct hook_view){ 0 };
	for (size_t i = 0; i < list->count; i++) {
		const struct attachment *attachment = &list->items[i];
		size_t used = strlen(out->prios);

		if (attachment->ifindex != ifindex || attachment->hook != hook)
			continue;
		if (!attachment->ours) {
			out->stale++;
			continue;
		}
		if (!out->ours++)
			out->prio = attachment->prio;
		snprintf(out->prios + used, sizeof(out->prios) - used, "%s%u", used ? "," : "prio ", attachment->prio);
	}
}

bool iface_is_gone(uint32_t ifindex)
{
	char name[IF_NAMESIZE];

	return ifindex != SPLICER_IFACE_ANY && !if_indextoname(ifindex, name);
}

/* ---- what is amiss ---- */

static void note_add(char note[IFACE_NOTE_MAX], bool applies, const char *word)
{
	size_t used = strlen(note);

	if (applies)
		snprintf(note + used, IFACE_NOTE_MAX - used, "%s%s", used ? "," : "", word);
}

/* Whether connections are tracked on some interface. */
static bool is_egress_used(const struct iface_view *view)
{
	for (size_t i = 0; i < view->attachments.count; i++)
		if (view->attachments.items[i].ours && view->attachments.items[i].hook == ATTACH_EGRESS)
			return true;
	return false;
}

/* Whether what leaves was to be dropped. */
static bool is_out_shut(const struct iface_view *view, uint32_t ifindex)
{
	enum setting_origin origin;
	const struct iface_entry *speaker = ifaces_speaker(&view->ifaces, ifindex, SETTING_OUT, &origin);

	return speaker && speaker->now.setting[SETTING_OUT] == GATE_DROP;
}

void iface_note(const struct iface_view *view, uint32_t ifindex, char note[IFACE_NOTE_MAX])
{
	bool used = is_egress_used(view), linked = view->lookup == LOOKUP_LINKED;
	struct hook_view ingress, egress, lb_ingress, lb_egress;

	*note = '\0';
	hook_view(&view->attachments, ifindex, ATTACH_INGRESS, &ingress);
	hook_view(&view->attachments, ifindex, ATTACH_EGRESS, &egress);
	hook_view(&view->balancers, ifindex, ATTACH_INGRESS, &lb_ingress);
	hook_view(&view->balancers, ifindex, ATTACH_EGRESS, &lb_egress);
	note_add(note, iface_is_gone(ifindex), "gone");
	note_add(note, ingress.ours > 1, "stacked");
	note_add(note, ingress.stale, "stale");
	note_add(note, egress.ours > 1, "egress-stacked");
	note_add(note, egress.stale, "egress-stale");
	note_add(note, egress.ours && !ingress.ours, "no-ingress");
	note_add(note, ingress.ours && !egress.ours && (used || linked || is_out_shut(view, ifindex)), "no-egress");
	note_add(note, ingress.ours && used && view->lookup == LOOKUP_NONE, "no-lookup");
	note_add(note, ingress.ours && !linked && view->lookup != LOOKUP_NONE, "lookup-stale");
	note_add(note, lb_ingress.ours > 1 || lb_egress.ours > 1, "lb-stacked");
	note_add(note, lb_ingress.stale || lb_egress.stale, "lb-stale");
	/* what it balances leaves at once */
	note_add(note, lb_ingress.ours && ingress.ours && lb_ingress.prio < ingress.prio, "lb-first");
}
