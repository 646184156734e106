/* SPDX-License-Identifier: GPL-2.0-only */
/* How tables for the balancer name the packets that most of them have. */
#ifndef TEST_EXCHANGE_STEPS_H
#define TEST_EXCHANGE_STEPS_H

#include "exchange.h"

/* what a table says of a packet takes the place of what its name says */
#pragma GCC diagnostic ignored "-Woverride-init"

#define TCP IPPROTO_TCP
#define UDP IPPROTO_UDP
#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define SYN_ACK (TCP_SYN | TCP_ACK)

#define CLIENT_PORT 40000 /* where spec.sport is not set */

/* Packets; what follows is more of the spec. */
#define TO_VIP(...)                                \
	{                                          \
		.dport = SERVICE_PORT, __VA_ARGS__ \
	}
#define FROM_BACKEND(...)                                                                                   \
	{                                                                                                   \
		.src = BOX_BACKEND_1, .dst = SPEC_SRC, .sport = SERVICE_BACKEND_PORT, .dport = CLIENT_PORT, \
		__VA_ARGS__                                                                                 \
	}
#define FROM_BACKEND_2(...)                                                                                 \
	{                                                                                                   \
		.src = BOX_BACKEND_2, .dst = SPEC_SRC, .sport = SERVICE_BACKEND_PORT, .dport = CLIENT_PORT, \
		__VA_ARGS__                                                                                 \
	}
/* what a backend sees and sends where this box stands for the client */
#define FROM_BACKEND_TO_BOX(...)                                                                                       \
	{                                                                                                              \
		.src = BOX_BACKEND_1, .dst = BOX_BACKEND_ADDRESS, .sport = SERVICE_BACKEND_PORT, .dport = PORT_CHOSEN, \
		__VA_ARGS__                                                                                            \
	}

/* What becomes of them. */
#define BALANCED TC_ACT_REDIRECT, REASON_BALANCED
#define BACK TC_ACT_REDIRECT, REASON_BALANCED_BACK
#define BACK_LEAVING TC_ACT_UNSPEC, REASON_BALANCED_BACK
#define CONCERNED TC_ACT_REDIRECT, REASON_BALANCED_ERROR
#define UNTOUCHED TC_ACT_UNSPEC, REASON_NONE
#define DROPPED(reason) TC_ACT_SHOT, reason
#define TO_BACKEND                                                  \
	{                                                           \
		.dst = BOX_BACKEND_1, .dport = SERVICE_BACKEND_PORT \
	}
#define TO_BACKEND_2                                                \
	{                                                           \
		.dst = BOX_BACKEND_2, .dport = SERVICE_BACKEND_PORT \
	}
#define AS_VIP                                         \
	{                                              \
		.src = SPEC_DST, .sport = SERVICE_PORT \
	}
#define AS_BOX                                                                                                        \
	{                                                                                                             \
		.src = BOX_BACKEND_ADDRESS, .sport = PORT_CHOSEN, .dst = BOX_BACKEND_1, .dport = SERVICE_BACKEND_PORT \
	}
#define AS_VIP_TO_CLIENT                                                                      \
	{                                                                                     \
		.src = SPEC_DST, .sport = SERVICE_PORT, .dst = SPEC_SRC, .dport = CLIENT_PORT \
	}

/* Services. */
#define BACKEND(n)                                                    \
	{                                                             \
		.addr = BOX_BACKEND_##n, .port = SERVICE_BACKEND_PORT \
	}
#define MASQUERADE                    \
	{                             \
		.mode = LB_MASQUERADE \
	}
#define DSR                    \
	{                      \
		.mode = LB_DSR \
	}

#endif
