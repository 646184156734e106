/* SPDX-License-Identifier: GPL-2.0-only */
/* What a host cannot do without, whatever rules say: to find its neighbours, and to get an address. */
#ifndef SPLICER_LIB_NEIGHBOUR_H
#define SPLICER_LIB_NEIGHBOUR_H

#include "abi/reasons.h"
#include "lib/bpf.h"
#include "lib/packet.h"

/* RFC 2131, 8415 */
#define DHCP_SERVER 67
#define DHCP_CLIENT 68
#define DHCPV6_SERVER 547
#define DHCPV6_CLIENT 546

/* Multicast listener discovery: RFC 2710, 3810 */
#define MLD_QUERY 130
#define MLD_DONE 132
#define MLD2_REPORT 143
#define MLD_HOP_LIMIT 1
/* Router solicitation to neighbour advertisement: RFC 4861 */
#define ND_FIRST 133
#define ND_LAST 136
#define ND_HOP_LIMIT 255 /* proves that no router forwarded it */

/*
 * MLD is of a link-local source, or of none yet (RFC 3810 5.1.14, 5.2.13), and no router forwards these. Its hop limit
 * proves nothing: whoever is far away can have it come to 1 just here.
 */
static __always_inline int is_of_this_link(const struct packet *p)
{
	return (p->src[0] & bpf_cpu_to_be64(0xffc0ull << 48)) == bpf_cpu_to_be64(0xfe80ull << 48) ||
	       !(p->src[0] | p->src[1]);
}

/* Also not in fragments, not even atomic ones: RFC 6980. */
static __always_inline __u32 row_neighbour(const struct packet *p)
{
	if (p->family != 6 || p->proto != IPPROTO_ICMPV6 || p->fragment)
		return REASON_NONE;
	if (p->icmp_type >= ND_FIRST && p->icmp_type <= ND_LAST)
		return p->hop_limit == ND_HOP_LIMIT ? REASON_NEIGHBOUR : REASON_NONE;
	if ((p->icmp_type >= MLD_QUERY && p->icmp_type <= MLD_DONE) || p->icmp_type == MLD2_REPORT)
		return p->hop_limit == MLD_HOP_LIMIT && is_of_this_link(p) ? REASON_NEIGHBOUR : REASON_NONE;
	return REASON_NONE;
}

/* What a client here and a server tell each other: the ports of both ends. */
static __always_inline __u32 row_dhcp(const struct packet *p, __be16 server, __be16 client)
{
	if (p->proto != IPPROTO_UDP)
		return REASON_NONE;
	if (p->family == 4 && server == bpf_htons(DHCP_SERVER) && client == bpf_htons(DHCP_CLIENT))
		return REASON_DHCP;
	if (p->family == 6 && server == bpf_htons(DHCPV6_SERVER) && client == bpf_htons(DHCPV6_CLIENT))
		return REASON_DHCP;
	return REASON_NONE;
}

#endif
