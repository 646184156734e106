/* SPDX-License-Identifier: GPL-2.0-only */
#include "harness.h"

#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

union address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static socklen_t loopback_address(int family, uint16_t port, union address *address)
{
	memset(address, 0, sizeof(*address));
	if (family == 4) {
		address->in.sin_family = AF_INET;
		address->in.sin_port = htons(port);
		address->in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		return sizeof(address->in);
	}
	address->in6.sin6_family = AF_INET6;
	address->in6.sin6_port = htons(port);
	address->in6.sin6_addr = in6addr_loopback;
	return sizeof(address->in6);
}

static int socket_new(int family, int type)
{
	int fd = socket(family == 4 ? AF_INET : AF_INET6, type | SOCK_CLOEXEC, 0);

	if (fd < 0)
		err(2, "socket");
	return fd;
}

int socket_listen(int family, int type, uint16_t port)
{
	union address address;
	socklen_t size = loopback_address(family, port, &address);
	int fd = socket_new(family, type), one = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)))
		err(2, "SO_REUSEADDR");
	if (bind(fd, &address.any, size))
		err(2, "bind to port %u", port);
	if (type == SOCK_STREAM && listen(fd, 16))
		err(2, "listen on port %u", port);
	return fd;
}

int socket_connect(int family, int type, uint16_t port)
{
	union address address;
	socklen_t size = loopback_address(family, port, &address);
	int fd = socket_new(family, type);

	if (connect(fd, &address.any, size))
		err(2, "connect to port %u", port);
	return fd;
}

uint16_t socket_port(int fd)
{
	union address address = { .any = { 0 } };
	socklen_t size = sizeof(address);

	if (getsockname(fd, &address.any, &size))
		err(2, "getsockname");
	return ntohs(address.any.sa_family == AF_INET ? address.in.sin_port : address.in6.sin6_port);
}
