/* SPDX-License-Identifier: GPL-2.0-only */
#include "ipfixout.h"

#include "ipfix.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#define DATAGRAM_MAX 1400 /* what tunnels leave of 1500, with some room */

/*
 * A socket has room for some 90 datagrams of this size by default (net.core.rmem_default, by what they take in memory),
 * and a collector must get the processor before that is full.
 */
#define IN_A_ROW 4
#define REST_NS 1000000

/* ---- as text ---- */

int ipfixout_parse(struct ipfixout *out, const char *to, struct error *error)
{
	out->to = to;
	out->kind = !strcmp(to, "-") ? IPFIX_TO_STDOUT : strchr(to, '/') ? IPFIX_TO_FILE : IPFIX_TO_COLLECTOR;
	if (out->kind == IPFIX_TO_COLLECTOR && !strchr(to, ':'))
		return error_usage(error, to, "neither HOST:PORT nor a file, which has a slash: ./FILE");
	return out->kind == IPFIX_TO_COLLECTOR ? collector_parse(to, &out->collector, error) : 0;
}

/* ---- open ---- */

static int collector_open(struct ipfixout *out, struct error *error)
{
	out->fd = collector_connect(&out->collector, error);
	if (out->fd < 0)
		return -1;
	if (out->collector.tcp)
		return 0;
	out->is_lossy = true;
	out->limit = collector_datagram_max(out->fd);
	if (out->limit > DATAGRAM_MAX)
		out->limit = DATAGRAM_MAX;
	return 0;
}

int ipfixout_open(struct ipfixout *out, struct error *error)
{
	out->limit = IPFIX_MESSAGE_MAX;
	out->is_lossy = false;
	out->in_row = 0;
	if (out->kind == IPFIX_TO_COLLECTOR)
		return collector_open(out, error);
	return out->kind == IPFIX_TO_FILE ? newfile_open(&out->file, out->to, error) : 0;
}

/* ---- sent ---- */

static void pace(struct ipfixout *out)
{
	struct timespec rest = { .tv_nsec = REST_NS };

	if (!out->is_lossy || ++out->in_row < IN_A_ROW)
		return;
	out->in_row = 0;
	nanosleep(&rest, NULL);
}

int ipfixout_send(struct ipfixout *out, const uint8_t *message, size_t size, struct error *error)
{
	if (out->kind == IPFIX_TO_COLLECTOR) {
		pace(out);
		return collector_send(&out->collector, out->fd, message, size, error);
	}
	if (out->kind == IPFIX_TO_STDOUT) {
		fwrite(message, size, 1, stdout);
		return 0;
	}
	return fwrite(message, size, 1, out->file.stream) == 1 ? 0 : error_errno(error, out->to);
}

/* ---- closed ---- */

int ipfixout_close(struct ipfixout *out, struct error *error)
{
	int result;

	if (out->kind == IPFIX_TO_FILE)
		return newfile_close(&out->file, error);
	if (out->kind == IPFIX_TO_STDOUT)
		return 0;
	result = collector_finish(&out->collector, out->fd, error);
	close(out->fd);
	return result;
}

void ipfixout_abandon(struct ipfixout *out)
{
	if (out->kind == IPFIX_TO_FILE)
		newfile_abandon(&out->file);
	else if (out->kind == IPFIX_TO_COLLECTOR)
		close(out->fd);
}
