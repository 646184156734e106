/* SPDX-License-Identifier: GPL-2.0-only */
/* Bytes as a file of words, and as a list. What is taken is printed and read again, and must be the same words. */
#include "batch.h"
#include "fuzz.h"

#include <stdbool.h>

struct lines {
	char *text; /* each word with the NUL behind it, an empty one ends a line; two of the same length differ */
	size_t size;
	FILE *stream;
	bool printable; /* no word has what batch_print_word does not take */
	void (*print)(const char *word);
};

typedef int batch_reader(const char *path, batch_callback *line, void *context, struct error *error);

static int line_take(void *context, unsigned long number, int argc, char **argv, struct error *error)
{
	struct lines *lines = context;

	(void)number, (void)error;
	FUZZ_REQUIRE(argc > 1 && argc <= BATCH_WORDS_MAX + 1 && !argv[argc]);
	for (int i = 1; i < argc; i++) {
		fwrite(argv[i], 1, strlen(argv[i]) + 1, lines->stream);
		if (has_control(argv[i]))
			lines->printable = false;
		lines->print(argv[i]);
		putchar(i + 1 < argc ? ' ' : '\n');
	}
	fputc('\n', lines->stream);
	return 0;
}

static int lines_read(struct lines *lines, batch_reader *read, const char *text, size_t size)
{
	struct error error;
	int result;

	lines->printable = true;
	lines->stream = open_memstream(&lines->text, &lines->size);
	stdin = fmemopen((void *)(uintptr_t)text, size, "r");
	FUZZ_REQUIRE(lines->stream && stdin);
	result = read("-", line_take, lines, &error);
	fclose(stdin);
	fclose(lines->stream);
	if (result)
		fuzz_require_file_message(&error);
	return result;
}

static void try(const char *text, size_t size, batch_reader *read, void (*print)(const char *word))
{
	struct lines first = { .print = print }, again = { .print = print };
	struct fuzz_stream printed, ignored;
	int refused;

	fuzz_stream_begin(&printed, &stdout);
	refused = lines_read(&first, read, text, size);
	fuzz_stream_end(&printed);
	if (!refused && first.size && first.printable) {
		fuzz_stream_begin(&ignored, &stdout);
		FUZZ_REQUIRE(!lines_read(&again, read, printed.text, printed.size));
		fuzz_stream_end(&ignored);
		FUZZ_REQUIRE(first.size == again.size && !memcmp(first.text, again.text, first.size));
		free(again.text);
		free(ignored.text);
	}
	free(first.text);
	free(printed.text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	try((const char *)data, size, batch_read, batch_print_word);
	try((const char *)data, size, batch_read_list, batch_print_list_word);
	return 0;
}
