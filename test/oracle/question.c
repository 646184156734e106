/* SPDX-License-Identifier: GPL-2.0-only */
#include "question.h"

#include "prefix.h"
#include "proto.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/pkt_cls.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define SOURCE_PORT 40000

void asker_init(struct asker *asker, int program)
{
	asker->program = program;
	for (int family = 0; family < 2; family++) {
		for (int tcp = 0; tcp < 2; tcp++) {
			struct spec spec = { .family = family == RULES_IPV6 ? 6 : 4,
					     .proto = tcp ? IPPROTO_TCP : IPPROTO_UDP,
					     .sport = SOURCE_PORT };

			spec_build(&spec, &asker->frames[family][tcp]);
		}
	}
}

static void frame_addresses(struct frame *frame, const struct plain_packet *packet)
{
	size_t size = packet->family == RULES_IPV6 ? 16 : 4;
	uint8_t *src = frame->data + frame->network + (packet->family == RULES_IPV6 ? 8 : 12);

	memcpy(src, packet->src, size);
	memcpy(src + size, packet->dst, size);
}

/* Checksums stay wrong: the program does not look at them. What is neither TCP nor UDP carries a UDP header as data. */
static struct frame *frame_for(struct asker *asker, const struct plain_packet *packet)
{
	struct frame *frame = &asker->frames[packet->family][packet->proto == IPPROTO_TCP];
	bool icmp = packet->proto == IPPROTO_ICMP || packet->proto == IPPROTO_ICMPV6;

	frame->data[frame->network + (packet->family == RULES_IPV6 ? 6 : 9)] = (uint8_t)packet->proto;
	frame_addresses(frame, packet);
	/* type and code of ICMP stand where others have their source port */
	frame_put16(frame, frame->transport, icmp ? (uint16_t)packet->port : SOURCE_PORT);
	frame_put16(frame, frame->transport + 2, (uint16_t)packet->port);
	return frame;
}

void question_ask(struct asker *asker, const struct plain_packet *packet, struct answer *answer)
{
	const struct frame *frame = frame_for(asker, packet);
	struct __sk_buff in = { .ifindex = packet->ifindex, .cb = { QUESTION_MAGIC0, QUESTION_MAGIC1 } }, out = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame->data, .data_size_in = (uint32_t)frame->len,
		    .ctx_in = &in, .ctx_size_in = sizeof(in), .ctx_out = &out, .ctx_size_out = sizeof(out));

	*answer = (struct answer){ 0 };
	if (bpf_prog_test_run_opts(asker->program, &options))
		answer->error = errno;
	else if (options.retval != TC_ACT_SHOT)
		answer->error = EBADMSG;
	answer->reason = out.cb[QUESTION_REASON] & 0xffff;
	answer->rule = (uint64_t)out.cb[QUESTION_RULE_HIGH] << 32 | out.cb[QUESTION_RULE_LOW];
}

static void endpoint_print(const struct plain_packet *packet, const uint8_t addr[16], int port)
{
	bool ports = packet->proto != IPPROTO_ICMP && packet->proto != IPPROTO_ICMPV6;
	char text[PREFIX_TEXT_MAX];

	address_format(packet->family == RULES_IPV6 ? 6 : 4, addr, text);
	if (!ports)
		printf(" %s", text);
	else
		printf(packet->family == RULES_IPV6 ? " [%s]:%d" : " %s:%d", text, port);
}

void question_print(const struct plain_packet *packet)
{
	char name[PROTO_TEXT_MAX], interface[IF_NAMESIZE] = "?";

	if_indextoname(packet->ifindex, interface);
	printf("%s", proto_format((uint16_t)packet->proto, name));
	endpoint_print(packet, packet->src, SOURCE_PORT);
	endpoint_print(packet, packet->dst, packet->port);
	printf(" %s", interface);
	if (packet->proto == IPPROTO_ICMP || packet->proto == IPPROTO_ICMPV6)
		printf(" type %d code %d", packet->port >> 8, packet->port & 255);
}
