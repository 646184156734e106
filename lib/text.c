/* SPDX-License-Identifier: GPL-2.0-only */
#include "text.h"

#include "prefix.h"
#include "utf8.h"

#include <stdbool.h>
#include <stdio.h>

void text_blanks(struct text *text, size_t count)
{
	if (count > text_room(text))
		count = text_room(text);
	memset(text->data + text->length, ' ', count);
	text->length += count;
}

void text_digits(struct text *text, uint64_t value, unsigned int digits)
{
	char form[20]; /* of 2^64 - 1 */
	unsigned int at = sizeof(form);

	while (at && (value || sizeof(form) - at < digits)) {
		form[--at] = (char)('0' + value % 10);
		value /= 10;
	}
	text_bytes(text, form + at, sizeof(form) - at);
}

void text_number(struct text *text, uint64_t value)
{
	text_digits(text, value, 1);
}

void text_wide(struct text *text, unsigned __int128 value)
{
	char digits[40], *at = digits + sizeof(digits); /* of 2^128 - 1 */

	do {
		*--at = (char)('0' + (int)(value % 10));
		value /= 10;
	} while (value);
	text_bytes(text, at, (size_t)(digits + sizeof(digits) - at));
}

void text_hex(struct text *text, uint64_t value, unsigned int digits)
{
	while (digits--)
		text_char(text, "0123456789abcdef"[value >> 4 * digits & 15]);
}

void text_mac(struct text *text, const uint8_t mac[6])
{
	for (int i = 0; i < 6; i++) {
		if (i)
			text_char(text, ':');
		text_hex(text, mac[i], 2);
	}
}

/* ---- addresses ---- */

/* The longest run of zero groups, the first of equal ones; one group alone is no run (RFC 5952 section 4.2). */
static unsigned int zeros_find(const uint16_t groups[8], unsigned int *first)
{
	unsigned int longest = 1;

	*first = 8;
	for (unsigned int at = 0; at < 8; at++) {
		unsigned int end = at;

		while (end < 8 && !groups[end])
			end++;
		if (end - at > longest) {
			longest = end - at;
			*first = at;
		}
	}
	return *first == 8 ? 0 : longest;
}

/* Without the zeros in front. */
static void group_put(struct text *text, uint16_t group)
{
	text_hex(text, group, group >> 12 ? 4 : group >> 8 ? 3 : group >> 4 ? 2 : 1);
}

static void groups_put(struct text *text, const uint16_t groups[8])
{
	unsigned int first, zeros = zeros_find(groups, &first);

	for (unsigned int at = 0; at < 8; at++) {
		if (zeros && at == first) {
			text_put(text, "::");
			at += zeros - 1;
			continue;
		}
		if (at && !(zeros && at == first + zeros))
			text_char(text, ':');
		group_put(text, groups[at]);
	}
}

static void ipv4_put(struct text *text, const uint8_t addr[4])
{
	for (int i = 0; i < 4; i++) {
		if (i)
			text_char(text, '.');
		text_number(text, addr[i]);
	}
}

void text_address(struct text *text, uint8_t family, const uint8_t addr[16])
{
	char special[PREFIX_TEXT_MAX];
	uint16_t groups[8];

	if (family == 4) {
		ipv4_put(text, addr);
		return;
	}
	for (int i = 0; i < 8; i++)
		groups[i] = (uint16_t)(addr[2 * i] << 8 | addr[2 * i + 1]);
	/* some of those in ::/80 end in a dotted quad; they are rare */
	if (groups[0] | groups[1] | groups[2] | groups[3] | groups[4])
		groups_put(text, groups);
	else
		text_put(text, address_format(family, addr, special));
}

/* ---- names ---- */

/* Of more than one byte. */
static uint32_t utf8_character(const unsigned char *at, unsigned int length)
{
	uint32_t character = at[0] & (0xff >> (length + 1));

	for (unsigned int i = 1; i < length; i++)
		character = character << 6 | (at[i] & 0x3f);
	return character;
}

/* What shows nothing, looks like a blank, or changes how others are shown, from Unicode's categories C and Z and its
 * list of default ignorables. */
static bool is_hidden(uint32_t character)
{
	static const struct {
		uint32_t low, high;
	} hidden[] = {
		{ 0x80, 0xa0 },       { 0xad, 0xad },       { 0x34f, 0x34f },      { 0x61c, 0x61c },
		{ 0x115f, 0x1160 },   { 0x1680, 0x1680 },   { 0x17b4, 0x17b5 },    { 0x180b, 0x180f },
		{ 0x2000, 0x200f },   { 0x2028, 0x202f },   { 0x205f, 0x206f },    { 0x2800, 0x2800 },
		{ 0x3000, 0x3000 },   { 0x3164, 0x3164 },   { 0xe000, 0xf8ff },    { 0xfe00, 0xfe0f },
		{ 0xfeff, 0xfeff },   { 0xffa0, 0xffa0 },   { 0xfff0, 0xfffb },    { 0xfffe, 0xffff },
		{ 0x1bca0, 0x1bca3 }, { 0x1d173, 0x1d17a }, { 0xe0000, 0x10ffff },
	};

	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
		if (character >= hidden[i].low && character <= hidden[i].high)
			return true;
	return false;
}

static bool is_plain(const unsigned char *at, unsigned int length)
{
	if (length > 1)
		return !is_hidden(utf8_character(at, length));
	return length && *at >= ' ' && *at < 0x7f && *at != '\\';
}

/* A character as it is, or \xNN for each of its bytes. Returns how many these are. */
static unsigned int character_put(struct text *text, const unsigned char *at)
{
	unsigned int length = utf8_length(at), step = length ? length : 1;

	if (is_plain(at, length)) {
		text_bytes(text, (const char *)at, step);
		return step;
	}
	for (unsigned int i = 0; i < step; i++) {
		text_put(text, "\\x");
		text_hex(text, at[i], 2);
	}
	return step;
}

void text_name(struct text *text, const char *name)
{
	bool quoted = !*name || strpbrk(name, " \"");
	const unsigned char *at = (const unsigned char *)name;

	if (quoted)
		text_char(text, '"');
	while (*at) {
		if (*at == '"')
			text_char(text, '\\');
		at += character_put(text, at);
	}
	if (quoted)
		text_char(text, '"');
}

const char *text_cell(const char *string, char *form, size_t size)
{
	const unsigned char *at = (const unsigned char *)string;
	struct text text = { .data = form, .size = size - 1 };

	while (*at && is_plain(at, utf8_length(at)))
		at += utf8_length(at);
	if (!*at)
		return string;
	for (at = (const unsigned char *)string; *at;)
		at += character_put(&text, at);
	form[text.length] = '\0';
	return form;
}

/* ---- JSON ---- */

size_t json_plain_length(const char *string)
{
	const unsigned char *at = (const unsigned char *)string;

	while (*at >= 0x20 && *at < 0x7f && *at != '"' && *at != '\\')
		at++;
	return (size_t)(at - (const unsigned char *)string);
}

/* As UTF-16, of which characters above U+FFFF take two units. */
static void json_units(uint32_t character, char form[JSON_ESCAPE_MAX])
{
	uint32_t above = character - 0x10000;

	if (character < 0x10000)
		snprintf(form, JSON_ESCAPE_MAX, "\\u%04x", character);
	else
		snprintf(form, JSON_ESCAPE_MAX, "\\u%04x\\u%04x", 0xd800 | above >> 10, 0xdc00 | (above & 0x3ff));
}

unsigned int json_escape(const char *string, char form[JSON_ESCAPE_MAX])
{
	const unsigned char *at = (const unsigned char *)string;
	unsigned int length = utf8_length(at);

	if (*at == '"' || *at == '\\')
		snprintf(form, JSON_ESCAPE_MAX, "\\%c", *at);
	else if (length > 1 && is_hidden(utf8_character(at, length)))
		json_units(utf8_character(at, length), form);
	else if (!length)
		json_units(0xfffd, form);
	else if (*at < 0x20 || *at == 0x7f)
		json_units(*at, form);
	else
		snprintf(form, JSON_ESCAPE_MAX, "%.*s", (int)length, string);
	return length ? length : 1;
}

void text_json(struct text *text, const char *string)
{
	text_char(text, '"');
	for (;;) {
		size_t plain = json_plain_length(string);
		char form[JSON_ESCAPE_MAX];

		text_bytes(text, string, plain);
		string += plain;
		if (!*string)
			break;
		string += json_escape(string, form);
		text_put(text, form);
	}
	text_char(text, '"');
}
