/* SPDX-License-Identifier: GPL-2.0-only */
/* Of what a rule consists, a word or two each. */
#include "rule.h"

#include "clock.h"
#include "epoch.h"
#include "num.h"
#include "proto.h"
#include "word.h"

#include <net/if.h>
#include <stdio.h>
#include <string.h>

#define COUNT(words) (sizeof(words) / sizeof((words)[0]))

static const char *const action_names[] = { [RULES_PASS] = "pass", [RULES_SPLICE] = "splice", [RULES_DROP] = "drop" };

const char *rule_action_name(enum rules_action action)
{
	return action_names[action];
}

int rule_parse_action(const char *text, enum rules_action *out, struct error *error)
{
	int word = word_parse(action_names, COUNT(action_names), "action", text, error);

	if (word < 0)
		return -1;
	*out = (enum rules_action)word;
	return 0;
}

static const char *const direction_names[] = { [RULES_IN] = "in", [RULES_OUT] = "out" };

const char *rule_direction_name(enum rules_direction direction)
{
	return direction_names[direction];
}

int rule_parse_direction(const char *text, enum rules_direction *out, struct error *error)
{
	int word = word_parse(direction_names, COUNT(direction_names), "direction", text, error);

	if (word < 0)
		return -1;
	*out = (enum rules_direction)word;
	return 0;
}

static const char *const mode_names[] = { [RULES_PREVENT] = "prevent", [RULES_DETECT] = "detect" };

const char *rule_mode_name(enum rules_mode mode)
{
	return mode <= RULES_DETECT ? mode_names[mode] : NULL;
}

int rule_parse_mode(const char *text, enum rules_mode *out, struct error *error)
{
	int word = word_parse(mode_names, COUNT(mode_names), "mode", text, error);

	if (word < 0)
		return -1;
	*out = (enum rules_mode)word;
	return 0;
}

int rule_parse_priority(const char *text, int32_t *out, struct error *error)
{
	int64_t value;

	if (num_parse_signed(text, -INT32_MAX, INT32_MAX, &value, error))
		return -1;
	*out = (int32_t)value;
	return 0;
}

int rule_parse_service(const char *text, uint8_t out[RULES_SERVICE_MAX], struct error *error)
{
	size_t size = strlen(text);

	if (!size)
		return error_usage(error, "service", "empty tag");
	if (size > RULES_SERVICE_MAX)
		return error_usage(error, text, "service tag of %zu bytes, at most %d", size, RULES_SERVICE_MAX);
	if (has_control(text))
		return error_usage(error, text, "service tag with a control character");
	memset(out, 0, RULES_SERVICE_MAX);
	memcpy(out, text, size);
	return 0;
}

/* A million lines may name the same one: asking the kernel is the most of what such a line costs. */
static uint32_t index_of(const char *name)
{
	static char last[IF_NAMESIZE];
	static uint32_t index;

	if (!index || strcmp(name, last) != 0) {
		index = if_nametoindex(name);
		snprintf(last, sizeof(last), "%s", name);
	}
	return index;
}

int rule_parse_interface(const char *name, uint32_t *ifindex, struct error *error)
{
	uint64_t number;

	if (!*name || strlen(name) >= IF_NAMESIZE)
		return error_usage(error, *name ? name : "interface", "not an interface name");
	if (!strcmp(name, "any"))
		return error_usage(error, name, "means no interface in particular: leave the option out");
	*ifindex = index_of(name);
	if (*ifindex)
		return 0;
	/* the form that interface_format gives to an interface that is gone */
	if (*name != '#')
		return error_state(error, name, "no such interface");
	if (num_parse(name + 1, 1, INT32_MAX, &number, error))
		return -1;
	*ifindex = (uint32_t)number;
	return 0;
}

/* ---- ports ---- */

static int ports_range(const char *low, const char *high, struct rules_head *out, struct error *error)
{
	uint64_t first, last;

	if (num_parse(low, 0, 65535, &first, error) || num_parse(high, 0, 65535, &last, error))
		return -1;
	if (last < first)
		return error_usage(error, high, "the range of ports ends before it starts (%s)", low);
	out->low = (uint16_t)first;
	out->high = (uint16_t)last;
	return 0;
}

/* "any any" or "0 65535", which is how callers write every port. */
static bool ports_are_all(const char *low, const char *high)
{
	return (!strcmp(low, "any") && (!high || !strcmp(high, "any"))) ||
	       (high && !strcmp(low, "0") && !strcmp(high, "65535"));
}

static int types_range(const char *type, const char *code, struct rules_head *out, struct error *error)
{
	uint64_t t, c;

	if (num_parse(type, 0, 255, &t, error))
		return -1;
	out->low = (uint16_t)(t << 8);
	out->high = (uint16_t)(t << 8 | 255);
	if (!code || !strcmp(code, "any"))
		return 0;
	if (num_parse(code, 0, 255, &c, error))
		return -1;
	out->low = out->high = (uint16_t)(t << 8 | c);
	return 0;
}

int rule_parse_ports(uint16_t proto, const char *low, const char *high, struct rules_head *out, struct error *error)
{
	char name[PROTO_TEXT_MAX];

	if (ports_are_all(low, high)) {
		out->low = 0;
		out->high = 65535;
		return 0;
	}
	switch (proto_ports(proto)) {
	case PROTO_HAS_TYPES:
		return types_range(low, high, out, error);
	case PROTO_HAS_PORTS:
		return ports_range(low, high ? high : low, out, error);
	default:
		if (ports_range(low, high ? high : low, out, error))
			return -1;
		return error_usage(error, low, "protocol %s has no ports, give 0 65535", proto_format(proto, name));
	}
}

/* ---- expiry ---- */

#define TTL_MAX (100ull * 366 * 86400) /* seconds: a hundred years */

int rule_parse_expiry(const char *ttl, const char *expires, __u64 *out, struct error *error)
{
	uint64_t value = 0;

	if (ttl && expires)
		return error_usage(error, expires, "--ttl and --expires say the same thing, give one");
	if (ttl) {
		if (num_parse(ttl, 1, TTL_MAX, &value, error))
			return -1;
		*out = clock_now() + value * CLOCK_SECOND;
	}
	if (expires) {
		if (epoch_parse(expires, 3, &value, error))
			return -1;
		*out = clock_from_epoch(value);
	}
	return 0;
}
