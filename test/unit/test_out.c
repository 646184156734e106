/* SPDX-License-Identifier: GPL-2.0-only */
/* lib/out.c: one set of calls, a table or JSON. */
#include "out.h"

#include "tap.h"

struct row {
	const char *name; /* NULL: none */
	uint64_t packets;
	int64_t port, priority;
	double age;
	int dead;
};

static const struct row rows[] = {
	{ "web", 7, 80, -1, 0.5, 1 },
	{ "a much longer name", 123456789012, -1, 10, -1, 0 },
	{ NULL, 0, 65535, 0, 12.25, -1 },
};

static char *rows_printed(enum out_form form, size_t count)
{
	struct out out;

	output_begin();
	out_open(&out, form);
	do {
		for (size_t i = 0; i < count; i++) {
			out_begin(&out);
			out_text(&out, "name", "NAME", rows[i].name);
			out_number(&out, "packets", "PACKETS", rows[i].packets);
			out_number_or(&out, "port", "PORT", rows[i].port, "any");
			out_integer(&out, "prio", "PRIO", rows[i].priority);
			out_seconds(&out, "age", "AGE", rows[i].age, rows[i].age < 0 ? "-" : "now");
			out_bool(&out, "dead", rows[i].dead);
			out_text(&out, "json_only", NULL, "x");
			out_text(&out, NULL, "NOTE", i ? "" : "first");
			out_end(&out);
		}
	} while (out_again(&out));
	return output_end();
}

static void check_rows(enum out_form form, size_t count, const char *expected, const char *name)
{
	char *got = rows_printed(form, count);

	check_text(got, expected, "%s", name);
	free(got);
}

#define JSON_1 \
	"{\"name\":\"web\",\"packets\":7,\"port\":80,\"prio\":-1,\"age\":0.500000,\"dead\":true,\"json_only\":\"x\"}"
#define JSON_2                                                                                              \
	"{\"name\":\"a much longer name\",\"packets\":123456789012,\"port\":null,\"prio\":10,\"age\":null," \
	"\"dead\":false,\"json_only\":\"x\"}"
#define JSON_3 \
	"{\"name\":null,\"packets\":0,\"port\":65535,\"prio\":0,\"age\":12.250000,\"dead\":null,\"json_only\":\"x\"}"

static void test_forms(void)
{
	check_rows(OUT_TABLE, 3,
		   "NAME                     PACKETS   PORT  PRIO  AGE  NOTE\n"
		   "web                            7     80    -1  now  first\n"
		   "a much longer name  123456789012    any    10    -  -\n"
		   "-                              0  65535     0  now  -\n",
		   "a table: columns aligned, numbers to the right, no blanks at the end");
	check_rows(OUT_TABLE, 1,
		   "NAME  PACKETS  PORT  PRIO  AGE  NOTE\n"
		   "web         7    80    -1  now  first\n",
		   "a table no wider than it must be");
	check_rows(OUT_TABLE, 0, "", "a table of nothing");
	check_rows(OUT_JSON, 3, "[" JSON_1 ",\n " JSON_2 ",\n " JSON_3 "]\n", "a JSON array");
	check_rows(OUT_JSON, 1, "[" JSON_1 "]\n", "a JSON array of one");
	check_rows(OUT_JSON, 0, "[]\n", "a JSON array of nothing");
	check_rows(OUT_JSON_LINES, 2, JSON_1 "\n" JSON_2 "\n", "JSON lines");
	check_rows(OUT_JSON_LINES, 0, "", "JSON lines of nothing");
}

static const struct {
	const char *name, *text, *expected;
} strings[] = {
	{ "empty", "", "\"\"" },
	{ "plain", "a b/c", "\"a b/c\"" },
	{ "quote and backslash", "a\"b\\c", "\"a\\\"b\\\\c\"" },
	{ "controls", "\x01\t\n\x1f\x7f", "\"\\u0001\\u0009\\u000a\\u001f\\u007f\"" },
	{ "UTF-8 of two, three and four bytes", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
	  "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"" },
	{ "the first and last of each length",
	  "\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf",
	  "\"\\u0080\xdf\xbf\xe0\xa0\x80\\uffff\xf0\x90\x80\x80\\udbff\\udfff\"" },
	{ "what a terminal obeys, and what reorders or hides letters",
	  "\xc2\x9b"
	  "31m\xe2\x80\xae\xe2\x80\x8b\xef\xbb\xbf\xf3\xa0\x80\x81",
	  "\"\\u009b31m\\u202e\\u200b\\ufeff\\udb40\\udc01\"" },
	{ "a lone continuation", "a\x80z", "\"a\\ufffdz\"" },
	{ "cut short at the end", "a\xe2\x82", "\"a\\ufffd\\ufffd\"" },
	{ "cut short before a letter", "\xc3(", "\"\\ufffd(\"" },
	{ "cut short before a quote", "\xf0\x9f\"", "\"\\ufffd\\ufffd\\\"\"" },
	{ "overlong", "\xc0\xaf\xe0\x80\xaf", "\"\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\"" },
	{ "overlong of four bytes", "\xf0\x80\x80\xaf", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"" },
	{ "a surrogate", "\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"" },
	{ "above U+10FFFF", "\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"" },
	{ "no UTF-8 at all", "\xff\xfe\xf8", "\"\\ufffd\\ufffd\\ufffd\"" },
};

static void test_strings(void)
{
	for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
		char *got;

		output_begin();
		json_string(strings[i].text);
		got = output_end();
		check_text(got, strings[i].expected, "JSON string: %s", strings[i].name);
		free(got);
	}
}

/* Characters of two bytes do not push the next column. */
static void test_wide(void)
{
	static const char *const names[] = { "\xc3\xa9t\xc3\xa9", "ete", "a" };
	struct out out;
	char *got;

	output_begin();
	out_open(&out, OUT_TABLE);
	do {
		for (int i = 0; i < 3; i++) {
			out_begin(&out);
			out_text(&out, "a", "A", names[i]);
			out_text(&out, "b", "B", "x");
			out_end(&out);
		}
	} while (out_again(&out));
	got = output_end();
	check_text(got, "A    B\n\xc3\xa9t\xc3\xa9  x\nete  x\na    x\n", "columns are as wide as their characters");
	free(got);
}

/* No cell of a table has what a terminal obeys, whatever a tag or a name of an interface has. */
static void test_cells(void)
{
	static const char *const names[] = { "a\033[31m", "\xc2\x9b", "\xe2\x80\xae\xc3\xa9", "\xff", "a \"b\" \\" };
	struct out out;
	char *got;

	output_begin();
	out_open(&out, OUT_TABLE);
	do {
		for (int i = 0; i < 5; i++) {
			out_begin(&out);
			out_text(&out, "a", "A", names[i]);
			out_text(&out, "b", "B", "x");
			out_end(&out);
		}
	} while (out_again(&out));
	got = output_end();
	check_text(got,
		   "A              B\na\\x1b[31m      x\n\\xc2\\x9b       x\n\\xe2\\x80\\xae\xc3\xa9  x\n"
		   "\\xff           x\na \"b\" \\x5c     x\n",
		   "cells without control characters");
	free(got);
}

/* ---- columns that few records need ---- */

struct rare_row {
	const char *mode;
	int seconds;
};

static char *rare_printed(enum out_form form, const struct rare_row *rare, size_t count)
{
	struct out out;

	output_begin();
	out_open(&out, form);
	do {
		for (size_t i = 0; i < count; i++) {
			out_begin(&out);
			out_rare(&out, rare[i].mode);
			out_text(&out, "mode", "MODE", rare[i].mode);
			out_number(&out, "n", "N", i);
			out_rare(&out, rare[i].seconds);
			out_number_or(&out, "seconds", "SECONDS", rare[i].seconds ? rare[i].seconds : -1, "-");
			out_end(&out);
		}
	} while (out_again(&out));
	return output_end();
}

static void check_rare(const struct rare_row *rare, const char *table, const char *json, const char *name)
{
	char *got = rare_printed(OUT_TABLE, rare, 2), *got_json = rare_printed(OUT_JSON_LINES, rare, 2);

	check_text(got, table, "table: %s", name);
	check_text(got_json, json, "JSON: %s", name);
	free(got);
	free(got_json);
}

static void test_rare(void)
{
	static const struct rare_row none[2] = { { NULL, 0 }, { NULL, 0 } },
				     first[2] = { { "detect", 0 }, { NULL, 0 } },
				     second[2] = { { NULL, 0 }, { NULL, 60 } }, all[2] = { { "a", 0 }, { NULL, 7 } };

	check_rare(none, "N\n0\n1\n",
		   "{\"mode\":null,\"n\":0,\"seconds\":null}\n{\"mode\":null,\"n\":1,\"seconds\":null}\n",
		   "neither column");
	check_rare(first, "MODE    N\ndetect  0\n-       1\n",
		   "{\"mode\":\"detect\",\"n\":0,\"seconds\":null}\n{\"mode\":null,\"n\":1,\"seconds\":null}\n",
		   "the first column, for the first record");
	check_rare(second, "N  SECONDS\n0        -\n1       60\n",
		   "{\"mode\":null,\"n\":0,\"seconds\":null}\n{\"mode\":null,\"n\":1,\"seconds\":60}\n",
		   "the last column, for the last record");
	check_rare(all, "MODE  N  SECONDS\na     0        -\n-     1        7\n",
		   "{\"mode\":\"a\",\"n\":0,\"seconds\":null}\n{\"mode\":null,\"n\":1,\"seconds\":7}\n", "both");
}

/* ---- property: what json_string prints is ASCII-safe UTF-8 with balanced quotes ---- */

/* Bytes of one character of a JSON string, by the grammar of RFC 8259 and RFC 3629; 0: it is none. */
static size_t json_character(const unsigned char *at)
{
	static const struct {
		unsigned char first[2], second[2];
		size_t size;
	} forms[] = {
		{ { 0xc2, 0xdf }, { 0x80, 0xbf }, 2 }, { { 0xe0, 0xe0 }, { 0xa0, 0xbf }, 3 },
		{ { 0xe1, 0xec }, { 0x80, 0xbf }, 3 }, { { 0xed, 0xed }, { 0x80, 0x9f }, 3 },
		{ { 0xee, 0xef }, { 0x80, 0xbf }, 3 }, { { 0xf0, 0xf0 }, { 0x90, 0xbf }, 4 },
		{ { 0xf1, 0xf3 }, { 0x80, 0xbf }, 4 }, { { 0xf4, 0xf4 }, { 0x80, 0x8f }, 4 },
	};

	if (*at == '\\')
		return at[1] == '"' || at[1] == '\\'                                    ? 2
		       : at[1] == 'u' && strspn((char *)at + 2, "0123456789abcdef") > 3 ? 6
											: 0;
	if (*at < 0x80)
		return *at >= ' ' && *at != '"';
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (*at < forms[i].first[0] || *at > forms[i].first[1] || at[1] < forms[i].second[0] ||
		    at[1] > forms[i].second[1])
			continue;
		for (size_t k = 2; k < forms[i].size; k++)
			if ((at[k] & 0xc0) != 0x80)
				return 0;
		return forms[i].size;
	}
	return 0;
}

static bool json_is_string(const char *text)
{
	const unsigned char *at = (const unsigned char *)text;

	if (*at++ != '"')
		return false;
	while (*at && *at != '"') {
		size_t size = json_character(at);

		if (!size)
			return false;
		at += size;
	}
	return *at == '"' && !at[1];
}

static void test_random_strings(void)
{
	char wrong[256] = "";

	for (int n = 0; n < 30000 && !*wrong; n++) {
		char text[12] = "", *got;

		for (uint32_t i = 0, size = random_below(sizeof(text)); i < size; i++)
			text[i] = (char)(1 + random_below(255));
		if (random_below(2))
			for (char *at = text; *at; at++)
				*at = (char)(*at | 0x80);
		output_begin();
		json_string(text);
		got = output_end();
		if (!json_is_string(got))
			snprintf(wrong, sizeof(wrong), "expected a JSON string, got %s", got);
		free(got);
	}
	check_property(wrong, "any bytes become a JSON string");
}

/* A stream cannot be measured before: a cell that grew since must not run into its neighbour. */
static void test_growth(void)
{
	struct out out;
	char *got;

	output_begin();
	out_open(&out, OUT_TABLE);
	for (int pass = 0; pass < 2; pass++) {
		out_begin(&out);
		out_text(&out, "a", "A", pass ? "grown" : "g");
		out_number(&out, "b", "B", pass ? 1000 : 1);
		out_end(&out);
		if (!out_again(&out))
			break;
	}
	got = output_end();
	check_text(got, "A  B\ngrown  1000\n", "cells that grew between the passes stay apart");
	free(got);
}

int main(int argc, char **argv)
{
	random_start(argc, argv);
	test_forms();
	test_strings();
	test_random_strings();
	test_wide();
	test_cells();
	test_rare();
	test_growth();
	return tap_done();
}
