/* SPDX-License-Identifier: GPL-2.0-only */
/* lb_backend: the services of lb.o and their backends. */
#include "lbverb.h"
#include "option.h"

static const struct option_row rows[] = {
	[LB_ROW_WEIGHT] = { "weight", 'w', "NUMBER", "add: its part of new flows, 0-65535 (1); 0: none" },
	[LB_ROW_ALL] = { "all", 0, NULL, "apply: also a FILE in which there is nothing" },
	[LB_ROW_SAVE] = { "save", 0, NULL, "list: print what apply -f reads back; flows: what flows takes" },
	[LB_ROW_WATCH] = { "watch", 0, "SECONDS", "list: backends and their rates again and again" },
	{ 0 },
};

static const char *const synopsis[] = {
	"add SERVICE [BACKEND[:PORT]]... [-w NUMBER]",
	"delete SERVICE [BACKEND[:PORT]]...",
	"drain|undrain SERVICE BACKEND[:PORT]...",
	"weight SERVICE BACKEND[:PORT] NUMBER",
	"set SERVICE [affinity=SECONDS] [mode=nat|masquerade|dsr] [source=ADDRESS|auto]",
	"up|down SERVICE BACKEND[:PORT]...",
	"add|delete|drain|undrain|weight|set|up|down -f FILE|-",
	"list [SERVICE] [--save | --watch SECONDS]",
	"apply [--all] -f FILE|-",
	"flows [--save | [max=FLOWS|default] [unconfirmed=FLOWS|default]]",
	NULL,
};

static const struct command command = {
	.name = "lb_backend",
	.synopsis = synopsis,
	.summary = "Say where packets to SERVICE go, which is VIP:PORT/PROTO: a port, LOW-HIGH or any, of tcp or udp.\n"
		   "IPv6 addresses that have a port stand in brackets. See lb_backend(8).",
	.options = rows,
	.common = "fnvqj",
};

static int run(struct lb_work *work, int argc, char **argv, struct error *error)
{
	int count = options_parse(&command, argc, argv, &work->common, lb_take_option, &work->request, error);

	if (count < 0)
		return -1;
	if (!count)
		return error_usage(error, "command", "expected add, delete, list or another (see --help)");
	work->word = argv[argc - count];
	work->operands = argv + argc - count + 1;
	work->count = count - 1;
	return lb_work_run(work, error);
}

int main(int argc, char **argv)
{
	struct lb_work work = { .command = &command };
	struct error error;
	int failed = run(&work, argc, argv, &error);

	lb_work_end(&work);
	return output_finish(failed ? error_print(&error) : EXIT_DONE);
}
