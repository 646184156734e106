/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bytes as a capture that flow_replay reads. libpcap takes the file apart; what we make of a packet is a whole Ethernet
 * header or nothing, no longer than is handed to the kernel, and all of it there.
 */
#include "capture.h"
#include "fuzz.h"

static void require_packet(const struct capture_packet *packet)
{
	uint8_t copy[CAPTURE_FRAME_MAX];

	FUZZ_REQUIRE(packet->length <= CAPTURE_FRAME_MAX);
	memcpy(copy, packet->frame, packet->length);
}

static void read_all(struct capture *capture)
{
	struct capture_packet packet;
	struct error error;
	int result;

	while ((result = capture_next(capture, &packet, &error)) > 0)
		require_packet(&packet);
	if (result)
		fuzz_require_message(&error);
	capture_close(capture);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct capture capture;
	struct error error;

	if (!size)
		return 0;
	stdin = fmemopen((void *)(uintptr_t)data, size, "r");
	FUZZ_REQUIRE(stdin);
	if (capture_open(&capture, "-", &error))
		fuzz_require_message(&error);
	else
		read_all(&capture);
	fclose(stdin);
	return 0;
}
