/* SPDX-License-Identifier: GPL-2.0-only */
#include "portrange.h"

#include "num.h"

#include <stdio.h>
#include <string.h>

static int port_parse(const char *text, uint16_t *out, struct error *error)
{
	uint64_t value;

	if (num_parse(text, 0, 65535, &value, error))
		return -1;
	*out = (uint16_t)value;
	return 0;
}

int portrange_parse(const char *text, uint16_t *low, uint16_t *high, struct error *error)
{
	const char *dash = strchr(text, '-');
	char first[8];

	if (!dash) {
		if (port_parse(text, low, error))
			return -1;
		*high = *low;
		return 0;
	}
	if (dash - text >= (int)sizeof(first))
		return error_usage(error, text, "expected a port or LOW-HIGH");
	snprintf(first, sizeof(first), "%.*s", (int)(dash - text), text);
	if (port_parse(first, low, error) || port_parse(dash + 1, high, error))
		return error_usage(error, text, "expected a port or LOW-HIGH, each 0-65535");
	if (*high < *low)
		return error_usage(error, text, "the range of ports ends before it starts");
	return 0;
}
