/* SPDX-License-Identifier: GPL-2.0-only */
/* lookup_link: makes, shows and removes the link of the sk_lookup program, by which fragmented datagrams are spliced.
 */
#include "attachment.h"
#include "lookuplink.h"
#include "lookupprog.h"
#include "option.h"
#include "out.h"
#include "pin.h"

#include <limits.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum row { ROW_OBJECT, ROW_UNUSED };

static const struct option_row rows[] = {
	[ROW_OBJECT] = { "object", 0, "FILE", "take the program from FILE (splicer.o of this build or installation)" },
	[ROW_UNUSED] = { "unused", 0, NULL, "remove it only if splicer.o is on no interface, or on these IFs only" },
	{ 0 },
};

static const char *const synopsis[] = {
	"[-j]",
	"make [-nv] [--object FILE]",
	"remove [-nv] [--unused [IF]...]",
	NULL,
};

static const struct command command = {
	.name = "lookup_link",
	.synopsis = synopsis,
	.summary = "Show, make or remove the link of splicer.o's sk_lookup program to this network namespace. Without "
		   "it,\n"
		   "splices that come in fragments are dropped.",
	.options = rows,
	.common = "nvj",
};

enum verb { SHOW, MAKE, REMOVE };

struct request {
	enum verb verb;
	const char *object;
	bool unused;
	char *const *ifaces; /* NULL-terminated */
};

static int take_option(void *context, size_t row, const char *value, struct error *error)
{
	struct request *request = context;

	(void)error;
	if (row == ROW_OBJECT)
		request->object = value;
	else
		request->unused = true;
	return 0;
}

/* ---- input ---- */

static int take_verb(struct request *request, const char *word, struct error *error)
{
	if (!strcmp(word, "make"))
		request->verb = MAKE;
	else if (!strcmp(word, "remove"))
		request->verb = REMOVE;
	else
		return error_usage(error, word, "neither make nor remove");
	return 0;
}

static int check_form(const struct request *request, const struct common_options *common, struct error *error)
{
	if (request->object && request->verb != MAKE)
		return error_usage(error, "--object", "goes with make only");
	if (request->unused && request->verb != REMOVE)
		return error_usage(error, "--unused", "goes with remove only");
	if (*request->ifaces && !request->unused)
		return error_usage(error, *request->ifaces, "unexpected operand");
	if (common->json && request->verb != SHOW)
		return error_usage(error, "-j", "is for showing");
	if (common->dry_run && request->verb == SHOW)
		return error_usage(error, "-n", "neither make nor remove was given");
	return 0;
}

static int read_input(int argc, char **argv, struct common_options *common, struct request *request,
		      struct error *error)
{
	int count = options_parse(&command, argc, argv, common, take_option, request, error);

	if (count < 0 || (count && take_verb(request, argv[argc - count], error)))
		return -1;
	request->ifaces = argv + argc - count + (count > 0);
	return check_form(request, common, error);
}

/* ---- showing ---- */

static void print(struct out *out, const struct lookup_link *link)
{
	char tag[2 * sizeof(link->tag) + 1];
	bool there = link->fd >= 0;

	for (size_t i = 0; i < sizeof(link->tag); i++)
		snprintf(tag + 2 * i, 3, "%02x", link->tag[i]);
	out_begin(out);
	out_text(out, "state", "STATE", lookup_state_name(link->state));
	out_number_or(out, "link", "LINK", there ? (int64_t)link->id : -1, "-");
	out_number_or(out, "prog", "PROG", there ? (int64_t)link->prog_id : -1, "-");
	out_text(out, "name", "NAME", there ? link->program : NULL);
	out_text(out, "tag", "TAG", there ? tag : NULL);
	out_number_or(out, "netns", "NETNS", link->netns ? (int64_t)link->netns : -1, "-");
	out_end(out);
}

static int show(const struct pins *pins, bool json, struct error *error)
{
	struct lookup_link link;
	struct out out;

	if (lookup_link_open(pins, &link, error))
		return -1;
	out_open(&out, json ? OUT_JSON : OUT_TABLE);
	do {
		print(&out, &link);
	} while (out_again(&out));
	lookup_link_close(&link);
	return 0;
}

/* ---- making ---- */

/* Beside this program, where it was built; else where make install puts it. */
static const char *default_object(void)
{
	static char path[PATH_MAX];
	static const char *const places[] = { "splicer.o", "../lib/bpf/splicer.o" };
	char own[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", own, sizeof(own) - 1);

	own[length < 0 ? 0 : length] = '\0';
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		char *slash = strrchr(own, '/');

		snprintf(path, PATH_MAX, "%.*s/%s", slash ? (int)(slash - own) : 0, own, places[i]);
		if (!access(path, R_OK))
			break;
	}
	return path;
}

static int program_link(const struct pins *pins, const struct lookup_program *program, const struct lookup_link *link,
			bool dry_run, char *letter, struct error *error)
{
	bool same = false;

	if (lookup_link_is_live(link) && lookup_program_same(program, link->prog_id, &same, error))
		return -1;
	*letter = link->fd < 0 ? 'A' : same && link->state == LOOKUP_LINKED ? '=' : 'C';
	return dry_run ? 0 : lookup_link_put(pins, link, same ? -1 : program->fd, error);
}

static int make_locked(const struct pins *pins, const struct request *request, const struct lookup_link *link,
		       const struct common_options *common, char *letter, struct error *error)
{
	const char *object = request->object ? request->object : default_object();
	struct lookup_program program;
	int result;

	if (lookup_link_check(pins, link, error))
		return -1;
	if (!common->dry_run)
		lookup_link_settle(pins, link);
	result = lookup_program_load(&program, object, pins->dir, common->verbose, error) ||
		 program_link(pins, &program, link, common->dry_run, letter, error);
	lookup_program_close(&program);
	return result ? -1 : 0;
}

/* ---- removing ---- */

static bool is_named(const struct request *request, uint32_t ifindex)
{
	for (char *const *name = request->ifaces; *name; name++)
		if (if_nametoindex(*name) == ifindex)
			return true;
	return false;
}

/* Whether a program that uses these maps is on an interface that was not named. */
static int is_used(const struct pins *pins, const struct request *request, bool *used, struct error *error)
{
	struct attachments attachments;

	*used = false;
	if (attachments_read(pins, ATTACH_SPLICER, &attachments, error))
		return -1;
	for (size_t i = 0; i < attachments.count; i++)
		if (attachments.items[i].ours && !is_named(request, attachments.items[i].ifindex))
			*used = true;
	free(attachments.items);
	return 0;
}

static int remove_locked(const struct pins *pins, const struct request *request, const struct lookup_link *link,
			 bool dry_run, char *letter, struct error *error)
{
	bool used = false;

	if (lookup_link_check(pins, link, error) || (request->unused && is_used(pins, request, &used, error)))
		return -1;
	*letter = used || link->state == LOOKUP_NONE ? '=' : link->state == LOOKUP_LOST ? 'C' : 'D';
	return used || dry_run ? 0 : lookup_link_remove(pins, link, error);
}

/* ---- either ---- */

static int change_locked(const struct pins *pins, const struct request *request, const struct common_options *common,
			 char *letter, struct error *error)
{
	struct lookup_link link;
	int result;

	if (lookup_link_open(pins, &link, error))
		return -1;
	if (request->verb == MAKE)
		result = make_locked(pins, request, &link, common, letter, error);
	else
		result = remove_locked(pins, request, &link, common->dry_run, letter, error);
	lookup_link_close(&link);
	return result;
}

static int change(const struct pins *pins, const struct request *request, const struct common_options *common,
		  struct error *error)
{
	char letter = '=';
	int result;

	if (pins_lock(pins, error))
		return -1;
	result = change_locked(pins, request, common, &letter, error);
	pins_unlock(pins);
	if (!result && (common->verbose || common->dry_run))
		printf("%c %s\n", letter, SPLICER_LOOKUP_LINK);
	return result;
}

int main(int argc, char **argv)
{
	struct common_options common = { 0 };
	struct request request = { 0 };
	struct error error;
	struct pins pins;
	int failed = read_input(argc, argv, &common, &request, &error) ||
		     pins_open(&pins, common.pin_dir, PINS_SPLICER, request.verb == MAKE && !common.dry_run, &error);

	if (!failed && request.verb == SHOW)
		failed = show(&pins, common.json, &error);
	else if (!failed)
		failed = change(&pins, &request, &common, &error);
	return output_finish(failed ? error_print(&error) : EXIT_DONE);
}
