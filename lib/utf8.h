/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SPLICER_UTF8_H
#define SPLICER_UTF8_H

#include <stdbool.h>

/* Bytes of the UTF-8 sequence at text (RFC 3629); 0: it is none. */
unsigned int utf8_length(const unsigned char *text);

/* Whether all of a string is that. */
bool utf8_is_text(const char *text);

#endif
