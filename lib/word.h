/* SPDX-License-Identifier: GPL-2.0-only */
/* One word of a few: names of an enumeration as an array, in which a NULL is no name. */
#ifndef SPLICER_WORD_H
#define SPLICER_WORD_H

#include "error.h"

#include <stddef.h>

#define WORDS_TEXT_MAX 512

/* "a, b, c", each once, to text; returns text. */
const char *words_list(const char *const *words, size_t count, char text[WORDS_TEXT_MAX]);

/* The place of text among the words, to the letter; -1 with "unknown WHAT (a, b, c)" if it is none of them. */
int word_parse(const char *const *words, size_t count, const char *what, const char *text, struct error *error);

#endif
