/* SPDX-License-Identifier: GPL-2.0-only */
/* The Test Anything Protocol, on standard output. */
#include "harness.h"

#include <stdarg.h>
#include <stdio.h>

static unsigned int done, failed;

static void line(const char *word, const char *name, va_list arguments)
{
	printf("%s %u - ", word, ++done);
	vprintf(name, arguments);
}

void tap_ok(const char *name, ...)
{
	va_list arguments;

	va_start(arguments, name);
	line("ok", name, arguments);
	va_end(arguments);
	putchar('\n');
}

void tap_skip(const char *why, const char *name, ...)
{
	va_list arguments;

	va_start(arguments, name);
	line("ok", name, arguments);
	va_end(arguments);
	printf(" # SKIP %s\n", why);
}

void tap_not_ok(const char *expected, const char *got, const char *name, ...)
{
	va_list arguments;

	failed++;
	va_start(arguments, name);
	line("not ok", name, arguments);
	va_end(arguments);
	printf("\n#   expected %s\n#   got      %s\n", expected, got);
}

void tap_note(const char *text, ...)
{
	va_list arguments;

	va_start(arguments, text);
	printf("# ");
	vprintf(text, arguments);
	va_end(arguments);
	putchar('\n');
}

int tap_done(void)
{
	printf("1..%u\n", done);
	if (failed)
		printf("# %u of %u failed\n", failed, done);
	return failed || !done;
}
