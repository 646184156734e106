/* SPDX-License-Identifier: GPL-2.0-only */
/* Between service.c, which has the table, and what tells one service from another: servicetext.c, servicebytes.c. */
#ifndef SPLICER_SERVICE_INTERNAL_H
#define SPLICER_SERVICE_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* What one end said first. */
struct said {
	const uint8_t *bytes;
	size_t length; /* at most FLOW_CONTENT_MAX: the rest is not kept */
	uint64_t payload, packets;
};

/* Whether these are the words of a service, `other` being what the other end said. */
typedef bool service_test(const struct said *said, const struct said *other);

/* Lines of text, the server's first: what a 220 is of is told by the client, or by what else is in it. */
service_test service_is_ftp, service_is_smtp, service_is_smtp_client, service_is_pop3, service_is_imap,
	service_is_http_request, service_is_http_answer, service_is_http_page, service_is_sip, service_is_vnc;

service_test service_is_tls, service_is_dtls, service_is_dns, service_is_dns_tcp, service_is_telnet,
	service_is_rdp_client, service_is_rdp_server, service_is_mysql, service_is_postgresql, service_is_smb,
	service_is_ldap, service_is_ntp, service_is_dhcp, service_is_dhcp6, service_is_snmp, service_is_quic;

static inline bool said_begins(const struct said *said, const char *text)
{
	size_t length = strlen(text);

	return said->length >= length && !memcmp(said->bytes, text, length);
}

/* Numbers in network byte order; the caller has seen that they are there. */
static inline uint32_t said_u16(const struct said *said, size_t at)
{
	return (uint32_t)said->bytes[at] << 8 | said->bytes[at + 1];
}

static inline uint32_t said_u32(const struct said *said, size_t at)
{
	return said_u16(said, at) << 16 | said_u16(said, at + 2);
}

/* Whether packets, each of which is a message, are of so many bytes or more, as far as counters tell. */
static inline bool said_at_least(const struct said *said, uint64_t bytes)
{
	return said->payload >= bytes * said->packets;
}

/* Whether all from here on is text of a line, or of its end. */
static inline bool said_text(const struct said *said, size_t at)
{
	for (; at < said->length; at++)
		if ((said->bytes[at] < ' ' || said->bytes[at] > '~') && !memchr("\r\n\t\033", said->bytes[at], 4))
			return false;
	return true;
}

#endif
