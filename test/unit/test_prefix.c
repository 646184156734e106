/* SPDX-License-Identifier: GPL-2.0-only */
/* lib/prefix.c: prefixes as text, ranges as their smallest cover. */
#include "prefix.h"

#include "tap.h"

#define ERROR_TEXT sizeof(((struct error *)0)->text)

typedef unsigned __int128 number128;

static const struct {
	const char *text, *len; /* len NULL: in the text */
	const char *expected;   /* of all prefixes, or the error */
} cases[] = {
	{ "10.0.0.0/8", NULL, "10.0.0.0/8" },
	{ "10.0.0.1", NULL, "10.0.0.1/32" },
	{ "10.0.0.0", "8", "10.0.0.0/8" },
	{ "0.0.0.0", "0", "0.0.0.0/0" },
	{ "0.0.0.0/0", NULL, "0.0.0.0/0" },
	{ "::/0", NULL, "::/0" },
	{ "::", "0", "::/0" },
	{ "128.0.0.0/1", NULL, "128.0.0.0/1" },
	{ "255.255.255.255/32", NULL, "255.255.255.255/32" },
	{ "2001:DB8::/32", NULL, "2001:db8::/32" },
	{ "2001:db8:0:0:0:0:0:1/128", NULL, "2001:db8::1/128" },
	{ "::ffff:10.0.0.1", NULL, "::ffff:10.0.0.1/128" },
	/* malformed addresses */
	{ "10", NULL, "10: not an IPv4 or IPv6 address" },
	{ "10", "8", "10: not an IPv4 or IPv6 address" },
	{ "10.1", NULL, "10.1: not an IPv4 or IPv6 address" },
	{ "010.0.0.1", NULL, "010.0.0.1: not an IPv4 or IPv6 address" },
	{ "10.0.0.01", NULL, "10.0.0.01: not an IPv4 or IPv6 address" },
	{ "0x0a.0.0.1", NULL, "0x0a.0.0.1: not an IPv4 or IPv6 address" },
	{ "10.0.0.1 ", NULL, "10.0.0.1 : not an IPv4 or IPv6 address" },
	{ " 10.0.0.1", NULL, " 10.0.0.1: not an IPv4 or IPv6 address" },
	{ "10.0.0.1x", NULL, "10.0.0.1x: not an IPv4 or IPv6 address" },
	{ "10.0.0.1 x", "32", "10.0.0.1 x: not an IPv4 or IPv6 address" },
	{ "10.0.0.256", NULL, "10.0.0.256: not an IPv4 or IPv6 address" },
	{ "10.0.0.1.2", NULL, "10.0.0.1.2: not an IPv4 or IPv6 address" },
	{ "", NULL, "'': not an IPv4 or IPv6 address" },
	{ "", "32", "'': not an IPv4 or IPv6 address" },
	{ "fe80::1%lo", NULL, "fe80::1%lo: not an IPv4 or IPv6 address" },
	{ "[::1]", NULL, "[::1]: not an IPv4 or IPv6 address" },
	{ "localhost", NULL, "localhost: not an IPv4 or IPv6 address" },
	{ "10.0.0.0/8", "8", "10.0.0.0/8: not an IPv4 or IPv6 address" },
	{ "/8", NULL, "/8: not an IPv4 or IPv6 prefix" },
	{ "10/8", NULL, "10/8: not an IPv4 or IPv6 prefix" },
	/* malformed lengths */
	{ "10.0.0.0/", NULL, "10.0.0.0/: length not a number from 0 to 32" },
	{ "10.0.0.0/33", NULL, "10.0.0.0/33: length not a number from 0 to 32" },
	{ "10.0.0.0", "33", "33: out of range (0-32)" },
	{ "::/129", NULL, "::/129: length not a number from 0 to 128" },
	{ "10.0.0.0/-1", NULL, "10.0.0.0/-1: not an address range" },
	{ "10.0.0.0/08", NULL, "10.0.0.0/08: length not a number from 0 to 32" },
	{ "10.0.0.0/8/8", NULL, "10.0.0.0/8/8: length not a number from 0 to 32" },
	{ "10.0.0.0/255.0.0.0", NULL, "10.0.0.0/255.0.0.0: length not a number from 0 to 32" },
	{ "10.0.0.0", "8 ", "8 : not a number" },
	{ "10.0.0.0", "", "'': empty, expected a number" },
	/* host bits */
	{ "10.0.0.5/24", NULL, "10.0.0.5/24: host bits set, did you mean 10.0.0.0/24" },
	{ "10.0.0.5", "24", "10.0.0.5/24: host bits set, did you mean 10.0.0.0/24" },
	{ "0.0.0.1/0", NULL, "0.0.0.1/0: host bits set, did you mean 0.0.0.0/0" },
	{ "10.128.0.0/8", NULL, "10.128.0.0/8: host bits set, did you mean 10.0.0.0/8" },
	{ "2001:db8::1/64", NULL, "2001:db8::1/64: host bits set, did you mean 2001:db8::/64" },
	{ "::1/127", NULL, "::1/127: host bits set, did you mean ::/127" },
	/* ranges */
	{ "10.0.0.0-10.0.0.255", NULL, "10.0.0.0/24" },
	{ "10.0.0.1-10.0.0.1", NULL, "10.0.0.1/32" },
	{ "10.0.0.1-10.0.0.6", NULL, "10.0.0.1/32 10.0.0.2/31 10.0.0.4/31 10.0.0.6/32" },
	{ "10.0.0.1-10.0.0.6", "32", "10.0.0.1/32 10.0.0.2/31 10.0.0.4/31 10.0.0.6/32" },
	{ "0.0.0.0-255.255.255.255", NULL, "0.0.0.0/0" },
	{ "0.0.0.1-255.255.255.255", NULL,
	  "0.0.0.1/32 0.0.0.2/31 0.0.0.4/30 0.0.0.8/29 0.0.0.16/28 0.0.0.32/27 0.0.0.64/26 0.0.0.128/25 0.0.1.0/24 "
	  "0.0.2.0/23 0.0.4.0/22 0.0.8.0/21 0.0.16.0/20 0.0.32.0/19 0.0.64.0/18 0.0.128.0/17 0.1.0.0/16 0.2.0.0/15 "
	  "0.4.0.0/14 0.8.0.0/13 0.16.0.0/12 0.32.0.0/11 0.64.0.0/10 0.128.0.0/9 1.0.0.0/8 2.0.0.0/7 4.0.0.0/6 "
	  "8.0.0.0/5 16.0.0.0/4 32.0.0.0/3 64.0.0.0/2 128.0.0.0/1" },
	{ "255.255.255.254-255.255.255.255", NULL, "255.255.255.254/31" },
	{ "255.255.255.255-255.255.255.255", NULL, "255.255.255.255/32" },
	{ "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL, "::/0" },
	{ "2001:db8::-2001:db8::2", "128", "2001:db8::/127 2001:db8::2/128" },
	{ "10.0.0.1-10.0.0.6", "24", "24: out of range (32-32)" },
	{ "2001:db8::-2001:db8::2", "64", "64: out of range (128-128)" },
	{ "10.0.0.6-10.0.0.1", NULL, "10.0.0.6-10.0.0.1: the range ends before it starts" },
	{ "10.0.0.6-::1", NULL, "10.0.0.6-::1: a range of two address families" },
	{ "10.0.0.1-", NULL, "10.0.0.1-: not an address range" },
	{ "-10.0.0.1", NULL, "-10.0.0.1: not an address range" },
	{ "-", NULL, "-: not an address range" },
	{ "10.0.0.1-10.0.0.2-10.0.0.3", NULL, "10.0.0.1-10.0.0.2-10.0.0.3: not an address range" },
	{ "10.0.0.1-6", NULL, "10.0.0.1-6: not an address range" },
	{ "10.0.0.0/24-10.0.1.0/24", NULL, "10.0.0.0/24-10.0.1.0/24: not an address range" },
	{ "10.0.0.1 - 10.0.0.2", NULL, "10.0.0.1 - 10.0.0.2: not an address range" },
};

/* All prefixes of a list, or the error. */
static char *cover_text(const char *text, const char *len, char *buf, size_t size)
{
	struct prefix_list list;
	struct error error;
	size_t used = 0;

	if (prefix_parse_cover(text, len, &list, &error)) {
		snprintf(buf, size, "%s", error.text);
		return buf;
	}
	for (size_t i = 0; i < list.count; i++) {
		char one[PREFIX_TEXT_MAX];

		used += (size_t)snprintf(buf + used, size - used, "%s%s", i ? " " : "",
					 prefix_format(&list.items[i], one));
	}
	free(list.items);
	return buf;
}

static void test_cases(void)
{
	char got[4096];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_text(cover_text(cases[i].text, cases[i].len, got, sizeof(got)), cases[i].expected, "\"%s%s%s\"",
			   cases[i].text, cases[i].len ? " " : "", cases[i].len ? cases[i].len : "");
}

static void test_long_text(void)
{
	char text[4096], got[4096];

	memset(text, '1', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	check(strlen(cover_text(text, NULL, got, sizeof(got))) < ERROR_TEXT, 1, "an address of 4 KiB is refused");
	check(strlen(cover_text("10.0.0.0", text, got, sizeof(got))) < ERROR_TEXT, 1, "a length of 4 KiB is refused");
	text[100] = '/';
	check(strlen(cover_text(text, NULL, got, sizeof(got))) < ERROR_TEXT, 1, "a prefix of 4 KiB is refused");
	text[100] = '-';
	check(strlen(cover_text(text, NULL, got, sizeof(got))) < ERROR_TEXT, 1, "a range of 4 KiB is refused");
}

/* prefix_parse takes no range. */
static void test_parse_is_no_range(void)
{
	struct prefix prefix;
	struct error error;

	check(prefix_parse("10.0.0.1-10.0.0.2", &prefix, &error), -1, "prefix_parse refuses a range");
	check(prefix_parse_address("10.0.0.1/32", &prefix, &error), -1, "prefix_parse_address refuses a prefix");
	check(error.exit, EXIT_USAGE, "with the exit code of malformed input");
}

/* ---- prefixes as numbers ---- */

static number128 address_number(const struct prefix *prefix)
{
	number128 number = 0;

	for (unsigned int i = 0; i < prefix_bits(prefix->family) / 8; i++)
		number = number << 8 | prefix->addr[i];
	return number;
}

static struct prefix number_address(uint8_t family, number128 number)
{
	struct prefix prefix = { .family = family, .len = (uint8_t)prefix_bits(family) };

	for (unsigned int i = prefix_bits(family) / 8; i-- > 0; number >>= 8)
		prefix.addr[i] = (uint8_t)number;
	return prefix;
}

static number128 number_last(uint8_t family)
{
	return family == 4 ? UINT32_MAX : ~(number128)0;
}

/* Of all magnitudes, and often next to a power of two or to an end. */
static number128 random_number(uint8_t family)
{
	unsigned int bits = prefix_bits(family);
	number128 number = (number128)random_next() << 64 | random_next();

	switch (random_below(6)) {
	case 0:
		number = (number128)1 << random_below(bits);
		break;
	case 1:
		number = ((number128)1 << random_below(bits)) - 1;
		break;
	case 2:
		number = number_last(family) - random_below(300);
		break;
	case 3:
		number = random_below(300);
		break;
	case 4:
		number &= ~(number128)0 << random_below(bits);
		break;
	}
	return number & number_last(family);
}

static struct prefix random_prefix(void)
{
	uint8_t family = random_below(2) ? 4 : 6;
	struct prefix prefix = number_address(family, random_number(family));

	prefix.len = (uint8_t)random_below(prefix_bits(family) + 1);
	prefix_mask(&prefix);
	return prefix;
}

static void test_round_trip(void)
{
	char text[PREFIX_TEXT_MAX], wrong[1200] = "";

	for (int i = 0; i < 20000 && !*wrong; i++) {
		struct prefix prefix = random_prefix(), again;
		struct error error = { .text = "another prefix" };

		prefix_format(&prefix, text);
		if (prefix_parse(text, &again, &error) || memcmp(&prefix, &again, sizeof(prefix)))
			snprintf(wrong, sizeof(wrong), "expected %s, got %s", text, error.text);
	}
	check_property(wrong, "a prefix printed and parsed is the same prefix");
}

static void test_mask(void)
{
	char wrong[128] = "";

	for (int i = 0; i < 20000 && !*wrong; i++) {
		uint8_t family = random_below(2) ? 4 : 6;
		unsigned int bits = prefix_bits(family), len = random_below(bits + 1);
		number128 number = random_number(family), mask = len ? ~(number128)0 << (bits - len) : 0;
		struct prefix prefix = number_address(family, number);

		prefix.len = (uint8_t)len;
		prefix_mask(&prefix);
		if (address_number(&prefix) != (number & mask))
			snprintf(wrong, sizeof(wrong), "expected the first %u bits, got others", len);
	}
	check_property(wrong, "prefix_mask clears the host bits and no others");
}

/* ---- ranges: the cover against one taken off the low end piece by piece ---- */

struct cover {
	struct prefix items[256];
	size_t count;
};

/* The dumb way: from each address on, the largest aligned power of two that fits. */
static void cover_expected(uint8_t family, number128 first, number128 last, struct cover *out)
{
	unsigned int bits = prefix_bits(family);

	out->count = 0;
	for (;;) {
		unsigned int zeros;
		number128 end;

		for (zeros = bits; zeros > 0; zeros--) {
			number128 host = zeros == 128 ? ~(number128)0 : ((number128)1 << zeros) - 1;

			if (!(first & host) && host <= last - first)
				break;
		}
		end = first + (zeros == 128 ? ~(number128)0 : ((number128)1 << zeros) - 1);
		out->items[out->count] = number_address(family, first);
		out->items[out->count++].len = (uint8_t)(bits - zeros);
		if (end == last)
			return;
		first = end + 1;
	}
}

static bool cover_is(const struct prefix_list *got, const struct cover *expected)
{
	if (got->count != expected->count)
		return false;
	for (size_t i = 0; i < got->count; i++)
		if (memcmp(&got->items[i], &expected->items[i], sizeof(struct prefix)))
			return false;
	return true;
}

static void range_check(uint8_t family, number128 first, number128 last, char wrong[256])
{
	struct prefix low = number_address(family, first), high = number_address(family, last);
	char text[2 * PREFIX_TEXT_MAX + 2], from[PREFIX_TEXT_MAX], to[PREFIX_TEXT_MAX];
	struct prefix_list got = { 0 };
	struct cover expected;
	struct error error;

	cover_expected(family, first, last, &expected);
	snprintf(text, sizeof(text), "%s-%s", address_format(family, low.addr, from),
		 address_format(family, high.addr, to));
	if (prefix_parse_cover(text, NULL, &got, &error))
		snprintf(wrong, 256, "%s: expected %zu prefixes, got %.100s", text, expected.count, error.text);
	else if (!cover_is(&got, &expected))
		snprintf(wrong, 256, "%s: expected %zu prefixes, got %zu or others", text, expected.count, got.count);
	free(got.items);
}

static void test_ranges(uint8_t family)
{
	char wrong[256] = "";

	for (int i = 0; i < 3000 && !*wrong; i++) {
		number128 a = random_number(family), b = random_number(family);

		if (random_below(2))
			b = a + random_below(1000) > a ? (a + random_below(1000)) & number_last(family) : a;
		range_check(family, a < b ? a : b, a < b ? b : a, wrong);
	}
	check_property(wrong, "IPv%u ranges are covered as the dumb reference does", family);
	wrong[0] = '\0';
	for (int i = 0; i < 300 && !*wrong; i++)
		range_check(family, random_number(family), number_last(family), wrong);
	check_property(wrong, "IPv%u ranges that end at the last address", family);
	wrong[0] = '\0';
	range_check(family, 0, number_last(family), wrong);
	check_property(wrong, "the range of all IPv%u addresses", family);
}

/* What the reference says of small ranges, said once more: every address exactly once, and no smaller cover. */
static void test_reference(void)
{
	char wrong[128] = "";

	for (unsigned int first = 0; first < 64 && !*wrong; first++) {
		for (unsigned int last = first; last < 64 && !*wrong; last++) {
			struct cover cover;
			unsigned int covered = 0;

			cover_expected(4, first, last, &cover);
			for (size_t i = 0; i < cover.count; i++)
				covered += 1u << (32 - cover.items[i].len);
			if (covered != last - first + 1)
				snprintf(wrong, sizeof(wrong), "%u-%u: expected %u addresses, got %u", first, last,
					 last - first + 1, covered);
		}
	}
	check_property(wrong, "the reference covers each address once");
}

/* ---- containment ---- */

static bool contains_expected(const struct prefix *outer, const struct prefix *inner)
{
	unsigned int shift = prefix_bits(outer->family) - outer->len;

	if (outer->family != inner->family || outer->len > inner->len)
		return false;
	return shift == 128 || address_number(outer) >> shift == address_number(inner) >> shift;
}

static void test_list_covers(void)
{
	char wrong[128] = "";
	unsigned int held = 0;

	for (int n = 0; n < 3000 && !*wrong; n++) {
		struct prefix items[8], inner = random_prefix();
		struct prefix_list list = { .items = items, .count = random_below(9) };
		bool expected = false;

		for (size_t i = 0; i < list.count; i++) {
			items[i] = random_prefix();
			if (!random_below(6)) {
				items[i] = inner;
				items[i].len = (uint8_t)random_below(inner.len + 1u);
				prefix_mask(&items[i]);
			}
			expected |= contains_expected(&items[i], &inner);
		}
		prefix_list_sort(&list);
		held += expected;
		if (!!prefix_list_covers(&list, &inner) != expected)
			snprintf(wrong, sizeof(wrong), "expected %d of %zu prefixes", expected, list.count);
	}
	check_property(wrong, "a sorted list covers what one of it contains");
	check(held > 500 && held < 2500, 1, "both answers occur often");
}

static void test_list_has(void)
{
	char wrong[128] = "";
	unsigned int held = 0;

	for (int n = 0; n < 3000 && !*wrong; n++) {
		struct prefix_list list = { 0 };
		struct prefix wanted = random_prefix();
		bool expected = false;

		for (uint32_t i = random_below(9); i > 0; i--) {
			struct prefix item = random_below(8) ? random_prefix() : wanted;

			/* what differs in the length alone is another prefix */
			if (!random_below(4) && item.len < prefix_bits(item.family))
				item.len++;
			expected |= !memcmp(&item, &wanted, sizeof(item));
			if (prefix_list_add(&list, &item))
				bail_out("prefix_list_add");
		}
		prefix_list_sort(&list);
		held += expected;
		if (!!prefix_list_has(&list, &wanted) != expected)
			snprintf(wrong, sizeof(wrong), "expected %d of %zu prefixes", expected, list.count);
		free(list.items);
	}
	check_property(wrong, "a sorted list has what was added, and nothing else");
	check(held > 500 && held < 2500, 1, "both answers occur often");
}

int main(int argc, char **argv)
{
	random_start(argc, argv);
	test_cases();
	test_long_text();
	test_parse_is_no_range();
	test_round_trip();
	test_mask();
	test_reference();
	test_ranges(4);
	test_ranges(6);
	test_list_covers();
	test_list_has();
	return tap_done();
}
