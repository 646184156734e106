/* SPDX-License-Identifier: GPL-2.0-only */
/* What the libFuzzer targets share. */
#ifndef SPLICER_TEST_FUZZ_H
#define SPLICER_TEST_FUZZ_H

#include "error.h"

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

/* Nobody may be sent control characters by a message, which is whole, one line, and of an exit status that there is. */
static inline void fuzz_require_message(const struct error *error)
{
	FUZZ_REQUIRE(error->exit == EXIT_USAGE || error->exit == EXIT_STATE);
	FUZZ_REQUIRE(*error->text && strlen(error->text) < sizeof(error->text));
	FUZZ_REQUIRE(!has_control(error->text));
}

/* That of a file which came by standard input says so. */
static inline void fuzz_require_file_message(const struct error *error)
{
	fuzz_require_message(error);
	FUZZ_REQUIRE(!strncmp(error->text, "stdin:", 6) || !strncmp(error->text, "-: ", 3));
}

/* A stream of the C library as text: they are variables (glibc: "Standard Streams"). */
struct fuzz_stream {
	FILE **stream, *saved;
	char *text; /* after fuzz_stream_end; released with free() */
	size_t size;
};

static inline void fuzz_stream_begin(struct fuzz_stream *to, FILE **stream)
{
	to->stream = stream;
	to->saved = *stream;
	*stream = open_memstream(&to->text, &to->size);
	FUZZ_REQUIRE(*stream);
}

static inline void fuzz_stream_end(struct fuzz_stream *to)
{
	fclose(*to->stream);
	*to->stream = to->saved;
}

#endif
