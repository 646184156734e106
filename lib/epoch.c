/* SPDX-License-Identifier: GPL-2.0-only */
#include "epoch.h"

#include "clock.h"
#include "num.h"

#include <stdbool.h>
#include <string.h>

#define EPOCH_MAX 9200000000ull /* seconds: in 2261; more does not fit in 63 bits of ns */

/* One digit to so many, in ns; false: it is something else. */
static bool fraction_parse(const char *text, unsigned int digits, uint64_t *ns)
{
	size_t count = strspn(text, "0123456789");

	*ns = 0;
	for (size_t i = 0; i < EPOCH_DIGITS; i++)
		*ns = *ns * 10 + (i < count ? (uint64_t)(text[i] - '0') : 0);
	return count >= 1 && count <= digits && !text[count];
}

int epoch_parse(const char *text, unsigned int digits, uint64_t *epoch, struct error *error)
{
	size_t size = strcspn(text, ".");
	uint64_t seconds, ns;
	char whole[24] = "";

	memcpy(whole, text, size < sizeof(whole) ? size : sizeof(whole) - 1);
	if (!fraction_parse(text[size] ? text + size + 1 : "0", digits, &ns) ||
	    num_parse(whole, 0, EPOCH_MAX, &seconds, error))
		return error_usage(error, text,
				   "not a time in seconds since the epoch, before 2261, as in 1795236126.362");
	*epoch = seconds * CLOCK_SECOND + ns;
	return 0;
}

void text_epoch(struct text *text, uint64_t epoch)
{
	text_number(text, epoch / CLOCK_SECOND);
	text_char(text, '.');
	text_digits(text, epoch % CLOCK_SECOND, EPOCH_DIGITS);
}
