#!/usr/bin/env bats
# shellcheck shell=bats
# Connections as packets make them: listed, ended, and kept while their tables are exchanged.

# shellcheck source=test/net/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"

# One socket that sends back what it gets, and one that asks it until SIGTERM: peer answers from a second socket at the
# same address, which takes some questions away.
ECHO='
import socket
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
s.bind(("::", 7))
print("ready")
while True:
    s.sendto(*s.recvfrom(2048))
'
STREAM='
import os, signal, socket, sys
s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(5 * float(os.environ.get("PATIENCE", "1")))
asked, lost, stopping = 0, 0, []
signal.signal(signal.SIGTERM, lambda *_: stopping.append(1))
while not stopping:
    asked += 1
    s.sendto(b"%d" % asked, (sys.argv[1], 7))
    try:
        while s.recvfrom(2048)[0] != b"%d" % asked:
            pass
    except TimeoutError:
        lost += 1
    if asked == 1:
        print("ready", flush=True)
print(asked, lost)
'

setup_file() {
	lab_host host wan0 192.0.2.1/24 2001:db8::1/64
	lab_attach wan0
	tc filter add dev wan0 egress bpf da obj "$LAB_OBJECTS/splicer.o" sec action/egress
	serve_on host udp 192.0.2.2 53 udp 2001:db8::2 53 tcp 192.0.2.2 80 tcp 2001:db8::2 80
	started "$(scratch)/echo" nsenter --net=/run/netns/host -- python3 -ISuc "$ECHO"
	eventually grep -q ready "$(scratch)/echo"
	serve tcp 192.0.2.1 8080 udp 192.0.2.1 8053
}

teardown_file() {
	stop_started
}

setup() {
	map_delete --all
	conn_delete -q --all --sockets
}

teardown() {
	stop_started
	conn_set {confirmed,unconfirmed}=default
}

# connections [SELECTOR]...: "PROTO SRC DST DPORT TABLE SOCKET DIR IFACE" of each, sorted
connections() {
	conn_list -j "$@" | python3 -ISc '
import json, sys
for d in json.load(sys.stdin):
    print(*(d[key] or "-" for key in ("proto", "src", "dst", "dport", "table", "socket", "dir", "iface")))' | sort
}

# listed TEXT [SELECTOR]...: connections prints this
listed() {
	[ "$(connections "${@:2}")" = "$1" ]
}

@test "an outbound question from an unconnected socket: both families, confirmed by the answer" {
	assert_exit 0 peer udp-ask 192.0.2.2 53 hello 5000
	assert_exit 0 peer udp-ask 2001:db8::2 53 hello 5001
	assert_equal "$(connections -p udp)" \
		$'udp 192.0.2.1 192.0.2.2 53 confirmed - out wan0\nudp 2001:db8::1 2001:db8::2 53 confirmed - out wan0'
	assert_equal "$(conn_list --count -p udp -s 192.0.2.1 --sport 5000 --dport 53 --dir out --state established -i wan0)" 1
	assert_equal "$(conn_list -j --sport 5001 | python3 -c 'import json, sys
d, = json.load(sys.stdin)
print(d["packets_fwd"], d["packets_rev"])')" '1 1'
}

@test "what a rule lets in has its number, and goes with it by conn_delete --rule" {
	local rule
	map_update 192.0.2.1 32 8053 8053 0 udp
	rule=$(rule_list -j | python3 -ISc 'import json, sys; print(json.load(sys.stdin)[0]["rule"])')
	lab_on host peer udp-ask 192.0.2.1 8053 hello 5002
	assert_equal "$(connections --rule "$rule")" 'udp 192.0.2.2 192.0.2.1 8053 unconfirmed - in wan0'
	lab_on host peer udp-ask 192.0.2.1 8053 hello 5002
	assert_equal "$(connections --rule "$rule")" 'udp 192.0.2.2 192.0.2.1 8053 confirmed - in wan0'
	assert_exit 1 conn_delete --rule "$((rule + 1))"
	assert_equal "$(conn_delete -v --rule "$rule")" 'D udp 192.0.2.2:5002 192.0.2.1:8053 wan0'
	assert_equal "$(connections -p udp)" ''
}

# dialled COMMAND...: it runs in the background, peer tcp-hold, until its connection ends; writes to it by say.
dialled() {
	mkfifo "$(scratch)/lines"
	# for reading too, so that opening waits for nobody
	exec {lines}<>"$(scratch)/lines"
	started "$(scratch)/held" "$@" <"$(scratch)/lines"
	eventually grep -q 'sent to' "$(scratch)/held"
}

say() {
	echo "$1" >&"$lines"
}

@test "an inbound connection of a socket here: rules do not end it, conn_delete does" {
	map_update 192.0.2.1 32 8080 8080 0 tcp
	dialled lab_on host peer tcp-hold 192.0.2.1 8080
	map_delete 192.0.2.1 32 8080 tcp
	say hello
	eventually grep -q hello "$(scratch)/held"
	assert_equal "$(connections -p tcp | cut -d ' ' -f 1-4,6-7)" 'tcp 192.0.2.2 192.0.2.1 8080 established in'
	assert_exit 1 conn_delete -p tcp -s 192.0.2.2 --dport 8081
	assert_quiet conn_delete -p tcp -s 192.0.2.2 --dport 8080
	say more
	eventually has_ended "$pid"
	exec {lines}>&-
	assert_equal "$(conn_list --count -p tcp --state established)" 0
}

@test "a connection of a socket here that dials out: ended by conn_delete, and the listener there stays" {
	dialled peer tcp-hold 2001:db8::2 80
	assert_equal "$(connections -p tcp --state established | cut -d ' ' -f 1-4,6-7)" 'tcp 2001:db8::1 2001:db8::2 80 established out'
	assert_quiet conn_delete -d 2001:db8::2
	say more
	eventually has_ended "$pid"
	exec {lines}>&-
	assert_exit 0 peer tcp-ask 2001:db8::2 80 again
}

@test "no answer is lost to connections that are there while their tables are exchanged, again and again" {
	local address output=() pids=() i asked lost
	for address in 192.0.2.2 2001:db8::2; do
		output+=("$(scratch)/stream.$address")
		started "${output[-1]}" python3 -ISc "$STREAM" "$address"
		pids+=("$pid")
		eventually grep -q ready "${output[-1]}"
	done
	for i in {1..15}; do
		assert_quiet conn_set confirmed=$((1000 + i)) unconfirmed=$((500 + i))
		assert_equal "$(conn_list --count -p udp --table confirmed --dport 7)" 2
	done
	for i in 0 1; do
		kill "${pids[i]}"
		assert_ends "${pids[i]}" 0
		read -r asked lost < <(tail -n 1 "${output[i]}")
		assert_equal "$lost" 0 "answers lost, of $asked"
		((asked > 100)) || fail 'expected: more than 100 questions' "got:      $asked"
	done
}

@test "deleted under traffic, connections begin anew, and nothing else is harmed" {
	local i output
	output=$(scratch)/stream
	started "$output" python3 -ISc "$STREAM" 192.0.2.2
	eventually grep -q ready "$output"
	for i in {1..20}; do
		assert_quiet conn_delete --all -p udp
	done
	eventually listed 'udp 192.0.2.1 192.0.2.2 7 confirmed - out wan0' -p udp
	kill "$pid"
	assert_ends "$pid" 0
}
