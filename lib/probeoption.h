/* SPDX-License-Identifier: GPL-2.0-only */
/* The options by which a tool is told how to probe. */
#ifndef SPLICER_PROBEOPTION_H
#define SPLICER_PROBEOPTION_H

#include "error.h"
#include "option.h"
#include "probe.h"

#include <stdbool.h>
#include <stddef.h>

/* In this order in the table of the tool. */
enum probe_row {
	PROBE_ROW_TCP,
	PROBE_ROW_HTTP,
	PROBE_ROW_ICMP,
	PROBE_ROW_COMMAND,
	PROBE_ROW_HTTPS,
	PROBE_ROW_INSECURE,
	PROBE_ROW_HOST,
	PROBE_ROW_STATUS,
	PROBE_ROW_TIMEOUT,
	PROBE_ROWS
};
#define PROBE_OPTION_ROWS                                                                                \
	{ "tcp", 0, NULL, "healthy is who takes a connection: the default for TCP services" },           \
		{ "http", 0, "PATH", "who answers GET PATH with a status as expected" },                 \
		{ "icmp", 0, NULL, "who answers an echo request: the default for UDP services" },        \
		{ "command", 0, "CMD", "for whom sh -c CMD exits with 0; LB_BACKEND etc. tell it who" }, \
		{ "https", 0, NULL, "with --http: by TLS" },                                             \
		{ "insecure", 'k', NULL, "with --https: whatever the certificate is" },                  \
		{ "host", 0, "NAME", "with --http: the host that is asked for (the address)" },          \
		{ "status", 0, "LOW[-HIGH]", "with --http: what is expected (200-399)" },                \
	{                                                                                                \
		"timeout", 0, "SECONDS", "how long a probe may take (2)"                                 \
	}

struct probe_options {
	bool given[PROBE_ROWS];
	struct probe_how how; /* the kind only if one was given: see probe_options_how */
};

/* What holds where nothing is said. */
void probe_options_begin(struct probe_options *options);

/* Takes one of them; what value points to must live as long as the options do. */
int probe_option(struct probe_options *options, size_t row, const char *value, struct error *error);

/* Whether what was given goes together. */
int probe_options_check(const struct probe_options *options, struct error *error);

/* As it was given, of this kind if none was. */
struct probe_how probe_options_how(const struct probe_options *options, enum probe_kind kind);

#endif
