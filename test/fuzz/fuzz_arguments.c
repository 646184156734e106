/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Lines as a command: the name of a tool and its arguments, one a line, and after a form feed what any file holds that
 * it reads. All of the tool runs, up to the pins, which are not there. It ends with 0, 1 or 2; says what is wrong on
 * stderr alone, in lines that begin with its name; and the same command does the same twice.
 *
 * test/fuzz/run compiles each tool with its main() renamed, lists them in tools.inc, and has the linker send what would
 * reach out of the process here (see its `wrapped`).
 */
#include "fuzz.h"
#include "pin.h"

#include <errno.h>
#include <setjmp.h>
#include <stdbool.h>
#include <sys/types.h>

#define ARGUMENTS_MAX 64
#define FILE_BEGINS '\f'

#define TOOL(name) int main_##name(int argc, char **argv);
#include "tools.inc"
#undef TOOL

static const struct tool {
	const char *name;
	int (*main)(int argc, char **argv);
} tools[] = {
#define TOOL(name) { #name, main_##name },
#include "tools.inc"
#undef TOOL
};
#define TOOLS (sizeof(tools) / sizeof(tools[0]))

/* ---- what the tool gets in place of the world; libFuzzer itself goes on as ever ---- */

static struct {
	bool runs;
	jmp_buf end;
	const char *file; /* what any file holds */
	size_t size;
} tool;

void __real_exit(int status) __attribute__((noreturn));
void __wrap_exit(int status) __attribute__((noreturn));
FILE *__real_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode);
int __wrap_pins_open(struct pins *pins, const char *dir, enum pins_of of, bool claim, struct error *error);

void __wrap_exit(int status)
{
	if (tool.runs)
		longjmp(tool.end, 1 + status);
	__real_exit(status);
}

static FILE *file_open(void)
{
	return tool.size ? fmemopen((void *)(uintptr_t)tool.file, tool.size, "r") : __real_fopen("/dev/null", "re");
}

FILE *__wrap_fopen(const char *path, const char *mode)
{
	if (!tool.runs)
		return __real_fopen(path, mode);
	if (*mode == 'r' && *path)
		return file_open();
	errno = ENOENT;
	return NULL;
}

int __wrap_pins_open(struct pins *pins, const char *dir, enum pins_of of, bool claim, struct error *error)
{
	(void)pins, (void)of, (void)claim;
	return error_state(error, dir, "no pins");
}

/* Descriptors of files, of sockets and the like: there are none to be had. */
#define REFUSED(name, ...)              \
	int __real_##name(__VA_ARGS__); \
	int __wrap_##name(__VA_ARGS__); \
	int __wrap_##name(__VA_ARGS__)
#define REFUSE(call)                          \
	do {                                  \
		if (!tool.runs)               \
			return __real_##call; \
		errno = EACCES;               \
		return -1;                    \
	} while (0)

REFUSED(open, const char *path, int flags, mode_t mode)
{
	REFUSE(open(path, flags, mode));
}

REFUSED(openat, int at, const char *path, int flags, mode_t mode)
{
	REFUSE(openat(at, path, flags, mode));
}

REFUSED(socket, int domain, int type, int protocol)
{
	REFUSE(socket(domain, type, protocol));
}

REFUSED(mkdir, const char *path, mode_t mode)
{
	REFUSE(mkdir(path, mode));
}

REFUSED(mkostemp, char *path, int flags)
{
	REFUSE(mkostemp(path, flags));
}

REFUSED(unlink, const char *path)
{
	REFUSE(unlink(path));
}

REFUSED(rename, const char *from, const char *to)
{
	REFUSE(rename(from, to));
}

/* ---- a command ---- */

struct command_line {
	const struct tool *tool;
	char *argv[ARGUMENTS_MAX + 2];
	int argc;
};

static const struct tool *tool_find(const char *name)
{
	unsigned int sum = 0;

	for (size_t i = 0; i < TOOLS; i++)
		if (!strcmp(tools[i].name, name))
			return &tools[i];
	/* so that a changed name is not lost */
	for (; *name; name++)
		sum = sum * 31 + (unsigned char)*name;
	return &tools[sum % TOOLS];
}

/* Takes the text apart in place. */
static void command_split(char *text, struct command_line *line)
{
	char *next = strchr(text, '\n');

	if (next)
		*next++ = '\0';
	line->tool = tool_find(text);
	line->argv[0] = (char *)(uintptr_t)line->tool->name;
	line->argc = 1;
	while (next && line->argc <= ARGUMENTS_MAX) {
		line->argv[line->argc++] = next;
		next = strchr(next, '\n');
		if (next)
			*next++ = '\0';
	}
	line->argv[line->argc] = NULL;
}

struct run {
	int status;
	struct fuzz_stream out, err;
};

static int tool_main(const struct command_line *line)
{
	char *argv[ARGUMENTS_MAX + 2];
	int ended;

	/* getopt sorts what it is given */
	memcpy(argv, line->argv, sizeof(argv));
	ended = setjmp(tool.end);
	return ended ? ended - 1 : line->tool->main(line->argc, argv);
}

static void command_run(const struct command_line *line, struct run *run)
{
	FILE *saved = stdin;

	program_invocation_short_name = line->argv[0];
	fuzz_stream_begin(&run->out, &stdout);
	fuzz_stream_begin(&run->err, &stderr);
	stdin = file_open();
	tool.runs = true;
	run->status = tool_main(line);
	tool.runs = false;
	fclose(stdin);
	stdin = saved;
	fuzz_stream_end(&run->err);
	fuzz_stream_end(&run->out);
}

static void run_free(struct run *run)
{
	free(run->out.text);
	free(run->err.text);
}

/* Each line of it begins with the name of the tool, and has nothing that a terminal would obey. */
static void require_messages(const char *name, char *text)
{
	size_t length = strlen(name);

	for (char *next; *text; text = next) {
		next = strchr(text, '\n');
		FUZZ_REQUIRE(next);
		*next++ = '\0';
		FUZZ_REQUIRE(!strncmp(text, name, length) && !strncmp(text + length, ": ", 2));
		FUZZ_REQUIRE(!has_control(text));
	}
}

static void require_run(const struct command_line *line, struct run *run)
{
	FUZZ_REQUIRE(run->status >= EXIT_DONE && run->status <= EXIT_USAGE);
	FUZZ_REQUIRE(run->status == EXIT_DONE || *run->err.text);
	FUZZ_REQUIRE(run->status == EXIT_DONE || !*run->out.text);
	FUZZ_REQUIRE(strlen(run->err.text) == run->err.size);
	require_messages(line->argv[0], run->err.text);
}

static void require_same(const struct run *one, const struct run *other)
{
	FUZZ_REQUIRE(one->status == other->status);
	FUZZ_REQUIRE(one->err.size == other->err.size && !memcmp(one->err.text, other->err.text, one->err.size));
	FUZZ_REQUIRE(one->out.size == other->out.size && !memcmp(one->out.text, other->out.text, one->out.size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *file = size ? memchr(data, FILE_BEGINS, size) : NULL;
	struct run first, again;
	struct command_line line;
	char *text;

	text = fuzz_text(data, file ? (size_t)(file - data) : size);
	tool.file = file ? (const char *)file + 1 : NULL;
	tool.size = file ? size - (size_t)(file - data) - 1 : 0;
	command_split(text, &line);
	command_run(&line, &first);
	command_run(&line, &again);
	require_same(&first, &again);
	require_run(&line, &first);
	run_free(&first);
	run_free(&again);
	free(text);
	return 0;
}
