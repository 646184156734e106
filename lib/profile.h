/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is usual: learned by flow_watch --learn from what it sees, and compared with by --against. A text file of lines
 * as lib/batch.h reads them, which appears whole and is brought up to date at the end of each window.
 */
#ifndef SPLICER_PROFILE_H
#define SPLICER_PROFILE_H

#include "error.h"
#include "signs.h"

#include <stdbool.h>
#include <stdint.h>

#define PROFILE_VERSION 1

/* How many of each are kept; those seen least go when there are more. */
#define PROFILE_TALKERS 65536
#define PROFILE_BEACONS 16384
#define PROFILE_ENTROPIES 16384

/* Mean and deviation of what comes one by one (Welford). */
struct spread {
	uint64_t count;
	double mean, squares; /* squares: sum of squares of differences from the mean */
	double most;
};

void spread_add(struct spread *spread, double value);
double spread_deviation(const struct spread *spread); /* of the sample; 0 of fewer than two */

/* An address, and what is told apart as a series of sessions: keys without holes. */
struct host {
	uint8_t addr[16]; /* network byte order; IPv4 in the first 4 bytes, the rest zero */
	uint64_t family;  /* 4 or 6 */
};

struct series {
	uint8_t src[16], dst[16];
	uint16_t dport; /* host byte order */
	uint8_t proto, family;
	uint8_t reserved[4]; /* zero */
};

struct host host_of(uint8_t family, const uint8_t addr[16]);
struct series series_of(const struct contact *contact);

struct profile;

/* An empty one; NULL without memory. */
struct profile *profile_new(uint64_t window);
void profile_free(struct profile *profile);

/* What a file has. EXIT_USAGE with file:line:column of what cannot be read, EXIT_STATE when there is no such file. */
struct profile *profile_read(const char *path, struct error *error);
int profile_write(const struct profile *profile, const char *path, struct error *error);

/* Windows that it was learned from, and how long one is, ns. */
uint64_t profile_windows(const struct profile *profile);
uint64_t profile_window(const struct profile *profile);

/* Talkers, beacons and destinations that there was no room for, in all. */
uint64_t profile_dropped(const struct profile *profile);

/* What detectors of counts observed in all subjects, sign or not; NULL: nothing was. */
void profile_observe(struct profile *profile, enum sign_kind kind, double observed);
const struct spread *profile_observed(const struct profile *profile, enum sign_kind kind);

/*
 * Who opens sessions, and how much these moved in a window, both directions; only of windows in which they moved
 * something or began. profile_talked is called once a window for each; -1 with errno.
 */
struct usual_talker {
	struct host host;
	struct spread volume;          /* of ln(1 + bytes), by windows */
	uint64_t most_bytes, sessions; /* in one window; in all */
	uint64_t seen;                 /* the number of the last window, from 1 */
};
int profile_talked(struct profile *profile, const struct host *host, uint64_t sessions, uint64_t bytes);
const struct usual_talker *profile_talker(const struct profile *profile, const struct host *host);

/* Regular contacts; the time between two of them in seconds. -1 with errno. */
int profile_add_beacon(struct profile *profile, const struct series *series, double period);
bool profile_has_beacon(const struct profile *profile, const struct series *series);

/* Entropy of the sources of a destination in a window, bits; -1 with errno. NULL: nothing is known. */
int profile_add_entropy(struct profile *profile, const struct host *dst, double bits);
const struct spread *profile_entropy(const struct profile *profile, const struct host *dst);

/* At the end of a window, after signs_look, which has put in what it saw. */
void profile_end_window(struct profile *profile, const struct moment *moment);

#endif
