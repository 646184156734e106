/* SPDX-License-Identifier: GPL-2.0-only */
/* What is kept of sessions beyond their counts. */
#include "flow_play.h"

#define DETAILED "detailed=1"

/* clang-format off */
static const struct scene scenes[] = {
	{ "nothing of it unless it is asked for", 0, "> udp len=9; < udp len=9 +7s", "flags=0 d.gaps.count=0 d.active_since=none od.headers=0 rd.data_packets=0", NULL },
	{ "gaps between packets of both ends", 0, "> udp; < udp +1us; > udp +3us; > udp +2us", "flags=8 d.gaps.count=3 d.gaps.sum=6000 d.gaps.squares.0=14000000 d.gaps.squares.1=0 d.gaps.min=1000 d.gaps.max=3000", DETAILED },
	{ "squares of 128 bits", 0, "> A; < A +3599s", "d.gaps.squares.0=13820275216722690048 d.gaps.squares.1=702172", DETAILED },
	{ "no time between what offload made one of", 0, "> A len=300 gso=100; < A +5us", "d.gaps.count=3 d.gaps.sum=5000 d.gaps.min=0 d.gaps.max=5000", DETAILED },
	{ "the clock of another CPU is behind", 0, "> udp @9us; < udp @5us; > udp @9us", "d.gaps.count=2 d.gaps.sum=0 d.gaps.max=0", DETAILED },
	{ "a pause is longer than a second", 0, "> udp; > udp +1s; < udp +1000000001", "d.pauses=1 d.idle.count=0 d.active_since=0", DETAILED },
	{ "five seconds are not idle", 0, "> udp; < udp +5s", "d.pauses=1 d.idle.count=0 d.active.count=0 d.active_since=0", DETAILED },
	{ "longer than that is, and ends what was active", 0, "> udp; < udp +2s; > udp +6s; > udp +1s; < udp +10s", "d.pauses=3 d.idle.count=2 d.idle.sum=16000000000 d.idle.min=6000000000 d.idle.max=10000000000 d.active.count=2 d.active.sum=3000000000 d.active.min=1000000000 d.active.max=2000000000 d.active_since=19s", DETAILED },
	{ "one packet alone is no time", 0, "> udp; > udp +6s; > udp +6s", "d.idle.count=2 d.active.count=0 d.active_since=12s", DETAILED },
	{ "lengths of payload", 0, "> A len=10; > A; > A len=30", "od.payload_min=0 od.payload_max=30 od.payload_squares=1000 od.data_packets=2 rd.payload_max=0", DETAILED },
	{ "of segments", 0, "> A len=250 gso=100", "od.payload_min=50 od.payload_max=100 od.payload_squares=22500 od.data_packets=3", DETAILED },
	{ "the least is of the first packet, too", 0, "> A len=10; > A len=30", "od.payload_min=10", DETAILED },
	{ "headers of TCP, with options", 0, "> S opt=20; > A len=300 gso=100 opt=12; > A", "od.headers=156 od.header_min=20", DETAILED },
	{ "of UDP", 0, "> udp len=5; < udp", "od.headers=8 od.header_min=8 rd.headers=8", DETAILED },
	{ "of ICMP", 0, "> icmp type=8 len=5", "od.headers=8 od.payload_max=5", DETAILED },
	{ "of what has none", 0, "> gre len=9", "od.headers=0 od.header_min=0 od.data_packets=1", DETAILED },
	{ "of later fragments", 0, "> udp frag=first len=16; > udp frag=last off=3 len=8", "od.headers=8 od.header_min=0 od.data_packets=2", DETAILED },
	{ "three in a row are no bulk", 0, "> A len=5 x=3", "od.bulks=0 od.bulk_packets=0 od.run_packets=3 od.run_bytes=15", DETAILED },
	{ "four are", 0, "> A len=5; > A len=5 +1us; > A len=5 +1us; > A len=5 +1us", "od.bulks=1 od.bulk_packets=4 od.bulk_bytes=20 od.bulk_time=3000", DETAILED },
	{ "and all after these", 0, "> A len=5; > A len=5 +1us; > A len=5 +1us; > A len=5 +1us; > A len=7 +4us", "od.bulks=1 od.bulk_packets=5 od.bulk_bytes=27 od.bulk_time=7000", DETAILED },
	{ "segments count", 0, "> A len=500 gso=100", "od.bulks=1 od.bulk_packets=5 od.bulk_bytes=500 od.bulk_time=0", DETAILED },
	{ "not those without payload", 0, "> A len=5 x=3; > A; > A len=5", "od.bulks=1 od.bulk_packets=4", DETAILED },
	{ "what the other end acknowledges is no end", 0, "> A len=5 x=3; < A; > A len=5", "od.bulks=1", DETAILED },
	{ "what it says is", 0, "> A len=5 x=3; < A len=1; > A len=5 x=3", "od.bulks=0 od.run_packets=3", DETAILED },
	{ "a second is no end", 0, "> A len=5 x=3; > A len=5 +1s", "od.bulks=1 od.bulk_time=1000000000", DETAILED },
	{ "longer is", 0, "> A len=5 x=4; > A len=5 +1000000001; > A len=5 x=3", "od.bulks=2 od.bulk_packets=8 od.bulk_time=0", DETAILED },
	{ "both ends", 0, "> A len=5 x=4; < A len=6 x=5; > A len=5 x=4", "od.bulks=2 rd.bulks=1 rd.bulk_packets=5 rd.bulk_bytes=30", DETAILED },
	{ "it goes on in the next generation", 0, "> A len=5 x=3; < A +2s; rotate; > A len=5 +6s; > A +9s", "flags=10 d.gaps.count=2 d.gaps.sum=15000000000 d.active.count=1 d.active.sum=2000000000 d.idle.count=2 d.active_since=17s od.run_packets=1 od.payload_min=0 od.payload_max=5 od.headers=40", DETAILED },
	{ "bulks go on", 0, "> A len=5 x=5; rotate; > A len=5 +1us; > A len=5 +1us", "od.bulks=0 od.bulk_packets=2 od.bulk_bytes=10 od.bulk_time=2000", DETAILED },
	{ "rows go on", 0, "> A len=5 x=3; rotate; > A len=5 +1us", "od.bulks=1 od.bulk_packets=4 od.bulk_bytes=20 od.bulk_time=1000", DETAILED },
	{ "sessions that are found by who answers", 0, "< SA; > A len=5", "flags=9 od.data_packets=1 rd.headers=20", DETAILED },
};
/* clang-format on */

void flow_detail_cases(struct fixture *fixture)
{
	scenes_run(fixture, scenes, COUNT(scenes));
}
