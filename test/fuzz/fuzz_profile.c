/* SPDX-License-Identifier: GPL-2.0-only */
/* Bytes as a profile of flow_watch. What is taken is written, read again and written, and must be the same text. */
#include "../unit/profile_text.h"
#include "fuzz.h"

static void require_same(const struct profile *profile)
{
	size_t size, size_again;
	char *text = text_of_profile(profile, &size), *text_again;
	struct error error = { .text = "" };
	struct profile *again = profile_of_text(text, size, &error);

	if (!again)
		fprintf(stderr, "%s%s\n", text, error.text);
	FUZZ_REQUIRE(again);
	text_again = text_of_profile(again, &size_again);
	FUZZ_REQUIRE(size == size_again && !strcmp(text, text_again));
	profile_free(again);
	free(text_again);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error error;
	struct profile *profile = profile_of_text((const char *)data, size, &error);

	if (profile)
		require_same(profile);
	else
		fuzz_require_file_message(&error);
	profile_free(profile);
	return 0;
}
