#!/usr/bin/env bats
# shellcheck shell=bats
# What flow.o counts of captures is what other tools count of them: tshark, nfdump, ndpiReader. What each of their numbers
# means, and where they count something else, stands in the readers of test/net/compare.

# shellcheck source=test/net/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"

replay=$BATS_TEST_DIRNAME/../../scripts/replay

setup_file() {
	local file name
	captures "$BATS_FILE_TMPDIR"
	for file in "$BATS_FILE_TMPDIR"/*.pcap; do
		name=${file##*/}
		[[ $name = link_* ]] || "$replay" "$file" -- -j >"${file%.pcap}.json"
	done
}

teardown() {
	stop_started
}

# same TOOL NAME [OPTION]...: fills $out
same() {
	local tool=$1 name=$BATS_FILE_TMPDIR/$2
	shift 2
	assert_exit 0 compare "$tool" "$name.pcap" "$name.json" "$@"
}

# assert_same TOOL: its input has lines "NAME ROWS NUMBERS [OPTION]..."; as many were compared, and all were the same
assert_same() {
	local name rows numbers options
	while read -r name rows numbers options; do
		# shellcheck disable=SC2086  # words
		same "$1" "$name" $options || return
		assert_equal "$out" "$rows rows, $numbers numbers" "$name" || return
	done
}

# assert_differs TOOL NAME FIELD: in this
assert_differs() {
	assert_exit 1 compare "$1" "$BATS_FILE_TMPDIR/$2.pcap" "$BATS_FILE_TMPDIR/$2.json" || return
	assert_match "$out" " $3: expected"
}

@test "tshark: packets, bytes, times, flags, gaps, lengths, windows, retransmissions, round trips of each direction" {
	assert_same tshark <<-END
		tcp_whole 4 128
		tcp_again 4 128
		tcp_order 4 128
		tcp_ends 26 756
		tcp_many 400 12800
		udp 10 166
		icmp 4 72
		headers 8 180
		fragments 14 210
		jumbo 4 128
		idle 4 128
		snap 4 128
		micro 4 128
	END
}

# It takes the same addresses and ports in another VLAN for the same connection, and so its segments for sent again.
@test "tshark: VLANs, but for what it calls a retransmission or out of order" {
	assert_differs tshark vlan retransmitted
	assert_same tshark <<-END
		vlan 12 360 --without retransmitted --without out_of_order
	END
}

@test "nfdump: packets, bytes, times, flags of each direction" {
	assert_same nfdump <<-END
		tcp_whole 4 20
		tcp_again 4 20
		tcp_order 4 20
		tcp_ends 26 130
		tcp_many 400 2000
		udp 10 50
		icmp 4 20
		vlan 4 20
		jumbo 4 20
		idle 4 20
		snap 4 20
		headers 4 20 --family 4
	END
}

# It knows no extension headers, nor which ports fragments belong to.
@test "nfdump: of IPv6 with extension headers and fragments the sum" {
	assert_same nfdump <<-END
		headers 2 10 --family 6 --by address
		fragments 2 10 --family 6 --by address
	END
}

@test "ndpiReader: packets, bytes, duration, flags, lengths and gaps of each direction" {
	assert_same ndpi <<-END
		tcp_whole 4 60
		tcp_again 4 60
		tcp_order 4 60
		tcp_ends 26 422
		tcp_many 400 6184
		udp 10 168
		icmp 4 80
		headers 8 124
		vlan 12 180
		jumbo 4 60
		idle 4 60
	END
}

@test "ndpiReader leaves out packets that were cut, and later fragments, which tshark and flow.o count" {
	assert_differs ndpi snap packets
	assert_differs ndpi fragments packets
}

# changed NAME FIELD NUMBER: another file, in which the first session has so much more, to the last digit
changed() {
	python3 -ISc '
import decimal, re, sys
text = open(sys.argv[1]).read()
more = lambda found: found[1] + str(decimal.Decimal(found[2]) + decimal.Decimal(sys.argv[3]))
print(re.sub(rf"(\"{sys.argv[2]}\": ?)([0-9.]+)", more, text, count=1))' "$BATS_FILE_TMPDIR/$1.json" "$2" "$3" \
		>"$BATS_TEST_TMPDIR/changed.json"
}

@test "a number that is not the same is found" {
	local tool field more
	while read -r tool field more; do
		changed tcp_whole "$field" "$more"
		assert_exit 1 compare "$tool" "$BATS_FILE_TMPDIR/tcp_whole.pcap" "$BATS_TEST_TMPDIR/changed.json" || return
		assert_equal "$(grep -c ' [a-z_]*: expected' <<<"$out")" 1 "differences of $tool" || return
	done <<-END
		tshark packets_fwd 1
		tshark gap_stddev_rev 0.000000003
		tshark retransmitted_fwd 1
		tshark fin_rev 1
		nfdump packets_rev 1
		nfdump bytes_fwd -1
		nfdump last_fwd 0.001
		ndpi bytes_fwd 1
		ndpi psh_rev 1
	END
}

# ---- what a kernel has sent ----

# traffic: TCP in both directions, UDP, echoes, a refusal
traffic() {
	local address
	for address in 192.0.2.1 2001:db8::1; do
		lab_on far iperf3 -c "$address" -n 3M >/dev/null
		lab_on far iperf3 -c "$address" -n 3M -R -P 3 >/dev/null
		lab_on far iperf3 -c "$address" -u -n 300K -b 20M -l 1000 >/dev/null
		assert_traffic far <<<"answer ping $address 0"
		assert_traffic far <<<"refused tcp $address 81"
	done
}

@test "traffic of this kernel, as tcpdump saw it: tshark, nfdump and ndpiReader count the same" {
	local capture=$BATS_TEST_TMPDIR/real
	lab_host far near0 192.0.2.1/24 2001:db8::1/64
	started "$BATS_TEST_TMPDIR/server" iperf3 -s --forceflush
	eventually grep -q listening "$BATS_TEST_TMPDIR/server"
	started "$BATS_TEST_TMPDIR/tcpdump" tcpdump -i near0 -n -U -B 65536 --nano -w "$capture.pcap" host 192.0.2.2 or 2001:db8::2
	local tcpdump=$pid
	eventually grep -q 'listening on' "$BATS_TEST_TMPDIR/tcpdump"
	traffic
	kill -INT "$tcpdump"
	assert_ends "$tcpdump" 0
	"$replay" "$capture.pcap" -- -j >"$capture.json"
	assert_exit 0 compare tshark "$capture.pcap" "$capture.json" --least 36
	assert_exit 0 compare nfdump "$capture.pcap" "$capture.json" --least 36
	assert_exit 0 compare ndpi "$capture.pcap" "$capture.json" --least 36
}
