/* SPDX-License-Identifier: GPL-2.0-only */
/* Where programs of splicer are attached, as tc did it: by filters of kind "bpf" in direct-action mode. */
#ifndef SPLICER_ATTACHMENT_H
#define SPLICER_ATTACHMENT_H

#include "error.h"
#include "netlink.h"
#include "pin.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum attachment_object { ATTACH_SPLICER, ATTACH_LB, ATTACH_FLOW };
enum attachment_hook { ATTACH_INGRESS, ATTACH_EGRESS };

struct attachment {
	uint32_t ifindex;
	enum attachment_hook hook;
	uint32_t prio, handle, prog_id; /* as in struct bpf_filter */
	/*
	 * Its program uses the maps of this pin directory. One that does not is stale: the pins were removed and made
	 * anew, and what tools write does not reach it.
	 */
	bool ours;
	char name[FILTER_NAME_MAX]; /* of the filter, as tc shows it; any bytes */
};

struct attachments {
	struct attachment *items; /* sorted by ifindex, hook, prio, handle; released with free() */
	size_t count;
};

/*
 * All of an object in the caller's network namespace: programs that use the maps of this pin directory, and those that
 * are named as the object's are but use other maps. -1 with *error (EXIT_STATE).
 */
int attachments_read(const struct pins *pins, enum attachment_object object, struct attachments *out,
		     struct error *error);

/* A descriptor of the program; -1 with *error when it is gone meanwhile. */
int attachment_open(const struct attachment *attachment, struct error *error);

#endif
