/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The link of the sk_lookup program to the network namespace, pinned as SPLICER_LOOKUP_LINK in the pin directory, and
 * the word that tells the packet program of it (splicer_config.lookup_linked). Callers that change it hold pins_lock.
 * Whoever is killed meanwhile leaves a state that the next lookup_link_put or lookup_link_remove completes.
 */
#ifndef SPLICER_LOOKUPLINK_H
#define SPLICER_LOOKUPLINK_H

#include "error.h"
#include "pin.h"

#include <linux/bpf.h>
#include <stdbool.h>
#include <stdint.h>

enum lookup_state {
	LOOKUP_NONE,       /* no link, and the packet program knows */
	LOOKUP_LINKED,     /* to the caller's namespace, and the packet program knows */
	LOOKUP_INCOMPLETE, /* to the caller's namespace, but the packet program was not told */
	LOOKUP_LOST,       /* no link, but the packet program takes it to be there: its pin was removed by hand */
	LOOKUP_DEAD,       /* the kernel took it off its namespace, as it does when that goes */
	LOOKUP_FOREIGN,    /* to another namespace, which is alive */
};

struct lookup_link {
	enum lookup_state state;
	int fd; /* of the link; -1: there is none, and the rest is 0 */
	uint32_t id;
	uint32_t prog_id;
	uint32_t netns; /* inode number of the namespace, as in /proc/self/ns/net; 0: dead */
	char program[BPF_OBJ_NAME_LEN];
	uint8_t tag[BPF_TAG_SIZE]; /* of the program: SHA of its instructions, without maps */
};

/* Reads what is pinned. What is no link of a sk_lookup program is refused: -1 with *error (EXIT_STATE). */
int lookup_link_open(const struct pins *pins, struct lookup_link *link, struct error *error);
void lookup_link_close(struct lookup_link *link);

/* One word: none, linked, incomplete, lost, dead, foreign. */
const char *lookup_state_name(enum lookup_state state);

/* Whether the link is attached to the caller's namespace. */
bool lookup_link_is_live(const struct lookup_link *link);

/* Refuses LOOKUP_FOREIGN (EXIT_STATE): to be asked before anything is changed. */
int lookup_link_check(const struct pins *pins, const struct lookup_link *link, struct error *error);

/*
 * Links the program (a descriptor) to the caller's namespace; where it is linked already, replaces the program in one
 * step; prog_fd -1 leaves that one. Then tells the packet program.
 */
int lookup_link_put(const struct pins *pins, const struct lookup_link *link, int prog_fd, struct error *error);

/* The reverse, in the reverse order. */
int lookup_link_remove(const struct pins *pins, const struct lookup_link *link, struct error *error);

/* Where there is no live link the packet program must not count on one; otherwise nothing is done. */
void lookup_link_settle(const struct pins *pins, const struct lookup_link *link);

#endif
