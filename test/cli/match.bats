#!/usr/bin/env bats
# rule_list --match: what becomes of a packet, and why other rules lost. The answers are the attached program's own.

# shellcheck disable=SC2154,SC2034,SC2031  # out, err, tmp and the like are set and used in helpers.bash
load helpers

setup() {
	box_clean
	map_update 203.0.113.0 24 1 1 0 tcp # rules were seen, in whatever order the tests run
	map_delete --all
}

attach() {
	tc qdisc add dev "$1" clsact
	tc filter add dev "$1" ingress bpf da obj "${LAB_OBJECTS:?}/splicer.o" sec action
}

# hold KIND ADDRESS PORT ADDRESS PORT: a connected local socket from the first to the second.
hold() {
	start python3 -ISc '
import socket, sys, time
kind, src, sport, dst, dport = sys.argv[1:]
v6 = ":" in src
s = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind((src, int(sport)))
s.connect((dst, int(dport)))
print("connected", flush=True)
time.sleep(600)
' "$@"
}

# assert_answer 'VERDICT REASON' PACKET: the first line, and the same in JSON
assert_answer() {
	capture rule_list --match "$2"
	assert_status 0 || return
	[[ "$(head -n 1 "$out")" == [ABD]*" $1: "* ]] || fail "... $1: ..." "$(head -n 1 "$out")" || return
	capture rule_list -j --match "$2"
	assert_status 0 && assert_json "d['action'] + ' ' + d['reason'] == '$1'"
}

# assert_why PACKET WHY...: the rules that match, best first
assert_why() {
	local expected

	capture rule_list -j --match "$1"
	shift
	assert_status 0 || return
	assert_json "list(d) == ['verdict', 'action', 'reason', 'text', 'iface', 'rule', 'rules']" || return
	expected=$(printf '%s\n' "$@")
	[ "$(python3 -ISc '
import json, sys
print(*(rule["why"] for rule in json.load(open(sys.argv[1]))["rules"]), sep="\n")
' "$out")" = "$expected" ] || fail "$expected" "$(cat "$out")"
}

# ---- what is printed ----

@test "golden: a verdict, and a table of rules" {
	map_update 172.16.240.0 24 5060 5060 58997 udp
	map_update 172.16.240.0 24 5060 5070 0 udp -a drop -S sip
	map_update 0.0.0.0 0 0 65535 0 any -P -5
	map_update 172.16.240.0 24 5061 5070 0 udp
	capture rule_list --match 'udp 10.0.0.9:40000 172.16.240.9:5060'
	assert_status 0
	assert_errors ''
	assert_output - <<-'END'
		BLOCKED dropped no-listener: a splice rule matches but nothing listens on its port
		WHY                  PROTO  DST              SRC         LOW   HIGH  ACTION   PORT  IFACE  PRIO  SERVICE  PACKETS  BYTES  LAST  NOTE
		decides              udp    172.16.240.0/24  0.0.0.0/0  5060   5060  splice  58997  -         0  -              0      0     -  dead,no-route
		port range is wider  udp    172.16.240.0/24  0.0.0.0/0  5060   5070  drop        0  -         0  sip            0      0     -  -
		priority is lower    any    0.0.0.0/0        0.0.0.0/0     0  65535  pass        0  -        -5  -              0      0     -  -
	END
}

@test "golden: no rule matches" {
	capture rule_list --match 'udp 10.0.0.9:40000 172.16.240.9:5060'
	assert_status 0
	assert_errors ''
	assert_output 'BLOCKED dropped no-rule: no rule matches'
	capture rule_list -j --match 'udp 10.0.0.9:40000 172.16.240.9:5060 t0'
	assert_json 'd == {"verdict": "BLOCKED", "action": "dropped", "reason": "no-rule", "text": "no rule matches", "iface": "t0", "rule": None, "rules": []}'
}

@test "JSON: the rules have the keys of rule_list -j after why, and rule is the one that decides" {
	local packet='tcp 10.0.0.9 10.1.1.1:443'

	map_update 10.1.0.0 16 443 443 0 tcp
	map_update 10.1.1.1 32 443 443 0 tcp -S web
	capture rule_list -j
	cp "$out" "$tmp/listed"
	capture rule_list -j --match "$packet"
	assert_status 0
	assert_json "[dict(r, why=0) for r in d['rules']] == [dict(r, why=0) for r in reversed(json.load(open('$tmp/listed')))]"
	assert_json 'list(d["rules"][0])[0] == "why" and d["rule"] == d["rules"][0]["rule"] and d["rules"][0]["service"] == "web"'
}

@test "a table has ten rules that lost, -v and JSON have all" {
	local i packet='tcp 10.0.0.9 10.1.1.1:443'

	for i in {1..15}; do
		echo "10.1.1.1 32 443 443 0 tcp -S tag$i"
	done | map_update -f -
	capture rule_list --match "$packet"
	assert_status 0
	assert_errors 'rule_list: 4 more rules match (see -v)'
	[ "$(grep -c ' tag' "$out")" = 11 ] || fail '11 rules' "$(cat "$out")"
	grep -q '^decides .* tag15 ' "$out" || fail 'the newest decides' "$(cat "$out")"
	capture rule_list -v --match "$packet"
	assert_errors ''
	[ "$(grep -c ' tag' "$out")" = 15 ] || fail '15 rules' "$(cat "$out")"
	capture rule_list -j --match "$packet"
	assert_errors ''
	assert_json 'len(d["rules"]) == 15'
}

# ---- the rows of the packet path ----

@test "ssh: to any address before the first rule, to own ones after it" {
	tc qdisc del dev t0 clsact
	rm /sys/fs/bpf/tc/globals/*
	attach t0
	assert_answer 'passed ssh-any' 'tcp 10.0.0.9 172.16.240.9:22'
	assert_answer 'passed ssh-any' 'tcp ::9 [fd00::9]:22'
	ip addr add 192.0.2.1/24 dev t0
	ip addr add 2001:db8::1/64 dev t0 nodad
	map_update 0.0.0.0 0 22 22 0 tcp -a drop
	assert_answer 'dropped rule-drop' 'tcp 10.0.0.9 172.16.240.9:22'
	assert_answer 'dropped no-rule' 'tcp ::9 [fd00::9]:22'
	assert_answer 'passed ssh-own' 'tcp 10.0.0.9 192.0.2.1:22'
	assert_answer 'passed ssh-own' 'tcp ::9 [2001:db8::1]:22'
	assert_answer 'dropped no-rule' 'udp ::9 [2001:db8::1]:22'
	assert_why 'tcp 10.0.0.9 192.0.2.1:22' 'not asked'
	ip addr flush dev t0
	map_update -f /dev/null
}

@test "dhcp: from the server's port to the client's" {
	map_update 0.0.0.0 0 68 68 0 udp -a drop
	assert_answer 'passed dhcp' 'udp 10.0.0.9:67 10.0.0.1:68'
	assert_why 'udp 10.0.0.9:67 10.0.0.1:68' 'not asked'
	assert_answer 'dropped rule-drop' 'udp 10.0.0.9:66 10.0.0.1:68'
	assert_answer 'dropped rule-drop' 'udp 10.0.0.9 10.0.0.1:68'
	assert_answer 'passed dhcp' 'udp [::9]:547 [::1]:546'
	assert_answer 'dropped no-rule' 'udp [::9]:67 [::1]:68'
}

@test "neighbour discovery and MLD pass, an echo request needs a rule" {
	assert_answer 'passed neighbour' 'icmpv6 fe80::9 [fe80::1]:135'
	assert_answer 'passed neighbour' 'icmpv6 fe80::9 [ff02::16]:143'
	assert_answer 'passed neighbour' 'icmpv6 fe80::9 [ff02::1]:130'
	assert_answer 'dropped no-rule' 'icmpv6 fe80::9 [fe80::1]:137'
	assert_answer 'dropped no-rule' 'icmpv6 ::9 ::1'
	assert_answer 'dropped no-rule' 'icmp 10.0.0.9 10.0.0.1'
	map_update 10.0.0.0 8 8 0 0 icmp
	map_update :: 0 128 0 0 icmpv6
	assert_answer 'passed rule-pass' 'icmpv6 ::9 ::1'
	assert_answer 'passed rule-pass' 'icmp 10.0.0.9 10.0.0.1'
	assert_answer 'passed rule-pass' 'icmp 10.0.0.9 10.0.0.1:8'
	assert_answer 'dropped no-rule' 'icmp 10.0.0.9 10.0.0.1:8/1'
	assert_answer 'dropped no-rule' 'icmp 10.0.0.9 10.0.0.1:3/4'
	map_update 10.0.0.0 8 3 4 0 icmp
	assert_answer 'passed rule-pass' 'icmp 10.0.0.9 10.0.0.1:3/4'
}

@test "established: packets of a connected socket pass before any rule" {
	local address

	map_update 0.0.0.0 0 0 65535 0 any -a drop
	map_update :: 0 0 65535 0 any -a drop
	serve tcp-serve 127.0.0.1 7001
	serve tcp-serve ::1 7001
	hold tcp 127.0.0.1 40001 127.0.0.1 7001
	hold tcp ::1 40001 ::1 7001
	hold udp 127.0.0.1 40002 127.0.0.1 7002
	hold udp ::1 40002 ::1 7002
	for address in 127.0.0.1 '[::1]'; do
		assert_answer 'passed established' "tcp $address:40001 $address:7001"
		assert_answer 'passed established' "tcp $address:7001 $address:40001 t0"
		assert_answer 'passed established' "tcp $address:7001 $address:40001 lo"
		assert_answer 'passed established' "udp $address:7002 $address:40002"
		assert_why "tcp $address:40001 $address:7001" 'not asked'
		assert_answer 'dropped rule-drop' "tcp $address:40003 $address:7001"
		assert_answer 'dropped rule-drop' "udp $address:7003 $address:40002"
	done
}

@test "rules drop, pass and splice; a splice needs a listener" {
	map_update 10.0.0.0 8 80 80 0 tcp
	map_update 10.0.0.0 8 81 81 0 tcp -a drop
	map_update 10.0.0.0 8 82 82 5001 tcp
	map_update 10.0.0.0 8 82 82 5001 udp
	map_update fd00:: 8 80 80 0 tcp
	map_update fd00:: 8 81 81 0 tcp -a drop
	map_update fd00:: 8 82 82 5001 tcp
	map_update fd00:: 8 82 82 5001 udp
	assert_answer 'passed rule-pass' 'tcp 10.9.9.9 10.0.0.1:80'
	assert_answer 'dropped rule-drop' 'tcp 10.9.9.9 10.0.0.1:81'
	assert_answer 'dropped no-listener' 'tcp 10.9.9.9 10.0.0.1:82'
	assert_answer 'dropped no-listener' 'udp 10.9.9.9 10.0.0.1:82'
	assert_answer 'dropped no-rule' 'tcp 10.9.9.9 10.0.0.1:83'
	assert_answer 'passed rule-pass' 'tcp ::9 [fd00::1]:80'
	assert_answer 'dropped rule-drop' 'tcp ::9 [fd00::1]:81'
	assert_answer 'dropped no-listener' 'tcp ::9 [fd00::1]:82'
	assert_answer 'dropped no-listener' 'udp ::9 [fd00::1]:82'
	assert_answer 'dropped no-rule' 'tcp ::9 [fd00::1]:83'
	serve tcp-serve 127.0.0.1 5001
	serve udp-serve 127.0.0.1 5001
	serve tcp-serve ::1 5001
	serve udp-serve ::1 5001
	assert_answer 'spliced rule-splice' 'tcp 10.9.9.9 10.0.0.1:82'
	assert_answer 'spliced rule-splice' 'udp 10.9.9.9 10.0.0.1:82'
	assert_answer 'spliced rule-splice' 'tcp ::9 [fd00::1]:82'
	assert_answer 'spliced rule-splice' 'udp ::9 [fd00::1]:82'
}

@test "other protocols, by name and number" {
	map_update 10.0.0.0 8 0 65535 0 gre
	map_update 10.0.0.0 8 9 9 0 sctp
	map_update fd00:: 8 any any 0 esp
	assert_answer 'passed rule-pass' 'gre 10.0.0.9 10.0.0.1'
	assert_answer 'passed rule-pass' '47 10.0.0.9 10.0.0.1'
	assert_answer 'dropped no-rule' '48 10.0.0.9 10.0.0.1'
	assert_answer 'passed rule-pass' 'sctp 10.0.0.9 10.0.0.1:9'
	assert_answer 'dropped no-rule' 'sctp 10.0.0.9 10.0.0.1:10'
	assert_answer 'passed rule-pass' 'esp ::9 fd00::1'
}

@test "source and interface count" {
	map_update 10.0.0.0 8 80 80 0 tcp -s 192.0.2.0/24
	map_update 10.0.0.0 8 81 81 0 tcp -i t1
	assert_answer 'passed rule-pass' 'tcp 192.0.2.7 10.0.0.1:80'
	assert_answer 'dropped no-rule' 'tcp 192.0.3.7 10.0.0.1:80'
	assert_answer 'dropped no-rule' 'tcp 192.0.2.7 10.0.0.1:81'
	assert_answer 'passed rule-pass' 'tcp 192.0.2.7 10.0.0.1:81 t1'
}

@test "loopback: what is no splice passes, and rules that do not splice have no say" {
	map_update 10.0.0.0 8 80 80 0 tcp -a drop
	map_update 10.0.0.0 8 0 65535 5001 tcp
	assert_answer 'passed loopback' 'tcp 10.0.0.9 10.0.0.1:80 lo'
	assert_why 'tcp 10.0.0.9 10.0.0.1:80 lo' 'does not splice' 'port range is wider'
	assert_json 'd["rule"] is None and d["iface"] == "lo"'
	assert_answer 'dropped no-listener' 'tcp 10.0.0.9 10.0.0.1:81 lo'
	assert_why 'tcp 10.0.0.9 10.0.0.1:81 lo' 'decides'
	serve tcp-serve 127.0.0.1 5001
	assert_answer 'spliced rule-splice' 'tcp 10.0.0.9 10.0.0.1:81 lo'
	assert_answer 'passed loopback' 'udp 10.0.0.9 10.0.0.1:80 lo'
	assert_answer 'passed loopback' 'tcp ::1 [::1]:22 lo'
}

# ---- why ----

# yields WHY LOSER WINNER: of two rules, whichever was inserted first
yields() {
	local why=$1 loser=$2 winner=$3 packet='tcp 192.0.2.9 10.0.0.1:80 t0' order

	for order in "$loser"$'\n'"$winner" "$winner"$'\n'"$loser"; do
		map_delete --all
		map_update -f - <<<"$order"
		assert_why "$packet" decides "$why" || return
		# the one that decides, as the program says
		map_delete --all
		map_update -f - <<<"$winner"
		rules >"$tmp/winner"
		map_update -f - <<<"$order"
		assert_json 'd["rule"] == d["rules"][0]["rule"]' || return
	done
}

@test "why: each criterion, in its order, whatever comes after it" {
	yields 'priority is lower' '10.0.0.1 32 80 80 0 tcp -a drop -i t0 -P -1' '0.0.0.0 0 0 65535 0 any'
	yields 'priority is lower' '10.0.0.1 32 80 80 0 tcp' '0.0.0.0 0 0 65535 0 any -P 1'
	yields 'destination prefix is shorter' '10.0.0.0 31 80 80 0 tcp -a drop -i t0 -s 192.0.2.9' '10.0.0.1 32 0 65535 0 any'
	yields 'source prefix is shorter' '10.0.0.0 8 80 80 0 tcp -a drop -i t0' '10.0.0.0 8 0 65535 0 any -s 192.0.2.0/24'
	yields 'port range is wider' '10.0.0.0 8 79 80 0 tcp -a drop -i t0' '10.0.0.0 8 80 80 0 tcp'
	yields 'for any interface' '10.0.0.0 8 80 80 0 tcp -a drop' '10.0.0.0 8 80 80 0 tcp -i t0'
	yields 'splice yields to drop' '10.0.0.0 8 80 80 5001 tcp -S a' '10.0.0.0 8 80 80 0 tcp -a drop -S b'
	yields 'pass yields to drop' '10.0.0.0 8 80 80 0 tcp -S a' '10.0.0.0 8 80 80 0 tcp -a drop -S b'
	yields 'pass yields to splice' '10.0.0.0 8 80 80 0 tcp -S a' '10.0.0.0 8 80 80 5001 tcp -S b'
}

@test "why: of two alike the newer wins, also after the older was inserted again" {
	map_update 10.0.0.0 8 80 80 0 tcp -S a
	map_update 10.0.0.0 8 80 80 0 tcp -S b
	assert_why 'tcp 192.0.2.9 10.0.0.1:80' decides older
	assert_json '[r["service"] for r in d["rules"]] == ["b", "a"]'
	map_update 10.0.0.0 8 80 80 0 tcp -S a
	assert_why 'tcp 192.0.2.9 10.0.0.1:80' decides older
	assert_json '[r["service"] for r in d["rules"]] == ["a", "b"]'
}

@test "why: rules that do not match are not shown" {
	map_update -f - <<-'END'
		10.0.0.0 8 80 80 0 tcp
		10.0.0.0 8 81 90 0 tcp
		10.0.0.0 8 80 80 0 udp
		10.1.0.0 16 80 80 0 tcp
		10.0.0.0 8 80 80 0 tcp -s 198.51.100.0/24
		10.0.0.0 8 80 80 0 tcp -i t1
		:: 0 80 80 0 tcp
	END
	assert_why 'tcp 192.0.2.9 10.0.0.1:80' decides
}

# ---- where it is attached ----

@test "an interface without the program: a note, and what it would do" {
	map_update 10.0.0.0 8 80 80 0 tcp -i t1
	capture rule_list --match 'tcp 192.0.2.9 10.0.0.1:80 t1'
	assert_status 0
	assert_errors 'rule_list: not attached to t1: this is what it would do'
	[ "$(head -n 1 "$out")" = 'ALLOWED passed rule-pass: a pass rule matches' ] || fail 'rule-pass' "$(cat "$out")"
	assert_state none0 rule_list --match 'tcp 192.0.2.9 10.0.0.1:80 none0'
	capture rule_list --match 'tcp 192.0.2.9 10.0.0.1:80 #70000'
	assert_status 1
	assert_errors_have 'rule_list: #70000: No such device'
}

@test "several interfaces: one must be named" {
	attach t1
	assert_refused --match rule_list --match 'tcp 192.0.2.9 10.0.0.1:80'
	assert_errors 'rule_list: --match: name the interface, it is attached to several: t1, t0'
	map_update 10.0.0.0 8 80 80 0 tcp -i t1
	assert_answer 'dropped no-rule' 'tcp 192.0.2.9 10.0.0.1:80 t0'
	assert_answer 'passed rule-pass' 'tcp 192.0.2.9 10.0.0.1:80 t1'
	assert_errors ''
	tc qdisc del dev t1 clsact
	assert_answer 'dropped no-rule' 'tcp 192.0.2.9 10.0.0.1:80'
}

@test "two copies on one interface are one interface" {
	tc filter add dev t0 ingress bpf da obj "${LAB_OBJECTS:?}/splicer.o" sec action
	assert_answer 'dropped no-rule' 'tcp 192.0.2.9 10.0.0.1:80'
	tc qdisc del dev t0 clsact
	attach t0
}

@test "attached nowhere: exit 1" {
	tc qdisc del dev t0 clsact
	assert_state splicer.o rule_list --match 'tcp 192.0.2.9 10.0.0.1:80'
	assert_errors 'rule_list: splicer.o: not attached to any interface'
	assert_state splicer.o rule_list --match 'tcp 192.0.2.9 10.0.0.1:80 t0'
	attach t0
}

@test "a program that goes on with removed maps is not asked" {
	rm /sys/fs/bpf/tc/globals/*
	attach t1
	map_update 10.0.0.0 8 80 80 0 tcp
	capture rule_list --match 'tcp 192.0.2.9 10.0.0.1:80'
	assert_status 0
	assert_errors ''
	[ "$(head -n 1 "$out")" = 'ALLOWED passed rule-pass: a pass rule matches' ] || fail 'rule-pass' "$(cat "$out")"
	capture rule_list --match 'tcp 192.0.2.9 10.0.0.1:80 t0'
	assert_status 0
	assert_errors 'rule_list: other maps are used on t0: this is what it would do'
	tc qdisc del dev t1 clsact
	assert_state splicer.o rule_list --match 'tcp 192.0.2.9 10.0.0.1:80'
	assert_errors 'rule_list: splicer.o: attached, but its maps were removed: attach it anew'
	tc qdisc del dev t0 clsact
	attach t0
}

# ---- what a question must not do ----

# The other end is down, so that no packet of the kernel's own comes in between.
@test "a question counts nothing, in rules or reasons" {
	local packet

	ip link set t1 down
	map_update 10.0.0.0 8 80 80 0 tcp
	map_update 10.0.0.0 8 81 81 5001 udp
	map_update fd00:: 8 any any 0 any -a drop
	serve udp-serve 127.0.0.1 5001
	rule_list -j >"$tmp/rules"
	verdict_stat >"$tmp/counts"
	for packet in 'tcp 192.0.2.9 10.0.0.1:80' 'udp 192.0.2.9 10.0.0.1:81' 'gre ::1 fd00::1' 'icmp 192.0.2.9 10.0.0.1' \
		'tcp 192.0.2.9 10.0.0.1:80 lo' 'icmpv6 fe80::9 [fe80::1]:135' 'udp 10.0.0.9:67 10.0.0.1:68'; do
		capture rule_list --match "$packet"
		assert_status 0
	done
	diff -u "$tmp/rules" <(rule_list -j) || fail 'the same rules' 'others'
	diff -u "$tmp/counts" <(verdict_stat) || fail 'the same counts' 'others'
	ip link set t1 up
}

# Each answer is of some moment: the rule it names was there.
@test "while rules change, the answer is still whole" {
	local i packet='tcp 192.0.2.9 10.0.0.1:80'

	map_update 10.0.0.0 8 80 80 0 tcp
	(
		exec 3>&-
		while [ ! -e "$tmp/enough" ]; do
			map_update 10.0.0.0 8 80 80 5001 tcp
			map_update 10.0.0.0 8 80 80 0 tcp
			printf '10.%d.0.0 16 80 80 0 tcp\n' 1 2 3 | map_update -f -
		done
	) &
	servers+=($!)
	for i in {1..40}; do
		capture rule_list -j --match "$packet"
		assert_status 0
		if [ -s "$err" ]; then
			assert_errors 'rule_list: rules change meanwhile: the answer is the program'\''s, the rules below may be others'
		else
			assert_json 'd["rule"] == d["rules"][0]["rule"] and d["rules"][0]["why"] == "decides"'
		fi
	done
	touch "$tmp/enough"
	wait "${servers[-1]}"
	servers=()
}

@test "listing and asking need no lock" {
	local lock

	map_update 10.0.0.0 8 80 80 0 tcp
	exec {lock}</sys/fs/bpf/tc/globals
	flock -n "$lock"
	assert_answer 'passed rule-pass' 'tcp 192.0.2.9 10.0.0.1:80'
	exec {lock}<&-
}

# ---- usage ----

@test "malformed packets are refused by their word" {
	assert_refused '' rule_list --match ''
	assert_refused tcp rule_list --match tcp
	assert_refused 'tcp 10.0.0.1:1' rule_list --match 'tcp 10.0.0.1:1'
	assert_refused x rule_list --match 'x 10.0.0.1 10.0.0.2'
	assert_refused any rule_list --match 'any 10.0.0.1 10.0.0.2'
	assert_refused 10.0.0.2 rule_list --match 'tcp 10.0.0.1 10.0.0.2'
	assert_refused 10.0.0:80 rule_list --match 'tcp 10.0.0.1 10.0.0:80'
	assert_refused 10.0.0.2:65536 rule_list --match 'udp 10.0.0.1 10.0.0.2:65536'
	assert_refused 10.0.0.1:x rule_list --match 'udp 10.0.0.1:x 10.0.0.2:1'
	assert_refused '[::1]:80' rule_list --match 'udp 10.0.0.1:1 [::1]:80'
	assert_refused '[::1' rule_list --match 'udp ::2 [::1'
	assert_refused 10.0.0.2:80 rule_list --match 'gre 10.0.0.1 10.0.0.2:80'
	assert_refused 10.0.0.2:8/256 rule_list --match 'icmp 10.0.0.1 10.0.0.2:8/256'
	assert_refused icmp rule_list --match 'icmp ::1 ::2'
	assert_refused 44 rule_list --match '44 ::1 ::2'
	assert_refused more rule_list --match 'tcp 10.0.0.1:1 10.0.0.2:1 t0 more'
	assert_refused --match rule_list --match
	assert_refused ''$'?' rule_list --match $'\e'
}

@test "a malformed packet is refused before the maps are opened" {
	assert_refused x rule_list --pin-dir "$tmp" --match 'x 10.0.0.1 10.0.0.2'
	assert_state "$tmp" rule_list --pin-dir "$tmp" --match 'tcp 10.0.0.1 10.0.0.2:1'
}

@test "--match goes with neither selectors nor other forms" {
	local packet='tcp 10.0.0.1:1 10.0.0.2:1' option

	for option in '-p tcp' '-i t0' '-S tag' --dead '10.0.0.0 8'; do
		# shellcheck disable=SC2086  # words
		assert_refused --match rule_list --match "$packet" $option
	done
	for option in --save '--watch 1' --stats; do
		# shellcheck disable=SC2086  # words
		assert_refused "${option% *}" rule_list --match "$packet" $option
	done
	assert_refused -v rule_list -v
}
