/* SPDX-License-Identifier: GPL-2.0-only */
/* Sampling: which packets are recorded, when that begins anew, what a record has. */
#include "flow_play.h"

#define MANY \
	"session_packets=100 sessions=100 packets=60 buffer_restart=1000s session_restart=1000s packet_restart=1000s"
#define NEVER " session_restart=1000s packet_restart=1000s buffer_restart=1000s"

/* clang-format off */
static const struct {
	struct scene scene;
	const char *records;
} samples[] = {
	{ { "not asked for", 0, "> udp x=3", "head.refused=0 head.epoch=0 sample_epoch=0", "sessions=10 packets=10" }, NULL },
	{ { "the first packets of a session", 0, "> udp len=1; < udp len=2 +1us; > udp len=3 +1us; > udp len=4", "head.epoch=1 head.taken=1 head.refused=0 sample_epoch=1 sampled=2 sample_last=1us buffer.lost=0", "session_packets=2 sessions=10 packets=10" NEVER }, "payload=1 from=0 time=0;payload=2 from=1 time=1us" },
	{ { "so many sessions", 0, "> udp sport=1; > udp sport=2 +1us; > udp sport=3 +1us; < udp sport=3; < udp sport=2 +1us", "head.taken=2 head.refused=2 sampled=1;sampled=2;sampled=0 sample_epoch=0", "session_packets=9 sessions=2 packets=10" NEVER }, "sport=0x0100;sport=0x0200;dport=0x0200 from=1" },
	{ { "no session at all", 0, "> udp x=3", "head.taken=0 head.refused=3 sampled=0", "session_packets=9 sessions=0 packets=10" NEVER }, NULL },
	{ { "sessions anew, some time after the last was taken up", 0, "> udp sport=1; > udp sport=2 +1s; > udp sport=3 @10999999999; > udp sport=3 @11s; > udp sport=1; > udp sport=2 +1us", "head.epoch=2 head.taken=2 head.refused=2 sample_epoch=2 sampled=1;sample_epoch=1 sampled=1;sample_epoch=2 sampled=1", "session_packets=9 sessions=2 packets=10 session_restart=10s packet_restart=1000s buffer_restart=1000s" }, "sport=0x0100;sport=0x0200;sport=0x0300 time=11s;sport=0x0100" },
	{ { "not before so many were", 0, "> udp sport=1; > udp sport=2 @20s; > udp sport=3 @30s", "head.epoch=1 head.taken=3 head.refused=0;;", "session_packets=9 sessions=3 packets=10 session_restart=1s packet_restart=1000s buffer_restart=1000s" }, ";;" },
	{ { "without such a time at once", 0, "> udp sport=1; > udp sport=2; > udp sport=2 +1; > udp sport=1 +1", "head.epoch=3 head.taken=1 head.refused=1 sampled=1;sampled=1", "session_packets=9 sessions=1 packets=10 packet_restart=1000s buffer_restart=1000s" }, "sport=0x0100 time=0;sport=0x0200 time=1;sport=0x0100 time=2" },
	{ { "taken up again, from the first packet on", 0, "> udp sport=1 x=5; > udp sport=2 @1s; > udp sport=1 @2s", "sampled=1 sample_epoch=3;sampled=1", "session_packets=2 sessions=1 packets=10 session_restart=1s packet_restart=1000s buffer_restart=1000s" }, "time=0;time=0;time=1s;time=2s" },
	{ { "packets anew, some time after the last was recorded", 0, "> udp; > udp +1s; > udp +4999999999; > udp @6s; > udp; > udp; > udp @11s", "sampled=1 head.taken=1", "session_packets=2 sessions=2 packets=10 packet_restart=5s session_restart=1000s buffer_restart=1000s" }, "time=0;time=1s;time=6s;time=6s;time=11s" },
	{ { "the buffer is full", 0, "> udp x=6", "buffer.lost=3 buffer.next=3 buffer.overwritten=0 sampled=3", "session_packets=100 sessions=2 packets=3" NEVER }, ";;" },
	{ { "the buffer anew, some time after the last record", 0, "> udp; > udp +1s; > udp +1s; > udp @11999999999; > udp @12s", "buffer.lost=1 buffer.next=1 buffer.overwritten=3 buffer.round=1 buffer.last=12s sampled=4", "session_packets=100 sessions=2 packets=3 buffer_restart=10s session_restart=1000s packet_restart=1000s" }, "time=12s round=2" },
	{ { "not before it is full", 0, "> udp; > udp @12s; > udp @24s", "buffer.round=0 buffer.overwritten=0 buffer.next=3", "session_packets=100 sessions=2 packets=4 buffer_restart=10s session_restart=1000s packet_restart=1000s" }, "time=0;time=12s;time=24s" },
	{ { "twice anew", 0, "> udp; > udp; > udp @1s; > udp; > udp @2s", "buffer.round=2 buffer.overwritten=4 buffer.next=1 buffer.lost=0", "session_packets=100 sessions=2 packets=2 session_restart=1000s packet_restart=1000s" }, "time=2s round=3" },
	{ { "no record at all", 0, "> udp x=3", "buffer.lost=3 sampled=0", "session_packets=100 sessions=2 packets=0" NEVER }, NULL },
	{ { "a new session with the key of one that is over", 0, "> R; > R; > R; > S +1us; > A", "sampled=2;sampled=2 sample_epoch=1", "session_packets=2 sessions=2 packets=10" NEVER }, "time=0;time=0;time=1us;time=1us" },
	{ { "the next generation samples anew", 0, "> udp x=3; rotate; > udp x=3 +1us", "flags=2 sampled=2 sample_epoch=1 head.epoch=1 head.taken=1", "session_packets=2 sessions=2 packets=10" NEVER }, "time=1us;time=1us" },

	/* what a record has */
	{ { "TCP", 4, "> FPA seq=0x01020304 ack=0x05060708 win=0x1234 len=100 opt=8 ttl=9", "", MANY }, "src=0x076433c6 src.1=0 dst=0x057100cb dst.1=0 sport=0x409c dport=0x5000 time=0 length=148 payload=100 seq=0x01020304 ack=0x05060708 window=0x1234 flags_frag=0 udp_length=0 vlan=0 proto=6 family=4 tcp_flags=0x19 icmp_type=0 icmp_code=0 hops=9 from=0 egress=0 round=1 segments=1" },
	{ { "TCP", 6, "> FPA seq=0x01020304 ack=0x05060708 win=0x1234 len=100 opt=8 ttl=9 chain=H", "", MANY }, "src=0x076433c6b80d0120 src.1=0 dst=0x057100cbb80d0120 sport=0x409c dport=0x5000 length=176 payload=100 seq=0x01020304 tcp_flags=0x19 proto=6 family=6 hops=9" },
	{ { "UDP that leaves, tagged", 0, "< udp len=20 vlan=7 on=out pad=9", "", MANY }, "sport=0x5000 dport=0x409c payload=20 udp_length=28 vlan=7 proto=17 egress=1 from=0 tcp_flags=0 seq=0 ack=0 window=0" },
	{ { "the one who was called first is the responder", 0, "< SA seq=1; > A", "", MANY }, "from=1 tcp_flags=0x12;from=0" },
	{ { "ICMP", 0, "> icmp type=3 code=2 len=20", "", MANY }, "sport=0 dport=0 icmp_type=3 icmp_code=2 payload=20 udp_length=0" },
	{ { "an echo", 4, "> icmp type=8 echo=5; < icmp type=0 echo=5", "", MANY }, "sport=0 dport=0 icmp_type=8;sport=0 dport=0 icmp_type=0 from=1" },
	{ { "without ports", 0, "> gre len=8", "", MANY }, "sport=0 dport=0 proto=47 payload=12" },
	{ { "fragments", 4, "> udp frag=first id=9 len=96; > udp frag=later off=13 id=9 len=80; > udp frag=last off=24 id=9 len=3", "", MANY }, "flags_frag=0x2000 udp_length=1104 payload=96 sport=0x409c;flags_frag=0x200d udp_length=0 payload=88 sport=0x409c dport=0x5000 proto=17;flags_frag=24 payload=11 length=31" },
	{ { "fragments", 6, "> udp frag=first id=9 len=96; > udp frag=later off=13 id=9 len=80; > udp frag=last off=24 id=9 len=3", "", MANY }, "flags_frag=0x2000 udp_length=1104 payload=96 sport=0x409c length=152;flags_frag=0x200d udp_length=0 payload=88 sport=0x409c proto=17;flags_frag=24 payload=11" },
	{ { "fragments of an echo have no ports", 4, "> icmp type=8 echo=5 frag=first id=9 len=8; > icmp frag=last off=2 id=9 len=8", "", MANY }, "sport=0 dport=0 icmp_type=8 payload=8;sport=0 dport=0 icmp_type=8 payload=16" },
	{ { "fragments of other ICMP have no ports", 0, "> icmp type=3 code=3 frag=first id=9 len=8; > icmp frag=last off=2 id=9 len=8", "", MANY }, "sport=0 dport=0 icmp_type=3;sport=0 dport=0 icmp_code=3" },
	{ { "an atomic fragment", 6, "> udp frag=atomic id=9 len=8", "", MANY }, "flags_frag=0 udp_length=16" },
	{ { "a super-packet is one record", 4, "> A len=1000 gso=300 seq=7", "o.packets=4", MANY }, "segments=4 length=1040 payload=1000 seq=7" },
	{ { "another interface", 0, "> udp on=lo", "", MANY }, "ifindex=1" },
};
/* clang-format on */

static void sample_run(struct fixture *fixture, size_t index, int family)
{
	const struct scene *scene = &samples[index].scene;
	struct stage *stage = stage_open(fixture, 64, scene->settings);

	stage_play(stage, family, scene->play);
	stage_expect(stage, stage->now, scene->expected);
	stage_expect_records(stage, samples[index].records);
	stage_compare(stage);
	stage_report(stage, scene->name, family);
	stage_close(stage);
}

/* There is room for fewer than are wanted. */
static void room_run(struct fixture *fixture, int family)
{
	struct stage *stage = stage_open(fixture, 64, "session_packets=1000 sessions=1 packets=1000" NEVER);

	stage_play(stage, family, "> udp x=200");
	if (stage->now->packets_head->next != stage->now->room ||
	    stage->now->packets_head->lost != 200 - stage->now->room)
		stage_wrong(stage, "%u records, %llu lost", stage->now->packets_head->next,
			    (unsigned long long)stage->now->packets_head->lost);
	stage_report(stage, "no more records than there is room", family);
	stage_close(stage);
}

void flow_sample_cases(struct fixture *fixture)
{
	stages_open(fixture);
	for (int family = 4; family <= 6; family += 2) {
		for (size_t i = 0; i < COUNT(samples); i++)
			if (!samples[i].scene.family || samples[i].scene.family == family)
				sample_run(fixture, i, family);
		room_run(fixture, family);
	}
	stages_close(fixture);
}
