/* SPDX-License-Identifier: GPL-2.0-only */
#include "num.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

/* NULL, or what is wrong with the text as a number. Too large for 64 bits: *fits is false. */
static const char *digits_parse(const char *text, uint64_t *out, bool *fits)
{
	uint64_t value = 0;

	if (!*text)
		return "empty, expected a number";
	if (text[strspn(text, "0123456789")])
		return "not a number";
	if (text[0] == '0' && text[1])
		return "leading zero (octal or decimal?)";
	*fits = true;
	for (; *text && *fits; text++) {
		uint64_t digit = (uint64_t)(*text - '0');

		*fits = value <= (UINT64_MAX - digit) / 10;
		value = value * 10 + digit;
	}
	*out = value;
	return NULL;
}

int num_parse(const char *text, uint64_t min, uint64_t max, uint64_t *out, struct error *error)
{
	bool fits;
	const char *wrong = digits_parse(text, out, &fits);

	if (wrong)
		return error_usage(error, text, "%s", wrong);
	if (!fits || *out < min || *out > max)
		return error_usage(error, text, "out of range (%" PRIu64 "-%" PRIu64 ")", min, max);
	return 0;
}

int num_parse_signed(const char *text, int64_t min, int64_t max, int64_t *out, struct error *error)
{
	bool fits, negative = *text == '-';
	uint64_t magnitude;
	const char *wrong = digits_parse(text + negative, &magnitude, &fits);

	/* 0 has one form, too */
	if (!wrong && negative && fits && !magnitude)
		wrong = "not a number";
	if (wrong)
		return error_usage(error, text, "%s", wrong);
	fits = fits && magnitude <= (uint64_t)INT64_MAX + negative;
	if (fits)
		*out = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
	if (!fits || *out < min || *out > max)
		return error_usage(error, text, "out of range (%" PRId64 " to %" PRId64 ")", min, max);
	return 0;
}

/* The decimals after the point as thousandths; false: they are not one to three digits. */
static bool decimals_parse(const char *text, uint64_t *thousandths)
{
	size_t count = strlen(text);

	if (!count || count > 3 || text[strspn(text, "0123456789")])
		return false;
	for (*thousandths = 0; *text; text++)
		*thousandths = *thousandths * 10 + (uint64_t)(*text - '0');
	for (; count < 3; count++)
		*thousandths *= 10;
	return true;
}

int num_parse_seconds(const char *text, uint64_t max, uint64_t *milliseconds, struct error *error)
{
	size_t size = strcspn(text, ".");
	uint64_t seconds, thousandths = 0;
	char whole[24];
	const char *wrong;
	bool fits;

	if (size >= sizeof(whole))
		return error_usage(error, text, "not a number of seconds (2, or 0.25)");
	memcpy(whole, text, size);
	whole[size] = '\0';
	wrong = digits_parse(whole, &seconds, &fits);
	if (wrong || (text[size] && !decimals_parse(text + size + 1, &thousandths)))
		return error_usage(error, text, "not a number of seconds (2, or 0.25)");
	if (!fits || seconds > max || (seconds == max && thousandths) || !(seconds + thousandths))
		return error_usage(error, text, "out of range (0.001-%" PRIu64 ")", max);
	*milliseconds = seconds * 1000 + thousandths;
	return 0;
}
