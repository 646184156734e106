/* SPDX-License-Identifier: GPL-2.0-only */
/* The numbers that events and counters carry, as words: "?" for those of a later version. And back. */
#ifndef SPLICER_REGISTRY_H
#define SPLICER_REGISTRY_H

#include "error.h"

#include <linux/types.h>
#include <stdint.h>

/* enum reason: "no-rule"; "no rule matches" */
const char *reason_name(unsigned int reason);
const char *reason_text(unsigned int reason);

/* enum verdict: "BLOCKED", "ALLOWED" or "DETECTED"; and what happened: "dropped", "passed", "spliced", "translated" */
const char *verdict_name(unsigned int verdict);
const char *verdict_action(unsigned int verdict);

/* The lowest number that has the same one of these words, which counters that are summed by it have. */
unsigned int verdict_name_first(unsigned int verdict);
unsigned int verdict_action_first(unsigned int verdict);

/* enum event_type, enum event_hook, enum event_object */
const char *event_type_name(unsigned int type);
const char *hook_name(unsigned int hook);
const char *object_name(unsigned int object);

/*
 * Each word back, as bits that are added to a mask: bit n is the number n, and more than one where several have that
 * word. Words are taken in capital or small letters. -1 with *error, which lists those that there are.
 */
int reason_parse(const char *text, __u64 mask[2], struct error *error);
int verdict_parse(const char *text, uint32_t *mask, struct error *error);
int verdict_action_parse(const char *text, uint32_t *mask, struct error *error);
int event_type_parse(const char *text, uint32_t *mask, struct error *error);
int hook_parse(const char *text, uint32_t *mask, struct error *error);
int object_parse(const char *text, uint32_t *mask, struct error *error);

#endif
