/* SPDX-License-Identifier: GPL-2.0-only */
#include "service_internal.h"

#include <ctype.h>

/* Each of the functions below looks at what one end said; few of them at the other end's words. */
#define TEST(name) bool name(const struct said *said, __attribute__((unused)) const struct said *other)

static bool is_between(uint32_t number, uint32_t least, uint32_t most)
{
	return number >= least && number <= most;
}

/* ---- TLS: RFC 8446 section 5.1 and 4, DTLS: RFC 6347 section 4.1 ---- */

#define HELLO_LEAST 38 /* version, random, and the lengths of what follows */

/* A handshake that begins with a hello, of the client or of the server; its version is major.x. */
static bool is_hello(const struct said *said, size_t at, size_t version, uint8_t major)
{
	return is_between(said->bytes[at], 1, 2) && !said->bytes[at + 1] && said_u16(said, at + 2) >= HELLO_LEAST &&
	       said->bytes[version] == major;
}

TEST(service_is_tls)
{
	return said->length >= 11 && said->bytes[2] <= 4 && is_between(said_u16(said, 3), HELLO_LEAST + 4, 1 << 14) &&
	       is_hello(said, 5, 9, 3) && said->bytes[10] <= 4;
}

/* Its client may begin with epoch 0 only; the version of the hello is beyond what is kept. */
TEST(service_is_dtls)
{
	return said->length >= 24 && said->bytes[2] >= 0xfc && !said_u32(said, 3) && !said_u16(said, 7) &&
	       said_u16(said, 11) >= 12 && is_between(said->bytes[13], 1, 3) && !said->bytes[14] && !said->bytes[19];
}

/* ---- DNS: RFC 1035 section 4.1.1, RFC 6762 section 18 ---- */

#define DNS_HEADER 12
#define DNS_LEAST (DNS_HEADER + 5) /* a question about the root */
#define DNS_RECORDS_MAX 64

/* Flags, which of questions are nearly all zero. */
static bool dns_flags_fit(uint32_t flags)
{
	uint32_t opcode = flags >> 11 & 15;
	bool is_answer = flags & 0x8000;

	if (flags & 0x0040 || (opcode != 0 && opcode != 4 && opcode != 5))
		return false;
	return is_answer ? (flags & 15) <= 11 : !(flags & 0x068f);
}

static bool dns_counts_fit(const struct said *said, size_t at, bool is_answer)
{
	uint32_t questions = said_u16(said, at + 4), answers = said_u16(said, at + 6);

	/* mDNS: several questions, or an announcement that nobody asked for; its id is 0 */
	if (said_u16(said, at) ? questions != 1 : questions > DNS_RECORDS_MAX || questions + answers == 0)
		return false;
	if (!questions && !is_answer)
		return false;
	return answers <= DNS_RECORDS_MAX && said_u16(said, at + 8) <= DNS_RECORDS_MAX &&
	       said_u16(said, at + 10) <= DNS_RECORDS_MAX;
}

/* The first label, as far as it is kept; that of the root has no bytes. */
static bool dns_label_fits(const struct said *said, size_t at)
{
	size_t end = at + 1 + said->bytes[at];

	if (said->bytes[at] > 63)
		return false;
	for (at++; at < end && at < said->length; at++)
		if (said->bytes[at] <= ' ' || said->bytes[at] == 0x7f)
			return false;
	return true;
}

static bool is_dns_at(const struct said *said, size_t at)
{
	uint32_t flags;

	if (said->length < at + DNS_LEAST)
		return false;
	flags = said_u16(said, at + 2);
	return dns_flags_fit(flags) && dns_counts_fit(said, at, flags & 0x8000) &&
	       dns_label_fits(said, at + DNS_HEADER);
}

TEST(service_is_dns)
{
	return is_dns_at(said, 0);
}

/* RFC 7766 section 8: its length goes before a message. */
TEST(service_is_dns_tcp)
{
	return said->length >= 2 && said_u16(said, 0) >= DNS_LEAST && is_dns_at(said, 2);
}

/* ---- TELNET: RFC 854 ---- */

#define TELNET_IAC 0xff
#define TELNET_SB 0xfa
#define TELNET_OPTION_MAX 49

/* Bytes of negotiations: WILL, WON'T, DO, DON'T, each of one option. */
static size_t telnet_negotiated(const struct said *said)
{
	size_t at = 0;

	while (at + 3 <= said->length && said->bytes[at] == TELNET_IAC && said->bytes[at + 1] > TELNET_SB &&
	       said->bytes[at + 1] < TELNET_IAC && said->bytes[at + 2] <= TELNET_OPTION_MAX)
		at += 3;
	return at;
}

/* What comes then is text, a parameter of an option, or cut off. */
TEST(service_is_telnet)
{
	size_t at = telnet_negotiated(said);

	if (!at || said_text(said, at))
		return at;
	return at >= 6 && said->bytes[at] == TELNET_IAC && (at + 1 == said->length || said->bytes[at + 1] >= TELNET_SB);
}

/* ---- RDP: MS-RDPBCGR 2.2.1.1, 2.2.1.2, in TPKT (RFC 1006) and X.224 ---- */

#define X224_REQUEST 0xe0
#define X224_CONFIRM 0xd0

static bool is_x224(const struct said *said, uint8_t type)
{
	return said->length >= 11 && !said->bytes[1] && is_between(said_u16(said, 2), 11, 511) &&
	       (said->bytes[4] == 0xff || said->bytes[4] == said_u16(said, 2) - 5) && said->bytes[5] == type &&
	       !said->bytes[10];
}

/* What is negotiated: a type, flags, and 8, its length, lower byte first. */
static bool has_negotiation(const struct said *said, uint8_t least, uint8_t most)
{
	return said->length >= 19 && is_between(said->bytes[11], least, most) && said->bytes[13] == 8 &&
	       !said->bytes[14];
}

TEST(service_is_rdp_client)
{
	if (!is_x224(said, X224_REQUEST) || said_u16(said, 6))
		return false;
	return has_negotiation(said, 1, 1) || (said->length >= 23 && !memcmp(said->bytes + 11, "Cookie: msts", 12));
}

/* One that is old negotiates nothing: it is then for the client to say. */
TEST(service_is_rdp_server)
{
	return is_x224(said, X224_CONFIRM) && has_negotiation(said, 2, 3);
}

/* ---- databases ---- */

/* Protocol 10 and a version, as in "8.0.36"; or that who calls is not let in. */
TEST(service_is_mysql)
{
	size_t at = 5;

	if (said->length < 16 || said->bytes[1] || said->bytes[2] || said->bytes[3])
		return false;
	if (said->bytes[4] == 0xff)
		return !memcmp(said->bytes + 7, "Host ", 5) || !memcmp(said->bytes + 7, "#HY000", 6);
	while (at < said->length && isdigit(said->bytes[at]))
		at++;
	return said->bytes[4] == 10 && said->bytes[0] >= 40 && is_between((uint32_t)at, 6, 7) &&
	       said->bytes[at] == '.' && isdigit(said->bytes[at + 1]);
}

/* A request for TLS or GSSAPI, or protocol 3.x and the name of the first parameter. */
TEST(service_is_postgresql)
{
	if (said->length < 8)
		return false;
	if (said_u32(said, 0) == 8)
		return is_between(said_u32(said, 4), 80877103, 80877104);
	return is_between(said_u32(said, 0), 9, 10000) && is_between(said_u32(said, 4), 3 << 16, (3 << 16) + 2) &&
	       said->length >= 12 && (!memcmp(said->bytes + 8, "user", 4) || !memcmp(said->bytes + 8, "data", 4));
}

/* ---- files and directories ---- */

/* A session message of NetBIOS (RFC 1002 section 4.3) with SMB in it, or a request for a session. */
TEST(service_is_smb)
{
	if (said->length < 8)
		return false;
	if (!said->bytes[0])
		return said->bytes[4] >= 0xfc && !memcmp(said->bytes + 5, "SMB", 3);
	if (said_u32(said, 0) != 0x81000044 || said->bytes[4] != 32)
		return false;
	for (size_t at = 5; at < said->length; at++)
		if (!is_between(said->bytes[at], 'A', 'P'))
			return false;
	return true;
}

/* A tag of ASN.1 BER, and its length (X.690 section 8.1.3): *at is moved after both. */
static bool ber_take(const struct said *said, size_t *at, uint8_t tag, uint32_t *length)
{
	size_t more = 0;

	if (*at + 2 > said->length || said->bytes[*at] != tag)
		return false;
	*length = said->bytes[*at + 1];
	*at += 2;
	if (*length >= 0x80) {
		more = *length & 0x7f;
		*length = 0;
	}
	if (more > 4 || *at + more > said->length)
		return false;
	for (; more; more--)
		*length = *length << 8 | said->bytes[(*at)++];
	return true;
}

#define BER_INTEGER 0x02
#define BER_OCTETS 0x04
#define BER_ENUMERATED 0x0a
#define BER_SEQUENCE 0x30

/* What an operation of LDAP (RFC 4511 section 4) begins with. */
static const struct {
	uint8_t operation, tag;
} ldap_operations[] = {
	{ 0x60, BER_INTEGER },    /* bind */
	{ 0x61, BER_ENUMERATED }, /* its result */
	{ 0x63, BER_OCTETS },     /* search */
	{ 0x64, BER_OCTETS },     /* an entry */
	{ 0x65, BER_ENUMERATED }, /* its result */
	{ 0x77, 0x80 },           /* an extended request, as for TLS */
	{ 0x78, BER_ENUMERATED }, /* its result */
};

TEST(service_is_ldap)
{
	uint32_t length, id_length;
	size_t at = 0;

	if (!ber_take(said, &at, BER_SEQUENCE, &length) || !ber_take(said, &at, BER_INTEGER, &id_length) ||
	    !is_between(id_length, 1, 4) || length < id_length + 4)
		return false;
	at += id_length;
	for (size_t i = 0; i < sizeof(ldap_operations) / sizeof(ldap_operations[0]); i++) {
		size_t inner = at;

		if (ber_take(said, &inner, ldap_operations[i].operation, &length))
			return inner < said->length && said->bytes[inner] == ldap_operations[i].tag;
	}
	return false;
}

/* RFC 3416, RFC 1157: version 1 or 2c, a community, a PDU; RFC 3412: version 3, a header. */
TEST(service_is_snmp)
{
	uint32_t length;
	size_t at = 0;

	if (!ber_take(said, &at, BER_SEQUENCE, &length) || length < 10 || at + 5 > said->length ||
	    said_u16(said, at) != 0x0201)
		return false;
	at += 3;
	if (said->bytes[at - 1] == 3)
		return ber_take(said, &at, BER_SEQUENCE, &length) && ber_take(said, &at, BER_INTEGER, &length) &&
		       is_between(length, 1, 5);
	if (said->bytes[at - 1] > 1 || !ber_take(said, &at, BER_OCTETS, &length))
		return false;
	at += length;
	return at < said->length ? is_between(said->bytes[at], 0xa0, 0xa8) : said_text(said, at - length);
}

/* ---- time and addresses ---- */

#define NTP_LENGTH 48

/*
 * RFC 5905 section 7.3: version 3 or 4; client, server, symmetric or broadcast; stratum, poll and precision that can
 * be, a root delay and dispersion below 256 s.
 */
TEST(service_is_ntp)
{
	const uint8_t *bytes = said->bytes;

	if (said->length < 24 || !said_at_least(said, NTP_LENGTH))
		return false;
	/* precision of a client may be 0, or 32 of one that does not tell */
	return is_between(bytes[0] >> 3 & 7, 3, 4) && is_between(bytes[0] & 7, 1, 5) && bytes[1] <= 16 &&
	       (bytes[2] <= 17 || bytes[2] >= 0xfa) && (bytes[3] >= 0xe0 || !bytes[3] || bytes[3] == 32) && !bytes[4] &&
	       !bytes[8];
}

#define DHCP_LENGTH 240 /* with the cookie, which is beyond what is kept */

/* RFC 2131 section 2, of Ethernet */
TEST(service_is_dhcp)
{
	return said->length >= 24 && said_at_least(said, DHCP_LENGTH) && is_between(said->bytes[0], 1, 2) &&
	       said_u16(said, 1) == 0x0106 && said->bytes[3] <= 16 && !(said_u16(said, 10) & 0x7fff);
}

/* What an option that messages of DHCPv6 (RFC 8415 section 21) begin with is long. */
static const struct {
	uint8_t option, least, most;
} dhcp6_options[] = {
	{ 1, 10, 130 }, { 2, 10, 130 }, { 3, 12, 255 }, { 6, 2, 128 }, { 8, 2, 2 }, { 14, 0, 0 }, { 25, 12, 255 },
};

/* The length of the option there, with its header; 0: it is none of these. */
static size_t dhcp6_option(const struct said *said, size_t at)
{
	uint32_t option = said_u16(said, at), length = said_u16(said, at + 2);

	for (size_t i = 0; i < sizeof(dhcp6_options) / sizeof(dhcp6_options[0]); i++)
		if (option == dhcp6_options[i].option)
			return is_between(length, dhcp6_options[i].least, dhcp6_options[i].most) ? length + 4 : 0;
	return 0;
}

/* A type, a transaction, and options as far as they are kept: two or more, or the id of an end. */
TEST(service_is_dhcp6)
{
	size_t at = 4, options = 0, length;

	if (said->length < 18 || !is_between(said->bytes[0], 1, 11))
		return false;
	if (said_u16(said, 4) <= 2)
		return dhcp6_option(said, 4) && is_between(said_u16(said, 8), 1, 4);
	for (; at + 4 <= said->length; at += length, options++) {
		length = dhcp6_option(said, at);
		if (!length)
			return false;
	}
	return options >= 2;
}

/* ---- QUIC: RFC 9000 section 17.2, RFC 9369 ---- */

#define QUIC_ID_MAX 20

/* A long header of version 1 or 2; both of its ids have a length that can be. */
TEST(service_is_quic)
{
	size_t at;

	if (said->length < 16 || (said->bytes[0] & 0xc0) != 0xc0 ||
	    (said_u32(said, 1) != 1 && said_u32(said, 1) != 0x6b3343cf))
		return false;
	at = 6 + (size_t)said->bytes[5];
	return said->bytes[5] <= QUIC_ID_MAX && (at >= said->length || said->bytes[at] <= QUIC_ID_MAX);
}
