/* SPDX-License-Identifier: GPL-2.0-only */
#include "capture.h"

#include "clock.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <string.h>

/* What the ethertype of a frame is when its payload is none that has one: reserved, RFC 1701. */
#define ETHERTYPE_NONE 0xffff

/* A link type: how long its header is, and which ethertype what follows it has. */
struct capture_link {
	int type; /* DLT_* */
	uint32_t header;
	uint16_t (*ethertype)(const uint8_t *header, const uint8_t *payload, uint32_t length);
};

/* ---- link types ---- */

static uint16_t field16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static uint16_t raw_ethertype(const uint8_t *header, const uint8_t *payload, uint32_t length)
{
	(void)header;
	if (!length)
		return ETHERTYPE_NONE;
	return payload[0] >> 4 == 6 ? ETH_P_IPV6 : ETH_P_IP;
}

static uint16_t ipv4_ethertype(const uint8_t *header, const uint8_t *payload, uint32_t length)
{
	(void)header, (void)payload, (void)length;
	return ETH_P_IP;
}

static uint16_t ipv6_ethertype(const uint8_t *header, const uint8_t *payload, uint32_t length)
{
	(void)header, (void)payload, (void)length;
	return ETH_P_IPV6;
}

/* Bytes 14 and 15 of the header; with a VLAN tag that of the tag, which is part of the payload. */
static uint16_t cooked_ethertype(const uint8_t *header, const uint8_t *payload, uint32_t length)
{
	(void)payload, (void)length;
	return field16(header + 14);
}

static uint16_t cooked2_ethertype(const uint8_t *header, const uint8_t *payload, uint32_t length)
{
	(void)payload, (void)length;
	return field16(header);
}

/*
 * An address family, in the byte order of the machine that captured it and by its numbers: Linux; NetBSD and OpenBSD;
 * FreeBSD; Darwin; Windows.
 */
static uint16_t null_ethertype(const uint8_t *header, const uint8_t *payload, uint32_t length)
{
	uint32_t family = (uint32_t)field16(header) << 16 | field16(header + 2);

	(void)payload, (void)length;
	if (family > 0xffff)
		family = __builtin_bswap32(family);
	switch (family) {
	case 2:
		return ETH_P_IP;
	case 10:
	case 23:
	case 24:
	case 28:
	case 30:
		return ETH_P_IPV6;
	default:
		return ETHERTYPE_NONE;
	}
}

static const struct capture_link links[] = {
	{ DLT_EN10MB, 0, NULL },
	{ DLT_RAW, 0, raw_ethertype },
	{ DLT_IPV4, 0, ipv4_ethertype },
	{ DLT_IPV6, 0, ipv6_ethertype },
	{ DLT_LINUX_SLL, 16, cooked_ethertype },
	{ DLT_LINUX_SLL2, 20, cooked2_ethertype },
	{ DLT_NULL, 4, null_ethertype },
	{ DLT_LOOP, 4, null_ethertype },
};

static int link_find(struct capture *capture, struct error *error)
{
	int type = pcap_datalink(capture->pcap);
	const char *name = pcap_datalink_val_to_name(type);

	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		if (links[i].type != type)
			continue;
		capture->link = &links[i];
		return 0;
	}
	return error_usage(error, capture->path,
			   "link type %s (%d): none of Ethernet, raw IP, Linux cooked (SLL, SLL2), loopback",
			   name ? name : "unknown", type);
}

/* ---- a file ---- */

/* libpcap says also where: the name of the file, which the error has already. */
static const char *reason_of(const struct capture *capture, const char *text)
{
	size_t length = strlen(capture->path);

	if (!strncmp(text, capture->path, length) && !strncmp(text + length, ": ", 2))
		return text + length + 2;
	return text;
}

static FILE *file_open(const char *path)
{
	return strcmp(path, "-") ? fopen(path, "re") : stdin;
}

int capture_open(struct capture *capture, const char *path, struct error *error)
{
	FILE *file = file_open(path);
	char reason[PCAP_ERRBUF_SIZE] = "";

	*capture = (struct capture){ .path = path };
	if (!file)
		return error_errno(error, path);
	capture->pcap = pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, reason);
	if (!capture->pcap) {
		error_usage(error, path, "not a capture: %s", reason_of(capture, reason));
		if (file != stdin)
			fclose(file);
		return -1;
	}
	if (!link_find(capture, error))
		return 0;
	capture_close(capture);
	return -1;
}

void capture_close(struct capture *capture)
{
	if (capture->pcap)
		pcap_close(capture->pcap);
	capture->pcap = NULL;
}

/* ---- a packet ---- */

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* An Ethernet header without addresses in the place of what was captured; returns the length of the frame. */
static uint32_t frame_make(struct capture *capture, const uint8_t *data, uint32_t length)
{
	const struct capture_link *link = capture->link;
	struct ethhdr ether = { .h_proto = 0 };
	uint32_t payload;

	if (length < link->header)
		return 0;
	payload = least(length - link->header, CAPTURE_FRAME_MAX - (uint32_t)sizeof(ether));
	ether.h_proto = htons(link->ethertype(data, data + link->header, payload));
	memcpy(capture->frame, &ether, sizeof(ether));
	memcpy(capture->frame + sizeof(ether), data + link->header, payload);
	return (uint32_t)sizeof(ether) + payload;
}

/* The time of a pcap file has 32 bits of seconds, which libpcap takes for signed ones. */
static uint64_t time_of(const struct pcap_pkthdr *header)
{
	return (uint32_t)header->ts.tv_sec * CLOCK_SECOND + (uint64_t)header->ts.tv_usec;
}

static void packet_fill(struct capture *capture, const struct pcap_pkthdr *header, const uint8_t *data,
			struct capture_packet *packet)
{
	packet->time = time_of(header);
	packet->wire = header->len;
	if (capture->link->ethertype) {
		packet->length = frame_make(capture, data, header->caplen);
		packet->frame = capture->frame;
	} else {
		packet->length = least(header->caplen, CAPTURE_FRAME_MAX);
		packet->frame = data;
	}
}

int capture_next(struct capture *capture, struct capture_packet *packet, struct error *error)
{
	struct pcap_pkthdr *header;
	const uint8_t *data;

	switch (pcap_next_ex(capture->pcap, &header, &data)) {
	case 1:
		capture->packets++;
		packet_fill(capture, header, data, packet);
		return 1;
	case PCAP_ERROR_BREAK:
		return 0;
	default:
		return error_state(error, capture->path, "%s; the packets before that, %llu, are counted",
				   reason_of(capture, pcap_geterr(capture->pcap)),
				   (unsigned long long)capture->packets);
	}
}
