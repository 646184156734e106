/* SPDX-License-Identifier: GPL-2.0-only */
/* flow_replay: runs captures through flow.o. */
#include "flowreplay.h"
#include "option.h"
#include "out.h"
#include "pin.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum row { ROW_INTERFACE };

static const struct option_row rows[] = {
	[ROW_INTERFACE] = { "interface", 'i', "IF", "run them through the flow.o on the ingress of IF" },
	{ 0 },
};

static const char *const synopsis[] = {
	"-i IF [-vj] FILE...",
	NULL,
};

static const struct command command = {
	.name = "flow_replay",
	.synopsis = synopsis,
	.summary =
		"Run captures (pcap, pcapng; -: standard input) through flow.o, each packet at the time at which it\n"
		"was captured. With -v or -j it prints what was in them.",
	.options = rows,
	.common = "vj",
};

struct request {
	const char *iface;
	char *const *files; /* NULL-terminated */
	int count;
};

static int take_option(void *context, size_t row, const char *value, struct error *error)
{
	struct request *request = context;

	(void)row, (void)error;
	request->iface = value;
	return 0;
}

static int read_input(int argc, char **argv, struct common_options *common, struct request *request,
		      struct error *error)
{
	int count = options_parse(&command, argc, argv, common, take_option, request, error);

	if (count < 0)
		return -1;
	if (!request->iface)
		return error_usage(error, "-i", "missing (see --help)");
	if (!count)
		return error_usage(error, "FILE", "missing (see --help)");
	request->files = argv + argc - count;
	request->count = count;
	return 0;
}

/* ---- what was in them ---- */

static void print_time(struct out *out, const char *key, const char *header, uint64_t time)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64 ".%09" PRIu64, time / 1000000000, time % 1000000000);
	out_text(out, key, header, time ? text : NULL);
}

static void print(struct out *out, const char *file, const struct flow_replayed *replayed)
{
	out_begin(out);
	out_text(out, "file", "FILE", file);
	out_number(out, "packets", "PACKETS", replayed->packets);
	out_number(out, "bytes", "BYTES", replayed->bytes);
	print_time(out, "first", "FIRST", replayed->first);
	print_time(out, "last", "LAST", replayed->last);
	out_number(out, "no_header", "NO HEADER", replayed->no_header);
	out_number(out, "evicted", "EVICTED", replayed->evicted);
	out_end(out);
}

/* Of an error, too: what was counted before it stays so. */
static void print_all(const struct request *request, const struct flow_replayed *replayed, bool json)
{
	struct out out;

	out_open(&out, json ? OUT_JSON : OUT_TABLE);
	do {
		for (int i = 0; i < request->count; i++)
			if (replayed[i].opened)
				print(&out, request->files[i], &replayed[i]);
	} while (out_again(&out));
}

static void warn(const struct request *request, const struct flow_replayed *replayed)
{
	uint64_t evicted = 0;

	for (int i = 0; i < request->count; i++)
		evicted += replayed[i].evicted;
	if (evicted)
		note_print("%s: %" PRIu64 " sessions have lost their place to others; make room for more with flow_set",
			   request->iface, evicted);
}

static int replay(const struct flow_replay *replay, const struct pins *pins, const struct request *request,
		  const struct common_options *common, struct error *error)
{
	struct flow_replayed *replayed = calloc((size_t)request->count, sizeof(*replayed));
	int result = 0;

	if (!replayed)
		return error_errno(error, request->iface);
	for (int i = 0; i < request->count && !result; i++)
		result = flow_replay_check(request->files[i], error);
	for (int i = 0; i < request->count && !result; i++)
		result = flow_replay_file(replay, pins, request->files[i], &replayed[i], error);
	if (common->verbose || common->json)
		print_all(request, replayed, common->json);
	warn(request, replayed);
	free(replayed);
	return result;
}

int main(int argc, char **argv)
{
	struct common_options common = { 0 };
	struct request request = { 0 };
	struct flow_replay one;
	struct error error;
	struct pins pins;
	int failed = read_input(argc, argv, &common, &request, &error) ||
		     pins_open(&pins, common.pin_dir, PINS_FLOW, true, &error) ||
		     flow_replay_open(&one, &pins, request.iface, &error);

	if (!failed) {
		failed = replay(&one, &pins, &request, &common, &error);
		flow_replay_close(&one);
	}
	return output_finish(failed ? error_print(&error) : EXIT_DONE);
}
