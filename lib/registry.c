/* SPDX-License-Identifier: GPL-2.0-only */
#include "registry.h"

#include "abi/event.h"
#include "abi/reasons.h"
#include "word.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define COUNT(words) (sizeof(words) / sizeof((words)[0]))

static const char *const reason_names[REASON_COUNT] = { [REASON_NONE] = "none",
#define REASON_NAME(number, identifier, name, text) [number] = (name),
							REASONS(REASON_NAME)
#undef REASON_NAME
};

static const char *const reason_texts[REASON_COUNT] = { [REASON_NONE] = "undecided",
#define REASON_TEXT(number, identifier, name, text) [number] = (text),
							REASONS(REASON_TEXT)
#undef REASON_TEXT
};

static const char *const verdict_names[VERDICT_COUNT] = {
#define VERDICT_NAME(number, identifier, verdict, happened) [number] = (verdict),
	VERDICTS(VERDICT_NAME)
#undef VERDICT_NAME
};

static const char *const verdict_actions[VERDICT_COUNT] = {
#define VERDICT_ACTION(number, identifier, verdict, happened) [number] = (happened),
	VERDICTS(VERDICT_ACTION)
#undef VERDICT_ACTION
};

static const char *const types[] = {
	[EVENT_DECISION] = "decision",
	[EVENT_REDECISION] = "redecision",
	[EVENT_PACKET] = "packet",
};

static const char *const hooks[] = {
	[EVENT_INGRESS] = "ingress",
	[EVENT_EGRESS] = "egress",
	[EVENT_DRIVER] = "driver",
};

static const char *const objects[] = {
	[EVENT_SPLICER] = "splicer",
	[EVENT_XDP] = "xdp",
	[EVENT_LB] = "lb",
	[EVENT_FLOW] = "flow",
};

static const char *word_at(const char *const *words, size_t count, unsigned int number)
{
	return number < count && words[number] ? words[number] : "?";
}

const char *reason_name(unsigned int reason)
{
	return word_at(reason_names, COUNT(reason_names), reason);
}

const char *reason_text(unsigned int reason)
{
	return reason < REASON_COUNT && reason_texts[reason] ? reason_texts[reason] : "of a later version";
}

const char *verdict_name(unsigned int verdict)
{
	return word_at(verdict_names, COUNT(verdict_names), verdict);
}

const char *verdict_action(unsigned int verdict)
{
	return word_at(verdict_actions, COUNT(verdict_actions), verdict);
}

static unsigned int word_first(const char *const *words, unsigned int count, unsigned int number)
{
	for (unsigned int i = 1; number < count && words[number] && i < number; i++)
		if (words[i] && !strcmp(words[i], words[number]))
			return i;
	return number;
}

unsigned int verdict_name_first(unsigned int verdict)
{
	return word_first(verdict_names, COUNT(verdict_names), verdict);
}

unsigned int verdict_action_first(unsigned int verdict)
{
	return word_first(verdict_actions, COUNT(verdict_actions), verdict);
}

const char *event_type_name(unsigned int type)
{
	return word_at(types, COUNT(types), type);
}

const char *hook_name(unsigned int hook)
{
	return word_at(hooks, COUNT(hooks), hook);
}

const char *object_name(unsigned int object)
{
	return word_at(objects, COUNT(objects), object);
}

/* ---- back ---- */

static int words_parse(const char *const *words, size_t count, const char *what, const char *text, __u64 mask[2],
		       struct error *error)
{
	char known[WORDS_TEXT_MAX];
	bool found = false;

	for (size_t i = 1; i < count; i++) {
		if (!words[i] || strcasecmp(text, words[i]) != 0)
			continue;
		mask[i / 64] |= 1ull << i % 64;
		found = true;
	}
	if (found)
		return 0;
	return error_usage(error, text, "unknown %s (%s)", what, words_list(words + 1, count - 1, known));
}

static int mask_parse(const char *const *words, size_t count, const char *what, const char *text, uint32_t *mask,
		      struct error *error)
{
	__u64 wide[2] = { 0 };
	int result = words_parse(words, count, what, text, wide, error);

	*mask |= (uint32_t)wide[0];
	return result;
}

int reason_parse(const char *text, __u64 mask[2], struct error *error)
{
	return words_parse(reason_names, COUNT(reason_names), "reason", text, mask, error);
}

int verdict_parse(const char *text, uint32_t *mask, struct error *error)
{
	return mask_parse(verdict_names, COUNT(verdict_names), "verdict", text, mask, error);
}

int verdict_action_parse(const char *text, uint32_t *mask, struct error *error)
{
	return mask_parse(verdict_actions, COUNT(verdict_actions), "action", text, mask, error);
}

int event_type_parse(const char *text, uint32_t *mask, struct error *error)
{
	return mask_parse(types, COUNT(types), "type of event", text, mask, error);
}

int hook_parse(const char *text, uint32_t *mask, struct error *error)
{
	return mask_parse(hooks, COUNT(hooks), "hook", text, mask, error);
}

int object_parse(const char *text, uint32_t *mask, struct error *error)
{
	return mask_parse(objects, COUNT(objects), "object", text, mask, error);
}
