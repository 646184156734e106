/* SPDX-License-Identifier: GPL-2.0-only */
/* Which packets are of one session, and who opened it. */
#include "flow_play.h"

/* clang-format off */
static const struct scene scenes[] = {
	{ "both directions of TCP", 0, "> A seq=1; < A +1us", "o.packets=1 r.packets=1 key.kind=0 start=0" },
	{ "the ends are ordered as words of the machine", 0, "> A; > A client=8 server=8 sport=1 dport=2 +1us; < A client=3 +1us", "originator=1;originator=0;originator=1" },
	{ "the server came first", 0, "< A; > A +1us; > A +1us", "o.packets=1 r.packets=2 originator=0" },
	{ "to itself: the lower port is the first end", 0, "> A client=9 server=9 sport=80 dport=443; < A client=9 server=9 sport=80 dport=443", "o.packets=1 r.packets=1 originator=0" },
	{ "to itself: the higher port opens", 0, "< A client=9 server=9 sport=80 dport=443; > A client=9 server=9 sport=80 dport=443", "o.packets=1 r.packets=1 originator=1" },
	{ "to itself, by one port: one direction", 0, "> A client=9 server=9 sport=80 dport=80; < A client=9 server=9 sport=80 dport=80", "o.packets=2 r.packets=0 originator=0" },
	{ "ports compared as numbers of the machine", 0, "> A client=9 server=9 sport=0x0102 dport=0x0201", "originator=1" },
	{ "the same ports at both ends", 0, "> udp sport=53 dport=53; < udp sport=53 dport=53", "o.packets=1 r.packets=1 key.proto=17" },
	{ "ports the other way round are another session", 0, "> udp sport=53 dport=80; > udp sport=80 dport=53 +1us", "o.packets=1 r.packets=0;o.packets=1 r.packets=0" },
	{ "TCP and UDP with the same ports", 0, "> A; > udp +1us", "key.proto=6;key.proto=17" },
	{ "another client, another server, another port", 0, "> A; > A client=8 +1us; > A server=6 +1us; > A sport=40001 +1us; > A dport=81 +1us", "o.packets=1;o.packets=1;o.packets=1;o.packets=1;o.packets=1" },
	{ "an echo and its answer", 4, "> icmp type=8 echo=77; < icmp type=0 echo=77 +1us", "o.packets=1 r.packets=1 key.kind=1 key.port.0=0x4d00 key.port.1=0x4d00 icmp_type=8 key.proto=1" },
	{ "an echo and its answer", 6, "> icmp type=128 echo=77; < icmp type=129 echo=77 +1us", "o.packets=1 r.packets=1 key.kind=1 key.port.0=0x4d00 key.port.1=0x4d00 icmp_type=128 key.proto=58" },
	{ "echoes are told apart by their identifiers", 4, "> icmp type=8 echo=77; > icmp type=8 echo=78 +1us", "key.port.0=0x4d00;key.port.0=0x4e00" },
	{ "echoes are told apart by their identifiers", 6, "> icmp type=128 echo=77; > icmp type=128 echo=78 +1us", "key.port.0=0x4d00;key.port.0=0x4e00" },
	{ "an echo with a code is none", 4, "> icmp type=8 code=1 echo=77; > icmp type=8 code=1 echo=78", "key.kind=2 key.port.0=0x0108 key.port.1=0x0108 icmp_code=1 o.packets=2" },
	{ "the types of the other family are no echoes", 6, "> icmp type=8 echo=77; > icmp type=8 echo=78; > icmp type=0 +1us", "key.kind=2 key.port.0=0x0008 o.packets=2;key.kind=2 key.port.0=0" },
	{ "the types of the other family are no echoes", 4, "> icmp type=128 echo=77; > icmp type=129 echo=77 +1us", "key.kind=2 key.port.0=0x0080;key.kind=2" },
	{ "other ICMP by type and code", 0, "> icmp type=3 code=1 echo=5; > icmp type=3 code=1 echo=6; > icmp type=3 code=3 +1us; > icmp type=11 code=1 +1us", "o.packets=2 key.kind=2 icmp_type=3 icmp_code=1 key.port.0=0x0103 key.port.1=0x0103;icmp_code=3;icmp_type=11" },
	{ "SCTP has ports", 0, "> sctp len=8; < sctp len=8; > sctp sport=5 len=8 +1us", "o.packets=1 r.packets=1 key.proto=132;key.kind=0" },
	{ "other protocols have none", 0, "> gre len=8; < gre len=8; > proto=50 len=20 +1us", "o.packets=1 r.packets=1 key.port.0=0 key.port.1=0 key.kind=0;key.proto=50" },
	{ "a tag in the packet", 0, "> udp tag=0x8100; < udp tag=0x8100; > udp +1us", "key.vlan=100 o.packets=1 r.packets=1;key.vlan=0" },
	{ "a service tag in the packet", 0, "> udp tag=0x88a8", "key.vlan=100" },
	{ "a tag that the kernel took off", 0, "> udp vlan=7; < udp vlan=7; > udp vlan=8 +1us; > udp +1us", "key.vlan=7 o.packets=1 r.packets=1;key.vlan=8;key.vlan=0" },
	{ "of two tags the outer one counts", 0, "> udp vlan=7 tag=0x8100; < udp vlan=7", "key.vlan=7 o.packets=1 r.packets=1" },
	{ "a tag is the same wherever it stands", 0, "> udp vlan=100; < udp tag=0x8100", "key.vlan=100 o.packets=1 r.packets=1" },
	{ "priority is no part of the id", 0, "> udp vlan=0x0064; < udp tag=0x8100", "key.vlan=100 o.packets=1 r.packets=1" },
	{ "leaving with a tag", 0, "> udp vlan=7 on=out; < udp vlan=7", "key.vlan=7 o.packets=1 r.packets=1" },
	{ "one interface, in and out", 0, "> udp on=out; < udp on=veth; > udp on=veth", "o.packets=2 r.packets=1" },
	{ "two interfaces, two sessions", 0, "> udp on=veth; > udp on=outpeer +1us; < udp on=peer +1us; < udp on=out +1us", "o.packets=1 r.packets=1;o.packets=1 r.packets=1" },
	{ "loopback: only what comes in", 0, "> udp on=lo; > udp on=outlo; < udp on=outlo; < udp on=lo", "o.packets=1 r.packets=1 key.ifindex=1" },
};
/* clang-format on */

void flow_key_cases(struct fixture *fixture)
{
	scenes_run(fixture, scenes, COUNT(scenes));
}
