/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * xdp_filter.o: drops frames at the driver, by the rules of xdp_rule(8).
 *
 *     ip link set dev IF xdp obj xdp_filter.o sec xdp
 *
 * The packet path, row by row, is documented in splicer(7).
 */
#include "lib/bpf.h"
#include "lib/ctx_xdp.h"
#include "lib/packet.h"
#include "maps/config.h"
#include "maps/xdp.h"

#include "lib/filter.h"
#include "lib/filtered.h"

SEC("xdp")
int xdp_filter(struct xdp_md *ctx)
{
	struct filter_work *work = filter_begin();
	struct outcome o;

	if (!work)
		return XDP_DROP;
	o = filter_outcome(work, filter_forget(work, filter_decide(ctx, work)));
	filter_count(work, &o);
	filter_report(work, &o);
	filter_remember(work, &o);
	return filter_action(o.verdict);
}

char _license[] SEC("license") = "GPL";
