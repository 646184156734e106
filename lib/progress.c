/* SPDX-License-Identifier: GPL-2.0-only */
#include "progress.h"

#include "clock.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#define PAUSE (CLOCK_SECOND / 10)

static bool quiet, shown;

/* What takes less than a pause shows nothing. */
static bool is_due(void)
{
	static uint64_t next;
	uint64_t now = clock_now();
	bool due = next && now >= next;

	if (!next || due)
		next = now + PAUSE;
	return due;
}

void progress_show(const char *format, ...)
{
	va_list list;

	if (quiet || !is_due() || !isatty(STDERR_FILENO))
		return;
	va_start(list, format);
	fputs("\r", stderr);
	vfprintf(stderr, format, list);
	fputs("\033[K", stderr);
	va_end(list);
	fflush(stderr);
	shown = true;
}

void progress_end(void)
{
	if (shown)
		fputs("\r\033[K", stderr);
	shown = false;
}

void progress_quiet(void)
{
	quiet = true;
}
