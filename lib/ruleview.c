/* SPDX-License-Identifier: GPL-2.0-only */
#include "ruleview.h"

#include "rule.h"

int ruleview_open(struct ruleview *view, const struct pins *pins, struct error *error)
{
	*view = (struct ruleview){ 0 };
	if (rulelist_open(&view->list, pins, &pin_rules, error))
		return -1;
	if (!rulelist_order(&view->list, error))
		return 0;
	ruleview_close(view);
	return -1;
}

int ruleview_look(struct ruleview *view, struct error *error)
{
	return surroundings_read(&view->surroundings, error);
}

void ruleview_close(struct ruleview *view)
{
	rulelist_close(&view->list);
	surroundings_free(&view->surroundings);
}

bool ruleview_read(struct ruleview *view, const struct selector *selector, size_t i, struct rules_record *rule)
{
	return rulelist_read(&view->list, i, rule) && selector_matches(selector, rule, &view->surroundings.listeners);
}

/* Oldest first: read back in this order, the newer of two equal rules stays the newer. */
void ruleview_print_lines(struct ruleview *view, const struct selector *selector)
{
	struct rules_record rule;

	for (size_t i = 0; i < view->list.count; i++)
		if (ruleview_read(view, selector, i, &rule))
			rule_print_line(&rule);
}

void ruleview_print(struct ruleview *view, const struct selector *selector, enum out_form form)
{
	struct rules_record rule;
	struct out out;

	out_open(&out, form);
	do {
		for (size_t i = 0; i < view->list.count; i++) {
			if (!ruleview_read(view, selector, i, &rule))
				continue;
			out_begin(&out);
			rule_out(&out, &rule, &view->surroundings);
			out_end(&out);
		}
	} while (out_again(&out));
}
