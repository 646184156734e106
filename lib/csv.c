/* SPDX-License-Identifier: GPL-2.0-only */
#include "csv.h"

#include <stdio.h>
#include <string.h>

static void quoted_print(const char *text)
{
	putchar('"');
	for (; *text; text++) {
		if (*text == '"')
			putchar('"');
		putchar(*text);
	}
	putchar('"');
}

void csv_field(const char *text, bool is_first)
{
	if (!is_first)
		putchar(',');
	if (strpbrk(text, "\",\r\n"))
		quoted_print(text);
	else
		fputs(text, stdout);
}

void csv_end(void)
{
	fputs("\r\n", stdout);
}
