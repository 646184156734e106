/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tables of frames and the record of each, byte by byte: what the tables do not name must be zero, also after a record
 * that had it. Two listen, one to decisions and one to all packets; both must get the same, but for the type.
 */
#ifndef TEST_GOLDEN_H
#define TEST_GOLDEN_H

#include "listener.h"

/* One frame, and its record; size, version, object, time, interface, length and addresses are those of the frame. */
struct golden {
	const char *name;
	struct spec spec;
	enum context context;
	enum event_type type; /* EVENT_NONE: not told as a decision */
	enum verdict verdict;
	enum reason reason;
	uint64_t rule;
	const char *tag;
	struct event
		has; /* ethertype 0: that of the frame's family; ports are those of the frame unless fragment says no */
	void (*before)(struct fixture *fixture, int family);
};

struct goldens {
	struct plane plane;
	struct listener listeners[2]; /* to decisions, to packets */
};

/* Opens the fixture, with these rules in it. */
void goldens_open(struct fixture *fixture, struct goldens *run, int family, const char *const *rules, size_t count);
/* Runs those that are for the family, and reports each. */
void goldens_run(struct fixture *fixture, struct goldens *run, int family, const struct golden *goldens, size_t count);
void goldens_close(struct fixture *fixture, struct goldens *run);

#endif
