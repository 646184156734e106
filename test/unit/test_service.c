/* SPDX-License-Identifier: GPL-2.0-only */
/* lib/service.c: what is said first, and which service that is. */
#include "service.h"

#include "tap.h"

#include <netinet/in.h>

#define SAYS(bytes) bytes, sizeof(bytes) - 1

struct dialogue {
	enum service service;
	uint8_t proto;
	const char *client;
	size_t client_length;
	const char *server;
	size_t server_length;
	uint64_t payload; /* of each end, in one packet; 0: what is here */
	const char *what;
};

#define TCP(service, client, server, what)                                                        \
	{                                                                                         \
		SERVICE_##service, IPPROTO_TCP, SAYS(client), SAYS(server), 0, #service ": " what \
	}
#define UDP(service, client, server, payload, what)                                                     \
	{                                                                                               \
		SERVICE_##service, IPPROTO_UDP, SAYS(client), SAYS(server), payload, #service ": " what \
	}

/* As captured, or by the document that service*.c names. */
static const struct dialogue dialogues[] = {
	TCP(SSH, "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", "SSH-2.0-OpenSSH_9.2p1\r\n", "OpenSSH"),
	TCP(SSH, "", "SSH-1.99-Cisco-1.25\n", "the server's banner alone"),
	TCP(SSH, "SSH-2.0-libssh2_1.11.0\r\n", "", "a client that is not answered"),
	TCP(SSH, "SSH-2.0-Go\r\n", "Welcome\r\nSSH-2.0-x\r\n", "a line before the banner: RFC 4253 section 4.2"),
	TCP(TLS, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\x12\x34\x56\x78\x9a\xbc\xde\xf0\x12\x34\x56\x78\x9a",
	    "\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03\x12\x34\x56\x78\x9a\xbc\xde\xf0\x12\x34\x56\x78\x9a", "1.3"),
	TCP(TLS, "", "\x16\x03\x01\x00\x51\x02\x00\x00\x4d\x03\x01\x50\x00", "1.0, the server alone"),
	UDP(TLS, "\x16\xfe\xff\0\0\0\0\0\0\0\0\0\x9a\x01\0\0\x8e\0\0\0\0\0\0\x8e", "", 167, "DTLS"),
	TCP(HTTP, "GET / HTTP/1.1\r\nHost: a\r\n", "HTTP/1.1 200 OK\r\n", "GET"),
	TCP(HTTP, "POST /cgi-bin/login.cgi HT", "", "POST to who does not answer"),
	TCP(HTTP, "CONNECT example.org:443 H", "", "CONNECT"),
	TCP(HTTP, "OPTIONS * HTTP/1.1\r\n", "", "OPTIONS *"),
	TCP(HTTP, "GET http://example.org/ HTTP", "", "to a proxy"),
	TCP(HTTP, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\0\0\x12\4\0\0\0\0\0", "2"),
	UDP(DNS, "\x12\x34\x01\0\0\1\0\0\0\0\0\0\7example\3or", "\x12\x34\x81\x80\0\1\0\1\0\0\0\0\7example\3or", 29,
	    "A"),
	UDP(DNS, "\x12\x34\x01\x20\0\1\0\0\0\0\0\1\0\0\2\0\1\0\0\x29\x10\0\0\0", "", 40,
	    "the root, with EDNS, as dig asks"),
	UDP(DNS, "", "\x12\x34\x81\x83\0\1\0\0\0\1\0\0\3www\7exampl", 90, "NXDOMAIN alone"),
	UDP(DNS, "\0\0\0\0\0\2\0\0\0\0\0\0\5_ipps\4_tcp\5loc", "", 45, "mDNS: two questions"),
	UDP(DNS, "\0\0\x84\0\0\0\0\1\0\0\0\3\4host\5local\0\0\1\x80", "", 100, "mDNS: announced"),
	UDP(DNS,
	    "\x80\x01\x01\x10\0\1\0\0\0\0\0\0\x20"
	    "EGEBEFEFCAC",
	    "", 50, "NetBIOS names"),
	TCP(DNS, "\0\x1d\x12\x34\x01\0\0\1\0\0\0\0\0\0\7example\3", "", "by TCP"),
	TCP(FTP, "USER anonymous\r\n", "220 (vsFTPd 3.0.3)\r\n", "vsftpd"),
	TCP(FTP, "AUTH TLS\r\n", "220 Welcome to our archi", "only the client tells"),
	TCP(FTP, "", "220-FileZilla Server FTP", "only the server tells"),
	TCP(SMTP, "EHLO client.example\r\n", "220 mail.example.org ESM", "EHLO"),
	TCP(SMTP, "ehlo x\r\n", "220 ftp.example.org at y", "the client knows better than the name"),
	TCP(SMTP, "", "220 mx.a ESMTP Postfix\r\n", "only the server tells"),
	TCP(SMTP, "HELO scanner\r\n", "", "only the client tells"),
	TCP(POP3, "USER joe\r\n", "+OK Dovecot ready.\r\n", "Dovecot"),
	TCP(POP3, "CAPA\r\n", "+OK\r\n", "short"),
	TCP(IMAP, "a001 CAPABILITY\r\n", "* OK [CAPABILITY IMAP4rev", "Dovecot"),
	TCP(IMAP, "", "* PREAUTH ready\r\n", "PREAUTH"),
	TCP(TELNET, "", "\xff\xfd\1\xff\xfd\x1f\xff\xfb\1\xff\xfb\3", "busybox"),
	TCP(TELNET, "\xff\xfd\3\xff\xfb\x18\xff\xfb\x1f\xff\xfb\x20\xff\xfb\x21\xff\xfb\x22\xff\xfb\x27\xff\xfd\5", "",
	    "a client that begins"),
	TCP(TELNET, "", "\xff\xfd\1\r\nlogin: ", "an option and the prompt"),
	TCP(RDP, "\3\0\0\x2c\x27\xe0\0\0\0\0\0Cookie: mstsh", "\3\0\0\x13\x0e\xd0\0\0\x12\x34\0\2\x1f\x08\0\2\0\0\0",
	    "a cookie"),
	TCP(RDP, "\3\0\0\x13\x0e\xe0\0\0\0\0\0\1\0\x08\0\3\0\0\0", "", "negotiation, not answered"),
	TCP(RDP, "", "\3\0\0\x13\x0e\xd0\0\0\x12\x34\0\3\0\x08\0\5\0\0\0", "the server alone, that wants more"),
	TCP(VNC, "RFB 003.008\n", "RFB 003.008\n", "3.8"),
	TCP(VNC, "", "RFB 005.000\n", "RealVNC"),
	TCP(MYSQL, "",
	    "\x4a\0\0\0\x0a"
	    "8.0.36\0\x0b\0\0\0\1\2\3\4\5\6\7",
	    "8.0"),
	TCP(MYSQL, "",
	    "\x6e\0\0\0\x0a"
	    "5.5.5-10.11.6-Maria",
	    "MariaDB"),
	TCP(MYSQL, "", "\x45\0\0\0\xff\x6a\4Host '10.0.0.1' i", "refused"),
	TCP(POSTGRESQL, "\0\0\0\x08\4\xd2\x16\x2f", "S", "SSLRequest"),
	TCP(POSTGRESQL, "\0\0\0\x54\0\3\0\0user\0postgres\0dat", "R\0\0\0\x17\0\0\0\x0a", "startup"),
	TCP(SMB, "\0\0\0\x9b\xffSMBr\0\0\0\0\x18\x53\xc8", "", "1"),
	TCP(SMB, "\0\0\0\xb4\xfeSMB\x40\0\0\0\0\0\0\0", "\0\0\0\xb4\xfeSMB\x40\0\1\0\0\0\0\0", "2"),
	TCP(SMB,
	    "\x81\0\0\x44\x20"
	    "CKFDENECFDEFFCFGEF",
	    "\x82\0\0\0", "by NetBIOS"),
	TCP(LDAP, "\x30\x0c\2\1\1\x60\7\2\1\3\4\0\x80\0", "\x30\x0c\2\1\1\x61\7\x0a\1\0\4\0\4\0", "bind"),
	TCP(LDAP, "\x30\x84\0\0\0\x2b\2\1\1\x63\x84\0\0\0\x22\4\0\x0a\1\0\x0a\1\0\2", "", "search, lengths of 4 bytes"),
	TCP(LDAP,
	    "\x30\x1d\2\1\1\x77\x18\x80\x16"
	    "1.3.6.1.4.1.14",
	    "", "StartTLS"),
	UDP(LDAP, "\x30\x25\2\1\1\x63\x20\4\0\x0a\1\0\x0a\1\0\2\1\0\2\1\0\1\1\0", "", 39, "without connection"),
	TCP(SIP, "REGISTER sip:example.org ", "SIP/2.0 401 Unauthorized", "by TCP"),
	UDP(SIP, "OPTIONS sip:100@10.0.0.1 ", "", 400, "as scanners ask"),
	UDP(SIP, "", "SIP/2.0 200 OK\r\n", 300, "the server alone"),
	UDP(NTP, "\x23\0\6\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
	    "\x24\2\6\xe8\0\0\2\x1a\0\0\1\x0b\xc0\0\2\1\xe9\x11\x22\x33\x44\x55\x66\x77", 48, "chrony"),
	UDP(NTP, "\xe3\0\4\xfa\0\1\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0", "", 48, "ntpdate"),
	UDP(DHCP, "\1\1\6\0\x12\x34\x56\x78\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0", "", 300, "DISCOVER"),
	UDP(DHCP, "\1\1\6\0\x12\x34\x56\x78\0\0\x80\0\0\0\0\0\0\0\0\0\0\0\0\0", "", 300, "to be answered by broadcast"),
	UDP(DHCP, "\1\x12\x34\x56\0\1\0\x0e\0\1\0\1\x29\1\2\3\2\0\0\0\0\1\0\6", "", 60, "DHCPv6, who asks first"),
	UDP(DHCP, "\1\x12\x34\x56\0\x08\0\2\0\0\0\1\0\x0e\0\1\0\1\x29\1\2\3\2\0", "", 60, "DHCPv6, time first"),
	UDP(SNMP, "\x30\x26\2\1\1\4\6public\xa0\x19\2\4\1\2\3\4\2\1\0\2", "", 40, "2c"),
	UDP(SNMP, "\x30\x3e\2\1\3\x30\x11\2\4\x12\x34\x56\x78\2\3\0\xff\xe3\4\1\4\2\1", "", 64, "3"),
	UDP(QUIC, "\xc3\0\0\0\1\x08\1\2\3\4\5\6\7\x08\0\0\x44\xd0\1\2\3\4\5\6",
	    "\xe0\0\0\0\1\0\x08\1\2\3\4\5\6\7\x08\x40", 1200, "1"),
	UDP(QUIC, "\xd3\x6b\x33\x43\xcf\x08\1\2\3\4\5\6\7\x08\0\0\x44\xd0\1\2\3\4\5\6", "", 1200, "2"),
};

/* Near misses, and what is none of these. */
static const struct dialogue strangers[] = {
	TCP(NONE, "", "", "nothing"),
	TCP(NONE, "SSH", "", "cut off"),
	TCP(NONE, "xSSH-2.0-", "hello", "SSH- later"),
	TCP(NONE, "SSH-keys are here", "", "SSH- without a version"),
	TCP(NONE, "", "<?xml version='1.0'?><str", "XML"),
	TCP(NONE, "*1\r\n$4\r\nPING\r\n", "+PONG\r\n", "Redis"),
	TCP(NONE, "*2\r\n$4\r\nAUTH\r\n$1\r\nx", "+OK\r\n", "Redis that was logged in to"),
	TCP(NONE, "USER joe 0 * :Joe\r\n", ":irc.example 001 joe\r\n", "IRC"),
	TCP(NONE, "", "220 ready\r\n", "220 of anything"),
	TCP(NONE, "GET key\r\n", "", "GET of memcached"),
	TCP(NONE, "GETTING / HTTP", "", "a longer word"),
	TCP(NONE, "OPTIONS rtsp://10.0.0.1/ ", "RTSP/1.0 200 OK", "RTSP"),
	TCP(NONE, "\x16\x03\x01\x02\x00\x0b\x00\x01\xfc\x03\x03\x12\x34", "", "a record without a hello"),
	TCP(NONE, "\x17\x03\x03\x02\x00\x01\x00\x01\xfc\x03\x03\x12\x34", "", "TLS that goes on"),
	TCP(NONE, "\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03\x03", "", "a hello of one byte"),
	TCP(NONE, "", "\xff\xfd", "IAC cut off"),
	TCP(NONE, "", "\xff\xd8\xff\xe0\0\x10JFIF\0", "JPEG"),
	TCP(NONE, "", "\xff\xfb\x90\x44\0\0\0\0", "MP3"),
	TCP(NONE, "\3\0\0\x16\x11\xe0\0\0\0\1\0\xc0\1\x0a\xc1\2\1\0\xc2\2\1\2", "", "S7: X.224 without RDP"),
	TCP(NONE, "", "RFB 003.00", "VNC cut off"),
	TCP(NONE,
	    "\x13"
	    "BitTorrent protocol",
	    "", "BitTorrent"),
	TCP(NONE, "\0\0\0\x10\0\3\0\0usurp\0", "", "not a parameter of PostgreSQL"),
	TCP(NONE, "\0\0\0\x08\4\xd2\x16\x2c", "", "not a request of PostgreSQL"),
	TCP(NONE, "\x30\x82\1\x0a\2\1\0\4\6public", "", "SNMP, but by TCP"),
	UDP(NONE, "SSH-2.0-x\r\n", "", 11, "SSH by UDP"),
	UDP(NONE, "\0\1\0\0\x21\x12\xa4\x42\1\2\3\4\5\6\7\x08\x09\x0a\x0b\x0c", "", 20, "STUN"),
	UDP(NONE, "\x80\0\1\2\0\0\0\1\x12\x34\x56\x78", "", 172, "RTP"),
	UDP(NONE, "d1:ad2:id20:abcdefghij", "", 95, "DHT"),
	UDP(NONE, "\x12\x34\x01\0\0\2\0\0\0\0\0\0\7example\3or", "", 29, "two questions that are not of mDNS"),
	UDP(NONE, "\x12\x34\x01\x40\0\1\0\0\0\0\0\0\7example\3or", "", 29, "DNS with a bit that must be zero"),
	UDP(NONE,
	    "\x12\x34\x01\0\0\1\0\0\0\0\0\0\x07"
	    "ex\1mple\3or",
	    "", 29, "a label that is none"),
	UDP(NONE, "\x23\0\6\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", "", 47, "too short for NTP"),
	UDP(NONE, "\1\1\6\0\x12\x34\x56\x78\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0", "", 100, "too short for DHCP"),
	UDP(NONE, "\xc3\0\0\0\1\x15\1\2\3\4\5\6\7\x08\0\0\x44\xd0\1\2\3\4\5\6", "", 1200, "an id too long for QUIC"),
	UDP(NONE, "\x43\0\0\0\1\x08\1\2\3\4\5\6\7\x08\0\0\x44\xd0\1\2\3\4\5\6", "", 1200, "a short header"),
};

/* Who knocks is not answered as it wants: the server's word decides. */
static const struct dialogue mistaken[] = {
	TCP(HTTP, "SSH-2.0-Go\r\n", "HTTP/1.1 400 Bad Request", "a web server, taken for SSH"),
	TCP(HTTP, "SSH-2.0-Go\r\n", "<html>\r\n<head><title>400 ", "a web server that answers without a head"),
	TCP(HTTP, "SSH-2.0-Go\r\n", "<!DOCTYPE HTML>\n<html la", "another one"),
	TCP(SSH, "GET / HTTP/1.1\r\n", "SSH-2.0-OpenSSH_9.2p1\r\n", "SSH, taken for a web server"),
	TCP(SMTP, "GET / HTTP/1.1\r\n", "220 mx.a ESMTP Postfix\r\n", "mail, taken for a web server"),
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void say(struct flow *flow, unsigned int side, const char *bytes, size_t length, uint64_t payload)
{
	size_t kept = length < FLOW_CONTENT_MAX ? length : FLOW_CONTENT_MAX;

	memcpy(flow->content[side], bytes, kept);
	flow->content_length[side] = (uint8_t)kept;
	flow->side[side].packets = length > 0;
	flow->side[side].payload = length ? payload : 0;
}

static struct flow flow_of(const struct dialogue *dialogue, unsigned int client)
{
	struct flow flow = { .key.proto = dialogue->proto };

	say(&flow, client, dialogue->client, dialogue->client_length,
	    dialogue->payload ? dialogue->payload : dialogue->client_length);
	say(&flow, !client, dialogue->server, dialogue->server_length,
	    dialogue->payload ? dialogue->payload : dialogue->server_length);
	return flow;
}

static const char *name_of(enum service service)
{
	return service == SERVICE_NONE ? "none" : service_name(service);
}

static void test_dialogues(const struct dialogue *all, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct flow flow = flow_of(&all[i], 0), late = flow_of(&all[i], 1);

		check_text(name_of(service_of(&flow)), name_of(all[i].service), "%s", all[i].what);
		check_text(name_of(service_of(&late)), name_of(all[i].service), "%s, taken up late", all[i].what);
	}
}

static void test_mistaken(void)
{
	for (size_t i = 0; i < COUNT(mistaken); i++) {
		struct flow flow = flow_of(&mistaken[i], 0);

		check_text(name_of(service_of(&flow)), name_of(mistaken[i].service), "%s", mistaken[i].what);
	}
}

static void test_all_shown(void)
{
	int missing = 0;

	for (int service = SERVICE_SSH; service < SERVICE_COUNT; service++) {
		size_t i = 0;

		while (i < COUNT(dialogues) && dialogues[i].service != (enum service)service)
			i++;
		missing += i == COUNT(dialogues);
	}
	check(missing, 0, "each service has a dialogue");
	check(service_name(SERVICE_NONE) == NULL, 1, "none has no name");
}

static void test_logins(void)
{
	char names[256] = "";

	for (int service = 0; service < SERVICE_COUNT; service++)
		if (service_is_login((enum service)service))
			snprintf(names + strlen(names), sizeof(names) - strlen(names), " %s",
				 service_name((enum service)service));
	check_text(names, " ssh ftp pop3 imap telnet rdp vnc mysql postgresql smb", "what one logs in to");
}

static void test_protocols(void)
{
	struct flow flow = flow_of(&dialogues[0], 0);

	flow.key.proto = IPPROTO_ICMP;
	check(service_of(&flow), SERVICE_NONE, "neither TCP nor UDP");
	flow.key.proto = IPPROTO_TCP;
	flow.content_length[0] = 255;
	check(service_of(&flow), SERVICE_SSH, "a length that cannot be is read as the longest");
}

/* ---- what is none ---- */

#define RANDOM_FLOWS 1000000

static void fill(struct flow *flow, unsigned int side)
{
	static const uint64_t payloads[] = { 24, 48, 300, 1200 };

	for (size_t i = 0; i < FLOW_CONTENT_MAX; i += 8) {
		uint64_t bytes = random_next();

		memcpy(flow->content[side] + i, &bytes, 8);
	}
	flow->content_length[side] = (uint8_t)random_below(FLOW_CONTENT_MAX + 1);
	flow->side[side].packets = 1;
	flow->side[side].payload = RANDOM_OF(payloads);
}

/* Less than one in a hundred thousand of what looks like noise, as encrypted sessions do, is given a name. */
static void test_random(void)
{
	unsigned int named[SERVICE_COUNT] = { 0 }, all = 0;

	for (int i = 0; i < RANDOM_FLOWS; i++) {
		struct flow flow = { .key.proto = i & 1 ? IPPROTO_TCP : IPPROTO_UDP };
		enum service service;

		fill(&flow, 0);
		fill(&flow, 1);
		service = service_of(&flow);
		named[service]++;
		all += service != SERVICE_NONE;
	}
	for (int service = SERVICE_NONE + 1; service < SERVICE_COUNT; service++)
		if (named[service])
			printf("# %s: %u of %d\n", service_name((enum service)service), named[service], RANDOM_FLOWS);
	printf("# named: %u of %d\n", all, RANDOM_FLOWS);
	check(all < RANDOM_FLOWS / 100000, 1, "of %d random sessions less than 1 in 100000 is named", RANDOM_FLOWS);
}

/* The same session, of which each end said no more than so much; what is not said is `filler`. */
static enum service cut_service(const struct dialogue *dialogue, size_t length, uint8_t filler)
{
	struct flow flow = flow_of(dialogue, 0);

	for (int side = 0; side < 2; side++) {
		if (flow.content_length[side] > length)
			flow.content_length[side] = (uint8_t)length;
		memset(flow.content[side] + flow.content_length[side], filler,
		       FLOW_CONTENT_MAX - flow.content_length[side]);
	}
	return service_of(&flow);
}

static void test_cut(void)
{
	int wrong = 0, beyond = 0;

	for (size_t i = 0; i < COUNT(dialogues); i++)
		for (size_t length = 0; length <= FLOW_CONTENT_MAX; length++) {
			enum service service = cut_service(&dialogues[i], length, 0);

			beyond += service != cut_service(&dialogues[i], length, 'A');
			wrong += service != SERVICE_NONE && service != dialogues[i].service;
		}
	check(wrong, 0, "what is cut off is of the same service or of none");
	check(beyond, 0, "what is beyond the lengths has no say");
}

int main(int argc, char **argv)
{
	random_start(argc, argv);
	test_dialogues(dialogues, COUNT(dialogues));
	test_dialogues(strangers, COUNT(strangers));
	test_mistaken();
	test_all_shown();
	test_logins();
	test_protocols();
	test_cut();
	test_random();
	return tap_done();
}
