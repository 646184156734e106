/* SPDX-License-Identifier: GPL-2.0-only */
#include "lookupprog.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* As the function in bpf/splicer.bpf.c is called. */
#define PROGRAM "splicer_lookup"

/* More than it uses. */
#define PROGRAM_MAPS_MAX 64

/* ---- what libbpf says ---- */

/* It tells causes only by printing; the first line is the cause, as later ones are consequences. */
static struct {
	char first[256];
	bool verbose;
} said;

static void say_lines(char *text)
{
	char *rest = NULL, *line;

	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		note_print("%s", line);
}

static int hear(enum libbpf_print_level level, const char *format, va_list arguments)
{
	static const char prefix[] = "libbpf: ";
	char *text = NULL;

	if (level != LIBBPF_WARN || vasprintf(&text, format, arguments) < 0)
		return 0;
	if (!*said.first) {
		char *start = strncmp(text, prefix, strlen(prefix)) ? text : text + strlen(prefix);

		snprintf(said.first, sizeof(said.first), "%.*s", (int)strcspn(start, "\n"), start);
	}
	if (said.verbose)
		say_lines(text);
	free(text);
	return 0;
}

/* errno where libbpf said nothing. */
static int object_refused(const char *path, struct error *error)
{
	if (!*said.first)
		return error_errno(error, path);
	return error_state(error, path, "%s", said.first);
}

/* ---- opening and loading ---- */

/* The other sections are tc's to load; libbpf does not even know their types. */
static struct bpf_program *program_choose(struct bpf_object *object)
{
	struct bpf_program *program, *chosen = NULL;

	bpf_object__for_each_program(program, object)
	{
		bool wanted = bpf_program__type(program) == BPF_PROG_TYPE_SK_LOOKUP &&
			      !strcmp(bpf_program__name(program), PROGRAM);

		bpf_program__set_autoload(program, wanted);
		if (wanted)
			chosen = program;
	}
	return chosen;
}

/* Those that are not there libbpf would make, and pin. */
static int pins_check(const struct lookup_program *program, struct error *error)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, program->object)
	{
		const char *path = bpf_map__pin_path(map);

		if (path && access(path, F_OK) && errno == ENOENT)
			return error_state(error, path, "not pinned; is this version of splicer.o attached");
	}
	return 0;
}

static int object_open(struct lookup_program *program, const char *path, const char *pin_dir, struct error *error)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .pin_root_path = pin_dir);

	if (access(path, R_OK))
		return error_errno(error, path);
	program->object = bpf_object__open_file(path, &options);
	if (!program->object)
		return object_refused(path, error);
	return 0;
}

int lookup_program_load(struct lookup_program *program, const char *path, const char *pin_dir, bool verbose,
			struct error *error)
{
	struct bpf_program *chosen;
	struct stat file;

	memset(program, 0, sizeof(*program));
	said.first[0] = '\0';
	said.verbose = verbose;
	libbpf_set_print(hear);
	/* a pipe would be waited for, with the writers' lock */
	if (!stat(path, &file) && !S_ISREG(file.st_mode))
		return error_state(error, path, "not a regular file");
	if (object_open(program, path, pin_dir, error))
		return -1;
	chosen = program_choose(program->object);
	if (!chosen)
		return error_state(error, path, "has no program " PROGRAM);
	if (pins_check(program, error))
		return -1;
	if (bpf_object__load(program->object))
		return object_refused(path, error);
	program->fd = bpf_program__fd(chosen);
	return 0;
}

void lookup_program_close(struct lookup_program *program)
{
	bpf_object__close(program->object);
	program->object = NULL;
}

/* ---- comparing ---- */

struct use {
	uint8_t tag[BPF_TAG_SIZE];
	uint32_t maps[PROGRAM_MAPS_MAX], count;
};

static int use_read(int fd, struct use *use)
{
	struct bpf_prog_info info = { .nr_map_ids = PROGRAM_MAPS_MAX, .map_ids = (uintptr_t)use->maps };
	uint32_t size = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		return -1;
	memcpy(use->tag, info.tag, sizeof(use->tag));
	use->count = info.nr_map_ids < PROGRAM_MAPS_MAX ? info.nr_map_ids : PROGRAM_MAPS_MAX;
	return 0;
}

static bool uses(const struct use *use, uint32_t map)
{
	for (uint32_t i = 0; i < use->count; i++)
		if (use->maps[i] == map)
			return true;
	return false;
}

/* Maps that are not pinned are new with each load. */
static int maps_compare(const struct lookup_program *program, const struct use *a, const struct use *b, bool *same)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, program->object)
	{
		struct bpf_map_info info = { 0 };
		uint32_t size = sizeof(info);

		if (!bpf_map__pin_path(map))
			continue;
		if (bpf_obj_get_info_by_fd(bpf_map__fd(map), &info, &size))
			return -1;
		if (uses(a, info.id) != uses(b, info.id))
			*same = false;
	}
	return 0;
}

int lookup_program_same(const struct lookup_program *program, uint32_t prog_id, bool *same, struct error *error)
{
	int other = bpf_prog_get_fd_by_id(prog_id), result;
	struct use ours, theirs;

	if (other < 0)
		return error_errno(error, "linked program");
	result = use_read(program->fd, &ours) || use_read(other, &theirs);
	if (!result) {
		*same = !memcmp(ours.tag, theirs.tag, sizeof(ours.tag));
		result = maps_compare(program, &ours, &theirs, same);
	}
	if (result)
		error_errno(error, "linked program");
	close(other);
	return result ? -1 : 0;
}
