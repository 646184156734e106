/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bytes as a question about a packet. What is taken must make a frame that is as long as its headers say, and read back
 * as the same question when it is written out in full.
 */
#include "ask.h"
#include "fuzz.h"
#include "prefix.h"
#include "proto.h"
#include "question.h"

#include <netinet/in.h>

static void end_print(char *out, size_t size, const struct question *q, const uint8_t addr[16], const char *rest)
{
	char address[PREFIX_TEXT_MAX];

	address_format(q->family, addr, address);
	snprintf(out, size, q->family == 6 ? "[%s]%s" : "%s%s", address, rest);
}

static void require_round_trip(const struct question *q)
{
	char src[80], dst[80], sport[16] = "", dport[16] = "", text[256], iface[16] = "";
	enum proto_ports ports = proto_ports(q->proto);
	struct question again;
	struct error error;

	if (ports == PROTO_HAS_PORTS) {
		snprintf(sport, sizeof(sport), ":%u", q->sport);
		snprintf(dport, sizeof(dport), ":%u", q->port);
	} else if (ports == PROTO_HAS_TYPES) {
		snprintf(dport, sizeof(dport), ":%u/%u", q->port >> 8, q->port & 0xff);
	}
	if (q->ifindex)
		snprintf(iface, sizeof(iface), " #%u", q->ifindex);
	end_print(src, sizeof(src), q, q->src, sport);
	end_print(dst, sizeof(dst), q, q->dst, dport);
	snprintf(text, sizeof(text), "%u %s %s%s", q->proto, src, dst, iface);
	FUZZ_REQUIRE(!question_parse(text, &again, &error));
	FUZZ_REQUIRE(!memcmp(&again, q, sizeof(again)));
}

static void require_frame(const struct question *q)
{
	uint8_t frame[ASK_FRAME_MAX];
	size_t size = ask_frame(q, frame), length;

	FUZZ_REQUIRE(size <= sizeof(frame) && size >= 14 + 20 + 8);
	length = q->family == 4 ? (size_t)(frame[16] << 8 | frame[17]) : 40 + (size_t)(frame[18] << 8 | frame[19]);
	FUZZ_REQUIRE(size == 14 + length);
	FUZZ_REQUIRE(frame[14] == (q->family == 4 ? 0x45 : 0x60));
	FUZZ_REQUIRE(frame[q->family == 4 ? 23 : 20] == q->proto);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	struct question question;
	struct error error;

	if (!question_parse(text, &question, &error)) {
		FUZZ_REQUIRE(question.family == 4 || question.family == 6);
		require_frame(&question);
		require_round_trip(&question);
	} else {
		FUZZ_REQUIRE(error.exit == 1 || error.exit == 2);
		FUZZ_REQUIRE(error.operand == text);
	}
	free(text);
	return 0;
}
