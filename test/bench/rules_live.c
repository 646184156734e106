/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Frames that go up the stack of an interface, so that splicer.o and nft are measured the same way. All are dropped at
 * ingress: by splicer.o or the filter after it, by the chain of nft, or at once, which is what the others are net of.
 */
#include "rules.h"

#include <bpf/bpf.h>
#include <linux/if_link.h>
#include <net/if.h>

#define DEVICE_SPLICER "wan0"
#define DEVICE_EMPTY "wan1"

static uint32_t device_index(const char *name)
{
	uint32_t ifindex = if_nametoindex(name);

	if (!ifindex)
		bench_fail(name);
	return ifindex;
}

static void filter_attach(uint32_t ifindex, int program, uint32_t priority)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, options, .prog_fd = program, .priority = priority, .handle = 1);

	/* it may be there already */
	bpf_tc_hook_create(&hook);
	if (bpf_tc_attach(&hook, &options))
		bench_fail("tc filter");
}

void live_attach(struct rules_bench *bench)
{
	uint32_t devices[] = { device_index(DEVICE_SPLICER), device_index(DEVICE_EMPTY), nft_device(NFT_SET),
			       nft_device(NFT_SPLIT) };
	int drop = bench_program(&bench->bench, "drop");

	libbpf_set_print(NULL);
	for (size_t i = 0; i < sizeof(devices) / sizeof(*devices); i++)
		if (bpf_xdp_attach((int)devices[i], bench_program(&bench->bench, "pass"), XDP_FLAGS_DRV_MODE, NULL))
			bench_fail("XDP program");
	filter_attach(devices[0], bench_program(&bench->bench, "splicer_ingress"), 1);
	filter_attach(devices[0], drop, 2);
	filter_attach(devices[1], drop, 1);
}

void live_run(struct rules_bench *bench, struct rules_result *result, const struct bench_frame *frame)
{
	uint32_t devices[2 + NFT_WAYS] = { device_index(DEVICE_EMPTY), device_index(DEVICE_SPLICER) };
	double ns[2 + NFT_WAYS], *places[2 + NFT_WAYS] = { &result->live_empty, &result->live_splicer };
	size_t count = 2;

	for (enum nft_way way = 0; way < NFT_WAYS; way++) {
		if (result->nft[way].load < 0)
			continue;
		devices[count] = nft_device(way);
		places[count++] = &result->nft[way].live;
	}
	bench_choose(&bench->bench, result->family, result->rules);
	bench_run_live(&bench->bench, frame, devices, ns, count);
	for (size_t i = 0; i < count; i++)
		*places[i] = ns[i];
}
