/* SPDX-License-Identifier: GPL-2.0-only */
#include "frames.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

static void client_and_server(uint32_t family, uint8_t *client, uint8_t *server)
{
	memset(client, 0, 16);
	memset(server, 0, 16);
	if (family == RULES_IPV4) {
		inet_pton(AF_INET, "192.0.2.2", client);
		inet_pton(AF_INET, "198.51.100.2", server);
	} else {
		inet_pton(AF_INET6, "2001:db8::2", client);
		inet_pton(AF_INET6, "2001:db8:1::2", server);
	}
}

static void flags_set(struct bench_frame *frame, uint32_t family, uint8_t flags)
{
	frame->bytes[14 + (family == RULES_IPV6 ? 40 : 20) + 13] = flags;
}

void frame_make(struct bench_frame *frame, uint32_t family, uint8_t proto, uint16_t port, bool back, uint8_t flags)
{
	struct set_packet packet = { .proto = proto, .port = back ? BENCH_SPORT : port };

	client_and_server(family, back ? packet.dst : packet.src, back ? packet.src : packet.dst);
	bench_frame(frame, family, &packet, back ? port : BENCH_SPORT);
	if (proto == IPPROTO_TCP)
		flags_set(frame, family, flags);
}

/* ---- many sources ---- */

struct flood_source {
	uint32_t family;
	uint16_t port;
};

static struct set_packet flood_packet(void *context, uint32_t i)
{
	const struct flood_source *source = context;
	struct set_packet packet = { .proto = IPPROTO_UDP, .port = source->port };
	uint32_t number = htonl(i);

	client_and_server(source->family, packet.src, packet.dst);
	if (source->family == RULES_IPV4) {
		packet.src[0] = 10;
		memcpy(packet.src + 1, (uint8_t *)&number + 1, 3);
	} else {
		memcpy(packet.src + 8, &number, sizeof(number));
	}
	return packet;
}

void frames_prepare(struct bench *bench, uint32_t family, uint16_t port, uint32_t count)
{
	struct flood_source source = { .family = family, .port = port };

	bench_room(bench, family, count);
	bench_prepare(bench, family, count, flood_packet, &source);
	bench_choose(bench, family, count);
}

/* ---- connected sockets ---- */

void frame_make_connected(struct bench_frame *frame, uint32_t family, uint8_t proto)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} server = { 0 }, client;
	struct set_packet packet = { .proto = proto };
	int kind = proto == IPPROTO_TCP ? SOCK_STREAM : SOCK_DGRAM, domain = family == RULES_IPV4 ? AF_INET : AF_INET6;
	int end = socket(domain, kind, 0), other = socket(domain, kind, 0);
	socklen_t size = family == RULES_IPV4 ? sizeof(server.v4) : sizeof(server.v6);

	server.any.sa_family = (sa_family_t)domain;
	if (family == RULES_IPV4)
		server.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		server.v6.sin6_addr = in6addr_loopback;
	client = server;
	if (bind(other, &server.any, size) || (kind == SOCK_STREAM && listen(other, 1)) ||
	    getsockname(other, &server.any, &size) || connect(end, &server.any, size) ||
	    getsockname(end, &client.any, &size) || (kind == SOCK_STREAM && accept(other, NULL, NULL) < 0))
		bench_fail("connection");
	memcpy(packet.dst, family == RULES_IPV4 ? (void *)&client.v4.sin_addr : &client.v6.sin6_addr, 16);
	if (family == RULES_IPV4)
		memset(packet.dst + 4, 0, 12);
	memcpy(packet.src, packet.dst, 16);
	/* the ports stand at the same place in both */
	packet.port = ntohs(client.v4.sin_port);
	bench_frame(frame, family, &packet, ntohs(server.v4.sin_port));
	if (proto == IPPROTO_TCP)
		flags_set(frame, family, TCP_ACK);
}
