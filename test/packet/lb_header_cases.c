/* SPDX-License-Identifier: GPL-2.0-only */
/* The balancer and what is none of its packets: nothing is counted, and no byte changes. */
#include "exchange_steps.h"

#include <linux/if_ether.h>

#include <netinet/in.h>

/* clang-format off */
#define LLDP 0x88cc

static const struct exchange exchanges[] = {
	{ "not of the service", .services = { { .low = SERVICE_PORT } }, .steps = {
		{ "another port of the VIP", { .dport = 81 }, ON_VETH, UNTOUCHED },
		{ "the port of the backend at the VIP", { .dport = SERVICE_BACKEND_PORT }, ON_VETH, UNTOUCHED },
		{ "another address", TO_VIP(.dst = "203.0.113.6"), ON_VETH, UNTOUCHED },
		{ "from the VIP", TO_VIP(.src = SPEC_DST, .dst = SPEC_SRC), ON_VETH, UNTOUCHED },
		{ "to the service, leaving", TO_VIP(), OUT_VETH, UNTOUCHED },
		{ "from a backend, of another port", { .src = BOX_BACKEND_1, .dst = SPEC_SRC, .sport = 81, .dport = CLIENT_PORT, .flags = SYN_ACK }, ON_PEER, UNTOUCHED },
		{ "from a backend, of another port, leaving", { .src = BOX_BACKEND_1, .dst = SPEC_SRC, .sport = 81, .dport = CLIENT_PORT, .flags = SYN_ACK }, OUT_VETH, UNTOUCHED },
		{ "a backend answers this box itself", { .src = BOX_BACKEND_1, .dst = BOX_BACKEND_ADDRESS, .sport = SERVICE_BACKEND_PORT, .dport = 45000, .flags = SYN_ACK }, ON_PEER, UNTOUCHED },
		{ "to all hosts of the link", TO_VIP(.mac = "ff:ff:ff:ff:ff:ff"), ON_VETH, UNTOUCHED },
		{ "to a group of the link", TO_VIP(.mac = "01:00:5e:00:00:01"), ON_VETH, UNTOUCHED },
		{ "to another host of the link", TO_VIP(.mac = "02:00:00:00:00:77"), ON_VETH, UNTOUCHED },
		{ "a later fragment of nothing known", { .fragment = LATER, .id = 77, .payload = 30 }, ON_VETH, UNTOUCHED },
	} },
	{ "not TCP or UDP", .proto = TCP, .services = { { .low = SERVICE_PORT } }, .steps = {
		{ "UDP to a TCP service", TO_VIP(.proto = UDP), ON_VETH, UNTOUCHED },
		{ "SCTP", TO_VIP(.proto = IPPROTO_SCTP, .payload = 8), ON_VETH, UNTOUCHED },
		{ "UDP-Lite", TO_VIP(.proto = IPPROTO_UDPLITE, .payload = 8), ON_VETH, UNTOUCHED },
		{ "GRE", { .proto = IPPROTO_GRE, .payload = 8 }, ON_VETH, UNTOUCHED },
		{ "echo request", { .icmp = ECHO_REQUEST, .id = 80 }, ON_VETH, UNTOUCHED },
		{ "ARP", { .family = 4, .ethertype = ETH_P_ARP }, ON_VETH, UNTOUCHED },
		{ "LLDP", { .family = 4, .ethertype = LLDP }, ON_VETH, UNTOUCHED },
		{ "ARP, leaving", { .family = 4, .ethertype = ETH_P_ARP }, OUT_VETH, UNTOUCHED },
	} },
	{ "UDP and not TCP", .proto = UDP, .services = { { .low = SERVICE_PORT } }, .steps = {
		{ "TCP to a UDP service", TO_VIP(.proto = TCP), ON_VETH, UNTOUCHED },
	} },
	{ "malformed", .services = { { .low = SERVICE_PORT } }, .steps = {
		{ "cut short in the transport header", TO_VIP(.cut = 6), ON_VETH, UNTOUCHED },
		{ "cut short in the data", TO_VIP(.payload = 20, .cut = 1), ON_VETH, UNTOUCHED },
		{ "only the IP header", TO_VIP(.proto = TCP, .cut = 20), ON_VETH, UNTOUCHED },
		{ "only the IP header", TO_VIP(.proto = UDP, .cut = 8), ON_VETH, UNTOUCHED },
		{ "a header of 16 bytes", TO_VIP(.family = 4, .poke = { AT_NETWORK, 0, 1, 0x44 }), ON_VETH, UNTOUCHED },
		{ "another version", TO_VIP(.family = 4, .poke = { AT_NETWORK, 0, 1, 0x65 }), ON_VETH, UNTOUCHED },
		{ "another version", TO_VIP(.family = 6, .poke = { AT_NETWORK, 0, 1, 0x45 }), ON_VETH, UNTOUCHED },
		{ "a length beyond the frame", TO_VIP(.family = 4, .poke = { AT_NETWORK, 2, 2, 1400 }), ON_VETH, UNTOUCHED },
		{ "a length beyond the frame", TO_VIP(.family = 6, .poke = { AT_NETWORK, 4, 2, 1400 }), ON_VETH, UNTOUCHED },
		{ "a TCP header of 16 bytes", TO_VIP(.proto = TCP, .poke = { AT_TRANSPORT, 12, 1, 0x40 }), ON_VETH, UNTOUCHED },
		{ "a TCP header beyond the packet", TO_VIP(.proto = TCP, .poke = { AT_TRANSPORT, 12, 1, 0x60 }), ON_VETH, UNTOUCHED },
		{ "a UDP length of 7", TO_VIP(.proto = UDP, .poke = { AT_TRANSPORT, 4, 2, 7 }), ON_VETH, UNTOUCHED },
		{ "a UDP length beyond the packet", TO_VIP(.proto = UDP, .poke = { AT_TRANSPORT, 4, 2, 900 }), ON_VETH, UNTOUCHED },
		{ "more extension headers than are followed", TO_VIP(.family = 6, .chain = "HDDDDDDDDD"), ON_VETH, UNTOUCHED },
		{ "longer ones than are", TO_VIP(.family = 6, .chain = "LLLLL"), ON_VETH, UNTOUCHED },
		{ "from a backend, cut short", FROM_BACKEND(.flags = TCP_ACK, .payload = 20, .cut = 1), ON_PEER, UNTOUCHED },
		{ "from a backend, cut short, leaving", FROM_BACKEND(.flags = TCP_ACK, .payload = 20, .cut = 1), OUT_VETH, UNTOUCHED },
	} },
	/* The outermost tag is the kernel's business, and not in a test run: this one stands for an inner one. */
	{ "tags in the packet", .services = { { .low = SERVICE_PORT } }, .steps = {
		{ "one: translated, for the stack to do the rest", TO_VIP(.tags = { ETH_P_8021Q }), ON_VETH, TC_ACT_UNSPEC, REASON_BALANCED, TO_BACKEND },
		{ "two", TO_VIP(.tags = { ETH_P_8021AD, ETH_P_8021Q }, .flags = TCP_ACK, .payload = 5), ON_VETH, TC_ACT_UNSPEC, REASON_BALANCED, TO_BACKEND },
		{ "the answer: egress does it", FROM_BACKEND(.tags = { ETH_P_8021Q }, .flags = SYN_ACK), ON_PEER, UNTOUCHED },
		{ "there", FROM_BACKEND(.tags = { ETH_P_8021Q }, .flags = SYN_ACK), OUT_VETH, BACK_LEAVING, AS_VIP },
		{ "too many", TO_VIP(.tags = { ETH_P_8021AD, ETH_P_8021Q, ETH_P_8021Q }, .flags = TCP_ACK), ON_VETH, UNTOUCHED },
		{ "none after all", TO_VIP(.flags = TCP_ACK), ON_VETH, BALANCED, TO_BACKEND },
	} },
	{ "no backend takes new flows", .services = { { .backends = { { .addr = BOX_BACKEND_1, .weight = -1 } } } }, .steps = {
		{ "there", TO_VIP(), ON_VETH, DROPPED(REASON_NO_BACKEND) },
		{ "in the middle of a connection", TO_VIP(.flags = TCP_ACK), ON_VETH, DROPPED(REASON_NO_BACKEND) },
		{ "drained", TO_VIP(), ON_VETH, DROPPED(REASON_NO_BACKEND), .put = &(const struct service_spec){ .backends = { { .addr = BOX_BACKEND_1, .flags = LB_BACKEND_DRAINED } } } },
		{ "down", TO_VIP(), ON_VETH, DROPPED(REASON_NO_BACKEND), .put = &(const struct service_spec){ .backends = { { .addr = BOX_BACKEND_1, .flags = LB_BACKEND_DOWN } } } },
		{ "masquerade", TO_VIP(), ON_VETH, DROPPED(REASON_NO_BACKEND), .put = &(const struct service_spec){ .mode = LB_MASQUERADE, .backends = { { .addr = BOX_BACKEND_1, .weight = -1 } } } },
		{ "dsr", TO_VIP(), ON_VETH, DROPPED(REASON_NO_BACKEND), .put = &(const struct service_spec){ .mode = LB_DSR, .backends = { { .addr = BOX_BACKEND_1, .weight = -1 } } } },
		{ "affinity", TO_VIP(), ON_VETH, DROPPED(REASON_NO_BACKEND), .put = &(const struct service_spec){ .affinity = 60, .backends = { { .addr = BOX_BACKEND_1, .weight = -1 } } } },
		{ "another port", { .dport = 81 }, ON_VETH, UNTOUCHED },
		{ "one that does", TO_VIP(), ON_VETH, BALANCED, TO_BACKEND, .put = &(const struct service_spec){ .low = SERVICE_PORT } },
	} },
};
/* clang-format on */

void lb_header_cases(struct fixture *fixture)
{
	exchanges_run(fixture, exchanges, COUNT(exchanges));
}
