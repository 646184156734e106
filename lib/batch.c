/* SPDX-License-Identifier: GPL-2.0-only */
#include "batch.h"

#include "progress.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROGRESS_LINES 4096

struct words {
	char *argv[BATCH_WORDS_MAX + 2];
	int column[BATCH_WORDS_MAX + 2]; /* from 1 */
	int argc;
};

/* Takes one word at *cursor, unquoting it in place; returns it, or NULL when a quote is left open. */
static char *word_take(char **cursor)
{
	char *from = *cursor, *to = from, *word = from;
	int quoted = 0;

	for (; *from && (quoted || !strchr(" \t\r\n", *from)); from++) {
		if (*from == '"') {
			quoted = !quoted;
			continue;
		}
		if (quoted && *from == '\\' && (from[1] == '"' || from[1] == '\\'))
			from++;
		*to++ = *from;
	}
	*cursor = *from ? from + 1 : from;
	*to = '\0';
	return quoted ? NULL : word;
}

/* Of a list: what follows the first of these, wherever it stands outside of quotes. */
static void comment_cut(char *line)
{
	bool quoted = false;

	for (; *line && (quoted || !strchr("#;", *line)); line++) {
		if (*line == '"')
			quoted = !quoted;
		else if (quoted && *line == '\\' && line[1])
			line++;
	}
	*line = '\0';
}

static int line_split(char *line, struct words *words, struct error *error)
{
	char *cursor = line;

	words->argv[0] = program_invocation_short_name;
	words->column[0] = 1;
	words->argc = 1;
	for (;;) {
		cursor += strspn(cursor, " \t\r\n");
		if (!*cursor || *cursor == '#')
			break;
		if (words->argc > BATCH_WORDS_MAX)
			return error_usage(error, "line", "more than %d words", BATCH_WORDS_MAX);
		words->column[words->argc] = (int)(cursor - line) + 1;
		words->argv[words->argc] = word_take(&cursor);
		if (!words->argv[words->argc++])
			return error_usage(error, "line", "a quote is not closed");
	}
	words->argv[words->argc] = NULL;
	return 0;
}

/* The word that the error is about: the one its operand lies in, or else one with the same text; 0: none. */
static int error_word(const struct words *words, const struct error *error)
{
	int same = 0;

	for (int i = words->argc - 1; i > 0; i--) {
		const char *word = words->argv[i];
		size_t size = word ? strlen(word) : 0;

		if (word && error->operand >= word && error->operand <= word + size)
			return i;
		if (size && !strncmp(error->text, word, size) && error->text[size] == ':')
			same = i;
	}
	return same;
}

static int error_column(const struct words *words, const struct error *error)
{
	int word = error_word(words, error);

	return words->argc > 1 ? words->column[word ? word : 1] : 1;
}

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

/* Lists come from anywhere. */
static char *list_clean(char *line, unsigned long number)
{
	if (number == 1 && !strncmp(line, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)))
		memset(line, ' ', strlen(BYTE_ORDER_MARK));
	comment_cut(line);
	return line;
}

struct source {
	FILE *stream;
	const char *path;
	bool list;
};

static int source_read(const struct source *source, batch_callback *take, void *context, struct error *error)
{
	unsigned long number = 0;
	char *line = NULL;
	size_t size = 0;
	ssize_t got;
	int result = 0;

	while (!result && (got = getline(&line, &size, source->stream)) >= 0) {
		struct words words = { .argc = 0 };

		if (++number % PROGRESS_LINES == 0)
			progress_show("%lu lines read", number);
		if (memchr(line, '\0', (size_t)got))
			result = error_usage(error, "line", "has a NUL byte");
		if (!result)
			result = line_split(source->list ? list_clean(line, number) : line, &words, error);
		if (!result && words.argc > 1) {
			char *argv[BATCH_WORDS_MAX + 2];

			/* getopt permutes what it is given; the columns must stay with their words */
			memcpy(argv, words.argv, sizeof(argv));
			result = take(context, number, words.argc, argv, error);
		}
		if (result)
			error_locate(error, source->path, number, error_column(&words, error));
	}
	if (!result && ferror(source->stream))
		result = error_errno(error, source->path);
	free(line);
	return result;
}

static int path_read(const char *path, bool list, batch_callback *take, void *context, struct error *error)
{
	struct source source = { .stream = stdin, .path = path, .list = list };
	int result;

	if (!strcmp(path, "-"))
		return source_read(&source, take, context, error);
	source.stream = fopen(path, "re");
	if (!source.stream)
		return error_errno(error, path);
	result = source_read(&source, take, context, error);
	fclose(source.stream);
	return result;
}

int batch_read(const char *path, batch_callback *take, void *context, struct error *error)
{
	return path_read(path, false, take, context, error);
}

int batch_read_list(const char *path, batch_callback *take, void *context, struct error *error)
{
	return path_read(path, true, take, context, error);
}

static void print_quoted(const char *text)
{
	putchar('"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			putchar('\\');
		putchar(*text);
	}
	putchar('"');
}

void batch_print_word(const char *text)
{
	if (*text && *text != '#' && !strpbrk(text, " \t\""))
		fputs(text, stdout);
	else
		print_quoted(text);
}

void batch_print_list_word(const char *text)
{
	/* at the begin of a file a bare byte order mark is none of the word's */
	if (strpbrk(text, "#;") || !strncmp(text, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)))
		print_quoted(text);
	else
		batch_print_word(text);
}
