/* SPDX-License-Identifier: GPL-2.0-only */
#include "question.h"

#include "endtext.h"
#include "prefix.h"
#include "proto.h"
#include "rule.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLANKS " \t"

enum { WORD_PROTO, WORD_SRC, WORD_DST, WORD_INTERFACE, WORDS_MAX };

/* IPv6 headers that say what follows them: the packet path steps over these (RFC 8200, 4302, 6275). */
static int is_extension(uint8_t proto)
{
	return proto == IPPROTO_HOPOPTS || proto == IPPROTO_ROUTING || proto == IPPROTO_FRAGMENT ||
	       proto == IPPROTO_AH || proto == IPPROTO_DSTOPTS || proto == IPPROTO_MH;
}

static int proto_take(const char *word, struct question *out, struct error *error)
{
	uint16_t proto;

	if (proto_parse(word, &proto, error))
		return -1;
	if (proto == PROTO_ANY)
		return error_usage(error, word, "a packet has one protocol");
	out->proto = (uint8_t)proto;
	return 0;
}

static int family_check(const struct question *question, char *const words[WORDS_MAX], struct error *error)
{
	if ((question->family == 4 && question->proto == IPPROTO_ICMPV6) ||
	    (question->family == 6 && question->proto == IPPROTO_ICMP))
		return error_usage(error, words[WORD_PROTO], "not a protocol of IPv%u", question->family);
	if (question->family == 6 && is_extension(question->proto))
		return error_usage(error, words[WORD_PROTO], "an extension header of IPv6, which rules do not match");
	return 0;
}

static int addresses_take(char *const words[WORDS_MAX], const struct endtext *src, const struct endtext *dst,
			  struct question *out, struct error *error)
{
	if (src->address.family != dst->address.family)
		return error_usage(error, words[WORD_DST], "not of the family of the source");
	out->family = dst->address.family;
	memcpy(out->src, src->address.addr, sizeof(out->src));
	memcpy(out->dst, dst->address.addr, sizeof(out->dst));
	return family_check(out, words, error);
}

static int ports_take(char *const words[WORDS_MAX], const struct endtext *src, const struct endtext *dst,
		      struct question *out, struct error *error)
{
	out->sport = QUESTION_SOURCE_PORT;
	if (src->port && endtext_number(words[WORD_SRC], src->port, 65535, &out->sport, error))
		return -1;
	if (!dst->port)
		return error_usage(error, words[WORD_DST], "needs a port: %s has ports", words[WORD_PROTO]);
	return endtext_number(words[WORD_DST], dst->port, 65535, &out->port, error);
}

/* TYPE or TYPE/CODE */
static int type_take(const char *word, const char *text, struct question *out, struct error *error)
{
	const char *slash = strchr(text, '/');
	uint16_t type = 0, code = 0;
	char first[8];

	if (slash && endtext_number(word, slash + 1, 255, &code, error))
		return -1;
	snprintf(first, sizeof(first), "%.*s", slash ? (int)(slash - text) : (int)sizeof(first), text);
	if (endtext_number(word, first, 255, &type, error))
		return -1;
	out->port = (uint16_t)(type << 8 | code);
	return 0;
}

static int numbers_take(char *const words[WORDS_MAX], const struct endtext *src, const struct endtext *dst,
			struct question *out, struct error *error)
{
	enum proto_ports ports = proto_ports(out->proto);

	if (ports == PROTO_HAS_PORTS)
		return ports_take(words, src, dst, out, error);
	if (src->port || (dst->port && ports == PROTO_NO_PORTS))
		return error_usage(error, words[src->port ? WORD_SRC : WORD_DST], "%s has no ports", words[WORD_PROTO]);
	if (dst->port)
		return type_take(words[WORD_DST], dst->port, out, error);
	if (ports == PROTO_HAS_TYPES)
		out->port = out->family == 4 ? 8 << 8 : 128 << 8; /* echo request: RFC 792, 4443 */
	return 0;
}

/* Cuts text into words; what is left out is NULL. */
static int words_cut(char *text, char *words[WORDS_MAX], struct error *error)
{
	char *rest = text;

	for (size_t i = 0; i < WORDS_MAX; i++)
		words[i] = strtok_r(i ? NULL : text, BLANKS, &rest);
	if (words[WORD_INTERFACE] && rest[strspn(rest, BLANKS)])
		return error_usage(error, rest + strspn(rest, BLANKS), "one word too many");
	return 0;
}

static int words_parse(char *const words[WORDS_MAX], struct question *out, struct error *error)
{
	struct endtext src, dst;

	if (proto_take(words[WORD_PROTO], out, error) || endtext_split(words[WORD_SRC], &src, error) ||
	    endtext_split(words[WORD_DST], &dst, error) || addresses_take(words, &src, &dst, out, error) ||
	    numbers_take(words, &src, &dst, out, error))
		return -1;
	return words[WORD_INTERFACE] ? rule_parse_interface(words[WORD_INTERFACE], &out->ifindex, error) : 0;
}

int question_parse(const char *text, struct question *out, struct error *error)
{
	char *copy = strdup(text), *words[WORDS_MAX];
	int result;

	*out = (struct question){ 0 };
	if (!copy)
		return error_errno(error, text);
	result = words_cut(copy, words, error);
	if (!result && !words[WORD_DST])
		result = error_usage(error, text, "not PROTO SRC[:PORT] DST[:PORT] [IFACE]");
	if (!result)
		result = words_parse(words, out, error);
	free(copy);
	if (result)
		error->operand = text;
	return result;
}
