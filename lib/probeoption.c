/* SPDX-License-Identifier: GPL-2.0-only */
#include "probeoption.h"

#include "clock.h"
#include "num.h"
#include "portrange.h"

#include <ctype.h>
#include <string.h>

#define PATH_BYTES_MAX 2048
#define HOST_BYTES_MAX 255
#define TIMEOUT_MAX 3600 /* seconds */

static const struct option_row rows[] = { PROBE_OPTION_ROWS };

void probe_options_begin(struct probe_options *options)
{
	*options = (struct probe_options){
		.how = { .timeout = 2 * CLOCK_SECOND, .path = "/", .status_low = 200, .status_high = 399 },
	};
}

/* "--NAME" */
static const char *option_name(enum probe_row row)
{
	static char text[32] = "--";

	strncpy(text + 2, rows[row].name, sizeof(text) - 3);
	return text;
}

static int take_path(struct probe_how *how, const char *value, struct error *error)
{
	if (*value != '/' || strlen(value) > PATH_BYTES_MAX)
		return error_usage(error, value, "expected a path that begins with '/', at most %d bytes",
				   PATH_BYTES_MAX);
	for (const char *at = value; *at; at++)
		if (!isgraph((unsigned char)*at) || *at == '#')
			return error_usage(error, value,
					   "not a path: blanks, '#' and what is not ASCII are written %%20");
	how->path = value;
	return 0;
}

static int take_command(struct probe_how *how, const char *value, struct error *error)
{
	how->command = value;
	return *value ? 0 : error_usage(error, value, "expected a command");
}

static int take_host(struct probe_how *how, const char *value, struct error *error)
{
	size_t size = 0;
	uint64_t port;

	while (isalnum((unsigned char)value[size]) || (value[size] && strchr("-._", value[size])))
		size++;
	if (!size || size > HOST_BYTES_MAX || (value[size] && value[size] != ':') ||
	    (value[size] && num_parse(value + size + 1, 1, UINT16_MAX, &port, error)))
		return error_usage(error, value, "expected NAME or NAME:PORT");
	how->host = value;
	return 0;
}

static int take_status(struct probe_how *how, const char *value, struct error *error)
{
	if (portrange_parse(value, &how->status_low, &how->status_high, error) || how->status_low < 100 ||
	    how->status_high > 999)
		return error_usage(error, value, "expected a status or LOW-HIGH, each 100-999");
	return 0;
}

static int take_timeout(struct probe_how *how, const char *value, struct error *error)
{
	uint64_t milliseconds;

	if (num_parse_seconds(value, TIMEOUT_MAX, &milliseconds, error))
		return -1;
	how->timeout = milliseconds * (CLOCK_SECOND / 1000);
	return 0;
}

/* Which of the kinds was given; PROBE_ROWS: none. */
static enum probe_row kind_row(const struct probe_options *options)
{
	for (enum probe_row row = PROBE_ROW_TCP; row <= PROBE_ROW_COMMAND; row++)
		if (options->given[row])
			return row;
	return PROBE_ROWS;
}

static int take_kind(struct probe_options *options, enum probe_row row, struct error *error)
{
	static const enum probe_kind kinds[] = {
		[PROBE_ROW_TCP] = PROBE_TCP,
		[PROBE_ROW_HTTP] = PROBE_HTTP,
		[PROBE_ROW_ICMP] = PROBE_ICMP,
		[PROBE_ROW_COMMAND] = PROBE_COMMAND,
	};
	enum probe_row before = kind_row(options);

	if (before != PROBE_ROWS)
		return error_usage(error, option_name(row), "--%s was given: one kind of probe only",
				   rows[before].name);
	options->how.kind = kinds[row];
	return 0;
}

int probe_option(struct probe_options *options, size_t row, const char *value, struct error *error)
{
	struct probe_how *how = &options->how;

	if (row <= PROBE_ROW_COMMAND && take_kind(options, row, error))
		return -1;
	options->given[row] = true;
	switch (row) {
	case PROBE_ROW_HTTP:
		return take_path(how, value, error);
	case PROBE_ROW_COMMAND:
		return take_command(how, value, error);
	case PROBE_ROW_HOST:
		return take_host(how, value, error);
	case PROBE_ROW_STATUS:
		return take_status(how, value, error);
	case PROBE_ROW_TIMEOUT:
		return take_timeout(how, value, error);
	default:
		return 0; /* given is all that there is to say */
	}
}

int probe_options_check(const struct probe_options *options, struct error *error)
{
	if (options->given[PROBE_ROW_INSECURE] && !options->given[PROBE_ROW_HTTPS])
		return error_usage(error, "--https", "must be given where any certificate does");
	for (enum probe_row row = PROBE_ROW_HTTPS; row <= PROBE_ROW_STATUS; row++)
		if (options->given[row] && !options->given[PROBE_ROW_HTTP])
			return error_usage(error, option_name(row), "goes with --http only");
	return 0;
}

struct probe_how probe_options_how(const struct probe_options *options, enum probe_kind kind)
{
	struct probe_how how = options->how;

	if (kind_row(options) == PROBE_ROWS)
		how.kind = kind;
	how.https = options->given[PROBE_ROW_HTTPS];
	how.insecure = options->given[PROBE_ROW_INSECURE];
	return how;
}
