/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Programs on trial: each is set up with what it decides by, anew in each round, and then given frames, of which it
 * says whether all that must hold does.
 */
#ifndef TEST_FRAMES_TRIAL_H
#define TEST_FRAMES_TRIAL_H

#include "mutate.h"
#include "packet/harness.h"
#include "plain.h"

/* What does not hold, and what was seen instead. */
struct wrong {
	const char *invariant; /* NULL: all does */
	char seen[512];
};

struct trial {
	struct fixture fixture;
	struct numbers numbers;
	unsigned long frames; /* that were run */
	unsigned long decided[REASON_COUNT];
};

struct program {
	const char *name;
	void (*open)(struct trial *trial);
	/* Sets it up by trial->numbers. */
	void (*begin)(struct trial *trial);
	/* One that is of interest. */
	void (*draw)(struct trial *trial, struct frame *frame);
	enum context (*where)(struct trial *trial);
	/* Runs it as if nothing had been before, so that the same frame always gives the same. */
	bool (*holds)(struct trial *trial, enum context context, const struct frame *frame, struct wrong *wrong);
	/* What must hold of all of a round together. */
	bool (*end)(struct trial *trial, struct wrong *wrong);
	void (*close)(struct trial *trial);
	/* Entered and left around all of it, where it needs a box of its own. */
	bool in_box;
};

extern const struct program program_splicer, program_xdp, program_flow, program_lb;

/* Says what is wrong; false. */
bool wrong_say(struct wrong *wrong, const char *invariant, const char *seen, ...) __attribute__((format(printf, 3, 4)));

/* What both programs that tell of each frame owe: one counter moves, by one packet and its bytes; the frame stays. */
bool outcome_counts(struct trial *trial, const struct outcome *outcome, const struct frame *frame, struct wrong *wrong);

/* Both runs ended alike. */
bool same_decision(const struct outcome *a, const struct outcome *b, const char *invariant, struct wrong *wrong);

/* Runs a frame that is all other bytes, so that nothing of the one before is left where it was. */
void trial_disturb(struct trial *trial, enum context context);

/* The frame with other bytes, fewer or more of them, behind its IP packet; false: it is none. */
bool frame_trail(struct numbers *numbers, const struct frame *frame, const struct plain *plain, struct frame *other);

#define ONE_IN(numbers, count) (!numbers_below(numbers, count))

#endif
