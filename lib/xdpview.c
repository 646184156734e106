/* SPDX-License-Identifier: GPL-2.0-only */
#include "xdpview.h"

#include "array.h"
#include "out.h"
#include "ranking.h"
#include "rule.h"
#include "rulelist.h"
#include "ruleout.h"
#include "screen.h"
#include "xdpproto.h"
#include "xdprule.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* The default of an interface, or of any: the rules of which it consists as one, with what all of them counted. */
struct default_row {
	struct rules_record rule;
	bool selected; /* one of them is */
};

struct view {
	const struct xdpview_request *request;
	struct rulelist list;
	struct default_row *defaults; /* by interface index */
	size_t default_count;
};

/* ---- defaults ---- */

static struct default_row *default_find(struct view *view, uint32_t ifindex, struct error *error)
{
	struct default_row *rows;

	for (size_t i = 0; i < view->default_count; i++)
		if (view->defaults[i].rule.head.ifindex == ifindex)
			return &view->defaults[i];
	rows = array_room(view->defaults, view->default_count, sizeof(*rows));
	if (!rows) {
		error_errno(error, "rules");
		return NULL;
	}
	view->defaults = rows;
	rows[view->default_count] = (struct default_row){ .rule.head.ifindex = ifindex };
	return &rows[view->default_count++];
}

static void default_sum(struct default_row *row, const struct rules_record *rule)
{
	struct rules_head sum = row->rule.head;

	if (!sum.decision || rules_decision_sequence(rule->head.decision) < rules_decision_sequence(sum.decision))
		row->rule = *rule;
	row->rule.head.packets = sum.packets + rule->head.packets;
	row->rule.head.bytes = sum.bytes + rule->head.bytes;
	row->rule.head.last = sum.last > rule->head.last ? sum.last : rule->head.last;
}

static int by_interface(const void *a, const void *b)
{
	const struct default_row *first = a, *second = b;

	return (first->rule.head.ifindex > second->rule.head.ifindex) -
	       (first->rule.head.ifindex < second->rule.head.ifindex);
}

static void defaults_keep_selected(struct view *view)
{
	size_t kept = 0;

	for (size_t i = 0; i < view->default_count; i++)
		if (view->defaults[i].selected)
			view->defaults[kept++] = view->defaults[i];
	view->default_count = kept;
	if (kept)
		qsort(view->defaults, kept, sizeof(*view->defaults), by_interface);
}

static int defaults_read(struct view *view, struct error *error)
{
	struct rules_record rule;
	uint32_t cursor = 0;

	while (ruleset_next(&view->list.set, &cursor, &rule)) {
		struct default_row *row;

		if (!xdp_rule_is_default(&rule))
			continue;
		row = default_find(view, rule.head.ifindex, error);
		if (!row)
			return -1;
		default_sum(row, &rule);
		row->selected |= selector_matches(&view->request->selector, &rule, NULL);
	}
	defaults_keep_selected(view);
	return 0;
}

/* ---- rows: the rules, then the defaults ---- */

static void view_close(struct view *view)
{
	rulelist_close(&view->list);
	free(view->defaults);
}

static int view_open(struct view *view, const struct pins *pins, const struct xdpview_request *request,
		     struct error *error)
{
	*view = (struct view){ .request = request };
	if (rulelist_open(&view->list, pins, &pin_xdp_rules, error))
		return -1;
	if (!defaults_read(view, error) && (request->mode == XDPVIEW_DEFAULTS || !rulelist_order(&view->list, error)))
		return 0;
	view_close(view);
	return -1;
}

static size_t view_rows(const struct view *view)
{
	return view->list.count + view->default_count;
}

/* False: the rule is gone, not selected, or told of as a default. */
static bool row_read(struct view *view, size_t i, struct rules_record *rule)
{
	if (i >= view->list.count) {
		*rule = view->defaults[i - view->list.count].rule;
		return true;
	}
	return rulelist_read(&view->list, i, rule) && !xdp_rule_is_default(rule) &&
	       selector_matches(&view->request->selector, rule, NULL);
}

/* ---- fields ---- */

static const char *rule_kind(const struct rules_record *rule)
{
	if (xdp_rule_is_default(rule))
		return "default";
	return xdp_rule_is_never_drop(rule) ? "never-drop" : "rule";
}

/* What a person reads of the ports: "80", "80-90", of ICMP "8" or "8/0". */
static const char *ports_format(const struct rules_record *rule, char text[32])
{
	bool types = proto_ports(rule->proto) == PROTO_HAS_TYPES;
	long low, high;

	rule_ports(rule, &low, &high);
	if (rule->head.low == 0 && rule->head.high == 65535)
		return "any";
	snprintf(text, 32, low == high || high < 0 ? "%ld" : types ? "%ld/%ld" : "%ld-%ld", low, high);
	if (types && low == high)
		snprintf(text, 32, "%ld/%ld", low, high);
	return text;
}

/* What a packet must be; a default minds nothing of it, and is told without where there are only defaults. */
static void match_out(struct out *out, const struct rules_record *rule, bool shown)
{
	char text[PREFIX_TEXT_MAX], proto[PROTO_TEXT_MAX], ports[32];
	struct prefix src = rule_src(rule), dst = rule_dst(rule);
	bool any = xdp_rule_is_default(rule);
	long low, high;

	rule_ports(rule, &low, &high);
	out_text(out, "proto", shown ? "PROTO" : NULL, any ? "any" : xdp_proto_format(rule->proto, proto));
	out_text(out, "src", NULL, any ? NULL : prefix_format(&src, text));
	out_text(out, NULL, shown ? "SOURCE" : NULL, any ? "any" : prefix_format(&src, text));
	out_text(out, "dst", NULL, any ? NULL : prefix_format(&dst, text));
	out_text(out, NULL, shown ? "DESTINATION" : NULL, any ? "any" : prefix_format(&dst, text));
	out_number_or(out, "low", NULL, low, NULL);
	out_number_or(out, "high", NULL, high, NULL);
	out_text(out, NULL, shown ? "PORTS" : NULL, ports_format(rule, ports));
}

static void place_out(struct out *out, const struct rules_record *rule)
{
	bool ordinary = !xdp_rule_is_default(rule) && !xdp_rule_is_never_drop(rule);
	char interface[INTERFACE_TEXT_MAX], service[RULES_SERVICE_MAX + 1], priority[16] = "";

	interface_format(rule->head.ifindex, interface);
	out_text(out, "iface", NULL, *interface ? interface : NULL);
	out_text(out, NULL, "IFACE", *interface ? interface : "any");
	out_integer(out, "prio", NULL, rule->priority);
	if (ordinary)
		snprintf(priority, sizeof(priority), "%" PRId32, rule->priority);
	out_rare(out, ordinary && rule->priority);
	out_text(out, NULL, "PRIO", priority);
	rule_service(rule, service);
	out_rare(out, *service);
	out_text(out, "service", "SERVICE", *service ? service : NULL);
}

static void rate_limit_out(struct out *out, const struct rules_record *rule)
{
	uint32_t rate = xdp_rule_rate(rule), burst = xdp_rule_burst(rule);
	char text[32] = "";

	if (rate)
		snprintf(text, sizeof(text), rate == burst ? "%" PRIu32 : "%" PRIu32 ":%" PRIu32, rate, burst);
	out_number_or(out, "rate", NULL, rate ? (int64_t)rate : -1, NULL);
	out_number_or(out, "burst", NULL, rate ? (int64_t)burst : -1, NULL);
	out_rare(out, rate);
	out_text(out, NULL, "RATE", text);
}

static void hits_out(struct out *out, const struct rules_record *rule)
{
	bool one = !xdp_rule_is_default(rule);
	char left[AGE_TEXT_MAX];

	out_number(out, "packets", "PACKETS", rule->head.packets);
	out_number(out, "bytes", "BYTES", rule->head.bytes);
	rule_last_out(out, rule);
	rule_expires_out(out, rule);
	out_rare(out, rule->head.expires);
	out_text(out, NULL, "EXPIRES", rule_left_format(rule, left));
	out_number_or(out, "rule", NULL, one ? (int64_t)rules_decision_sequence(rule->head.decision) : -1, NULL);
}

static void row_out(struct out *out, const struct view *view, const struct rules_record *rule)
{
	out_text(out, "action", "ACTION", xdp_rule_action(rule));
	match_out(out, rule, view->request->mode != XDPVIEW_DEFAULTS);
	place_out(out, rule);
	rate_limit_out(out, rule);
	hits_out(out, rule);
	out_text(out, "kind", NULL, rule_kind(rule));
}

/* ---- once ---- */

static void view_print(struct view *view)
{
	struct rules_record rule;
	struct out out;

	out_open(&out, view->request->json ? OUT_JSON : OUT_TABLE);
	do {
		for (size_t i = 0; i < view_rows(view); i++) {
			if (!row_read(view, i, &rule))
				continue;
			out_begin(&out);
			row_out(&out, view, &rule);
			out_end(&out);
		}
	} while (out_again(&out));
}

/* Oldest first: read back in this order, the newer of two equal rules stays the newer. */
static void view_print_lines(struct view *view)
{
	struct rules_record rule;

	for (size_t i = 0; i < view_rows(view); i++)
		if (row_read(view, i, &rule))
			xdp_rule_print_line(&rule);
}

static int print_once(const struct pins *pins, const struct xdpview_request *request, struct error *error)
{
	struct view view;

	if (view_open(&view, pins, request, error))
		return -1;
	if (request->mode == XDPVIEW_SAVE)
		view_print_lines(&view);
	else
		view_print(&view);
	view_close(&view);
	return 0;
}

/* ---- again and again ---- */

struct watch {
	const struct pins *pins;
	const struct xdpview_request *request;
	struct ranking ranking;
	struct view view; /* of this tick */
};

static int rows_rank(struct watch *watch, struct error *error)
{
	struct rules_record rule;

	ranking_begin(&watch->ranking);
	for (size_t i = 0; i < view_rows(&watch->view); i++) {
		struct reading reading;

		if (!row_read(&watch->view, i, &rule))
			continue;
		reading = (struct reading){ .sequence = rules_decision_sequence(rule.head.decision),
					    .packets = rule.head.packets,
					    .bytes = rule.head.bytes };
		if (ranking_add(&watch->ranking, i, &reading, error))
			return -1;
	}
	ranking_sort(&watch->ranking);
	return 0;
}

static void row_print(void *context, const struct ranked *row, double time, struct out *out)
{
	struct watch *watch = context;
	struct rules_record rule;

	if (!row_read(&watch->view, row->place, &rule))
		return;
	ranked_begin(row, time, out);
	row_out(out, &watch->view, &rule);
	out_end(out);
}

static int watch_print(void *context, const struct screen *screen, struct error *error)
{
	struct watch *watch = context;
	int result;

	if (view_open(&watch->view, watch->pins, watch->request, error))
		return -1;
	result = rows_rank(watch, error);
	if (!result)
		ranking_print(&watch->ranking, screen, "rule", row_print, watch);
	view_close(&watch->view);
	return result;
}

static int print_again(const struct pins *pins, const struct xdpview_request *request, struct error *error)
{
	struct watch watch = { .pins = pins, .request = request };
	int result = screen_run(request->seconds, request->json, watch_print, &watch, error);

	ranking_free(&watch.ranking);
	return result;
}

int xdpview_run(const struct pins *pins, const struct xdpview_request *request, struct error *error)
{
	return request->mode == XDPVIEW_WATCH ? print_again(pins, request, error) : print_once(pins, request, error);
}
