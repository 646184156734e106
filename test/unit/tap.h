/* SPDX-License-Identifier: GPL-2.0-only */
/* What the unit tests share: the Test Anything Protocol, a random source with a seed, what was printed as text. */
#ifndef SPLICER_TEST_TAP_H
#define SPLICER_TEST_TAP_H

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int tap_tests, tap_failures;

/* One line whatever the description holds: a harness reads lines. */
static inline void tap_line(bool passed, const char *format, va_list arguments)
{
	char text[512];

	vsnprintf(text, sizeof(text), format, arguments);
	for (char *at = text; *at; at++)
		if ((unsigned char)*at < ' ')
			*at = '?';
	printf("%sok %d - %s\n", passed ? "" : "not ", ++tap_tests, text);
	tap_failures += !passed;
}

/* Two numbers are equal. */
static inline void __attribute__((format(printf, 3, 4)))
check(long long got, long long expected, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	tap_line(got == expected, format, arguments);
	va_end(arguments);
	if (got != expected)
		printf("# expected %lld\n# got      %lld\n", expected, got);
	fflush(stdout);
}

static inline void tap_value(const char *name, const char *text)
{
	printf("# %-8s \"", name);
	for (; *text; text++)
		printf(*text == '\n' ? "\\n" : "%c", *text);
	printf("\"\n");
}

/* Two texts are equal. */
static inline void __attribute__((format(printf, 3, 4)))
check_text(const char *got, const char *expected, const char *format, ...)
{
	bool same = !strcmp(got, expected);
	va_list arguments;

	va_start(arguments, format);
	tap_line(same, format, arguments);
	va_end(arguments);
	if (!same) {
		tap_value("expected", expected);
		tap_value("got", got);
	}
	fflush(stdout);
}

/* A property held in all cases: counterexample is "", or says which case, what was expected and what came. */
static inline void __attribute__((format(printf, 2, 3)))
check_property(const char *counterexample, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	tap_line(!*counterexample, format, arguments);
	va_end(arguments);
	if (*counterexample)
		printf("# %s\n", counterexample);
	fflush(stdout);
}

static inline int tap_done(void)
{
	printf("1..%d\n", tap_tests);
	return tap_failures ? 1 : 0;
}

static inline void __attribute__((noreturn)) bail_out(const char *what)
{
	printf("Bail out! %s: %s\n", what, strerror(errno));
	exit(1);
}

/* ---- random numbers, the same for the same seed ---- */

static uint64_t random_state, random_seed;

/* splitmix64 */
static inline uint64_t random_next(void)
{
	uint64_t z = random_state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

/* The seed is argv[1], else SEED of the environment, else the time; it is printed. */
static inline void random_start(int argc, char **argv)
{
	const char *text = argc > 1 ? argv[1] : getenv("SEED");
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	random_seed = text ? strtoull(text, NULL, 0) : (uint64_t)now.tv_sec * 1000003 + (uint64_t)now.tv_nsec;
	random_state = random_seed;
	printf("# seed %" PRIu64 "\n", random_seed);
}

/* 0 to limit - 1 */
static inline uint32_t random_below(uint32_t limit)
{
	return (uint32_t)(random_next() >> 16) % limit;
}

#define RANDOM_OF(array) ((array)[random_below(sizeof(array) / sizeof((array)[0]))])

/* ---- standard output as text, standard input from text ---- */

static FILE *output_saved;
static char *output_text;
static size_t output_size;

/* stdout is a variable (glibc: "Standard Streams"), so nothing need go through a file. */
static inline void output_begin(void)
{
	output_saved = stdout;
	stdout = open_memstream(&output_text, &output_size);
	if (!stdout)
		exit(1);
}

/* What was printed since; released with free(). */
static inline char *output_end(void)
{
	fclose(stdout);
	stdout = output_saved;
	return output_text;
}

static inline void input_begin(const char *text, size_t size)
{
	stdin = fmemopen((void *)(uintptr_t)text, size, "r");
	if (!stdin)
		bail_out("fmemopen");
}

static inline void input_end(void)
{
	fclose(stdin);
	stdin = NULL;
}

#endif
