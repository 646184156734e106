#!/usr/bin/env bats
# shellcheck shell=bats
# Sampled packets as flow_dump shows them and writes them to files. Which are sampled: test/net/flow_sample.bats.

# shellcheck disable=SC2154  # out and tmp are filled by helpers.bash
load helpers
load flow

# Up, but nobody sends there but the test.
setup_file() {
	flow_links
	sysctl -qw net.ipv6.conf.t0.disable_ipv6=1 net.ipv6.conf.t1.disable_ipv6=1
	ip link set t0 address 02:00:00:00:00:00 arp off up
	ip link set t1 arp off up
}

setup() {
	box_begin
	flow_clean
	flow_set -q N_PACKET_PER_SESSION=2 N_SESSION=3 N_PACKET_TOTAL=100 SESSION_ACCEPT_RESTART_TIME=1h \
		SESSION_PACKET_RESTART_TIME=1h BUFFER_PACKET_RESTART_TIME=1h
}

# datagrams PORT SESSIONS PACKETS [FROM TO]: see "sampled series"
datagrams() {
	sampled series t1 02:00:00:00:00:00 "${4-192.0.2.2}" "${5-192.0.2.1}" "$1" "$2" "$3"
}

# Without the first column, which is the time.
untimed() {
	sed -E 's/^TIME +/TIME /; s/^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8}\.[0-9]{9} +/- /' "$out"
}

@test "a table, in the order of time" {
	datagrams 1000 1 1
	datagrams 53 1 2 2001:db8::2 2001:db8::1
	capture flow_dump --packets
	assert_status 0
	assert_errors ''
	untimed >"$tmp/table"
	assert_text table "$tmp/table" "\
TIME IFACE  HOOK     FROM        PROTO  SOURCE            DESTINATION      LENGTH  PAYLOAD  HOPS
- t0     ingress  originator  udp    192.0.2.2:1000    192.0.2.1:9          29        1    64
- t0     ingress  originator  udp    [2001:db8::2]:53  [2001:db8::1]:9      49        1    64
- t0     ingress  originator  udp    [2001:db8::2]:53  [2001:db8::1]:9      50        2    64"
}

@test "JSON, and a line for each packet" {
	capture flow_dump --packets -j
	assert_status 0
	assert_output '[]'
	datagrams 1000 1 1
	capture flow_dump --packets --json-lines
	assert_status 0
	sed -i -E 's/"time_ns":[0-9]{19},"generation":[0-9]+/"time_ns":1,"generation":2/' "$out"
	assert_output '{"time_ns":1,"generation":2,"iface":"t0","hook":"ingress","vlan":null,"from":"originator","proto":"udp","src":"192.0.2.2","sport":1000,"dst":"192.0.2.1","dport":9,"length":29,"payload":1,"segments":1,"hops":64,"flags_frag":0,"tcp_flags":null,"seq":null,"ack":null,"window":null,"udp_length":9,"icmp_type":null,"icmp_code":null}'
}

@test "only the packets of a selector" {
	datagrams 1000 1 2
	datagrams 53 1 1 2001:db8::2 2001:db8::1
	flow_dump --result "$tmp/result" 2001:db8::/32
	capture sampled sizes <"$tmp/result"
	assert_output '53 1'
	flow_dump --result "$tmp/result" 192.0.2.2
	capture sampled sizes <"$tmp/result"
	assert_output '1000 1 2'
	flow_dump --result "$tmp/result" 192.0.2.3
	assert_text result "$tmp/result" '{"flows":[]}'
}

@test "what is not there is noted, or not" {
	datagrams 1000 5 3
	capture flow_dump --result "$tmp/result"
	assert_status 0
	assert_output ''
	assert_errors 'flow_dump: 6 packets were of sessions that are not sampled'
	capture flow_dump -q --result "$tmp/result"
	assert_status 0
	assert_errors ''
	flow_set -q N_PACKET_TOTAL=1
	flow_clean
	flow_set -q N_PACKET_PER_SESSION=2 N_SESSION=3 N_PACKET_TOTAL=1
	datagrams 1000 1 2
	capture flow_dump --result "$tmp/result"
	assert_errors 'flow_dump: 1 packets found no room in the buffer'
}

@test "result.json to standard output, but not among sessions" {
	flow_dump -q --result "$tmp/result"
	capture flow_dump -q --result -
	assert_status 0
	assert_text 'the same' "$out" "$(cat "$tmp/result")"
	capture flow_dump --reset --result -
	assert_status 2
	assert_complaint --result
}

@test "result.json takes the place of the one before, whose mode it has" {
	datagrams 1000 1 1
	echo old >"$tmp/result"
	chmod 604 "$tmp/result"
	flow_dump --result "$tmp/result"
	capture sampled sizes <"$tmp/result"
	assert_output '1000 1'
	capture stat -c %a "$tmp/result"
	assert_output 604
	capture flow_dump --result /dev/stdout
	assert_status 0
	sampled sizes <"$out" >"$tmp/sizes"
	assert_text sizes "$tmp/sizes" '1000 1'
}

@test "result.json to a file that has no name: the link that leads there, as /dev/stdout, stays" {
	datagrams 1000 1 1
	ln -s /proc/self/fd/1 "$tmp/link"
	exec 5>"$tmp/gone"
	exec 6<"$tmp/gone"
	rm "$tmp/gone"
	flow_dump --result "$tmp/link" >&5
	[ -L "$tmp/link" ] || fail 'a link' 'a file in its place'
	sampled sizes <&6 >"$tmp/sizes"
	exec 5>&- 6<&-
	assert_text sizes "$tmp/sizes" '1000 1'
}

@test "files that cannot be written" {
	local path
	datagrams 1000 1 1
	for path in "$tmp/none/such" "$tmp"; do
		capture flow_dump --result "$path"
		assert_status 1
		assert_one_line
		assert_errors_have "flow_dump: $path: "
	done
	capture flow_dump --result /dev/full
	assert_status 1
	assert_errors 'flow_dump: /dev/full: No space left on device'
	touch "$tmp/file"
	capture flow_dump --debug "$tmp/file"
	assert_status 1
	assert_one_line
	capture flow_dump --debug "$tmp/none/such"
	assert_status 1
	assert_errors "flow_dump: $tmp/none/such: No such file or directory"
}

@test "a file for each packet, and no other" {
	datagrams 1000 2 2
	flow_dump --debug "$tmp/files"
	capture sampled files "$tmp/files"
	assert_output "\
192.0.2.2 1000 192.0.2.1 9 29 0 0 0 0 0 1 0
192.0.2.2 1000 192.0.2.1 9 30 0 0 0 0 0 2 0
192.0.2.2 1001 192.0.2.1 9 29 0 0 0 0 0 1 0
192.0.2.2 1001 192.0.2.1 9 30 0 0 0 0 0 2 0"
	find "$tmp/files" -type f >"$tmp/list"
	capture grep -c . "$tmp/list"
	assert_output 4
}

@test "what could not be written is handed out again" {
	datagrams 1000 1 1
	capture flow_dump -q --reset --result /dev/full
	assert_status 1
	capture flow_dump -q --reset --result "$tmp/result"
	assert_status 0
	capture sampled sizes <"$tmp/result"
	assert_output '1000 1'
	flow_dump -q --reset --result "$tmp/result" >"$tmp/sessions"
	assert_text result "$tmp/result" '{"flows":[]}'
}

@test "what goes together" {
	capture flow_dump --packets --top 3
	assert_status 2
	assert_one_line
	capture flow_dump --watch 1 --result "$tmp/result"
	assert_status 2
	assert_one_line
	[ ! -e "$tmp/result" ] || fail 'no file' 'one'
}
