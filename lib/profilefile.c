/* SPDX-License-Identifier: GPL-2.0-only */
/* splicer.profile(5): reading and writing it. */
#include "batch.h"
#include "clock.h"
#include "newfile.h"
#include "num.h"
#include "prefix.h"
#include "profile_internal.h"
#include "proto.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Far more than can be seen, and far from where sums of it are no numbers any more. */
#define COUNT_MAX (UINT64_C(1) << 60)
#define VALUE_MAX 1e100

#define WINDOW_MAX 31536000u /* seconds: a year */

/* ---- writing ---- */

/* With all digits, so that the same number is read again. */
static void print_value(FILE *out, double value)
{
	fprintf(out, " %.17g", value);
}

static void print_spread(FILE *out, const struct spread *spread)
{
	fprintf(out, " %" PRIu64, spread->count);
	print_value(out, spread->mean);
	print_value(out, spread->squares);
}

static void print_address(FILE *out, uint64_t family, const uint8_t addr[16])
{
	char buf[PREFIX_TEXT_MAX];

	fprintf(out, " %s", address_format((uint8_t)family, addr, buf));
}

static void print_head(FILE *out, const struct profile *profile)
{
	fprintf(out, "# What is usual, as flow_watch --learn found it: see splicer.profile(5)\n");
	fprintf(out, "profile %d\n", PROFILE_VERSION);
	fprintf(out, "window %" PRIu64 "\n", profile->window / CLOCK_SECOND);
	fprintf(out, "learned %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", profile->windows, profile->from, profile->until);
	fprintf(out, "dropped %" PRIu64 "\n", profile_dropped(profile));
}

static void print_observed(FILE *out, const struct profile *profile)
{
	for (enum sign_kind kind = 0; kind < SIGN_KINDS; kind++) {
		const struct spread *spread = &profile->observed[kind];

		if (!spread->count)
			continue;
		fprintf(out, "observed %s", sign_rows[kind].name);
		print_spread(out, spread);
		print_value(out, spread->most);
		fputc('\n', out);
	}
}

static void print_talker(FILE *out, const void *item)
{
	const struct usual_talker *talker = item;

	fputs("talker", out);
	print_address(out, talker->host.family, talker->host.addr);
	print_spread(out, &talker->volume);
	fprintf(out, " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", talker->most_bytes, talker->sessions, talker->seen);
}

static void print_beacon(FILE *out, const void *item)
{
	const struct usual_beacon *beacon = item;
	char proto[PROTO_TEXT_MAX];

	fputs("beacon", out);
	print_address(out, beacon->series.family, beacon->series.src);
	print_address(out, beacon->series.family, beacon->series.dst);
	fprintf(out, " %s %u", proto_format(beacon->series.proto, proto), beacon->series.dport);
	print_value(out, beacon->period);
	fprintf(out, " %" PRIu64 "\n", beacon->seen);
}

static void print_entropy(FILE *out, const void *item)
{
	const struct usual_entropy *entropy = item;

	fputs("entropy", out);
	print_address(out, entropy->dst.family, entropy->dst.addr);
	print_spread(out, &entropy->bits);
	print_value(out, entropy->bits.most);
	fprintf(out, " %" PRIu64 "\n", entropy->seen);
}

typedef void item_print(FILE *out, const void *item);

/* In their order, so that the same profile is the same file. */
static int print_ledger(FILE *out, const struct ledger *ledger, ledger_order *order, item_print *print)
{
	size_t stride = ledger->index.stride;
	uint8_t *sorted;

	if (!ledger->count)
		return 0;
	sorted = calloc(ledger->count, stride);
	if (!sorted)
		return -1;
	memcpy(sorted, ledger->items, ledger->count * stride);
	qsort(sorted, ledger->count, stride, order);
	for (size_t i = 0; i < ledger->count; i++)
		print(out, sorted + i * stride);
	free(sorted);
	return 0;
}

static int print_profile(FILE *out, const struct profile *profile)
{
	print_head(out, profile);
	print_observed(out, profile);
	return print_ledger(out, &profile->talkers, talker_order, print_talker) ||
			       print_ledger(out, &profile->beacons, beacon_order, print_beacon) ||
			       print_ledger(out, &profile->entropies, entropy_order, print_entropy)
		       ? -1
		       : 0;
}

int profile_write(const struct profile *profile, const char *path, struct error *error)
{
	struct newfile file;

	if (newfile_open(&file, path, error))
		return -1;
	if (!print_profile(file.stream, profile))
		return newfile_close(&file, error);
	error_errno(error, path);
	newfile_abandon(&file);
	return -1;
}

/* ---- reading ---- */

struct reader {
	struct profile *profile;
	bool has_version, has_window, has_learned;
};

/* A line of a kind: its words without the first. */
typedef int line_read(struct reader *reader, char **words, struct error *error);

static int count_parse(const char *text, uint64_t least, uint64_t *out, struct error *error)
{
	return num_parse(text, least, COUNT_MAX, out, error);
}

/* What strtod takes beside that, blanks, signs, infinities, hexadecimal digits, is no number here. */
static int value_parse(const char *text, double *out, struct error *error)
{
	char *end = NULL;

	if (*text >= '0' && *text <= '9' && !text[strspn(text, "0123456789.e+-")])
		*out = strtod(text, &end);
	if (!end || *end)
		return error_usage(error, text, "not a number");
	if (*out > VALUE_MAX)
		return error_usage(error, text, "out of range (0-%g)", VALUE_MAX);
	return 0;
}

static int spread_parse(char **words, struct spread *out, struct error *error)
{
	*out = (struct spread){ 0 };
	if (count_parse(words[0], 1, &out->count, error) || value_parse(words[1], &out->mean, error))
		return -1;
	return value_parse(words[2], &out->squares, error);
}

static int host_parse(const char *text, struct host *out, struct error *error)
{
	struct prefix prefix;

	if (prefix_parse_address(text, &prefix, error))
		return -1;
	*out = host_of(prefix.family, prefix.addr);
	return 0;
}

/* A new item of a ledger: what is there twice, or is too much, was written by nobody here. NULL with *error. */
static void *item_take(struct ledger *ledger, const char *word, const void *key, struct error *error)
{
	void *item = NULL;

	if (ledger_find(ledger, key))
		error_usage(error, word, "is there twice");
	else if (ledger->count >= ledger->most)
		error_usage(error, word, "more than %zu of them", ledger->most);
	else if (!(item = ledger_put(ledger, key)))
		error_errno(error, word);
	return item;
}

static int once(bool *has, const char *word, struct error *error)
{
	if (*has)
		return error_usage(error, word, "is there twice");
	*has = true;
	return 0;
}

static int read_version(struct reader *reader, char **words, struct error *error)
{
	uint64_t version;

	if (once(&reader->has_version, words[-1], error) || count_parse(words[0], 1, &version, error))
		return -1;
	if (version == PROFILE_VERSION)
		return 0;
	return error_usage(error, words[0], "a profile of version %" PRIu64 ", this program reads version %d", version,
			   PROFILE_VERSION);
}

static int read_window(struct reader *reader, char **words, struct error *error)
{
	uint64_t seconds;

	if (once(&reader->has_window, words[-1], error) || num_parse(words[0], 1, WINDOW_MAX, &seconds, error))
		return -1;
	reader->profile->window = seconds * CLOCK_SECOND;
	return 0;
}

static int read_learned(struct reader *reader, char **words, struct error *error)
{
	struct profile *profile = reader->profile;

	if (once(&reader->has_learned, words[-1], error) || count_parse(words[0], 0, &profile->windows, error) ||
	    count_parse(words[1], 0, &profile->from, error))
		return -1;
	return count_parse(words[2], profile->from, &profile->until, error);
}

static int read_dropped(struct reader *reader, char **words, struct error *error)
{
	return count_parse(words[0], 0, &reader->profile->dropped, error);
}

static int read_observed(struct reader *reader, char **words, struct error *error)
{
	struct spread *spread = NULL;

	for (enum sign_kind kind = 0; kind < SIGN_KINDS; kind++)
		if (!strcmp(words[0], sign_rows[kind].name))
			spread = &reader->profile->observed[kind];
	if (!spread)
		return error_usage(error, words[0], "no kind of sign");
	if (spread->count)
		return error_usage(error, words[0], "is there twice");
	return spread_parse(words + 1, spread, error) ? -1 : value_parse(words[4], &spread->most, error);
}

static int read_talker(struct reader *reader, char **words, struct error *error)
{
	struct usual_talker talker, *item;

	if (host_parse(words[0], &talker.host, error) || spread_parse(words + 1, &talker.volume, error) ||
	    count_parse(words[4], 0, &talker.most_bytes, error) || count_parse(words[5], 0, &talker.sessions, error) ||
	    count_parse(words[6], 0, &talker.seen, error))
		return -1;
	item = item_take(&reader->profile->talkers, words[0], &talker.host, error);
	if (!item)
		return -1;
	*item = talker;
	item->volume.most = log1p((double)talker.most_bytes);
	return 0;
}

static int ends_parse(char **words, struct series *out, struct error *error)
{
	struct host src, dst;

	if (host_parse(words[0], &src, error) || host_parse(words[1], &dst, error))
		return -1;
	if (src.family != dst.family)
		return error_usage(error, words[1], "of another family than %s", words[0]);
	*out = (struct series){ .family = (uint8_t)src.family };
	memcpy(out->src, src.addr, sizeof(out->src));
	memcpy(out->dst, dst.addr, sizeof(out->dst));
	return 0;
}

static int series_parse(char **words, struct series *out, struct error *error)
{
	uint64_t port;
	uint16_t proto;

	if (ends_parse(words, out, error) || proto_parse(words[2], &proto, error) ||
	    num_parse(words[3], 0, UINT16_MAX, &port, error))
		return -1;
	if (proto == PROTO_ANY)
		return error_usage(error, words[2], "no protocol of packets");
	out->proto = (uint8_t)proto;
	out->dport = (uint16_t)port;
	return 0;
}

static int read_beacon(struct reader *reader, char **words, struct error *error)
{
	struct usual_beacon beacon, *item;

	if (series_parse(words, &beacon.series, error) || value_parse(words[4], &beacon.period, error) ||
	    count_parse(words[5], 0, &beacon.seen, error))
		return -1;
	item = item_take(&reader->profile->beacons, words[0], &beacon.series, error);
	if (!item)
		return -1;
	*item = beacon;
	return 0;
}

static int read_entropy(struct reader *reader, char **words, struct error *error)
{
	struct usual_entropy entropy, *item;

	if (host_parse(words[0], &entropy.dst, error) || spread_parse(words + 1, &entropy.bits, error) ||
	    value_parse(words[4], &entropy.bits.most, error) || count_parse(words[5], 0, &entropy.seen, error))
		return -1;
	item = item_take(&reader->profile->entropies, words[0], &entropy.dst, error);
	if (!item)
		return -1;
	*item = entropy;
	return 0;
}

static const struct line_kind {
	const char *name;
	int words; /* after it */
	line_read *read;
} line_kinds[] = {
	{ "profile", 1, read_version }, { "window", 1, read_window },     { "learned", 3, read_learned },
	{ "dropped", 1, read_dropped }, { "observed", 5, read_observed }, { "talker", 7, read_talker },
	{ "beacon", 6, read_beacon },   { "entropy", 6, read_entropy },
};

static const struct line_kind *line_kind_find(const char *name)
{
	for (size_t i = 0; i < sizeof(line_kinds) / sizeof(line_kinds[0]); i++)
		if (!strcmp(name, line_kinds[i].name))
			return &line_kinds[i];
	return NULL;
}

static int take_line(void *context, unsigned long line, int argc, char **argv, struct error *error)
{
	const struct line_kind *kind = line_kind_find(argv[1]);
	struct reader *reader = context;

	(void)line;
	/* first of all: of another version, nothing else is known */
	if (!reader->has_version && (!kind || kind->read != read_version))
		return error_usage(error, argv[1], "not a profile of flow_watch, which begins with profile VERSION");
	if (!kind)
		return error_usage(error, argv[1], "nothing that a profile has");
	if (argc - 2 != kind->words)
		return error_usage(error, argv[1], "has %d words after it, not %d", kind->words, argc - 2);
	return kind->read(reader, argv + 2, error);
}

static int reader_finish(const struct reader *reader, const char *path, struct error *error)
{
	if (!reader->has_version)
		return error_usage(error, path, "not a profile of flow_watch, which begins with profile VERSION");
	if (!reader->has_window || !reader->has_learned)
		return error_usage(error, path, "has no line %s", reader->has_window ? "learned" : "window");
	return 0;
}

struct profile *profile_read(const char *path, struct error *error)
{
	struct reader reader = { .profile = profile_new(0) };

	if (!reader.profile) {
		error_errno(error, path);
		return NULL;
	}
	if (!batch_read(path, take_line, &reader, error) && !reader_finish(&reader, path, error))
		return reader.profile;
	profile_free(reader.profile);
	return NULL;
}
