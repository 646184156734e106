/* SPDX-License-Identifier: GPL-2.0-only */
/* All that is known of interfaces: what is attached, what was said, which addresses are own, and what is amiss. */
#ifndef SPLICER_IFACEVIEW_H
#define SPLICER_IFACEVIEW_H

#include "attachment.h"
#include "error.h"
#include "iface.h"
#include "lookuplink.h"
#include "netlink.h"
#include "pin.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct iface_view {
	struct ifaces ifaces;
	struct attachments attachments; /* of splicer.o */
	struct attachments balancers;   /* of lb.o */
	struct attachments observers;   /* of flow.o */
	struct own_addresses addresses;
	enum lookup_state lookup;
	uint32_t *indices; /* to be listed, ascending; of interfaces that are gone, too, if they have settings */
	size_t count;
};

/* Whatever it returns, iface_view_free releases what *view holds. */
int iface_view_read(const struct pins *pins, struct iface_view *view, struct error *error);
void iface_view_free(struct iface_view *view);

/* What of an object is attached to a hook of an interface. */
struct hook_view {
	unsigned int ours, stale; /* as attachment.ours */
	uint32_t prio;            /* of the first of ours */
	char prios[64];           /* "prio 1,2": of all of ours, in the order they are asked */
};

void hook_view(const struct attachments *list, uint32_t ifindex, enum attachment_hook hook, struct hook_view *out);

/* Whether there is no such interface any more. */
bool iface_is_gone(uint32_t ifindex);

#define IFACE_NOTE_MAX 192

/*
 * What an operator should look at, as words with commas between, "" if there is nothing. That only the ingress hook is
 * used is how splicer was attached before it tracked connections: it is told where something shows that more is
 * meant.
 */
void iface_note(const struct iface_view *view, uint32_t ifindex, char note[IFACE_NOTE_MAX]);

#endif
