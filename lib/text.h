/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Text that is put together piece by piece in memory of the caller's, without the cost of formats. What does not fit
 * is cut off, so whoever must not lose any sees to it that there is room beforehand (text_room).
 */
#ifndef SPLICER_TEXT_H
#define SPLICER_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct text {
	char *data; /* not terminated */
	size_t size, length;
};

/* A text over an array. */
#define TEXT_OF(array) ((struct text){ .data = (array), .size = sizeof(array) })

/* Bytes that can still be put. */
static inline size_t text_room(const struct text *text)
{
	return text->size - text->length;
}

static inline void text_bytes(struct text *text, const char *bytes, size_t count)
{
	if (count > text_room(text))
		count = text_room(text);
	memcpy(text->data + text->length, bytes, count);
	text->length += count;
}

static inline void text_put(struct text *text, const char *string)
{
	text_bytes(text, string, strlen(string));
}

static inline void text_char(struct text *text, char character)
{
	text_bytes(text, &character, 1);
}

void text_blanks(struct text *text, size_t count);

/* Decimal; with at least so many digits, zeros in front. */
void text_number(struct text *text, uint64_t value);
void text_digits(struct text *text, uint64_t value, unsigned int digits);

/* Decimal, of more than 64 bits. */
void text_wide(struct text *text, unsigned __int128 value);

/* Small letters, exactly so many digits. */
void text_hex(struct text *text, uint64_t value, unsigned int digits);

/* As address_format of prefix.h has it. family is 4 or 6, the address in network byte order. */
void text_address(struct text *text, uint8_t family, const uint8_t addr[16]);

/* Six bytes: "02:00:00:00:00:01" */
void text_mac(struct text *text, const uint8_t mac[6]);

/*
 * A name from outside as one word of a line, by which nobody can fake another word, another line, or what a terminal
 * obeys: the backslash, what is not printable, blanks other than the plain one and what reorders or hides letters
 * become \xNN for each byte, as does what is no UTF-8. A name with a blank or a quote stands in quotes, with \" for
 * its own; so does the empty one.
 */
void text_name(struct text *text, const char *name);

/*
 * What a table shows of a string: the same, or if it has any of these, in form, all but its quotes as text_name has it.
 * What does not fit is cut off.
 */
const char *text_cell(const char *string, char *form, size_t size);

/* As json_string of out.h has it. */
void text_json(struct text *text, const char *string);

/*
 * A JSON string has bytes as they are, up to the first that needs another form; json_escape gives that, terminated, and
 * returns how many bytes it is the form of. There is one left: *string is not the terminator.
 */
size_t json_plain_length(const char *string);
#define JSON_ESCAPE_MAX 16
unsigned int json_escape(const char *string, char form[JSON_ESCAPE_MAX]);

#endif
