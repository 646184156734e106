/* SPDX-License-Identifier: GPL-2.0-only */
/* conn_update: puts connections into the tables, as conn_list --save has printed them. */
#include "batch.h"
#include "clock.h"
#include "connline.h"
#include "connupdate.h"
#include "option.h"
#include "pin.h"

static const struct option_row rows[] = { { 0 } };

static const char *const synopsis[] = { "[-nqv] PROTO SRC[:PORT] DST[:PORT] [NAME=VALUE]...", "[-nqv] -f FILE|-",
					NULL };

static const struct command command = {
	.name = "conn_update",
	.synopsis = synopsis,
	.summary =
		"Put connections into the tables of the packet program: what conn_list --save has printed. SRC opened\n"
		"it. NAMEs: icmp_id, dir, state, table, iface, iface_rev, packets, bytes, created, last, deadline,\n"
		"flags. What packets have used since stays as it is. See conn_update(8).",
	.options = rows,
	.common = "fnvq",
};

struct request {
	struct conn_updates updates;
	uint64_t now; /* ns since the epoch */
};

static int take_operands(struct request *request, char *const *operands, int count, bool in_file, struct error *error)
{
	struct conn_row row;

	return conn_line_parse(operands, count, request->now, in_file, &row, error) ||
			       conn_updates_add(&request->updates, &row, error)
		       ? -1
		       : 0;
}

static int take_line(void *context, unsigned long line, int argc, char **argv, struct error *error)
{
	int count = options_parse(&command, argc, argv, NULL, NULL, NULL, error);

	(void)line;
	return count < 0 ? -1 : take_operands(context, argv + argc - count, count, true, error);
}

static int read_input(int argc, char **argv, struct common_options *common, struct request *request,
		      struct error *error)
{
	int count = options_parse(&command, argc, argv, common, NULL, NULL, error);

	if (count < 0)
		return -1;
	request->now = clock_to_epoch(clock_now());
	if (!common->file)
		return take_operands(request, argv + argc - count, count, false, error);
	if (count)
		return error_usage(error, common->file, "the file has the operands, give none beside it");
	return batch_read(common->file, take_line, request, error);
}

int main(int argc, char **argv)
{
	struct common_options common = { 0 };
	struct request request = { 0 };
	struct error error;
	struct pins pins;
	int failed = read_input(argc, argv, &common, &request, &error) ||
		     pins_open(&pins, common.pin_dir, PINS_SPLICER, !common.dry_run, &error) ||
		     connections_update(&pins, &request.updates, &common, &error);

	conn_updates_free(&request.updates);
	return output_finish(failed ? error_print(&error) : EXIT_DONE);
}
