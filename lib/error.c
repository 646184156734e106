/* SPDX-License-Identifier: GPL-2.0-only */
#include "error.h"

#include "progress.h"
#include "utf8.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define NOTE_MAX 1024 /* bytes of a note, which is cut there */

/* C0, DEL, and C1 as UTF-8 or as the bare byte that terminals with eight-bit controls obey. */
static bool is_control(const unsigned char *at, unsigned int length)
{
	if (length == 2)
		return at[0] == 0xc2 && at[1] <= 0x9f;
	return length == 1 ? iscntrl(*at) != 0 : !length && *at <= 0x9f;
}

static char *find_control(char *text, unsigned int *length)
{
	unsigned char *at = (unsigned char *)text;

	for (; *at; at += *length) {
		bool control;

		*length = utf8_length(at);
		control = is_control(at, *length);
		*length += !*length;
		if (control)
			return (char *)at;
	}
	return NULL;
}

int has_control(const char *text)
{
	unsigned int length;

	return find_control((char *)text, &length) != NULL;
}

static void replace_control(char *text)
{
	unsigned int length;

	while ((text = find_control(text, &length)))
		memset(text, '?', length);
}

static int error_fill(struct error *error, int code, const char *operand, const char *format, va_list arguments)
{
	int used = snprintf(error->text, sizeof(error->text), "%.250s: ", *operand ? operand : "''");

	vsnprintf(error->text + used, sizeof(error->text) - (size_t)used, format, arguments);
	replace_control(error->text);
	error->exit = code;
	error->operand = operand;
	return -1;
}

int error_usage(struct error *error, const char *operand, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	error_fill(error, EXIT_USAGE, operand, format, arguments);
	va_end(arguments);
	return -1;
}

int error_state(struct error *error, const char *operand, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	error_fill(error, EXIT_STATE, operand, format, arguments);
	va_end(arguments);
	return -1;
}

int error_errno(struct error *error, const char *operand)
{
	return error_state(error, operand, "%s", strerror(errno));
}

int error_locate(struct error *error, const char *path, unsigned long line, int column)
{
	struct error inner = *error;

	snprintf(error->text, sizeof(error->text), "%.255s:%lu:%d: %.400s", strcmp(path, "-") ? path : "stdin", line,
		 column, inner.text);
	replace_control(error->text);
	return -1;
}

int error_print(const struct error *error)
{
	progress_end();
	fprintf(stderr, "%s: %s\n", program_invocation_short_name, error->text);
	return error->exit;
}

int output_finish(int status)
{
	struct error error;

	if (!fflush(stdout) && !ferror(stdout))
		return status;
	error_errno(&error, "stdout");
	error_print(&error);
	return status ? status : EXIT_STATE;
}

void note_print(const char *format, ...)
{
	char text[NOTE_MAX];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	replace_control(text);
	progress_end();
	fprintf(stderr, "%s: %s\n", program_invocation_short_name, text);
}
