/* SPDX-License-Identifier: GPL-2.0-only */
/* lb_check: probes the backends of the load balancer, and sets them up or down. */
#include "clock.h"
#include "lbchecker.h"
#include "num.h"
#include "option.h"
#include "probeoption.h"

enum row { ROW_PORT = PROBE_ROWS, ROW_INTERVAL, ROW_RISE, ROW_FALL, ROW_ONCE, ROWS };

static const struct option_row rows[] = {
	PROBE_OPTION_ROWS,
	{ "port", 0, "PORT", "probe this port (that of the backend)" },
	{ "interval", 0, "SECONDS", "from one round to the next (5)" },
	{ "rise", 0, "NUMBER", "successes in a row after which a backend is up (2)" },
	{ "fall", 0, "NUMBER", "failures in a row after which it is down (3)" },
	{ "once", 0, NULL, "one round, in which one result decides, and print it; exit 1 if any is not healthy" },
	{ 0 },
};

static const char *const synopsis[] = {
	"[OPTION]... [VIP:PORT/PROTO [BACKEND[:PORT]]...]...",
	"--once [OPTION]... [VIP:PORT/PROTO [BACKEND[:PORT]]...]...",
	NULL,
};

static const struct command command = {
	.name = "lb_check",
	.synopsis = synopsis,
	.summary = "Probe backends again and again, set them up or down, and print what changes, until SIGINT or "
		   "SIGTERM.\n"
		   "They are those of the services that are named, or these of them; otherwise all. When it ends, "
		   "however\n"
		   "it does, everything stays as it is. With -v it prints each probe.",
	.options = rows,
	.common = "nvqj",
};

#define INTERVAL_MAX 86400 /* seconds */
#define COUNT_MAX 1000

struct request {
	struct probe_options probe;
	struct lb_check check;
	bool once;
	const char *of_rounds; /* an option that means nothing for one round; NULL: none was given */
};

static int take_number(const char *value, uint64_t max, uint32_t *out, struct error *error)
{
	uint64_t number;

	if (num_parse(value, 1, max, &number, error))
		return -1;
	*out = (uint32_t)number;
	return 0;
}

static int take_interval(struct lb_check *check, const char *value, struct error *error)
{
	uint64_t milliseconds;

	if (num_parse_seconds(value, INTERVAL_MAX, &milliseconds, error))
		return -1;
	check->interval = milliseconds * (CLOCK_SECOND / 1000);
	return 0;
}

static int take_option(void *context, size_t row, const char *value, struct error *error)
{
	struct request *request = context;
	struct lb_check *check = &request->check;

	switch (row) {
	case ROW_PORT:
		return take_number(value, UINT16_MAX, &check->how.port, error);
	case ROW_INTERVAL:
		request->of_rounds = "--interval";
		return take_interval(check, value, error);
	case ROW_RISE:
		request->of_rounds = "--rise";
		return take_number(value, COUNT_MAX, &check->rule.rise, error);
	case ROW_FALL:
		request->of_rounds = "--fall";
		return take_number(value, COUNT_MAX, &check->rule.fall, error);
	case ROW_ONCE:
		request->once = true;
		return 0;
	default:
		return probe_option(&request->probe, row, value, error);
	}
}

static int options_check(const struct request *request, struct error *error)
{
	if (probe_options_check(&request->probe, error))
		return -1;
	if (request->once && request->of_rounds)
		return error_usage(error, request->of_rounds, "does not go with --once, where one result decides");
	if (request->check.how.port && request->probe.given[PROBE_ROW_ICMP])
		return error_usage(error, "--port", "does not go with --icmp");
	return 0;
}

static int read_input(int argc, char **argv, struct request *request, struct error *error)
{
	struct lb_check *check = &request->check;
	struct common_options common = { 0 };
	int count;

	probe_options_begin(&request->probe);
	*check = (struct lb_check){ .rule = { .rise = 2, .fall = 3 }, .interval = 5 * CLOCK_SECOND };
	count = options_parse(&command, argc, argv, &common, take_option, request, error);
	if (count < 0 || options_check(request, error) ||
	    lb_select_parse(&check->select, argv + argc - count, count, error))
		return -1;
	check->how.tcp = probe_options_how(&request->probe, PROBE_TCP);
	check->how.udp = probe_options_how(&request->probe, PROBE_ICMP);
	check->pin_dir = common.pin_dir;
	check->dry_run = common.dry_run;
	check->verbose = common.verbose;
	check->quiet = common.quiet;
	check->json = common.json;
	return 0;
}

int main(int argc, char **argv)
{
	struct request request = { 0 };
	bool healthy = true;
	struct error error;

	if (read_input(argc, argv, &request, &error) ||
	    (request.once ? lb_check_once(&request.check, &healthy, &error) : lb_check_run(&request.check, &error)))
		return output_finish(error_print(&error));
	return output_finish(healthy ? EXIT_DONE : EXIT_STATE);
}
