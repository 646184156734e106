/* SPDX-License-Identifier: GPL-2.0-only */
/* iface_set: sets what the packet program does on an interface, shows it, and follows its addresses. */
#include "array.h"
#include "batch.h"
#include "iface.h"
#include "ifaceout.h"
#include "option.h"
#include "ownaddr.h"
#include "ownwatch.h"
#include "pin.h"
#include "prefix.h"
#include "rule.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum row { ROW_SAVE, ROW_WATCH };

static const struct option_row rows[] = {
	[ROW_SAVE] = { "save", 0, NULL, "print the lines that -f reads back" },
	[ROW_WATCH] = { "watch", 0, NULL, "stay, and keep the addresses for ssh=own up to date" },
	{ 0 },
};

static const char *const synopsis[] = {
	"[-jnv] IF SETTING=VALUE...", "[-jnv] -f FILE|-", "[-j] [--save] [IF]", "[-jv] --watch", NULL,
};

static const struct command command = {
	.name = "iface_set",
	.synopsis = synopsis,
	.summary = "Set what splicer.o does on an interface, or show it. IF any speaks for all that have no word of\n"
		   "their own. VALUE default takes a setting back. In the list, what was said of any stands in "
		   "parentheses;\n"
		   "IF alone shows what is in force there and who said so. SETTINGs:\n\n"
		   "  ssh=auto|any|own|off             what TCP port 22 passes to without a rule\n"
		   "  nonip=drop|pass                  frames that are neither IP nor ARP\n"
		   "  mode=prevent|detect              detect: what would be dropped passes, and is told all the same\n"
		   "  out=pass|drop                    what leaves and no rule for that direction decides\n"
		   "  icmp_echo=drop|pass              echo requests that no rule decides\n"
		   "  on_truncated=drop|pass           packets too short or too odd for their headers\n"
		   "  on_full=drop|pass                new connections that cannot be recorded\n"
		   "  on_state=pass|drop               TCP of connections nobody knows that a rule lets in\n"
		   "  new_flows=off|RATE[/BURST]       new flows a second from one source\n"
		   "  geneve=SOURCE[,SOURCE...]        whose GENEVE packets are decapsulated",
	.options = rows,
	.common = "fnvj",
};

struct request {
	bool save, watch;
	bool is_alone; /* show this interface */
	uint32_t alone;
	bool sets;
	struct iface_change *changes;
	size_t count;
};

static int take_option(void *context, size_t row, const char *value, struct error *error)
{
	struct request *request = context;

	(void)value;
	(void)error;
	if (row == ROW_SAVE)
		request->save = true;
	else
		request->watch = true;
	return 0;
}

static int refuse_option(void *context, size_t row, const char *value, struct error *error)
{
	(void)context;
	(void)value;
	return error_usage(error, row == ROW_SAVE ? "--save" : "--watch", "is for the command line");
}

/* ---- input ---- */

static int take_operands(struct request *request, char *const *operands, int count, struct error *error)
{
	struct iface_change *changes = array_room(request->changes, request->count, sizeof(*changes));

	if (!changes)
		return error_errno(error, "settings");
	request->changes = changes;
	if (iface_change_parse(operands, count, &changes[request->count], error))
		return -1;
	request->count++;
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
	if (common->file && (count || request->save || request->watch))
		return error_usage(error, common->file, "the file has the operands, give none beside it");
	if (request->watch && (count || request->save || common->dry_run))
		return error_usage(error, "--watch", "takes neither operands nor --save nor -n");
	if (request->save && (count > 1 || common->json))
		return error_usage(error, "--save", "prints lines, neither sets nor prints JSON");
	if (common->dry_run && !common->file && count < 2)
		return error_usage(error, "-n", "no setting was given");
	return 0;
}

static int read_input(int argc, char **argv, struct common_options *common, struct request *request,
		      struct error *error)
{
	int count = options_parse(&command, argc, argv, common, take_option, request, error);

	if (count < 0 || check_form(request, common, count, error))
		return -1;
	request->sets = common->file || count > 1;
	if (common->file)
		return batch_read(common->file, take_line, request, error);
	if (count > 1)
		return take_operands(request, argv + argc - count, count, error);
	request->is_alone = count;
	return count ? iface_parse(argv[argc - 1], &request->alone, error) : 0;
}

/* ---- setting ---- */

static int change_locked(const struct pins *pins, struct request *request, bool dry_run, struct ifaces *ifaces,
			 struct error *error)
{
	if (ifaces_read(pins, ifaces, error))
		return -1;
	ifaces_sweep(ifaces);
	for (size_t i = 0; i < request->count; i++)
		if (ifaces_apply(ifaces, &request->changes[i], error))
			return -1;
	if (dry_run)
		return ifaces_check(ifaces, error);
	/* addresses first: where SSH is confined to them, the operator must not be locked out */
	return own_addresses_sync(pins, error) || ifaces_write(pins, ifaces, error) ? -1 : 0;
}

static int set(const struct pins *pins, struct request *request, const struct common_options *common,
	       struct error *error)
{
	struct ifaces ifaces = { 0 };
	int result = pins_lock(pins, error);

	if (!result) {
		result = change_locked(pins, request, common->dry_run, &ifaces, error);
		pins_unlock(pins);
	}
	if (!result)
		result = iface_changes_print(pins, common, request->changes, request->count, &ifaces, error);
	ifaces_free(&ifaces);
	return result;
}

/* ---- showing ---- */

static int save(const struct pins *pins, const uint32_t *alone, struct error *error)
{
	struct ifaces ifaces;
	int result = ifaces_read(pins, &ifaces, error);

	/* what was said of an interface that is gone would be refused when it is read back */
	if (!result)
		ifaces_sweep(&ifaces);
	for (size_t i = 0; !result && i < ifaces.count; i++)
		if ((!alone || ifaces.items[i].ifindex == *alone) && iface_entry_says(&ifaces.items[i]))
			iface_print_entry(&ifaces.items[i]);
	ifaces_free(&ifaces);
	return result;
}

/* ---- following ---- */

static void tell_address(void *context, char letter, const struct own_address *address)
{
	char name[INTERFACE_TEXT_MAX], text[PREFIX_TEXT_MAX], letters[2] = { letter, '\0' };
	struct out *out = context;

	interface_format(address->ifindex, name);
	address_format((uint8_t)address->family, address->addr, text);
	if (out->form == OUT_TABLE) {
		printf("%c %s %s\n", letter, name, text);
		return;
	}
	out_begin(out);
	out_text(out, "change", NULL, letters);
	out_text(out, "iface", NULL, name);
	out_number(out, "ifindex", NULL, address->ifindex);
	out_text(out, "address", NULL, text);
	out_end(out);
}

/* Nothing is left half done whenever it ends: addresses are added before others go, and the lock goes by itself. */
static void end(int signal_number)
{
	(void)signal_number;
	_exit(EXIT_DONE);
}

static int watch(const struct pins *pins, const struct common_options *common, struct error *error)
{
	struct sigaction action = { .sa_handler = end };
	struct out out;

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdout, NULL, _IOLBF, 0); /* no half lines */
	out_open(&out, common->json ? OUT_JSON_LINES : OUT_TABLE);
	return own_addresses_watch(pins, common->json || common->verbose ? tell_address : NULL, &out, error);
}

static void request_free(struct request *request)
{
	for (size_t i = 0; i < request->count; i++)
		setting_said_free(&request->changes[i].said);
	free(request->changes);
}

int main(int argc, char **argv)
{
	struct common_options common = { 0 };
	struct request request = { 0 };
	struct error error;
	struct pins pins;
	int failed = read_input(argc, argv, &common, &request, &error) ||
		     pins_open(&pins, common.pin_dir, PINS_SPLICER, request.watch || (request.sets && !common.dry_run),
			       &error);
	const uint32_t *alone = request.is_alone ? &request.alone : NULL;

	if (!failed && request.watch)
		failed = watch(&pins, &common, &error);
	else if (!failed && request.sets)
		failed = set(&pins, &request, &common, &error);
	else if (!failed && request.save)
		failed = save(&pins, alone, &error);
	else if (!failed)
		failed = ifaces_print(&pins, alone, common.json ? OUT_JSON : OUT_TABLE, &error);
	request_free(&request);
	return output_finish(failed ? error_print(&error) : EXIT_DONE);
}
