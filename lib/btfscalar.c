/* SPDX-License-Identifier: GPL-2.0-only */
#include "btfvalue.h"
#include "prefix.h"
#include "utf8.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- numbers ---- */

bool scalar_is_number(const struct scalar *scalar)
{
	return scalar->kind == SCALAR_UNSIGNED || scalar->kind == SCALAR_SIGNED || scalar->kind == SCALAR_BOOL;
}

/* Where bit i of a number that begins at bit `offset` lies: the least significant bit is 0. */
static uint64_t bit_place(uint64_t offset, uint32_t bits, uint32_t i)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	(void)bits;
	return offset + i;
#else
	uint64_t at = offset + bits - 1 - i;

	return at / 8 * 8 + (7 - at % 8);
#endif
}

static scalar_number bits_read(const uint8_t *bytes, uint64_t offset, uint32_t bits)
{
	scalar_number number = 0;

	for (uint32_t i = 0; i < bits; i++) {
		uint64_t at = bit_place(offset, bits, i);

		number |= (scalar_number)(bytes[at / 8] >> at % 8 & 1) << i;
	}
	return number;
}

static void bits_write(uint8_t *bytes, uint64_t offset, uint32_t bits, scalar_number number)
{
	for (uint32_t i = 0; i < bits; i++) {
		uint64_t at = bit_place(offset, bits, i);

		bytes[at / 8] =
			(uint8_t)((bytes[at / 8] & ~(1u << at % 8)) | (unsigned int)(number >> i & 1) << at % 8);
	}
}

/* The common sizes at once: -1 if it is none. */
static int whole_read(const uint8_t *bytes, uint64_t offset, uint32_t bits, scalar_number *number)
{
	uint64_t word = 0;
	uint16_t half;
	uint32_t full;

	if (offset % 8)
		return -1;
	switch (bits) {
	case 8:
		word = bytes[offset / 8];
		break;
	case 16:
		memcpy(&half, bytes + offset / 8, sizeof(half));
		word = half;
		break;
	case 32:
		memcpy(&full, bytes + offset / 8, sizeof(full));
		word = full;
		break;
	case 64:
		memcpy(&word, bytes + offset / 8, sizeof(word));
		break;
	default:
		return -1;
	}
	*number = word;
	return 0;
}

static scalar_number swap(scalar_number number, uint32_t bits)
{
	scalar_number swapped = 0;

	for (uint32_t i = 0; i < bits; i += 8)
		swapped = swapped << 8 | (number >> i & 0xff);
	return swapped;
}

/* The sign to all bits. */
static scalar_number extend(scalar_number number, uint32_t bits)
{
	scalar_number sign;

	if (!bits || bits >= SCALAR_BITS_MAX)
		return number;
	sign = (scalar_number)1 << (bits - 1);
	return (number ^ sign) - sign;
}

scalar_number scalar_read(const struct scalar *scalar, const void *bytes, uint64_t offset)
{
	bool is_signed = scalar->kind == SCALAR_SIGNED || (scalar->kind == SCALAR_ENUM && scalar->negative);
	scalar_number number;

	offset += scalar->offset;
	if (whole_read(bytes, offset, scalar->bits, &number))
		number = bits_read(bytes, offset, scalar->bits);
	if (scalar->swapped)
		number = swap(number, scalar->bits);
	return is_signed ? extend(number, scalar->bits) : number;
}

void scalar_write(const struct scalar *scalar, void *bytes, uint64_t offset, scalar_number number)
{
	if (scalar->swapped)
		number = swap(number, scalar->bits);
	bits_write(bytes, offset + scalar->offset, scalar->bits, number);
}

double scalar_read_float(const struct scalar *scalar, const void *bytes, uint64_t offset)
{
	const uint8_t *at = (const uint8_t *)bytes + offset / 8;
	double real;
	float single;

	if (scalar->bits == 32) {
		memcpy(&single, at, sizeof(single));
		return single;
	}
	memcpy(&real, at, sizeof(real));
	return real;
}

void text_number128(struct text *text, scalar_number number, bool is_signed)
{
	bool is_negative = is_signed && number >> (SCALAR_BITS_MAX - 1);

	if (is_negative)
		text_char(text, '-');
	text_wide(text, is_negative ? -number : number);
}

void text_float(struct text *text, double number, bool single)
{
	char form[40];
	double size = fabs(number);

	if (isnan(number) || isinf(number)) {
		text_put(text, isnan(number) ? "NaN" : number < 0 ? "-Inf" : "+Inf");
		return;
	}
	for (int digits = 1; digits <= 17; digits++) {
		double back;

		snprintf(form, sizeof(form), "%.*g", digits, number);
		back = strtod(form, NULL);
		if (single ? (float)back == (float)number : back == number)
			break;
	}
	/* whole numbers without an exponent */
	if (strchr(form, 'e') && size < 1e15 && size == floor(size))
		snprintf(form, sizeof(form), "%.0f", number);
	text_put(text, form);
}

/* ---- text ---- */

static void enum_text(const struct btf *btf, const struct scalar *scalar, scalar_number number, struct text *text)
{
	const struct btf_type *type = btf__type_by_id(btf, scalar->type);
	uint64_t mask = scalar->bits < 64 ? (1ull << scalar->bits) - 1 : UINT64_MAX;

	for (uint32_t i = 0; i < btf_vlen(type); i++) {
		uint64_t value = btf_is_enum(type) ? (uint64_t)(int64_t)btf_enum(type)[i].val
						   : btf_enum64_value(&btf_enum64(type)[i]);
		uint32_t name = btf_is_enum(type) ? btf_enum(type)[i].name_off : btf_enum64(type)[i].name_off;
		const char *word = btf_name(btf, name);

		if (((value ^ (uint64_t)number) & mask) == 0 && word) {
			text_put(text, word);
			return;
		}
	}
	text_number128(text, number, scalar->negative);
}

/* A string of at most `size` bytes that may have no end. */
static void string_text(const char *bytes, size_t size, enum text_escape escape, struct text *text)
{
	size_t length = strnlen(bytes, size), room = 4 * length + 1;
	char *string = malloc(length + 1), *form = malloc(room);
	bool plain = escape == ESCAPE_NONE;

	if (string && form) {
		memcpy(string, bytes, length);
		string[length] = '\0';
		plain |= escape == ESCAPE_BYTES && utf8_is_text(string);
		text_put(text, plain ? string : text_cell(string, form, room));
	}
	free(string);
	free(form);
}

static void bytes_text(const uint8_t *bytes, size_t size, struct text *text)
{
	text_put(text, "0x");
	for (size_t i = 0; i < size; i++)
		text_hex(text, bytes[i], 2);
}

static void pointer_text(uint64_t number, struct text *text)
{
	unsigned int digits = 1;

	while (digits < 16 && number >> 4 * digits)
		digits++;
	text_put(text, "0x");
	text_hex(text, number, digits);
}

void scalar_text(const struct btf *btf, const struct scalar *scalar, const void *bytes, uint64_t offset,
		 enum text_escape escape, struct text *text)
{
	const uint8_t *at = (const uint8_t *)bytes + offset / 8;
	uint8_t address[16] = { 0 };

	switch (scalar->kind) {
	case SCALAR_BOOL:
		text_put(text, scalar_read(scalar, bytes, offset) ? "true" : "false");
		break;
	case SCALAR_ENUM:
		enum_text(btf, scalar, scalar_read(scalar, bytes, offset), text);
		break;
	case SCALAR_FLOAT:
		text_float(text, scalar_read_float(scalar, bytes, offset), scalar->bits == 32);
		break;
	case SCALAR_POINTER:
		pointer_text((uint64_t)scalar_read(scalar, bytes, offset), text);
		break;
	case SCALAR_TEXT:
		string_text((const char *)at, scalar->bits / 8, escape, text);
		break;
	case SCALAR_IPV4:
	case SCALAR_IPV6:
		memcpy(address, at, scalar->bits / 8);
		text_address(text, scalar->kind == SCALAR_IPV4 ? 4 : 6, address);
		break;
	case SCALAR_BYTES:
		bytes_text(at, scalar->bits / 8, text);
		break;
	default:
		text_number128(text, scalar_read(scalar, bytes, offset), scalar->kind == SCALAR_SIGNED);
	}
}

size_t scalar_text_room(const struct scalar *scalar)
{
	if (scalar->kind == SCALAR_TEXT)
		return 4 * (size_t)(scalar->bits / 8);
	return scalar->kind == SCALAR_ENUM ? SCALAR_NAME_ROOM : PREFIX_TEXT_MAX;
}
