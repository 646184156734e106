/* SPDX-License-Identifier: GPL-2.0-only */
/* Rules of xdp_filter.o as text: the operands and options of xdp_rule, and back. See abi/xdp.h. */
#ifndef SPLICER_XDPRULE_H
#define SPLICER_XDPRULE_H

#include "abi/rules.h"
#include "abi/xdp.h"
#include "error.h"
#include "rule.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What operands and options say; all zero: nothing said. */
struct xdp_rule_options {
	const char *source;      /* prefix, address, range, "any", "session" */
	const char *destination; /* prefix, address, range, "any" */
	const char *action;      /* drop, pass, monitor, never-drop, 0; not said: drop */
	const char *interfaces[RULE_INTERFACES_MAX];
	size_t interface_count;
	const char *proto;
	const char *dport; /* LOW or LOW-HIGH */
	const char *icmp;  /* TYPE or TYPE/CODE */
	const char *priority;
	const char *service;
	const char *ttl;     /* seconds from now on */
	const char *expires; /* seconds since the epoch, with up to three digits after a point; may be past */
	const char *rate;    /* PPS[:BURST][/LEN] */
	bool mask;           /* host bits are cleared, not refused */
};

/* Operands: [PREFIX] [ACTION]. */
int xdp_rule_operands(struct xdp_rule_options *options, char *const *operands, int count, struct error *error);

/* What options do not say is as others say, if those do. */
void xdp_rule_options_inherit(struct xdp_rule_options *options, const struct xdp_rule_options *others);

/*
 * The rules that these stand for: one for each source prefix, destination prefix and interface; a rule without a prefix
 * is one of each family. *out is released with free(). Usage errors (EXIT_USAGE) name the operand.
 */
int xdp_rule_parse(const struct xdp_rule_options *options, struct rules_record **out, size_t *count,
		   struct error *error);

/* The default verdict of interfaces, of all where none is named: three rules each. action: drop, pass, monitor. */
int xdp_default_parse(const char *action, const char *const *interfaces, size_t interface_count,
		      struct rules_record **out, size_t *count, struct error *error);

bool xdp_rule_is_default(const struct rules_record *rule);
bool xdp_rule_is_never_drop(const struct rules_record *rule);

/* drop, pass, monitor, never-drop */
const char *xdp_rule_action(const struct rules_record *rule);

#define XDP_RATE_TEXT_MAX 32

/* The rate as it was given, "" where there is none, to buf; returns buf. */
char *xdp_rate_format(const struct rules_record *rule, char buf[XDP_RATE_TEXT_MAX]);

/* Prints the line of xdp_rule -f that makes this rule ("add ..."), or of a default the one for all of its three rules.
 */
void xdp_rule_print_line(const struct rules_record *rule);

#endif
