/* SPDX-License-Identifier: GPL-2.0-only */
/* xdp_rule: the rules of xdp_filter.o. */
#include "option.h"
#include "xdpverb.h"

#include <string.h>

static const struct option_row rows[] = {
	[XDP_ROW_SOURCE] = { "source", 's', "PREFIX", "the operand PREFIX as an option" },
	[XDP_ROW_DESTINATION] = { "destination", 'd', "PREFIX", "only packets to here; A-B is a range (any)" },
	[XDP_ROW_PROTO] = { "proto", 'p', "PROTO", "tcp, udp, icmp, icmpv6, a number, nonip (any)" },
	[XDP_ROW_DPORT] = { "dport", 0, "LOW[-HIGH]", "only these destination ports; needs -p" },
	[XDP_ROW_ICMP] = { "icmp", 0, "TYPE[/CODE]", "only these messages; needs -p icmp or icmpv6" },
	[XDP_ROW_INTERFACE] = { "iface", 'i', "NAME",
				"only packets of this interface; repeatable, one rule each (any)" },
	[XDP_ROW_PRIORITY] = { "priority", 'P', "NUMBER", "higher is asked first (0)" },
	[XDP_ROW_SERVICE] = { "service", 'S', "TAG", "what the rule belongs to, up to 64 bytes" },
	[XDP_ROW_MASK] = { "mask", 0, NULL, "clear host bits of a prefix, do not refuse it" },
	[XDP_ROW_TTL] = { "ttl", 0, "SECONDS", "the rule ends after so long" },
	[XDP_ROW_EXPIRES] = { "expires", 0, "TIME", "the rule ends then; seconds since the epoch" },
	[XDP_ROW_RATE] = { "rate", 0, "PPS[:BURST][/LEN]",
			   "drop, monitor: what a source sends beyond it; pass: what within" },
	[XDP_ROW_REPLACE] = { "replace", 0, NULL, "with -f: rules that are not in FILE go" },
	[XDP_ROW_ALL] = { "all", 0, NULL, "delete: any number; else also defaults and never-drop rules" },
	[XDP_ROW_FORCE] = { "force", 0, NULL, "even if that cuts the SSH session that it comes from" },
	[XDP_ROW_SAVE] = { "save", 0, NULL, "list: print what -f reads back" },
	[XDP_ROW_WATCH] = { "watch", 0, "SECONDS", "list: rules and their rates again and again" },
	{ 0 },
};

static const char *const synopsis[] = {
	"add [PREFIX] [drop|pass|monitor|never-drop] [OPTION]...",
	"[add [ACTION] [OPTION]...] [--replace [--all]] -f FILE|-",
	"delete [PREFIX] [ACTION] [OPTION]... | delete -f FILE|-",
	"list [PREFIX] [ACTION] [OPTION]...",
	"flush [-i NAME] [-S TAG] [--all]",
	"default [drop|pass|monitor|unset] [-i NAME]...",
	NULL,
};

static const struct command command = {
	.name = "xdp_rule",
	.synopsis = synopsis,
	.summary = "Say what becomes of packets from PREFIX: an address, a prefix, a range A-B, any, or session, who\n"
		   "is the client of your SSH session. Lines of FILE are as the operands of add. See xdp_rule(8).",
	.options = rows,
	.common = "fnvqj",
};

static const struct xdp_verb verbs[] = {
	{ "add", XDP_OF_RULES | XDP_BIT(XDP_ROW_REPLACE) | XDP_BIT(XDP_ROW_ALL) | XDP_BIT(XDP_ROW_FORCE), true, 2,
	  xdp_verb_add },
	{ "delete", XDP_SELECTORS | XDP_BIT(XDP_ROW_ALL) | XDP_BIT(XDP_ROW_FORCE), true, 2, xdp_verb_delete },
	{ "list", XDP_SELECTORS | XDP_BIT(XDP_ROW_SAVE) | XDP_BIT(XDP_ROW_WATCH), false, 2, xdp_verb_list },
	{ "flush",
	  XDP_BIT(XDP_ROW_INTERFACE) | XDP_BIT(XDP_ROW_SERVICE) | XDP_BIT(XDP_ROW_ALL) | XDP_BIT(XDP_ROW_FORCE), false,
	  0, xdp_verb_flush },
	{ "default", XDP_BIT(XDP_ROW_INTERFACE) | XDP_BIT(XDP_ROW_FORCE), false, 1, xdp_verb_default },
};

/* NULL is the word that may be left out where a file is given. */
static const struct xdp_verb *verb_find(const char *name, struct error *error)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (!name || !strcmp(name, verbs[i].name))
			return &verbs[i];
	error_usage(error, name, "unknown command (add, delete, list, flush, default)");
	return NULL;
}

static int run(struct xdp_work *work, int argc, char **argv, struct error *error)
{
	int count = options_parse(&command, argc, argv, &work->common, xdp_take_option, &work->request, error);
	const struct xdp_verb *verb;

	if (count < 0)
		return -1;
	if (!count && !work->common.file)
		return error_usage(error, "command", "expected add, delete, list, flush or default (see --help)");
	work->operands = argv + argc - count + 1;
	work->count = count ? count - 1 : 0;
	verb = verb_find(count ? work->operands[-1] : NULL, error);
	return verb ? xdp_verb_run(verb, work, error) : -1;
}

int main(int argc, char **argv)
{
	struct xdp_work work = { .command = &command };
	struct error error;
	int failed = run(&work, argc, argv, &error);

	xdp_work_end(&work);
	return output_finish(failed ? error_print(&error) : EXIT_DONE);
}
