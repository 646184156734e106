#!/usr/bin/env bats
# conn_list --save and conn_update. What lines say, word for word, is in test/unit/test_flowline.c.

# shellcheck disable=SC2154,SC2034  # out, err, tmp and the like are set and used in helpers.bash
load helpers

setup() {
	box_clean
	conn_set {confirmed,unconfirmed,tcp_{handshake,established,closing,closed},udp,udp_stream,icmp,other}=default
	conn_delete -q --all
}

# Entries of the maps: see test/conns.py.
conns() {
	python3 -IS "$BATS_TEST_DIRNAME/../conns.py" "$@"
}

index_of() {
	ip -o link show "$1" | cut -d : -f 1
}

# One of each kind. The host may have booted a minute ago: nothing can be older.
sample() {
	conn_set {udp,udp_stream,icmp,other}=432000
	conns put confirmed tcp 10.1.0.1 4000 10.2.0.1 80 state=2 age=50 idle=5 packets=5,6 bytes=500,6000 \
		ifindex="$(index_of t0)" in=7 flags=64
	conns put unconfirmed tcp 10.1.0.2 4001 10.2.0.1 443 state=1 age=1 idle=1 ifindex=65000 in=8
	conns put unconfirmed udp fd01::1 4002 fd02::1 53 state=0 age=10 packets=1,0 bytes=80,0 flags=1 out=9
	conns put confirmed icmp 10.1.0.3 77 10.2.0.3 77 state=2 age=20 packets=2,1 bytes=168,84
	conns put confirmed icmpv6 fd01::3 78 fd02::3 78 state=2 age=30 flags=129
	conns put confirmed gre 10.1.0.4 0 10.2.0.4 0 state=0 age=40 deadline=3600 flags=2
}

# Lines without times, which tests look at by themselves
saved() {
	conn_list --save | sed -E 's/(created|last|deadline)=([0-9]+)\.[0-9]+/\1=T/g'
}

# What is listed, without times and rules, which are not saved
listed() {
	conn_list -j | python3 -ISc '
import json, sys
for d in json.load(sys.stdin):
    d["rule"] = None
    print({key: value for key, value in d.items() if key not in ("created", "last", "expires", "deadline")})'
}

times() {
	conn_list -j | python3 -ISc '
import json, sys
for d in json.load(sys.stdin):
    print(d["created"], d["last"], d["deadline"] or 0)'
}

# assert_near FILE: the same times, but for 50 ms
assert_near() {
	paste -d ' ' "$1" <(times) | awk '{ for (i = 1; i < 4; i++) if (($i - $(i + 3)) ^ 2 > 0.0025) exit 1 }' ||
		fail "$(<"$1")" "$(times)"
}

@test "what is saved: a line for each tracked connection, oldest first" {
	sample
	capture conn_list --save
	assert_status 0
	assert_errors ''
	sed -E 's/(created|last|deadline)=[0-9]+\.[0-9]{9}( |$)/\1=T\2/g' "$out" >"$tmp/lines"
	assert_text lines "$tmp/lines" - <<-'END'
		tcp 10.1.0.1:4000 10.2.0.1:80 dir=in state=established table=confirmed iface=t0 packets=5,6 bytes=500,6000 created=T last=T flags=back-left
		gre 10.1.0.4 10.2.0.4 dir=in state=new table=confirmed packets=0,0 bytes=0,0 created=T last=T deadline=T flags=cut
		icmpv6 fd01::3 fd02::3 icmp_id=78 dir=out state=established table=confirmed packets=0,0 bytes=0,0 created=T last=T flags=in-doubt
		icmp 10.1.0.3 10.2.0.3 icmp_id=77 dir=in state=established table=confirmed packets=2,1 bytes=168,84 created=T last=T
		udp [fd01::1]:4002 [fd02::1]:53 dir=out state=new table=unconfirmed packets=1,0 bytes=80,0 created=T last=T
		tcp 10.1.0.2:4001 10.2.0.1:443 dir=in state=handshake table=unconfirmed iface=#65000 packets=0,0 bytes=0,0 created=T last=T
	END
	capture conn_list --save -p tcp --dport 80
	[ "$(wc -l <"$out")" = 1 ] || fail 'one line' "$(<"$out")"
	capture conn_list --save --table socket
	assert_output ''
}

@test "all of it comes back, and a second time changes nothing" {
	sample
	conn_list --save >"$tmp/saved"
	listed >"$tmp/listed"
	times >"$tmp/times"
	conn_delete -q --all
	[ "$(conn_list --count)" = 0 ] || fail 'no connection' "$(conn_list)"
	assert_done conn_update -f "$tmp/saved"
	listed >"$tmp/again"
	assert_text listed "$tmp/again" - <"$tmp/listed"
	assert_near "$tmp/times"
	capture conn_update -v -f - <"$tmp/saved"
	assert_status 0
	cut -c 1 "$out" | sort -u >"$tmp/letters"
	assert_text letters "$tmp/letters" =
}

@test "-v and -n: a letter and the ends" {
	sample
	conn_list --save -p icmpv6 >"$tmp/saved"
	capture conn_update -n -f "$tmp/saved"
	assert_output '= icmpv6 fd01::3 fd02::3 icmp_id=78'
	conn_delete -q --all
	capture conn_update -n -f "$tmp/saved"
	assert_output 'A icmpv6 fd01::3 fd02::3 icmp_id=78'
	[ "$(conn_list --count)" = 0 ] || fail 'no connection' "$(conn_list)"
	capture conn_update -v -f "$tmp/saved"
	assert_output 'A icmpv6 fd01::3 fd02::3 icmp_id=78'
}

@test "what is there and newer stays; what is older is brought up to date, and confirmed" {
	conns put confirmed udp 10.0.0.1 1 10.0.0.2 2 state=2 age=9 idle=1 packets=9,9
	conns put unconfirmed udp 10.0.0.3 3 10.0.0.4 4 state=0 age=9 idle=8 packets=1,0
	conns put confirmed udp 10.0.0.5 5 10.0.0.6 6 state=2 age=9 idle=8 packets=1,1
	conns put confirmed udp 10.0.0.7 7 10.0.0.8 8 state=2 age=9 idle=8 packets=1,1
	local now
	now=$(date +%s)
	capture conn_update -v -f - <<-END
		udp 10.0.0.1:1 10.0.0.2:2 packets=5,5 created=$((now - 9)) last=$((now - 5))
		udp 10.0.0.3:3 10.0.0.4:4 packets=5,5 created=$((now - 9)) last=$((now - 4))
		udp 10.0.0.5:5 10.0.0.6:6 state=new table=unconfirmed packets=6,6 created=$((now - 9)) last=$((now - 3))
		udp 10.0.0.7:7 10.0.0.8:8 state=new table=unconfirmed packets=1,0 created=$((now - 2)) last=$((now - 2))
	END
	assert_output $'= udp 10.0.0.1:1 10.0.0.2:2\nC udp 10.0.0.3:3 10.0.0.4:4\nC udp 10.0.0.5:5 10.0.0.6:6\nC udp 10.0.0.7:7 10.0.0.8:8'
	# a connection of a confirmed one stays there, another that has begun in its place does not
	assert_text confirmed <(conns keys confirmed) $'17 10.0.0.1 1 10.0.0.2 2 9\n17 10.0.0.3 3 10.0.0.4 4 5\n17 10.0.0.5 5 10.0.0.6 6 6'
	assert_text unconfirmed <(conns keys unconfirmed) '17 10.0.0.7 7 10.0.0.8 8 1'
}

@test "what is overdue is left out, by the time of day; the future is now" {
	local now
	now=$(date +%s)
	capture conn_update -v -f - <<-END
		udp 10.0.0.1:1 10.0.0.2:2 last=$((now - 100))
		udp 10.0.0.1:1 10.0.0.2:3 last=$((now - 130))
		udp 10.0.0.1:1 10.0.0.2:4 state=new last=$((now - 40))
		tcp 10.0.0.1:1 10.0.0.2:5 last=1000
		udp 10.0.0.1:1 10.0.0.2:6 last=$((now + 5000)) created=$((now + 6000))
	END
	assert_output - <<-'END'
		- tcp 10.0.0.1:1 10.0.0.2:5 overdue
		- udp 10.0.0.1:1 10.0.0.2:3 overdue
		A udp 10.0.0.1:1 10.0.0.2:2
		- udp 10.0.0.1:1 10.0.0.2:4 overdue
		A udp 10.0.0.1:1 10.0.0.2:6
	END
	capture conn_list -j --dport 6
	assert_json "d[0]['created'] <= d[0]['last'] < $now + 60"
	# as old as it was, and no younger for the time that its line has waited
	capture conn_list -j --dport 2
	assert_json "abs(d[0]['last'] - $now + 100) < 1.5"
}

@test "when there is no room, the longest unused ones are left out" {
	local i now
	now=$(date +%s)
	conn_set confirmed=10
	for i in {1..30}; do
		echo "udp 10.0.0.1:$i 10.0.0.2:2 last=$((now - i))"
	done >"$tmp/lines"
	capture conn_update -v -f "$tmp/lines"
	assert_status 0
	assert_errors 'conn_update: 20 connections left out, the longest unused ones: the tables are too small for them'
	grep -c 'no room$' "$out" >"$tmp/count"
	assert_text count "$tmp/count" 20
	grep '^A' "$out" | cut -d: -f2 | cut -d' ' -f1 >"$tmp/put"
	assert_text 'put, oldest first' "$tmp/put" "$(seq 10 -1 1)"
	conn_delete -q --all
	assert_done conn_update -q -f "$tmp/lines"
}

@test "one connection on the command line; an interface that is gone is a mistake there, and none in a file" {
	assert_done conn_update udp 10.0.0.1:1 10.0.0.2:2 dir=out iface=t0 iface_rev=t0
	saved >"$tmp/saved"
	assert_text saved "$tmp/saved" 'udp 10.0.0.1:1 10.0.0.2:2 dir=out state=established table=confirmed iface=t0 iface_rev=t0 packets=0,0 bytes=0,0 created=T last=T'
	assert_state iface=gone0 conn_update udp 10.0.0.1:1 10.0.0.2:3 iface=gone0
	assert_done conn_update -f - <<<'udp 10.0.0.1:1 10.0.0.2:3 iface=gone0'
	[ "$(conn_list --count)" = 2 ] || fail 'two connections' "$(conn_list)"
}

@test "nothing is put in when a line is malformed, and where it is malformed is said" {
	assert_refused stdin:2:1 conn_update -f - <<<$'udp 10.0.0.1:1 10.0.0.2:2\nup 10.0.0.1:1 10.0.0.2:3'
	assert_refused stdin:1:5 conn_update -f - <<<'udp 10.0.0.1 10.0.0.2:3'
	assert_refused stdin:1:1 conn_update -f - <<<'--save udp 10.0.0.1:1 10.0.0.2:3'
	[ "$(conn_list --count)" = 0 ] || fail 'no connection' "$(conn_list)"
	assert_refused operands conn_update
	assert_refused "$tmp/saved" conn_update -f "$tmp/saved" udp 10.0.0.1:1 10.0.0.2:2
	assert_refused -j conn_update -j udp 10.0.0.1:1 10.0.0.2:2
	assert_refused --save conn_list --save -j
	assert_refused --save conn_list --save --count
	assert_state "$tmp/none" conn_update -f "$tmp/none"
}

@test "a hundred thousand, there and back" {
	conn_set confirmed=200000 udp=3600
	conns fill confirmed 100000
	conn_list --save >"$tmp/saved"
	[ "$(wc -l <"$tmp/saved")" = 100000 ] || fail '100000 lines' "$(wc -l <"$tmp/saved")"
	conn_delete -q --all
	assert_done conn_update -f "$tmp/saved"
	conn_list --save | cut -d ' ' -f 1-7 | cmp - <(cut -d ' ' -f 1-7 "$tmp/saved")
}
