/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SPLICER_EVENTOUT_H
#define SPLICER_EVENTOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Prints one event record, as a line for people or of JSON, and flushes it. -1 when it is too short to be one. */
int event_print(const void *data, size_t size, bool json);

#endif
