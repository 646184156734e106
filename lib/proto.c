/* SPDX-License-Identifier: GPL-2.0-only */
#include "proto.h"

#include "num.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

/* A table of our own and not getprotobyname: it reads /etc/protocols, which may be absent and costs a start. */
static const struct {
	uint16_t number;
	enum proto_ports ports;
	const char *name;
} protocols[] = {
	{ IPPROTO_TCP, PROTO_HAS_PORTS, "tcp" },
	{ IPPROTO_UDP, PROTO_HAS_PORTS, "udp" },
	{ IPPROTO_ICMP, PROTO_HAS_TYPES, "icmp" },
	{ IPPROTO_ICMPV6, PROTO_HAS_TYPES, "icmpv6" },
	{ IPPROTO_SCTP, PROTO_HAS_PORTS, "sctp" },
	{ IPPROTO_DCCP, PROTO_HAS_PORTS, "dccp" },
	{ IPPROTO_UDPLITE, PROTO_HAS_PORTS, "udplite" },
	{ IPPROTO_IGMP, PROTO_NO_PORTS, "igmp" },
	{ IPPROTO_GRE, PROTO_NO_PORTS, "gre" },
	{ IPPROTO_ESP, PROTO_NO_PORTS, "esp" },
	{ IPPROTO_AH, PROTO_NO_PORTS, "ah" },
	{ 89, PROTO_NO_PORTS, "ospf" },
	{ 112, PROTO_NO_PORTS, "vrrp" },
	{ PROTO_ANY, PROTO_NO_PORTS, "any" },
};

#define PROTOCOLS (sizeof(protocols) / sizeof(protocols[0]))

int proto_parse(const char *text, uint16_t *out, struct error *error)
{
	uint64_t value;

	for (size_t i = 0; i < PROTOCOLS; i++) {
		if (!strcmp(text, protocols[i].name)) {
			*out = protocols[i].number;
			return 0;
		}
	}
	if (!*text || text[strspn(text, "0123456789")])
		return error_usage(error, text, "unknown protocol (tcp, udp, icmp, icmpv6, a number 0-255, any)");
	if (num_parse(text, 0, 255, &value, error))
		return -1;
	*out = (uint16_t)value;
	return 0;
}

char *proto_format(uint16_t proto, char buf[PROTO_TEXT_MAX])
{
	snprintf(buf, PROTO_TEXT_MAX, "%u", proto);
	for (size_t i = 0; i < PROTOCOLS; i++)
		if (protocols[i].number == proto)
			snprintf(buf, PROTO_TEXT_MAX, "%s", protocols[i].name);
	return buf;
}

enum proto_ports proto_ports(uint16_t proto)
{
	for (size_t i = 0; i < PROTOCOLS; i++)
		if (protocols[i].number == proto)
			return protocols[i].ports;
	return PROTO_NO_PORTS;
}
