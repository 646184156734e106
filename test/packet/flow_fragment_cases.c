/* SPDX-License-Identifier: GPL-2.0-only */
/* Fragments: those that have no ports are of the session of the first. */
#include "flow_play.h"

/* clang-format off */
static const struct scene scenes[] = {
	{ "the first and the rest", 0, "> udp frag=first id=9 len=96; > udp frag=later off=13 id=9 len=80; > udp frag=last off=24 id=9 len=3", "o.packets=3 o.fragments=3 o.payload=195 key.kind=0 history=D" },
	{ "bytes of fragments", 4, "> udp frag=first id=9 len=96; > udp frag=last off=13 id=9 len=3", "o.bytes=155 o.payload=107" },
	{ "bytes of fragments", 6, "> udp frag=first id=9 len=96; > udp frag=last off=13 id=9 len=3", "o.bytes=211 o.payload=107" },
	{ "of TCP the first counts flags, not the rest", 0, "> PA frag=first id=9 len=100 seq=5 win=0; > PA frag=last off=15 id=9 len=40 seq=7 win=0", "o.packets=2 o.tcp.3=1 o.tcp.4=1 o.zero_windows=1 o.payload=160 o.known=6 o.retransmitted=0 o.next=0 history=DW" },
	{ "fragments tell nothing of sequence numbers", 0, "> A seq=1 len=10; > A frag=first id=9 len=16 seq=1; > A seq=11 len=5; > A frag=first id=10 len=16 seq=100; > A seq=16 len=1", "o.retransmitted=0 o.next=17 o.hole_from=0 o.hole_to=0" },
	{ "of an echo, with the identifier", 4, "> icmp type=8 echo=5 frag=first id=9 len=8; > icmp type=8 frag=last off=2 id=9 len=8; < icmp type=0 echo=5 frag=first id=10 len=8; < icmp frag=last off=2 id=10 len=8", "key.kind=1 key.port.0=0x0500 o.packets=2 r.packets=2 o.fragments=2 o.payload=24" },
	{ "of an echo, with the identifier", 6, "> icmp type=128 echo=5 frag=first id=9 len=8; > icmp frag=last off=2 id=9 len=8; < icmp type=129 echo=5 frag=first id=10 len=8; < icmp frag=last off=2 id=10 len=8", "key.kind=1 key.port.0=0x0500 o.packets=2 r.packets=2" },
	{ "of other ICMP", 0, "> icmp type=3 code=3 frag=first id=9 len=8; > icmp frag=last off=2 id=9 len=8", "key.kind=2 o.packets=2 icmp_type=3 icmp_code=3" },
	{ "the last came first", 0, "> udp frag=last off=13 id=9 len=8; > udp frag=first id=9 len=96 +1us; > udp frag=later off=13 id=9 len=8 +1us", "o.packets=1 key.port.0=0 key.port.1=0 key.kind=0 history=D;o.packets=2" },
	{ "the first was never seen", 0, "> udp frag=later off=13 id=9 len=8; > udp frag=last off=20 id=9 len=8; < udp frag=last off=13 id=11 len=8", "o.packets=2 r.packets=1 key.port.0=0 key.port.1=0" },
	{ "unknown ones of ICMP have no ports either", 0, "> icmp type=8 echo=3 frag=last off=13 id=9", "key.kind=0 key.port.0=0 icmp_type=0" },
	{ "another identification is another datagram", 0, "> udp frag=first id=9 len=96; > udp frag=last off=13 id=10 len=8 +1us", "o.packets=1;o.packets=1 key.port.0=0" },
	{ "an identification that is used again", 0, "> udp sport=1 frag=first id=9 len=96; > udp sport=2 frag=first id=9 len=96 +1us; > udp frag=last off=13 id=9 len=8 +1us", "o.packets=1;o.packets=2" },
	{ "two datagrams at a time", 0, "> udp sport=1 frag=first id=9 len=96; > udp sport=2 frag=first id=10 len=96 +1us; > udp frag=last off=13 id=9 len=8; > udp frag=last off=13 id=10 len=16", "o.packets=2 o.payload=112;o.packets=2 o.payload=120" },
	{ "the other direction has identifications of its own", 0, "> udp frag=first id=9 len=96; < udp frag=last off=13 id=9 len=8 +1us", "o.packets=1 r.packets=0;key.port.0=0" },
	{ "of IPv4 another protocol is another datagram", 4, "> udp frag=first id=9 len=96; > sctp frag=last off=13 id=9 len=8 +1us", "o.packets=1;key.proto=132" },
	{ "of IPv6 it is not", 6, "> udp frag=first id=9 len=96; > sctp frag=last off=13 id=9 len=8 +1us", "o.packets=2 key.proto=17" },
	{ "30 seconds later the first is forgotten", 0, "> udp frag=first id=9 len=96; > udp frag=last off=13 id=9 len=8 +29999999999; > udp frag=last off=13 id=9 len=8 @30s", "o.packets=2;o.packets=1 key.port.0=0" },
	{ "an atomic fragment is a whole packet", 6, "> S frag=atomic seq=9; > A frag=atomic seq=10 len=5", "o.packets=2 o.fragments=0 o.bytes=141 o.payload=5 history=SD o.next=15" },
	{ "a later fragment opens nothing and ends nothing", 0, "> R; > S frag=last off=13 id=9 len=8 +1us", "ended=2;o.tcp.1=0 history=none" },
	{ "unknown later fragments of TCP", 0, "> SA frag=last off=13 id=9 len=8", "flags=0 o.packets=1 o.tcp.1=0 o.payload=28 history=none o.known=0" },
};
/* clang-format on */

void flow_fragment_cases(struct fixture *fixture)
{
	scenes_run(fixture, scenes, COUNT(scenes));
}
