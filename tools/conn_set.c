/* SPDX-License-Identifier: GPL-2.0-only */
/* conn_set: sets how large the connection tables are and how long connections last, and shows it. */
#include "batch.h"
#include "flowsettings.h"
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
	struct flow_change change;
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
		if (flow_change_parse(&request->change, &settings_of_conns, operands[i], error))
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

static int run(const struct pins *pins, struct request *request, const struct common_options *common,
	       struct error *error)
{
	if (request->sets)
		return flow_settings_set(&settings_of_conns, pins, &request->change, common, error);
	if (request->save)
		return flow_settings_save(&settings_of_conns, pins, error);
	return flow_settings_show(&settings_of_conns, pins, common->json ? OUT_JSON : OUT_TABLE, error);
}

int main(int argc, char **argv)
{
	struct common_options common = { 0 };
	struct request request = { 0 };
	struct error error;
	struct pins pins;
	int failed = read_input(argc, argv, &common, &request, &error) ||
		     pins_open(&pins, common.pin_dir, PINS_SPLICER, request.sets && !common.dry_run, &error) ||
		     run(&pins, &request, &common, &error);

	return output_finish(failed ? error_print(&error) : EXIT_DONE);
}
