/* SPDX-License-Identifier: GPL-2.0-only */
#include "words.h"

#include "frames.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void words_add(struct words *words, const char *text, size_t size)
{
	if (words->count == WORDS_MAX || size >= WORD_SIZE)
		errx(2, "%s: rule too long", text);
	memcpy(words->text[words->count], text, size);
	words->text[words->count++][size] = '\0';
}

void words_split(struct words *words, const char *text)
{
	while (*(text += strspn(text, " "))) {
		size_t size = strcspn(text, " ");

		words_add(words, text, size);
		text += size;
	}
}

void word_to_family_length(int family, char *length, size_t size)
{
	if (family == 6)
		snprintf(length, size, "%lu", strtoul(length, NULL, 10) + SPEC_IPV6_LENGTH);
}

/* "a.b.c.d/n" */
void word_to_family_prefix(int family, char word[WORD_SIZE])
{
	char address[FRAME_ADDRESS_TEXT], length[24], *slash = strchr(word, '/');

	if (!slash || strchr(word, ':'))
		return;
	snprintf(length, sizeof(length), "%s", slash + 1);
	*slash = '\0';
	word_to_family_length(family, length, sizeof(length));
	spec_address(family, word, address);
	snprintf(word, WORD_SIZE, "%s/%s", address, length);
}
