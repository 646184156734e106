/* SPDX-License-Identifier: GPL-2.0-only */
#include "endtext.h"

#include "num.h"

#include <stdio.h>
#include <string.h>

#define PORT_MAX 65535

static int end_malformed(const char *word, struct error *error)
{
	return error_usage(error, word, "not an address, ADDRESS:PORT or [ADDRESS]:PORT");
}

/* "[2001:db8::1]" or "[2001:db8::1]:80" */
static int split_brackets(const char *word, char *copy, struct endtext *out, struct error *error)
{
	char *close = strchr(copy, ']');

	if (!close || (close[1] && close[1] != ':'))
		return end_malformed(word, error);
	*close = '\0';
	if (prefix_parse_address(copy + 1, &out->address, error) || out->address.family != 6)
		return error_usage(error, word, "not an IPv6 address in brackets");
	out->port = close[1] ? word + (close + 2 - copy) : NULL;
	return 0;
}

/* One colon stands before a port, more are an IPv6 address. */
static int split_plain(const char *word, char *copy, struct endtext *out, struct error *error)
{
	char *colon = strchr(copy, ':');

	if (colon && !strchr(colon + 1, ':')) {
		out->port = word + (colon + 1 - copy);
		*colon = '\0';
	}
	return prefix_parse_address(copy, &out->address, error) ? end_malformed(word, error) : 0;
}

int endtext_split(const char *word, struct endtext *out, struct error *error)
{
	char copy[2 * PREFIX_TEXT_MAX];
	size_t size = strlen(word);

	*out = (struct endtext){ 0 };
	if (size >= sizeof(copy))
		return end_malformed(word, error);
	memcpy(copy, word, size + 1);
	return *copy == '[' ? split_brackets(word, copy, out, error) : split_plain(word, copy, out, error);
}

int endtext_number(const char *word, const char *text, uint64_t max, uint16_t *out, struct error *error)
{
	struct error reason;
	uint64_t value;

	if (num_parse(text, 0, max, &value, &reason))
		return error_usage(error, word, "%s", reason.text);
	*out = (uint16_t)value;
	return 0;
}

int endtext_parse(const char *word, struct prefix *address, uint16_t *port, struct error *error)
{
	struct endtext end;

	if (endtext_split(word, &end, error))
		return -1;
	*address = end.address;
	if (port && !end.port)
		return error_usage(error, word, "needs a port");
	if (!port && end.port)
		return error_usage(error, word, "has a port, where none belongs");
	return port ? endtext_number(word, end.port, PORT_MAX, port, error) : 0;
}

void text_end(struct text *text, uint8_t family, const uint8_t addr[16], int32_t port)
{
	bool brackets = family == 6 && port >= 0;

	if (brackets)
		text_char(text, '[');
	text_address(text, family, addr);
	if (brackets)
		text_char(text, ']');
	if (port < 0)
		return;
	text_char(text, ':');
	text_number(text, (uint64_t)port);
}
