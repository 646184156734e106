/* SPDX-License-Identifier: GPL-2.0-only */
/* Probes by ICMP echo (RFC 792, RFC 4443), through one socket for each family. */
#include "probe_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/icmp.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Both families have it alike. The identifier is the kernel's where the socket is one of datagrams. */
struct echo {
	uint8_t type, code;
	uint16_t checksum;
	uint16_t id, sequence;
	uint64_t nonce, number; /* what tells ours from those of others, and one from another */
};

static uint16_t echo_checksum(const struct echo *echo)
{
	const uint16_t *words = (const uint16_t *)echo;
	uint32_t sum = 0;

	for (size_t i = 0; i < sizeof(*echo) / 2; i++)
		sum += words[i];
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t) ~((sum & 0xffff) + (sum >> 16));
}

/* ---- the sockets ---- */

/* Nothing but echo replies: a raw socket would be woken by all else. */
static int filter_set(int fd, bool six)
{
	struct icmp6_filter six_filter;
	struct icmp_filter filter = { .data = ~(1u << ICMP_ECHOREPLY) };

	if (!six)
		return setsockopt(fd, SOL_RAW, ICMP_FILTER, &filter, sizeof(filter));
	ICMP6_FILTER_SETBLOCKALL(&six_filter);
	ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &six_filter);
	return setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &six_filter, sizeof(six_filter));
}

/* Datagram sockets need no privilege where net.ipv4.ping_group_range has our group, raw ones need CAP_NET_RAW. */
static int echo_open(struct echo_socket *echo, bool six)
{
	int family = six ? AF_INET6 : AF_INET, proto = six ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	int flags = SOCK_CLOEXEC | SOCK_NONBLOCK;

	echo->raw = false;
	echo->fd = socket(family, SOCK_DGRAM | flags, proto);
	if (echo->fd >= 0 || (errno != EACCES && errno != EPERM))
		return echo->fd;
	echo->raw = true;
	echo->fd = socket(family, SOCK_RAW | flags, proto);
	if (echo->fd >= 0 && filter_set(echo->fd, six)) {
		close(echo->fd);
		echo->fd = -1;
	}
	return echo->fd;
}

/* ---- asking ---- */

static socklen_t address_fill(const struct probe *probe, struct sockaddr_storage *storage)
{
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)storage;
	struct sockaddr_in *four = (struct sockaddr_in *)storage;

	memset(storage, 0, sizeof(*storage));
	if (probe->family == 6) {
		six->sin6_family = AF_INET6;
		memcpy(&six->sin6_addr, probe->addr, 16);
		return sizeof(*six);
	}
	four->sin_family = AF_INET;
	memcpy(&four->sin_addr, probe->addr, 4);
	return sizeof(*four);
}

static int icmp_start(struct prober *prober, struct probe *probe)
{
	bool six = probe->family == 6;
	struct echo_socket *echo = &prober->echo[six];
	struct sockaddr_storage to;
	socklen_t size = address_fill(probe, &to);
	struct echo request = {
		.type = six ? ICMP6_ECHO_REQUEST : ICMP_ECHO,
		.id = (uint16_t)prober->echo_nonce,
		.sequence = htons((uint16_t)prober->echoes),
		.nonce = prober->echo_nonce,
		.number = prober->echoes,
	};

	if (echo->fd < 0 && echo_open(echo, six) < 0)
		return probe_end(probe, PROBE_NOT_MADE, "no ICMP socket: %s", strerror(errno));
	if (!six)
		request.checksum = echo_checksum(&request);
	probe->state.echo = prober->echoes++;
	if (sendto(echo->fd, &request, sizeof(request), 0, (struct sockaddr *)&to, size) < 0)
		return probe_end_errno(probe, errno);
	return 0;
}

static void icmp_stop(struct prober *prober, struct probe *probe)
{
	(void)prober;
	(void)probe;
}

/* ---- what came ---- */

static bool is_from(const struct probe *probe, const struct sockaddr_storage *from)
{
	struct sockaddr_storage expected;
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)from;
	const struct sockaddr_in *four = (const struct sockaddr_in *)from;

	address_fill(probe, &expected);
	if (from->ss_family != expected.ss_family)
		return false;
	return probe->family == 6 ? !memcmp(&six->sin6_addr, probe->addr, 16)
				  : !memcmp(&four->sin_addr, probe->addr, 4);
}

/* Takes the message out of what was received; whether it is a reply to one of ours. */
static bool reply_read(const struct prober *prober, bool has_header, const uint8_t *packet, size_t size,
		       struct echo *reply)
{
	size_t header = has_header && size ? (size_t)(packet[0] & 15) * 4 : 0;

	if (size < header + sizeof(*reply))
		return false;
	memcpy(reply, packet + header, sizeof(*reply));
	return (reply->type == ICMP_ECHOREPLY || reply->type == ICMP6_ECHO_REPLY) && reply->nonce == prober->echo_nonce;
}

static void reply_take(struct prober *prober, const struct echo *reply, const struct sockaddr_storage *from)
{
	for (size_t i = 0; i < prober->count; i++) {
		struct probe *probe = prober->running[i];

		if (probe->how->kind != PROBE_ICMP || probe->state.echo != reply->number || !is_from(probe, from))
			continue;
		probe_end(probe, PROBE_SUCCESS, "%s", "");
		probe_finish(prober, probe);
		return;
	}
}

void probes_collect_echoes(struct prober *prober, const struct echo_socket *echo)
{
	bool has_header = echo->raw && echo == &prober->echo[0];
	struct sockaddr_storage from = { 0 };
	uint8_t packet[512];

	for (;;) {
		socklen_t size = sizeof(from);
		ssize_t count = recvfrom(echo->fd, packet, sizeof(packet), 0, (struct sockaddr *)&from, &size);
		struct echo reply;

		if (count < 0)
			return;
		if (reply_read(prober, has_header, packet, (size_t)count, &reply))
			reply_take(prober, &reply, &from);
	}
}

const struct probe_ops probe_icmp = {
	.name = "icmp",
	.start = icmp_start,
	.stop = icmp_stop,
	.late = "no echo reply",
};
