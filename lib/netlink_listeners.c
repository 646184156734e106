/* SPDX-License-Identifier: GPL-2.0-only */
#include "netlink.h"
#include "netlink_diag.h"
#include "netlink_request.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

static void port_set(uint8_t *ports, uint16_t port)
{
	ports[port / 8] |= (uint8_t)(1u << port % 8);
}

static int is_loopback_or_any(const void *ipv4)
{
	uint32_t address;

	memcpy(&address, ipv4, sizeof(address));
	return address == htonl(INADDR_LOOPBACK) || address == htonl(INADDR_ANY);
}

static int socket_takes_ipv4(const struct nlmsghdr *message, const struct inet_diag_msg *body)
{
	const struct rtattr *v6only = message_attribute(message, sizeof(*body), INET_DIAG_SKV6ONLY);
	struct in6_addr address;

	if (body->idiag_family == AF_INET)
		return is_loopback_or_any(body->id.idiag_src);
	memcpy(&address, body->id.idiag_src, sizeof(address));
	if (IN6_IS_ADDR_V4MAPPED(&address))
		return is_loopback_or_any(&address.s6_addr[12]);
	return IN6_IS_ADDR_UNSPECIFIED(&address) &&
	       !(v6only && RTA_PAYLOAD(v6only) && *(const uint8_t *)RTA_DATA(v6only));
}

static int socket_takes_ipv6(const struct inet_diag_msg *body)
{
	struct in6_addr address;

	memcpy(&address, body->id.idiag_src, sizeof(address));
	return body->idiag_family == AF_INET6 && (IN6_IS_ADDR_UNSPECIFIED(&address) || IN6_IS_ADDR_LOOPBACK(&address));
}

/* The bits of one protocol. */
struct ports {
	uint8_t *ipv4, *ipv6;
};

static int ports_add(const struct nlmsghdr *message, void *context)
{
	const struct ports *ports = context;
	const struct inet_diag_msg *body = diag_body(message);

	/* A socket bound to the device lo gets no packet received elsewhere, which is where rules are. */
	if (!body || body->id.idiag_if == LOOPBACK_IFINDEX)
		return 0;
	if (socket_takes_ipv4(message, body))
		port_set(ports->ipv4, ntohs(body->id.idiag_sport));
	if (socket_takes_ipv6(body))
		port_set(ports->ipv6, ntohs(body->id.idiag_sport));
	return 0;
}

/* A UDP socket without a peer has the state of a closed TCP one. */
static int listeners_read(struct listeners *out, int af, int udp, struct error *error)
{
	struct ports ports = { out->ipv4[udp], out->ipv6[udp] };

	return diag_dump(af, udp ? IPPROTO_UDP : IPPROTO_TCP, 1u << (udp ? TCP_CLOSE : TCP_LISTEN), ports_add, &ports,
			 error);
}

int netlink_listeners(struct listeners *out, struct error *error)
{
	int udp;

	memset(out, 0, sizeof(*out));
	for (udp = 0; udp < 2; udp++)
		if (listeners_read(out, AF_INET, udp, error) || listeners_read(out, AF_INET6, udp, error))
			return -1;
	return 0;
}

int listeners_have(const struct listeners *listeners, uint8_t family, int proto, uint16_t port)
{
	const uint8_t *ports = (family == 4 ? listeners->ipv4 : listeners->ipv6)[proto == IPPROTO_UDP];

	return ports[port / 8] >> port % 8 & 1;
}
