/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * flood DEV MAC tcp|udp|noise DESTINATION PORT FIRST COUNT [TIMES]
 *
 * Sends COUNT packets as fast as it can, each from a source of its own: 10.0.0.0 + FIRST and on, or fd00:f100:: +
 * FIRST; then all of them again, so many times. TCP packets are SYNs; noise is TCP of which bytes were changed and the
 * end cut off at random, the same in each run. MAC is the receiver's. Prints nothing; ends when all are sent.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define BATCH 64
#define SOURCE_IPV4 0x0a000000u
#define SPORT 40000

struct frame {
	uint8_t unsent[2]; /* so that addresses are aligned */
	struct ethhdr eth;
	union {
		struct {
			struct iphdr ip;
			uint8_t l4[sizeof(struct tcphdr)];
		} v4;
		struct {
			struct ip6_hdr ip;
			uint8_t l4[sizeof(struct tcphdr)];
		} v6;
	};
};

struct flood {
	int family, proto;
	int noise;
	uint16_t port; /* network byte order */
	struct in6_addr to;
	struct ether_addr mac;
	size_t size; /* of a frame */
};

/* ---- one frame ---- */

static uint32_t sum_add(uint32_t sum, const void *data, size_t size)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i + 1 < size; i += 2)
		sum += (uint32_t)(bytes[i] << 8 | bytes[i + 1]);
	return sum;
}

static uint16_t sum_fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t) ~((sum & 0xffff) + (sum >> 16)));
}

static size_t l4_size(const struct flood *flood)
{
	return flood->proto == IPPROTO_TCP ? sizeof(struct tcphdr) : sizeof(struct udphdr);
}

/* addresses_sum: of both addresses, as in the pseudo header of RFC 9293 and 768 */
static void l4_fill(const struct flood *flood, uint8_t *l4, uint32_t addresses_sum)
{
	uint32_t sum = addresses_sum + (uint32_t)flood->proto + (uint32_t)l4_size(flood);

	memset(l4, 0, l4_size(flood));
	if (flood->proto == IPPROTO_TCP) {
		struct tcphdr *tcp = (struct tcphdr *)l4;

		*tcp = (struct tcphdr){ .doff = 5, .syn = 1, .window = 0xffff };
		tcp->source = htons(SPORT);
		tcp->dest = flood->port;
		tcp->check = sum_fold(sum_add(sum, l4, l4_size(flood)));
	} else {
		struct udphdr *udp = (struct udphdr *)l4;

		udp->source = htons(SPORT);
		udp->dest = flood->port;
		udp->len = htons(sizeof(*udp));
		udp->check = sum_fold(sum_add(sum, l4, l4_size(flood)));
	}
}

static void ipv4_fill(const struct flood *flood, struct frame *frame, uint32_t number)
{
	struct iphdr *ip = &frame->v4.ip;

	*ip = (struct iphdr){ .version = 4, .ihl = 5, .ttl = 64, .protocol = (uint8_t)flood->proto };
	ip->tot_len = htons((uint16_t)(sizeof(*ip) + l4_size(flood)));
	ip->saddr = htonl(SOURCE_IPV4 + number);
	memcpy(&ip->daddr, &flood->to, sizeof(ip->daddr));
	ip->check = sum_fold(sum_add(0, ip, sizeof(*ip)));
	l4_fill(flood, frame->v4.l4, sum_add(0, &ip->saddr, 8));
}

static void ipv6_fill(const struct flood *flood, struct frame *frame, uint32_t number)
{
	struct ip6_hdr *ip = &frame->v6.ip;

	memset(ip, 0, sizeof(*ip));
	ip->ip6_vfc = 0x60;
	ip->ip6_plen = htons((uint16_t)l4_size(flood));
	ip->ip6_nxt = (uint8_t)flood->proto;
	ip->ip6_hlim = 64;
	ip->ip6_src.s6_addr32[0] = htonl(0xfd00f100);
	ip->ip6_src.s6_addr32[3] = htonl(number);
	ip->ip6_dst = flood->to;
	l4_fill(flood, frame->v6.l4, sum_add(0, &ip->ip6_src, 32));
}

static void frame_fill(const struct flood *flood, struct frame *frame, uint32_t number)
{
	memcpy(frame->eth.h_dest, &flood->mac, ETH_ALEN);
	memset(frame->eth.h_source, 2, ETH_ALEN);
	frame->eth.h_proto = htons(flood->family == AF_INET ? ETH_P_IP : ETH_P_IPV6);
	if (flood->family == AF_INET)
		ipv4_fill(flood, frame, number);
	else
		ipv6_fill(flood, frame, number);
}

/* ---- damaged ones ---- */

/* xorshift32 */
static uint32_t noise_next(void)
{
	static uint32_t state = 1;

	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state;
}

/* Up to four bytes after the MAC addresses are others. Returns how much of the frame is left. */
static size_t frame_damage(const struct flood *flood, struct frame *frame)
{
	uint8_t *bytes = (uint8_t *)&frame->eth;
	size_t kept = offsetof(struct ethhdr, h_proto);

	for (uint32_t left = noise_next() % 5; left; left--)
		bytes[kept + noise_next() % (flood->size - kept)] = (uint8_t)(noise_next() >> 8);
	return noise_next() % 2 ? flood->size : sizeof(frame->eth) + noise_next() % (flood->size - sizeof(frame->eth));
}

/* ---- all of them ---- */

static int socket_on(const char *dev)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(dev) };
	int fd = socket(AF_PACKET, SOCK_RAW, 0), on = 1;

	if (fd < 0 || !to.sll_ifindex || bind(fd, (struct sockaddr *)&to, sizeof(to)))
		err(1, "%s", dev);
	if (setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on)))
		err(1, "PACKET_QDISC_BYPASS");
	return fd;
}

static void send_all(int fd, const struct flood *flood, uint32_t first, uint32_t count)
{
	static struct frame frames[BATCH];
	static struct iovec parts[BATCH];
	static struct mmsghdr messages[BATCH];

	for (uint32_t sent = 0; sent < count;) {
		uint32_t batch = count - sent < BATCH ? count - sent : BATCH;
		int done;

		for (uint32_t i = 0; i < batch; i++) {
			frame_fill(flood, &frames[i], first + sent + i);
			parts[i].iov_base = &frames[i].eth;
			parts[i].iov_len = flood->noise ? frame_damage(flood, &frames[i]) : flood->size;
			messages[i].msg_hdr = (struct msghdr){ .msg_iov = &parts[i], .msg_iovlen = 1 };
		}
		done = sendmmsg(fd, messages, batch, 0);
		/* the device had no room: the first of these again */
		if (done < 0 && errno != ENOBUFS)
			err(1, "sendmmsg");
		sent += done < 0 ? 0 : (uint32_t)done;
	}
}

int main(int argc, char **argv)
{
	struct flood flood = { 0 };
	unsigned long times;
	int fd;

	if (argc < 8 || argc > 9 || !ether_aton_r(argv[2], &flood.mac))
		errx(2, "usage: flood DEV MAC tcp|udp|noise DESTINATION PORT FIRST COUNT [TIMES]");
	flood.noise = !strcmp(argv[3], "noise");
	flood.proto = strcmp(argv[3], "udp") ? IPPROTO_TCP : IPPROTO_UDP;
	flood.family = strchr(argv[4], ':') ? AF_INET6 : AF_INET;
	if (inet_pton(flood.family, argv[4], &flood.to) != 1)
		errx(2, "%s: not an address", argv[4]);
	flood.port = htons((uint16_t)strtoul(argv[5], NULL, 10));
	flood.size = sizeof(struct ethhdr) + l4_size(&flood) +
		     (flood.family == AF_INET ? sizeof(struct iphdr) : sizeof(struct ip6_hdr));
	times = argc > 8 ? strtoul(argv[8], NULL, 10) : 1;
	fd = socket_on(argv[1]);
	for (unsigned long i = 0; i < times; i++)
		send_all(fd, &flood, (uint32_t)strtoul(argv[6], NULL, 10), (uint32_t)strtoul(argv[7], NULL, 10));
	return 0;
}
