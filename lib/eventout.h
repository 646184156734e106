/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SPLICER_EVENTOUT_H
#define SPLICER_EVENTOUT_H

#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Prints one event record, as a line for people or of JSON, and flushes it. -1 when it is too short to be one. */
int event_print(const void *data, size_t size, bool json);

/* Names from the registry, "?" for numbers of a later version. */
const char *reason_name(unsigned int reason);
const char *reason_text(unsigned int reason);
const char *verdict_name(unsigned int verdict);

/* The names back to enum verdict and enum event_hook. */
int verdict_parse(const char *text, uint32_t *out, struct error *error);
int hook_parse(const char *text, uint8_t *out, struct error *error);

#endif
