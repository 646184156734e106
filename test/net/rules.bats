#!/usr/bin/env bats
# shellcheck shell=bats
# Which rule decides, and that rule sets stay whole, seen on real traffic.

# shellcheck source=test/net/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"

setup_file() {
	lab_host client wan0 192.0.2.1/24 2001:db8::1/64
	lab_host guest lan0 198.51.100.1/24 2001:db8:1::1/64
	lab_attach wan0
	lab_attach lan0
	local_routes 172.16.240.0/24 fd00:240::/64
	serve udp 127.0.0.1 58997 tcp 127.0.0.1 58997 udp ::1 58997 tcp ::1 58997 udp 127.0.0.1 58998 udp ::1 58998 \
		tcp 192.0.2.1 8080 udp 192.0.2.1 8080 tcp 2001:db8::1 8080 udp 2001:db8::1 8080
}

teardown_file() {
	stop_started
}

setup() {
	map_delete --all
}

teardown() {
	stop_started
}

splice_sip() {
	map_update "$@" 172.16.240.0 24 5060 5060 58997 udp
	map_update "$@" fd00:240:: 64 5060 5060 58997 udp
}

# ---- precedence ----

@test "a drop rule inside a spliced prefix" {
	splice_sip
	map_update -a drop 172.16.240.9 32 5060 5060 0 udp
	map_update -a drop fd00:240::9 128 5060 5060 0 udp
	assert_traffic client <<-END
		timeout udp 172.16.240.9 5060
		answer udp 172.16.240.10 5060
		timeout udp fd00:240::9 5060
		answer udp fd00:240::10 5060
	END
}

@test "a pass rule lets a listener on a local address answer, on its ports only" {
	map_update 192.0.2.1 32 8080 8080 0 tcp
	map_update 2001:db8::1 128 8080 8080 0 tcp
	assert_traffic client <<-END
		answer tcp 192.0.2.1 8080
		answer tcp 2001:db8::1 8080
		timeout udp 192.0.2.1 8080
		timeout udp 2001:db8::1 8080
	END
	map_update 0.0.0.0 0 8000 8999 0 udp
	map_update :: 0 8000 8999 0 udp
	assert_traffic client <<-END
		answer udp 192.0.2.1 8080
		answer udp 2001:db8::1 8080
	END
}

@test "a pass rule inside a spliced prefix reaches the local listener and not the spliced one" {
	map_update 192.0.2.0 24 8080 8080 58997 udp
	map_update 2001:db8:: 64 8080 8080 58997 udp
	assert_traffic client <<-END
		answer udp 192.0.2.1 8080 by 58997
		answer udp 2001:db8::1 8080 by 58997
	END
	map_update 192.0.2.1 32 8080 8080 0 udp
	map_update 2001:db8::1 128 8080 8080 0 udp
	assert_traffic client <<-END
		answer udp 192.0.2.1 8080 by 8080
		answer udp 2001:db8::1 8080 by 8080
	END
}

@test "the source prefix selects, and the longer one wins" {
	lab_on client ip addr add 192.0.2.66/24 dev eth0
	lab_on client ip addr add 2001:db8::66/64 dev eth0 nodad
	lab_on client ip route replace 172.16.240.66 via 192.0.2.1 src 192.0.2.66
	lab_on client ip route replace fd00:240::66 via 2001:db8::1 src 2001:db8::66
	lab_on client ip -6 route replace default via 2001:db8::1 src 2001:db8::2
	ip neigh replace 192.0.2.66 lladdr "$(lab_mac eth0 lab_on client)" dev wan0
	ip neigh replace 2001:db8::66 lladdr "$(lab_mac eth0 lab_on client)" dev wan0
	map_update -s 192.0.2.64/26 172.16.240.0 24 5060 5060 58998 udp
	map_update -s 2001:db8::64/126 fd00:240:: 64 5060 5060 58998 udp
	assert_traffic client <<-END
		timeout udp 172.16.240.9 5060
		answer udp 172.16.240.66 5060
		timeout udp fd00:240::9 5060
		answer udp fd00:240::66 5060
	END
	map_update -s 192.0.2.0/24 172.16.240.0 24 5060 5060 58997 udp
	map_update -s 2001:db8::/64 fd00:240:: 64 5060 5060 58997 udp
	assert_traffic client <<-END
		answer udp 172.16.240.9 5060 by 58997
		answer udp 172.16.240.66 5060 by 58998
		answer udp fd00:240::9 5060 by 58997
		answer udp fd00:240::66 5060 by 58998
	END
}

@test "a rule for an interface is for no other" {
	splice_sip -i wan0
	assert_traffic client <<-END
		answer udp 172.16.240.9 5060
		answer udp fd00:240::9 5060
	END
	assert_traffic guest <<-END
		timeout udp 172.16.240.9 5060
		timeout udp fd00:240::9 5060
	END
}

@test "-i given twice makes a rule for each, deleted one by one" {
	splice_sip -i wan0 -i lan0
	assert_equal "$(rule_count)" 4
	assert_traffic client <<-END
		answer udp 172.16.240.9 5060
		answer udp fd00:240::9 5060
	END
	assert_traffic guest <<-END
		answer udp 172.16.240.9 5060
		answer udp fd00:240::9 5060
	END
	assert_quiet map_delete -i wan0 172.16.240.0 24 5060 udp
	assert_traffic client <<-END
		timeout udp 172.16.240.9 5060
		answer udp fd00:240::9 5060
	END
	assert_traffic guest <<<'answer udp 172.16.240.9 5060'
}

@test "a rule for an interface beats the same rule for any" {
	splice_sip -i wan0
	map_update 172.16.240.0 24 5060 5060 58998 udp
	map_update fd00:240:: 64 5060 5060 58998 udp
	assert_traffic client <<-END
		answer udp 172.16.240.9 5060 by 58997
		answer udp fd00:240::9 5060 by 58997
	END
	assert_traffic guest <<-END
		answer udp 172.16.240.9 5060 by 58998
		answer udp fd00:240::9 5060 by 58998
	END
}

@test "priority beats a longer prefix" {
	splice_sip -P 10
	map_update -a drop 172.16.240.9 32 5060 5060 0 udp
	map_update -a drop fd00:240::9 128 5060 5060 0 udp
	assert_traffic client <<-END
		answer udp 172.16.240.9 5060
		answer udp fd00:240::9 5060
	END
	map_update -P 11 -a drop 172.16.240.9 32 5060 5060 0 udp
	map_update -P 11 -a drop fd00:240::9 128 5060 5060 0 udp
	assert_traffic client <<-END
		timeout udp 172.16.240.9 5060
		answer udp 172.16.240.10 5060
		timeout udp fd00:240::9 5060
		answer udp fd00:240::10 5060
	END
}

@test "a longer prefix without the port or the protocol does not hide the shorter" {
	splice_sip
	map_update -a drop 172.16.240.9 32 6000 6000 0 udp
	map_update -a drop 172.16.240.9 32 5060 5060 0 tcp
	map_update -a drop -i lan0 172.16.240.8 31 5060 5060 0 udp
	map_update -a drop -s 203.0.113.0/24 172.16.240.8 30 5060 5060 0 udp
	map_update -a drop fd00:240::9 128 6000 6000 0 udp
	map_update -a drop fd00:240::9 128 5060 5060 0 tcp
	map_update -a drop -i lan0 fd00:240::8 127 5060 5060 0 udp
	map_update -a drop -s 2001:db8:ff::/64 fd00:240::8 126 5060 5060 0 udp
	assert_traffic client <<-END
		answer udp 172.16.240.9 5060
		answer udp fd00:240::9 5060
	END
}

# nested ADDRESS BITS: lines of map_update, one for each prefix that contains it; prefix /N has port 20000+N
nested() {
	python3 - "$@" <<-'END'
		import ipaddress, sys
		address, bits = sys.argv[1], int(sys.argv[2])
		for length in range(bits + 1):
		    prefix = ipaddress.ip_network(f"{address}/{length}", strict=False)
		    print(prefix.network_address, length, 20000 + length, 20000 + length, 58997, "udp")
	END
}

# assert_nested ADDRESS BITS: each rule is found, by a datagram of its own
assert_nested() {
	local port
	assert_exit 0 map_update -f - < <(nested "$1" "$2")
	assert_equal "$(rule_count)" $(($2 + 1))
	for ((port = 20000; port <= 20000 + $2; port++)); do
		echo "answer udp $1 $port"
	done | assert_traffic client
	assert_equal "$(rule_values packets | sort | uniq -c | xargs)" "$(($2 + 1)) 1" 'how many rules counted how many'
}

@test "33 nested prefixes, /0 to /32: each is found" {
	local_routes 172.21.173.90/32
	assert_nested 172.21.173.90 32
}

@test "129 nested prefixes, /0 to /128: each is found" {
	local_routes fd21:ad5a:5aa5:1234:8765:a5a5:5a5a:dead/128
	assert_nested fd21:ad5a:5aa5:1234:8765:a5a5:5a5a:dead 128
}

# ---- ranges ----

# Two ranges that share 80 to 90; the narrower one wins there.
overlap() {
	map_update -S narrow 172.16.240.0 24 80 90 58997 udp
	map_update -S wide 172.16.240.0 24 80 95 58998 udp
	map_update -S narrow fd00:240:: 64 80 90 58997 udp
	map_update -S wide fd00:240:: 64 80 95 58998 udp
	assert_traffic client <<-END
		timeout udp 172.16.240.9 79
		answer udp 172.16.240.9 80 by 58997
		answer udp 172.16.240.9 90 by 58997
		answer udp 172.16.240.9 91 by 58998
		answer udp 172.16.240.9 95 by 58998
		timeout udp 172.16.240.9 96
		answer udp fd00:240::9 80 by 58997
		answer udp fd00:240::9 90 by 58997
		answer udp fd00:240::9 91 by 58998
		answer udp fd00:240::9 95 by 58998
	END
}

@test "overlapping ranges 80-90 and 80-95: without the narrower one the wider has all its ports" {
	overlap
	assert_quiet map_delete -S narrow 172.16.240.0 24 80 17
	assert_quiet map_delete -S narrow fd00:240:: 64 80 17
	assert_traffic client <<-END
		answer udp 172.16.240.9 80 by 58998
		answer udp 172.16.240.9 90 by 58998
		answer udp 172.16.240.9 95 by 58998
		answer udp fd00:240::9 80 by 58998
		answer udp fd00:240::9 95 by 58998
	END
}

@test "overlapping ranges 80-90 and 80-95: without the wider one the narrower keeps its ports" {
	overlap
	assert_quiet map_delete -S wide 172.16.240.0 24 80 17
	assert_quiet map_delete -S wide fd00:240:: 64 80 17
	assert_traffic client <<-END
		answer udp 172.16.240.9 80 by 58997
		answer udp 172.16.240.9 90 by 58997
		timeout udp 172.16.240.9 91
		answer udp fd00:240::9 90 by 58997
		timeout udp fd00:240::9 91
	END
}

@test "of two rules with one low port map_delete means the one whose listener is dead, else lists both" {
	map_update 172.16.240.0 24 80 90 58997 17
	map_update 172.16.240.0 24 80 95 58998 17
	assert_exit 1 map_delete 172.16.240.0 24 80 17
	assert_match "$err" '172.16.240.0 24 80 90 58997 udp'
	assert_match "$err" '172.16.240.0 24 80 95 58998 udp'
	assert_equal "$out" ''
	assert_equal "$(rule_count)" 2
	map_update 172.16.240.0 24 80 90 58999 17
	assert_quiet map_delete 172.16.240.0 24 80 17
	assert_equal "$(rule_list --save)" '172.16.240.0 24 80 95 58998 udp'
	assert_traffic client <<<'answer udp 172.16.240.9 80 by 58998'
}

@test "200 rules in one prefix are 200 rules" {
	local port
	for ((port = 1000; port < 1200; port++)); do
		map_update 172.16.240.0 24 "$port" "$port" 58997 17
	done
	assert_equal "$(rule_count)" 200
	for port in 1000 1049 1050 1099 1100 1198 1199; do
		echo "answer udp 172.16.240.9 $port"
	done | assert_traffic client
	assert_traffic client <<-END
		timeout udp 172.16.240.9 999
		timeout udp 172.16.240.9 1200
	END
}

# ---- writers ----

# each FROM TO COMMAND [ARG]...: runs it for each number, in place of the words N, all at the same time
each() {
	local from=$1 to=$2 number pids=()
	shift 2
	for ((number = from; number <= to; number++)); do
		"${@/#N/$number}" 3>&- &
		pids+=($!)
	done
	for number in "${pids[@]}"; do
		wait "$number" || fail "one of: $*" "exit status: $?" || return
	done
}

# ports FROM TO: their rules, as rule_list --save shows them
ports() {
	seq -f '172.16.240.0 24 %.0f' "$1" "$2" | sed 's/\([0-9]*\)$/\1 \1 58997 udp/'
}

saved() {
	rule_list --save | sort -n -k 3
}

@test "40 map_update at the same time, one prefix: 40 rules, all in force" {
	local port
	each 2001 2040 map_update 172.16.240.0 24 N N 58997 17
	assert_equal "$(saved)" "$(ports 2001 2040)"
	for ((port = 2001; port <= 2040; port++)); do
		echo "answer udp 172.16.240.9 $port"
	done | assert_traffic client
}

@test "map_update and map_delete at the same time: none is lost" {
	local deleters
	each 3001 3040 map_update 172.16.240.0 24 N N 58997 17
	each 3001 3020 map_delete 172.16.240.0 24 N 17 3>&- &
	deleters=$!
	each 3041 3060 map_update 172.16.240.0 24 N N 58997 17
	wait "$deleters"
	assert_equal "$(saved)" "$(ports 3021 3060)"
	assert_traffic client <<-END
		timeout udp 172.16.240.9 3001
		timeout udp 172.16.240.9 3020
		answer udp 172.16.240.9 3021
		answer udp 172.16.240.9 3040
		answer udp 172.16.240.9 3041
		answer udp 172.16.240.9 3060
	END
}

# The file has "PORT present|absent|unknown" in each line; the rules must be those present, and may be those unknown.
assert_explained() {
	local rules=$BATS_TEST_TMPDIR/rules
	rule_list --save 172.16.244.0 24 | cut -d ' ' -f 3 | sort >"$rules"
	assert_equal "$(uniq -d "$rules" | xargs)" '' 'rules that are there twice'
	assert_equal "$(grep ' present$' "$1" | cut -d ' ' -f 1 | sort | comm -23 - "$rules" | xargs)" '' 'rules that were lost'
	assert_equal "$(grep -v ' absent$' "$1" | cut -d ' ' -f 1 | sort | comm -13 - "$rules" | xargs)" '' \
		'rules that were deleted or never made'
}

# assert_stream PID FILE: the stream ends with an answer to each of its datagrams, of which there were many
assert_stream() {
	local asked answered
	eventually grep -q enough "$2" || return
	kill "$1"
	assert_ends "$1" 0
	read -r asked _ answered _ < <(tail -n 1 "$2")
	assert_equal "$answered" "$asked" 'answers to datagrams sent meanwhile'
}

@test "map_update and map_delete killed 50 times at random moments: no datagram is lost, the rules are explained" {
	local stream port
	local_routes 172.16.244.0/24
	splice_sip
	started "$BATS_TEST_TMPDIR/stream" nsenter --net=/run/netns/client -- peer udp-stream 172.16.240.9 5060
	stream=$pid
	eventually grep -q ready "$BATS_TEST_TMPDIR/stream"
	assert_exit 0 killer 50 $RANDOM
	echo "# $err" >&3
	assert_stream "$stream" "$BATS_TEST_TMPDIR/stream"
	echo "$out" >"$BATS_TEST_TMPDIR/proven"
	assert_explained "$BATS_TEST_TMPDIR/proven"
	# the next writer works, and repairs what is left over
	assert_quiet map_update 172.16.240.0 24 5061 5061 58997 17
	assert_explained "$BATS_TEST_TMPDIR/proven"
	assert_traffic client <<-END
		answer udp 172.16.240.9 5060
		answer udp 172.16.240.9 5061
		answer udp fd00:240::9 5060
	END
	rule_list --save 172.16.244.0 24 | shuf -n 100 | while read -r _ _ port _; do
		echo "answer udp 172.16.244.9 $port"
	done | assert_traffic client
}

@test "a rule set that grows and shrinks under traffic loses no datagram" {
	local stream
	splice_sip
	started "$BATS_TEST_TMPDIR/stream" nsenter --net=/run/netns/client -- peer udp-stream fd00:240::9 5060
	stream=$pid
	eventually grep -q ready "$BATS_TEST_TMPDIR/stream"
	seq -f '10.0.0.0 8 %.0f' 1 4000 | sed 's/\([0-9]*\)$/\1 \1 58997 udp -S many/' >"$BATS_TEST_TMPDIR/many"
	assert_quiet map_update -f "$BATS_TEST_TMPDIR/many"
	assert_equal "$(rule_count)" 4002
	assert_quiet map_delete -S many --all
	assert_quiet map_update -f "$BATS_TEST_TMPDIR/many"
	assert_quiet map_delete --service many
	assert_equal "$(rule_count)" 2
	assert_stream "$stream" "$BATS_TEST_TMPDIR/stream"
}

# ---- what rule_list knows ----

@test "packets, bytes and time of the last hit are counted per rule" {
	splice_sip
	map_update 172.16.240.0 24 6000 6000 58997 udp
	assert_equal "$(rule_list -j | fields packets bytes last)" $'0 0 -\n0 0 -\n0 0 -'
	assert_exit 0 lab_on client peer udp-ask 172.16.240.9 5060 12345678
	assert_exit 0 lab_on client peer udp-ask 172.16.240.9 5060 12345678
	assert_exit 0 lab_on client peer udp-ask fd00:240::9 5060 12345678
	# Ethernet, IP and UDP headers and 8 bytes
	assert_equal "$(rule_list -j 172.16.240.0 24 5060 | fields packets bytes)" "2 $((2 * (14 + 20 + 8 + 8)))"
	assert_equal "$(rule_list -j fd00:240:: 64 5060 | fields packets bytes)" "1 $((14 + 40 + 8 + 8))"
	assert_equal "$(rule_list -j 172.16.240.0 24 6000 | fields packets bytes last)" '0 0 -'
	assert_last_is_now "$(rule_values last 172.16.240.0 24 5060)"
	assert_last_is_now "$(rule_values last fd00:240:: 64 5060)"
}

# Not a timing: that it is this clock, in seconds since the epoch.
assert_last_is_now() {
	local last=${1%.*} now
	now=$(date +%s)
	if [ "$last" -le $((now - 60)) ] || [ "$last" -gt "$now" ]; then
		fail "last hit at $1, now is $now"
	fi
}

@test "drop rules count what they drop" {
	map_update -a drop 172.16.240.0 24 5060 5060 0 udp
	map_update -a drop fd00:240:: 64 5060 5060 0 udp
	assert_traffic client <<-END
		timeout udp 172.16.240.9 5060
		timeout udp fd00:240::9 5060
	END
	assert_equal "$(rule_values packets)" $'1\n1'
}

@test "rule_list notes dead listeners and missing routes" {
	splice_sip
	map_update 172.16.240.0 24 5061 5061 59999 udp
	map_update 172.30.0.0 24 5060 5060 58997 udp
	map_update fd00:30:: 64 5060 5060 59999 udp
	map_update 172.30.0.0 24 80 80 0 udp
	assert_equal "$(rule_list -j | fields dst low dead routed)" "$(
		cat <<-END
			172.16.240.0/24 5060 false true
			fd00:240::/64 5060 false true
			172.16.240.0/24 5061 true true
			172.30.0.0/24 5060 false false
			fd00:30::/64 5060 true false
			172.30.0.0/24 80 false -
		END
	)"
	assert_exit 0 rule_list
	assert_match "$out" '172.16.240.0/24 [^'$'\n'']* 5061 [^'$'\n'']* dead'
	assert_match "$out" '172.30.0.0/24 [^'$'\n'']* no-route'
	assert_match "$out" 'fd00:30::/64 [^'$'\n'']* dead,no-route'
	assert_exit 0 map_update -v 172.30.0.0 24 5062 5062 58997 udp
	assert_match "$err" 'no local route'
}

@test "a rule whose listener is not there drops" {
	map_update 172.16.240.0 24 5060 5060 59999 udp
	map_update 172.16.240.0 24 5060 5060 59999 tcp
	map_update fd00:240:: 64 5060 5060 59999 udp
	map_update fd00:240:: 64 5060 5060 59999 tcp
	assert_traffic client <<-END
		timeout udp-connected 172.16.240.9 5060
		timeout tcp 172.16.240.9 5060
		timeout udp-connected fd00:240::9 5060
		timeout tcp fd00:240::9 5060
	END
}

@test "a listener with SO_REUSEPORT gets what is spliced, or before kernel 6.6 nothing, for a reason of its own" {
	local expected=answer before
	kernel_has 6.6 || expected=timeout
	before=$(counted reuseport)
	PEER_REUSEPORT=1 serve udp 127.0.0.1 58996 tcp 127.0.0.1 58996 udp ::1 58996 tcp ::1 58996
	map_update 172.16.240.0 24 5060 5060 58996 udp
	map_update 172.16.240.0 24 5060 5060 58996 tcp
	map_update fd00:240:: 64 5060 5060 58996 udp
	map_update fd00:240:: 64 5060 5060 58996 tcp
	assert_traffic client <<-END
		$expected udp 172.16.240.9 5060
		$expected tcp 172.16.240.9 5060
		$expected udp fd00:240::9 5060
		$expected tcp fd00:240::9 5060
	END
	if [ "$expected" = timeout ]; then
		[ "$(counted reuseport)" -gt "$before" ] || fail "nothing was dropped for the reason reuseport"
	else
		assert_equal "$(counted reuseport)" "$before" 'dropped for the reason reuseport'
	fi
}

@test "map_delete --dead deletes exactly the rules whose listener is not there" {
	splice_sip
	map_update 172.16.240.0 24 5061 5061 59999 udp
	map_update fd00:240:: 64 5061 5061 59999 udp
	map_update 172.16.240.0 24 80 80 0 tcp
	assert_quiet map_delete --dead
	assert_equal "$(rule_list --save)" \
		$'172.16.240.0 24 5060 5060 58997 udp\nfd00:240:: 64 5060 5060 58997 udp\n172.16.240.0 24 80 80 0 tcp'
}

# ---- routes ----

has_route() {
	local family=-4
	[[ $1 != *:* ]] || family=-6
	[ -n "$(ip "$family" route show table local "$1")" ]
}

assert_route() {
	has_route "$1" || fail "no local route to $1"
}

assert_no_route() {
	if has_route "$1"; then fail "a local route to $1 is there"; fi
}

@test "--route adds the local route, and the last rule that needs it takes it away" {
	local prefix
	assert_quiet map_update --route 172.31.1.0 24 5060 5060 58997 udp
	assert_quiet map_update --route 172.31.1.0 24 5061 5061 58997 udp
	assert_quiet map_update --route fd00:31:1:: 64 5060 5060 58997 udp
	assert_quiet map_update --route fd00:31:1:: 64 5061 5061 58997 udp
	assert_traffic client <<-END
		answer udp 172.31.1.9 5060
		answer udp fd00:31:1::9 5060
	END
	assert_quiet map_delete 172.31.1.0 24 5060 udp
	assert_quiet map_delete fd00:31:1:: 64 5060 udp
	for prefix in 172.31.1.0/24 fd00:31:1::/64; do
		assert_route "$prefix"
	done
	assert_quiet map_delete 172.31.1.0 24 5061 udp
	assert_quiet map_delete fd00:31:1:: 64 5061 udp
	for prefix in 172.31.1.0/24 fd00:31:1::/64; do
		assert_no_route "$prefix"
	done
}

@test "without --route no route is added, and the stack does not deliver" {
	assert_quiet map_update 172.31.2.0 24 5060 5060 58997 udp
	assert_quiet map_update fd00:31:2:: 64 5060 5060 58997 udp
	assert_no_route 172.31.2.0/24
	assert_no_route fd00:31:2::/64
	assert_traffic client <<-END
		timeout udp 172.31.2.9 5060
		unreachable udp fd00:31:2::9 5060
	END
}

@test "a route that was there before --route stays" {
	local_routes 172.31.3.0/24 fd00:31:3::/64
	assert_quiet map_update --route 172.31.3.0 24 5060 5060 58997 udp
	assert_quiet map_update --route fd00:31:3:: 64 5060 5060 58997 udp
	assert_quiet map_delete 172.31.3.0 24 5060 udp
	assert_quiet map_delete fd00:31:3:: 64 5060 udp
	assert_route 172.31.3.0/24
	assert_route fd00:31:3::/64
}

@test "a route that was there before --route stays, also one that is marked static" {
	ip route add local 172.31.4.0/24 dev lo proto static
	ip route add local fd00:31:4::/64 dev lo proto static
	assert_quiet map_update --route 172.31.4.0 24 5060 5060 58997 udp
	assert_quiet map_update --route fd00:31:4:: 64 5060 5060 58997 udp
	assert_quiet map_delete 172.31.4.0 24 5060 udp
	assert_quiet map_delete fd00:31:4:: 64 5060 udp
	assert_route 172.31.4.0/24
	assert_route fd00:31:4::/64
}

@test "routes that killed tools left are known as ours: used again, and removed with --all" {
	# what a map_update --route leaves that is killed between its route and its rule
	ip route add local 172.31.5.0/24 dev lo proto 83
	ip route add local fd00:31:5::/64 dev lo proto 83
	ip route add local 172.31.6.0/24 dev lo proto 83
	ip route add local 172.31.7.0/24 dev lo
	assert_quiet map_update --route 172.31.5.0 24 5060 5060 58997 udp
	assert_quiet map_update --route fd00:31:5:: 64 5060 5060 58997 udp
	assert_quiet map_delete 172.31.5.0 24 5060 udp
	assert_no_route 172.31.5.0/24
	assert_quiet map_delete --all
	assert_no_route fd00:31:5::/64
	assert_no_route 172.31.6.0/24
	assert_route 172.31.7.0/24
}

@test "map_update -n says of a route what the real run does" {
	ip route add local 172.31.8.0/24 dev lo
	assert_quiet map_update 172.31.8.0 24 5060 5060 58997 udp
	run -0 map_update -nq --route 172.31.8.0 24 5060 5060 58997 udp
	assert_equal '= 172.31.8.0 24 5060 5060 58997 udp' "$output"
	run -0 map_update -vq --route 172.31.8.0 24 5060 5060 58997 udp
	assert_equal '= 172.31.8.0 24 5060 5060 58997 udp' "$output"
}
