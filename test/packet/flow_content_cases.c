/* SPDX-License-Identifier: GPL-2.0-only */
/* The first bytes that each end sends. The model knows which they are: see shot_byte. */
#include "flow_play.h"

/* clang-format off */
static const struct scene scenes[] = {
	{ "of each end", 0, "> A len=3 seq=9; < A len=40 seq=5; > A len=9 seq=12", "content_length.0=3 content_length.1=24 o.known=7 r.known=7", NULL },
	{ "of UDP", 0, "> udp len=30; < udp len=1", "content_length.0=24 content_length.1=1 o.known=4", NULL },
	{ "as much as there is", 0, "> udp len=24; < udp len=25", "content_length.0=24 content_length.1=24", NULL },
	{ "not of packets without", 0, "> S; < SA; > A; > A len=4", "content_length.0=4 content_length.1=0 r.known=3", NULL },
	{ "after options", 0, "> A len=7 opt=40; < A len=7 opt=4", "content_length.0=7 content_length.1=7", NULL },
	{ "after IP options", 4, "> A len=7 ipopt=40", "content_length.0=7", NULL },
	{ "after extension headers", 6, "> A len=7 chain=HDRS", "content_length.0=7", NULL },
	{ "within a VLAN", 0, "> A len=7 tag=0x8100", "content_length.0=7", NULL },
	{ "of segments", 0, "> A len=300 gso=100", "content_length.0=24", NULL },
	{ "of the first fragment", 0, "> udp frag=first len=16; > udp frag=last off=3 len=8", "content_length.0=16", NULL },
	{ "not of a later one", 0, "> udp frag=last off=3 len=8; > gre +1us", "content_length.0=0 o.known=0;content_length.0=0", NULL },
	{ "not of ICMP", 0, "> icmp type=8 len=9", "content_length.0=0 o.known=0", NULL },
	{ "not of SCTP", 0, "> sctp len=9", "content_length.0=0", NULL },
	{ "what was cut off is not known", 0, "> A len=60 cut=40; < A len=60 cut=36", "content_length.0=0 o.known=7 content_length.1=24", NULL },
	{ "padding is no payload", 0, "> udp len=5 pad=30", "content_length.0=5", NULL },
	{ "known in the next generation", 0, "> A len=3; < A; rotate; > A len=9; < A len=8", "content_length.0=3 content_length.1=8", NULL },
	{ "not when it is not wanted", 0, "> A len=3; < A len=9; rotate; > A len=3", "content_length.0=0 content_length.1=0 o.known=7", "without_content=1" },
};
/* clang-format on */

void flow_content_cases(struct fixture *fixture)
{
	scenes_run(fixture, scenes, COUNT(scenes));
}
