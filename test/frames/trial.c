/* SPDX-License-Identifier: GPL-2.0-only */
#include "trial.h"

#include <linux/if_ether.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TRAILER_MAX 40

bool wrong_say(struct wrong *wrong, const char *invariant, const char *seen, ...)
{
	va_list arguments;

	wrong->invariant = invariant;
	va_start(arguments, seen);
	vsnprintf(wrong->seen, sizeof(wrong->seen), seen, arguments);
	va_end(arguments);
	return false;
}

bool outcome_counts(struct trial *trial, const struct outcome *outcome, const struct frame *frame, struct wrong *wrong)
{
	char got[256];

	trial->decided[outcome->reason]++;
	outcome_print(outcome, frame, got, sizeof(got));
	if (outcome->error)
		return wrong_say(wrong, "a run succeeds", "errno %d", outcome->error);
	if (outcome->moved != 1 || outcome->bytes != (int64_t)frame->len)
		return wrong_say(wrong, "one counter moves, by one packet and its bytes", "%s", got);
	if (!outcome->placed)
		return wrong_say(wrong, "it is counted where it was", "%s", got);
	return outcome->same || wrong_say(wrong, "the frame stays as it is", "%s", got);
}

bool same_decision(const struct outcome *a, const struct outcome *b, const char *invariant, struct wrong *wrong)
{
	if (a->action == b->action && a->reason == b->reason && a->counted.verdict == b->counted.verdict)
		return true;
	return wrong_say(wrong, invariant, "%s %s, then %s %s", action_name(a->action), reason_name(a->reason),
			 action_name(b->action), reason_name(b->reason));
}

/* An IP header that begins within it is cut off: it is malformed to all of them. */
void trial_disturb(struct trial *trial, enum context context)
{
	struct outcome outcome;
	struct frame frame;

	memset(&frame, 0, sizeof(frame));
	frame_eth(&frame, ETH_P_IP);
	while (frame.len < 1200)
		frame_append(&frame, "\xff", 1);
	fixture_run(&trial->fixture, context, &frame, &outcome);
}

bool frame_trail(struct numbers *numbers, const struct frame *frame, const struct plain *plain, struct frame *other)
{
	if (plain->kind != PLAIN_IP || plain->end + TRAILER_MAX > FRAME_MAX)
		return false;
	*other = *frame;
	other->len = plain->end;
	for (size_t i = numbers_below(numbers, TRAILER_MAX); i; i--) {
		uint8_t byte = (uint8_t)numbers_next(numbers);

		frame_append(other, &byte, 1);
	}
	return true;
}
