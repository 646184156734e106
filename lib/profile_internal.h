/* SPDX-License-Identifier: GPL-2.0-only */
/* What a profile is, for those who read and write its file. */
#ifndef SPLICER_PROFILE_INTERNAL_H
#define SPLICER_PROFILE_INTERNAL_H

#include "ledger.h"
#include "profile.h"

struct usual_beacon {
	struct series series;
	double period; /* seconds */
	uint64_t seen; /* the number of the last window, from 1 */
};

struct usual_entropy {
	struct host dst;
	struct spread bits; /* by windows */
	uint64_t seen;
};

struct profile {
	uint64_t window, windows;
	uint64_t from,
		until;    /* seconds since the epoch, of the ends of the first and of the last window; 0: none yet */
	uint64_t dropped; /* as the file had it, beside what the ledgers dropped since */
	struct spread observed[SIGN_KINDS];
	struct ledger talkers, beacons, entropies;
};

/* The orders of lines. */
ledger_order talker_order, beacon_order, entropy_order;

#endif
