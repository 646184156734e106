/* SPDX-License-Identifier: GPL-2.0-only */
/* lib/batch.c: lines to words and words to lines. */
#include "batch.h"

#include "tap.h"

#include <fcntl.h>
#include <unistd.h>

struct seen {
	char text[8192]; /* "word|word;" of each line */
	size_t used;
	int lines;
};

/* Refuses the word "bad", naming it, and the word "worse" without naming it. */
static int take_line(void *context, unsigned long line, int argc, char **argv, struct error *error)
{
	struct seen *seen = context;

	(void)line;
	seen->lines++;
	if (argv[argc] || !*argv[0])
		return error_usage(error, "argv", "is not ended or has no program name");
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "bad"))
			return error_usage(error, argv[i], "refused");
		if (!strcmp(argv[i], "worse"))
			return error_state(error, "the line", "refused");
		seen->used += (size_t)snprintf(seen->text + seen->used, sizeof(seen->text) - seen->used, "%s%c",
					       argv[i], i + 1 < argc ? '|' : ';');
	}
	/* as getopt does: the caller's columns must not depend on it */
	argv[1] = argv[argc - 1];
	return 0;
}

static int read_text(const char *text, size_t size, struct seen *seen, struct error *error)
{
	int result;

	memset(seen, 0, sizeof(*seen));
	input_begin(text, size);
	result = batch_read("-", take_line, seen, error);
	input_end();
	return result;
}

/* ---- what words a line has ---- */

static const struct {
	const char *name, *text, *expected;
} word_cases[] = {
	{ "one line", "a b c\n", "a|b|c;" },
	{ "no newline at the end", "a b", "a|b;" },
	{ "two lines", "a\nb c\n", "a;b|c;" },
	{ "blanks", "  \t a \t  b \t\n", "a|b;" },
	{ "blank lines", "\n  \n\t\n\na\n\n", "a;" },
	{ "CRLF", "a b\r\n\r\nc\r\n", "a|b;c;" },
	{ "CRLF after a quote", "\"a b\"\r\n", "a b;" },
	{ "a comment", "# a b\na # b\n  # c\n#\n", "a;" },
	{ "no comment", "a#b c\\#d\n", "a#b|c\\#d;" },
	{ "a quoted #", "\"#a\" b\"#\"c\n", "#a|b#c;" },
	{ "a comment has no quotes", "a # it's \"open\n", "a;" },
	{ "quotes", "\"a b\" c\n", "a b|c;" },
	{ "quotes inside a word", "a\" b \"c\n", "a b c;" },
	{ "quotes side by side", "\"a\"\"b\" c\n", "ab|c;" },
	{ "an empty word", "a \"\" b\n", "a||b;" },
	{ "an empty word alone", "\"\"\n", ";" },
	{ "blanks in quotes", "\" \ta\t \"\n", " \ta\t ;" },
	{ "an escaped quote", "\"a\\\"b\" c\n", "a\"b|c;" },
	{ "an escaped backslash", "\"a\\\\\" c\n", "a\\|c;" },
	{ "other escapes are none", "\"a\\n\\tb\\x\"\n", "a\\n\\tb\\x;" },
	{ "no escapes outside quotes", "a\\ b\\\\ \\\n", "a\\|b\\\\|\\;" },
	{ "bytes above 127", "\xc3\xa9 \xff\n", "\xc3\xa9|\xff;" },
	{ "an apostrophe is a letter", "it's 'a b'\n", "it's|'a|b';" },
	{ "nothing", "\n", "" },
};

static void test_words(void)
{
	for (size_t i = 0; i < sizeof(word_cases) / sizeof(word_cases[0]); i++) {
		struct error error = { .text = "" };
		struct seen seen;
		int result = read_text(word_cases[i].text, strlen(word_cases[i].text), &seen, &error);

		check_text(result ? error.text : seen.text, word_cases[i].expected, "%s", word_cases[i].name);
	}
}

/* ---- where errors are ---- */

#define TEXT(literal) literal, sizeof(literal) - 1

static const struct {
	const char *name, *text;
	size_t size;
	const char *expected;
	int exit, lines;
} error_cases[] = {
	{ "first word", TEXT("bad a\n"), "stdin:1:1: bad: refused", EXIT_USAGE, 1 },
	{ "third word", TEXT("a bb bad\n"), "stdin:1:6: bad: refused", EXIT_USAGE, 1 },
	{ "later line", TEXT("a\n\n# c\n  b  bad c\nd\n"), "stdin:4:6: bad: refused", EXIT_USAGE, 2 },
	{ "after quotes", TEXT("\"a\\\"b c\" bad\n"), "stdin:1:10: bad: refused", EXIT_USAGE, 1 },
	{ "the word in quotes", TEXT("a \"bad\"\n"), "stdin:1:3: bad: refused", EXIT_USAGE, 1 },
	{ "after tabs, CRLF", TEXT("\ta\tbad\r\n"), "stdin:1:4: bad: refused", EXIT_USAGE, 1 },
	{ "longer and shorter words", TEXT("badly ba bad\n"), "stdin:1:10: bad: refused", EXIT_USAGE, 1 },
	{ "without a word", TEXT("  a worse\n"), "stdin:1:3: the line: refused", EXIT_STATE, 1 },
	{ "open quote", TEXT("a\n  b \"c d\ne\n"), "stdin:2:3: line: a quote is not closed", EXIT_USAGE, 1 },
	{ "open quote alone", TEXT("\"\n"), "stdin:1:1: line: a quote is not closed", EXIT_USAGE, 0 },
	{ "open quote at the end", TEXT("\"a"), "stdin:1:1: line: a quote is not closed", EXIT_USAGE, 0 },
	{ "escaped last quote", TEXT("\"a\\\"\n"), "stdin:1:1: line: a quote is not closed", EXIT_USAGE, 0 },
	{ "NUL", TEXT("a\nb\0c\n"), "stdin:2:1: line: has a NUL byte", EXIT_USAGE, 1 },
	{ "NUL in a comment", TEXT("# \0\n"), "stdin:1:1: line: has a NUL byte", EXIT_USAGE, 0 },
	{ "NUL at the end", TEXT("a\0"), "stdin:1:1: line: has a NUL byte", EXIT_USAGE, 0 },
};

static void test_errors(void)
{
	for (size_t i = 0; i < sizeof(error_cases) / sizeof(error_cases[0]); i++) {
		struct error error = { .text = "no error", .exit = -1 };
		struct seen seen;

		read_text(error_cases[i].text, error_cases[i].size, &seen, &error);
		check_text(error.text, error_cases[i].expected, "error: %s", error_cases[i].name);
		check(error.exit, error_cases[i].exit, "error: %s: exit code", error_cases[i].name);
		check(seen.lines, error_cases[i].lines, "error: %s: lines taken", error_cases[i].name);
	}
}

static void test_word_limit(void)
{
	char text[4 * BATCH_WORDS_MAX];
	struct error error = { .text = "" };
	struct seen seen;
	size_t used = 0;

	for (int i = 0; i < BATCH_WORDS_MAX; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%sw", i ? " " : "");
	check(read_text(text, used, &seen, &error), 0, "%d words", BATCH_WORDS_MAX);
	check((long long)seen.used, 2 * BATCH_WORDS_MAX, "all of them seen");
	snprintf(text + used, sizeof(text) - used, " w # c");
	check(read_text(text, strlen(text), &seen, &error), -1, "one more is refused");
	check_text(error.text, "stdin:1:1: line: more than 64 words", "and said so");
	snprintf(text + used, sizeof(text) - used, " # w");
	check(read_text(text, strlen(text), &seen, &error), 0, "a comment is not a word more");
}

static void test_files(void)
{
	char path[] = "/tmp/test_batch.XXXXXX", expected[64];
	struct seen seen = { .used = 0 };
	struct error error;
	int fd = mkstemp(path);

	if (fd < 0 || write(fd, "a b\nbad\n", 8) != 8)
		bail_out(path);
	close(fd);
	check(batch_read(path, take_line, &seen, &error), -1, "a file with an error");
	snprintf(expected, sizeof(expected), "%s:2:1: bad: refused", path);
	check_text(error.text, expected, "its name, line and column");
	check_text(seen.text, "a|b;", "the line before was taken");
	unlink(path);
	check(batch_read(path, take_line, &seen, &error), -1, "a file that is not there");
	snprintf(expected, sizeof(expected), "%s: No such file or directory", path);
	check_text(error.text, expected, "the reason");
	check(error.exit, EXIT_STATE, "is the system's");
	check(batch_read("/", take_line, &seen, &error), -1, "a directory");
	check_text(error.text, "/: Is a directory", "the reason");
}

static void test_long_line(void)
{
	size_t size = 1 << 20;
	char *text = malloc(size + 2);
	struct error error = { .text = "" };
	struct seen seen;

	if (!text)
		bail_out("malloc");
	memset(text, 'x', size);
	memcpy(text + size, "\n", 2);
	check(read_text(text, size + 1, &seen, &error), 0, "a word of 1 MiB");
	memcpy(text + size - 4, " bad", 4);
	check(read_text(text, size + 1, &seen, &error), -1, "an error at its end");
	check_text(error.text, "stdin:1:1048574: bad: refused", "is found");
	free(text);
}

/* ---- print, then read ---- */

/* Printable, with many of the characters that matter; also bytes of UTF-8 and what is not UTF-8. */
static void random_word(char *word, size_t room)
{
	size_t size = random_below((uint32_t)room);

	for (size_t i = 0; i < size; i++) {
		word[i] = (char)(' ' + random_below(95));
		if (random_below(3) == 0)
			word[i] = RANDOM_OF(" \"\\#'\"\\ ");
		if (!word[i] || random_below(9) == 0)
			word[i] = (char)(128 + random_below(128));
	}
	word[size] = '\0';
}

struct expectation {
	char words[8][24];
	int count;
	bool met;
};

static int compare_line(void *context, unsigned long line, int argc, char **argv, struct error *error)
{
	struct expectation *expected = context;

	(void)line;
	expected->met = argc == expected->count + 1;
	for (int i = 1; i < argc && expected->met; i++)
		expected->met = !strcmp(argv[i], expected->words[i - 1]);
	return expected->met ? 0 : error_usage(error, "words", "differ");
}

static bool round_trip(struct expectation *expected, char **printed)
{
	struct error error;

	output_begin();
	for (int i = 0; i < expected->count; i++) {
		printf(i ? " " : "");
		batch_print_word(expected->words[i]);
	}
	putchar('\n');
	*printed = output_end();
	input_begin(*printed, strlen(*printed));
	expected->met = false;
	batch_read("-", compare_line, expected, &error);
	input_end();
	return expected->met;
}

static void test_round_trip(void)
{
	char wrong[512] = "";

	for (int n = 0; n < 20000 && !*wrong; n++) {
		struct expectation expected = { .count = 1 + (int)random_below(8) };
		char *printed;

		for (int i = 0; i < expected.count; i++)
			random_word(expected.words[i], sizeof(expected.words[i]));
		if (!round_trip(&expected, &printed))
			snprintf(wrong, sizeof(wrong), "expected the same words back, got others from: %.400s",
				 printed);
		free(printed);
	}
	check_property(wrong, "words printed and read are the same words");
}

int main(int argc, char **argv)
{
	random_start(argc, argv);
	test_words();
	test_errors();
	test_word_limit();
	test_files();
	test_long_line();
	test_round_trip();
	return tap_done();
}
