/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Batch files: one command a line, as words. Blank lines and what follows a '#' that starts a word are skipped. A word
 * may stand in double quotes, where \" and \\ are the only escapes.
 */
#ifndef SPLICER_BATCH_H
#define SPLICER_BATCH_H

#include "error.h"

#define BATCH_WORDS_MAX 64

/* One line, counted from 1: argv[0] is the program's name, argv[argc] NULL. */
typedef int batch_callback(void *context, unsigned long line, int argc, char **argv, struct error *error);

/*
 * Reads all of path ("-": standard input) and calls back for each line that has words. The callback's errors are given
 * "FILE:LINE:COLUMN: ", the column being that of the word that the error names, or of the line's first.
 */
int batch_read(const char *path, batch_callback *line, void *context, struct error *error);

/* As it, for lists as others publish them: a comment begins with '#' or ';' anywhere outside of quotes. */
int batch_read_list(const char *path, batch_callback *line, void *context, struct error *error);

/* Prints a word so that both read it back: in quotes where it must be. text has no control characters. */
void batch_print_word(const char *text);

#endif
