/* SPDX-License-Identifier: GPL-2.0-only */
/* Histories, as the conn.log of Zeek has them: base/protocols/conn/main.zeek, TCPSessionAdapter.cc. */
#include "flow_play.h"

/* clang-format off */
static const struct scene scenes[] = {
	{ "a whole connection", 0, "> S seq=1; < SA seq=1 ack=2; > A seq=2 ack=2; > PA seq=2 ack=2 len=10; < A seq=2 ack=12; < PA seq=2 ack=12 len=20; > FA seq=12 ack=22; < FA seq=22 ack=13; > A seq=13 ack=23", "history=ShADadFf ended=1" },
	{ "letters of both ends", 0, "> S seq=1; < S seq=1; > SA seq=1; < SA seq=1; > A; < A; > A len=1 seq=2; < A len=1 seq=2; > FA seq=3; < FA seq=3; > R seq=4; < R seq=4", "history=SsHhAaDdFfRr" },
	{ "each once", 0, "> A x=20; > A seq=1 len=1; > A seq=2 len=1; < A x=2", "history=ADa" },
	{ "nothing at all", 0, "> . seq=1", "history=none" },
	{ "data without ACK", 0, "> P seq=1 len=5", "history=D" },
	{ "ACK and other flags is an acknowledgement", 0, "> PA seq=1; < AEC seq=1", "history=Aa" },
	{ "SYN with FIN", 0, "> SF seq=1 x=2; < SFA seq=1", "history=Qq" },
	{ "SYN with RST", 0, "> SR seq=1 x=2", "history=Q" },
	{ "FIN with RST", 0, "> FR seq=1 x=2; < FRA seq=1", "history=Ii" },
	{ "all three", 0, "> SFR seq=1", "history=I" },
	{ "data with SYN, FIN, RST is told by them", 0, "> S seq=1 len=5; > FA seq=7 len=5; < R seq=1 len=5", "history=SFr o.payload=10 r.payload=5" },
	{ "data with odd flags", 0, "> SF seq=1 len=5; < FR seq=1 len=5", "history=Qi" },
	{ "SYN again, with another number", 0, "> S seq=1; > S seq=1; > S seq=2; > S seq=2; > S seq=1", "history=SSS" },
	{ "SYN and ACK again, with another number", 0, "> S seq=1; < SA seq=1; < SA seq=1; < SA seq=2; < SA seq=1", "history=Shhh" },
	{ "RST again, with another number", 0, "> A seq=1; < R seq=1; < R seq=1; < R seq=2; > R seq=3", "history=ArrR" },
	{ "FIN again, with another number", 0, "> FA seq=1; > FA seq=1; > FA seq=2; < FA seq=1; < FA seq=9", "history=FFff" },
	{ "the number of a FIN is that after the data", 0, "> FA seq=11; > FA seq=1 len=10; > FA seq=6 len=5; > FA seq=11 len=5", "history=FTF" },
	{ "the number 0 is one", 0, "> S seq=0; > S seq=0; > R seq=0; > R seq=0; > R seq=1", "history=SRR" },
	{ "the direction was turned round", 0, "< SA seq=1 ack=2; > A seq=2 ack=2", "history=^hA" },
	{ "and the SYN came after all", 0, "< SA seq=1 ack=2; > S seq=1; > A seq=2 ack=2", "history=^hSA" },
	{ "sent again: 1, 10, 100", 0, "> A seq=1 len=5; > A seq=1 len=5 x=9; > A seq=1 len=5; < A seq=1; > A seq=1 len=5 x=90", "history=DTTaT o.retransmitted=100" },
	{ "sent again, 99 times", 0, "> A seq=1 len=5; > A seq=1 len=5 x=99", "history=DTT" },
	{ "windows of zero: 1, 10, 100", 0, "> A win=0 x=100; < A win=0 x=9", "history=AWWWaw" },
	{ "gaps: 1, 10", 0, "> A seq=1 len=1; < A ack=3; < A ack=4; < A ack=5; < A ack=6; < A ack=7; < A ack=8; < A ack=9; < A ack=10; < A ack=11; > A; < A ack=12", "history=DaGAG o.missed_times=10" },
	{ "a gap of the answering end", 0, "< A seq=1 len=1; > A ack=30", "history=DaG originator=0", },
	{ "several letters of one packet", 0, "> A seq=1 len=5; < A seq=1 len=5; < A seq=1 len=5 win=0 ack=9", "history=DdwtG" },
	{ "many at once: each power once", 0, "> A seq=1 len=1500 gso=100; > A seq=1 len=1500 gso=100 +1s", "history=DTT o.retransmitted=15" },
	{ "a SYN that is sent again is no data that is", 0, "> S seq=1; > S seq=1 x=20; < R seq=0", "history=Sr o.retransmitted=20" },
	{ "the first of data that is, whatever there was before", 0, "> S seq=1; > S seq=1 x=3; > A seq=2 len=5; > A seq=2 len=5", "history=SDT o.retransmitted=4" },
	{ "only so many letters", 0, "> S seq=1; > S seq=2; > S seq=3; > S seq=4; > S seq=5; > S seq=6; > S seq=7; > S seq=8; > S seq=9; > S seq=10; > S seq=11; > S seq=12; > S seq=13; > S seq=14; > S seq=15; > S seq=16; > S seq=17; > S seq=18; > S seq=19; > S seq=20; > S seq=21; > S seq=22; > S seq=23; > S seq=24; > S seq=25; > S seq=26; > S seq=27; > S seq=28; > S seq=29; > S seq=30; > S seq=31; > A; < A; < FA; > FA", "history=SSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSA ended=1 history_length=32" },
	{ "not of ICMP", 0, "> icmp type=3 len=10; < icmp type=3 len=10", "history=none" },
	{ "not of others", 0, "> gre len=10; < sctp len=10 +1us", "history=none;history=none" },
};
/* clang-format on */

void flow_history_cases(struct fixture *fixture)
{
	scenes_run(fixture, scenes, COUNT(scenes));
}
