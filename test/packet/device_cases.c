/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A device without Ethernet headers. A test run always gives the program one, so packets go through a real tun device
 * with the program on it; the verdict is told by the counter, and a reset comes back out of the device.
 */
#include "harness.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define TUN_NAME "tun0"
#define GENEVE_PORT 6081
#define WAIT_MS 2000

struct device {
	int fd, ifindex;
	struct bpf_tc_hook hook;
};

static int tun_open(void)
{
	struct ifreq request = { .ifr_name = TUN_NAME, .ifr_flags = IFF_TUN | IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK), control;

	if (fd < 0 || ioctl(fd, TUNSETIFF, &request))
		err(2, TUN_NAME);
	control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	request.ifr_flags = IFF_UP;
	if (control < 0 || ioctl(control, SIOCSIFFLAGS, &request))
		err(2, TUN_NAME ": up");
	close(control);
	return fd;
}

static void device_open(struct device *device, const struct fixture *fixture)
{
	LIBBPF_OPTS(bpf_tc_opts, options, .prog_fd = fixture->program);

	device->fd = tun_open();
	device->ifindex = (int)if_nametoindex(TUN_NAME);
	device->hook = (struct bpf_tc_hook){ .sz = sizeof(device->hook),
					     .ifindex = device->ifindex,
					     .attach_point = BPF_TC_INGRESS };
	if (bpf_tc_hook_create(&device->hook) || bpf_tc_attach(&device->hook, &options))
		err(2, TUN_NAME ": attach");
}

/* clang-format off */
#define UDP IPPROTO_UDP

static const struct row rows[] = {
	{ "tun: a pass rule", { .dport = 80 }, 0, REASON_RULE_PASS, .conn = "unconfirmed handshake 1/0" },
	{ "tun: no rule", { .dport = 81 }, 0, REASON_NO_RULE, .conn = "none" },
	{ "tun: UDP", { .proto = UDP, .dport = 53 }, 0, REASON_RULE_PASS, .conn = "unconfirmed new 1/0" },
	{ "tun: options", { .family = 4, .options = 40, .dport = 80, .sport = 2 }, 0, REASON_RULE_PASS },
	{ "tun: extension headers", { .family = 6, .chain = "HDRS", .dport = 80, .sport = 2 }, 0, REASON_RULE_PASS },
	{ "tun: cut", { .dport = 80, .cut = 1 }, 0, REASON_TRUNCATED },
	{ "tun: a bad header", { .dport = 80, .poke = { AT_TRANSPORT, 12, 1, 0 } }, 0, REASON_BAD_HEADER },
	{ "tun: padding", { .dport = 80, .sport = 3, .pad = 9 }, 0, REASON_RULE_PASS },
	{ "tun: first fragment", { .fragment = FIRST, .id = 1, .proto = UDP, .dport = 53 }, 0, REASON_RULE_PASS },
	{ "tun: later fragment", { .fragment = LATER, .id = 1, .proto = UDP }, 0, REASON_FRAGMENT_PASS },
	{ "tun: later fragment of another packet", { .fragment = LATER, .id = 2, .proto = UDP }, 0, REASON_FRAGMENT_EARLY },
	{ "tun: ping of death", { .fragment = LAST, .offset = 8191, .proto = UDP, .payload = 99 }, 0, REASON_BAD_HEADER },
	{ "tun: ICMP error", { .src = "192.0.2.77", .dst = SPEC_DST, .icmp = UNREACHABLE, .quote = &(const struct spec){ .back = true, .proto = UDP, .dport = 53 }, .quoted = 8 }, 0, REASON_ICMP_ERROR },
	{ "tun: ICMP error, 7 bytes quoted", { .src = "192.0.2.77", .dst = SPEC_DST, .icmp = UNREACHABLE, .quote = &(const struct spec){ .back = true, .proto = UDP, .dport = 53 }, .quoted = 7 }, 0, REASON_NO_RULE },
	{ 0 },
};
/* clang-format on */

/* The kernel goes on with what passes; the counters have moved by then. */
static void device_write(const struct device *device, const struct frame *frame)
{
	size_t size = frame->len - frame->network;

	if (write(device->fd, frame->data + frame->network, size) != (ssize_t)size)
		err(2, TUN_NAME ": write");
}

static void device_row(struct fixture *fixture, const struct device *device, const struct row *row, int family)
{
	char conn[CONN_TEXT_MAX] = "", got[192];
	struct spec spec = row->spec;
	struct outcome outcome = { 0 };
	struct frame frame;

	spec.family = family;
	spec_build(&spec, &frame);
	device_write(device, &frame);
	counts_compare(fixture, &outcome);
	conn_print(fixture, &frame, conn);
	if (outcome.reason == row->reason && outcome.moved == 1 &&
	    outcome.bytes == (int64_t)(frame.len - frame.network) && (!row->conn || !strcmp(row->conn, conn))) {
		tap_ok("%s (IPv%d)", row->name, family);
		return;
	}
	snprintf(got, sizeof(got), "%s, %d packets, %lld bytes, connection %s", reason_name(outcome.reason),
		 outcome.moved, (long long)outcome.bytes, conn);
	tap_not_ok(reason_name(row->reason), got, "%s (IPv%d)", row->name, family);
}

/* What the device sends, of the length of a reset; the kernel itself sends other packets. */
static bool device_read(const struct device *device, const struct frame *like)
{
	struct pollfd poll_fd = { .fd = device->fd, .events = POLLIN };
	size_t size = like->len - like->network;
	uint8_t packet[FRAME_MAX];

	while (poll(&poll_fd, 1, WAIT_MS) > 0) {
		ssize_t got = read(device->fd, packet, sizeof(packet));

		if (got == (ssize_t)size && !memcmp(packet, like->data + like->network, size))
			return true;
	}
	return false;
}

static void device_reset(struct fixture *fixture, const struct device *device, int family)
{
	struct spec spec = { .family = family, .dport = 90, .flags = TCP_ACK, .payload = 50 };
	struct outcome outcome = { 0 };
	struct frame frame;

	state_forget(fixture);
	spec_build(&spec, &frame);
	device_write(device, &frame);
	before_overdue(fixture, family);
	counts_compare(fixture, &outcome);
	device_write(device, &frame);
	counts_compare(fixture, &outcome);
	spec.back = true;
	spec.flags = TCP_RST;
	spec.payload = 0;
	spec_build(&spec, &frame);
	frame_put16(&frame, frame.transport + 6, 1); /* seq: what was acknowledged */
	frame_put16(&frame, frame.transport + 10, 0);
	frame_put16(&frame, frame.transport + 14, 0); /* window */
	frame_finish(&frame);
	if (device_read(device, &frame))
		tap_ok("tun: a reset comes back (IPv%d)", family);
	else
		tap_not_ok("the reset", "none like it", "tun: a reset comes back (IPv%d)", family);
}

static void family_run(struct fixture *fixture, int family)
{
	static const char *const rules[] = { "203.0.113.0 24 80 80 0 tcp", "203.0.113.0 24 53 53 0 udp",
					     "--max-duration 1000 203.0.113.0 24 90 90 0 tcp" };
	struct device device;

	fixture_open(fixture);
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (rule_insert(fixture, family, rules[i]))
			tap_not_ok("exit 0", "another", "map_update %s (IPv%d)", rules[i], family);
	device_open(&device, fixture);
	for (const struct row *row = rows; row->name; row++)
		if (!row->spec.family || row->spec.family == family)
			device_row(fixture, &device, row, family);
	device_reset(fixture, &device, family);
	close(device.fd);
	fixture_close(fixture);
}

void device_cases(struct fixture *fixture)
{
	for (int family = 4; family <= 6; family += 2) {
		if (!fixture->map_update)
			tap_skip("no map_update", "tun (IPv%d)", family);
		else if (access("/dev/net/tun", R_OK | W_OK))
			tap_skip("no /dev/net/tun", "tun (IPv%d)", family);
		else
			family_run(fixture, family);
	}
}
