#!/usr/bin/env bats
# shellcheck shell=bats
# flow_dump --ipfix on traffic, as tc attaches flow.o: what nfdump and ipfixDump read of it is what flow_dump -j shows.

# shellcheck source=test/net/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"
# shellcheck source=test/net/flow.bash
. "$BATS_TEST_DIRNAME/flow.bash"

PORT=4739

setup_file() {
	lab_host client wan0 192.0.2.1/24 2001:db8::1/64
	sysctl -qw net/ipv4/icmp_ratelimit=0 net/ipv6/icmp/ratelimit=0
	serve udp 192.0.2.1 7000 udp 2001:db8::1 7000 tcp 192.0.2.1 7011 tcp 2001:db8::1 7011
}

teardown_file() {
	stop_started
}

setup() {
	fresh_flow wan0
	file=$BATS_TEST_TMPDIR/sessions.ipfix
	shown=$BATS_TEST_TMPDIR/shown.json
}

teardown() {
	stop_started
}

# TCP that ends and that is refused, UDP, echoes, and ICMP with a code; the same in IPv6, and a VLAN.
traffic() {
	local mac
	assert_traffic client <<-END
		answer tcp 192.0.2.1 7011
		answer tcp 2001:db8::1 7011
		refused tcp 192.0.2.1 7009
		refused tcp 2001:db8::1 7009
		answer udp 192.0.2.1 7000
		answer udp 2001:db8::1 7000
		refused udp 192.0.2.1 7009
		refused udp 2001:db8::1 7009
		answer udp-large 192.0.2.1 7000
		answer ping 192.0.2.1 0
		answer ping 2001:db8::1 0
	END
	mac=$(lab_mac wan0)
	lab_on client frame eth0 vlan 7 "$mac" 192.0.2.99 4000 192.0.2.1 7009
	lab_on client frame eth0 vlan 7 "$mac" 2001:db8::99 4000 2001:db8::1 7009
	# the last one
	eventually vlans_are_seen
}

vlans_are_seen() {
	[ "$(flow_dump -qj --vlan 7 | fields vlan | wc -l)" = 2 ]
}


# collect [udp | tcp] ADDRESS [PAUSE]: fills $collector
collect() {
	started "$BATS_TEST_TMPDIR/collector.out" ipfix "$1" "$2" $PORT "$file" "${3:-0}"
	collector=$pid
	eventually grep -q ready "$BATS_TEST_TMPDIR/collector.out"
}

# nfcapd_start ADDRESS
nfcapd_start() {
	mkdir "$BATS_TEST_TMPDIR/nfcapd"
	started "$BATS_TEST_TMPDIR/nfcapd.log" nfcapd -w "$BATS_TEST_TMPDIR/nfcapd" -p $PORT -b "$1" -t 3600
	collector=$pid
	eventually grep -q Startup "$BATS_TEST_TMPDIR/nfcapd.log"
	eventually is_bound
}

is_bound() {
	[ -n "$(ss -Hlun "sport = :$PORT")" ]
}

# It writes what it has when it ends. Fills $received: flows, packets, bytes.
nfcapd_end() {
	eventually all_were_taken || return
	kill "$collector"
	assert_ends "$collector" 0 || return
	received=$(sed -nE "s/^Ident: .* Flows: ([0-9]+), Packets: ([0-9]+), Bytes: ([0-9]+), Sequence Errors: .*/\1 \2 \3/p" \
		"$BATS_TEST_TMPDIR/nfcapd.log")
}

all_were_taken() {
	[ "$(ss -Hlun "sport = :$PORT" | awk '{ sum += $2 } END { print sum + 0 }')" = 0 ]
}

# ---- what readers say ----

@test "nfcapd and nfdump: the sessions that flow_dump shows, both families, to the byte and the millisecond" {
	local to
	traffic
	for to in 127.0.0.1 ::1; do
		rm -rf "$BATS_TEST_TMPDIR/nfcapd"
		nfcapd_start "$to"
		[ "$to" = ::1 ] && to='[::1]'
		flow_dump -qj >"$shown"
		assert_quiet flow_dump -q --ipfix "$to:$PORT"
		nfcapd_end
		assert_exit 0 ipfix nfdump "$BATS_TEST_TMPDIR/nfcapd" "$shown"
		# with those that say that nobody listens; of each 15 numbers, and of TCP the flags
		assert_equal "$out" '15 records, 229 numbers' || return
		assert_match "$(<"$BATS_TEST_TMPDIR/nfcapd.log")" 'Sequence Errors: 0, Bad Packets: 0'
	done
}

@test "ipfixDump: each number of each record, by the table of splicer.flows(5)" {
	traffic
	flow_dump -qj >"$shown"
	assert_quiet flow_dump -q --ipfix "$file"
	assert_exit 0 ipfix dump "$file" "$shown"
	assert_equal "$out" '15 records, 465 numbers'
	# the same by way of standard output and of TCP
	flow_dump -q --ipfix - >"$file"
	assert_exit 0 ipfix dump "$file" "$shown"
	for to in 192.0.2.1 2001:db8::1; do
		collect tcp "$to"
		[ "$to" = 192.0.2.1 ] || to="[$to]"
		assert_quiet flow_dump -q --ipfix "tcp:$to:$PORT"
		assert_ends "$collector" 0
		assert_exit 0 ipfix dump "$file" "$shown"
		assert_equal "$out" '15 records, 465 numbers'
	done
}

@test "a number that is not the same is found by both" {
	local column
	traffic
	nfcapd_start 127.0.0.1
	flow_dump -qj >"$shown"
	flow_dump -q --ipfix 127.0.0.1:$PORT
	flow_dump -q --ipfix "$file"
	nfcapd_end
	for column in packets_rev bytes_fwd syn_fwd dport last; do
		python3 -ISc '
import json, sys
flows, column = json.load(open(sys.argv[1])), sys.argv[2]
flow = next(flow for flow in flows if flow["proto"] == "tcp")
flow[column] = not flow[column] if column == "syn_fwd" else flow[column] + (0.003 if column == "last" else 1)
json.dump(flows, open(sys.argv[1] + ".changed", "w"))' "$shown" "$column"
		assert_exit 1 ipfix dump "$file" "$shown.changed"
		assert_exit 1 ipfix nfdump "$BATS_TEST_TMPDIR/nfcapd" "$shown.changed"
	done
}

# ---- handed out in parts ----

@test "--reset: what a session sent since the last time, and the sum is what it sent" {
	local number packet mac
	mac=$(lab_mac wan0)
	nfcapd_start 192.0.2.1
	for number in 1 2 3; do
		for ((packet = 0; packet <= number; packet++)); do
			lab_on client frame eth0 udp "$mac" 192.0.2.99 4000 203.0.113.9 7009
			lab_on client frame eth0 udp "$mac" 2001:db8::99 4000 2001:db8:ffff::9 7009
		done
		eventually so_many_packets $((2 * number + 2)) || return
		flow_dump -qj >"$shown.$number"
		assert_quiet flow_dump -q --reset --ipfix 192.0.2.1:$PORT
	done
	nfcapd_end
	# as each was shown before it was handed out; what belongs together began at the same time
	python3 -ISc '
import json, sys
rows = [flow for path in sys.argv[1:] for flow in json.load(open(path)) if flow["dport"] == 7009]
assert len(rows) == 6 and len({flow["id"] for flow in rows}) == 2, rows
assert [flow["packets_fwd"] for flow in rows] == [2, 2, 3, 3, 4, 4], rows
assert [flow["continued"] for flow in rows] == 2 * [False] + 4 * [True], rows
json.dump(rows, sys.stdout)' "$shown".[123] >"$shown"
	assert_exit 0 ipfix nfdump "$BATS_TEST_TMPDIR/nfcapd" "$shown"
	assert_equal "$out" '6 records, 90 numbers'
	assert_equal "$(flow_dump -qj --reset | fields dport | grep 7009)" ''
}

so_many_packets() {
	[ "$(flow_dump -qj --dport 7009 | sums packets_fwd)" = "$1" ]
}

# ---- messages ----

@test "UDP: messages of 1400 bytes at most, templates again in each 32nd; a file and TCP: up to 65535 bytes" {
	local to
	# sessions of one packet, which nobody answers
	lab_on client "$LAB_OBJECTS/test/flood" eth0 "$(lab_mac wan0)" udp 203.0.113.9 9 0 1500 1
	lab_on client "$LAB_OBJECTS/test/flood" eth0 "$(lab_mac wan0)" udp 2001:db8:ffff::9 9 0 1500 1
	eventually all_were_counted
	collect udp 192.0.2.1
	assert_quiet flow_dump -q --ipfix 192.0.2.1:$PORT
	eventually all_were_taken
	kill "$collector"
	assert_ends "$collector" 0
	assert_messages 1400 1100
	assert_equal "$(awk '$3 { print NR % 32 }' "$BATS_TEST_TMPDIR/messages" | sort -u)" 1 'messages with templates'
	assert_equal "$(awk '$3 { print $3 }' "$BATS_TEST_TMPDIR/messages" | sort | uniq -c | awk '{ print ($1 > 4), $2 }')" '1 2'
	# each is a datagram
	assert_equal "$(awk '{ print $1 }' "$BATS_TEST_TMPDIR/messages")" "$(<"$file.sizes")" 'sizes'

	assert_quiet flow_dump -q --ipfix "$file"
	assert_messages 65535 60000
	assert_equal "$(awk '$3 { print NR }' "$BATS_TEST_TMPDIR/messages")" 1 'messages with templates'
	collect tcp 192.0.2.1
	assert_quiet flow_dump -q --ipfix tcp:192.0.2.1:$PORT
	assert_ends "$collector" 0
	assert_messages 65535 60000
}

all_were_counted() {
	[ "$(flow_dump -qj -p udp --dport 9 | fields dport | wc -l)" = 3000 ]
}

# assert_messages MOST LEAST: none is longer than this, all but the last one are longer than that, 3000 records and more
assert_messages() {
	assert_exit 0 ipfix messages "$file" || return
	sed '$d' <<<"$out" >"$BATS_TEST_TMPDIR/messages"
	assert_match "${out##*$'\n'}" '^30[0-9]+ in all' || return
	assert_equal "$(awk -v most="$1" '$1 > most' "$BATS_TEST_TMPDIR/messages")" '' "longer than $1" || return
	assert_equal "$(sed '$d' "$BATS_TEST_TMPDIR/messages" | awk -v least="$2" '$1 < least')" '' "shorter than $2"
}

@test "a link that takes less: UDP messages of that size" {
	ip link set wan0 mtu 1280
	lab_on client ip link set eth0 mtu 1280
	traffic
	started "$BATS_TEST_TMPDIR/collector.out" nsenter --net=/run/netns/client -- ipfix udp 2001:db8::2 $PORT "$file"
	collector=$pid
	eventually grep -q ready "$BATS_TEST_TMPDIR/collector.out"
	assert_quiet flow_dump -q --ipfix "[2001:db8::2]:$PORT"
	eventually test -s "$file.sizes"
	kill "$collector"
	assert_ends "$collector" 0
	ip link set wan0 mtu 1500
	lab_on client ip link set eth0 mtu 1500
	assert_equal "$(awk '$1 > 1232' "$file.sizes")" ''
	assert_match "$(head -n 1 "$file.sizes")" '^1[12]'
}

# ---- many ----

@test "twenty thousand sessions by UDP: nfcapd with its default buffer gets all of them" {
	flow_set --capacity 50000
	lab_on client "$LAB_OBJECTS/test/flood" eth0 "$(lab_mac wan0)" udp 203.0.113.9 9 0 20000 1
	eventually twenty_thousand
	nfcapd_start 127.0.0.1
	flow_dump -qj --port 9 >"$shown"
	assert_quiet flow_dump -q --port 9 --ipfix 127.0.0.1:$PORT
	nfcapd_end
	assert_equal "$received" '20000 20000 560000'
	assert_exit 0 ipfix nfdump "$BATS_TEST_TMPDIR/nfcapd" "$shown"
}

twenty_thousand() {
	[ "$(flow_dump --summary -j | fields sessions)" -ge 20000 ]
}
