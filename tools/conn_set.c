/* SPDX-License-Identifier: GPL-2.0-only */
/* conn_set: sets how large the connection tables are and how long connections last, and shows it. */
#include "batch.h"
#include "connsettings.h"
#include "option.h"
#include "pin.h"

enum row { ROW_SAVE };

static const struct option_row rows[] = {
	[ROW_SAVE] = { "save", 0, NULL, "print the lines that -f reads back" },
	{ 0 },
};

static const char *const synopsis[] = { "[-jnqv] NAME=VALUE...", "[-jnqv] -f FILE|-", "[-j] [--save]", NULL };

static const struct command command = {
	.name = "conn_set",
	.synopsis = synopsis,
	.summary =
		"Set how many connections the tables hold and how long a connection lasts without a packet, or show\n"
		"it, with defaults in parentheses. NAMEs: confirmed, unconfirmed (connections); tcp_handshake,\n"
		"tcp_established, tcp_closing, tcp_closed, udp, udp_stream, icmp, other (seconds). VALUE: a number, "
		"or\n"
		"default.",
	.options = rows,
	.common = "fnvqj",
};

struct request {
	bool save, sets;
	struct conn_change change;
};

static int take_option(void *context, size_t row, const char *value, struct error *error)
{
	struct request *request = context;

	(void)row;
	(void)value;
	(void)error;
	request->save = true;
	return 0;
}

static int refuse_option(void *context, size_t row, const char *value, struct error *error)
{
	(void)context;
	(void)row;
	(void)value;
	return error_usage(error, "--save", "is for the command line");
}

/* ---- input ---- */

static int take_operands(struct request *request, char *const *operands, int count, struct error *error)
{
	for (int i = 0; i < count; i++)
		if (conn_change_parse(&request->change, operands[i], error))
			return -1;
	return 0;
}

static int take_line(void *context, unsigned long line, int argc, char **argv, struct error *error)
{
	int count = options_parse(&command, argc, argv, NULL, refuse_option, NULL, error);

	(void)line;
	return count < 0 ? -1 : take_operands(context, argv + argc - count, count, error);
}

static int check_form(const struct request *request, const struct common_options *common, int count,
		      struct error *error)
{
	if (common->file && (count || request->save))
		return error_usage(error, common->file, "the file has the operands, give none beside it");
	if (request->save && (count || common->json))
		return error_usage(error, "--save", "prints lines, neither sets nor prints JSON");
	if (common->dry_run && !common->file && !count)
		return error_usage(error, "-n", "no setting was given");
	return 0;
}

static int read_input(int argc, char **argv, struct common_options *common, struct request *request,
		      struct error *error)
{
	int count = options_parse(&command, argc, argv, common, take_option, request, error);

	if (count < 0 || check_form(request, common, count, error))
		return -1;
	request->sets = common->file || count;
	if (common->file)
		return batch_read(common->file, take_line, request, error);
	return take_operands(request, argv + argc - count, count, error);
}

/* ---- setting and showing ---- */

static int change_locked(const struct pins *pins, struct conn_change *change, bool dry_run, struct error *error)
{
	int result;

	if (dry_run)
		return conn_settings_apply(pins, change, true, error);
	if (pins_lock(pins, error))
		return -1;
	result = conn_settings_apply(pins, change, false, error);
	pins_unlock(pins);
	return result;
}

static int set(const struct pins *pins, struct request *request, const struct common_options *common,
	       struct error *error)
{
	struct conn_change *change = &request->change;
	struct conn_settings settings;

	if (change_locked(pins, change, common->dry_run, error))
		return -1;
	if (common->json) {
		if (conn_settings_read(pins, &settings, error))
			return -1;
		conn_settings_print(&settings, change, OUT_JSON);
	} else if (common->verbose || common->dry_run) {
		conn_change_print_lines(change);
	}
	if (change->dropped && common->verbose && !common->quiet)
		note_print("%zu connections dropped, the longest unused ones: the table is too small for them",
			   change->dropped);
	return 0;
}

static int show(const struct pins *pins, const struct request *request, bool json, struct error *error)
{
	struct conn_settings settings;

	if (conn_settings_read(pins, &settings, error))
		return -1;
	if (request->save)
		conn_settings_print_lines(&settings);
	else
		conn_settings_print(&settings, NULL, json ? OUT_JSON : OUT_TABLE);
	return 0;
}

int main(int argc, char **argv)
{
	struct common_options common = { 0 };
	struct request request = { 0 };
	struct error error;
	struct pins pins;
	int failed = read_input(argc, argv, &common, &request, &error) ||
		     pins_open(&pins, common.pin_dir, PINS_SPLICER, request.sets && !common.dry_run, &error);

	if (!failed && request.sets)
		failed = set(&pins, &request, &common, &error);
	else if (!failed)
		failed = show(&pins, &request, common.json, &error);
	return output_finish(failed ? error_print(&error) : EXIT_DONE);
}
