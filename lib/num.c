/* SPDX-License-Identifier: GPL-2.0-only */
#include "num.h"

#include <inttypes.h>
#include <string.h>

/* NULL, or what is wrong with the text as a number; too large for 64 bits is left to the range check. */
static const char *digits_parse(const char *text, uint64_t *out)
{
	uint64_t value = 0;

	if (!*text)
		return "empty, expected a number";
	if (text[strspn(text, "0123456789")])
		return "not a number";
	if (text[0] == '0' && text[1])
		return "leading zero (octal or decimal?)";
	for (; *text; text++) {
		if (value > (UINT64_MAX - 9) / 10) {
			value = UINT64_MAX;
			break;
		}
		value = value * 10 + (uint64_t)(*text - '0');
	}
	*out = value;
	return NULL;
}

int num_parse(const char *text, uint64_t min, uint64_t max, uint64_t *out, struct error *error)
{
	const char *wrong = digits_parse(text, out);

	if (wrong)
		return error_usage(error, text, "%s", wrong);
	if (*out < min || *out > max)
		return error_usage(error, text, "out of range (%" PRIu64 "-%" PRIu64 ")", min, max);
	return 0;
}

int num_parse_signed(const char *text, int64_t min, int64_t max, int64_t *out, struct error *error)
{
	uint64_t magnitude;
	const char *wrong = digits_parse(text + (*text == '-'), &magnitude);

	if (wrong)
		return error_usage(error, text, "%s", wrong);
	if (magnitude > INT64_MAX)
		magnitude = INT64_MAX;
	*out = *text == '-' ? -(int64_t)magnitude : (int64_t)magnitude;
	if (*out < min || *out > max)
		return error_usage(error, text, "out of range (%" PRId64 " to %" PRId64 ")", min, max);
	return 0;
}
