/* SPDX-License-Identifier: GPL-2.0-only */
#include "lbchange.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- one command ---- */

static bool source_is(const struct prefix *a, const struct prefix *b)
{
	return a->family == b->family && !memcmp(a->addr, b->addr, sizeof(a->addr));
}

/* Letters: what it did. 0: *error. */

static char op_add(struct lbset *set, const struct lb_op *op, struct error *error)
{
	struct lb_item *item = lbset_find(set, &op->service);
	char letter = item ? '=' : 'A';
	struct lb_backend *backend;

	if (!item)
		item = lbset_add(set, &op->service, error);
	if (!item || !op->has_target)
		return item ? letter : 0;
	backend = lb_item_find(item, &op->target);
	letter = backend ? '=' : 'A';
	if (!backend)
		backend = lb_item_add(item, &op->target, error);
	if (!backend)
		return 0;
	if (op->has_weight && backend->weight != op->weight) {
		backend->weight = op->weight;
		item->changed = true;
		letter = letter == 'A' ? 'A' : 'C';
	}
	return letter;
}

/* In a file it is no error that something is gone already. */
static char op_delete(struct lbset *set, const struct lb_op *op, struct error *error)
{
	struct lb_item *item = lbset_require(set, &op->service, error);
	struct lb_backend *backend = NULL;

	if (item && op->has_target)
		backend = lb_item_require(item, &op->target, error);
	if (!item || (op->has_target && !backend))
		return op->line ? '=' : 0;
	if (backend)
		lb_item_remove(item, backend);
	else
		item->gone = true;
	return 'D';
}

static char op_set(struct lbset *set, const struct lb_op *op, struct error *error)
{
	const struct lb_settings *said = &op->settings;
	struct lb_item *item = lbset_require(set, &op->service, error);
	struct lb_item was;

	if (!item)
		return 0;
	was = *item;
	if (said->has_mode)
		item->mode = said->mode;
	if (said->has_mode && said->mode == LB_NAT)
		item->source = (struct prefix){ 0 };
	if (said->has_affinity)
		item->affinity = said->affinity;
	if (said->has_source)
		item->source = said->source;
	if (was.mode == item->mode && was.affinity == item->affinity && source_is(&was.source, &item->source))
		return '=';
	item->changed = true;
	return 'C';
}

static void backend_change(const struct lb_op *op, struct lb_backend *backend)
{
	if (op->verb == LB_WEIGHT)
		backend->weight = op->weight;
	else if (op->verb == LB_DRAIN)
		backend->flags |= LB_BACKEND_DRAINED;
	else if (op->verb == LB_UNDRAIN)
		backend->flags &= (__u8)~LB_BACKEND_DRAINED;
	else if (op->verb == LB_DOWN)
		backend->flags |= LB_BACKEND_DOWN;
	else
		backend->flags &= (__u8)~LB_BACKEND_DOWN;
}

static char op_backend(struct lbset *set, const struct lb_op *op, struct error *error)
{
	struct lb_item *item = lbset_require(set, &op->service, error);
	struct lb_backend *backend = item ? lb_item_require(item, &op->target, error) : NULL, was;

	if (!backend)
		return 0;
	was = *backend;
	backend_change(op, backend);
	if (was.weight == backend->weight && was.flags == backend->flags)
		return '=';
	item->changed = true;
	return 'C';
}

static char op_apply(struct lbset *set, const struct lb_op *op, struct error *error)
{
	switch (op->verb) {
	case LB_ADD:
		return op_add(set, op, error);
	case LB_DELETE:
		return op_delete(set, op, error);
	case LB_SET:
		return op_set(set, op, error);
	default:
		return op_backend(set, op, error);
	}
}

/* As batch_read has it, for what shows only when all is known. */
static int locate(struct error *error, const char *file, unsigned long line)
{
	return file && line ? error_locate(error, file, line, 1) : -1;
}

static int ops_apply(struct lbset *set, const struct lb_change *change, struct lb_ops *done, struct error *error)
{
	for (size_t i = 0; i < change->ops.count; i++) {
		struct lb_op op = change->ops.items[i];

		op.letter = op_apply(set, &op, error);
		if (!op.letter)
			return locate(error, change->file, op.line);
		if (lb_ops_add(done, &op))
			return error_errno(error, LB_SERVICES);
	}
	return 0;
}

/* ---- a file that becomes the configuration ---- */

/* Applies a command that makes part of the difference, and notes it. */
static int differ(struct lbset *now, struct lb_op *op, struct lb_ops *done, struct error *error)
{
	op->letter = op_apply(now, op, error);
	if (!op->letter)
		return -1;
	return lb_ops_add(done, op) ? error_errno(error, LB_SERVICES) : 0;
}

static int gone_delete(struct lbset *now, const struct lbset *wanted, struct lb_ops *done, struct error *error)
{
	for (size_t i = 0; i < now->count; i++) {
		struct lb_op op = { .verb = LB_DELETE, .service = now->items[i].name };

		if (!lbset_find(wanted, &op.service) && differ(now, &op, done, error))
			return -1;
	}
	return 0;
}

static int backends_delete(struct lbset *now, const struct lb_item *wanted, struct lb_ops *done, struct error *error)
{
	struct lb_item *item = lbset_find(now, &wanted->name);
	uint16_t order[LB_BACKENDS_MAX];
	size_t count = item ? lb_item_order(item, order) : 0;

	for (size_t i = 0; i < count; i++) {
		struct lb_op op = { .verb = LB_DELETE, .service = wanted->name, .has_target = true };

		op.target = lb_target_of(&item->backends[order[i]]);
		if (!lb_item_find(wanted, &op.target) && differ(now, &op, done, error))
			return -1;
	}
	return 0;
}

static int settings_differ(struct lbset *now, const struct lb_item *wanted, struct lb_ops *done, struct error *error)
{
	const struct lb_item *item = lbset_find(now, &wanted->name);
	struct lb_op op = {
		.verb = LB_SET,
		.service = wanted->name,
		.settings = { .mode = wanted->mode, .affinity = wanted->affinity, .source = wanted->source },
	};

	op.settings.has_mode = item->mode != wanted->mode;
	op.settings.has_affinity = item->affinity != wanted->affinity;
	op.settings.has_source = wanted->mode != LB_NAT && !source_is(&item->source, &wanted->source);
	if (!op.settings.has_mode && !op.settings.has_affinity && !op.settings.has_source)
		return 0;
	return differ(now, &op, done, error);
}

static int backend_differ(struct lbset *now, const struct lb_name *service, const struct lb_backend *wanted,
			  struct lb_ops *done, struct error *error)
{
	const struct lb_target target = lb_target_of(wanted);
	const struct lb_item *item = lbset_find(now, service);
	const struct lb_backend *backend = item ? lb_item_find(item, &target) : NULL;
	struct lb_op op = { .service = *service, .has_target = true, .target = target };
	bool drained = wanted->flags & LB_BACKEND_DRAINED, was = backend && backend->flags & LB_BACKEND_DRAINED;

	op.weight = wanted->weight;
	op.verb = backend ? LB_WEIGHT : LB_ADD;
	op.has_weight = backend || wanted->weight != 1;
	if ((!backend || backend->weight != wanted->weight) && differ(now, &op, done, error))
		return -1;
	if (was == drained)
		return 0;
	op.verb = drained ? LB_DRAIN : LB_UNDRAIN;
	op.has_weight = false;
	return differ(now, &op, done, error);
}

static int service_differ(struct lbset *now, const struct lb_item *wanted, struct lb_ops *done, struct error *error)
{
	struct lb_op op = { .verb = LB_ADD, .service = wanted->name };
	uint16_t order[LB_BACKENDS_MAX];
	size_t count = lb_item_order(wanted, order);

	if (backends_delete(now, wanted, done, error))
		return -1;
	if (!count && !lbset_find(now, &wanted->name) && differ(now, &op, done, error))
		return -1;
	for (size_t i = 0; i < count; i++)
		if (backend_differ(now, &wanted->name, &wanted->backends[order[i]], done, error))
			return -1;
	return settings_differ(now, wanted, done, error);
}

static int check_nothing(const struct lbset *now, const struct lb_change *change, struct error *error)
{
	const char *file = change->file && strcmp(change->file, "-") ? change->file : "stdin";

	if (change->ops.count || change->all || !now->count)
		return 0;
	return error_state(error, file, "no service in it, and %zu would go: nothing was changed; --all means it",
			   now->count);
}

/* The file as services. What is wrong with it is wrong whatever there is now. */
static int wanted_make(const struct lb_change *change, struct lbset *wanted, struct error *error)
{
	struct lb_ops ignored = { 0 };
	int result = ops_apply(wanted, change, &ignored, error);

	for (size_t i = 0; i < wanted->count && !result; i++)
		result = lb_item_check(&wanted->items[i], error);
	free(ignored.items);
	if (result)
		error->exit = EXIT_USAGE;
	return result;
}

static int replace(struct lbset *now, const struct lb_change *change, struct lb_ops *done, struct error *error)
{
	struct lbset wanted = { 0 };
	int result = wanted_make(change, &wanted, error);

	if (!result)
		result = check_nothing(now, change, error);
	if (!result)
		result = gone_delete(now, &wanted, done, error);
	for (size_t i = 0; i < wanted.count && !result; i++)
		result = service_differ(now, &wanted.items[i], done, error);
	lbset_close(&wanted);
	return result;
}

/* ---- all ---- */

void lbset_families(const struct lbset *set, bool *ipv4, bool *ipv6)
{
	*ipv4 = *ipv6 = false;
	for (size_t i = 0; i < set->count; i++) {
		const struct lb_item *item = &set->items[i];

		for (size_t place = 0; !item->gone && place < item->places; place++) {
			*ipv4 |= item->backends[place].family == 4;
			*ipv6 |= item->backends[place].family == 6;
		}
	}
}

static int change_locked(const struct pins *pins, struct lbset *set, struct lb_change *change, struct error *error)
{
	if (change->replace ? replace(set, change, &change->done, error) : ops_apply(set, change, &change->done, error))
		return -1;
	lbset_families(set, &change->ipv4, &change->ipv6);
	return lbset_write(pins, set, change->dry_run, error);
}

int lb_change_make(const struct pins *pins, struct lb_change *change, struct error *error)
{
	struct lbset set;
	int result;

	if (pins_lock(pins, error))
		return -1;
	result = lbset_open(pins, &set, error);
	if (!result)
		result = change_locked(pins, &set, change, error);
	lbset_close(&set);
	pins_unlock(pins);
	return result;
}

void lb_change_free(struct lb_change *change)
{
	free(change->ops.items);
	free(change->done.items);
}
