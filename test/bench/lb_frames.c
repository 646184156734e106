/* SPDX-License-Identifier: GPL-2.0-only */
/* Frames from clients to a VIP, and of those who answer. */
#include "lb.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#define ETHERNET_SIZE 14

/* The last digit of the VIP tells the mode: see scripts/bench. */
static void vip_set(uint32_t family, enum lb_mode mode, uint8_t *out)
{
	inet_pton(family == RULES_IPV4 ? AF_INET : AF_INET6, family == RULES_IPV4 ? "203.0.113.1" : "2001:db8:2::1",
		  out);
	out[family == RULES_IPV4 ? 3 : 15] = (uint8_t)(1 + mode);
}

struct set_packet lb_packet(uint32_t family, uint8_t proto, enum lb_mode mode, uint32_t client)
{
	struct set_packet packet = { .proto = proto, .port = LB_VIP_PORT };
	uint32_t number = htonl(client);

	vip_set(family, mode, packet.dst);
	if (family == RULES_IPV4) {
		packet.src[0] = 10;
		memcpy(packet.src + 1, (uint8_t *)&number + 1, 3);
	} else {
		inet_pton(AF_INET6, "2001:db8:f::", packet.src);
		memcpy(packet.src + 12, &number, sizeof(number));
	}
	return packet;
}

/* ---- checksums: RFC 1071 ---- */

static uint32_t sum_of(const uint8_t *bytes, size_t size)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < size; i += 2)
		sum += (uint32_t)(bytes[i] << 8 | bytes[i + 1]);
	return sum;
}

static void transport_sum(uint8_t *ip, uint8_t *transport, size_t size, uint8_t proto)
{
	size_t addresses = transport - ip == 20 ? 8 : 32;
	uint8_t *out = transport + (proto == IPPROTO_TCP ? 16 : 6);
	uint32_t sum;

	memset(out, 0, 2);
	sum = sum_of(transport - addresses, addresses) + sum_of(transport, size) + proto + (uint32_t)size;
	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~(sum + (sum >> 16));
	out[0] = (uint8_t)(sum >> 8);
	out[1] = (uint8_t)sum;
}

/* ---- frames ---- */

void lb_frame(struct bench_frame *frame, uint32_t family, const struct set_packet *packet, uint16_t sport,
	      uint8_t flags)
{
	uint8_t *ip = frame->bytes + ETHERNET_SIZE, *transport = ip + (family == RULES_IPV4 ? 20 : 40);

	bench_frame(frame, family, packet, sport);
	if (packet->proto == IPPROTO_TCP)
		transport[13] = flags;
	transport_sum(ip, transport, (size_t)(frame->bytes + frame->size - transport), packet->proto);
}

void lb_answer(struct bench_frame *answer, const struct bench_frame *seen, uint8_t flags)
{
	const uint8_t *ip = seen->bytes + ETHERNET_SIZE;
	uint32_t family = ip[0] >> 4 == 6 ? RULES_IPV6 : RULES_IPV4;
	size_t size = family == RULES_IPV4 ? 4 : 16;
	const uint8_t *transport = ip + (family == RULES_IPV4 ? 20 : 40), *src = transport - 2 * size;
	struct set_packet packet = { .proto = ip[family == RULES_IPV4 ? 9 : 6] };

	memcpy(packet.src, src + size, size);
	memcpy(packet.dst, src, size);
	packet.port = (uint16_t)(transport[0] << 8 | transport[1]);
	lb_frame(answer, family, &packet, (uint16_t)(transport[2] << 8 | transport[3]), flags);
}
