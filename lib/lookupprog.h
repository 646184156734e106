/* SPDX-License-Identifier: GPL-2.0-only */
/* The sk_lookup program of splicer.o, loaded over the pinned maps. Beside lib/pin.h the only user of libbpf's loader.
 */
#ifndef SPLICER_LOOKUPPROG_H
#define SPLICER_LOOKUPPROG_H

#include "error.h"
#include "pin.h"

#include <stdbool.h>
#include <stdint.h>

struct bpf_object;

struct lookup_program {
	struct bpf_object *object; /* NULL: not open */
	int fd;                    /* once loaded */
};

/*
 * Loads it from an object file (EXIT_STATE when that is impossible). Each map that the object pins by name must be in
 * the pin directory, and of the same shape: none is ever made. With verbose, all that libbpf says of a failure goes to
 * stderr. The program is closed by lookup_program_close, also after an error.
 */
int lookup_program_load(struct lookup_program *program, const char *path, const char *pin_dir, bool verbose,
			struct error *error);

/* Whether the program with this id has the same instructions and uses the same pinned maps. */
int lookup_program_same(const struct lookup_program *program, uint32_t prog_id, bool *same, struct error *error);

void lookup_program_close(struct lookup_program *program);

#endif
