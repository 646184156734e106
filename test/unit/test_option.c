/* SPDX-License-Identifier: GPL-2.0-only */
/* lib/option.c: one table, command lines and batch lines. */
#include "option.h"

#include "pin.h"
#include "tap.h"
#include "version.h"

#include <sys/wait.h>
#include <unistd.h>

#define WORDS_MAX 16

static const struct option_row rows[] = {
	{ "source", 's', "PREFIX", "from here" },
	{ "keep", 'k', NULL, "keeps" },
	{ "route", 0, NULL, "adds a route" },
	{ "label", 0, "TEXT", "says what it is" },
	{ "priority", 'P', "NUMBER", "higher is asked first" },
	{ 0 },
};

static const char *const synopsis[] = { "[OPTION]... A B", "[OPTION]... -f FILE", NULL };

static const struct command command = {
	.name = "example", .synopsis = synopsis, .summary = "Does.", .options = rows, .common = "fvnj"
};

/* Options as "name=value," in the order they were taken. */
static int take_option(void *context, size_t row, const char *value, struct error *error)
{
	char *text = context;

	if (value && !strcmp(value, "refuse"))
		return error_usage(error, value, "refused");
	sprintf(text + strlen(text), "%s%s%s,", rows[row].name, value ? "=" : "", value ? value : "");
	return 0;
}

/* Splits at single blanks; "" stands for an empty word. */
static int words_split(char *line, char **argv)
{
	int argc = 0;

	argv[argc++] = (char *)(uintptr_t) "example";
	for (char *word = strtok(line, " "); word; word = strtok(NULL, " "))
		argv[argc++] = strcmp(word, "''") ? word : word + 2;
	argv[argc] = NULL;
	return argc;
}

/* "options/operand operand/common", or the error. */
static void parse(const char *line, bool is_batch, char *out, size_t size)
{
	char copy[256], options[256] = "", *argv[WORDS_MAX];
	struct common_options common = { 0 };
	struct error error = { .text = "" };
	int argc, count;
	size_t used;

	snprintf(copy, sizeof(copy), "%s", line);
	argc = words_split(copy, argv);
	count = options_parse(&command, argc, argv, is_batch ? NULL : &common, take_option, options, &error);
	if (count < 0) {
		snprintf(out, size, "%s%s", error.exit == EXIT_USAGE ? "" : "(exit code) ", error.text);
		return;
	}
	used = (size_t)snprintf(out, size, "%s/", options);
	for (int i = argc - count; i < argc; i++)
		used += (size_t)snprintf(out + used, size - used, "%s%s", argv[i], i + 1 < argc ? " " : "");
	if (!is_batch)
		snprintf(out + used, size - used, "/%s%s%s%s%s%s", common.verbose ? "v" : "", common.quiet ? "q" : "",
			 common.json ? "j" : "", common.dry_run ? "n" : "", common.file ? " " : "",
			 common.file ? common.file : "");
}

static const struct {
	const char *name, *line, *expected;
	bool is_batch;
} cases[] = {
	{ "nothing", "", "//", false },
	{ "operands", "a b", "/a b/", false },
	{ "an empty operand", "a '' b", "/a  b/", false },
	{ "short", "-s x -k a", "source=x,keep,/a/", false },
	{ "short, glued", "-sx -ks y a", "source=x,keep,source=y,/a/", false },
	{ "long", "--source x --keep --route a", "source=x,keep,route,/a/", false },
	{ "long with =", "--source=x --label=y=z a", "source=x,label=y=z,/a/", false },
	{ "an empty argument", "--source= -s '' a", "source=,source=,/a/", false },
	{ "mixed with operands", "a -s x b --keep c", "source=x,keep,/a b c/", false },
	{ "an argument like an option", "-s -k -P -5 --label --keep", "source=-k,priority=-5,label=--keep,//", false },
	{ "after --", "a -k -- -s b", "keep,/a -s b/", false },
	{ "-- as an argument", "-s -- -k", "source=--,keep,//", false },
	{ "- is an operand", "- -k", "keep,/-/", false },
	{ "repeated", "-s x -s y -s x", "source=x,source=y,source=x,//", false },
	{ "common", "-v -n --json a -f -", "/a/vjn -", false },
	{ "common, clustered", "-vnk a", "keep,/a/vn", false },
	{ "common, long", "--verbose --dry-run --file=x", "//vn x", false },
	{ "a common option that it does not take", "-q", "-q: unknown option (see --help)", false },
	{ "the same, long", "--quiet", "--quiet: unknown option (see --help)", false },
	{ "unknown short", "a -x b", "-x: unknown option (see --help)", false },
	{ "unknown long", "a --bogus b", "--bogus: unknown option (see --help)", false },
	{ "unknown long with argument", "--bogus=1", "--bogus=1: unknown option (see --help)", false },
	{ "unknown in a cluster", "-kx", "-x: unknown option (see --help)", false },
	{ "unknown inside a cluster, after a long one", "--keep -xk", "-x: unknown option (see --help)", false },
	{ "unknown inside a cluster, after operands", "a b -xk", "-x: unknown option (see --help)", false },
	{ "no argument, short", "a -s", "-s: needs an argument", false },
	{ "no argument, long", "a --source", "--source: needs an argument", false },
	{ "no argument, last of a cluster", "--keep -ks", "-s: needs an argument", false },
	{ "a refused argument", "-k -s refuse a", "refuse: refused", false },
	{ "long names are exact", "--prio 5", "--prio: unknown option (see --help)", false },
	{ "long names are exact, with =", "--sour=x", "--sour=x: unknown option (see --help)", false },
	{ "batch: operands and options", "a -s x b --route", "source=x,route,/a b", true },
	{ "batch: no common options", "a -v", "-v: unknown option (see --help)", true },
	{ "batch: no common options, long", "--dry-run", "--dry-run: unknown option (see --help)", true },
	{ "batch: no files in files", "-f x", "-f: unknown option (see --help)", true },
	{ "batch: no help", "--help", "--help: unknown option (see --help)", true },
	{ "batch: no version", "-V", "-V: unknown option (see --help)", true },
};

#define CASES (sizeof(cases) / sizeof(cases[0]))

static char said[CASES][1024];

static void test_cases(void)
{
	for (size_t i = 0; i < CASES; i++) {
		parse(cases[i].line, cases[i].is_batch, said[i], sizeof(said[i]));
		check_text(said[i], cases[i].expected, "%s: %s", cases[i].name, cases[i].line);
	}
}

/* A scan that ended in the middle, by an error, must not be felt by the next one. */
static void test_repeated(void)
{
	char wrong[2400] = "", got[1024];

	for (int n = 0; n < 5000 && !*wrong; n++) {
		size_t i = random_below(CASES);

		parse(cases[i].line, cases[i].is_batch, got, sizeof(got));
		if (strcmp(got, said[i]))
			snprintf(wrong, sizeof(wrong), "%s: expected %s, got %s", cases[i].line, said[i], got);
	}
	check_property(wrong, "parsing again and again, in any order, says the same");
}

static void test_defaults(void)
{
	struct common_options common = { 0 };
	char name[] = "example", option[] = "--pin-dir", dir[] = "/x", *argv[] = { name, option, dir, NULL };
	struct error error;

	check(options_parse(&command, 1, argv, &common, take_option, NULL, &error), 0, "no arguments");
	check_text(common.pin_dir, PIN_DIR_DEFAULT, "the pin directory's default");
	check(options_parse(&command, 3, argv, &common, take_option, NULL, &error), 0, "--pin-dir");
	check_text(common.pin_dir, "/x", "is taken");
}

/* What the program would print for one option, and how it would end. */
static int run_child(const struct command *which, const char *option, char *out, size_t size)
{
	int fds[2], status = -1;
	ssize_t got;
	pid_t pid;

	fflush(stdout);
	if (pipe(fds))
		bail_out("pipe");
	pid = fork();
	if (!pid) {
		char name[] = "example", copy[16], *argv[] = { name, copy, NULL };
		struct common_options common = { 0 };
		struct error error;

		snprintf(copy, sizeof(copy), "%s", option);
		dup2(fds[1], STDOUT_FILENO);
		options_parse(which, 2, argv, &common, take_option, NULL, &error);
		_exit(99);
	}
	close(fds[1]);
	got = read(fds[0], out, size - 1);
	out[got > 0 ? got : 0] = '\0';
	close(fds[0]);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_help(void)
{
	char text[4096];

	check(run_child(&command, "--help", text, sizeof(text)), 0, "--help: exit code");
	check_text(text,
		   "usage: example [OPTION]... A B\n"
		   "       example [OPTION]... -f FILE\n"
		   "\n"
		   "Does.\n"
		   "\n"
		   "  -s, --source PREFIX          from here\n"
		   "  -k, --keep                   keeps\n"
		   "      --route                  adds a route\n"
		   "      --label TEXT             says what it is\n"
		   "  -P, --priority NUMBER        higher is asked first\n"
		   "  -f, --file FILE|-            read operands and options from FILE, one command a line\n"
		   "  -n, --dry-run                change nothing, say what would be done\n"
		   "  -v, --verbose                say what was done: A added, C changed, D deleted, = unchanged\n"
		   "  -j, --json                   print JSON\n"
		   "      --pin-dir DIR            where the maps are pinned (" PIN_DIR_DEFAULT ")\n"
		   "  -h, --help                   print this and exit\n"
		   "  -V, --version                print the version and exit\n",
		   "--help: text");
	check(run_child(&command, "-h", text, sizeof(text)), 0, "-h: exit code");
	check(run_child(&command, "--version", text, sizeof(text)), 0, "--version: exit code");
	check_text(text, "example " SPLICER_VERSION "\n", "--version: text");
}

/* A tool whose own table has letters of common options. */
static const struct option_row shadowing_rows[] = { { "high", 'h', "PORT", "highest" },
						    { "force", 'v', NULL, "forces" },
						    { 0 } };
static const struct command shadowing = {
	.name = "example", .synopsis = synopsis, .summary = "Does.", .options = shadowing_rows, .common = "v"
};

static int take_shadowing(void *context, size_t row, const char *value, struct error *error)
{
	char *text = context;

	(void)error;
	sprintf(text + strlen(text), "%s%s%s,", shadowing_rows[row].name, value ? "=" : "", value ? value : "");
	return 0;
}

static void test_shadowing(void)
{
	char name[] = "example", line[] = "-h 90 -v --verbose -vh91", *argv[WORDS_MAX] = { name }, taken[256] = "";
	struct common_options common = { 0 };
	struct error error;
	char text[4096];
	int argc = words_split(line, argv);

	check(options_parse(&shadowing, argc, argv, &common, take_shadowing, taken, &error), 0, "own letters: parsed");
	check_text(taken, "high=90,force,force,high=91,", "a tool's own letter is not the common option's");
	check(common.verbose, true, "the common option has its long name still");
	check(run_child(&shadowing, "--help", text, sizeof(text)), 0, "own letters: --help");
	check_text(text,
		   "usage: example [OPTION]... A B\n"
		   "       example [OPTION]... -f FILE\n"
		   "\n"
		   "Does.\n"
		   "\n"
		   "  -h, --high PORT              highest\n"
		   "  -v, --force                  forces\n"
		   "      --verbose                say what was done: A added, C changed, D deleted, = unchanged\n"
		   "      --pin-dir DIR            where the maps are pinned (" PIN_DIR_DEFAULT ")\n"
		   "      --help                   print this and exit\n"
		   "  -V, --version                print the version and exit\n",
		   "own letters: the text of --help");
}

int main(int argc, char **argv)
{
	random_start(argc, argv);
	test_cases();
	test_repeated();
	test_defaults();
	test_help();
	test_shadowing();
	return tap_done();
}
