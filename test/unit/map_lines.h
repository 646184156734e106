/* SPDX-License-Identifier: GPL-2.0-only */
/* Text as flow_dump --metrics reads a file of it, for a map of one of each kind of field. */
#ifndef SPLICER_TEST_MAP_LINES_H
#define SPLICER_TEST_MAP_LINES_H

#include "mapspec.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* struct { u32 id; u8 mac[6]; in6_addr }; struct { u64 packets; s32 level; u64 sizes[4]; double load; char name[8]; u8
 * a : 3 } */
struct map_lines_types {
	struct btf *btf;
	struct btf_fields fields;
	int key, value;
};

static inline int map_lines_array(struct btf *btf, int type, uint32_t count)
{
	return btf__add_array(btf, type, type, count);
}

static inline int map_lines_key(struct btf *btf, int byte, int word)
{
	int mac = map_lines_array(btf, byte, 6), bytes = map_lines_array(btf, byte, 16);
	int address = btf__add_struct(btf, "in6_addr", 16);
	int key;

	btf__add_field(btf, "bytes", bytes, 0, 0);
	key = btf__add_struct(btf, "key", 28);
	btf__add_field(btf, "id", word, 0, 0);
	btf__add_field(btf, "mac", mac, 32, 0);
	btf__add_field(btf, "address", address, 96, 0);
	return key;
}

static inline int map_lines_value(struct btf *btf, int byte, int number)
{
	int level = btf__add_int(btf, "int", 4, BTF_INT_SIGNED), real = btf__add_float(btf, "double", 8);
	int text = map_lines_array(btf, btf__add_int(btf, "char", 1, BTF_INT_SIGNED), 8);
	int sizes = map_lines_array(btf, number, 4);
	int value = btf__add_struct(btf, "value", 72);

	btf__add_field(btf, "packets", number, 0, 0);
	btf__add_field(btf, "level", level, 64, 0);
	btf__add_field(btf, "sizes", sizes, 128, 0);
	btf__add_field(btf, "load", real, 384, 0);
	btf__add_field(btf, "name", text, 448, 0);
	btf__add_field(btf, "a", byte, 512, 3);
	return value;
}

static inline void map_lines_types_make(struct map_lines_types *types)
{
	struct error error;
	int byte, word, number;

	*types = (struct map_lines_types){ .btf = btf__new_empty() };
	byte = btf__add_int(types->btf, "unsigned char", 1, 0);
	word = btf__add_int(types->btf, "unsigned int", 4, 0);
	number = btf__add_int(types->btf, "unsigned long long", 8, 0);
	types->key = map_lines_key(types->btf, byte, word);
	types->value = map_lines_value(types->btf, byte, number);
	if (btf_value_check(types->btf, types->key, 28, "key", &error) ||
	    btf_value_check(types->btf, types->value, 72, "value", &error) ||
	    btf_fields_add(&types->fields, types->btf, types->key, "key", true, &error) ||
	    btf_fields_add(&types->fields, types->btf, types->value, "value", false, &error))
		abort();
}

static inline void map_lines_types_free(struct map_lines_types *types)
{
	btf_fields_free(&types->fields);
	btf__free(types->btf);
}

/* What a text says; standard input is used up. Released with mapspec_free. */
static inline int map_lines_read(const char *text, size_t size, const struct map_lines_types *types,
				 struct mapspec *spec, struct error *error)
{
	int result;

	*spec = (struct mapspec){ 0 };
	stdin = fmemopen((void *)(uintptr_t)text, size, "r");
	if (!stdin)
		return error_errno(error, "fmemopen");
	result = mapspec_read(spec, &types->fields, "-", error);
	fclose(stdin);
	stdin = NULL;
	return result;
}

#endif
