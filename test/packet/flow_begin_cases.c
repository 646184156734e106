/* SPDX-License-Identifier: GPL-2.0-only */
/* Where a session ends and the next begins. */
#include "flow_play.h"

/* clang-format off */
static const struct scene scenes[] = {
	{ "UDP, 60 seconds", 0, "> udp; > udp @60s; > udp @120000000001", "o.packets=2;o.packets=1 o.gaps=0 o.gap_sum=0" },
	{ "UDP, another time", 0, "> udp; > udp @2s; > udp @4000000001", "o.packets=2;o.packets=1", "idle_udp=2" },
	{ "TCP, an hour", 0, "> A; > A @3600s; > A @7200000000001", "o.packets=2;o.packets=1" },
	{ "TCP, another time", 0, "> A; > A @5s; > A @10000000001", "o.packets=2;o.packets=1", "idle_tcp=5" },
	{ "TCP after its end, 60 seconds", 0, "> R; > A @60s; > A @120000000001", "o.packets=2;o.packets=1 ended=0" },
	{ "TCP after its end, another time", 0, "> FA; < FA; > A @3s; > A @6000000001", "o.packets=2 r.packets=1;o.packets=1", "idle_ended=3 idle_tcp=1000" },
	{ "ICMP, 60 seconds", 0, "> icmp type=3; > icmp type=3 @60s; > icmp type=3 @120000000001", "o.packets=2;o.packets=1" },
	{ "others, another time", 0, "> gre; > sctp len=8 +1; > gre @7s; > sctp len=8 @7000000002", "o.packets=2;o.packets=1;o.packets=1", "idle_other=7 idle_udp=1 idle_tcp=1 idle_ended=1" },
	{ "the other direction keeps it too", 0, "> udp; < udp @60s; > udp @120s", "o.packets=2 r.packets=1" },
	{ "a new one has a direction of its own", 0, "> udp; < udp @61s; > udp @62s", "o.packets=1 originator=1;o.packets=1 r.packets=1 originator=0" },
	{ "times that go back begin nothing", 0, "> udp @1000s; > udp @1s", "o.packets=2" },
	{ "SYN after a reset", 0, "> S seq=1; < RA ack=2; > S seq=1 +1us; < RA ack=2", "history=Sr ended=2;history=Sr o.packets=1 r.packets=1" },
	{ "SYN after both FIN", 0, "> FA seq=1; < FA seq=1; > A seq=2; > S seq=9 +1us", "history=FfA;history=S o.retransmitted=0" },
	{ "from the other end too", 0, "> FA seq=1; < FA seq=1; < S seq=9 +1us", "originator=1;originator=0 history=S" },
	{ "SYN and ACK after an end begins nothing", 0, "> FA seq=1; < FA seq=1; > SA seq=9 +1us", "ended=1 history=FfH" },
	{ "SYN and FIN after an end begins nothing", 0, "> R seq=1; > SF seq=9 +1us", "history=RQ" },
	{ "SYN before the end begins nothing", 0, "> S seq=1; > FA seq=2; > S seq=9 +1us", "history=SFS ended=0" },
	{ "after an end what is left is of it", 0, "> FA seq=1; < FA seq=1; > A seq=2; < A seq=2", "o.packets=2 r.packets=2" },
	{ "ended is of TCP only", 0, "> udp; > udp @59s", "ended=0 o.packets=2" },
	{ "two sessions, one key: the newer takes the packets", 0, "> R seq=1; > S seq=1 +1us; > A seq=2 +1us", "o.packets=1;o.packets=2" },
	{ "one key, again and again: all places of two buckets", 0, "> udp; > udp +61s; > udp +61s; > udp +61s; > udp +61s; > udp +61s; > udp +61s; > udp +61s; > udp +61s; > udp +61s; > udp +61s; > udp +61s; > udp +61s; > udp +61s; > udp +61s; > udp +61s", "start=0 lost.evicted=0;;;;;;;;;;;;;;;" },
	{ "three", 0, "> R seq=1; > S seq=1 +1us; > R seq=2; > S seq=1 +1us; > A seq=2 +1us", "o.packets=1;o.packets=2;o.packets=2" },
};
/* clang-format on */

void flow_begin_cases(struct fixture *fixture)
{
	scenes_run(fixture, scenes, COUNT(scenes));
}
