/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Messages of IPFIX (RFC 7011 section 3), whatever they tell: a header, and sets of templates or of data records. What
 * they tell of sessions is in flowipfix.h, where they go in ipfixout.h.
 */
#ifndef SPLICER_IPFIX_H
#define SPLICER_IPFIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IPFIX_MESSAGE_MAX 65535 /* bytes: its length has 16 bits */
#define IPFIX_TEMPLATES 2       /* the set id of templates; those of data are the ids of their templates, from 256 on */
#define IPFIX_REVERSE 29305     /* RFC 5103: the enterprise of elements that tell of the responder */

/* What a template has of a field, all in the byte order of the machine. */
struct ipfix_field {
	uint16_t number;     /* of the information element, 1 to 32767 */
	uint16_t length;     /* bytes */
	uint32_t enterprise; /* 0: IANA's */
};

/* A message in the making. The caller sets limit, at most IPFIX_MESSAGE_MAX, and domain; the rest begins as zero. */
struct ipfix_message {
	size_t limit;
	uint32_t domain;   /* observation domain id */
	uint32_t sequence; /* data records in the messages before, modulo 2^32 */
	uint32_t records;  /* data records in this one */
	size_t size;
	size_t set; /* where the open set begins; 0: none is */
	uint8_t bytes[IPFIX_MESSAGE_MAX];
};

/* Begins the next message; all before were sent. */
void ipfix_begin(struct ipfix_message *message);

/* Room for so many bytes in a set of this id, which is opened unless it is. False, and nothing has changed: none. */
bool ipfix_reserve(struct ipfix_message *message, uint16_t set, size_t size);

/* What a template takes in its set. */
size_t ipfix_template_size(const struct ipfix_field *fields, size_t count);

/* These write to what was reserved. A number is cut to so many bytes, 1 to 8, in network byte order. */
void ipfix_put(struct ipfix_message *message, uint64_t number, size_t size);
void ipfix_put_bytes(struct ipfix_message *message, const void *bytes, size_t size);
void ipfix_put_template(struct ipfix_message *message, uint16_t id, const struct ipfix_field *fields, size_t count);

/* Fills the header in; the message is `size` bytes. Seconds since 1970, which end in 2106. */
void ipfix_seal(struct ipfix_message *message, uint32_t seconds);

#endif
