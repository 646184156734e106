/* SPDX-License-Identifier: GPL-2.0-only */
#include "collector.h"

#include "num.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/sockios.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define TCP_PREFIX "tcp:"
#define PATIENCE_SECONDS 10
#define ANSWER_MS 100 /* for an error to come back after the last of all */
#define STEP_MS 20

#define IPV4_HEADER 20
#define IPV6_HEADER 40
#define UDP_HEADER 8
#define DATAGRAM_LEAST 512 /* RFC 7011 section 10.3.3: where the way is not known */
#define DATAGRAM_MOST 65507

/* ---- as text ---- */

static int host_take(struct collector *collector, const char *host, size_t length, struct error *error)
{
	if (!length)
		return error_usage(error, collector->text, "no host before the port");
	if (length >= sizeof(collector->host))
		return error_usage(error, collector->text, "the host is too long");
	memcpy(collector->host, host, length);
	collector->host[length] = '\0';
	return 0;
}

/* "[fe80::1%eth0]" */
static int bracketed_take(struct collector *collector, const char *at, const char *end, struct error *error)
{
	char address[COLLECTOR_HOST_MAX];
	struct in6_addr ignored;

	if (host_take(collector, at, (size_t)(end - at), error))
		return -1;
	snprintf(address, sizeof(address), "%.*s", (int)strcspn(collector->host, "%"), collector->host);
	if (inet_pton(AF_INET6, address, &ignored) != 1)
		return error_usage(error, collector->text, "not an IPv6 address in the brackets");
	return 0;
}

/* What looks like an IPv4 address is one: resolvers take "10.1" for 10.0.0.1. */
static int name_check(const struct collector *collector, struct error *error)
{
	const char *host = collector->host;
	struct in_addr ignored;

	if (strchr(host, ':'))
		return error_usage(error, collector->text, "an IPv6 address stands in brackets: [ADDRESS]:PORT");
	if (!host[strspn(host, "0123456789.")] && inet_pton(AF_INET, host, &ignored) != 1)
		return error_usage(error, collector->text, "not an IPv4 address");
	return 0;
}

static int port_take(struct collector *collector, const char *text, struct error *error)
{
	uint64_t port;
	struct error reason;

	if (num_parse(text, 1, UINT16_MAX, &port, &reason))
		return error_usage(error, collector->text, "the port is a number from 1 to 65535");
	snprintf(collector->port, sizeof(collector->port), "%u", (unsigned int)(uint16_t)port);
	return 0;
}

int collector_parse(const char *text, struct collector *collector, struct error *error)
{
	const char *at = text, *colon, *end;

	*collector = (struct collector){ .text = text };
	collector->tcp = !strncmp(at, TCP_PREFIX, strlen(TCP_PREFIX));
	at += collector->tcp ? strlen(TCP_PREFIX) : 0;
	colon = strrchr(at, ':');
	end = *at == '[' ? strchr(at, ']') : colon;
	if (!end || !colon || (*end == ']' && end + 1 != colon))
		return error_usage(error, text, "neither HOST:PORT nor [ADDRESS]:PORT");
	if (*at == '[' ? bracketed_take(collector, at + 1, end, error)
		       : host_take(collector, at, (size_t)(end - at), error) || name_check(collector, error))
		return -1;
	return port_take(collector, colon + 1, error);
}

/* ---- a socket ---- */

/* Errors that come back by ICMP, also those that the kernel takes for passing ones. */
static void want_errors(int fd, int family)
{
	int yes = 1;

	if (family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &yes, sizeof(yes));
	else
		setsockopt(fd, IPPROTO_IP, IP_RECVERR, &yes, sizeof(yes));
}

static int socket_connect(const struct addrinfo *address)
{
	struct timeval patience = { .tv_sec = PATIENCE_SECONDS };
	int fd = socket(address->ai_family, address->ai_socktype | SOCK_CLOEXEC, address->ai_protocol), reason;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (address->ai_socktype == SOCK_DGRAM)
		want_errors(fd, address->ai_family);
	if (!connect(fd, address->ai_addr, address->ai_addrlen))
		return fd;
	reason = errno == EINPROGRESS ? ETIMEDOUT : errno;
	close(fd);
	errno = reason;
	return -1;
}

int collector_connect(const struct collector *collector, struct error *error)
{
	struct addrinfo hints = { .ai_socktype = collector->tcp ? SOCK_STREAM : SOCK_DGRAM }, *addresses;
	int status = getaddrinfo(collector->host, collector->port, &hints, &addresses), fd = -1;

	if (status == EAI_SYSTEM)
		return error_errno(error, collector->text);
	if (status)
		return error_state(error, collector->text, "%s", gai_strerror(status));
	for (struct addrinfo *at = addresses; at && fd < 0; at = at->ai_next)
		fd = socket_connect(at);
	if (fd < 0)
		error_errno(error, collector->text);
	freeaddrinfo(addresses);
	return fd;
}

int collector_send(const struct collector *collector, int fd, const void *bytes, size_t size, struct error *error)
{
	const uint8_t *at = bytes;

	while (size) {
		ssize_t sent = send(fd, at, size, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0) {
			errno = errno == EAGAIN ? ETIMEDOUT : errno;
			return error_errno(error, collector->text);
		}
		at += sent;
		size -= (size_t)sent;
	}
	return 0;
}

/* ---- the end ---- */

static int pending_error(const struct collector *collector, int fd, struct error *error)
{
	int reason = 0;
	socklen_t size = sizeof(reason);

	if (!getsockopt(fd, SOL_SOCKET, SO_ERROR, &reason, &size) && !reason)
		return 0;
	errno = reason ? reason : errno;
	return error_errno(error, collector->text);
}

/* All of it, and that it was the end. */
static int wait_acknowledged(const struct collector *collector, int fd, struct error *error)
{
	int left = 1;

	for (int waited = 0; waited < PATIENCE_SECONDS * 1000; waited += STEP_MS) {
		if (pending_error(collector, fd, error))
			return -1;
		if (ioctl(fd, SIOCOUTQ, &left))
			return error_errno(error, collector->text);
		if (!left)
			return 0;
		poll(NULL, 0, STEP_MS);
	}
	errno = ETIMEDOUT;
	return error_errno(error, collector->text);
}

int collector_finish(const struct collector *collector, int fd, struct error *error)
{
	struct pollfd poll_fd = { .fd = fd, .events = collector->tcp ? POLLIN : 0 };

	/* of a connection that was reset the reason tells more than that it cannot be shut down */
	if (collector->tcp) {
		shutdown(fd, SHUT_WR);
		if (wait_acknowledged(collector, fd, error))
			return -1;
	}
	poll(&poll_fd, 1, ANSWER_MS);
	return pending_error(collector, fd, error);
}

size_t collector_datagram_max(int fd)
{
	struct sockaddr_storage address = { 0 };
	socklen_t size = sizeof(address), mtu_size = sizeof(int);
	int mtu = 0, headers, level, option;

	getpeername(fd, (struct sockaddr *)&address, &size);
	headers = UDP_HEADER + (address.ss_family == AF_INET6 ? IPV6_HEADER : IPV4_HEADER);
	level = address.ss_family == AF_INET6 ? IPPROTO_IPV6 : IPPROTO_IP;
	option = address.ss_family == AF_INET6 ? IPV6_MTU : IP_MTU;
	if (getsockopt(fd, level, option, &mtu, &mtu_size) || mtu < DATAGRAM_LEAST + headers)
		return DATAGRAM_LEAST;
	return mtu - headers > DATAGRAM_MOST ? DATAGRAM_MOST : (size_t)(mtu - headers);
}
