/* SPDX-License-Identifier: GPL-2.0-only */
/* Bytes as a file of lb_backend apply. What is taken is printed and read again, and must be the same commands. */
#include "../unit/lb_line.h"
#include "fuzz.h"

static char *print_ops(const struct lb_ops *ops, size_t *size)
{
	FILE *stream;
	char *text = NULL, line[LB_OP_TEXT_MAX];

	stream = open_memstream(&text, size);
	FUZZ_REQUIRE(stream);
	for (size_t i = 0; i < ops->count; i++)
		fprintf(stream, "%s\n", lb_op_format(&ops->items[i], line));
	fclose(stream);
	return text;
}

static void require_same(const struct lb_ops *ops)
{
	struct lb_work again;
	struct error error;
	size_t size;
	char *text = print_ops(ops, &size);
	int result = lb_lines_read(text, size, &again, &error);

	if (result || again.change.ops.count != ops->count)
		fprintf(stderr, "%s%s\n", text, result ? error.text : "");
	FUZZ_REQUIRE(!result);
	FUZZ_REQUIRE(again.change.ops.count == ops->count);
	for (size_t i = 0; i < ops->count; i++) {
		struct lb_op *op = &again.change.ops.items[i];

		op->line = ops->items[i].line;
		FUZZ_REQUIRE(!memcmp(op, &ops->items[i], sizeof(*op)));
	}
	lb_work_end(&again);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lb_work work;
	struct error error;

	if (!size)
		return 0;
	if (lb_lines_read((const char *)data, size, &work, &error))
		fuzz_require_file_message(&error);
	else if (work.change.ops.count)
		require_same(&work.change.ops);
	lb_work_end(&work);
	return 0;
}
