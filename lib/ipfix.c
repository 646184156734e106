/* SPDX-License-Identifier: GPL-2.0-only */
#include "ipfix.h"

#include <string.h>

#define VERSION 10
#define HEADER 16
#define SET_HEADER 4
#define LENGTH_AT 2          /* of a message and of a set: where its length is */
#define OF_ENTERPRISE 0x8000 /* in the number of an element */

static void write_number(uint8_t *to, uint64_t number, size_t size)
{
	while (size--) {
		to[size] = (uint8_t)number;
		number >>= 8;
	}
}

/* The set has all it is to have. */
static void set_close(struct ipfix_message *message)
{
	if (message->set)
		write_number(message->bytes + message->set + LENGTH_AT, message->size - message->set, 2);
	message->set = 0;
}

static bool set_is(const struct ipfix_message *message, uint16_t id)
{
	const uint8_t *at = message->bytes + message->set;

	return message->set && (at[0] << 8 | at[1]) == id;
}

void ipfix_begin(struct ipfix_message *message)
{
	message->sequence += message->records;
	message->records = 0;
	message->size = HEADER;
	message->set = 0;
}

bool ipfix_reserve(struct ipfix_message *message, uint16_t set, size_t size)
{
	bool is_open = set_is(message, set);

	if (message->size + (is_open ? 0 : SET_HEADER) + size > message->limit)
		return false;
	if (is_open)
		return true;
	set_close(message);
	message->set = message->size;
	ipfix_put(message, set, 2);
	ipfix_put(message, 0, 2);
	return true;
}

size_t ipfix_template_size(const struct ipfix_field *fields, size_t count)
{
	size_t size = 4;

	for (size_t i = 0; i < count; i++)
		size += fields[i].enterprise ? 8 : 4;
	return size;
}

void ipfix_put(struct ipfix_message *message, uint64_t number, size_t size)
{
	write_number(message->bytes + message->size, number, size);
	message->size += size;
}

void ipfix_put_bytes(struct ipfix_message *message, const void *bytes, size_t size)
{
	memcpy(message->bytes + message->size, bytes, size);
	message->size += size;
}

void ipfix_put_template(struct ipfix_message *message, uint16_t id, const struct ipfix_field *fields, size_t count)
{
	ipfix_put(message, id, 2);
	ipfix_put(message, count, 2);
	for (size_t i = 0; i < count; i++) {
		ipfix_put(message, fields[i].number | (fields[i].enterprise ? OF_ENTERPRISE : 0), 2);
		ipfix_put(message, fields[i].length, 2);
		if (fields[i].enterprise)
			ipfix_put(message, fields[i].enterprise, 4);
	}
}

void ipfix_seal(struct ipfix_message *message, uint32_t seconds)
{
	uint8_t *at = message->bytes;

	set_close(message);
	write_number(at, VERSION, 2);
	write_number(at + LENGTH_AT, message->size, 2);
	write_number(at + 4, seconds, 4);
	write_number(at + 8, message->sequence, 4);
	write_number(at + 12, message->domain, 4);
}
