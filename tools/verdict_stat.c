/* SPDX-License-Identifier: GPL-2.0-only */
/* verdict_stat: shows what became of packets, where and why. */
#include "counts.h"
#include "option.h"
#include "out.h"
#include "pin.h"
#include "registry.h"
#include "rule.h"

#include <stddef.h>

static const struct option_row rows[] = { { 0 } };

static const char *const synopsis[] = { "[OPTION]...", NULL };

static const struct command command = {
	.name = "verdict_stat",
	.synopsis = synopsis,
	.summary = "Count packets by what became of them, where, and why.",
	.options = rows,
	.common = "j",
};

static void row_out(struct out *out, const struct count_row *row)
{
	char interface[INTERFACE_TEXT_MAX];

	out_begin(out);
	out_text(out, "object", "OBJECT", object_name(row->key.object));
	out_text(out, "iface", "IFACE", row->key.ifindex ? interface_format(row->key.ifindex, interface) : NULL);
	out_text(out, "hook", "HOOK", hook_name(row->key.hook));
	out_text(out, "verdict", "VERDICT", verdict_name(row->key.verdict));
	out_text(out, "action", "ACTION", verdict_action(row->key.verdict));
	out_text(out, "reason", "REASON", reason_name(row->key.reason));
	out_number(out, "packets", "PACKETS", row->packets);
	out_number(out, "bytes", "BYTES", row->bytes);
	out_text(out, "text", "MEANING", reason_text(row->key.reason));
	out_end(out);
}

static int counts_print(const struct pins *pins, enum out_form form, struct error *error)
{
	struct counts counts;
	struct out out;

	if (counts_read(pins, &counts, error))
		return -1;
	out_open(&out, form);
	do {
		for (size_t i = 0; i < counts.count; i++)
			row_out(&out, &counts.rows[i]);
	} while (out_again(&out));
	counts_free(&counts);
	return 0;
}

static int take_option(void *context, size_t row, const char *value, struct error *error)
{
	(void)context;
	(void)row;
	return error_usage(error, value, "no such option");
}

int main(int argc, char **argv)
{
	struct common_options common = { 0 };
	struct error error;
	struct pins pins;
	int count = options_parse(&command, argc, argv, &common, take_option, NULL, &error);

	if (count > 0)
		error_usage(&error, argv[argc - count], "takes no operands");
	if (count || pins_open(&pins, common.pin_dir, false, &error) ||
	    counts_print(&pins, common.json ? OUT_JSON : OUT_TABLE, &error))
		return output_finish(error_print(&error));
	return output_finish(EXIT_DONE);
}
