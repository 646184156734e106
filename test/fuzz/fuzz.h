/* SPDX-License-Identifier: GPL-2.0-only */
/* What the libFuzzer targets share. */
#ifndef SPLICER_TEST_FUZZ_H
#define SPLICER_TEST_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A broken promise, said before the crash that libFuzzer reports with its input. */
#define FUZZ_REQUIRE(condition)                                                \
	do {                                                                   \
		if (!(condition)) {                                            \
			fprintf(stderr, "%s: not %s\n", __FILE__, #condition); \
			abort();                                               \
		}                                                              \
	} while (0)

/* The bytes as a string; released with free(). */
static inline char *fuzz_text(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	if (!text)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

#endif
