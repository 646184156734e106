#!/usr/bin/env bats
# lb_check: what it is told and what it says; one round. Rounds and real servers are in net/lb_check.

# shellcheck disable=SC2154,SC2034,SC2030,SC2031  # out, err, tmp and the like are set and used in helpers.bash
load helpers
load lb

web=192.0.2.1:80/tcp
web6='[2001:db8::1]:80/tcp'
dns=192.0.2.1:53/udp

# Own addresses: something listens on port 8080, nothing on 8081.
setup_file() {
	lb_links
	ip addr add 10.66.0.1/32 dev lo
	ip addr add fd66::1/128 dev lo nodad
}

setup() {
	box_begin
	lb_backend apply --all -f /dev/null
}

states() {
	lb_backend list -j -q | python3 -ISc '
import json, sys
for d in json.load(sys.stdin):
    print(d["vip"], d["low"], d["backend"], d["port"], d["state"])'
}

# As of lb_backend, and who is up or down.
rules() {
	lb_backend list --save </dev/null && states
}

assert_states() {
	states >"$tmp/states"
	assert_text states "$tmp/states" "$1"
}

# Of the process group of a command that wrote its number to $tmp/pid: nobody runs. Who reaps them is not our business.
assert_nobody_left() {
	local try

	[ -s "$tmp/pid" ] || fail 'that the command ran' 'that it did not' || return
	for ((try = 0; try < 400; try++)); do
		pgrep -r D,R,S -g "$(<"$tmp/pid")" >"$tmp/left" || return 0
		sleep 0.05
	done
	fail 'nobody left of its group' "$(<"$tmp/left")"
}

# ---- what it is told ----

@test "malformed input is refused" {
	lb_backend add "$web" 10.66.0.1:8081
	assert_refused --frobnicate lb_check --frobnicate
	assert_refused 10.0.0.1:80 lb_check 10.0.0.1:80
	assert_refused 192.0.2.1/tcp lb_check 192.0.2.1/tcp
	assert_refused 192.0.2.1:80/icmp lb_check 192.0.2.1:80/icmp
	assert_refused 10.0.0.256 lb_check "$web" 10.0.0.256
	assert_refused 10.0.0.1:99999 lb_check "$web" 10.0.0.1:99999
	assert_refused --icmp lb_check --tcp --icmp
	assert_refused --tcp lb_check --http / --tcp
	assert_refused --command lb_check --icmp --command true
	assert_refused '' lb_check --command ''
	assert_refused index.html lb_check --http index.html
	assert_refused '/a b' lb_check --http '/a b'
	assert_refused '/a#b' lb_check --http '/a#b'
	assert_refused /é lb_check --http /é
	assert_refused --https lb_check --https
	assert_refused --host lb_check --tcp --host example.com
	assert_refused --status lb_check --status 200
	assert_refused --https lb_check --http / -k
	assert_refused --https lb_check --insecure
	assert_refused 'a b' lb_check --http / --host 'a b'
	assert_refused a/b lb_check --http / --host a/b
	assert_refused a:0 lb_check --http / --host a:0
	assert_refused :80 lb_check --http / --host :80
	assert_refused 99 lb_check --http / --status 99
	assert_refused 200-1000 lb_check --http / --status 200-1000
	assert_refused 300-200 lb_check --http / --status 300-200
	assert_refused 200- lb_check --http / --status 200-
	assert_refused 0 lb_check --port 0
	assert_refused 65536 lb_check --port 65536
	assert_refused --port lb_check --icmp --port 80
	assert_refused 0 lb_check --interval 0
	assert_refused 86400.001 lb_check --interval 86400.001
	assert_refused 1e1 lb_check --timeout 1e1
	assert_refused 3601 lb_check --timeout 3601
	assert_refused -1 lb_check --timeout -1
	assert_refused 0 lb_check --rise 0
	assert_refused 1001 lb_check --fall 1001
	assert_refused --rise lb_check --once --rise 2
	assert_refused --fall lb_check --once --fall 2
	assert_refused --interval lb_check --once --interval 2
}

@test "what is named must be there for one round, and lb.o attached for any" {
	lb_backend add "$web" 10.66.0.1:8081
	assert_state 192.0.2.1:81/tcp lb_check --once 192.0.2.1:81/tcp
	assert_state 192.0.2.1:80/udp lb_check --once "$web" 192.0.2.1:80/udp
	assert_state 10.66.0.2 lb_check --once "$web" 10.66.0.2
	assert_state 10.66.0.1:8080 lb_check --once "$web" 10.66.0.1:8081 10.66.0.1:8080
	assert_state "$tmp" lb_check --pin-dir "$tmp" --once 2>/dev/null || assert_errors_have 'lb.o'
	assert_state /nonexistent lb_check --pin-dir /nonexistent
}

# ---- one round ----

@test "one round: a table, the states at once, and whether all is well" {
	serve tcp-serve 10.66.0.1 8080
	lb_backend add "$web" 10.66.0.1:8080 10.66.0.1:8081
	capture lb_check --once
	assert_status 1
	assert_errors ''
	sed -i -E 's/ +[0-9]+\.[0-9] / MS /' "$out"
	assert_output "SERVICE           BACKEND         PROBE  RESULT    MS  STATE  WHY
$web  10.66.0.1:8080  tcp    healthy MS  up     -
$web  10.66.0.1:8081  tcp    failed MS  down   Connection refused"
	assert_states '192.0.2.1 80 10.66.0.1 8080 up
192.0.2.1 80 10.66.0.1 8081 down'
	assert_whole
	capture lb_check --once "$web" 10.66.0.1:8080
	assert_status 0
	serve tcp-serve 10.66.0.1 8081
	capture lb_check --once
	assert_status 0
	assert_states '192.0.2.1 80 10.66.0.1 8080 up
192.0.2.1 80 10.66.0.1 8081 up'
	assert_whole
}

@test "JSON has the names of lb_backend, numbers, and what changed" {
	serve tcp-serve fd66::1 8080
	lb_backend add "$web6" '[fd66::1]:8080' '[fd66::1]:8081'
	lb_backend drain "$web6" '[fd66::1]:8081'
	capture lb_check --once -j
	assert_status 1
	assert_json 'len(d) == 2 and all(r["vip"] == "2001:db8::1" and (r["low"], r["high"], r["proto"]) == (80, 80, "tcp") and r["backend"] == "fd66::1" and r["probe"] == "tcp" for r in d)'
	assert_json '(d[0]["port"], d[0]["result"], d[0]["state"], d[0]["changed"], d[0]["why"]) == (8080, "healthy", "up", False, None)'
	assert_json '(d[1]["port"], d[1]["result"], d[1]["state"], d[1]["changed"], d[1]["why"]) == (8081, "failed", "drained+down", True, "Connection refused")'
	assert_json 'all(0 < r["seconds"] < 2 for r in d)'
	capture lb_check --once -j
	assert_json '[r["changed"] for r in d] == [False, False]'
	lb_backend apply --all -f /dev/null
	capture lb_check --once -j
	assert_status 0
	assert_output '[]'
}

@test "-n changes nothing and says what would be" {
	lb_backend add "$web" 10.66.0.1:8081
	capture lb_check --once -n
	assert_status 1
	assert_output_has 'down   Connection refused'
	assert_states '192.0.2.1 80 10.66.0.1 8081 up'
}

@test "only what is named is probed" {
	lb_backend add "$web" 10.66.0.1:8081 10.66.0.1:8082
	lb_backend add "$web6" '[fd66::1]:8081'
	capture lb_check --once "$web" 10.66.0.1:8082
	assert_states '192.0.2.1 80 10.66.0.1 8081 up
192.0.2.1 80 10.66.0.1 8082 down
2001:db8::1 80 fd66::1 8081 up'
	capture lb_check --once "$web" 10.66.0.1 "$web6"
	assert_states '192.0.2.1 80 10.66.0.1 8081 down
192.0.2.1 80 10.66.0.1 8082 down
2001:db8::1 80 fd66::1 8081 down'
}

@test "which port: that of the backend, of the service, or the one that is asked for" {
	local range=192.0.2.1:8000-8999/tcp

	serve tcp-serve 10.66.0.1 8080
	lb_backend add 192.0.2.2:8080/tcp 10.66.0.1
	lb_backend add "$range" 10.66.0.1
	capture lb_check --once -j 192.0.2.2:8080/tcp
	assert_status 0
	capture lb_check --once -j "$range"
	assert_status 1
	assert_json '[(r["result"], r["state"], r["seconds"]) for r in d] == [("unknown", "up", None)] and "--port" in d[0]["why"]'
	capture lb_check --once -j "$range" --port 8080
	assert_status 0
	capture lb_check --once -j "$range" --port 8081
	assert_status 1
	assert_json 'd[0]["why"] == "Connection refused"'
}

@test "UDP services are asked by ICMP unless it is said how" {
	lb_backend add "$dns" 10.66.0.1
	lb_backend add '[2001:db8::1]:53/udp' fd66::1
	capture lb_check --once -j
	assert_status 0
	assert_json '[(r["probe"], r["result"]) for r in d] == [("icmp", "healthy")] * 2'
	capture lb_check --once -j --tcp
	assert_status 1
	assert_json '[(r["probe"], r["why"]) for r in d] == [("tcp", "Connection refused")] * 2'
}

@test "a command is told who it is for, and its exit status decides" {
	lb_backend add "$web" 10.66.0.1:8080
	lb_backend add '[2001:db8::1]:5000-5009/udp' fd66::1
	export LB_VIP=mine KEPT=yes
	# shellcheck disable=SC2016
	capture lb_check --once -j --command 'read -r line; echo noise
		echo "$LB_VIP $LB_PORT $LB_PROTO $LB_BACKEND $LB_BACKEND_PORT $KEPT${line}" >>'"$tmp/told"'; exit 0'
	assert_status 0
	sort -o "$tmp/told" "$tmp/told"
	assert_text 'what it was told' "$tmp/told" '192.0.2.1 80 tcp 10.66.0.1 8080 yes
2001:db8::1 5000-5009 udp fd66::1 0 yes'
	assert_json '[r["why"] for r in d] == ["exit status 0"] * 2'
	# shellcheck disable=SC2016
	capture lb_check --once -j --command 'test "$LB_PROTO" = udp || kill -USR1 $$; exit 3'
	assert_status 1
	assert_json '[r["why"] for r in d] == ["killed by signal 10", "exit status 3"]'
}

@test "a command that takes too long is killed with what it started" {
	lb_backend add "$web" 10.66.0.1:8080
	capture lb_check --once -j --timeout 0.2 --command "(trap '' TERM; echo \$\$ >$tmp/pid; sleep 600) & sleep 600"
	assert_status 1
	assert_json 'd[0]["why"] == "not done within 0.2 s"'
	assert_nobody_left
}

@test "a signal ends a round: nothing is changed, and no command goes on" {
	local pid

	lb_backend add "$web" 10.66.0.1:8081 10.66.0.1:8080
	# shellcheck disable=SC2016
	lb_check --once --timeout 600 --command 'test $LB_BACKEND_PORT != 8081 || exit 1; echo $$ >'"$tmp/pid; sleep 600" \
		>"$out" 2>"$err" 3>&- &
	pid=$!
	until [ -s "$tmp/pid" ]; do
		sleep 0.05
	done
	kill "$pid"
	status=0
	wait "$pid" || status=$?
	program=lb_check
	assert_status 1
	assert_output ''
	assert_complaint signal
	assert_states '192.0.2.1 80 10.66.0.1 8080 up
192.0.2.1 80 10.66.0.1 8081 up'
	assert_nobody_left
}

# ---- installed ----

@test "the unit is installed with the paths of PREFIX" {
	local prefix=$tmp/usr root=$BATS_TEST_DIRNAME/../.. unit

	unit=$prefix/lib/systemd/system/splicer-lb-check.service
	make -s -C "$root" install O="$(realpath --relative-to="$root" "$LAB_OBJECTS")" PREFIX="$prefix" >"$out" 2>&1 ||
		fail 'make install' "$(cat "$out")"
	grep -Fxq "ExecStart=$prefix/bin/lb_check" "$unit" || fail 'ExecStart of the prefix' "$(grep ExecStart "$unit")"
	if command -v systemd-analyze >/dev/null; then
		capture systemd-analyze verify --man=no "$unit"
		assert_errors ''
		assert_status 0
	fi
	make -s -C "$root" uninstall PREFIX="$prefix"
	[ ! -e "$unit" ] || fail 'no unit' "$unit"
}

@test "no other tool is linked with libcurl" {
	local tool

	for tool in lb_check lb_backend map_update verdict_stat; do
		if ldd "$(command -v "$tool")" | grep -q libcurl; then
			echo "$tool"
		fi
	done >"$tmp/with"
	assert_text 'tools with libcurl' "$tmp/with" lb_check
}
