/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Options from one table per tool: parsing, --help and completion derive from it. The options common to all
 * tools are parsed here; a tool's own are handed to its callback, so the same table reads a command line and a line
 * of a batch file.
 */
#ifndef SPLICER_OPTION_H
#define SPLICER_OPTION_H

#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct option_row {
	const char *name;     /* long name; NULL ends the table */
	char letter;          /* 0: none */
	const char *argument; /* what to call it in --help; NULL: takes none */
	const char *help;
};

struct command {
	const char *name;
	const char *const *synopsis;      /* operand lines after the name, NULL-terminated */
	const char *summary;              /* one line */
	const struct option_row *options; /* the tool's own */
	/* letters of the common options it takes: "v", "q", "j", "n", "f"; a letter that is also in the tool's own
	 * table is the tool's, and the common option then has its long name only */
	const char *common;
};

struct common_options {
	bool verbose, quiet, json, dry_run;
	const char *file; /* -f; NULL: none */
	const char *pin_dir;
};

/*
 * Takes one option of the tool's table. row is its place in the table, value its argument or NULL. Returns -1 with
 * *error.
 */
typedef int option_callback(void *context, size_t row, const char *value, struct error *error);

/*
 * Parses argv[1..argc-1]; options and operands may be mixed. common NULL: a batch line, where the common options are
 * an error. --help and --version print on stdout and exit 0. Returns the number of operands, which stand at the end of
 * argv from argv[argc - number] on, or -1 with *error.
 */
int options_parse(const struct command *command, int argc, char **argv, struct common_options *common,
		  option_callback *take, void *context, struct error *error);

/*
 * Refuses options that a command word does not take: bits by row of the tool's table. where: "list", as the error has
 * it. -1 with *error if there are any.
 */
int options_refuse(const struct command *command, uint32_t given, uint32_t taken, const char *where,
		   struct error *error);

#endif
