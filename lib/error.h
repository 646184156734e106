/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What went wrong, as a value: parsers and the like never print or exit, so a batch can add file, line and column.
 */
#ifndef SPLICER_ERROR_H
#define SPLICER_ERROR_H

enum {
	EXIT_DONE = 0,  /* done, or nothing to do */
	EXIT_STATE = 1, /* the system or the state said no */
	EXIT_USAGE = 2, /* usage or malformed input; nothing was changed */
};

struct error {
	int exit;            /* EXIT_STATE or EXIT_USAGE */
	const char *operand; /* as it was given: where in the input it stands, if it does */
	char text[768];      /* "operand: reason", control characters replaced */
};

/* Each fills *error with "operand: reason" and returns -1. */
int error_usage(struct error *error, const char *operand, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
int error_state(struct error *error, const char *operand, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* As error_state, with the text of errno as reason. */
int error_errno(struct error *error, const char *operand);

/* Puts "FILE:LINE:COLUMN: " before the text, of path "-" "stdin:..."; returns -1. Both are counted from 1. */
int error_locate(struct error *error, const char *path, unsigned long line, int column);

/* Prints "prog: text" on stderr and returns error->exit. prog is the program's own name. */
int error_print(const struct error *error);

/*
 * Ends a program's output: the status, or EXIT_STATE with a line on stderr when stdout could not be written (a full
 * disk).
 */
int output_finish(int status);

/* Whether text has a control character: C0, DEL, or C1, which begins sequences on some terminals. */
int has_control(const char *text);

/* A line on stderr that is no error: "prog: text", control characters replaced. */
void note_print(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
