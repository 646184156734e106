/* SPDX-License-Identifier: GPL-2.0-only */
#include "btfvalue.h"

#include <string.h>

#define CHAIN_MAX 64       /* typedefs, const and the like one behind the other */
#define DEPTH_MAX 32       /* structs and arrays in each other */
#define VISITS_MAX 1000000 /* parts and parts of parts: a type can name another one often */

/* ---- types ---- */

/* One step behind typedef and the like; 0: there is none. */
static uint32_t step_behind(const struct btf_type *type)
{
	switch (btf_kind(type)) {
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_CONST:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_TYPE_TAG:
	case BTF_KIND_VAR:
		return type->type;
	default:
		return 0;
	}
}

const char *btf_name(const struct btf *btf, uint32_t offset)
{
	const char *name = btf__name_by_offset(btf, offset);

	if (!name || !*name)
		return NULL;
	for (const char *at = name; *at; at++)
		if (*at <= ' ' || *at > '~')
			return NULL;
	return name;
}

static const char *name_of(const struct btf *btf, const struct btf_type *type)
{
	const char *name = btf_name(btf, type->name_off);

	return name ? name : "";
}

/* 1: a typedef of this name is big endian, 2: little endian */
static int order_of(const char *name)
{
	if (!strcmp(name, "__be16") || !strcmp(name, "__be32") || !strcmp(name, "__be64"))
		return 1;
	return !strcmp(name, "__le16") || !strcmp(name, "__le32") || !strcmp(name, "__le64") ? 2 : 0;
}

static const struct btf_type *type_behind(const struct btf *btf, uint32_t *id, int *order)
{
	const struct btf_type *type = btf__type_by_id(btf, *id);

	for (int i = 0; type && i < CHAIN_MAX; i++) {
		uint32_t next = step_behind(type);

		if (!next)
			return *id ? type : NULL;
		if (order && btf_kind(type) == BTF_KIND_TYPEDEF && !*order)
			*order = order_of(name_of(btf, type));
		*id = next;
		type = btf__type_by_id(btf, next);
	}
	return NULL;
}

const struct btf_type *btf_value_type(const struct btf *btf, uint32_t *type)
{
	return type_behind(btf, type, NULL);
}

bool btf_has_parts(const struct btf_type *type)
{
	return btf_is_composite(type) || btf_is_datasec(type);
}

/* An enumeration's word for negative numbers came after kernel 5.15: one that has some has it not always. */
static bool enum_is_signed(const struct btf_type *type)
{
	if (btf_kflag(type))
		return true;
	if (btf_is_enum(type))
		for (uint32_t i = 0; i < btf_vlen(type); i++)
			if (btf_enum(type)[i].val < 0)
				return true;
	return false;
}

static bool scalar_of_int(const struct btf_type *type, int order, struct scalar *scalar)
{
	unsigned int encoding = btf_int_encoding(type);

	scalar->kind = encoding & BTF_INT_BOOL     ? SCALAR_BOOL
		       : encoding & BTF_INT_SIGNED ? SCALAR_SIGNED
						   : SCALAR_UNSIGNED;
	scalar->bits = btf_int_bits(type);
	scalar->offset = btf_int_offset(type);
	scalar->swapped = order && (order == 1) == (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__) && scalar->bits % 8 == 0;
	return scalar->bits && scalar->bits <= SCALAR_BITS_MAX && scalar->offset + scalar->bits <= type->size * 8;
}

static bool is_char(const struct btf *btf, uint32_t id)
{
	const struct btf_type *type = btf_value_type(btf, &id);

	return type && btf_is_int(type) && type->size == 1 && btf_int_bits(type) == 8 &&
	       (btf_int_encoding(type) & BTF_INT_CHAR || !strcmp(name_of(btf, type), "char"));
}

static bool scalar_of_struct(const struct btf *btf, const struct btf_type *type, struct scalar *scalar)
{
	const char *name = name_of(btf, type);

	scalar->kind = type->size == 4 ? SCALAR_IPV4 : SCALAR_IPV6;
	scalar->bits = type->size * 8;
	return (type->size == 4 && !strcmp(name, "in_addr")) || (type->size == 16 && !strcmp(name, "in6_addr"));
}

static bool scalar_of_float(const struct btf_type *type, struct scalar *scalar)
{
	scalar->kind = type->size == 4 || type->size == 8 ? SCALAR_FLOAT : SCALAR_BYTES;
	return type->size <= 16;
}

bool btf_scalar(const struct btf *btf, uint32_t id, struct scalar *scalar)
{
	int order = 0;
	const struct btf_type *type = type_behind(btf, &id, &order);

	*scalar = (struct scalar){ .type = id };
	if (!type)
		return false;
	scalar->bits = type->size * 8;
	switch (btf_kind(type)) {
	case BTF_KIND_INT:
		return scalar_of_int(type, order, scalar);
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		scalar->kind = SCALAR_ENUM;
		scalar->negative = enum_is_signed(type);
		return type->size && type->size <= 8;
	case BTF_KIND_FLOAT:
		return scalar_of_float(type, scalar);
	case BTF_KIND_PTR:
		scalar->kind = SCALAR_POINTER;
		scalar->bits = (uint32_t)btf__pointer_size(btf) * 8;
		return true;
	case BTF_KIND_ARRAY:
		scalar->kind = SCALAR_TEXT;
		scalar->bits = btf_array(type)->nelems * 8;
		return btf_array(type)->nelems && btf_array(type)->nelems < UINT32_MAX / 64 &&
		       is_char(btf, btf_array(type)->type);
	case BTF_KIND_STRUCT:
		return scalar_of_struct(btf, type, scalar);
	default:
		return false;
	}
}

void btf_part(const struct btf *btf, const struct btf_type *parent, uint32_t i, struct btf_part *part)
{
	const struct btf_type *variable;
	uint32_t bits = 0;

	*part = (struct btf_part){ 0 };
	if (btf_is_datasec(parent)) {
		part->type = btf_var_secinfos(parent)[i].type;
		part->offset = btf_var_secinfos(parent)[i].offset * 8ull;
		variable = btf__type_by_id(btf, part->type);
		part->name = variable ? btf_name(btf, variable->name_off) : NULL;
	} else {
		part->type = btf_members(parent)[i].type;
		part->offset = btf_member_bit_offset(parent, i);
		bits = btf_member_bitfield_size(parent, i);
		part->name = btf_name(btf, btf_members(parent)[i].name_off);
	}
	part->is_scalar = btf_scalar(btf, part->type, &part->scalar);
	if (!part->is_scalar || !bits)
		return;
	if (part->scalar.kind > SCALAR_ENUM) {
		/* a bit field of what is no integer: a type that cannot be */
		part->is_scalar = false;
		part->type = 0;
		return;
	}
	part->scalar.bits = bits;
	part->scalar.offset = 0;
	part->scalar.swapped = false;
}

/* ---- what can be shown ---- */

struct checking {
	const struct btf *btf;
	const char *operand;
	unsigned int visits, depth;
	struct error *error;
};

static int refuse(const struct checking *check, const char *reason)
{
	return error_state(check->error, check->operand, "its BTF cannot be shown: %s", reason);
}

/* All of a type, which has `room` bits for itself. */
static int check_type(struct checking *check, uint32_t id, uint64_t room);

static int check_scalar(const struct checking *check, const struct scalar *scalar, uint64_t room)
{
	bool integer = scalar->kind <= SCALAR_ENUM;

	if (scalar->offset + (uint64_t)scalar->bits > room)
		return refuse(check, "a value lies outside of what it is part of");
	if (integer && (!scalar->bits || scalar->bits > SCALAR_BITS_MAX))
		return refuse(check, "an integer of an odd size");
	return 0;
}

static int check_parts(struct checking *check, const struct btf_type *type)
{
	uint64_t room = type->size * 8ull;

	for (uint32_t i = 0; i < btf_vlen(type); i++) {
		struct btf_part part;
		int result;

		btf_part(check->btf, type, i, &part);
		if (part.offset > room)
			return refuse(check, "a member lies outside of its struct");
		if (part.is_scalar)
			result = check_scalar(check, &part.scalar, room - part.offset);
		else if (part.offset % 8)
			result = refuse(check, "a member begins within a byte");
		else
			result = check_type(check, part.type, room - part.offset);
		if (result)
			return -1;
	}
	return 0;
}

/* Bytes of what was checked by check_type, or -1. */
static int64_t size_of(const struct btf *btf, uint32_t id)
{
	int64_t size = btf__resolve_size(btf, id);

	return size > INT32_MAX ? -1 : size;
}

static int check_array(struct checking *check, const struct btf_type *type, uint64_t room)
{
	const struct btf_array *array = btf_array(type);
	int64_t size = size_of(check->btf, array->type);

	if (size < 0)
		return refuse(check, "an array of what has no size");
	if ((unsigned __int128)array->nelems * (uint64_t)size * 8 > room)
		return refuse(check, "an array lies outside of what it is part of");
	if (!size && array->nelems)
		return refuse(check, "an array of what takes no room");
	return check_type(check, array->type, (uint64_t)size * 8);
}

static int check_below(struct checking *check, const struct btf_type *type, uint64_t room)
{
	if (btf_is_array(type))
		return check_array(check, type, room);
	if (!btf_has_parts(type))
		return refuse(check, "a type without a size");
	if (type->size * 8ull > room)
		return refuse(check, "a struct lies outside of what it is part of");
	return check_parts(check, type);
}

static int check_type(struct checking *check, uint32_t id, uint64_t room)
{
	const struct btf_type *type;
	struct scalar scalar;
	int result;

	if (++check->visits > VISITS_MAX)
		return refuse(check, "too many members");
	if (btf_scalar(check->btf, id, &scalar))
		return check_scalar(check, &scalar, room);
	type = btf_value_type(check->btf, &id);
	if (!type)
		return refuse(check, "a type without a size");
	if (check->depth >= DEPTH_MAX)
		return refuse(check, "nested too deep");
	check->depth++;
	result = check_below(check, type, room);
	check->depth--;
	return result;
}

int btf_value_check(const struct btf *btf, uint32_t id, size_t size, const char *operand, struct error *error)
{
	struct checking check = { .btf = btf, .operand = operand, .error = error };
	const struct btf_type *type;
	uint32_t behind = id;

	if (check_type(&check, id, size * 8ull))
		return -1;
	type = btf_value_type(btf, &behind);
	/* libbpf does not say the size of a section */
	if (type && btf_is_datasec(type) ? type->size != size : btf__resolve_size(btf, id) != (int64_t)size)
		return refuse(&check, "it is of another size");
	return 0;
}
