/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bytes as an address, prefix or range, and what follows a newline as its length. Each prefix of what is taken must
 * have no host bits, be larger than the one before and not the other half of one prefix with it, and read back as it
 * prints.
 */
#include "fuzz.h"
#include "prefix.h"

static void require_prefix(const struct prefix *prefix)
{
	char text[PREFIX_TEXT_MAX];
	struct prefix masked = *prefix, again;
	struct error error;

	FUZZ_REQUIRE(prefix->family == 4 || prefix->family == 6);
	FUZZ_REQUIRE(prefix->len <= prefix_bits(prefix->family));
	prefix_mask(&masked);
	FUZZ_REQUIRE(!memcmp(&masked, prefix, sizeof(masked)));
	FUZZ_REQUIRE(!prefix_parse(prefix_format(prefix, text), &again, &error));
	FUZZ_REQUIRE(!memcmp(&again, prefix, sizeof(again)));
}

static int covers(const struct prefix *outer, const struct prefix *inner)
{
	struct prefix copy = *outer;
	struct prefix_list list = { .items = &copy, .count = 1 };

	return prefix_list_covers(&list, inner);
}

/* Two halves of one prefix would not be the smallest cover. */
static void require_neighbours(const struct prefix *a, const struct prefix *b)
{
	struct prefix parent = *a;

	FUZZ_REQUIRE(a->family == b->family);
	FUZZ_REQUIRE(memcmp(a->addr, b->addr, sizeof(a->addr)) < 0);
	FUZZ_REQUIRE(!covers(a, b) && !covers(b, a));
	if (a->len != b->len || !a->len)
		return;
	parent.len--;
	prefix_mask(&parent);
	FUZZ_REQUIRE(!(covers(&parent, a) && covers(&parent, b)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size), *len = strchr(text, '\n');
	struct prefix_list list;
	struct error error;

	if (len)
		*len++ = '\0';
	if (!prefix_parse_cover(text, len, &list, &error)) {
		FUZZ_REQUIRE(list.count >= 1 && list.count <= 254);
		for (size_t i = 0; i < list.count; i++) {
			require_prefix(&list.items[i]);
			if (i)
				require_neighbours(&list.items[i - 1], &list.items[i]);
		}
		free(list.items);
	}
	free(text);
	return 0;
}
