/* SPDX-License-Identifier: GPL-2.0-only */
/* Commands of lbchange.h as text and back. */
#include "array.h"
#include "lbchange.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct verb {
	const char *name, *operands;
	int least, most; /* operands */
} verbs[LB_VERBS] = {
	[LB_ADD] = { "add", "VIP:PORT/PROTO [BACKEND[:PORT]]... [-w WEIGHT]", 1, 0 },
	[LB_DELETE] = { "delete", "VIP:PORT/PROTO [BACKEND[:PORT]]...", 1, 0 },
	[LB_DRAIN] = { "drain", "VIP:PORT/PROTO BACKEND[:PORT]...", 2, 0 },
	[LB_UNDRAIN] = { "undrain", "VIP:PORT/PROTO BACKEND[:PORT]...", 2, 0 },
	[LB_WEIGHT] = { "weight", "VIP:PORT/PROTO BACKEND[:PORT] NUMBER", 3, 3 },
	[LB_SET] = { "set", "VIP:PORT/PROTO SETTING=VALUE...", 2, 0 },
	[LB_UP] = { "up", "VIP:PORT/PROTO BACKEND[:PORT]...", 2, 0 },
	[LB_DOWN] = { "down", "VIP:PORT/PROTO BACKEND[:PORT]...", 2, 0 },
};

const char *lb_verb_name(enum lb_verb verb)
{
	return verbs[verb].name;
}

enum lb_verb lb_verb_find(const char *word)
{
	enum lb_verb verb = LB_ADD;

	while (verb < LB_VERBS && strcmp(word, verbs[verb].name) != 0)
		verb++;
	return verb;
}

int lb_ops_add(struct lb_ops *ops, const struct lb_op *op)
{
	struct lb_op *items = array_room(ops->items, ops->count, sizeof(*items));

	if (!items)
		return -1;
	ops->items = items;
	items[ops->count++] = *op;
	return 0;
}

/* ---- from text ---- */

static int add_one(struct lb_ops *ops, const struct lb_op *op, struct error *error)
{
	return lb_ops_add(ops, op) ? error_errno(error, lb_verb_name(op->verb)) : 0;
}

static int targets_parse(struct lb_ops *ops, struct lb_op *op, char *const *operands, int count, struct error *error)
{
	op->has_target = count > 0;
	if (!count)
		return add_one(ops, op, error);
	for (int i = 0; i < count; i++)
		if (lb_target_parse(operands[i], &op->target, error) || add_one(ops, op, error))
			return -1;
	return 0;
}

static int settings_parse(struct lb_ops *ops, struct lb_op *op, char *const *operands, int count, struct error *error)
{
	for (int i = 0; i < count; i++)
		if (lb_setting_parse(operands[i], &op->settings, error))
			return -1;
	if (op->settings.has_mode && op->settings.mode == LB_NAT && op->settings.source.family)
		return error_usage(error, "mode=nat", "has no source");
	return add_one(ops, op, error);
}

static int count_check(enum lb_verb verb, char *const *operands, int count, struct error *error)
{
	const struct verb *is = &verbs[verb];

	if (count < is->least)
		return error_usage(error, count ? operands[count - 1] : is->name, "expected %s %s", is->name,
				   is->operands);
	if (is->most && count > is->most)
		return error_usage(error, operands[is->most], "expected %s %s", is->name, is->operands);
	return 0;
}

int lb_ops_parse(struct lb_ops *ops, enum lb_verb verb, char *const *operands, int count, const char *weight,
		 unsigned long line, struct error *error)
{
	struct lb_op op = { .verb = verb, .line = line };

	if (count_check(verb, operands, count, error) || lb_name_parse(operands[0], &op.service, error))
		return -1;
	if (weight && (verb != LB_ADD || count < 2))
		return error_usage(error, weight, "a weight is for a backend that is added");
	if (verb == LB_WEIGHT)
		weight = operands[--count];
	if (weight && lb_weight_parse(weight, &op.weight, error))
		return -1;
	op.has_weight = weight;
	if (verb == LB_SET)
		return settings_parse(ops, &op, operands + 1, count - 1, error);
	return targets_parse(ops, &op, operands + 1, count - 1, error);
}

/* ---- to text ---- */

char *lb_op_format(const struct lb_op *op, char buf[LB_OP_TEXT_MAX])
{
	char service[LB_TEXT_MAX], target[LB_TEXT_MAX] = "", settings[LB_SETTINGS_TEXT_MAX] = "", weight[24] = "";

	lb_name_format(&op->service, service);
	if (op->has_target)
		lb_target_format(&op->target, target);
	if (op->has_weight)
		snprintf(weight, sizeof(weight), op->verb == LB_WEIGHT ? " %u" : " -w %u", op->weight);
	lb_settings_format(&op->settings, settings);
	snprintf(buf, LB_OP_TEXT_MAX, "%s %s%s%s%s%s%s", lb_verb_name(op->verb), service, *target ? " " : "", target,
		 weight, *settings ? " " : "", settings);
	return buf;
}

/* ---- a service ---- */

static int backends_save(const struct lb_item *item, const uint16_t *order, size_t count, struct lb_ops *out)
{
	for (size_t i = 0; i < count; i++) {
		const struct lb_backend *backend = &item->backends[order[i]];
		struct lb_op op = {
			.verb = LB_ADD,
			.service = item->name,
			.has_target = true,
			.target = lb_target_of(backend),
			.has_weight = backend->weight != 1,
			.weight = backend->weight,
		};

		if (lb_ops_add(out, &op))
			return -1;
	}
	return 0;
}

static int drained_save(const struct lb_item *item, const uint16_t *order, size_t count, struct lb_ops *out)
{
	for (size_t i = 0; i < count; i++) {
		const struct lb_backend *backend = &item->backends[order[i]];
		struct lb_op op = {
			.verb = LB_DRAIN,
			.service = item->name,
			.has_target = true,
			.target = lb_target_of(backend),
		};

		if (backend->flags & LB_BACKEND_DRAINED && lb_ops_add(out, &op))
			return -1;
	}
	return 0;
}

static int settings_save(const struct lb_item *item, struct lb_ops *out)
{
	struct lb_op op = {
		.verb = LB_SET,
		.service = item->name,
		.settings = {
			.has_mode = item->mode != LB_NAT,
			.mode = item->mode,
			.has_affinity = item->affinity,
			.affinity = item->affinity,
			.has_source = item->source.family,
			.source = item->source,
		},
	};

	if (!op.settings.has_mode && !op.settings.has_affinity && !op.settings.has_source)
		return 0;
	return lb_ops_add(out, &op);
}

int lb_item_save(const struct lb_item *item, struct lb_ops *out)
{
	struct lb_op empty = { .verb = LB_ADD, .service = item->name };
	uint16_t order[LB_BACKENDS_MAX];
	size_t count = lb_item_order(item, order);

	if (!count && lb_ops_add(out, &empty))
		return -1;
	return backends_save(item, order, count, out) || settings_save(item, out) ||
			       drained_save(item, order, count, out)
		       ? -1
		       : 0;
}
