/* SPDX-License-Identifier: GPL-2.0-only */
#include "ifaceout.h"

#include "batch.h"
#include "ifaceview.h"
#include "netlink.h"
#include "ownaddr.h"
#include "rule.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const origins[] = {
	[ORIGIN_IFACE] = "iface",
	[ORIGIN_ANY] = "any",
	[ORIGIN_BUILT_IN] = "default",
};

static const char *iface_name(uint32_t ifindex, char name[INTERFACE_TEXT_MAX])
{
	return ifindex == SPLICER_IFACE_ANY ? "any" : interface_format(ifindex, name);
}

/* ---- settings as text ---- */

static bool is_said(const struct iface_entry *entry, size_t setting)
{
	return entry && setting_is_set(setting, &entry->now, &entry->geneve);
}

/* Where there is little room, a list of sources is cut to its first and the number of the others. */
static void word_write(FILE *to, const struct iface_entry *entry, size_t setting, bool cut)
{
	char source[PREFIX_TEXT_MAX];

	fprintf(to, "%s=", setting_name(setting));
	if (cut && setting == SETTING_GENEVE && entry->geneve.count > 1)
		fprintf(to, "%s,+%zu", prefix_format(&entry->geneve.items[0], source), entry->geneve.count - 1);
	else
		setting_write(to, setting, &entry->now, &entry->geneve);
}

/* What one entry says and the other does not overrule, after `before`; whether it is anything. */
static bool words_write(FILE *to, const struct iface_entry *entry, const struct iface_entry *other, const char *before,
			bool cut)
{
	bool any = false;

	for (size_t i = 0; i < SETTINGS; i++) {
		if (!is_said(entry, i) || (is_said(other, i) && i != SETTING_GENEVE))
			continue;
		fputs(any ? " " : before, to);
		word_write(to, entry, i, cut);
		any = true;
	}
	return any;
}

/* What was said of the interface itself, and with `any`, in parentheses, what that entry adds. NULL: no memory.
 * Released with free(). */
static char *settings_text(const struct iface_entry *own, const struct iface_entry *any, bool cut)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);
	bool said;

	if (!to)
		return NULL;
	said = words_write(to, own, NULL, "", cut);
	if (words_write(to, any, own, said ? " (" : "(", cut))
		fputc(')', to);
	fclose(to);
	return text;
}

/* Those of the interface and those of any add up. */
static void geneve_write(FILE *to, const struct iface_entry *own, const struct iface_entry *any)
{
	const struct prefix_list *list = is_said(own, SETTING_GENEVE) ? &own->geneve : &any->geneve;
	char source[PREFIX_TEXT_MAX];

	setting_write(to, SETTING_GENEVE, &own->now, list);
	for (size_t i = 0; list != &any->geneve && i < any->geneve.count; i++)
		if (!prefix_list_has(list, &any->geneve.items[i]))
			fprintf(to, ",%s", prefix_format(&any->geneve.items[i], source));
}

/* The value in force; NULL: no memory. Released with free(). */
static char *value_text(const struct ifaces *ifaces, uint32_t ifindex, size_t setting, const char **from)
{
	static const struct iface_entry nobody;
	const struct iface_entry *any = ifaces_find(ifaces, SPLICER_IFACE_ANY), *speaker;
	enum setting_origin origin;
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	speaker = ifaces_speaker(ifaces, ifindex, setting, &origin);
	*from = origins[origin];
	if (!to)
		return NULL;
	if (!speaker)
		fputs(setting_fallback(setting), to);
	else if (setting != SETTING_GENEVE)
		setting_write(to, setting, &speaker->now, &speaker->geneve);
	else
		geneve_write(to, speaker, any ? any : &nobody);
	if (setting == SETTING_GENEVE && origin == ORIGIN_IFACE && is_said(any, setting))
		*from = "both";
	fclose(to);
	return text;
}

/* ---- one interface ---- */

static const char *hook_word(const struct hook_view *hook)
{
	return hook->ours ? "attached" : hook->stale ? "stale" : "none";
}

static const char *hook_cell(const struct hook_view *hook)
{
	return hook->ours ? hook->prios : hook->stale ? "stale" : "";
}

static void ingress_out(struct out *out, const struct hook_view *hook, bool any)
{
	out_text(out, NULL, "INGRESS", hook_cell(hook));
	out_bool(out, "attached", any ? -1 : hook->ours > 0);
	out_number_or(out, "prio", NULL, hook->ours ? (int64_t)hook->prio : -1, "-");
	out_bool(out, "stacked", any ? -1 : hook->ours > 1);
	out_bool(out, "stale", any ? -1 : hook->stale > 0);
	out_text(out, "ingress", NULL, any ? NULL : hook_word(hook));
}

static void egress_out(struct out *out, const struct hook_view *hook, bool any)
{
	out_text(out, "egress", NULL, any ? NULL : hook_word(hook));
	out_text(out, NULL, "EGRESS", hook_cell(hook));
	out_number_or(out, "egress_prio", NULL, hook->ours ? (int64_t)hook->prio : -1, "-");
	out_bool(out, "egress_stacked", any ? -1 : hook->ours > 1);
	out_bool(out, "egress_stale", any ? -1 : hook->stale > 0);
}

/* It is of the namespace; where no packets are decided it is of no interest. */
static void lookup_out(struct out *out, enum lookup_state state, bool decides)
{
	const char *word = state == LOOKUP_LINKED ? "linked" : state == LOOKUP_NONE ? "missing" : "stale";

	out_text(out, "lookup", NULL, word);
	out_text(out, NULL, "LOOKUP", decides ? word : "");
}

static void attached_out(struct out *out, const struct iface_view *view, uint32_t ifindex)
{
	bool any = ifindex == SPLICER_IFACE_ANY;
	struct hook_view ingress, egress;

	hook_view(&view->attachments, ifindex, ATTACH_INGRESS, &ingress);
	hook_view(&view->attachments, ifindex, ATTACH_EGRESS, &egress);
	ingress_out(out, &ingress, any);
	egress_out(out, &egress, any);
	lookup_out(out, view->lookup, ingress.ours > 0);
}

/* How the hooks of another object are called: in JSON, and as columns. */
struct other_names {
	const char *ingress, *egress, *ingress_header, *egress_header;
};

/* The table has it where the object is on any interface. */
static void other_out(struct out *out, const struct attachments *list, uint32_t ifindex,
		      const struct other_names *names)
{
	bool any = ifindex == SPLICER_IFACE_ANY, used = list->count > 0;
	struct hook_view ingress, egress;

	hook_view(list, ifindex, ATTACH_INGRESS, &ingress);
	hook_view(list, ifindex, ATTACH_EGRESS, &egress);
	out_text(out, NULL, used ? names->ingress_header : NULL, hook_cell(&ingress));
	out_text(out, NULL, used ? names->egress_header : NULL, hook_cell(&egress));
	out_text(out, names->ingress, NULL, any ? NULL : hook_word(&ingress));
	out_text(out, names->egress, NULL, any ? NULL : hook_word(&egress));
}

static void others_out(struct out *out, const struct iface_view *view, uint32_t ifindex)
{
	static const struct other_names balancer = { "lb_ingress", "lb_egress", "LB_INGRESS", "LB_EGRESS" };
	static const struct other_names observer = { "flow_ingress", "flow_egress", "FLOW_INGRESS", "FLOW_EGRESS" };

	other_out(out, &view->balancers, ifindex, &balancer);
	other_out(out, &view->observers, ifindex, &observer);
}

/* In JSON only. */
static void setting_out(struct out *out, const struct iface_view *view, uint32_t ifindex, size_t setting)
{
	const char *from;
	char *text = value_text(&view->ifaces, ifindex, setting, &from), key[32];

	out_text(out, setting_name(setting), NULL, text);
	snprintf(key, sizeof(key), "%s_from", setting_name(setting));
	out_text(out, key, NULL, from);
	free(text);
}

/* What was said of all is of interest where something obeys it. */
static const struct iface_entry *any_obeyed(const struct iface_view *view, uint32_t ifindex)
{
	for (size_t i = 0; i < view->attachments.count; i++)
		if (view->attachments.items[i].ifindex == ifindex && view->attachments.items[i].ours)
			return ifaces_find(&view->ifaces, SPLICER_IFACE_ANY);
	return NULL;
}

static void settings_out(struct out *out, const struct iface_view *view, uint32_t ifindex, const char *header)
{
	const struct iface_entry *own = ifaces_find(&view->ifaces, ifindex);
	bool table = out->form == OUT_TABLE;
	char *text = settings_text(own, table ? any_obeyed(view, ifindex) : NULL, table);

	for (size_t i = 0; i < SETTINGS && !table; i++)
		setting_out(out, view, ifindex, i);
	out_text(out, "settings", header, text);
	free(text);
}

/* header NULL: the table does not have the settings. */
static void iface_out(struct out *out, const struct iface_view *view, uint32_t ifindex, const char *header)
{
	bool any = ifindex == SPLICER_IFACE_ANY;
	char name[INTERFACE_TEXT_MAX], note[IFACE_NOTE_MAX];

	out_text(out, "iface", "IFACE", iface_name(ifindex, name));
	out_number(out, "ifindex", NULL, ifindex);
	attached_out(out, view, ifindex);
	others_out(out, view, ifindex);
	out_number_or(out, "addresses", "ADDRS", any ? -1 : (int64_t)own_addresses_count(&view->addresses, ifindex),
		      "-");
	iface_note(view, ifindex, note);
	out_text(out, "note", "NOTE", *note ? note : NULL);
	out_bool(out, "gone", iface_is_gone(ifindex));
	settings_out(out, view, ifindex, header);
}

/* ---- its settings, one a line ---- */

static void line_out(struct out *out, size_t setting, const char *value, const char *from)
{
	out_begin(out);
	out_text(out, NULL, "SETTING", setting_name(setting));
	out_text(out, NULL, "VALUE", value);
	out_text(out, NULL, "FROM", from);
	out_end(out);
}

static void sources_out(struct out *out, const struct iface_entry *entry, enum setting_origin origin)
{
	char source[PREFIX_TEXT_MAX];

	for (size_t i = 0; entry && i < entry->geneve.count; i++)
		line_out(out, SETTING_GENEVE, prefix_format(&entry->geneve.items[i], source), origins[origin]);
}

static void setting_lines_out(struct out *out, const struct ifaces *ifaces, uint32_t ifindex)
{
	const struct iface_entry *own = ifaces_find(ifaces, ifindex), *any = ifaces_find(ifaces, SPLICER_IFACE_ANY);

	for (size_t i = 0; i < SETTINGS; i++) {
		const char *from;
		char *text;

		if (i == SETTING_GENEVE && (is_said(own, i) || is_said(any, i)))
			continue;
		text = value_text(ifaces, ifindex, i, &from);
		line_out(out, i, text, from);
		free(text);
	}
	if (own != any)
		sources_out(out, own, ORIGIN_IFACE);
	sources_out(out, any, ORIGIN_ANY);
}

static void print_setting_lines(const struct ifaces *ifaces, uint32_t ifindex)
{
	struct out out;

	out_open(&out, OUT_TABLE);
	do
		setting_lines_out(&out, ifaces, ifindex);
	while (out_again(&out));
}

/* ---- commands ---- */

static void print_name(uint32_t ifindex)
{
	char buffer[INTERFACE_TEXT_MAX];
	const char *name = iface_name(ifindex, buffer);

	if (*name == '-')
		fputs("-- ", stdout);
	batch_print_word(name);
}

static void print_change(const struct iface_change *change)
{
	print_name(change->ifindex);
	for (size_t i = 0; i < SETTINGS; i++) {
		if (!change->said.given[i])
			continue;
		printf(" %s=", setting_name(i));
		setting_write(stdout, i, &change->said.value, &change->said.geneve);
	}
	putchar('\n');
}

void iface_print_entry(const struct iface_entry *entry)
{
	print_name(entry->ifindex);
	words_write(stdout, entry, NULL, " ", false);
	putchar('\n');
}

/* ---- all ---- */

static void print_records(const struct iface_view *view, enum out_form form, const char *header)
{
	struct out out;

	out_open(&out, form);
	do {
		for (size_t i = 0; i < view->count; i++) {
			out_begin(&out);
			iface_out(&out, view, view->indices[i], header);
			out_end(&out);
		}
	} while (out_again(&out));
}

static void print_alone(struct iface_view *view, uint32_t ifindex, enum out_form form)
{
	view->indices[0] = ifindex;
	view->count = 1;
	print_records(view, form, NULL);
	if (form != OUT_TABLE)
		return;
	putchar('\n');
	print_setting_lines(&view->ifaces, ifindex);
}

int ifaces_print(const struct pins *pins, const uint32_t *alone, enum out_form form, struct error *error)
{
	struct iface_view view;
	int result = iface_view_read(pins, &view, error);

	if (!result && alone && view.count)
		print_alone(&view, *alone, form);
	else if (!result)
		print_records(&view, form, "SETTINGS");
	iface_view_free(&view);
	return result;
}

static void print_changes_json(const struct iface_view *view, const struct iface_change *changes, size_t count)
{
	struct out out;

	out_open(&out, OUT_JSON);
	for (size_t i = 0; i < count; i++) {
		char letter[2] = { changes[i].letter, '\0' };

		out_begin(&out);
		out_text(&out, "change", NULL, letter);
		iface_out(&out, view, changes[i].ifindex, NULL);
		out_end(&out);
	}
	out_again(&out);
}

static void print_change_lines(const struct iface_change *changes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		printf("%c ", changes[i].letter);
		print_change(&changes[i]);
	}
}

int iface_changes_print(const struct pins *pins, const struct common_options *common,
			const struct iface_change *changes, size_t count, struct ifaces *ifaces, struct error *error)
{
	struct iface_view view;
	int result;

	if (!common->json) {
		if (common->verbose || common->dry_run)
			print_change_lines(changes, count);
		return 0;
	}
	result = iface_view_read(pins, &view, error);
	if (!result) {
		/* after a dry run, as it would be */
		ifaces_free(&view.ifaces);
		view.ifaces = *ifaces;
		*ifaces = (struct ifaces){ 0 };
		print_changes_json(&view, changes, count);
	}
	iface_view_free(&view);
	return result;
}
