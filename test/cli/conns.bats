#!/usr/bin/env bats
# conn_list, conn_delete, conn_set: against connections that the test puts in the tables itself, and real sockets.

# shellcheck disable=SC2154,SC2034  # out, err, tmp and the like are set and used in helpers.bash
load helpers

setup() {
	box_clean
	limit=20
	ip addr replace 10.9.0.1/24 dev t0
	ip addr replace fd09::1/64 dev t0 nodad
	forget
}

# As if splicer.o had just been attached.
forget() {
	conn_delete -q --all --sockets
	conn_set "$(echo {confirmed,unconfirmed}=default)" 2>/dev/null || true
	conn_set {confirmed,unconfirmed,tcp_{handshake,established,closing,closed},udp,udp_stream,icmp,other}=default
}

# Entries of the maps: see test/conns.py.
conns() {
	python3 -IS "$BATS_TEST_DIRNAME/../conns.py" "$@"
}

index_of() {
	ip -o link show "$1" | cut -d : -f 1
}

# hold KIND ADDRESS PORT: a connected socket of this shell, $held, until the test ends or it is closed; $port is its own.
hold() {
	exec {held}<>"/dev/$1/$2/$3"
	case $2 in
	*:*) set -- "$1" "[$2]" "$3" ;;
	esac
	port=$(ss -Hn"${1:0:1}" state connected dst "$2" dport = "$3" | awk '{ sub(/.*:/, "", $(NF - 1)); print $(NF - 1) }' |
		tail -n 1)
}

release() {
	exec {held}>&-
}

tracked() {
	conn_list -j | python3 -ISc '
import json, sys
for d in json.load(sys.stdin):
    print(d["table"], d["proto"], d["src"], d["dst"])'
}

# assert_tracked TEXT: what conn_list lists, oldest first; '' is nothing, - is standard input
assert_tracked() {
	tracked >"$tmp/tracked" && assert_text tracked "$tmp/tracked" "$1"
}

# Six connections, all different, none overdue for days. The host may have booted a minute ago: nothing can be older.
sample() {
	conn_set {udp,udp_stream,icmp,other}=432000
	conns put confirmed tcp 10.1.0.1 4000 10.2.0.1 80 state=2 age=50 idle=5 packets=5,6 bytes=500,6000 \
		ifindex="$(index_of t0)" in=7
	conns put unconfirmed tcp 10.1.0.2 4001 10.2.0.1 443 state=1 age=1 idle=1 ifindex=65000 in=8
	conns put unconfirmed udp fd01::1 4002 fd02::1 53 state=0 age=10 packets=1,0 bytes=80,0 flags=1 out=9
	conns put confirmed icmp 10.1.0.3 77 10.2.0.3 77 state=2 age=20 packets=2,1 bytes=168,84
	conns put confirmed icmpv6 fd01::3 78 fd02::3 78 state=2 age=30 flags=1
	conns put confirmed gre 10.1.0.4 0 10.2.0.4 0 state=0 age=40 deadline=3600 flags=2
}

# Tables of other sizes, again and again until the test ends.
exchange_tables() {
	(while :; do conn_set confirmed=2000 unconfirmed=20 && conn_set confirmed=3000 unconfirmed=30; done) 3>&- &
	servers+=("$!")
}

# ---- conn_list ----

@test "nothing: an empty table, an empty array, a count of zero" {
	capture conn_list
	assert_status 0
	assert_output ''
	assert_errors ''
	capture conn_list -j
	assert_output '[]'
	capture conn_list --count
	assert_output 0
	capture conn_list -j --count
	assert_output '[{"connections":0,"confirmed":0,"unconfirmed":0,"socket":0}]'
}

@test "the table: both families, all kinds of protocols, both tables, oldest first" {
	sample
	capture conn_list
	assert_status 0
	assert_errors ''
	cp "$out" "$tmp/table"
	sed -nE '1 s/ +/ /gp' "$tmp/table" >"$tmp/header"
	assert_text header "$tmp/header" \
		'PROTO SOURCE DESTINATION STATE TABLE SOCKET DIR IFACE AGE IDLE LEFT PKTS_FWD PKTS_REV BYTES_FWD BYTES_REV RULE'
	# times pass: their columns are looked at by themselves
	sed -E 1d "$tmp/table" | awk '{ $9 = $10 = $11 = "*"; print }' >"$tmp/rows"
	assert_text rows "$tmp/rows" - <<-'END'
		tcp 10.1.0.1:4000 10.2.0.1:80 established confirmed - in t0 * * * 5 6 500 6000 7
		gre 10.1.0.4 10.2.0.4 new confirmed - in - * * * 0 0 0 0 -
		icmpv6 [fd01::3]:78 [fd02::3]:78 established confirmed - out - * * * 0 0 0 0 -
		icmp 10.1.0.3:77 10.2.0.3:77 established confirmed - in - * * * 2 1 168 84 -
		udp [fd01::1]:4002 [fd02::1]:53 new unconfirmed - out - * * * 1 0 80 0 9
		tcp 10.1.0.2:4001 10.2.0.1:443 handshake unconfirmed - in #65000 * * * 0 0 0 0 8
	END
	awk 'NR == 2 { age = $9 + 0; idle = $10 + 0; exit !(age >= 50 && idle >= 5 && idle < age && $11 == "120h") }' "$tmp/table" ||
		fail 'age 50 s or more, idle 5 s or more, 120 h left' "$(sed -n 2p "$tmp/table")"
	# all lines of a table end in its last column
	[ "$(awk '{ print length }' "$tmp/table" | sort -u | wc -l)" = 1 ] || fail 'aligned lines' "$(cat "$tmp/table")"
}

@test "JSON: the keys and what they hold" {
	sample
	capture conn_list -j -p tcp --table confirmed
	assert_json 'list(d[0]) == ["proto", "src", "sport", "dst", "dport", "icmp_id", "state", "table", "socket", "dir",
		"iface", "iface_rev", "created", "last", "expires", "timeout", "deadline", "packets_fwd", "packets_rev", "bytes_fwd",
		"bytes_rev", "rule", "cut"]'
	assert_json '[key for key in d[0] if "packets" in key] == ["packets_fwd", "packets_rev"]'
	assert_json '{key: d[0][key] for key in d[0] if key not in ("created", "last", "expires")} == {"proto": "tcp",
		"src": "10.1.0.1", "sport": 4000, "dst": "10.2.0.1", "dport": 80, "icmp_id": None, "state": "established",
		"table": "confirmed", "socket": None, "dir": "in", "iface": "t0", "iface_rev": None, "timeout": 432000, "deadline": None,
		"packets_fwd": 5, "packets_rev": 6, "bytes_fwd": 500, "bytes_rev": 6000, "rule": 7, "cut": False}'
	assert_json 'abs(d[0]["last"] - d[0]["created"] - 45) < 0.1'
	assert_json 'abs(d[0]["expires"] - d[0]["last"] - 432000) < 0.1'
	assert_json "0 <= $(date +%s) + 1 - d[0]['last'] < 65"
	capture conn_list -j -p icmp
	assert_json '[(e["sport"], e["dport"], e["icmp_id"], e["rule"], e["iface"]) for e in d] == [(None, None, 77, None, None)]'
	capture conn_list -j -p 47
	assert_json "[(e['sport'], e['icmp_id'], e['cut']) for e in d] == [(None, None, True)]"
	assert_json "abs(d[0]['deadline'] - 3600 - $(date +%s)) < 60"
	capture conn_list -j --table unconfirmed -p tcp
	assert_json '[(e["iface"], e["state"], e["rule"]) for e in d] == [("#65000", "handshake", 8)]'
}

@test "--count, by table too" {
	sample
	capture conn_list --count
	assert_output 6
	capture conn_list --count -j
	assert_output '[{"connections":6,"confirmed":4,"unconfirmed":2,"socket":0}]'
	capture conn_list --count 10.2.0.1
	assert_output 2
}

@test "what is overdue is not listed: by protocol and state, as timeouts are set" {
	conn_set tcp_handshake=5 tcp_closing=5000 tcp_closed=5 udp=5 udp_stream=5000 icmp=5 other=5000
	conns put unconfirmed udp 10.1.0.1 1 10.2.0.1 1 state=0 age=27 idle=6
	conns put confirmed udp 10.1.0.2 1 10.2.0.1 1 state=2 age=24 idle=6
	conns put confirmed tcp 10.1.0.3 1 10.2.0.1 1 state=4 age=21 idle=6
	conns put confirmed tcp 10.1.0.4 1 10.2.0.1 1 state=3 age=18 idle=6
	conns put confirmed tcp 10.1.0.5 1 10.2.0.1 1 state=1 age=15 idle=6
	conns put confirmed icmp 10.1.0.6 1 10.2.0.1 1 state=2 age=12 idle=6
	conns put confirmed gre 10.1.0.7 1 10.2.0.1 1 state=0 age=9 idle=6
	conns put confirmed tcp 10.1.0.8 1 10.2.0.1 1 state=2 age=6 idle=6
	assert_tracked - <<-'END'
		confirmed udp 10.1.0.2 10.2.0.1
		confirmed tcp 10.1.0.4 10.2.0.1
		confirmed gre 10.1.0.7 10.2.0.1
		confirmed tcp 10.1.0.8 10.2.0.1
	END
	conn_set tcp_handshake=5000 tcp_closing=5 tcp_closed=5000 udp=5000 udp_stream=5 icmp=5000 other=5 tcp_established=5
	assert_tracked - <<-'END'
		unconfirmed udp 10.1.0.1 10.2.0.1
		confirmed tcp 10.1.0.3 10.2.0.1
		confirmed tcp 10.1.0.5 10.2.0.1
		confirmed icmp 10.1.0.6 10.2.0.1
	END
}

@test "a connection that is in both tables is listed once, as the confirmed one" {
	conns put unconfirmed udp 10.1.0.1 1 10.2.0.1 1 state=0 packets=1,0
	conns put confirmed udp 10.2.0.1 1 10.1.0.1 1 state=2 packets=3,4
	capture conn_list -j
	assert_json '[(e["src"], e["table"], e["packets_fwd"]) for e in d] == [("10.2.0.1", "confirmed", 3)]'
	capture conn_list -j --count
	assert_output '[{"connections":1,"confirmed":1,"unconfirmed":0,"socket":0}]'
	# overdue in one of them it still is one in the other
	conn_set udp_stream=5
	conns put confirmed udp 10.2.0.1 1 10.1.0.1 1 state=2 idle=6
	assert_tracked 'unconfirmed udp 10.1.0.1 10.2.0.1'
}

@test "every selector" {
	local row

	sample
	while read -r row; do
		# shellcheck disable=SC2086  # several words
		capture conn_list --count ${row#* }
		assert_status 0
		assert_output "${row%% *}"
	done <<-'END'
		2 -p tcp
		1 --proto 47
		6 -p any
		0 -p sctp
		3 -s 10.1.0.1-10.1.0.3
		2 -s fd01::/16
		0 -s 10.2.0.1
		2 -d 10.2.0.1
		1 -d fd02::1
		1 --sport 4000
		3 --sport 4000-4002
		2 --dport 80-443
		1 --dport 53
		0 --dport 77
		1 -i t0
		1 -i #65000
		0 -i t1
		1 --state handshake
		3 --state established
		2 --state new
		0 --state closed
		4 --dir in
		2 --dir out
		4 --table confirmed
		2 --table unconfirmed
		0 --table socket
		1 -r 7
		1 --rule 9
		0 --rule 1
		4 0.0.0.0/0
		2 10.2.0.1
		1 10.1.0.4
		1 10.1.0.0-10.1.0.1
		1 -p tcp -d 10.2.0.1 --dport 443 --state handshake --table unconfirmed --dir in 10.1.0.2
		0 -p tcp -d 10.2.0.1 --dport 443 10.1.0.1
	END
}

@test "what is malformed is refused, by conn_list and conn_delete alike" {
	local tool

	sample
	for tool in conn_list conn_delete; do
		assert_refused tpc "$tool" -p tpc
		assert_refused 10.0.0.1/8 "$tool" -s 10.0.0.1/8
		assert_refused 10.0.0 "$tool" -d 10.0.0
		assert_refused 80-70 "$tool" --dport 80-70
		assert_refused 65536 "$tool" --sport 65536
		assert_refused est "$tool" --state est
		assert_refused both "$tool" --dir both
		assert_refused all "$tool" --table all
		assert_refused 0 "$tool" --rule 0
		assert_refused 10.0.0.2 "$tool" 10.0.0.1 10.0.0.2
		assert_refused '' "$tool" ''
		assert_state nodev0 "$tool" -i nodev0
	done
	capture conn_list --count
	assert_output 6
}

# ---- sockets ----

@test "sockets that listen or have no peer are not listed, nor is what stays on loopback" {
	serve tcp-serve 10.9.0.1 8080
	serve udp-serve 10.9.0.1 8053
	serve tcp-serve 127.0.0.1 8081
	hold tcp 127.0.0.1 8081
	capture conn_list
	assert_output ''
}

@test "a local connection is one row: TCP and UDP, with its socket's state" {
	serve tcp-serve 10.9.0.1 8080
	hold tcp 10.9.0.1 8080
	capture conn_list -j
	assert_json '([(e["proto"], e["src"], e["dst"], e["dport"], e["state"], e["table"], e["socket"]) for e in d] ==
		[("tcp", "10.9.0.1", "10.9.0.1", 8080, "established", "socket", "established")])'
	assert_json "d[0]['sport'] == $port"
	assert_json '([d[0][key] for key in ("created", "last", "expires", "timeout", "deadline", "packets_fwd", "rule",
		"iface")] == [None] * 8)'
	release
	serve udp-serve 10.9.0.1 8053
	hold udp 10.9.0.1 8053
	capture conn_list -j -p udp
	assert_json '([(e["dport"], e["state"], e["table"], e["socket"]) for e in d] ==
		[(8053, "established", "socket", "connected")])'
}

@test "a tracked connection of a local socket is one row, with what is tracked of it; IPv4, IPv6, IPv4 by IPv6" {
	serve tcp-serve 10.9.0.1 8080
	serve tcp-serve fd09::1 8080
	hold tcp 10.9.0.1 8080
	conns put confirmed tcp 10.9.0.1 "$port" 10.9.0.1 8080 state=2 packets=5,6 in=3
	hold tcp fd09::1 8080
	conns put confirmed tcp fd09::1 "$port" fd09::1 8080 state=2 packets=7,8
	capture conn_list -j
	assert_json '(sorted((e["src"], e["table"], e["socket"], e["packets_fwd"], e["rule"]) for e in d) ==
		[("10.9.0.1", "confirmed", "established", 5, 3), ("fd09::1", "confirmed", "established", 7, None)])'
	hold tcp ::ffff:10.9.0.1 8080
	conns put unconfirmed tcp 10.9.0.1 "$port" 10.9.0.1 8080 state=1 packets=9,0
	capture conn_list -j --sport "$port"
	assert_json '[(e["table"], e["socket"], e["packets_fwd"]) for e in d] == [("unconfirmed", "established", 9)]'
}

# ---- conn_delete ----

@test "conn_delete without a selector is refused; --all forgets all, also none" {
	sample
	assert_refused operands conn_delete
	assert_refused operands conn_delete -v
	assert_refused --sockets conn_delete --sockets
	assert_refused --sockets conn_delete --sockets -p tcp
	capture conn_list --count
	assert_output 6
	assert_done conn_delete --all
	assert_tracked ''
	assert_done conn_delete --all
	assert_done conn_delete --all -p tcp
}

@test "by selectors: those and no other, from whichever table; none is exit 1" {
	sample
	assert_done conn_delete -p tcp -d 10.2.0.1 --dport 443
	assert_done conn_delete 10.1.0.3
	assert_done conn_delete -d fd02::/16
	assert_tracked $'confirmed tcp 10.1.0.1 10.2.0.1\nconfirmed gre 10.1.0.4 10.2.0.4'
	capture conn_delete -p tcp --dport 443-444 10.2.0.1
	assert_status 1
	assert_errors 'conn_delete: --proto tcp --dport 443-444 10.2.0.1: no such connection'
	assert_done conn_delete --rule 7
	assert_tracked 'confirmed gre 10.1.0.4 10.2.0.4'
	[ "$(conns keys confirmed | wc -l)" = 1 ] || fail 'one entry' "$(conns keys confirmed)"
}

@test "what is in both tables goes from both" {
	conns put unconfirmed udp 10.1.0.1 1 10.2.0.1 1
	conns put confirmed udp 10.1.0.1 1 10.2.0.1 1
	assert_done conn_delete 10.1.0.1
	[ "$(conns keys confirmed; conns keys unconfirmed)" = $'none\nnone' ] || fail 'no entries' "$(conns keys unconfirmed)"
}

@test "-v and -j say what was deleted, as rule_list --match reads it; -n deletes nothing" {
	local line

	sample
	capture conn_delete -n --all
	assert_status 0
	sort "$out" >"$tmp/dry"
	capture conn_list --count
	assert_output 6
	capture conn_delete -j -n -p icmp
	assert_json '[(e["change"], e["proto"], e["src"], e["table"]) for e in d] == [("D", "icmp", "10.1.0.3", "confirmed")]'
	capture conn_delete -v --all
	assert_status 0
	sort "$out" | diff -u "$tmp/dry" - || fail 'what the dry run said' 'something else'
	assert_text deleted "$tmp/dry" - <<-'END'
		D gre 10.1.0.4 10.2.0.4
		D icmp 10.1.0.3 10.2.0.3
		D icmpv6 fd01::3 fd02::3
		D tcp 10.1.0.1:4000 10.2.0.1:80 t0
		D tcp 10.1.0.2:4001 10.2.0.1:443 #65000
		D udp [fd01::1]:4002 [fd02::1]:53
	END
	while read -r _ line; do
		[[ $line == *'#65000' ]] || rule_list --match "$line" >/dev/null || fail 'a packet' "$line"
	done <"$tmp/dry"
}

@test "a local socket is destroyed with its connection, and only that one; listeners stay" {
	local first second

	serve tcp-serve 10.9.0.1 8080
	hold tcp 10.9.0.1 8080
	first=$held
	conns put confirmed tcp 10.9.0.1 "$port" 10.9.0.1 8080 state=2
	local first_port=$port
	hold tcp 10.9.0.1 8080
	second=$held
	read -r -u "$first"
	read -r -u "$second"
	assert_done conn_delete -p tcp --sport "$first_port" --dport 8080
	if read -r -t 5 -u "$first" 2>/dev/null; then fail 'an end' "$REPLY"; fi
	echo hello >&"$second"
	read -r -t 5 -u "$second"
	[ "$REPLY" = hello ] || fail hello "$REPLY"
	hold tcp 10.9.0.1 8080
	read -r -t 5 -u "$held" || fail 'that the listener stays' 'no answer'
	[ "$(conns keys confirmed)" = none ] || fail 'no entry' "$(conns keys confirmed)"
}

@test "a connected UDP socket is disconnected, an unconnected one is not touched" {
	serve udp-serve 10.9.0.1 8053
	hold udp 10.9.0.1 8053
	assert_done conn_delete -p udp --dport 8053
	capture conn_list --count
	assert_output 0
	release
	capture peer udp-ask 10.9.0.1 8053 hello
	assert_status 0
}

@test "every listener is there after conn_delete 0.0.0.0/0 and --all --sockets" {
	serve tcp-serve 10.9.0.1 8080
	serve udp-serve 0.0.0.0 8053
	ss -Hntul | sort >"$tmp/before"
	hold tcp 10.9.0.1 8080
	assert_done conn_delete --all 0.0.0.0/0
	assert_done conn_delete --all ::/0
	hold tcp 10.9.0.1 8080
	assert_done conn_delete --all --sockets
	capture conn_list --count
	assert_output 0
	ss -Hntul | sort | diff -u "$tmp/before" - || fail 'the same listeners' 'others'
}

@test "--all alone leaves sockets" {
	serve tcp-serve 10.9.0.1 8080
	hold tcp 10.9.0.1 8080
	conns put confirmed tcp 10.9.0.1 "$port" 10.9.0.1 8080 state=2
	capture conn_delete -v --all
	assert_output "D tcp 10.9.0.1:$port 10.9.0.1:8080"
	[ "$(conns keys confirmed)" = none ] || fail 'no entry' "$(conns keys confirmed)"
	capture conn_delete -v --all
	assert_output ''
	read -r -t 5 -u "$held"
	echo hello >&"$held"
	read -r -t 5 -u "$held"
	[ "$REPLY" = hello ] || fail hello "$REPLY"
}

@test "the operator's own SSH session stays, however the tool is called; another one goes" {
	local own

	serve tcp-serve 10.9.0.1 8022
	hold tcp 10.9.0.1 8022
	own=$held
	read -r -u "$own"
	conns put confirmed tcp 10.9.0.1 "$port" 10.9.0.1 8022 state=2
	export SSH_CONNECTION="10.9.0.1 $port 10.9.0.1 8022"
	capture conn_delete -p tcp
	assert_status 1
	assert_errors - <<-'END'
		conn_delete: the SSH session that this is run from is left alone
		conn_delete: --proto tcp: no other connection
	END
	hold tcp 10.9.0.1 8022
	# as sudo does: the shell above still has the variable
	# shellcheck disable=SC2016  # for that shell
	capture bash -c 'env -i "PATH=$PATH" conn_delete -q -v -p tcp; exit "$?"'
	assert_status 0
	assert_output "D tcp 10.9.0.1:$port 10.9.0.1:8022"
	assert_errors ''
	assert_done conn_delete -q --all --sockets
	[ "$(conns keys confirmed | wc -l)" = 1 ] || fail 'its entry' none
	echo hello >&"$own"
	read -r -t 5 -u "$own"
	[ "$REPLY" = hello ] || fail hello "$REPLY"
	unset SSH_CONNECTION
	assert_done conn_delete -p tcp
	[ "$(conns keys confirmed)" = none ] || fail 'no entry' "$(conns keys confirmed)"
}

# ---- conn_set ----

@test "what is in force: defaults in parentheses, entries in use and overdue" {
	conns put confirmed udp 10.1.0.1 1 10.2.0.1 1 state=2
	conns put confirmed udp 10.1.0.2 1 10.2.0.1 1 state=0 idle=35
	capture conn_set
	assert_status 0
	assert_output - <<-'END'
		NAME             VALUE     UNIT         USED  OVERDUE
		confirmed        (65536)   connections     1        1
		unconfirmed      (16384)   connections     0        0
		tcp_handshake    (60)      seconds         -        -
		tcp_established  (432000)  seconds         -        -
		tcp_closing      (120)     seconds         -        -
		tcp_closed       (10)      seconds         -        -
		udp              (30)      seconds         -        -
		udp_stream       (120)     seconds         -        -
		icmp             (30)      seconds         -        -
		other            (600)     seconds         -        -
	END
	assert_done conn_set udp=31 unconfirmed=100
	capture conn_set -j
	assert_json '[e["name"] for e in d if not e["default"]] == ["unconfirmed", "udp"]'
	assert_json 'd[1] == {"name": "unconfirmed", "value": 100, "default": False, "unit": "connections", "used": 0, "overdue": 0}'
	assert_json 'd[6] == {"name": "udp", "value": 31, "default": False, "unit": "seconds", "used": None, "overdue": None}'
	assert_json 'd[0]["default"] and d[0]["value"] == 65536'
	capture conn_set
	assert_output_has 'udp              31 '
}

@test "-v, -n and -j: a letter and what was said" {
	capture conn_set -v udp=5 icmp=default confirmed=1000
	assert_status 0
	assert_output $'C confirmed=1000\nC udp=5\n= icmp=default'
	capture conn_set -n udp=default confirmed=1000 unconfirmed=7
	assert_output $'= confirmed=1000\nC unconfirmed=7\nC udp=default'
	[ "$(conns size confirmed) $(conns size unconfirmed)" = '1000 16384' ] || fail '1000 16384' 'something else'
	capture conn_set -j udp=default
	assert_json '[(e["change"], e["name"], e["value"], e["default"]) for e in d] == [("C", "udp", 30, True)]'
	capture conn_set -j -n udp=9
	assert_json '[(e["change"], e["value"]) for e in d] == [("C", 9)]'
	capture conn_set --save
	assert_output confirmed=1000
}

@test "--save and -f: what is saved is read back, to the same" {
	conn_set tcp_handshake=1 tcp_established=2 tcp_closing=3 tcp_closed=4 udp=5 udp_stream=6 icmp=7 other=8 confirmed=900 \
		unconfirmed=90
	conn_set --save >"$tmp/saved"
	assert_text saved "$tmp/saved" - <<-'END'
		confirmed=900
		unconfirmed=90
		tcp_handshake=1
		tcp_established=2
		tcp_closing=3
		tcp_closed=4
		udp=5
		udp_stream=6
		icmp=7
		other=8
	END
	forget
	capture conn_set --save
	assert_output ''
	assert_done conn_set -f "$tmp/saved"
	capture conn_set --save
	assert_text saved "$out" - <"$tmp/saved"
	assert_done conn_set -f - <<<'# nothing'
	assert_done conn_set -f - <<<$'udp=1 icmp=2  # two\nother=3'
	capture conn_set -n -f "$tmp/saved"
	assert_output_has 'C icmp=7'
	assert_output_has '= confirmed=900'
}

# assert_settings_refused STATUS OPERAND COMMAND...: it fails and nothing is set.
assert_settings_refused() {
	local expected=$1 operand=$2 before

	shift 2
	before=$(conn_set)
	capture "$@"
	program=conn_set
	assert_status "$expected"
	assert_output ''
	assert_complaint "$operand"
	[ "$(conn_set)" = "$before" ] || fail "$before" "$(conn_set)"
}

@test "what is malformed is refused, and nothing of it is set" {
	assert_settings_refused 2 udps=5 conn_set udp=7 udps=5
	assert_errors_have 'where NAME is confirmed, unconfirmed, tcp_handshake, tcp_established'
	assert_settings_refused 2 udp=0 conn_set icmp=5 udp=0
	assert_errors_have 'udp is a number of seconds, 1-4294967295, or default'
	assert_settings_refused 2 confirmed=16777217 conn_set confirmed=16777217
	assert_errors_have 'confirmed is a number of connections, 1-16777216, or default'
	assert_settings_refused 2 confirmed=0 conn_set confirmed=0
	assert_settings_refused 2 udp conn_set udp
	assert_settings_refused 2 udp=6 conn_set udp=5 udp=6
	assert_settings_refused 2 --save conn_set --save udp=5
	assert_settings_refused 2 --save conn_set --save -j
	assert_settings_refused 2 -n conn_set -n
	capture conn_set -f - <<<$'icmp=5\nudp=x'
	assert_status 2
	assert_errors 'conn_set: stdin:2:1: udp=x: udp is a number of seconds, 1-4294967295, or default'
	capture conn_set -f - <<<$'udp=5\n--save'
	assert_status 2
	capture conn_set --save
	assert_output ''
}

@test "tables of another size keep their connections; both at once" {
	conns fill confirmed 3000
	conns put unconfirmed udp fd01::1 4002 fd02::1 53 packets=3,0
	conns keys confirmed >"$tmp/before"
	assert_done conn_set confirmed=200000 unconfirmed=10
	[ "$(conns size confirmed) $(conns size unconfirmed)" = '200000 10' ] || fail '200000 10' 'something else'
	conns keys confirmed | diff -u "$tmp/before" - || fail 'the same connections' 'others'
	[ "$(conns keys unconfirmed)" = "$(conns keys unconfirmed | grep ' 3$')" ] || fail 'the connection' 'another'
	assert_done conn_set confirmed=default
	conns keys confirmed | diff -u "$tmp/before" - || fail 'the same connections' 'others'
	[ "$(conns size confirmed)" = 65536 ] || fail 65536 "$(conns size confirmed)"
}

@test "a table too small keeps the most recently used ones, and -v says how many it does not" {
	local i

	for i in {1..9}; do
		conns put confirmed tcp "10.1.0.$i" 1 10.2.0.1 80 state=2 age=20 "idle=$i"
	done
	capture conn_set -v confirmed=4
	assert_status 0
	assert_output 'C confirmed=4'
	assert_errors 'conn_set: 5 connections dropped, the longest unused ones: the table is too small for them'
	[ "$(conns keys confirmed | grep -oE '10\.1\.0\.[0-9]' | tr '\n' ' ')" = '10.1.0.1 10.1.0.2 10.1.0.3 10.1.0.4 ' ] ||
		fail 'the four used last' "$(conns keys confirmed)"
	capture conn_set -v confirmed=5
	assert_errors ''
}

@test "no memory: an error, and nothing is changed" {
	conns put confirmed udp 10.1.0.1 1 10.2.0.1 1
	assert_settings_refused 1 splicer1_conns "$BATS_TEST_DIRNAME/no_memory" conn_set udp=5 confirmed=1000
	assert_errors_have 'no memory for a table of 1000 connections'
	assert_done "$BATS_TEST_DIRNAME/no_memory" conn_set udp=5
}

@test "killed at any moment, conn_set leaves the old table or the new one, and a whole set of connections" {
	local i delay counts

	conn_set udp=1000
	conns fill confirmed 2000
	for i in {1..30}; do
		delay=$(printf '0.%03d' $((i * 2)))
		timeout -s KILL "$delay" conn_set "confirmed=$((20000 + i % 2))" unconfirmed=$((100 + i)) 2>/dev/null || true
		counts=$(conn_list --count)
		[ "$counts" = 2000 ] || fail 2000 "$counts after $delay s"
	done
	assert_done conn_set confirmed=4000
}

@test "listing while tables are exchanged: each connection once, none missing" {
	local i

	conn_set udp=1000
	conns fill confirmed 500
	conns put unconfirmed udp 10.3.0.1 1 10.3.0.2 1
	exchange_tables
	for i in {1..60}; do
		capture conn_list --count -j
		assert_output '[{"connections":501,"confirmed":500,"unconfirmed":1,"socket":0}]'
	done
	kill -0 "${servers[-1]}" || fail 'that it goes on' 'its end'
}

@test "deleting while tables are exchanged: what was deleted stays so" {
	local i

	exchange_tables
	for i in {1..30}; do
		conns put confirmed udp 10.3.0.1 "$i" 10.3.0.2 1 state=2
		# it may have been put in a table that was no longer in force
		conn_delete -q --all --sport "$i"
		capture conn_list --count
		assert_output 0
	done
	kill -0 "${servers[-1]}" || fail 'that it goes on' 'its end'
}

# ---- pins ----

@test "tables of another shape in the map of maps are refused" {
	local other=/sys/fs/bpf/other maps

	rm -rf "$other"
	mkdir "$other"
	mapfile -t maps < <(find "$pins" -type f ! -name splicer1_conns)
	bpfmap link "${maps[@]}" "$other"
	assert_state "$other/splicer1_conns" conn_list --pin-dir "$other"
	conns holds 36 136 "$other/splicer1_conns"
	assert_state splicer1_conns conn_list --pin-dir "$other"
	assert_errors_have 'holds a map of another kind: type 9 key 36 value 136, expected type 9 key 40 value 136'
	assert_state splicer1_conns conn_delete --all --pin-dir "$other"
	assert_state splicer1_conns conn_set --pin-dir "$other"
	assert_state splicer1_conns conn_set confirmed=7 --pin-dir "$other"
	rm "$other/splicer1_conns"
	conns holds 40 64 "$other/splicer1_conns"
	assert_state splicer1_conns conn_list --pin-dir "$other"
}
