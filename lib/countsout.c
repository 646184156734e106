/* SPDX-License-Identifier: GPL-2.0-only */
#include "countsout.h"

#include "abi/reasons.h"
#include "eventout.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static int counts_read(int map, size_t cpus, struct splicer_count sums[REASON_COUNT])
{
	struct splicer_count *values = calloc(cpus, sizeof(*values));
	int result = values ? 0 : -1;

	for (__u32 reason = 0; reason < REASON_COUNT && !result; reason++) {
		result = bpf_map_lookup_elem(map, &reason, values);
		for (size_t cpu = 0; cpu < cpus && !result; cpu++) {
			sums[reason].packets += values[cpu].packets;
			sums[reason].bytes += values[cpu].bytes;
		}
	}
	free(values);
	return result;
}

static void counts_out(struct out *out, const struct splicer_count sums[REASON_COUNT])
{
	do {
		for (unsigned int reason = 0; reason < REASON_COUNT; reason++) {
			if (!sums[reason].packets)
				continue;
			out_begin(out);
			out_text(out, "verdict", "VERDICT", verdict_name(reason_verdict(reason)));
			out_text(out, "reason", "REASON", reason_name(reason));
			out_number(out, "packets", "PACKETS", sums[reason].packets);
			out_number(out, "bytes", "BYTES", sums[reason].bytes);
			out_text(out, "text", "MEANING", reason_text(reason));
			out_end(out);
		}
	} while (out_again(out));
}

int counts_print(const struct pins *pins, enum out_form form, struct error *error)
{
	struct splicer_count sums[REASON_COUNT] = { 0 };
	int cpus = libbpf_num_possible_cpus(), map = pin_open(pins, &pin_counts, error);
	struct out out;

	if (map < 0)
		return -1;
	if (cpus < 0 || counts_read(map, (size_t)cpus, sums))
		return error_errno(error, SPLICER_COUNTS);
	close(map);
	out_open(&out, form);
	counts_out(&out, sums);
	return 0;
}
