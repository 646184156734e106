/* SPDX-License-Identifier: GPL-2.0-only */
/* The hosts at both ends of each way, and their sockets. */
#include "cells.h"
#include "lb.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define WAIT_MS 5000

const char *const lb_ways[LB_WAYS] = { "routed", "lb", "nft" };
const char *const lb_family_names[] = { [RULES_IPV4] = "IPv4", [RULES_IPV6] = "IPv6" };

/* ---- namespaces ---- */

static int host_open(const char *kind, enum lb_way way)
{
	char name[32];

	snprintf(name, sizeof(name), "%s_%s", kind, lb_ways[way]);
	return bench_netns(name);
}

void lb_places_open(struct lb_bench *lb)
{
	char path[64];

	for (enum lb_way way = 0; way < LB_WAYS; way++) {
		snprintf(path, sizeof(path), "/run/netns/%s", lb_ways[way]);
		lb->places[way].is_there = access(path, F_OK) == 0;
		if (!lb->places[way].is_there)
			continue;
		lb->places[way].client = host_open("host", way);
		lb->places[way].server = host_open("server", way);
	}
}

/* ---- rows ---- */

struct lb_row *lb_row_add(struct lb_block *block, const char *format, ...)
{
	struct lb_row *row = &block->rows[block->count++];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(row->packet, sizeof(row->packet), format, arguments);
	va_end(arguments);
	for (enum lb_way way = 0; way < LB_WAYS; way++)
		row->value[way] = NONE;
	return row;
}

void lb_row_measure(struct lb_bench *lb, struct lb_row *row, bench_runner run, void *context)
{
	uint32_t subjects[LB_WAYS];
	double ns[LB_WAYS];
	size_t count = 0;

	for (enum lb_way way = 0; way < LB_WAYS; way++)
		if (lb->places[way].is_there)
			subjects[count++] = way;
	bench_take_turns(&lb->bench, run, context, subjects, ns, count);
	for (size_t i = 0; i < count; i++)
		row->value[subjects[i]] = ns[i];
}

/* ---- sockets ---- */

static socklen_t address_make(uint32_t family, const char *ipv4, const char *ipv6, uint16_t port,
			      struct sockaddr_storage *out)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;

	memset(out, 0, sizeof(*out));
	if (family == RULES_IPV4) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		inet_pton(AF_INET, ipv4, &v4->sin_addr);
		return sizeof(*v4);
	}
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	inet_pton(AF_INET6, ipv6, &v6->sin6_addr);
	return sizeof(*v6);
}

static socklen_t vip_address(uint32_t family, struct sockaddr_storage *out)
{
	return address_make(family, "203.0.113.1", "2001:db8:2::1", LB_VIP_PORT, out);
}

int lb_client_socket(const struct lb_bench *lb, enum lb_way way, uint32_t family, int type, int proto)
{
	struct sockaddr_storage address;
	socklen_t size = vip_address(family, &address);
	int fd;

	bench_enter(lb->places[way].client);
	fd = socket(address.ss_family, type | SOCK_CLOEXEC, proto);
	if (fd < 0 || (connect(fd, (struct sockaddr *)&address, size) && errno != EINPROGRESS))
		bench_fail("client");
	return fd;
}

int lb_server_socket(const struct lb_bench *lb, enum lb_way way, uint32_t family, int type)
{
	struct sockaddr_storage address;
	socklen_t size = way == WAY_ROUTED
				 ? vip_address(family, &address)
				 : address_make(family, "198.51.100.2", "2001:db8:1::2", LB_SERVER_PORT, &address);
	int one = 1, fd;

	bench_enter(lb->places[way].server);
	fd = socket(address.ss_family, type | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    bind(fd, (struct sockaddr *)&address, size) || ((type & SOCK_STREAM) && listen(fd, 128)))
		bench_fail("server");
	return fd;
}

void lb_wait(int fd)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	int count = poll(&ready, 1, WAIT_MS);

	if (!count)
		errno = ETIMEDOUT;
	if (count != 1)
		bench_fail("nothing comes through the router");
}
