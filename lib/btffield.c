/* SPDX-License-Identifier: GPL-2.0-only */
#include "btffield.h"

#include <stdio.h>
#include <stdlib.h>

#define NAMES_SHOWN 400 /* bytes of the names that a message has */

/* Where a walk over a type is: all fields are of one root. */
struct walk {
	struct btf_fields *fields;
	const struct btf *btf;
	bool of_key;
	const char *root;
	struct error *error;
};

static int walk_type(const struct walk *walk, uint32_t id, uint64_t offset, const char *name);

static int field_add(const struct walk *walk, const struct btf_field *field, const char *name)
{
	struct btf_fields *fields = walk->fields;
	struct btf_field *items;

	if (fields->count >= BTF_FIELDS_MAX)
		return error_state(walk->error, walk->root, "has more than %d fields; only JSON can show them",
				   BTF_FIELDS_MAX);
	items = realloc(fields->items, (fields->count + 1) * sizeof(*items));
	if (!items)
		return error_errno(walk->error, walk->root);
	fields->items = items;
	items[fields->count] = *field;
	items[fields->count].btf = walk->btf;
	items[fields->count].of_key = walk->of_key;
	items[fields->count].name = strdup(name);
	return items[fields->count++].name ? 0 : error_errno(walk->error, walk->root);
}

static int scalar_add(const struct walk *walk, const struct scalar *scalar, uint64_t offset, const char *name)
{
	struct btf_field field = { .count = 1, .offset = offset, .scalar = *scalar };

	return field_add(walk, &field, name);
}

/* "name.part", released with free(); without a part a copy. */
static char *name_join(const struct walk *walk, const char *name, const char *part)
{
	char *joined;

	if (asprintf(&joined, part ? "%s.%s" : "%s", name, part) >= 0)
		return joined;
	error_errno(walk->error, walk->root);
	return NULL;
}

static int walk_parts(const struct walk *walk, const struct btf_type *type, uint64_t offset, const char *name)
{
	for (uint32_t i = 0; i < btf_vlen(type); i++) {
		struct btf_part part;
		char *joined;
		int result = 0;

		btf_part(walk->btf, type, i, &part);
		if (!part.name && part.is_scalar)
			continue; /* padding */
		joined = name_join(walk, name, part.name);
		if (!joined)
			return -1;
		result = part.is_scalar ? scalar_add(walk, &part.scalar, offset + part.offset, joined)
					: walk_type(walk, part.type, offset + part.offset, joined);
		free(joined);
		if (result)
			return -1;
	}
	return 0;
}

/* Arrays of arrays of scalars lie one after the other, so they are one field. What stands in it at the end is in *id.
 */
static uint64_t array_measure(const struct btf *btf, const struct btf_type *type, uint32_t *id, struct scalar *scalar)
{
	uint64_t count = 1;

	while (btf_is_array(type)) {
		*id = btf_array(type)->type;
		count *= btf_array(type)->nelems;
		if (btf_scalar(btf, *id, scalar))
			return scalar->kind == SCALAR_TEXT ? UINT64_MAX : count;
		type = btf_value_type(btf, id);
	}
	return UINT64_MAX;
}

static int walk_elements(const struct walk *walk, const struct btf_array *array, uint64_t offset, const char *name)
{
	int64_t size = btf__resolve_size(walk->btf, array->type);

	for (uint32_t i = 0; i < array->nelems; i++) {
		char number[16], *joined;
		int result;

		snprintf(number, sizeof(number), "%u", i);
		joined = name_join(walk, name, number);
		if (!joined)
			return -1;
		result = walk_type(walk, array->type, offset + (uint64_t)i * (uint64_t)size * 8, joined);
		free(joined);
		if (result)
			return -1;
	}
	return 0;
}

static int walk_array(const struct walk *walk, const struct btf_type *type, uint64_t offset, const char *name)
{
	struct btf_field field = { .is_array = true, .offset = offset };
	uint32_t element = 0;
	uint64_t count = array_measure(walk->btf, type, &element, &field.scalar);

	if (count == UINT64_MAX)
		return walk_elements(walk, btf_array(type), offset, name);
	field.count = (uint32_t)count;
	field.stride = (uint32_t)btf__resolve_size(walk->btf, element);
	return field_add(walk, &field, name);
}

static int walk_type(const struct walk *walk, uint32_t id, uint64_t offset, const char *name)
{
	const struct btf_type *type;
	struct scalar scalar;

	if (btf_scalar(walk->btf, id, &scalar))
		return scalar_add(walk, &scalar, offset, name);
	type = btf_value_type(walk->btf, &id);
	if (btf_is_array(type))
		return walk_array(walk, type, offset, name);
	return walk_parts(walk, type, offset, name);
}

int btf_fields_add(struct btf_fields *fields, const struct btf *btf, uint32_t type, const char *name, bool of_key,
		   struct error *error)
{
	struct walk walk = { .fields = fields, .btf = btf, .of_key = of_key, .root = name, .error = error };

	return walk_type(&walk, type, 0, name);
}

void btf_fields_free(struct btf_fields *fields)
{
	for (size_t i = 0; i < fields->count; i++)
		free(fields->items[i].name);
	free(fields->items);
	*fields = (struct btf_fields){ 0 };
}

const struct btf_field *btf_field_find(const struct btf_fields *fields, const char *name, struct error *error)
{
	char names[NAMES_SHOWN];
	struct text text = TEXT_OF(names);

	for (size_t i = 0; i < fields->count; i++) {
		if (!strcmp(fields->items[i].name, name))
			return &fields->items[i];
		/* whole names only */
		if (text_room(&text) < strlen(fields->items[i].name) + sizeof(", ..."))
			continue;
		text_put(&text, text.length ? ", " : "");
		text_put(&text, fields->items[i].name);
	}
	error_usage(error, name, "no such field; there are %.*s", (int)text.length, text.data);
	return NULL;
}

bool btf_field_is_right(const struct btf_field *field)
{
	return !field->is_array && (scalar_is_number(&field->scalar) || field->scalar.kind == SCALAR_FLOAT);
}

void btf_field_text(const struct btf_field *field, const void *bytes, enum text_escape escape, struct text *text)
{
	for (uint32_t i = 0; i < field->count; i++) {
		if (i)
			text_char(text, ' ');
		scalar_text(field->btf, &field->scalar, bytes, btf_field_offset(field, i), escape, text);
	}
}

size_t btf_fields_room(const struct btf_fields *fields)
{
	size_t most = 0;

	for (size_t i = 0; i < fields->count; i++) {
		const struct btf_field *field = &fields->items[i];
		size_t room = field->count * (scalar_text_room(&field->scalar) + 1);

		if (room > most)
			most = room;
	}
	return most + 1;
}
