/* SPDX-License-Identifier: GPL-2.0-only */
#include "lbtargets.h"

#include "array.h"
#include "prefix.h"

#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what was named ---- */

static int selected_add(struct lb_select *select, const struct lb_selected *selected, struct error *error)
{
	struct lb_selected *items = array_room(select->items, select->count, sizeof(*items));

	if (!items)
		return error_errno(error, selected->text);
	select->items = items;
	items[select->count++] = *selected;
	return 0;
}

static int operand_parse(struct lb_select *select, const char *text, struct error *error)
{
	struct lb_selected selected = { .text = text };

	if (strchr(text, '/')) {
		if (lb_name_parse(text, &selected.service, error))
			return -1;
		return selected_add(select, &selected, error);
	}
	if (!select->count)
		return error_usage(error, text, "of which service? expected VIP:PORT/PROTO first");
	selected.service = select->items[select->count - 1].service;
	selected.has_backend = true;
	if (lb_target_parse(text, &selected.backend, error))
		return -1;
	/* its service alone would mean all of its backends */
	if (!select->items[select->count - 1].has_backend)
		select->count--;
	return selected_add(select, &selected, error);
}

int lb_select_parse(struct lb_select *select, char *const *operands, int count, struct error *error)
{
	for (int i = 0; i < count; i++)
		if (operand_parse(select, operands[i], error))
			return -1;
	return 0;
}

static bool is_backend(const struct lb_selected *selected, const struct lb_target *backend)
{
	return !selected->has_backend || (selected->backend.family == backend->family &&
					  !memcmp(selected->backend.addr, backend->addr, sizeof(backend->addr)) &&
					  (!selected->backend.port || selected->backend.port == backend->port));
}

static bool is_selected(const struct lb_select *select, const struct lb_name *service, const struct lb_target *backend)
{
	for (size_t i = 0; i < select->count; i++)
		if (!lb_name_order(&select->items[i].service, service) && is_backend(&select->items[i], backend))
			return true;
	return !select->count;
}

static int selected_check(const struct lb_selected *selected, const struct lbset *set, struct error *error)
{
	const struct lb_item *item = lbset_find(set, &selected->service);

	if (!item)
		return error_state(error, selected->text, "no such service");
	for (size_t place = 0; place < item->places; place++) {
		struct lb_target backend = lb_target_of(&item->backends[place]);

		if (item->backends[place].family && is_backend(selected, &backend))
			return 0;
	}
	return selected->has_backend ? error_state(error, selected->text, "no such backend") : 0;
}

int lb_select_check(const struct lb_select *select, const struct lbset *set, struct error *error)
{
	for (size_t i = 0; i < select->count; i++)
		if (selected_check(&select->items[i], set, error))
			return -1;
	return 0;
}

/* ---- one backend ---- */

static int probed_order(const void *a, const void *b)
{
	const struct lb_probed *one = *(struct lb_probed *const *)a, *other = *(struct lb_probed *const *)b;
	int order = lb_name_order(&one->service, &other->service);

	return order ? order : lb_target_order(&one->backend, &other->backend);
}

static void variables_set(struct lb_probed *probed)
{
	char ports[16], vip[PREFIX_TEXT_MAX], backend[PREFIX_TEXT_MAX];
	const struct lb_name *service = &probed->service;
	unsigned int i = 0;

	snprintf(ports, sizeof(ports), service->low == service->high ? "%u" : "%u-%u", service->low, service->high);
	address_format(service->family, service->addr, vip);
	address_format(probed->backend.family, probed->backend.addr, backend);
	snprintf(probed->variables[i++], LB_VARIABLE_MAX, "LB_VIP=%s", vip);
	snprintf(probed->variables[i++], LB_VARIABLE_MAX, "LB_PORT=%s", ports);
	snprintf(probed->variables[i++], LB_VARIABLE_MAX, "LB_PROTO=%s", service->proto == IPPROTO_UDP ? "udp" : "tcp");
	snprintf(probed->variables[i++], LB_VARIABLE_MAX, "LB_BACKEND=%s", backend);
	snprintf(probed->variables[i++], LB_VARIABLE_MAX, "LB_BACKEND_PORT=%u", probed->probe.port);
	while (i-- > 0)
		probed->environment[i] = probed->variables[i];
}

/* The one that is asked for, else that where the backend listens: its own, or that of the packet if there is but one.
 */
static uint16_t port_of(const struct lb_probed *probed, const struct lb_how *how)
{
	if (how->port)
		return (uint16_t)how->port;
	if (probed->backend.port || probed->service.low != probed->service.high)
		return probed->backend.port;
	return probed->service.low;
}

bool lb_probed_has_port(const struct lb_probed *probed)
{
	enum probe_kind kind = probed->probe.how->kind;

	return probed->probe.port || kind == PROBE_ICMP || kind == PROBE_COMMAND;
}

static struct lb_probed *probed_new(const struct lb_name *service, const struct lb_backend *backend,
				    const struct lb_how *how)
{
	struct lb_probed *probed = calloc(1, sizeof(*probed));

	if (!probed)
		return NULL;
	probed->service = *service;
	probed->backend = lb_target_of(backend);
	probed->stored = probed->down = backend->flags & LB_BACKEND_DOWN;
	probed->drained = backend->flags & LB_BACKEND_DRAINED;
	health_set(&probed->health, !probed->down);
	probed->probe.how = service->proto == IPPROTO_UDP ? &how->udp : &how->tcp;
	probed->probe.family = probed->backend.family;
	memcpy(probed->probe.addr, probed->backend.addr, sizeof(probed->probe.addr));
	probed->probe.port = port_of(probed, how);
	probed->probe.environment = probed->environment;
	probed->probe.owner = probed;
	variables_set(probed);
	return probed;
}

/* ---- all of them ---- */

static int targets_add(struct lb_targets *targets, struct lb_probed *probed, struct error *error)
{
	struct lb_probed **items = array_room(targets->items, targets->count, sizeof(struct lb_probed *));

	if (!items) {
		free(probed);
		return error_errno(error, "backends");
	}
	targets->items = items;
	items[targets->count++] = probed;
	return 0;
}

static int item_list(struct lb_targets *targets, const struct lb_item *item, const struct lb_select *select,
		     const struct lb_how *how, struct error *error)
{
	for (size_t place = 0; place < item->places; place++) {
		const struct lb_backend *backend = &item->backends[place];
		struct lb_target target = lb_target_of(backend);
		struct lb_probed *probed;

		if (!backend->family || !is_selected(select, &item->name, &target))
			continue;
		probed = probed_new(&item->name, backend, how);
		if (!probed)
			return error_errno(error, "backends");
		if (targets_add(targets, probed, error))
			return -1;
	}
	return 0;
}

static int targets_list(struct lb_targets *targets, const struct lbset *set, const struct lb_select *select,
			const struct lb_how *how, struct error *error)
{
	for (size_t i = 0; i < set->count; i++)
		if (item_list(targets, &set->items[i], select, how, error))
			return -1;
	if (targets->count)
		qsort(targets->items, targets->count, sizeof(struct lb_probed *), probed_order);
	return 0;
}

static void probed_free(struct lb_probed *probed, struct prober *prober)
{
	if (probed->probe.active)
		prober_drop(prober, &probed->probe);
	free(probed);
}

/* What somebody else has set holds from now on; what was counted so far is of another time. */
static void probed_follow(struct lb_probed *probed, const struct lb_probed *fresh)
{
	probed->drained = fresh->drained;
	if (probed->stored == fresh->stored)
		return;
	probed->stored = probed->down = fresh->stored;
	health_set(&probed->health, !fresh->stored);
}

/* Who was there before takes the place of its double. Both lists are in order; the old one is used up. */
static void targets_merge(struct lb_targets *targets, struct lb_targets *old, struct prober *prober)
{
	size_t at = 0;

	for (size_t i = 0; i < targets->count; i++) {
		while (at < old->count && probed_order(&old->items[at], &targets->items[i]) < 0)
			probed_free(old->items[at++], prober);
		if (at == old->count || probed_order(&old->items[at], &targets->items[i]))
			continue;
		probed_follow(old->items[at], targets->items[i]);
		free(targets->items[i]);
		targets->items[i] = old->items[at++];
	}
	while (at < old->count)
		probed_free(old->items[at++], prober);
	free(old->items);
}

int lb_targets_read(struct lb_targets *targets, const struct lbset *set, const struct lb_select *select,
		    const struct lb_how *how, struct prober *prober, struct error *error)
{
	struct lb_targets fresh = { 0 };

	if (targets_list(&fresh, set, select, how, error)) {
		lb_targets_free(&fresh, prober);
		return -1;
	}
	targets_merge(&fresh, targets, prober);
	*targets = fresh;
	return 0;
}

void lb_targets_free(struct lb_targets *targets, struct prober *prober)
{
	for (size_t i = 0; i < targets->count; i++)
		probed_free(targets->items[i], prober);
	free(targets->items);
	*targets = (struct lb_targets){ 0 };
}
