/* SPDX-License-Identifier: GPL-2.0-only */
/* ziti_divert: rules as OpenZiti's routers name them to their diverter. */
#include "num.h"
#include "option.h"
#include "pin.h"
#include "prefix.h"
#include "proto.h"
#include "rule.h"
#include "rulechange.h"
#include "rulefind.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum row {
	ROW_INSERT,
	ROW_DELETE,
	ROW_DESTINATION,
	ROW_MASK,
	ROW_PROTOCOL,
	ROW_SOURCE,
	ROW_SOURCE_MASK,
	ROW_LOW,
	ROW_HIGH,
	ROW_PORT,
	ROW_SERVICE,
	ROW_IFACE,
	ROWS
};

static const struct option_row rows[] = {
	[ROW_INSERT] = { "insert", 'I', NULL, "insert the rule, or change it" },
	[ROW_DELETE] = { "delete", 'D', NULL, "delete the rule" },
	[ROW_DESTINATION] = { "destination", 'c', "IP", "packets to this address or network" },
	[ROW_MASK] = { "mask", 'm', "LEN", "its prefix length" },
	[ROW_PROTOCOL] = { "protocol", 'p', "PROTO", "tcp or udp" },
	[ROW_SOURCE] = { "source", 'o', "SRC", "only packets from here (any)" },
	[ROW_SOURCE_MASK] = { "source-mask", 'n', "SRCLEN", "its prefix length (one address)" },
	[ROW_LOW] = { "low", 'l', "PORT", "lowest destination port" },
	[ROW_HIGH] = { "high", 'h', "PORT", "highest destination port" },
	[ROW_PORT] = { "port", 't', "PORT", "where the socket listens; 0 passes to the stack" },
	[ROW_SERVICE] = { "service", 's', "ID", "what the rule belongs to, up to 64 bytes; '': nothing" },
	[ROW_IFACE] = { "iface", 'N', "NAME", "only packets received here; repeatable, one rule each (any)" },
	{ 0 },
};

static const char *const synopsis[] = {
	"-I -c IP -m LEN -p tcp|udp -l LOW -h HIGH -t PORT [-o SRC] [-n SRCLEN] [-s ID] [-N NAME]...",
	"-D -c IP -m LEN -p tcp|udp -l LOW -h HIGH [-o SRC] [-n SRCLEN] [-s ID] [-N NAME]...",
	"-V",
	NULL,
};

static const struct command command = {
	.name = "ziti_divert",
	.synopsis = synopsis,
	.summary =
		"The diverter of an OpenZiti router (mode: tproxy:/usr/local/bin/ziti_divert). Inserts the rule, or\n"
		"deletes it, whatever its service; where services share the rule, one that is dead.",
	.options = rows,
	.common = "",
};

/* The command line; values[row] is NULL where the option was not given. */
struct request {
	const char *values[ROWS];
	struct rule_options options;
	char source[2 * PREFIX_TEXT_MAX];
};

static int take_option(void *context, size_t row, const char *value, struct error *error)
{
	struct request *request = context;
	struct rule_options *options = &request->options;

	request->values[row] = value ? value : "";
	if (row != ROW_IFACE)
		return 0;
	if (options->interface_count == RULE_INTERFACES_MAX)
		return error_usage(error, value, "more than %d interfaces", RULE_INTERFACES_MAX);
	options->interfaces[options->interface_count++] = value;
	return 0;
}

static int check_given(const struct request *request, struct error *error)
{
	static const struct {
		enum row row;
		const char *name;
	} needed[] = {
		{ ROW_DESTINATION, "-c" }, { ROW_MASK, "-m" }, { ROW_PROTOCOL, "-p" },
		{ ROW_LOW, "-l" },         { ROW_HIGH, "-h" }, { ROW_PORT, "-t" }, /* the last: to insert only */
	};
	size_t count = sizeof(needed) / sizeof(needed[0]) - !request->values[ROW_INSERT];

	if (!request->values[ROW_INSERT] == !request->values[ROW_DELETE])
		return error_usage(error, "operation", "expected -I or -D (see --help)");
	for (size_t i = 0; i < count; i++)
		if (!request->values[needed[i].row])
			return error_usage(error, needed[i].name, "must be given (see --help)");
	return 0;
}

/*
 * 0.0.0.0 with length 0 is any source, beside IPv6 destinations too. Length 32 means one address, written so by callers
 * who think of IPv4; under it an IPv6 address that has more bits set is one too.
 */
static int source_parse(struct request *request, struct error *error)
{
	const char *text = request->values[ROW_SOURCE], *len = request->values[ROW_SOURCE_MASK];
	struct prefix address, masked;
	uint64_t bits;

	if (!text)
		return len ? error_usage(error, len, "a source length without a source") : 0;
	if (prefix_parse_address(text, &address, error))
		return -1;
	if (len && num_parse(len, 0, prefix_bits(address.family), &bits, error))
		return -1;
	masked = address;
	if (len)
		masked.len = (uint8_t)bits;
	prefix_mask(&masked);
	if (len && !bits && !memcmp(masked.addr, address.addr, sizeof(masked.addr)))
		return 0;
	if (address.family == 6 && masked.len == 32 && memcmp(masked.addr, address.addr, sizeof(masked.addr)))
		masked.len = 128;
	snprintf(request->source, sizeof(request->source), "%s/%u", text, masked.len);
	request->options.source = request->source;
	return 0;
}

static int check_proto(const char *text, struct error *error)
{
	uint16_t proto;

	if (proto_parse(text, &proto, error))
		return -1;
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP ? 0 : error_usage(error, text, "expected tcp or udp");
}

/* The rules that the command line names: one for each interface. */
static int rules_parse(struct request *request, struct rules_record **rules, size_t *count, struct error *error)
{
	const char **values = request->values;
	/* rule_parse only reads them */
	char *operands[RULE_OPERANDS] = {
		(char *)values[ROW_DESTINATION], (char *)values[ROW_MASK], (char *)values[ROW_LOW],
		(char *)values[ROW_HIGH],        (char *)values[ROW_PORT], (char *)values[ROW_PROTOCOL],
	};

	if (!values[ROW_PORT])
		operands[4] = (char *)"0";
	if (values[ROW_SERVICE] && *values[ROW_SERVICE])
		request->options.service = values[ROW_SERVICE];
	if (check_proto(values[ROW_PROTOCOL], error) || source_parse(request, error))
		return -1;
	return rule_parse(operands, &request->options, rules, count, error);
}

static int insert_rules(const struct pins *pins, const struct rules_record *rules, size_t count, struct error *error)
{
	struct changes changes = { 0 };
	int result = 0;

	for (size_t i = 0; i < count && !result; i++)
		result = changes_add(&changes, CHANGE_PUT, &rules[i], error);
	if (!result)
		result = rules_put(pins, &changes, false, error);
	free(changes.items);
	return result;
}

static int name_wanted(struct rule_wanted *wanted, const struct request *request, struct error *error)
{
	char interface[INTERFACE_TEXT_MAX];
	int named = wanted->like->head.ifindex != 0;

	if (asprintf(&wanted->named, "%.50s/%.3s %.3s %.5s-%.5s%s%s%s%s", request->values[ROW_DESTINATION],
		     request->values[ROW_MASK], request->values[ROW_PROTOCOL], request->values[ROW_LOW],
		     request->values[ROW_HIGH], request->options.source ? " from " : "", request->source,
		     named ? " on " : "", interface_format(wanted->like->head.ifindex, interface)) >= 0)
		return 0;
	return error_errno(error, command.name);
}

static int delete_rules(const struct pins *pins, const struct request *request, const struct rules_record *rules,
			size_t count, struct error *error)
{
	struct rule_wanted *wanted = calloc(count, sizeof(*wanted));
	struct rule_deletion deletion = { .wanted = wanted, .count = count };
	int result = 0;

	if (!wanted)
		return error_errno(error, command.name);
	for (size_t i = 0; i < count && !result; i++) {
		wanted[i].like = &rules[i];
		wanted[i].any_service = !request->values[ROW_SERVICE];
		wanted[i].which = RULE_OLDEST_DEAD;
		result = name_wanted(&wanted[i], request, error);
	}
	if (!result)
		result = rules_delete(pins, &deletion, error);
	free(deletion.changes.items);
	free(wanted);
	return result;
}

static int divert(struct request *request, const char *pin_dir, struct error *error)
{
	struct rules_record *rules;
	struct pins pins;
	size_t count;
	int result;

	if (rules_parse(request, &rules, &count, error))
		return -1;
	result = pins_open(&pins, pin_dir, PINS_SPLICER, true, error);
	if (!result)
		result = request->values[ROW_INSERT] ? insert_rules(&pins, rules, count, error)
						     : delete_rules(&pins, request, rules, count, error);
	free(rules);
	return result;
}

static int request_read(struct request *request, int argc, char **argv, struct common_options *common,
			struct error *error)
{
	int operands = options_parse(&command, argc, argv, common, take_option, request, error);

	if (operands > 0)
		return error_usage(error, argv[argc - operands], "takes no operands, only options (see --help)");
	return operands ? -1 : check_given(request, error);
}

int main(int argc, char **argv)
{
	struct common_options common = { 0 };
	struct request request = { 0 };
	struct error error;
	int failed = request_read(&request, argc, argv, &common, &error) || divert(&request, common.pin_dir, &error);

	return output_finish(failed ? error_print(&error) : EXIT_DONE);
}
