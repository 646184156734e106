/* SPDX-License-Identifier: GPL-2.0-only */
/* Rules of tables, which are blank separated words for both families. */
#ifndef TEST_WORDS_H
#define TEST_WORDS_H

#include <stddef.h>

#define WORDS_MAX 32
#define WORD_SIZE 96

struct words {
	char text[WORDS_MAX][WORD_SIZE];
	size_t count;
};

void words_split(struct words *words, const char *text);

/* A length of IPv4, and "a.b.c.d/n", for this family as spec_address has it; what is no prefix is left as it is. */
void word_to_family_length(int family, char *length, size_t size);
void word_to_family_prefix(int family, char word[WORD_SIZE]);

#endif
