/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The scalars of a type as one flat list, for forms that have columns: "value.packets", "value.peers.0.port". An array
 * of scalars is one field; members without a name are those of what they are in.
 */
#ifndef SPLICER_BTFFIELD_H
#define SPLICER_BTFFIELD_H

#include "btfvalue.h"

#define BTF_FIELDS_MAX 4096

struct btf_field {
	char *name;
	const struct btf *btf;
	bool of_key;
	bool is_array;
	uint32_t count;  /* of scalars: 1, or those of an array, which may have none */
	uint32_t stride; /* bytes from one to the next */
	uint64_t offset; /* bits, of the first */
	struct scalar scalar;
};

struct btf_fields {
	struct btf_field *items;
	size_t count;
};

/* Adds those of a type that was checked. -1 with *error: without memory, or there are too many. */
int btf_fields_add(struct btf_fields *fields, const struct btf *btf, uint32_t type, const char *name, bool of_key,
		   struct error *error);

void btf_fields_free(struct btf_fields *fields);

/* The one of this name; NULL with *error, which names what there is. */
const struct btf_field *btf_field_find(const struct btf_fields *fields, const char *name, struct error *error);

/* The offset in bits of the i-th scalar. */
static inline uint64_t btf_field_offset(const struct btf_field *field, uint32_t i)
{
	return field->offset + (uint64_t)i * field->stride * 8;
}

/* Whether it is shown like a number, to the right. */
bool btf_field_is_right(const struct btf_field *field);

/* Its text, of an array with blanks between, as scalar_text has it. */
void btf_field_text(const struct btf_field *field, const void *bytes, enum text_escape escape, struct text *text);

/* Bytes that the longest text of a field takes, with a terminator. */
size_t btf_fields_room(const struct btf_fields *fields);

#endif
