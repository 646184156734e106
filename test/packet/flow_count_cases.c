/* SPDX-License-Identifier: GPL-2.0-only */
/* What is counted of each direction. */
#include "flow_play.h"

#include <netinet/in.h>
#include <stdio.h>

/* clang-format off */
static const struct scene scenes[] = {
	{ "packets, bytes and payload, without padding", 4, "> A len=100 pad=30; > A len=50; < A pad=6", "o.packets=2 o.bytes=230 o.payload=150 r.packets=1 r.bytes=40 r.payload=0 o.length_squares=27700 o.length_min=90 o.length_max=140 r.length_min=40 r.length_max=40 o.lengths.2=1 o.lengths.3=1 r.lengths.1=1" },
	{ "packets, bytes and payload, without padding", 6, "> A len=100 pad=30; > A len=50; < A pad=6", "o.packets=2 o.bytes=270 o.payload=150 r.packets=1 r.bytes=60 r.payload=0 o.length_squares=37700 o.length_min=110 o.length_max=160 r.lengths.1=1" },
	{ "TCP options are no payload", 4, "> A len=10 opt=40", "o.bytes=90 o.payload=10" },
	{ "TCP options are no payload", 6, "> A len=10 opt=12", "o.bytes=82 o.payload=10" },
	{ "IP options are no payload", 4, "> udp len=10 ipopt=40", "o.bytes=78 o.payload=10" },
	{ "extension headers are no payload", 6, "> udp len=10 chain=HDRSM", "o.bytes=138 o.payload=10" },
	{ "UDP with nothing in it", 0, "> udp", "o.payload=0 history=none" },
	{ "payload of ICMP", 0, "> icmp type=3 len=20", "o.payload=20 history=none" },
	{ "payload of others is all", 0, "> gre len=20", "o.payload=24 history=none" },
	{ "payload of SCTP is all", 0, "> sctp len=20", "o.payload=24" },
	{ "a VLAN tag is not counted", 4, "> udp len=10 tag=0x8100; > udp len=10 vlan=100", "o.packets=2 o.bytes=76" },
	{ "UDP is data once for each end", 0, "> udp len=1; > udp len=1; < udp len=1; < udp", "history=Dd" },
	{ "TTL", 0, "> udp ttl=64; > udp ttl=1; > udp ttl=255; < udp ttl=17", "o.hops_min=1 o.hops_max=255 r.hops_min=17 r.hops_max=17" },
	{ "TTL of an opening that was turned round", 0, "< SA ttl=9; > A ttl=64", "r.hops_min=9 r.hops_max=9 o.hops_min=64 o.hops_max=64 flags=1" },
	{ "each TCP flag", 0, "> F; > S sport=1 +1us; > R sport=2 +1us; > P sport=3 +1us; > A sport=4 +1us; > U sport=5 +1us; > E sport=6 +1us; > C sport=7 +1us; > . sport=8 +1us; > FSRPAUEC sport=9 +1us", "o.tcp.0=1 o.tcp.1=0;o.tcp.1=1 o.tcp.0=0;o.tcp.2=1;o.tcp.3=1;o.tcp.4=1 o.tcp.3=0 o.tcp.5=0;o.tcp.5=1;o.tcp.6=1;o.tcp.7=1;o.tcp.4=0;o.tcp.0=1 o.tcp.1=1 o.tcp.2=1 o.tcp.3=1 o.tcp.4=1 o.tcp.5=1 o.tcp.6=1 o.tcp.7=1" },
	{ "the window of the first packet of each end", 0, "> S win=100; > A win=200; < SA win=0xffff; < A win=1", "o.window=100 r.window=65535 o.known=3 r.known=3" },
	{ "a first window of 0 is one", 0, "> S win=0; > A win=200", "o.window=0 o.zero_windows=1" },
	{ "windows of zero, but of resets", 0, "> A win=0 x=3; > RA win=0; > R win=0; < A win=1; < A win=0", "o.zero_windows=3 r.zero_windows=1 history=AWRaw" },
	/* gaps */
	{ "gaps", 0, "> udp; > udp +1000; > udp +3000; > udp +2000; < udp +7", "o.gaps=3 o.gap_sum=6000 o.gap_min=1000 o.gap_max=3000 o.gap_squares=14000000 o.gap_squares.1=0 r.gaps=0 r.gap_sum=0 o.first=0 o.last=6000 r.first=6007 r.last=6007 o.gap_times=1 o.gap_times.1=1 o.gap_times.2=1" },
	{ "times that go back are no gap", 0, "> udp @10us; > udp @5us; > udp @12us", "start=10us o.first=10us o.last=12us o.gaps=2 o.gap_sum=2000 o.gap_min=0 o.gap_max=2000" },
	{ "squares of 128 bits", 0, "> udp; > udp +4294967296; > udp +4294967297; > udp +4294967296", "o.gaps=3 o.gap_squares.1=3 o.gap_squares=8589934593" },
	{ "squares of 128 bits, with both halves", 0, "> udp; > udp +10000000007; > udp +123456789123", "o.gap_squares.1=831 o.gap_squares=12334455448253716282", "idle_udp=1000" },
	{ "the gap from 0 is one", 0, "> udp x=3", "o.gaps=2 o.gap_min=0 o.gap_max=0 o.gap_times=2" },
	/* what offload made of several */
	{ "a super-packet", 4, "> PA len=1000 gso=300 seq=1", "o.packets=4 o.bytes=1160 o.payload=1000 o.length_min=140 o.length_max=340 o.length_squares=366400 o.gaps=3 o.gap_min=0 o.gap_max=0 o.gap_times=3 o.lengths.3=1 o.lengths.4=3 o.tcp.3=1 o.tcp.4=4 o.next=1001" },
	{ "a super-packet", 6, "> PA len=1000 gso=300 seq=1", "o.packets=4 o.bytes=1240 o.payload=1000 o.length_min=160 o.length_max=360 o.gaps=3 o.tcp.3=1 o.tcp.4=4" },
	{ "a super-packet whose segments are counted", 4, "> A len=1000 gso=300 segs=4", "o.packets=4 o.bytes=1160" },
	{ "a super-packet of equal segments", 4, "> A len=900 gso=300", "o.packets=3 o.bytes=1020 o.length_min=340 o.length_max=340 o.lengths.4=3" },
	{ "the last segment is one byte", 4, "> A len=901 gso=300", "o.packets=4 o.length_min=41 o.length_max=340 o.bytes=1061" },
	{ "no more than a segment", 4, "> A len=300 gso=300", "o.packets=1 o.bytes=340" },
	{ "flags of super-packets", 0, "> FSRPAUEC len=900 gso=300", "o.packets=3 o.tcp.0=1 o.tcp.1=1 o.tcp.2=1 o.tcp.3=1 o.tcp.4=3 o.tcp.5=1 o.tcp.6=3 o.tcp.7=1" },
	{ "TCP options are of each segment", 4, "> A len=900 gso=300 opt=12", "o.packets=3 o.bytes=1056 o.payload=900" },
	{ "UDP segments", 4, "> udp len=1000 gso=300 segs=4", "o.packets=4 o.bytes=1112 o.payload=1000 o.length_max=328 o.length_min=128" },
	{ "UDP segments", 6, "> udp len=1000 gso=300", "o.packets=4 o.bytes=1192 o.payload=1000" },
	{ "gaps between super-packets", 0, "> A len=600 gso=300 seq=1; > A len=600 gso=300 seq=601 +1ms", "o.packets=4 o.gaps=3 o.gap_sum=1000000 o.gap_min=0 o.gap_max=1000000 o.gap_times=2 o.gap_times.10=1" },
	{ "windows of zero of super-packets", 0, "> A len=900 gso=300 win=0", "o.zero_windows=3" },
	{ "a super-packet that was sent again", 0, "> A len=900 gso=300 seq=1; > A len=900 gso=300 seq=1 +1s", "o.retransmitted=3 history=DT" },
};

/* a capture that has the first bytes of packets only: the last table */
static const struct scene cut[] = {
	{ "a packet of which less was captured", 4, "> A len=1000 cut=1000; < A len=900 cut=890", "o.packets=1 o.bytes=1040 o.payload=1000 r.bytes=940 history=Dd head.malformed.packets=0" },
	{ "a packet of which less was captured", 6, "> A len=1000 cut=1000; < udp len=900 cut=900", "o.bytes=1060 o.payload=1000;o.bytes=948 o.payload=900" },
	{ "a packet without its ports", 4, "> A cut=5; > udp cut=1; > A cut=20", NULL },
	{ "they are malformed", 4, "> udp; > A cut=5; > A cut=4 +1us", "o.packets=1 head.malformed.packets=1 head.malformed.bytes=49;o.bytes=40" },
	{ "of TCP, options may be missing", 4, "> A opt=20 len=20 cut=40", "o.bytes=80 o.payload=20" },
};
/* clang-format on */

/* ---- every edge of the bins ---- */

/* A packet that says that it has this length, though most of it is not there, is in this bin and no other. */
static void length_run(struct stage *stage, int family, uint32_t length)
{
	struct shot shot = shot_usual(family);
	const struct flow *sessions[SESSIONS_MAX];
	struct frame frame;
	char why[128];
	uint32_t bin = 0;

	shot.proto = IPPROTO_UDP;
	shot_build(&shot, &frame);
	frame_put16(&frame, frame.network + (family == 4 ? 2 : 4), (uint16_t)(length - (family == 4 ? 0 : 40)));
	if (!frame_runs(stage->fixture, &shot, &frame, why, sizeof(why)))
		stage_wrong(stage, "%s", why);
	while (bin + 1 < FLOW_LENGTH_BINS && length >= 32u << bin)
		bin++;
	if (generation_sessions(stage->now, sessions) != 1 || sessions[0]->side[0].lengths[bin] != 1 ||
	    sessions[0]->side[0].length_min != length || sessions[0]->side[0].bytes != length)
		stage_wrong(stage, "%u bytes are not in bin %u", length, bin);
}

static void lengths_run(struct fixture *fixture, int family)
{
	for (uint32_t edge = 32; edge <= 65536; edge *= 2)
		for (uint32_t length = edge - 1; length <= edge && length < 65536; length++) {
			struct stage *stage;
			char name[64];

			if (length < (family == 4 ? 28 : 48))
				continue;
			stage = stage_open(fixture, 1, NULL);
			length_run(stage, family, length);
			snprintf(name, sizeof(name), "a packet of %u bytes", length);
			stage_report(stage, name, family);
			stage_close(stage);
		}
}

/* Likewise a gap of this many ns. */
static void gaps_run(struct fixture *fixture, int family)
{
	for (uint32_t bin = 0; bin < FLOW_GAP_BINS; bin++)
		for (int edge = 0; edge < 2; edge++) {
			uint64_t gap = (1ull << (FLOW_GAP_BIN_LOG2 + bin)) - (edge ? 0 : 1);
			uint32_t expected = edge || !bin ? bin : bin - 1;
			struct stage *stage = stage_open(fixture, 64, "idle_udp=100000");
			char play[64], sessions[64], name[64];

			snprintf(play, sizeof(play), "> udp; > udp +%llu", (unsigned long long)gap);
			snprintf(sessions, sizeof(sessions), "o.gaps=1 o.gap_times.%u=1", expected);
			snprintf(name, sizeof(name), "a gap of %llu ns", (unsigned long long)gap);
			stage_play(stage, family, play);
			stage_expect(stage, stage->now, expected ? sessions : "o.gaps=1 o.gap_times=1");
			stage_compare(stage);
			stage_report(stage, name, family);
			stage_close(stage);
		}
}

void flow_count_cases(struct fixture *fixture)
{
	scenes_run(fixture, scenes, COUNT(scenes));
	scenes_run(fixture, cut, COUNT(cut));
	stages_open(fixture);
	for (int family = 4; family <= 6; family += 2) {
		lengths_run(fixture, family);
		gaps_run(fixture, family);
	}
	stages_close(fixture);
}
