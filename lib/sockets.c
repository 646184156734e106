/* SPDX-License-Identifier: GPL-2.0-only */
#include "sockets.h"

#include "array.h"
#include "netlink_diag.h"
#include "netlink_request.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* States of TCP sockets with a peer; TCP_CLOSE is that of a UDP socket without one. */
#define TCP_STATES                                                                                                     \
	(1u << TCP_ESTABLISHED | 1u << TCP_SYN_SENT | 1u << TCP_SYN_RECV | 1u << TCP_FIN_WAIT1 | 1u << TCP_FIN_WAIT2 | \
	 1u << TCP_TIME_WAIT | 1u << TCP_CLOSE_WAIT | 1u << TCP_LAST_ACK | 1u << TCP_CLOSING)

/* ---- ports ---- */

/* What tells who began a connection. */
struct ports {
	uint8_t listening[2][65536 / 8]; /* bit PORT; [1] UDP: sockets without a peer */
	unsigned int low, high;          /* that the system gives to sockets that connect */
};

static void ports_read_range(struct ports *ports)
{
	FILE *file = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");

	ports->low = 32768;
	ports->high = 60999;
	if (!file)
		return;
	if (fscanf(file, "%u %u", &ports->low, &ports->high) != 2)
		ports->low = 32768;
	fclose(file);
}

static int port_take(const struct nlmsghdr *message, void *context)
{
	const struct inet_diag_msg *body = diag_body(message);
	uint8_t *bits = context;

	if (body)
		bits[ntohs(body->id.idiag_sport) / 8] |= (uint8_t)(1u << ntohs(body->id.idiag_sport) % 8);
	return 0;
}

static int ports_read(struct ports *ports, struct error *error)
{
	static const int afs[] = { AF_INET, AF_INET6 };

	memset(ports, 0, sizeof(*ports));
	ports_read_range(ports);
	for (size_t i = 0; i < 2; i++)
		if (diag_dump(afs[i], IPPROTO_TCP, 1u << TCP_LISTEN, port_take, ports->listening[0], error) ||
		    diag_dump(afs[i], IPPROTO_UDP, 1u << TCP_CLOSE, port_take, ports->listening[1], error))
			return -1;
	return 0;
}

static bool is_opened_here(const struct ports *ports, uint8_t proto, uint16_t port)
{
	const uint8_t *listening = ports->listening[proto == IPPROTO_UDP];

	return !(listening[port / 8] >> port % 8 & 1) && port >= ports->low && port <= ports->high;
}

/* ---- reading ---- */

struct reading {
	struct local_sockets *out;
	const struct ports *ports;
	uint8_t proto;
};

/* The address that packets carry; returns its family. */
static uint8_t end_read(struct conn_end *end, int af, const __be32 address[4], __be16 port)
{
	struct in6_addr ipv6;

	*end = (struct conn_end){ .port = ntohs(port) };
	memcpy(&ipv6, address, sizeof(ipv6));
	if (af == AF_INET || IN6_IS_ADDR_V4MAPPED(&ipv6)) {
		memcpy(end->addr, af == AF_INET ? &ipv6.s6_addr[0] : &ipv6.s6_addr[12], 4);
		return 4;
	}
	memcpy(end->addr, &ipv6, sizeof(ipv6));
	return 6;
}

static bool is_loopback(uint8_t family, const struct conn_end *end)
{
	struct in6_addr ipv6;

	memcpy(&ipv6, end->addr, sizeof(ipv6));
	return family == 4 ? end->addr[0] == IN_LOOPBACKNET : IN6_IS_ADDR_LOOPBACK(&ipv6);
}

static int socket_add(struct local_sockets *out, const struct local_socket *socket)
{
	struct local_socket *items = array_room(out->items, out->count, sizeof(*items));

	if (!items)
		return -1;
	out->items = items;
	items[out->count++] = *socket;
	return 0;
}

static int socket_take(const struct nlmsghdr *message, void *context)
{
	const struct inet_diag_msg *body = diag_body(message);
	const struct reading *reading = context;
	struct local_socket socket = { 0 };
	struct conn_end local, remote;
	unsigned int at;
	uint8_t family;

	if (!body || !body->id.idiag_dport)
		return 0;
	end_read(&local, body->idiag_family, body->id.idiag_src, body->id.idiag_sport);
	family = end_read(&remote, body->idiag_family, body->id.idiag_dst, body->id.idiag_dport);
	if (is_loopback(family, &local) && is_loopback(family, &remote))
		return 0;
	at = conn_key_make(&socket.key, family, reading->proto, &local, &remote);
	socket.outbound = is_opened_here(reading->ports, reading->proto, local.port);
	socket.opener = (uint8_t)(socket.outbound ? at : !at);
	socket.ifindex = body->id.idiag_if;
	socket.state = body->idiag_state;
	socket.af = body->idiag_family;
	socket.id = body->id;
	return socket_add(reading->out, &socket);
}

static int sockets_read(struct reading *reading, uint8_t proto, struct error *error)
{
	uint32_t states = proto == IPPROTO_UDP ? 1u << TCP_ESTABLISHED : TCP_STATES;

	reading->proto = proto;
	return diag_dump(AF_INET, proto, states, socket_take, reading, error) ||
			       diag_dump(AF_INET6, proto, states, socket_take, reading, error)
		       ? -1
		       : 0;
}

int local_sockets_read(struct local_sockets *out, struct error *error)
{
	static struct ports ports; /* 16 KiB */
	struct reading reading = { .out = out, .ports = &ports };

	*out = (struct local_sockets){ 0 };
	if (ports_read(&ports, error))
		return -1;
	return sockets_read(&reading, IPPROTO_TCP, error) || sockets_read(&reading, IPPROTO_UDP, error) ? -1 : 0;
}

/* ---- states ---- */

const char *local_socket_state(uint8_t proto, uint8_t state)
{
	static const char *const names[] = {
		[TCP_ESTABLISHED] = "established", [TCP_SYN_SENT] = "syn-sent",    [TCP_SYN_RECV] = "syn-received",
		[TCP_FIN_WAIT1] = "fin-wait-1",    [TCP_FIN_WAIT2] = "fin-wait-2", [TCP_TIME_WAIT] = "time-wait",
		[TCP_CLOSE_WAIT] = "close-wait",   [TCP_LAST_ACK] = "last-ack",    [TCP_CLOSING] = "closing",
	};
	const char *name = state < sizeof(names) / sizeof(names[0]) ? names[state] : NULL;

	if (proto == IPPROTO_UDP)
		return "connected";
	return name ? name : "unknown";
}

uint8_t local_socket_conn_state(uint8_t state)
{
	switch (state) {
	case TCP_ESTABLISHED:
		return CONN_ESTABLISHED;
	case TCP_SYN_SENT:
	case TCP_SYN_RECV:
		return CONN_HANDSHAKE;
	default:
		return CONN_CLOSING;
	}
}

/* ---- destroying ---- */

int local_socket_destroy(const struct local_socket *socket, struct error *error)
{
	struct inet_diag_req_v2 body = {
		.sdiag_family = socket->af,
		.sdiag_protocol = socket->key.proto,
		.idiag_states = ~0u,
		.id = socket->id,
	};
	struct request request;

	request_begin(&request, SOCK_DESTROY, NLM_F_ACK, &body, sizeof(body));
	if (!netlink_ask(NETLINK_SOCK_DIAG, &request, NULL, NULL))
		return 1;
	if (errno == ENOENT || errno == ESTALE || (errno == EOPNOTSUPP && socket->state == TCP_TIME_WAIT))
		return 0;
	if (errno == EOPNOTSUPP)
		return error_state(error, "local socket",
				   "this kernel cannot destroy sockets (CONFIG_INET_DIAG_DESTROY)");
	return error_errno(error, "local socket");
}
