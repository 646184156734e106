/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the two ends of a session said first, by which its service is told: two lengths, the protocol, packets and
 * payload, and the bytes. Nothing beyond the lengths may have a say.
 */
#include "fuzz.h"
#include "service.h"

#include <netinet/in.h>

struct input {
	uint8_t lengths[2], is_udp, packets[2];
	uint16_t payload[2];
	uint8_t content[2][FLOW_CONTENT_MAX];
} __attribute__((packed));

static struct flow flow_of(const struct input *input, uint8_t filler)
{
	struct flow flow = { .key.proto = input->is_udp & 1 ? IPPROTO_UDP : IPPROTO_TCP };

	memset(flow.content, filler, sizeof(flow.content));
	for (int side = 0; side < 2; side++) {
		flow.content_length[side] = input->lengths[side] % (FLOW_CONTENT_MAX + 1);
		memcpy(flow.content[side], input->content[side], flow.content_length[side]);
		flow.side[side].packets = input->packets[side];
		flow.side[side].payload = input->payload[side];
	}
	return flow;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { 0 };
	struct flow zeros, text;
	enum service service;

	memcpy(&input, data, size < sizeof(input) ? size : sizeof(input));
	zeros = flow_of(&input, 0);
	text = flow_of(&input, 'A');
	service = service_of(&zeros);
	FUZZ_REQUIRE(service == service_of(&text));
	FUZZ_REQUIRE(service < SERVICE_COUNT && (service == SERVICE_NONE) == !service_name(service));
	return 0;
}
