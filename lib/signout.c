/* SPDX-License-Identifier: GPL-2.0-only */
#include "signout.h"

#include "clock.h"
#include "out.h"
#include "proto.h"
#include "rule.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

int signout_refresh(struct signout *out, const struct contacts *contacts, struct error *error)
{
	out->by_packets = contacts->by_packets;
	out->offset = clock_epoch_offset();
	if (!out->banned)
		out->banned = repeats_new();
	if (!out->banned)
		return error_errno(error, "bans");
	return never_refresh(&out->never, error);
}

void signout_close(struct signout *out)
{
	repeats_free(out->banned);
	out->banned = NULL;
	never_free(&out->never);
}

static uint64_t epoch_us(const struct signout *out, uint64_t time)
{
	return (out->by_packets ? time : clock_to_epoch_by(time, out->offset)) / 1000;
}

static bool is_never(const struct signout *out, const struct sign *sign)
{
	return sign->has_src && never_has(&out->never, sign->family, sign->src);
}

static double window_of(const struct sign *sign)
{
	return (double)(sign->until - sign->since) / (double)CLOCK_SECOND;
}

/* ---- for people ---- */

static void print_time(const struct signout *out, uint64_t time)
{
	time_t seconds = (time_t)(epoch_us(out, time) / 1000000);
	struct tm tm;
	char text[32];

	if (out->absolute)
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &tm));
	else
		strftime(text, sizeof(text), "%H:%M:%S", localtime_r(&seconds, &tm));
	fputs(text, stdout);
}

/* Counts as they are, shares and bits with three digits. */
static void print_value(double value)
{
	bool is_whole = value == floor(value) || value >= 1000;

	printf(is_whole ? "%.0f" : "%.3g", value);
}

/* In the unit of the kind; a share as percent. */
static void print_measure(const struct sign *sign, double value)
{
	bool is_share = !strcmp(sign_rows[sign->kind].unit, "share");

	print_value(is_share ? 100 * value : value);
	if (is_share)
		fputs(" %", stdout);
}

static void print_subject(const struct sign *sign)
{
	char text[PREFIX_TEXT_MAX], proto[PROTO_TEXT_MAX];

	if (sign->has_src)
		printf(" %s", address_format(sign->family, sign->src, text));
	if (sign->has_dst || sign->has_dport)
		fputs(" ->", stdout);
	if (sign->has_dst)
		printf(" %s", address_format(sign->family, sign->dst, text));
	if (sign->has_dport)
		printf(" port %u", sign->dport);
	if (sign->proto >= 0)
		printf(" %s", proto_format((uint16_t)sign->proto, proto));
	if (service_name(sign->service))
		printf(" %s", service_name(sign->service));
}

/* The text of its kind, with numbers in it. */
static void print_observed(const struct sign *sign)
{
	for (const char *at = sign_rows[sign->kind].text; *at; at++) {
		if (*at != '%' || *++at == '%')
			putchar(*at);
		else if (*at == 'o')
			print_measure(sign, sign->observed);
		else
			printf("%" PRIu64, *at == 'n' ? sign->samples : sign->sources);
	}
}

static void print_text(const struct signout *out, const struct sign *sign)
{
	print_time(out, sign->until);
	printf(" %s", sign_rows[sign->kind].name);
	print_subject(sign);
	fputs(sign->is_least ? ": at least " : ": ", stdout);
	print_observed(sign);
	fputs(" in ", stdout);
	print_value(window_of(sign));
	fputs(" s (expected ", stdout);
	print_measure(sign, sign->expected);
	fputs(sign->observed < sign->expected ? ", sign up to " : ", sign from ", stdout);
	print_measure(sign, sign->threshold);
	fputs(is_never(out, sign) ? ", never banned)\n" : ")\n", stdout);
}

/* ---- for programs ---- */

static void out_time(struct out *line, const char *key, uint64_t us)
{
	char text[40];

	snprintf(text, sizeof(text), "%" PRIu64 ".%06" PRIu64, us / 1000000, us % 1000000);
	out_made(line, key, NULL, text, "");
}

static void out_double(struct out *line, const char *key, double value)
{
	char text[40];

	snprintf(text, sizeof(text), "%.10g", value);
	out_made(line, key, NULL, isfinite(value) ? text : "null", "");
}

static void out_address(struct out *line, const char *key, const struct sign *sign, bool has, const uint8_t *address)
{
	char text[PREFIX_TEXT_MAX];

	out_text(line, key, NULL, has ? address_format(sign->family, address, text) : NULL);
}

static void out_subject(struct out *line, const struct sign *sign)
{
	char proto[PROTO_TEXT_MAX], interface[INTERFACE_TEXT_MAX];

	out_address(line, "src", sign, sign->has_src, sign->src);
	out_address(line, "dst", sign, sign->has_dst, sign->dst);
	out_text(line, "proto", NULL, sign->proto < 0 ? NULL : proto_format((uint16_t)sign->proto, proto));
	out_number_or(line, "dport", NULL, sign->has_dport ? sign->dport : -1, NULL);
	out_text(line, "service", NULL, service_name(sign->service));
	out_text(line, "iface", NULL, sign->ifindex ? interface_format(sign->ifindex, interface) : NULL);
}

static void out_observed(struct out *line, const struct sign *sign)
{
	out_double(line, "observed", sign->observed);
	out_bool(line, "at_least", sign->is_least);
	out_double(line, "expected", sign->expected);
	out_double(line, "threshold", sign->threshold);
	out_text(line, "unit", NULL, sign_rows[sign->kind].unit);
	out_number(line, "samples", NULL, sign->samples);
	out_number_or(line, "sources", NULL, sign->sources ? (int64_t)sign->sources : -1, NULL);
}

static void print_json(const struct signout *out, const struct sign *sign)
{
	struct out line;

	out_open(&line, OUT_JSON_LINES);
	out_begin(&line);
	out_time(&line, "time", epoch_us(out, sign->until));
	out_text(&line, "sign", NULL, sign_rows[sign->kind].name);
	out_subject(&line, sign);
	out_observed(&line, sign);
	out_double(&line, "window", window_of(sign));
	out_time(&line, "since", epoch_us(out, sign->since));
	out_time(&line, "until", epoch_us(out, sign->until));
	out_bool(&line, "proven", sign->is_proven);
	out_bool(&line, "never", is_never(out, sign));
	out_end(&line);
	out_again(&line);
}

/* ---- for xdp_rule ---- */

static bool is_ban(const struct signout *out, const struct sign *sign)
{
	struct repeat_key key = { .family = sign->family };

	if (!sign->has_src || !sign_rows[sign->kind].is_for_bans || is_never(out, sign))
		return false;
	memcpy(key.src, sign->src, sizeof(key.src));
	return repeats_take(out->banned, &key, sign->until, out->again);
}

static void print_ban(const struct signout *out, const struct sign *sign)
{
	char address[PREFIX_TEXT_MAX];

	if (is_ban(out, sign))
		printf("%s -S flow_watch # %s\n", address_format(sign->family, sign->src, address),
		       sign_rows[sign->kind].name);
}

/* ---- any of these ---- */

void signout_print(void *context, const struct sign *sign)
{
	const struct signout *out = context;

	if (out->proven_only && !sign->is_proven)
		return;
	if (out->form == SIGNS_AS_JSON)
		print_json(out, sign);
	else if (out->form == SIGNS_AS_BANS)
		print_ban(out, sign);
	else
		print_text(out, sign);
	fflush(stdout);
}
