/* SPDX-License-Identifier: GPL-2.0-only */
/* Packets of connections that this program holds open, as if they came in by the veth interface. */
#include "harness.h"

#include <err.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <arpa/inet.h>

#define TCP_PORT 4100
#define UDP_PORT 4101
#define LONELY_PORT 4102 /* a UDP socket that is not connected */
#define TIME_WAIT_PORT 4103
#define HANDSHAKE_PORT 4104
#define NO_SUCH_PORT 4999

static const char *loopback(int family)
{
	return family == 4 ? "127.0.0.1" : "::1";
}

static struct spec segment(int family, uint16_t sport, uint16_t dport, uint8_t flags)
{
	return (struct spec){ .family = family,
			      .src = loopback(family),
			      .dst = loopback(family),
			      .sport = sport,
			      .dport = dport,
			      .flags = flags };
}

static struct spec datagram(int family, uint16_t sport, uint16_t dport)
{
	return (struct spec){ .family = family,
			      .src = loopback(family),
			      .dst = loopback(family),
			      .proto = IPPROTO_UDP,
			      .sport = sport,
			      .dport = dport,
			      .payload = 16 };
}

static void check(struct fixture *fixture, const char *name, struct spec spec, enum reason reason)
{
	struct row row = { .name = name, .spec = spec, .reason = reason };

	row_run(fixture, &row, spec.family);
}

static int accept_one(int listener)
{
	int fd = accept(listener, NULL, NULL);

	if (fd < 0)
		err(2, "accept");
	return fd;
}

static void tcp_cases(struct fixture *fixture, int family)
{
	int listener = socket_listen(family, SOCK_STREAM, TCP_PORT);
	int client = socket_connect(family, SOCK_STREAM, TCP_PORT), server = accept_one(listener);
	uint16_t port = socket_port(client);
	struct spec spec;

	check(fixture, "connected TCP socket: segment to the server", segment(family, port, TCP_PORT, TCP_ACK),
	      REASON_ESTABLISHED);
	check(fixture, "connected TCP socket: segment to the client", segment(family, TCP_PORT, port, TCP_ACK),
	      REASON_ESTABLISHED);
	check(fixture, "connected TCP socket: RST", segment(family, port, TCP_PORT, TCP_RST), REASON_ESTABLISHED);
	spec = segment(family, port, TCP_PORT, TCP_ACK);
	spec.tags[0] = ETH_P_8021Q;
	check(fixture, "connected TCP socket: tagged segment", spec, REASON_ESTABLISHED);
	spec = segment(family, port, TCP_PORT, TCP_ACK);
	spec.fragment = FIRST;
	check(fixture, "connected TCP socket: first fragment", spec, REASON_ESTABLISHED);
	spec = segment(family, port, TCP_PORT, TCP_ACK);
	spec.cut = 1;
	check(fixture, "connected TCP socket: truncated segment", spec, REASON_TRUNCATED);
	spec = segment(family, port, TCP_PORT, TCP_ACK);
	spec.src = SPEC_SRC;
	check(fixture, "connected TCP socket: same ports, other source", spec, REASON_NO_RULE);
	spec = segment(family, port, TCP_PORT, TCP_ACK);
	spec.dst = SPEC_DST;
	check(fixture, "connected TCP socket: same ports, other destination", spec, REASON_NO_RULE);
	check(fixture, "connected TCP socket: datagram on the same ports", datagram(family, port, TCP_PORT),
	      REASON_NO_RULE);
	check(fixture, "listening TCP socket: SYN", segment(family, 1, TCP_PORT, TCP_SYN), REASON_NO_RULE);
	check(fixture, "listening TCP socket: ACK of no connection", segment(family, 1, TCP_PORT, TCP_ACK),
	      REASON_NO_RULE);
	close(server);
	close(client);
	close(listener);
}

static void udp_cases(struct fixture *fixture, int family)
{
	int peer = socket_listen(family, SOCK_DGRAM, UDP_PORT), lonely = socket_listen(family, SOCK_DGRAM, LONELY_PORT);
	int connected = socket_connect(family, SOCK_DGRAM, UDP_PORT);
	uint16_t port = socket_port(connected);
	struct spec spec;

	check(fixture, "connected UDP socket: datagram of its peer", datagram(family, UDP_PORT, port),
	      REASON_ESTABLISHED);
	check(fixture, "connected UDP socket: datagram from another port", datagram(family, 1, port), REASON_NO_RULE);
	check(fixture, "connected UDP socket: datagram to another port", datagram(family, UDP_PORT, NO_SUCH_PORT),
	      REASON_NO_RULE);
	spec = datagram(family, UDP_PORT, port);
	spec.src = SPEC_SRC;
	check(fixture, "connected UDP socket: same ports, other source", spec, REASON_NO_RULE);
	spec = datagram(family, UDP_PORT, port);
	spec.fragment = FIRST;
	check(fixture, "connected UDP socket: first fragment", spec, REASON_ESTABLISHED);
	spec.fragment = LATER;
	check(fixture, "connected UDP socket: later fragment", spec, REASON_FRAGMENT_PASS);
	check(fixture, "connected UDP socket: TCP on the same ports", segment(family, UDP_PORT, port, TCP_ACK),
	      REASON_NO_RULE);
	check(fixture, "UDP socket without a peer", datagram(family, 1, LONELY_PORT), REASON_NO_RULE);
	close(connected);
	close(peer);
	close(lonely);
}

/* Who closes first waits. The client has seen the server's FIN when read tells the end of the stream. */
static uint16_t make_time_wait(int family)
{
	int listener = socket_listen(family, SOCK_STREAM, TIME_WAIT_PORT);
	int client = socket_connect(family, SOCK_STREAM, TIME_WAIT_PORT), server = accept_one(listener);
	uint16_t port = socket_port(client);
	char byte;

	shutdown(client, SHUT_WR);
	if (read(server, &byte, 1))
		errx(2, "read: expected the end of the stream");
	close(server);
	if (read(client, &byte, 1))
		errx(2, "read: expected the end of the stream");
	close(client);
	close(listener);
	return port;
}

static void time_wait_cases(struct fixture *fixture, int family)
{
	uint16_t port = make_time_wait(family);

	check(fixture, "TIME_WAIT: ACK", segment(family, TIME_WAIT_PORT, port, TCP_ACK), REASON_ESTABLISHED);
	check(fixture, "TIME_WAIT: FIN and ACK", segment(family, TIME_WAIT_PORT, port, TCP_FIN | TCP_ACK),
	      REASON_ESTABLISHED);
	check(fixture, "TIME_WAIT: SYN and ACK", segment(family, TIME_WAIT_PORT, port, TCP_SYN | TCP_ACK),
	      REASON_ESTABLISHED);
	check(fixture, "TIME_WAIT: RST", segment(family, TIME_WAIT_PORT, port, TCP_RST), REASON_ESTABLISHED);
	check(fixture, "TIME_WAIT: SYN is for the rules", segment(family, TIME_WAIT_PORT, port, TCP_SYN),
	      REASON_NO_RULE);
}

/* Lets the kernel itself receive a frame on the veth interface: what is sent by one end comes in by the other. */
static void inject(const struct fixture *fixture, struct frame *frame)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = fixture->veth_peer };
	struct ifreq request = { .ifr_name = VETH_NAME };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCGIFHWADDR, &request))
		err(2, "hardware address of " VETH_NAME);
	memcpy(frame->data, request.ifr_hwaddr.sa_data, ETH_ALEN);
	if (sendto(fd, frame->data, frame->len, 0, (struct sockaddr *)&to, sizeof(to)) != (ssize_t)frame->len)
		err(2, "send on " VETH_PEER_NAME);
	close(fd);
}

static int listen_anywhere(int family)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(HANDSHAKE_PORT) };
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(HANDSHAKE_PORT) };
	int fd = socket(family == 4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr *address = family == 4 ? (struct sockaddr *)&in : (struct sockaddr *)&in6;

	if (fd < 0 || bind(fd, address, family == 4 ? sizeof(in) : sizeof(in6)) || listen(fd, 16))
		err(2, "listen on port %d", HANDSHAKE_PORT);
	return fd;
}

/* The frame came in by a queue: gives the kernel up to half a minute to work on it. */
static void wait_for(struct fixture *fixture, const struct spec *spec, enum reason reason)
{
	struct outcome outcome = { 0 };
	struct frame frame;

	spec_build(spec, &frame);
	for (int i = 0; i < 3000 && outcome.reason != reason; i++) {
		fixture_run(fixture, ON_VETH, &frame, &outcome);
		if (outcome.reason != reason)
			usleep(10000);
	}
}

/* A SYN that nobody answers further: the last ACK of the handshake must not be taken for one to the listener. */
static void handshake_cases(struct fixture *fixture, int family)
{
	struct spec spec = {
		.family = family, .src = "192.0.2.99", .dst = VETH_ADDRESS, .sport = 5000, .dport = HANDSHAKE_PORT
	};
	int listener = listen_anywhere(family);
	struct frame frame;

	spec.flags = TCP_ACK;
	check(fixture, "handshake: ACK before the SYN", spec, REASON_NO_RULE);
	spec.flags = TCP_SYN;
	spec_build(&spec, &frame);
	inject(fixture, &frame);
	spec.flags = TCP_ACK;
	wait_for(fixture, &spec, REASON_ESTABLISHED);
	check(fixture, "handshake: ACK after the SYN", spec, REASON_ESTABLISHED);
	spec.sport = 5001;
	check(fixture, "handshake: ACK from another port", spec, REASON_NO_RULE);
	close(listener);
}

void socket_cases(struct fixture *fixture)
{
	fixture_open(fixture);
	fixture_set_rules_seen(fixture, 1);
	for (int family = 4; family <= 6; family += 2) {
		tcp_cases(fixture, family);
		udp_cases(fixture, family);
		time_wait_cases(fixture, family);
		handshake_cases(fixture, family);
	}
	fixture_close(fixture);
}
