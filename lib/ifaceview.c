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
	    attachments_read(pins, ATTACH_FLOW, &view->observers, error) ||
	    own_addresses_read(pins, &view->addresses, error) || lookup_read(pins, &view->lookup, error))
		return -1;
	return indices_read(view) ? error_errno(error, "interface list") : 0;
}

void iface_view_free(struct iface_view *view)
{
	ifaces_free(&view->ifaces);
	free(view->attachments.items);
	free(view->balancers.items);
	free(view->observers.items);
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

/* Both hooks of an interface, of one object. */
struct both_hooks {
	struct hook_view ingress, egress;
};

static struct both_hooks both_hooks(const struct attachments *list, uint32_t ifindex)
{
	struct both_hooks both;

	hook_view(list, ifindex, ATTACH_INGRESS, &both.ingress);
	hook_view(list, ifindex, ATTACH_EGRESS, &both.egress);
	return both;
}

static bool is_before(const struct hook_view *one, const struct hook_view *other)
{
	return one->ours && other->ours && one->prio < other->prio;
}

static void note_firewall(const struct iface_view *view, uint32_t ifindex, const struct both_hooks *firewall,
			  char note[IFACE_NOTE_MAX])
{
	const struct hook_view *ingress = &firewall->ingress, *egress = &firewall->egress;
	bool used = is_egress_used(view), linked = view->lookup == LOOKUP_LINKED;

	note_add(note, ingress->ours > 1, "stacked");
	note_add(note, ingress->stale, "stale");
	note_add(note, egress->ours > 1, "egress-stacked");
	note_add(note, egress->stale, "egress-stale");
	note_add(note, egress->ours && !ingress->ours, "no-ingress");
	note_add(note, ingress->ours && !egress->ours && (used || linked || is_out_shut(view, ifindex)), "no-egress");
	note_add(note, ingress->ours && used && view->lookup == LOOKUP_NONE, "no-lookup");
	note_add(note, ingress->ours && !linked && view->lookup != LOOKUP_NONE, "lookup-stale");
}

static void note_balancer(const struct both_hooks *balancer, const struct both_hooks *firewall,
			  char note[IFACE_NOTE_MAX])
{
	note_add(note, balancer->ingress.ours > 1 || balancer->egress.ours > 1, "lb-stacked");
	note_add(note, balancer->ingress.stale || balancer->egress.stale, "lb-stale");
	/* what it balances leaves at once */
	note_add(note, is_before(&balancer->ingress, &firewall->ingress), "lb-first");
}

/* What is on the wire it sees before the others on ingress, and behind them on egress. */
static bool is_out_of_order(const struct both_hooks *observer, const struct both_hooks *other)
{
	return is_before(&other->ingress, &observer->ingress) || is_before(&observer->egress, &other->egress);
}

static void note_observer(const struct both_hooks *observer, const struct both_hooks *firewall,
			  const struct both_hooks *balancer, char note[IFACE_NOTE_MAX])
{
	note_add(note, observer->ingress.ours > 1 || observer->egress.ours > 1, "flow-stacked");
	note_add(note, observer->ingress.stale || observer->egress.stale, "flow-stale");
	note_add(note, is_out_of_order(observer, firewall) || is_out_of_order(observer, balancer), "flow-order");
}

void iface_note(const struct iface_view *view, uint32_t ifindex, char note[IFACE_NOTE_MAX])
{
	struct both_hooks firewall = both_hooks(&view->attachments, ifindex);
	struct both_hooks balancer = both_hooks(&view->balancers, ifindex);
	struct both_hooks observer = both_hooks(&view->observers, ifindex);

	*note = '\0';
	note_add(note, iface_is_gone(ifindex), "gone");
	note_firewall(view, ifindex, &firewall, note);
	note_balancer(&balancer, &firewall, note);
	note_observer(&observer, &firewall, &balancer, note);
}
