/* SPDX-License-Identifier: GPL-2.0-only */
/* Bytes as an event of a ring buffer, printed in both forms; JSON is one line without control characters. */
#include "abi/event.h"
#include "eventout.h"
#include "fuzz.h"

static void require_line(const uint8_t *data, size_t size, bool json)
{
	FILE *saved = stdout;
	char *text = NULL;
	size_t printed;
	int result;

	stdout = open_memstream(&text, &printed);
	FUZZ_REQUIRE(stdout);
	result = event_print(data, size, json);
	fclose(stdout);
	stdout = saved;
	FUZZ_REQUIRE(result == (size < sizeof(struct event) ? -1 : 0));
	FUZZ_REQUIRE(result ? !printed : printed && text[printed - 1] == '\n');
	if (json && !result) {
		FUZZ_REQUIRE(text[0] == '{' && text[printed - 2] == '}');
		for (size_t i = 0; i + 1 < printed; i++)
			FUZZ_REQUIRE((unsigned char)text[i] >= ' ' && text[i] != 0x7f);
	}
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	require_line(data, size, false);
	require_line(data, size, true);
	return 0;
}
