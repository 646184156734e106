/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Values in memory as BTF describes them (Documentation/bpf/btf.rst of the kernel), byte order of this machine:
 * btfvalue.c has types and what can be shown, btfscalar.c scalars as numbers and text, btfjson.c JSON.
 *
 * A scalar is what is shown in one piece: an integer of up to 128 bits, a bit field, a bool, an enumerator by its name,
 * a float, a pointer, an array of char as text, struct in_addr and in6_addr as addresses. __be16 and the like, by the
 * name of their typedef, are numbers in the order of this machine.
 */
#ifndef SPLICER_BTFVALUE_H
#define SPLICER_BTFVALUE_H

#include "error.h"
#include "text.h"

#include <bpf/btf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCALAR_BITS_MAX 128  /* of an integer */
#define SCALAR_NAME_ROOM 512 /* bytes of the name of an enumerator: KSYM_NAME_LEN */

enum scalar_kind {
	SCALAR_UNSIGNED,
	SCALAR_SIGNED,
	SCALAR_BOOL,
	SCALAR_ENUM,
	SCALAR_FLOAT,   /* of 4 or 8 bytes */
	SCALAR_POINTER, /* "0x..." */
	SCALAR_TEXT,
	SCALAR_IPV4,
	SCALAR_IPV6,
	SCALAR_BYTES, /* a float of another size: "0x...", as it is in memory */
};

struct scalar {
	enum scalar_kind kind;
	uint32_t type; /* of the enumeration */
	uint32_t bits;
	uint32_t offset; /* bits to its begin; of an integer that is narrower than its bytes */
	bool swapped;    /* of the other byte order than this machine's */
	bool negative;   /* an enumeration may have negative numbers */
};

typedef unsigned __int128 scalar_number;

/*
 * Whether all of a type can be shown, and all of it lies within `size` bytes, which must be its own size. What follows
 * is only for types that were checked. -1 with *error: `operand: reason`.
 */
int btf_value_check(const struct btf *btf, uint32_t type, size_t size, const char *operand, struct error *error);

/* The type behind typedef, const, variable and the like. */
const struct btf_type *btf_value_type(const struct btf *btf, uint32_t *type);

/* Whether the type is a scalar; *scalar then says how to read it. */
bool btf_scalar(const struct btf *btf, uint32_t type, struct scalar *scalar);

/* A name; NULL: none, or not of printable characters alone. The kernel loads no such BTF, libbpf would take it from a
 * file. */
const char *btf_name(const struct btf *btf, uint32_t offset);

/* Of a member of a struct or union, which may be a bit field, or of a variable of a section: its type and its offset in
 * bits; whether it is a scalar. Its name is NULL if it has none. */
struct btf_part {
	const char *name;
	uint32_t type;
	uint64_t offset;
	bool is_scalar;
	struct scalar scalar;
};
void btf_part(const struct btf *btf, const struct btf_type *parent, uint32_t i, struct btf_part *part);

/* Whether it is a struct, a union or a section of variables: of so many parts (btf_vlen). */
bool btf_has_parts(const struct btf_type *type);

/* Whether the kind is a number that can be added up: an integer, or a bool. */
bool scalar_is_number(const struct scalar *scalar);

/* The bits of a scalar of a kind that has a number; what is signed is extended to all 128 bits. */
scalar_number scalar_read(const struct scalar *scalar, const void *bytes, uint64_t offset);

/* Stores the lower bits. */
void scalar_write(const struct scalar *scalar, void *bytes, uint64_t offset, scalar_number number);

/* Of a float. */
double scalar_read_float(const struct scalar *scalar, const void *bytes, uint64_t offset);

/* What the text of an array of char shows as \xNN, and then the backslash as well. */
enum text_escape {
	ESCAPE_NONE,     /* for who does it himself */
	ESCAPE_BYTES,    /* all that is not plain, of what is no UTF-8 */
	ESCAPE_CONTROLS, /* and whatever a terminal could obey */
};

/* As text. An array of char ends at its first NUL. */
void scalar_text(const struct btf *btf, const struct scalar *scalar, const void *bytes, uint64_t offset,
		 enum text_escape escape, struct text *text);

/* Bytes that the text of one has at most. */
size_t scalar_text_room(const struct scalar *scalar);

/* Decimal. */
void text_number128(struct text *text, scalar_number number, bool is_signed);

/* With as few digits as tell it from any other; "NaN", "+Inf", "-Inf". */
void text_float(struct text *text, double number, bool single);

/* Prints the value as JSON: objects, arrays, strings, numbers; a float that is none is null. -1 with errno. */
int btf_value_json(const struct btf *btf, uint32_t type, const void *bytes);

#endif
