/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SPLICER_LIB_SETTINGS_H
#define SPLICER_LIB_SETTINGS_H

#include "abi/config.h"
#include "lib/bpf.h"
#include "maps/config.h"

static __always_inline struct splicer_config *config_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&splicer1_config, &zero);
}

/* Whether anybody set this of any interface; bit as in splicer_config.settings_seen. */
static __always_inline int setting_was_seen(__u32 bit)
{
	struct splicer_config *config = config_get();

	return !config || config->settings_seen >> bit & 1;
}

static __always_inline __u32 setting_of(__u32 ifindex, enum splicer_setting setting)
{
	struct splicer_iface *iface = bpf_map_lookup_elem(&splicer1_ifaces, &ifindex);

	return iface ? iface->setting[setting] : 0;
}

/* What iface_set said of the interface, else of all; 0: nothing. */
static __always_inline __u32 setting_get(__u32 ifindex, enum splicer_setting setting)
{
	__u32 value;

	if (!setting_was_seen(setting))
		return 0;
	value = setting_of(ifindex, setting);
	return value ? value : setting_of(SPLICER_IFACE_ANY, setting);
}

static __always_inline int setting_passes(__u32 ifindex, enum splicer_setting setting)
{
	return setting_get(ifindex, setting) == GATE_PASS;
}

static __always_inline int setting_drops(__u32 ifindex, enum splicer_setting setting)
{
	return setting_get(ifindex, setting) == GATE_DROP;
}

#endif
