/* SPDX-License-Identifier: GPL-2.0-only */
/* What sequence numbers, acknowledgements and the handshake tell. */
#include "flow_play.h"

#define SHAKEN(round_trip) "> S seq=100; < SA seq=300 ack=101 +" round_trip "; > A seq=101 ack=301; "

/* clang-format off */
static const struct scene scenes[] = {
	{ "in order", 0, "> A seq=1 len=10; > A seq=11 len=10; > A seq=21 len=1; < A seq=5 len=3", "o.next=22 r.next=8 o.retransmitted=0 o.out_of_order=0 o.hole_from=0 o.hole_to=0 history=Dd" },
	{ "sent again", 0, "> A seq=1 len=10; > A seq=1 len=10 +1s", "o.retransmitted=1 o.out_of_order=0 o.next=11 history=DT" },
	{ "a part of it sent again", 0, "> A seq=1 len=10; > A seq=5 len=3", "o.retransmitted=1 o.next=11" },
	{ "sent again with more", 0, "> A seq=1 len=10; > A seq=6 len=10", "o.retransmitted=1 o.next=16" },
	{ "begins before and reaches beyond", 0, "> A seq=10 len=10; > A seq=5 len=30", "o.retransmitted=1 o.next=35" },
	{ "a hole", 0, "> A seq=1 len=10; > A seq=21 len=10 @5us", "o.hole_from=11 o.hole_to=21 o.hole_time=5us o.next=31 o.retransmitted=0 o.out_of_order=0" },
	{ "a hole that is filled soon", 0, "> A seq=1 len=10; > A seq=21 len=10; > A seq=11 len=10 +2999999", "o.out_of_order=1 o.retransmitted=0 o.hole_from=21 o.hole_to=21 o.next=31 history=D" },
	{ "a hole that is filled late", 0, "> A seq=1 len=10; > A seq=21 len=10; > A seq=11 len=10 +3ms", "o.out_of_order=0 o.retransmitted=1 o.next=31 history=DT" },
	{ "from below", 0, "> A seq=1 len=10; > A seq=31 len=10; > A seq=11 len=5; > A seq=16 len=15", "o.out_of_order=2 o.hole_from=31 o.hole_to=31" },
	{ "from above", 0, "> A seq=1 len=10; > A seq=31 len=10; > A seq=21 len=10; > A seq=11 len=10", "o.out_of_order=2 o.hole_from=21 o.hole_to=21" },
	{ "in the middle: the lower part is left", 0, "> A seq=1 len=10; > A seq=41 len=10; > A seq=21 len=10", "o.out_of_order=1 o.hole_from=11 o.hole_to=21" },
	{ "twice into the hole", 0, "> A seq=1 len=10; > A seq=21 len=10; > A seq=11 len=10; > A seq=11 len=10", "o.out_of_order=1 o.retransmitted=1" },
	{ "a hole and what was there before", 0, "> A seq=1 len=10; > A seq=21 len=10; > A seq=5 len=10", "o.out_of_order=0 o.retransmitted=1 o.hole_from=11 o.hole_to=21" },
	{ "two packets are late", 0, "> A seq=1 len=10; > A seq=21 len=10; > A seq=41 len=10; > A seq=11 len=10; > A seq=31 len=10", "o.out_of_order=2 o.retransmitted=0" },
	{ "late or lost is a matter of the round trip", 0, SHAKEN("50us") "> A seq=101 len=10 ack=301; > A seq=121 len=10 ack=301; > A seq=111 len=10 ack=301 +49999", "o.out_of_order=1 o.retransmitted=0" },
	{ "after a round trip it is lost", 0, SHAKEN("50us") "> A seq=101 len=10 ack=301; > A seq=121 len=10 ack=301; > A seq=111 len=10 ack=301 +50us", "o.out_of_order=0 o.retransmitted=1" },
	{ "a long round trip", 0, SHAKEN("200ms") "> A seq=101 len=10 ack=301; > A seq=121 len=10 ack=301; > A seq=111 len=10 ack=301 +100ms", "o.out_of_order=1 o.retransmitted=0" },
	{ "times that go back are soon", 0, "> A seq=1 len=10 @1s; > A seq=21 len=10 @2s; > A seq=11 len=10 @1s", "o.out_of_order=1 o.retransmitted=0" },
	/* keep-alive: RFC 9293 section 3.8.4 */
	{ "keep-alive with a byte", 0, "> A seq=1 len=10; > A seq=10 len=1 x=3", "o.retransmitted=0 o.next=11 o.payload=13" },
	{ "keep-alive without", 0, "> A seq=1 len=10; > A seq=10 x=3", "o.retransmitted=0 o.next=11" },
	{ "a byte from before is none", 0, "> A seq=1 len=10; > A seq=9 len=1", "o.retransmitted=1" },
	{ "two bytes are none", 0, "> A seq=1 len=10; > A seq=9 len=2", "o.retransmitted=1" },
	{ "a FIN that is sent again is none", 0, "> FA seq=1; > FA seq=1", "o.retransmitted=1 o.next=2" },
	/* the numbers begin again */
	{ "wraps around", 0, "> A seq=0xfffffff0 len=32; > A seq=16 len=4; > A seq=0xfffffff8 len=8", "o.next=20 o.retransmitted=1" },
	{ "a hole that wraps around", 0, "> A seq=0xffffffe0 len=16; > A seq=16 len=16; > A seq=0xfffffff0 len=32", "o.out_of_order=1 o.hole_from=16 o.hole_to=16 o.next=32" },
	{ "ends with the last number", 0, "> A seq=0xfffffff0 len=16; > A seq=0 len=16; > A seq=0 len=16", "o.next=16 o.retransmitted=1" },
	/* SYN and FIN count as a byte each */
	{ "SYN takes a number", 0, "> S seq=100; > A seq=101 len=5", "o.next=106 o.retransmitted=0 o.hole_to=0" },
	{ "a SYN that is sent again", 0, "> S seq=100; > S seq=100 +1s; > S seq=100 +3s", "o.retransmitted=2 o.next=101 history=S o.tcp.1=3 syn=0" },
	{ "a SYN and ACK that is sent again", 0, "> S seq=100; < SA seq=300 ack=101; < SA seq=300 ack=101 +1s", "r.retransmitted=1 r.next=301 history=Sh" },
	{ "a SYN with data", 0, "> S seq=100 len=10; > A seq=111 len=5; > A seq=101 len=10", "o.next=116 o.retransmitted=1 history=SDT" },
	{ "a SYN with data that is sent again without", 0, "> S seq=100 len=10; > S seq=100", "o.next=111 o.retransmitted=1 history=S" },
	{ "FIN takes a number", 0, "> FA seq=100 len=10; < A ack=111", "o.next=111 r.missed=0 o.missed=0" },
	{ "a FIN that is sent again", 0, "> A seq=90 len=10; > FA seq=100; > FA seq=100 +1s", "o.retransmitted=1 o.next=101 history=DF" },
	{ "a FIN that is sent again with the data before it", 0, "> A seq=90 len=10; > FA seq=100; > FA seq=90 len=10 +1s", "o.retransmitted=1 o.next=101 history=DFT" },
	{ "another SYN is not what was sent before", 0, "> S seq=1000; > S seq=100 +1s; < SA seq=7 ack=101; > A seq=101 ack=8; > A seq=101 len=10; > A seq=111 len=10", "o.retransmitted=0 o.next=121 o.missed=0 history=SShAD o.hole_from=0 o.hole_to=0" },
	{ "nor a hole, nor something that was missed", 0, "> S seq=1000; > S seq=5000 +1s; < SA seq=7 ack=5001; > A seq=5001 ack=8 len=10", "o.retransmitted=0 o.next=5011 o.missed=0 o.hole_from=0 o.hole_to=0" },
	{ "another SYN forgets the hole", 0, "> A seq=1 len=10; > A seq=21 len=10; > S seq=5; > A seq=11 len=10", "o.hole_from=6 o.hole_to=11 o.out_of_order=0 o.retransmitted=0" },
	{ "both open at once", 0, "> S seq=100; < S seq=300 +1us; > SA seq=100 ack=301; < SA seq=300 ack=101; > A seq=101 ack=301", "o.retransmitted=1 r.retransmitted=1 history=SsHhA" },
	{ "pure acknowledgements are nothing again", 0, "> A seq=1 len=10; > A seq=5; > A seq=11; > A seq=100", "o.retransmitted=0 o.next=11 o.hole_to=0" },
	/* what was acknowledged, but not seen */
	{ "acknowledged and not seen", 0, "> A seq=1 len=10; < A ack=31; > A seq=31 len=5", "o.missed=20 o.missed_times=1 o.next=36 r.missed=0 o.hole_to=0 history=DaG" },
	{ "acknowledged twice", 0, "> A seq=1 len=10; < A ack=31; < A ack=31; < A ack=41", "o.missed=30 o.missed_times=2" },
	{ "who was not seen at all is missed nothing", 0, "< A ack=31; < A ack=41 seq=3", "o.missed=0 r.missed=0" },
	{ "a reset acknowledges nothing", 0, "> A seq=1 len=10; < RA ack=31", "o.missed=0 o.next=11" },
	{ "without ACK the field says nothing", 0, "> A seq=1 len=10; < P ack=31 len=1", "o.missed=0" },
	{ "a fragment acknowledges nothing", 0, "> A seq=1 len=10; < A ack=31 frag=first id=9 len=16", "o.missed=0" },
	{ "acknowledged around the end of the numbers", 0, "> A seq=0xfffffff0 len=8; < A ack=8", "o.missed=16" },
	{ "acknowledged less", 0, "> A seq=1 len=10; < A ack=5; < A ack=11", "o.missed=0 o.next=11" },
	{ "what was acknowledged is sent again", 0, "> A seq=1 len=10; < A ack=31; > A seq=11 len=20", "o.missed=20 o.retransmitted=1" },
	/* the handshake */
	{ "handshake", 0, "> S seq=100 @1us; < SA seq=300 ack=101 @20us; > A seq=101 ack=301 @35us; > A seq=101 ack=301 @40us", "start=1us syn=1us synack=20us ack=35us flags=4 history=ShA" },
	{ "the answer with data, acknowledged with data", 0, "> S seq=100 @1us; < SA seq=300 ack=101 @20us len=5; > PA seq=101 ack=306 len=7 @35us", "synack=20us ack=35us flags=4 history=ShD" },
	{ "sent again, the first counts", 0, "> S seq=100 @1us; > S seq=100 @2us; < SA seq=300 ack=101 @20us; < SA seq=300 ack=101 @25us; > A seq=101 ack=301 @35us", "syn=1us synack=20us ack=35us" },
	{ "another number acknowledges nothing", 0, "> S seq=100 @1us; < SA seq=300 ack=101 @20us; > A seq=101 ack=300 @35us; > A seq=101 ack=301 @40us", "ack=40us" },
	{ "what ends it acknowledges nothing", 0, "> S seq=100 @1us; < SA seq=300 ack=101 @20us; > RA seq=101 ack=301 @35us", "ack=none flags=0 ended=2" },
	{ "the answer alone", 0, "< SA seq=300 ack=101 @20us; > A seq=101 ack=301 @25us", "flags=5 start=20us syn=none synack=20us ack=25us history=^hA" },
	{ "an answer and a reset is no opening", 0, "< SRA seq=300", "flags=0 history=Q" },
	{ "no answer", 0, "> S seq=100 @1us; > A seq=101 ack=301 @25us", "synack=none ack=none" },
	{ "refused", 0, "> S seq=100 @1us; < RA seq=0 ack=101 @9us", "syn=1us synack=none ack=none ended=2 history=Sr" },
	/* the end */
	{ "one FIN is no end", 0, "> FA seq=1; > FA seq=1", "ended=0" },
	{ "both", 0, "> FA seq=1; < FA seq=1", "ended=1" },
	{ "a reset", 0, "> R seq=1", "ended=2" },
	{ "the first end counts: FIN", 0, "> FA seq=1; < FA seq=1; > R seq=2", "ended=1" },
	{ "the first end counts: RST", 0, "> FA seq=1; > R seq=2; < FA seq=1", "ended=2" },
	{ "FIN and RST is a reset", 0, "> FR seq=1", "ended=2" },
};
/* clang-format on */

void flow_tcp_cases(struct fixture *fixture)
{
	scenes_run(fixture, scenes, COUNT(scenes));
}
