/* SPDX-License-Identifier: GPL-2.0-only */
/* Packets for flow.o: what one is, as a frame with a context, and as words of a table. */
#ifndef TEST_SHOTS_H
#define TEST_SHOTS_H

#include "harness.h"

#include <stdbool.h>
#include <stdint.h>

/* When tables begin, ns since 1970: flow.o is told to take the time from packets. */
#define SHOTS_BEGIN 1700000000000000000ull

struct shot {
	int family;
	bool back;   /* from the server */
	uint64_t at; /* ns since 1970 */
	enum context on;
	uint8_t proto;          /* ICMP stands for ICMPv6 too */
	uint8_t client, server; /* last byte of addresses */
	uint16_t sport, dport;  /* of the client, of the server */
	uint8_t flags;          /* TCP */
	uint32_t seq, ack;
	uint16_t window;
	uint16_t tcp_options; /* bytes, a multiple of 4 */
	uint8_t icmp_type, icmp_code;
	uint16_t icmp_id;
	uint16_t payload;
	uint16_t ip_options; /* IPv4, bytes, a multiple of 4 */
	const char *chain;   /* IPv6: see spec.c */
	uint8_t hops;
	uint16_t tag;  /* of the packet: ethertype of one with the id 100; 0: none */
	uint16_t vlan; /* of the context: its id; 0: none */
	enum spec_fragment fragment;
	uint16_t offset, id; /* of a fragment */
	uint16_t gso_size, gso_segs;
	uint16_t pad, cut;
};

struct shot shot_usual(int family);
void shot_build(const struct shot *shot, struct frame *frame);

/* A byte of the payload, of TCP and UDP. */
uint8_t shot_byte(const struct shot *shot, size_t at);

/*
 * Runs it: false, and why, unless it passes unchanged and says nothing. shots_prepare makes what tags in the context
 * need, once a fixture is open; shots_done takes it away.
 */
void shots_prepare(const struct fixture *fixture);
void shots_done(void);
bool shot_run(struct fixture *fixture, const struct shot *shot, char *why, size_t size);
bool frame_runs(struct fixture *fixture, const struct shot *as, const struct frame *frame, char *why, size_t size);

/* "5us", "61s", "12": a number of ns. Exits when it is none. */
uint64_t shots_number(const char *text);

/*
 * Changes *shot by a word:
 *
 *	> <              from the client, from the server
 *	S SA FPA .       TCP, with these flags (FSRPAUEC) or none
 *	udp icmp sctp gre proto=N
 *	@5us +5us        when, since the beginning or since the one before
 *	client= server=  last byte of addresses
 *	sport= dport= seq= ack= win= opt= type= code= id= len= ipopt= chain= ttl= tag= vlan= gso= segs= pad= cut=
 *	frag=first|later|last|atomic off=
 *	on=veth|peer|lo|out|outpeer|outlo
 *
 * False: it is none of these.
 */
bool shot_word(struct shot *shot, const char *word);

#endif
