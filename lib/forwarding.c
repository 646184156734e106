/* SPDX-License-Identifier: GPL-2.0-only */
#include "forwarding.h"

#include "attachment.h"

#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Whether the kernel says that it does not forward; where it cannot be asked, nothing is said. */
static bool is_off(const char *family, const char *interface)
{
	char path[128], value[4] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/sys/net/%s/conf/%s/forwarding", family, interface);
	file = fopen(path, "re");
	if (!file)
		return false;
	if (!fgets(value, sizeof(value), file))
		*value = '\0';
	fclose(file);
	return *value == '0';
}

static void interface_note(const char *interface, bool ipv4, bool ipv6)
{
	const char *where = strcmp(interface, "all") ? interface : "all interfaces";

	if (ipv4 && is_off("ipv4", interface))
		note_print("IPv4 forwarding is off on %s: no packet gets to a backend (sysctl net.ipv4.ip_forward=1)",
			   where);
	if (ipv6 && is_off("ipv6", interface))
		note_print("IPv6 forwarding is off on %s: no packet gets to a backend (sysctl "
			   "net.ipv6.conf.all.forwarding=1)",
			   where);
}

/* Whether there is any. */
static bool interfaces_note(const struct attachments *attachments, bool ipv4, bool ipv6)
{
	uint32_t last = 0;

	for (size_t i = 0; i < attachments->count; i++) {
		const struct attachment *attachment = &attachments->items[i];
		char name[IF_NAMESIZE];

		if (!attachment->ours || attachment->hook != ATTACH_INGRESS || attachment->ifindex == last ||
		    !if_indextoname(attachment->ifindex, name))
			continue;
		last = attachment->ifindex;
		interface_note(name, ipv4, ipv6);
	}
	return last;
}

void forwarding_note(const struct pins *pins, bool ipv4, bool ipv6)
{
	struct attachments attachments;
	struct error ignored;
	bool known = false;

	if (!ipv4 && !ipv6)
		return;
	if (!attachments_read(pins, ATTACH_LB, &attachments, &ignored)) {
		known = interfaces_note(&attachments, ipv4, ipv6);
		free(attachments.items);
	}
	if (!known)
		interface_note("all", ipv4, ipv6);
}
