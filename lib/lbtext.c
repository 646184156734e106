/* SPDX-License-Identifier: GPL-2.0-only */
#include "lbtext.h"

#include "num.h"
#include "portrange.h"
#include "proto.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PORT_MAX 65535

/* ---- addresses ---- */

/* Who can have packets, or send some, as one host. */
static const char *address_fault(const struct prefix *address)
{
	static const uint8_t none[16], loopback[16] = { [15] = 1 };
	struct prefix copy = *address;
	const uint8_t *addr = address->addr;

	if (prefix_unmap(&copy))
		return "an IPv4 address in IPv6 form, which no packet has";
	if (!memcmp(addr, none, sizeof(none)))
		return "the unspecified address";
	if (address->family == 6 && !memcmp(addr, loopback, sizeof(loopback)))
		return "a loopback address";
	if (address->family == 6)
		return addr[0] == 0xff ? "a multicast address" : NULL;
	if (addr[0] == 127)
		return "a loopback address";
	return addr[0] >= 224 ? "a multicast or broadcast address" : NULL;
}

/* The address that `size` bytes of text are; errors name all of `whole`. */
static int address_take(const char *whole, const char *text, size_t size, struct prefix *out, struct error *error)
{
	char copy[PREFIX_TEXT_MAX];
	const char *fault;

	if (size >= sizeof(copy))
		return error_usage(error, whole, "no IPv4 or IPv6 address in it");
	memcpy(copy, text, size);
	copy[size] = '\0';
	if (!size)
		return error_usage(error, whole, "has no address");
	if (prefix_parse_address(copy, out, error))
		return error_usage(error, whole, "no IPv4 or IPv6 address in it");
	fault = address_fault(out);
	return fault ? error_usage(error, whole, "%s", fault) : 0;
}

/*
 * Splits ADDRESS[:PORT], where an IPv6 address stands in brackets. *port is what follows the colon, or NULL. An address
 * with more than one colon is an IPv6 address alone.
 */
static int end_split(const char *text, size_t size, struct prefix *address, const char **port, struct error *error)
{
	const char *first = memchr(text, ':', size), *last = memrchr(text, ':', size), *end = text + size;
	const char *close = *text == '[' ? memchr(text, ']', size) : NULL;

	*port = NULL;
	*address = (struct prefix){ 0 };
	if (*text != '[') {
		*port = first && first == last ? first + 1 : NULL;
		return address_take(text, text, *port ? (size_t)(first - text) : size, address, error);
	}
	if (!close || (close + 1 < end && close[1] != ':'))
		return error_usage(error, text, "expected [ADDRESS]:PORT");
	if (close + 1 < end)
		*port = close + 2;
	if (address_take(text, text + 1, (size_t)(close - text - 1), address, error))
		return -1;
	return address->family == 6 ? 0 : error_usage(error, text, "brackets are for IPv6 addresses");
}

static bool is_any(const char *text)
{
	return !strcmp(text, "*") || !strcmp(text, "any");
}

/* "10.0.0.1:80", "[2001:db8::1]:80", and without port, an empty text, the address alone. */
static void end_format(uint8_t family, const uint8_t addr[16], const char *port, char buf[LB_TEXT_MAX])
{
	char address[PREFIX_TEXT_MAX];

	address_format(family, addr, address);
	if (!*port)
		snprintf(buf, LB_TEXT_MAX, "%s", address);
	else
		snprintf(buf, LB_TEXT_MAX, family == 6 ? "[%s]:%s" : "%s:%s", address, port);
}

/* ---- services ---- */

static int proto_take(const char *whole, const char *text, uint8_t *out, struct error *error)
{
	uint16_t proto;

	if (proto_parse(text, &proto, error) || (proto != IPPROTO_TCP && proto != IPPROTO_UDP))
		return error_usage(error, whole, "the protocol is tcp or udp");
	*out = (uint8_t)proto;
	return 0;
}

static int ports_take(const char *whole, const char *text, size_t size, struct lb_name *out, struct error *error)
{
	char copy[16];

	out->low = 0;
	out->high = PORT_MAX;
	if (size >= sizeof(copy))
		return error_usage(error, whole, "expected a port, LOW-HIGH or any");
	memcpy(copy, text, size);
	copy[size] = '\0';
	if (is_any(copy))
		return 0;
	if (portrange_parse(copy, &out->low, &out->high, error))
		return error_usage(error, whole, "expected a port, LOW-HIGH or any");
	if (!out->low && out->high != PORT_MAX)
		return error_usage(error, whole, "a port is from 1 to 65535");
	return 0;
}

int lb_name_parse(const char *text, struct lb_name *out, struct error *error)
{
	const char *slash = strrchr(text, '/'), *port;
	struct prefix address;

	*out = (struct lb_name){ 0 };
	if (!slash)
		return error_usage(error, text, "expected VIP:PORT/PROTO");
	if (end_split(text, (size_t)(slash - text), &address, &port, error))
		return -1;
	if (!port)
		return error_usage(error, text, "expected VIP:PORT/PROTO, an IPv6 address in brackets");
	out->family = address.family;
	memcpy(out->addr, address.addr, sizeof(out->addr));
	return ports_take(text, port, (size_t)(slash - port), out, error) ||
			       proto_take(text, slash + 1, &out->proto, error)
		       ? -1
		       : 0;
}

char *lb_name_format(const struct lb_name *name, char buf[LB_TEXT_MAX])
{
	char proto[PROTO_TEXT_MAX], port[16] = "any";
	size_t used;

	if (name->low == name->high)
		snprintf(port, sizeof(port), "%u", name->low);
	else if (name->low || name->high != PORT_MAX)
		snprintf(port, sizeof(port), "%u-%u", name->low, name->high);
	end_format(name->family, name->addr, port, buf);
	used = strlen(buf);
	snprintf(buf + used, LB_TEXT_MAX - used, "/%s", proto_format(name->proto, proto));
	return buf;
}

static int numbers_order(uint32_t a, uint32_t b)
{
	return (a > b) - (a < b);
}

int lb_name_order(const struct lb_name *a, const struct lb_name *b)
{
	int order = numbers_order(a->family, b->family);

	if (!order)
		order = memcmp(a->addr, b->addr, sizeof(a->addr));
	if (!order)
		order = numbers_order(a->proto, b->proto);
	if (!order)
		order = numbers_order(a->low, b->low);
	return order ? order : numbers_order(a->high, b->high);
}

enum lb_overlap lb_name_overlap(const struct lb_name *a, const struct lb_name *b)
{
	if (a->family != b->family || a->proto != b->proto || memcmp(a->addr, b->addr, sizeof(a->addr)) != 0 ||
	    a->high < b->low || b->high < a->low)
		return LB_APART;
	if (a->low == b->low && a->high == b->high)
		return LB_SAME;
	if (a->low >= b->low && a->high <= b->high)
		return LB_INSIDE;
	return b->low >= a->low && b->high <= a->high ? LB_AROUND : LB_ACROSS;
}

/* ---- backends ---- */

static int target_check(const char *text, const struct prefix *address, struct error *error)
{
	if (address->family == 6 && address->addr[0] == 0xfe && (address->addr[1] & 0xc0) == 0x80)
		return error_usage(error, text, "a link-local address, which does not say on which interface");
	return 0;
}

int lb_target_parse(const char *text, struct lb_target *out, struct error *error)
{
	struct prefix address;
	const char *port;
	uint64_t value;

	*out = (struct lb_target){ 0 };
	if (end_split(text, strlen(text), &address, &port, error) || target_check(text, &address, error))
		return -1;
	out->family = address.family;
	memcpy(out->addr, address.addr, sizeof(out->addr));
	if (!port || is_any(port))
		return 0;
	if (num_parse(port, 1, PORT_MAX, &value, error))
		return error_usage(error, text, "the port is a number from 1 to 65535, or any");
	out->port = (uint16_t)value;
	return 0;
}

char *lb_target_format(const struct lb_target *target, char buf[LB_TEXT_MAX])
{
	char port[8] = "";

	if (target->port)
		snprintf(port, sizeof(port), "%u", target->port);
	end_format(target->family, target->addr, port, buf);
	return buf;
}

int lb_target_order(const struct lb_target *a, const struct lb_target *b)
{
	int order = numbers_order(a->family, b->family);

	if (!order)
		order = memcmp(a->addr, b->addr, sizeof(a->addr));
	return order ? order : numbers_order(a->port, b->port);
}

struct lb_target lb_target_of(const struct lb_backend *backend)
{
	struct lb_target target = { .family = backend->family, .port = ntohs(backend->port) };

	memcpy(target.addr, backend->addr, sizeof(target.addr));
	return target;
}

void lb_target_put(const struct lb_target *target, struct lb_backend *backend)
{
	backend->family = target->family;
	backend->port = htons(target->port);
	memcpy(backend->addr, target->addr, sizeof(backend->addr));
}

int lb_weight_parse(const char *text, uint32_t *out, struct error *error)
{
	uint64_t value;

	if (num_parse(text, 0, LB_WEIGHT_MAX, &value, error))
		return -1;
	*out = (uint32_t)value;
	return 0;
}

const char *lb_state_name(unsigned int flags)
{
	bool drained = flags & LB_BACKEND_DRAINED;

	if (flags & LB_BACKEND_DOWN)
		return drained ? "drained+down" : "down";
	return drained ? "drained" : "up";
}

/* ---- settings ---- */

static const char *const modes[] = { [LB_NAT] = "nat", [LB_MASQUERADE] = "masquerade", [LB_DSR] = "dsr" };

#define MODES (sizeof(modes) / sizeof(modes[0]))

const char *lb_mode_name(unsigned int mode)
{
	return mode < MODES ? modes[mode] : "unknown";
}

static int mode_take(const char *word, const char *value, struct lb_settings *settings, struct error *error)
{
	for (size_t mode = 0; mode < MODES; mode++) {
		if (strcmp(value, modes[mode]) != 0)
			continue;
		settings->mode = (uint8_t)mode;
		return 0;
	}
	return error_usage(error, word, "a mode is nat, masquerade or dsr");
}

static int affinity_take(const char *word, const char *value, struct lb_settings *settings, struct error *error)
{
	uint64_t seconds;

	if (num_parse(value, 0, LB_AFFINITY_MAX, &seconds, error))
		return error_usage(error, word, "seconds from 0, which is none, to %d", LB_AFFINITY_MAX);
	settings->affinity = (uint32_t)seconds;
	return 0;
}

static int source_take(const char *word, const char *value, struct lb_settings *settings, struct error *error)
{
	settings->source = (struct prefix){ 0 };
	return strcmp(value, "auto") ? address_take(word, value, strlen(value), &settings->source, error) : 0;
}

int lb_setting_parse(const char *text, struct lb_settings *settings, struct error *error)
{
	const struct {
		const char *name;
		bool *given;
		int (*take)(const char *word, const char *value, struct lb_settings *settings, struct error *error);
	} known[] = {
		{ "affinity=", &settings->has_affinity, affinity_take },
		{ "mode=", &settings->has_mode, mode_take },
		{ "source=", &settings->has_source, source_take },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		size_t size = strlen(known[i].name);

		if (strncmp(text, known[i].name, size) != 0)
			continue;
		if (*known[i].given)
			return error_usage(error, text, "said twice");
		*known[i].given = true;
		return known[i].take(text, text + size, settings, error);
	}
	return error_usage(error, text, "expected affinity=SECONDS, mode=nat|masquerade|dsr or source=ADDRESS|auto");
}

char *lb_settings_format(const struct lb_settings *settings, char buf[LB_SETTINGS_TEXT_MAX])
{
	char address[PREFIX_TEXT_MAX] = "auto";
	size_t used = 0;

	*buf = '\0';
	if (settings->source.family)
		address_format(settings->source.family, settings->source.addr, address);
	if (settings->has_mode)
		used += (size_t)snprintf(buf, LB_SETTINGS_TEXT_MAX, " mode=%s", lb_mode_name(settings->mode));
	if (settings->has_affinity)
		used += (size_t)snprintf(buf + used, LB_SETTINGS_TEXT_MAX - used, " affinity=%u", settings->affinity);
	if (settings->has_source)
		snprintf(buf + used, LB_SETTINGS_TEXT_MAX - used, " source=%s", address);
	memmove(buf, buf + (*buf == ' '), strlen(buf) + (*buf != ' '));
	return buf;
}
