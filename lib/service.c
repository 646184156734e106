/* SPDX-License-Identifier: GPL-2.0-only */
#include "service.h"

#include "service_internal.h"

#include <netinet/in.h>

static const char *const service_names[SERVICE_COUNT] = {
	[SERVICE_SSH] = "ssh",
	[SERVICE_TLS] = "tls",
	[SERVICE_HTTP] = "http",
	[SERVICE_DNS] = "dns",
	[SERVICE_FTP] = "ftp",
	[SERVICE_SMTP] = "smtp",
	[SERVICE_POP3] = "pop3",
	[SERVICE_IMAP] = "imap",
	[SERVICE_TELNET] = "telnet",
	[SERVICE_RDP] = "rdp",
	[SERVICE_VNC] = "vnc",
	[SERVICE_MYSQL] = "mysql",
	[SERVICE_POSTGRESQL] = "postgresql",
	[SERVICE_SMB] = "smb",
	[SERVICE_LDAP] = "ldap",
	[SERVICE_SIP] = "sip",
	[SERVICE_NTP] = "ntp",
	[SERVICE_DHCP] = "dhcp",
	[SERVICE_SNMP] = "snmp",
	[SERVICE_QUIC] = "quic",
};

enum speaker { CLIENT, SERVER };

/*
 * The first row that applies decides. The server's word comes before the client's: who knocks at a web server as if it
 * were SSH has found a web server.
 */
static const struct {
	enum service service;
	uint8_t proto;
	enum speaker speaker;
	const char *begins;
	service_test *test; /* NULL: `begins` is all */
} signs[] = {
	{ SERVICE_SSH, IPPROTO_TCP, SERVER, "SSH-2.", NULL },
	{ SERVICE_SSH, IPPROTO_TCP, SERVER, "SSH-1.", NULL },
	{ SERVICE_HTTP, IPPROTO_TCP, SERVER, "HTTP/1.", service_is_http_answer },
	{ SERVICE_HTTP, IPPROTO_TCP, SERVER, "<", service_is_http_page },
	{ SERVICE_SMTP, IPPROTO_TCP, SERVER, "220", service_is_smtp },
	{ SERVICE_FTP, IPPROTO_TCP, SERVER, "220", service_is_ftp },
	{ SERVICE_POP3, IPPROTO_TCP, SERVER, "+OK", service_is_pop3 },
	{ SERVICE_IMAP, IPPROTO_TCP, SERVER, "* ", service_is_imap },
	{ SERVICE_VNC, IPPROTO_TCP, SERVER, "RFB 00", service_is_vnc },
	{ SERVICE_SIP, IPPROTO_TCP, SERVER, "SIP/2.0 ", NULL },
	{ SERVICE_SIP, IPPROTO_UDP, SERVER, "SIP/2.0 ", NULL },
	{ SERVICE_TLS, IPPROTO_TCP, SERVER, "\x16\x03", service_is_tls },
	{ SERVICE_TLS, IPPROTO_UDP, SERVER, "\x16\xfe", service_is_dtls },
	{ SERVICE_TELNET, IPPROTO_TCP, SERVER, "\xff", service_is_telnet },
	{ SERVICE_RDP, IPPROTO_TCP, SERVER, "\x03", service_is_rdp_server },
	{ SERVICE_MYSQL, IPPROTO_TCP, SERVER, "", service_is_mysql },

	{ SERVICE_SSH, IPPROTO_TCP, CLIENT, "SSH-2.", NULL },
	{ SERVICE_SSH, IPPROTO_TCP, CLIENT, "SSH-1.", NULL },
	{ SERVICE_HTTP, IPPROTO_TCP, CLIENT, "", service_is_http_request },
	{ SERVICE_SMTP, IPPROTO_TCP, CLIENT, "", service_is_smtp_client },
	{ SERVICE_SIP, IPPROTO_TCP, CLIENT, "", service_is_sip },
	{ SERVICE_SIP, IPPROTO_UDP, CLIENT, "", service_is_sip },
	{ SERVICE_TLS, IPPROTO_TCP, CLIENT, "\x16\x03", service_is_tls },
	{ SERVICE_TLS, IPPROTO_UDP, CLIENT, "\x16\xfe", service_is_dtls },
	{ SERVICE_TELNET, IPPROTO_TCP, CLIENT, "\xff", service_is_telnet },
	{ SERVICE_RDP, IPPROTO_TCP, CLIENT, "\x03", service_is_rdp_client },
	{ SERVICE_VNC, IPPROTO_TCP, CLIENT, "RFB 00", service_is_vnc },
	{ SERVICE_POSTGRESQL, IPPROTO_TCP, CLIENT, "", service_is_postgresql },
	/* both ends of these speak alike, and both are asked: see service_of */
	{ SERVICE_SMB, IPPROTO_TCP, CLIENT, "", service_is_smb },
	{ SERVICE_LDAP, IPPROTO_TCP, CLIENT, "\x30", service_is_ldap },
	{ SERVICE_LDAP, IPPROTO_UDP, CLIENT, "\x30", service_is_ldap },
	{ SERVICE_DNS, IPPROTO_TCP, CLIENT, "", service_is_dns_tcp },
	{ SERVICE_DNS, IPPROTO_UDP, CLIENT, "", service_is_dns },
	{ SERVICE_DHCP, IPPROTO_UDP, CLIENT, "", service_is_dhcp },
	{ SERVICE_DHCP, IPPROTO_UDP, CLIENT, "", service_is_dhcp6 },
	{ SERVICE_SNMP, IPPROTO_UDP, CLIENT, "\x30", service_is_snmp },
	{ SERVICE_QUIC, IPPROTO_UDP, CLIENT, "", service_is_quic },
	{ SERVICE_NTP, IPPROTO_UDP, CLIENT, "", service_is_ntp },
};

static struct said said_by(const struct flow *flow, unsigned int side)
{
	size_t length = flow->content_length[side];

	return (struct said){
		.bytes = flow->content[side],
		.length = length < FLOW_CONTENT_MAX ? length : FLOW_CONTENT_MAX,
		.payload = flow->side[side].payload,
		.packets = flow->side[side].packets,
	};
}

/* With one of the two sides taken for the client. */
static enum service service_with(const struct flow *flow, unsigned int client)
{
	const struct said said[] = { [CLIENT] = said_by(flow, client), [SERVER] = said_by(flow, !client) };

	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
		const struct said *speaker = &said[signs[i].speaker], *other = &said[!signs[i].speaker];

		if (signs[i].proto == flow->key.proto && speaker->length && said_begins(speaker, signs[i].begins) &&
		    (!signs[i].test || signs[i].test(speaker, other)))
			return signs[i].service;
	}
	return SERVICE_NONE;
}

/* A session may have been taken up late, at a packet of the server: its originator is then who answers. */
enum service service_of(const struct flow *flow)
{
	enum service service = service_with(flow, 0);

	return service == SERVICE_NONE ? service_with(flow, 1) : service;
}

const char *service_name(enum service service)
{
	return service_names[service];
}

/*
 * Not LDAP, HTTP, SMTP, SIP: most of their sessions are of nobody, or of who need not say it. Not SNMP, which has no
 * sessions: each request has its password with it.
 */
bool service_is_login(enum service service)
{
	switch (service) {
	case SERVICE_SSH:
	case SERVICE_FTP:
	case SERVICE_POP3:
	case SERVICE_IMAP:
	case SERVICE_TELNET:
	case SERVICE_RDP:
	case SERVICE_VNC:
	case SERVICE_MYSQL:
	case SERVICE_POSTGRESQL:
	case SERVICE_SMB:
		return true;
	default:
		return false;
	}
}
