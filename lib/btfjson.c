/* SPDX-License-Identifier: GPL-2.0-only */
#include "btfvalue.h"
#include "out.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_quoted(const struct scalar *scalar, const char *text)
{
	switch (scalar->kind) {
	case SCALAR_UNSIGNED:
	case SCALAR_SIGNED:
	case SCALAR_BOOL:
	case SCALAR_FLOAT:
		return false;
	case SCALAR_ENUM: /* a number that has no name */
		return !strchr("-0123456789", *text);
	default:
		return true;
	}
}

static int scalar_print(const struct btf *btf, const struct scalar *scalar, const uint8_t *bytes, uint64_t offset)
{
	struct text text = { .size = scalar_text_room(scalar) };
	char small[SCALAR_NAME_ROOM + 1];

	if (scalar->kind == SCALAR_FLOAT && !isfinite(scalar_read_float(scalar, bytes, offset))) {
		fputs("null", stdout);
		return 0;
	}
	text.data = text.size < sizeof(small) ? small : malloc(text.size + 1);
	if (!text.data)
		return -1;
	scalar_text(btf, scalar, bytes, offset, ESCAPE_BYTES, &text);
	text.data[text.length] = '\0';
	if (is_quoted(scalar, text.data))
		json_string(text.data);
	else
		fputs(text.data, stdout);
	if (text.data != small)
		free(text.data);
	return 0;
}

/* Members without a name are those of the struct that they are in. */
static int parts_print(const struct btf *btf, const struct btf_type *type, const uint8_t *bytes, bool *begun)
{
	for (uint32_t i = 0; i < btf_vlen(type); i++) {
		struct btf_part part;
		int result;

		btf_part(btf, type, i, &part);
		if (!part.name) {
			const struct btf_type *below = btf_value_type(btf, &part.type);

			if (below && !part.is_scalar && btf_has_parts(below) &&
			    parts_print(btf, below, bytes + part.offset / 8, begun))
				return -1;
			continue;
		}
		if (*begun)
			putchar(',');
		*begun = true;
		json_string(part.name);
		putchar(':');
		result = part.is_scalar ? scalar_print(btf, &part.scalar, bytes, part.offset)
					: btf_value_json(btf, part.type, bytes + part.offset / 8);
		if (result)
			return -1;
	}
	return 0;
}

static int array_print(const struct btf *btf, const struct btf_array *array, const uint8_t *bytes)
{
	int64_t size = btf__resolve_size(btf, array->type);

	putchar('[');
	for (uint32_t i = 0; i < array->nelems; i++) {
		if (i)
			putchar(',');
		if (btf_value_json(btf, array->type, bytes + i * (uint64_t)size))
			return -1;
	}
	putchar(']');
	return 0;
}

int btf_value_json(const struct btf *btf, uint32_t id, const void *bytes)
{
	const struct btf_type *type;
	struct scalar scalar;
	bool begun = false;

	if (btf_scalar(btf, id, &scalar))
		return scalar_print(btf, &scalar, bytes, 0);
	type = btf_value_type(btf, &id);
	if (btf_is_array(type))
		return array_print(btf, btf_array(type), bytes);
	putchar('{');
	if (parts_print(btf, type, bytes, &begun))
		return -1;
	putchar('}');
	return 0;
}
