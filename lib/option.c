/* SPDX-License-Identifier: GPL-2.0-only */
#include "option.h"

#include "pin.h"
#include "progress.h"
#include "version.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct option_row common_rows[] = {
	{ "file", 'f', "FILE|-", "read operands and options from FILE, one command a line" },
	{ "dry-run", 'n', NULL, "change nothing, say what would be done" },
	{ "verbose", 'v', NULL, "say what was done: A added, C changed, D deleted, = unchanged" },
	{ "quiet", 'q', NULL, "no notes" },
	{ "json", 'j', NULL, "print JSON" },
	{ "pin-dir", 0, "DIR", "where the maps are pinned (" PIN_DIR_DEFAULT ")" },
	{ "help", 'h', NULL, "print this and exit" },
	{ "version", 'V', NULL, "print the version and exit" },
};

#define COMMON_ROWS (sizeof(common_rows) / sizeof(common_rows[0]))
#define ROWS_MAX 48
/* What getopt_long returns for long options, above all letters: the row in its table and one of these. */
#define OWN_BASE 256
#define COMMON_BASE 512

static bool common_taken(const struct command *command, const struct option_row *row)
{
	return !row->letter || strchr("hV", row->letter) || strchr(command->common, row->letter);
}

static bool is_own_letter(const struct command *command, char letter)
{
	for (const struct option_row *row = command->options; row->name; row++)
		if (letter && row->letter == letter)
			return true;
	return false;
}

/* A common option as this tool has it: a letter that the tool's own table takes is not its own. */
static struct option_row common_row(const struct command *command, size_t i)
{
	struct option_row row = common_rows[i];

	if (is_own_letter(command, row.letter))
		row.letter = 0;
	return row;
}

static void row_print(const struct option_row *row)
{
	char left[64], letter[4] = { '-', row->letter, ',', '\0' };

	snprintf(left, sizeof(left), "%-3s --%s%s%s", row->letter ? letter : "", row->name, row->argument ? " " : "",
		 row->argument ? row->argument : "");
	printf("  %-28s %s\n", left, row->help);
}

static void help_print(const struct command *command)
{
	for (const char *const *line = command->synopsis; *line; line++)
		printf("%s %s %s\n", line == command->synopsis ? "usage:" : "      ", command->name, *line);
	printf("\n%s\n\n", command->summary);
	for (const struct option_row *row = command->options; row->name; row++)
		row_print(row);
	for (size_t i = 0; i < COMMON_ROWS; i++) {
		struct option_row row = common_row(command, i);

		if (common_taken(command, &common_rows[i]))
			row_print(&row);
	}
}

struct getopt_tables {
	struct option longs[ROWS_MAX + 1];
	char shorts[2 * ROWS_MAX + 2];
	size_t count;
};

static void table_add(struct getopt_tables *tables, const struct option_row *row, int value)
{
	size_t used = strlen(tables->shorts);

	tables->longs[tables->count++] = (struct option){
		.name = row->name,
		.has_arg = row->argument ? required_argument : no_argument,
		.val = value,
	};
	if (row->letter)
		snprintf(tables->shorts + used, sizeof(tables->shorts) - used, "%c%s", row->letter,
			 row->argument ? ":" : "");
}

static void tables_build(struct getopt_tables *tables, const struct command *command, bool with_common)
{
	*tables = (struct getopt_tables){ .shorts = ":" };
	for (size_t i = 0; command->options[i].name; i++)
		table_add(tables, &command->options[i], OWN_BASE + (int)i);
	for (size_t i = 0; i < COMMON_ROWS && with_common; i++) {
		struct option_row row = common_row(command, i);

		if (common_taken(command, &common_rows[i]))
			table_add(tables, &row, COMMON_BASE + (int)i);
	}
}

/* getopt_long gives a letter for a short option and our value for a long one. */
static int row_of(const struct command *command, int code)
{
	for (size_t i = 0; command->options[i].name; i++)
		if (command->options[i].letter && command->options[i].letter == code)
			return OWN_BASE + (int)i;
	for (size_t i = 0; i < COMMON_ROWS; i++)
		if (common_rows[i].letter && common_rows[i].letter == code)
			return COMMON_BASE + (int)i;
	return -1;
}

static void common_take(const struct command *command, struct common_options *common, const struct option_row *row,
			char *value)
{
	switch (row->letter) {
	case 'h':
		help_print(command);
		exit(output_finish(EXIT_DONE));
	case 'V':
		printf("%s %s\n", command->name, SPLICER_VERSION);
		exit(output_finish(EXIT_DONE));
	case 'f':
		common->file = value;
		break;
	case 'n':
		common->dry_run = true;
		break;
	case 'v':
		common->verbose = true;
		break;
	case 'q':
		common->quiet = true;
		progress_quiet();
		break;
	case 'j':
		common->json = true;
		break;
	default:
		common->pin_dir = value;
	}
}

/* The word of the option just taken; getopt_long has moved on past its argument. */
static const char *option_word(char **argv)
{
	return optarg && optarg == argv[optind - 1] ? argv[optind - 2] : argv[optind - 1];
}

/* getopt_long takes abbreviations too, which would freeze the names of options to come. */
static bool is_exact(char **argv, const char *name)
{
	const char *word = option_word(argv);
	size_t size = name ? strlen(name) : 0;

	return size && !strncmp(word + 2, name, size) && (!word[2 + size] || word[2 + size] == '=');
}

/* optopt is the letter, in a cluster too; or the value of a known long option; or 0 for an unknown one. */
static int refused_option(char **argv, int code, struct error *error)
{
	char letter[3] = { '-', (char)optopt, '\0' };
	const char *operand = optopt && optopt < OWN_BASE ? letter : argv[optind - 1];

	return error_usage(error, operand, code == ':' ? "needs an argument" : "unknown option (see --help)");
}

/* Lines of a large batch mostly have none; then all that is left is the operands. */
static bool has_options(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (argv[i][0] == '-')
			return true;
	return false;
}

int options_parse(const struct command *command, int argc, char **argv, struct common_options *common,
		  option_callback *take, void *context, struct error *error)
{
	struct getopt_tables tables;
	int code, index;

	if (common && !common->pin_dir)
		common->pin_dir = PIN_DIR_DEFAULT;
	if (!has_options(argc, argv))
		return argc - 1;
	tables_build(&tables, command, common != NULL);
	unsetenv("POSIXLY_CORRECT"); /* options may follow operands, always: callers and --save write them so */
	opterr = 0;
	optind = 0; /* glibc: start anew, also after an earlier scan */
	for (;;) {
		index = -1;
		code = getopt_long(argc, argv, tables.shorts, tables.longs, &index);
		if (code == -1)
			return argc - optind;
		if (code == '?' || code == ':')
			return refused_option(argv, code, error);
		if (index >= 0 && !is_exact(argv, tables.longs[index].name))
			return error_usage(error, option_word(argv), "unknown option (see --help)");
		if (index < 0)
			code = row_of(command, code);
		if (common && code >= COMMON_BASE)
			common_take(command, common, &common_rows[code - COMMON_BASE], optarg);
		else if (take(context, (size_t)code - OWN_BASE, optarg, error))
			return -1;
	}
}

int options_refuse(const struct command *command, uint32_t given, uint32_t taken, const char *where,
		   struct error *error)
{
	uint32_t others = given & ~taken;
	char option[32];

	if (!others)
		return 0;
	snprintf(option, sizeof(option), "--%s", command->options[__builtin_ctz(others)].name);
	error_usage(error, option, "is not for %s", where);
	/* it may stand elsewhere than where it is refused */
	error->operand = NULL;
	return -1;
}
