/* SPDX-License-Identifier: GPL-2.0-only */
/* lib/question.c, and the frame that lib/ask.c makes of a question */
#include "ask.h"
#include "prefix.h"
#include "question.h"

#include "tap.h"

#include <arpa/inet.h>

static const struct {
	const char *text;
	const char *parsed; /* proto src sport dst port ifindex, or the error */
} cases[] = {
	{ "udp 10.0.0.9:40000 172.16.240.9:5060", "17 10.0.0.9 40000 172.16.240.9 5060 0" },
	{ "  udp\t10.0.0.9:40000  172.16.240.9:5060 ", "17 10.0.0.9 40000 172.16.240.9 5060 0" },
	{ "tcp 10.0.0.9 172.16.240.9:80", "6 10.0.0.9 49152 172.16.240.9 80 0" },
	{ "6 10.0.0.9:0 172.16.240.9:65535 lo", "6 10.0.0.9 0 172.16.240.9 65535 1" },
	{ "tcp 10.0.0.9 172.16.240.9:80 #70000", "6 10.0.0.9 49152 172.16.240.9 80 70000" },
	{ "tcp 2001:db8::2 [2001:db8::1]:80", "6 2001:db8::2 49152 2001:db8::1 80 0" },
	{ "tcp [2001:db8::2] [2001:db8::1]:80", "6 2001:db8::2 49152 2001:db8::1 80 0" },
	{ "udp [::2]:53 [::1]:1024", "17 ::2 53 ::1 1024 0" },
	{ "sctp 10.0.0.1 10.0.0.2:9", "132 10.0.0.1 49152 10.0.0.2 9 0" },
	{ "icmp 10.0.0.1 10.0.0.2", "1 10.0.0.1 0 10.0.0.2 2048 0" },
	{ "icmp 10.0.0.1 10.0.0.2:3", "1 10.0.0.1 0 10.0.0.2 768 0" },
	{ "icmp 10.0.0.1 10.0.0.2:3/4", "1 10.0.0.1 0 10.0.0.2 772 0" },
	{ "icmpv6 ::2 ::1", "58 ::2 0 ::1 32768 0" },
	{ "icmpv6 ::2 [::1]:2/255", "58 ::2 0 ::1 767 0" },
	{ "gre 10.0.0.1 10.0.0.2", "47 10.0.0.1 0 10.0.0.2 0 0" },
	{ "0 10.0.0.1 10.0.0.2", "0 10.0.0.1 0 10.0.0.2 0 0" },
	{ "ah 10.0.0.1 10.0.0.2", "51 10.0.0.1 0 10.0.0.2 0 0" },
	{ "", "'': not PROTO SRC[:PORT] DST[:PORT] [IFACE]" },
	{ " \t ", " ? : not PROTO SRC[:PORT] DST[:PORT] [IFACE]" },
	{ "tcp", "tcp: not PROTO SRC[:PORT] DST[:PORT] [IFACE]" },
	{ "tcp 10.0.0.1:1", "tcp 10.0.0.1:1: not PROTO SRC[:PORT] DST[:PORT] [IFACE]" },
	{ "tcp 10.0.0.1:1 10.0.0.2:1 lo  now", "now: one word too many" },
	{ "TCP 10.0.0.1:1 10.0.0.2:1", "TCP: unknown protocol (tcp, udp, icmp, icmpv6, a number 0-255, any)" },
	{ "256 10.0.0.1 10.0.0.2", "256: out of range (0-255)" },
	{ "any 10.0.0.1 10.0.0.2", "any: a packet has one protocol" },
	{ "tcp 10.0.0.1 10.0.0.2", "10.0.0.2: needs a port: tcp has ports" },
	{ "tcp ::1 ::2", "::2: needs a port: tcp has ports" },
	{ "tcp 10.0.0.1 10.0.0.2:", "10.0.0.2:: '': empty, expected a number" },
	{ "tcp 10.0.0.1: 10.0.0.2:1", "10.0.0.1:: '': empty, expected a number" },
	{ "tcp 10.0.0.1 10.0.0.2:65536", "10.0.0.2:65536: 65536: out of range (0-65535)" },
	{ "tcp 10.0.0.1 10.0.0.2:080", "10.0.0.2:080: 080: leading zero (octal or decimal?)" },
	{ "tcp 10.0.0.1 10.0.0.2:80x", "10.0.0.2:80x: 80x: not a number" },
	{ "tcp 10.0.0.1 10.0.0.2:http", "10.0.0.2:http: http: not a number" },
	{ "tcp 10.0.0.1 10.0.0:80", "10.0.0:80: not an address, ADDRESS:PORT or [ADDRESS]:PORT" },
	{ "tcp 10.0.0.0/8 10.0.0.2:80", "10.0.0.0/8: not an address, ADDRESS:PORT or [ADDRESS]:PORT" },
	{ "tcp 10.0.0.1 [10.0.0.2]:80", "[10.0.0.2]:80: not an IPv6 address in brackets" },
	{ "tcp ::1 [::2:80", "[::2:80: not an address, ADDRESS:PORT or [ADDRESS]:PORT" },
	{ "tcp ::1 [::2]80", "[::2]80: not an address, ADDRESS:PORT or [ADDRESS]:PORT" },
	{ "tcp ::1 []:80", "[]:80: not an IPv6 address in brackets" },
	{ "tcp 10.0.0.1 [::2]:80", "[::2]:80: not of the family of the source" },
	{ "tcp fe80::1%lo [::2]:80", "fe80::1%lo: not an address, ADDRESS:PORT or [ADDRESS]:PORT" },
	{ "gre 10.0.0.1 10.0.0.2:80", "10.0.0.2:80: gre has no ports" },
	{ "icmp 10.0.0.1:8 10.0.0.2", "10.0.0.1:8: icmp has no ports" },
	{ "icmp 10.0.0.1 10.0.0.2:256", "10.0.0.2:256: 256: out of range (0-255)" },
	{ "icmp 10.0.0.1 10.0.0.2:3/256", "10.0.0.2:3/256: 256: out of range (0-255)" },
	{ "icmp 10.0.0.1 10.0.0.2:3/", "10.0.0.2:3/: '': empty, expected a number" },
	{ "icmp 10.0.0.1 10.0.0.2:/3", "10.0.0.2:/3: '': empty, expected a number" },
	{ "icmp ::1 ::2", "icmp: not a protocol of IPv6" },
	{ "icmpv6 10.0.0.1 10.0.0.2", "icmpv6: not a protocol of IPv4" },
	{ "44 ::1 ::2", "44: an extension header of IPv6, which rules do not match" },
	{ "tcp 10.0.0.1 10.0.0.2:1 none0", "none0: no such interface" },
	{ "tcp 10.0.0.1 10.0.0.2:1 interface-too-long", "interface-too-long: not an interface name" },
};

static void question_text(const struct question *q, char *out, size_t size)
{
	char src[PREFIX_TEXT_MAX], dst[PREFIX_TEXT_MAX];

	snprintf(out, size, "%u %s %u %s %u %u", q->proto, address_format(q->family, q->src, src), q->sport,
		 address_format(q->family, q->dst, dst), q->port, q->ifindex);
}

static void test_parse(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct error error = { .text = "" };
		struct question question;
		char text[256];
		int result = question_parse(cases[i].text, &question, &error);

		if (!result)
			question_text(&question, text, sizeof(text));
		check_text(result ? error.text : text, cases[i].parsed, "\"%s\"", cases[i].text);
		if (result)
			check(error.operand == cases[i].text, 1, "\"%s\": the operand is the argument", cases[i].text);
	}
}

static const struct {
	const char *text, *frame; /* after the Ethernet header */
} frames[] = {
	{ "udp 10.0.0.9:40000 172.16.240.9:5060", "4500001c000000004011d4ae0a000009ac10f0099c4013c400080000" },
	{ "tcp 10.0.0.9:1 10.0.0.1:22",
	  "4500002800000000400666c70a0000090a0000010001001600000000000000005002000000000000" },
	{ "icmp 10.0.0.9 10.0.0.1:3/4", "4500001c00000000400166d80a0000090a0000010304000000000000" },
	{ "gre 10.0.0.9 10.0.0.1", "4500001c00000000402f66aa0a0000090a0000010000000000000000" },
	{ "udp [::2]:53 [::1]:1024", "6000000000081140"
				     "00000000000000000000000000000002"
				     "00000000000000000000000000000001"
				     "0035040000080000" },
	{ "icmpv6 ::2 ::1", "6000000000083a40"
			    "00000000000000000000000000000002"
			    "00000000000000000000000000000001"
			    "8000000000000000" },
	{ "icmpv6 ::2 [::1]:135", "6000000000083aff"
				  "00000000000000000000000000000002"
				  "00000000000000000000000000000001"
				  "8700000000000000" },
	{ "icmpv6 ::2 [::1]:143", "6000000000083a01"
				  "00000000000000000000000000000002"
				  "00000000000000000000000000000001"
				  "8f00000000000000" },
};

static void test_frame(void)
{
	for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
		struct question question;
		struct error error;
		uint8_t frame[ASK_FRAME_MAX];
		char text[2 * ASK_FRAME_MAX + 1] = "";
		size_t size = question_parse(frames[i].text, &question, &error) ? 14 : ask_frame(&question, frame);

		for (size_t j = 14; j < size; j++)
			snprintf(text + 2 * (j - 14), 3, "%02x", frame[j]);
		check_text(text, frames[i].frame, "\"%s\": its packet", frames[i].text);
		check(frame[12] << 8 | frame[13], question.family == 4 ? 0x0800 : 0x86dd, "\"%s\": its ethertype",
		      frames[i].text);
	}
}

int main(void)
{
	test_parse();
	test_frame();
	return tap_done();
}
