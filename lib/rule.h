/* SPDX-License-Identifier: GPL-2.0-only */
/* Rules as text: the operands and options of map_update, and back. */
#ifndef SPLICER_RULE_H
#define SPLICER_RULE_H

#include "abi/rules.h"
#include "error.h"
#include "prefix.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RULE_INTERFACES_MAX 64
#define RULE_MAX_DURATION 31536000 /* seconds: a year */
#define RULE_OPERANDS 6            /* DST LEN LOW HIGH TPROXY_PORT PROTO */

/* What the options say; all zero: nothing said. */
struct rule_options {
	const char *source; /* prefix, address or range */
	const char *interfaces[RULE_INTERFACES_MAX];
	size_t interface_count;
	const char *direction;    /* in, out */
	const char *action;       /* pass, drop, splice */
	const char *mode;         /* prevent, detect */
	const char *max_duration; /* seconds, 1 to RULE_MAX_DURATION */
	const char *priority;
	const char *service;
	const char *ttl;     /* seconds from now on */
	const char *expires; /* seconds since the epoch, with up to three digits after a point; may be past */
	bool route;
};

/*
 * The rules that the operands and options stand for: one for each destination prefix, source prefix and interface.
 * *out is released with free().
 */
int rule_parse(char *const operands[RULE_OPERANDS], const struct rule_options *options, struct rules_record **out,
	       size_t *count, struct error *error);

/*
 * LOW and HIGH as one range of ports, or for ICMP as one range of type << 8 | code. high NULL: one port, or all codes
 * of a type.
 */
int rule_parse_ports(uint16_t proto, const char *low, const char *high, struct rules_head *out, struct error *error);

/* At most RULES_SERVICE_MAX bytes without control characters, zero padded to out. */
int rule_parse_service(const char *text, uint8_t out[RULES_SERVICE_MAX], struct error *error);

int rule_parse_interface(const char *name, uint32_t *ifindex, struct error *error);
int rule_parse_priority(const char *text, int32_t *out, struct error *error);
int rule_parse_action(const char *text, enum rules_action *out, struct error *error);
int rule_parse_mode(const char *text, enum rules_mode *out, struct error *error);

/* When a rule expires, to *out: as rule_options.ttl or as .expires says; both NULL: *out stays. */
int rule_parse_expiry(const char *ttl, const char *expires, __u64 *out, struct error *error);

/* Where rules are to stand: one for each destination, each source of its family, and each interface. */
struct rule_places {
	struct prefix_list dst, src;
	uint32_t indices[RULE_INTERFACES_MAX]; /* 0: any */
	size_t index_count;
};

/* Those of the names; of any interface where there is none. */
int rule_parse_interfaces(const char *const *names, size_t count, struct rule_places *out, struct error *error);

/*
 * What the template says, for each of the places. operand names them in errors. *out is released with free().
 */
int rule_multiply(const struct rules_record *template, const struct rule_places *places, const char *operand,
		  struct rules_record **out, size_t *count, struct error *error);

/* Releases the prefixes. */
void rule_places_free(struct rule_places *places);

int rule_parse_direction(const char *text, enum rules_direction *out, struct error *error);

struct prefix rule_dst(const struct rules_record *rule);
struct prefix rule_src(const struct rules_record *rule);
const char *rule_action_name(enum rules_action action);
const char *rule_direction_name(enum rules_direction direction);
const char *rule_mode_name(enum rules_mode mode); /* NULL: as the interface */

/* The tag as a string, to buf; returns buf. */
char *rule_service(const struct rules_record *rule, char buf[RULES_SERVICE_MAX + 1]);

#define INTERFACE_TEXT_MAX 24

/*
 * The name of an interface, "#INDEX" when it is gone or its name has control characters or is "any", "" for index 0, to
 * buf; returns buf. rule_parse_interface reads it back.
 */
char *interface_format(uint32_t ifindex, char buf[INTERFACE_TEXT_MAX]);

/*
 * LOW and HIGH as they were given: numbers, or -1 for "any" (ICMP). ICMP: type and code.
 */
void rule_ports(const struct rules_record *rule, long *low, long *high);

/* Prints " --expires TIME". */
void rule_print_expires(uint64_t expires);

/* Prints the line of map_update that makes this rule. */
void rule_print_line(const struct rules_record *rule);

#endif
