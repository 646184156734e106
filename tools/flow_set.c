/* SPDX-License-Identifier: GPL-2.0-only */
/* flow_set: sets what flow.o has room for, when sessions end, what it keeps and samples, and shows it. */
#include "batch.h"
#include "flowset.h"
#include "option.h"
#include "pin.h"

#define ROW_SAVE FLOWSET_COUNT

static const struct option_row rows[] = {
	[FLOWSET_CAPACITY] = { "capacity", 0, "N", "how many there is room for (24576)" },
	[FLOWSET_IDLE_TCP] = { "idle-tcp", 0, "SECONDS",
			       "without a packet, and the next one begins another session (3600)" },
	[FLOWSET_IDLE_ENDED] = { "idle-ended", 0, "SECONDS", "of TCP after FIN or RST (60)" },
	[FLOWSET_IDLE_UDP] = { "idle-udp", 0, "SECONDS", "of UDP (60)" },
	[FLOWSET_IDLE_OTHER] = { "idle-other", 0, "SECONDS", "of ICMP and other protocols (60)" },
	[FLOWSET_DETAILS] = { "details", 0, "on|off",
			      "keep what the columns of detail are made of, of sessions that begin (off)" },
	[FLOWSET_CONTENT] = { "content", 0, "on|off", "keep the first bytes of each end, of sessions that begin (on)" },
	[FLOWSET_SESSION_PACKETS] = { "session-packets", 0, "N", "sampled of a session; 0: none of any (0)" },
	[FLOWSET_SESSIONS] = { "sessions", 0, "N", "sampled at a time (10)" },
	[FLOWSET_PACKETS] = { "packets", 0, "N", "that the buffer of samples holds (those of all these sessions)" },
	[FLOWSET_SESSION_RESTART] = { "session-restart", 0, "TIME",
				      "since a session was taken up, until others are (5s)" },
	[FLOWSET_PACKET_RESTART] = { "packet-restart", 0, "TIME",
				     "since a session's last sample, until it is sampled anew (1s)" },
	[FLOWSET_BUFFER_RESTART] = { "buffer-restart", 0, "TIME",
				     "since the last sample, until a full buffer begins anew (1s)" },
	[ROW_SAVE] = { "save", 0, NULL, "print options that set what is not the default" },
	{ 0 },
};

static const char *const synopsis[] = { "[-jnqv] [OPTION VALUE | NAME=VALUE]...", "[-jnqv] -f FILE|-", "[-j | --save]",
					NULL };

static const struct command command = {
	.name = "flow_set",
	.synopsis = synopsis,
	.summary = "Set how many sessions flow.o has room for, when sessions end, what is kept of them and which "
		   "packets are\n"
		   "sampled, or show it, with defaults in parentheses. VALUE may be default; TIME is a number with ns, "
		   "us, ms, s, m or h.\n"
		   "NAMEs, for the last six settings: N_PACKET_PER_SESSION, N_SESSION, N_PACKET_TOTAL,\n"
		   "SESSION_ACCEPT_RESTART_TIME, SESSION_PACKET_RESTART_TIME, BUFFER_PACKET_RESTART_TIME.",
	.options = rows,
	.common = "fnvqj",
};

struct request {
	bool save;
	struct flowset_change change;
};

static int take_option(void *context, size_t row, const char *value, struct error *error)
{
	struct request *request = context;

	if (row != ROW_SAVE)
		return flowset_take(&request->change, (enum flowset_name)row, value, error);
	request->save = true;
	return 0;
}

/* ---- input ---- */

static int take_operands(struct request *request, char *const *operands, int count, struct error *error)
{
	for (int i = 0; i < count; i++)
		if (flowset_take_operand(&request->change, operands[i], error))
			return -1;
	return 0;
}

static int take_line(void *context, unsigned long line, int argc, char **argv, struct error *error)
{
	struct request *request = context;
	int count = options_parse(&command, argc, argv, NULL, take_option, request, error);

	(void)line;
	if (count < 0)
		return -1;
	if (request->save)
		return error_usage(error, "--save", "is for the command line");
	return take_operands(request, argv + argc - count, count, error);
}

static bool sets(const struct request *request)
{
	bool any = false;

	for (int name = 0; name < FLOWSET_COUNT; name++)
		any = any || request->change.given[name];
	return any;
}

static int check_form(const struct request *request, const struct common_options *common, struct error *error)
{
	if (common->file && (sets(request) || request->save))
		return error_usage(error, common->file, "the file has the options, give none beside it");
	if (request->save && (sets(request) || common->json))
		return error_usage(error, "--save", "prints options, neither sets nor prints JSON");
	if (common->dry_run && !common->file && !sets(request))
		return error_usage(error, "-n", "no setting was given");
	return 0;
}

static int read_input(int argc, char **argv, struct common_options *common, struct request *request,
		      struct error *error)
{
	int count = options_parse(&command, argc, argv, common, take_option, request, error);

	if (count < 0 || take_operands(request, argv + argc - count, count, error) ||
	    check_form(request, common, error))
		return -1;
	return common->file ? batch_read(common->file, take_line, request, error) : 0;
}

/* ---- setting and showing ---- */

static int run(const struct pins *pins, struct request *request, const struct common_options *common,
	       struct error *error)
{
	if (common->file || sets(request))
		return flowset_apply(pins, &request->change, common, error);
	if (request->save)
		return flowset_save(pins, error);
	return flowset_show(pins, common->json ? OUT_JSON : OUT_TABLE, error);
}

int main(int argc, char **argv)
{
	struct common_options common = { 0 };
	struct request request = { 0 };
	struct error error;
	struct pins pins;
	int failed = read_input(argc, argv, &common, &request, &error) ||
		     pins_open(&pins, common.pin_dir, PINS_FLOW, (common.file || sets(&request)) && !common.dry_run,
			       &error) ||
		     run(&pins, &request, &common, &error);

	return output_finish(failed ? error_print(&error) : EXIT_DONE);
}
