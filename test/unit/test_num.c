/* SPDX-License-Identifier: GPL-2.0-only */
/* lib/num.c */
#include "num.h"

#include "tap.h"

static const struct num_case {
	const char *text;
	uint64_t min, max;
	uint64_t value;
	const char *error; /* NULL: none */
} num_cases[] = {
	{ "0", 0, 65535, 0, NULL },
	{ "1", 0, 65535, 1, NULL },
	{ "65535", 0, 65535, 65535, NULL },
	{ "4294967296", 0, UINT64_MAX, 4294967296, NULL },
	{ "18446744073709551615", 0, UINT64_MAX, UINT64_MAX, NULL },
	{ "18446744073709551614", 0, UINT64_MAX, UINT64_MAX - 1, NULL },
	{ "18446744073709551616", 0, UINT64_MAX, 0, "18446744073709551616: out of range (0-18446744073709551615)" },
	{ "65536", 0, 65535, 0, "65536: out of range (0-65535)" },
	{ "99999", 0, 65535, 0, "99999: out of range (0-65535)" },
	{ "4294967376", 0, 65535, 0, "4294967376: out of range (0-65535)" },
	{ "18446744073709551696", 0, 65535, 0, "18446744073709551696: out of range (0-65535)" },
	{ "99999999999999999999999999", 0, 65535, 0, "99999999999999999999999999: out of range (0-65535)" },
	{ "0", 1, 9, 0, "0: out of range (1-9)" },
	{ "", 0, 9, 0, "'': empty, expected a number" },
	{ "00", 0, 9, 0, "00: leading zero (octal or decimal?)" },
	{ "010", 0, 99, 0, "010: leading zero (octal or decimal?)" },
	{ "0x10", 0, 99, 0, "0x10: not a number" },
	{ "1e3", 0, 9999, 0, "1e3: not a number" },
	{ "+1", 0, 9, 0, "+1: not a number" },
	{ "-1", 0, 9, 0, "-1: not a number" },
	{ " 1", 0, 9, 0, " 1: not a number" },
	{ "1 ", 0, 9, 0, "1 : not a number" },
	{ "1\n", 0, 9, 0, "1?: not a number" },
	{ "80-90", 0, 65535, 0, "80-90: not a number" },
	{ "1.5", 0, 9, 0, "1.5: not a number" },
	{ "\xd9\xa1", 0, 9, 0, "\xd9\xa1: not a number" },
};

static const struct signed_case {
	const char *text;
	int64_t min, max;
	int64_t value;
	const char *error;
} signed_cases[] = {
	{ "0", -5, 5, 0, NULL },
	{ "-5", -5, 5, -5, NULL },
	{ "5", -5, 5, 5, NULL },
	{ "-2147483647", -INT32_MAX, INT32_MAX, -INT32_MAX, NULL },
	{ "2147483647", -INT32_MAX, INT32_MAX, INT32_MAX, NULL },
	{ "9223372036854775807", INT64_MIN, INT64_MAX, INT64_MAX, NULL },
	{ "9223372036854775808", INT64_MIN, INT64_MAX, 0,
	  "9223372036854775808: out of range (-9223372036854775808 to 9223372036854775807)" },
	{ "-9223372036854775808", INT64_MIN, INT64_MAX, INT64_MIN, NULL },
	{ "-2147483648", -INT32_MAX, INT32_MAX, 0, "-2147483648: out of range (-2147483647 to 2147483647)" },
	{ "2147483648", -INT32_MAX, INT32_MAX, 0, "2147483648: out of range (-2147483647 to 2147483647)" },
	{ "99999999999999999999", -INT32_MAX, INT32_MAX, 0,
	  "99999999999999999999: out of range (-2147483647 to 2147483647)" },
	{ "-99999999999999999999", -INT32_MAX, INT32_MAX, 0,
	  "-99999999999999999999: out of range (-2147483647 to 2147483647)" },
	{ "6", -5, 5, 0, "6: out of range (-5 to 5)" },
	{ "-", -5, 5, 0, "-: empty, expected a number" },
	{ "--1", -5, 5, 0, "--1: not a number" },
	{ "- 1", -5, 5, 0, "- 1: not a number" },
	{ "+1", -5, 5, 0, "+1: not a number" },
	{ "-01", -5, 5, 0, "-01: leading zero (octal or decimal?)" },
	{ "-0", -5, 5, 0, "-0: not a number" },
	{ "", -5, 5, 0, "'': empty, expected a number" },
};

static void test_unsigned(const struct num_case *c)
{
	struct error error = { .exit = -1 };
	uint64_t value = 0;
	int result = num_parse(c->text, c->min, c->max, &value, &error);

	check_text(result ? error.text : "", c->error ? c->error : "", "\"%s\": %s", c->text,
		   c->error ? "refused" : "taken");
	if (c->error)
		check(error.exit, EXIT_USAGE, "\"%s\": exit code of malformed input", c->text);
	else
		check((long long)value, (long long)c->value, "\"%s\": its value", c->text);
}

static void test_signed(const struct signed_case *c)
{
	struct error error = { .exit = -1 };
	int64_t value = 0;
	int result = num_parse_signed(c->text, c->min, c->max, &value, &error);

	check_text(result ? error.text : "", c->error ? c->error : "", "signed \"%s\": %s", c->text,
		   c->error ? "refused" : "taken");
	if (c->error)
		check(error.exit, EXIT_USAGE, "signed \"%s\": exit code of malformed input", c->text);
	else
		check(value, c->value, "signed \"%s\": its value", c->text);
}

static const struct seconds_case {
	const char *text;
	uint64_t milliseconds;
	const char *error;
} seconds_cases[] = {
	{ "2", 2000, NULL },
	{ "0.25", 250, NULL },
	{ "0.001", 1, NULL },
	{ "1.5", 1500, NULL },
	{ "1.050", 1050, NULL },
	{ "3600", 3600000, NULL },
	{ "3599.999", 3599999, NULL },
	{ "3600.0", 3600000, NULL },
	{ "3600.001", 0, "3600.001: out of range (0.001-3600)" },
	{ "3601", 0, "3601: out of range (0.001-3600)" },
	{ "0", 0, "0: out of range (0.001-3600)" },
	{ "0.000", 0, "0.000: out of range (0.001-3600)" },
	{ "18446744073709551616", 0, "18446744073709551616: out of range (0.001-3600)" },
	{ "18446744073709551", 0, "18446744073709551: out of range (0.001-3600)" },
	{ "", 0, "'': not a number of seconds (2, or 0.25)" },
	{ "1.", 0, "1.: not a number of seconds (2, or 0.25)" },
	{ ".5", 0, ".5: not a number of seconds (2, or 0.25)" },
	{ "1.0001", 0, "1.0001: not a number of seconds (2, or 0.25)" },
	{ "1.5.5", 0, "1.5.5: not a number of seconds (2, or 0.25)" },
	{ "-1", 0, "-1: not a number of seconds (2, or 0.25)" },
	{ "1.-5", 0, "1.-5: not a number of seconds (2, or 0.25)" },
	{ "1,5", 0, "1,5: not a number of seconds (2, or 0.25)" },
	{ "01.5", 0, "01.5: not a number of seconds (2, or 0.25)" },
	{ "2s", 0, "2s: not a number of seconds (2, or 0.25)" },
	{ "1e3", 0, "1e3: not a number of seconds (2, or 0.25)" },
	{ "inf", 0, "inf: not a number of seconds (2, or 0.25)" },
	{ "000000000000000000000001", 0, "000000000000000000000001: not a number of seconds (2, or 0.25)" },
};

static void test_seconds(const struct seconds_case *c)
{
	struct error error = { 0 };
	uint64_t milliseconds = 0;

	num_parse_seconds(c->text, 3600, &milliseconds, &error);
	check_text(error.text, c->error ? c->error : "", "seconds \"%s\"", c->text);
	if (c->error)
		check(error.exit, EXIT_USAGE, "seconds \"%s\": exit code of malformed input", c->text);
	else
		check((long long)milliseconds, (long long)c->milliseconds, "seconds \"%s\": milliseconds", c->text);
}

static void test_round_trip(void)
{
	char text[32], wrong[128] = "";

	for (int i = 0; i < 20000 && !*wrong; i++) {
		uint64_t number = random_next() >> random_below(64), value = 0;
		struct error error;

		snprintf(text, sizeof(text), "%" PRIu64, number);
		if (num_parse(text, 0, UINT64_MAX, &value, &error) || value != number)
			snprintf(wrong, sizeof(wrong), "expected %s, got %" PRIu64, text, value);
	}
	check_property(wrong, "a number printed and parsed is the same number");
}

int main(int argc, char **argv)
{
	random_start(argc, argv);
	for (size_t i = 0; i < sizeof(num_cases) / sizeof(num_cases[0]); i++)
		test_unsigned(&num_cases[i]);
	for (size_t i = 0; i < sizeof(signed_cases) / sizeof(signed_cases[0]); i++)
		test_signed(&signed_cases[i]);
	for (size_t i = 0; i < sizeof(seconds_cases) / sizeof(seconds_cases[0]); i++)
		test_seconds(&seconds_cases[i]);
	test_round_trip();
	return tap_done();
}
