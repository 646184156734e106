/* SPDX-License-Identifier: GPL-2.0-only */
#include "lbout.h"

#include "prefix.h"
#include "proto.h"

#include <arpa/inet.h>
#include <stdio.h>

#define SHARE_TEXT_MAX 16

/* ---- names ---- */

void lb_service_out(struct out *out, const struct lb_name *name)
{
	char text[LB_TEXT_MAX], proto[PROTO_TEXT_MAX];

	out_text(out, "vip", NULL, address_format(name->family, name->addr, text));
	out_number(out, "low", NULL, name->low);
	out_number(out, "high", NULL, name->high);
	out_text(out, "proto", NULL, proto_format(name->proto, proto));
	out_text(out, NULL, "SERVICE", lb_name_format(name, text));
}

void lb_target_out(struct out *out, const struct lb_target *target)
{
	char text[LB_TEXT_MAX];

	out_text(out, "backend", NULL, target ? address_format(target->family, target->addr, text) : NULL);
	out_number_or(out, "port", NULL, target && target->port ? target->port : -1, NULL);
	out_text(out, NULL, "BACKEND", target ? lb_target_format(target, text) : NULL);
}

/* ---- rows ---- */

static void settings_out(struct out *out, const struct lb_item *item)
{
	char source[PREFIX_TEXT_MAX];

	out_text(out, "mode", "MODE", lb_mode_name(item->mode));
	out_rare(out, item->affinity);
	out_number_or(out, NULL, "AFFINITY", item->affinity ? (int64_t)item->affinity : -1, "-");
	out_number(out, "affinity", NULL, item->affinity);
	out_text(out, "source", NULL,
		 item->source.family ? address_format(item->source.family, item->source.addr, source) : NULL);
}

/* Who a backend takes its packets to be from. */
static const char *seen_format(const struct lb_item *item, const struct lb_backend *backend, char text[PREFIX_TEXT_MAX])
{
	if (!backend || item->mode == LB_NAT)
		return NULL;
	return address_format(backend->family, (const uint8_t *)backend->source, text);
}

/* Entries of the table; a person reads what part of it they are. */
static void share_out(struct out *out, const struct lb_backend *backend)
{
	char text[SHARE_TEXT_MAX] = "";

	if (backend)
		snprintf(text, sizeof(text), "%.1f%%", 100.0 * backend->share / LB_TABLE_SIZE);
	out_number_or(out, "share", NULL, backend ? (int64_t)backend->share : -1, NULL);
	out_number_or(out, NULL, "SHARE", -1, *text ? text : "-");
}

static void traffic_out(struct out *out, const struct lb_row *row)
{
	const struct lb_stat *stat = &row->stat;

	out_number(out, "active", "ACTIVE", row->active);
	out_number(out, "flows", "FLOWS", stat->flows);
	out_number(out, "packets_fwd", "PKTS_FWD", stat->packets[0]);
	out_number(out, "bytes_fwd", "BYTES_FWD", stat->bytes[0]);
	out_number(out, "packets_rev", "PKTS_REV", stat->packets[1]);
	out_number(out, "bytes_rev", "BYTES_REV", stat->bytes[1]);
}

void lb_row_out(struct out *out, const struct lb_row *row)
{
	const struct lb_backend *backend = row->backend;
	char seen[PREFIX_TEXT_MAX];
	struct lb_target target;

	lb_service_out(out, &row->item->name);
	settings_out(out, row->item);
	if (backend)
		target = lb_target_of(backend);
	lb_target_out(out, backend ? &target : NULL);
	out_text(out, "seen_as", NULL, seen_format(row->item, backend, seen));
	out_text(out, "state", "STATE", backend ? lb_state_name(backend->flags) : NULL);
	out_number_or(out, "weight", "WEIGHT", backend ? (int64_t)backend->weight : -1, "-");
	share_out(out, backend);
	traffic_out(out, row);
}

/* ---- commands ---- */

void lb_ops_print(const struct lb_ops *ops)
{
	char text[LB_OP_TEXT_MAX];

	for (size_t i = 0; i < ops->count; i++)
		puts(lb_op_format(&ops->items[i], text));
}

static void print_lines(const struct lb_ops *done)
{
	char text[LB_OP_TEXT_MAX];

	for (size_t i = 0; i < done->count; i++)
		printf("%c %s\n", done->items[i].letter, lb_op_format(&done->items[i], text));
}

static void said_out(struct out *out, const struct lb_op *op)
{
	const struct lb_settings *said = &op->settings;
	char source[PREFIX_TEXT_MAX] = "auto";

	if (said->source.family)
		address_format(said->source.family, said->source.addr, source);
	out_number_or(out, "weight", NULL, op->has_weight ? (int64_t)op->weight : -1, NULL);
	out_text(out, "mode", NULL, said->has_mode ? lb_mode_name(said->mode) : NULL);
	out_number_or(out, "affinity", NULL, said->has_affinity ? (int64_t)said->affinity : -1, NULL);
	out_text(out, "source", NULL, said->has_source ? source : NULL);
}

static void print_json(const struct lb_ops *done)
{
	struct out out;

	out_open(&out, OUT_JSON);
	for (size_t i = 0; i < done->count; i++) {
		const struct lb_op *op = &done->items[i];
		char letter[2] = { op->letter, '\0' };

		out_begin(&out);
		out_text(&out, "change", NULL, letter);
		out_text(&out, "command", NULL, lb_verb_name(op->verb));
		lb_service_out(&out, &op->service);
		lb_target_out(&out, op->has_target ? &op->target : NULL);
		said_out(&out, op);
		out_end(&out);
	}
	out_again(&out);
}

void lb_done_print(const struct common_options *common, const struct lb_ops *done)
{
	if (common->json)
		print_json(done);
	else if (common->verbose || common->dry_run)
		print_lines(done);
}
