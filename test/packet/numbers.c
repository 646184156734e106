/* SPDX-License-Identifier: GPL-2.0-only */
#include "harness.h"

#include <stdlib.h>

#define DEFAULT_SEED 20240229

unsigned long numbers_setting(const char *name, unsigned long usual)
{
	const char *text = getenv(name);

	return text ? strtoul(text, NULL, 10) : usual;
}

struct numbers numbers_seeded(void)
{
	return (struct numbers){ numbers_setting("PACKET_TEST_SEED", DEFAULT_SEED) };
}

/* splitmix64 */
uint64_t numbers_next(struct numbers *numbers)
{
	uint64_t z = numbers->state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

size_t numbers_below(struct numbers *numbers, size_t limit)
{
	return numbers_next(numbers) % limit;
}
