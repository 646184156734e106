/* SPDX-License-Identifier: GPL-2.0-only */
#include "never.h"

#include "batch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- what is listed ---- */

static int list_add(struct never *never, const char *text, struct error *error)
{
	struct prefix_list cover;
	int result = prefix_parse_cover(text, NULL, &cover, error);

	if (result)
		return -1;
	for (size_t i = 0; i < cover.count && !result; i++) {
		prefix_unmap(&cover.items[i]);
		result = prefix_list_add(&never->listed, &cover.items[i]);
	}
	free(cover.items);
	return result ? error_errno(error, "never") : 0;
}

static int take_line(void *context, unsigned long line, int argc, char **argv, struct error *error)
{
	(void)line;
	if (argc > 2)
		return error_usage(error, argv[2], "expected one prefix a line");
	return list_add(context, argv[1], error);
}

/* Whether text is meant for a prefix: it has nothing but what prefixes have, and no file has its name. */
static bool is_prefix(const char *text)
{
	return !text[strspn(text, "0123456789abcdefABCDEF.:/-")] && strpbrk(text, ".:") && *text != '/' &&
	       *text != '.' && access(text, F_OK);
}

int never_take(struct never *never, const char *value, struct error *error)
{
	int result = is_prefix(value) ? list_add(never, value, error) : batch_read_list(value, take_line, never, error);

	if (!result)
		prefix_list_sort(&never->listed);
	return result;
}

/* ---- what is so anyway ---- */

int never_refresh(struct never *never, struct error *error)
{
	struct own_addresses own;

	if (netlink_own_addresses(&own, error))
		return -1;
	free(never->own.items);
	never->own = own;
	return 0;
}

/* RFC 6890, RFC 4291 section 2.4. IPv4 in IPv6 form is an address of sockets, not of packets: a forgery. */
static const struct prefix nobody[] = {
	{ 4, 8, { 0 } },
	{ 4, 8, { 127 } },
	{ 4, 16, { 169, 254 } },
	{ 4, 4, { 224 } },
	{ 4, 32, { 255, 255, 255, 255 } },
	{ 6, 128, { 0 } },
	{ 6, 128, { [15] = 1 } },
	{ 6, 96, { [10] = 0xff, [11] = 0xff } },
	{ 6, 10, { 0xfe, 0x80 } },
	{ 6, 8, { 0xff } },
};

static bool is_nobody(const struct prefix *address)
{
	for (size_t i = 0; i < sizeof(nobody) / sizeof(nobody[0]); i++) {
		struct prefix masked = *address;

		masked.len = nobody[i].len;
		prefix_mask(&masked);
		if (masked.family == nobody[i].family && !memcmp(masked.addr, nobody[i].addr, sizeof(masked.addr)))
			return true;
	}
	return false;
}

static bool is_own(const struct own_addresses *own, const struct prefix *address)
{
	for (size_t i = 0; i < own->count; i++)
		if (own->items[i].family == address->family &&
		    !memcmp(own->items[i].addr, address->addr, sizeof(address->addr)))
			return true;
	return false;
}

bool never_has(const struct never *never, uint8_t family, const uint8_t addr[16])
{
	struct prefix address = { .family = family, .len = (uint8_t)prefix_bits(family) };

	memcpy(address.addr, addr, sizeof(address.addr));
	return is_nobody(&address) || is_own(&never->own, &address) || prefix_list_covers(&never->listed, &address);
}

void never_free(struct never *never)
{
	free(never->listed.items);
	free(never->own.items);
	*never = (struct never){ 0 };
}
