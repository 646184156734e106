/* SPDX-License-Identifier: GPL-2.0-only */
/* What the values of a map are as metrics: the file of flow_dump --metrics, splicer.metrics(5). */
#ifndef SPLICER_MAPSPEC_H
#define SPLICER_MAPSPEC_H

#include "btffield.h"
#include "error.h"
#include "metrics.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAP_LABELS_MAX 16

/* How the bytes of a field are shown as a label. */
enum label_form { LABEL_PLAIN, LABEL_IP, LABEL_IPV4, LABEL_IPV6, LABEL_MAC, LABEL_HEX };

struct map_label {
	char *name;
	char *constant; /* NULL: of a field */
	const struct btf_field *field;
	enum label_form form;
};

struct map_family {
	struct metric metric;                /* its texts are of the family */
	const struct btf_field *field, *sum; /* sum: of a histogram, or NULL */
	uint64_t *bounds;                    /* one for each element of a histogram but the last */
	struct map_label labels[MAP_LABELS_MAX];
	size_t label_count;
};

struct mapspec {
	const struct btf_fields *fields;
	struct map_family *families;
	size_t count;
	bool empty_on_read;
};

/*
 * Reads a file ("-": standard input) for a map of these fields, which must outlive the result. -1 with *error. What was
 * read goes with mapspec_free, also then.
 */
int mapspec_read(struct mapspec *spec, const struct btf_fields *fields, const char *path, struct error *error);
void mapspec_free(struct mapspec *spec);

/* The text of a label of an entry; room is what map_label_room says. */
void map_label_text(const struct map_label *label, const void *key, const void *value, struct text *text);
size_t map_label_room(const struct map_label *label);

#endif
