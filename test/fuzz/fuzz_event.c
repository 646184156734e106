/* SPDX-License-Identifier: GPL-2.0-only */
/* Bytes as an event of a ring buffer, in both forms: each is one line, whole, and without control characters. */
#include "abi/event.h"
#include "eventout.h"
#include "fuzz.h"

typedef void put_function(const struct event *event, struct event_view *view, struct text *text);

static void require_line(const struct event *event, struct event_view *view, put_function *put)
{
	char memory[EVENT_TEXT_MAX + 1];
	struct text text = TEXT_OF(memory);

	event_view_refresh(view);
	put(event, view, &text);
	/* had it been longer it would fill all */
	FUZZ_REQUIRE(text.length > 1 && text.length <= EVENT_TEXT_MAX);
	FUZZ_REQUIRE(memory[text.length - 1] == '\n');
	if (put == event_put_json)
		FUZZ_REQUIRE(memory[0] == '{' && memory[text.length - 2] == '}');
	for (size_t i = 0; i + 1 < text.length; i++)
		FUZZ_REQUIRE((unsigned char)memory[i] >= ' ' && memory[i] != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct event_view plain = { 0 }, full = { .absolute = true, .aligned = true };
	struct event event;

	if (size < sizeof(event))
		return 0;
	memcpy(&event, data, sizeof(event));
	require_line(&event, &plain, event_put_line);
	require_line(&event, &full, event_put_line);
	require_line(&event, &plain, event_put_json);
	return 0;
}
