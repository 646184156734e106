#!/usr/bin/env bats
# flow_dump --zeek: conn.log as Zeek writes it; read by bro-cut and mlr, which are not ours.

# shellcheck disable=SC2154,SC2034  # out, err, tmp and the like are set and used in helpers.bash
load helpers
load flow

setup_file() {
	flow_links
}

setup() {
	box_begin
	flow_clean
	flow head settings.clock=1
}

noon=1795348800 # 2026-11-22T12:00:00Z
fields='ts uid id.orig_h id.orig_p id.resp_h id.resp_p proto service duration orig_bytes resp_bytes conn_state local_orig local_resp missed_bytes history orig_pkts orig_ip_bytes resp_pkts resp_ip_bytes tunnel_parents vlan'

# web_session [NAME=VALUE]...: one that has ended
web_session() {
	flow put tcp 10.0.0.1 40000 8.8.8.8 2222 history=ShADadFf ended=1 start=${noon}000000001 \
		fwd.packets=5 fwd.bytes=400 fwd.payload=140 fwd.last=${noon}999999999 fwd.missed=5 \
		rev.packets=4 rev.bytes=9000 rev.payload=8792 rev.missed=7 \
		fwd.said='GET / HTTP/1.1\r\n' rev.said='HTTP/1.1 200 OK\r\n' "$@"
}

# Rows as they are, without times and uids.
rows() {
	grep -v '^#' "$out" | cut -f 3-
}

@test "the header of Zeek, rows, and the end" {
	web_session
	capture flow_dump --zeek
	assert_status 0
	assert_errors ''
	[ "$(head -n 5 "$out")" = $'#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn' ] ||
		fail 'the header' "$(head -n 5 "$out")"
	sed -n 6p "$out" | grep -qE $'^#open\t20[0-9]{2}(-[0-9]{2}){5}$' || fail '#open' "$(sed -n 6p "$out")"
	[ "$(sed -n 7p "$out")" = "#fields	${fields// /	}" ] || fail "$fields" "$(sed -n 7p "$out")"
	[ "$(sed -n 8p "$out")" = $'#types\ttime\tstring\taddr\tport\taddr\tport\tenum\tstring\tinterval\tcount\tcount\tstring\tbool\tbool\tcount\tstring\tcount\tcount\tcount\tcount\tset[string]\tint' ] ||
		fail 'the types' "$(sed -n 8p "$out")"
	sed -n 9p "$out" | grep -qE $'^1795348800[.]000000\tC[0-9A-Za-z]{17}\t10[.]0[.]0[.]1\t' || fail 'a row' "$(sed -n 9p "$out")"
	[ "$(rows)" = $'10.0.0.1\t40000\t8.8.8.8\t2222\ttcp\thttp\t0.999999\t140\t8792\tSF\tT\tF\t12\tShADadFf\t5\t400\t4\t9000\t-\t-' ] ||
		fail 'the row' "$(rows)"
	tail -n 1 "$out" | grep -qE $'^#close\t20[0-9]{2}(-[0-9]{2}){5}$' || fail '#close' "$(tail -n 1 "$out")"
	[ "$(wc -l <"$out")" = 10 ] || fail '10 lines' "$(cat "$out")"
}

@test "nothing is a log too" {
	capture flow_dump --zeek
	assert_status 0
	[ "$(grep -c '^#' "$out")" = 9 ] || fail '9 lines of header and end' "$(cat "$out")"
	[ "$(wc -l <"$out")" = 9 ] || fail 'and nothing else' "$(cat "$out")"
}

# row PROTO SRC SPORT DST DPORT [NAME=VALUE]...: all of the row of this session
row() {
	flow_clean
	flow head settings.clock=1
	flow put "$@"
	capture flow_dump --zeek
	assert_status 0
}

# assert_row FIELDS SESSION...: with blanks between
assert_row() {
	local expected=$1
	shift
	row "$@"
	[ "$(rows | tr '\t' ' ')" = "$expected" ] || fail "$expected" "$(rows | tr '\t' ' ')"
}

@test "one packet has neither duration nor sizes" {
	assert_row '10.0.0.3 1 192.0.2.1 22 tcp - - - - S0 T T 0 S 1 60 0 0 - -' tcp 10.0.0.3 1 192.0.2.1 22 history=S \
		start=${noon}000000000 fwd.packets=1 fwd.bytes=60 fwd.last=${noon}000000000
}

@test "ICMP: type, and the type that answers it or the code; other protocols have no ports; VLAN ids" {
	local moment=(start=1000 fwd.packets=1 fwd.bytes=84 fwd.last=1000)
	assert_row '10.0.0.2 8 1.1.1.1 0 icmp - - - - OTH T F 0 - 1 84 0 0 - -' icmp 10.0.0.2 77 1.1.1.1 0 icmp_type=8 "${moment[@]}"
	assert_row '2001:db8::2 128 2606:4700::1 129 icmp - - - - OTH T F 0 - 1 84 0 0 - -' \
		icmpv6 2001:db8::2 77 2606:4700::1 0 icmp_type=128 "${moment[@]}"
	# the reply alone
	assert_row '10.0.0.2 0 1.1.1.1 8 icmp - - - - OTH T F 0 - 1 84 0 0 - -' icmp 10.0.0.2 77 1.1.1.1 0 icmp_type=0 "${moment[@]}"
	assert_row '10.0.0.2 3 1.1.1.1 1 icmp - - - - OTH T F 0 - 1 84 0 0 - -' icmp 10.0.0.2 77 1.1.1.1 0 icmp_type=3 icmp_code=1 \
		"${moment[@]}"
	assert_row 'fe80::1 135 2606:4700::1 136 icmp - - - - OTH T F 0 - 1 84 0 0 - -' icmpv6 fe80::1 0 2606:4700::1 0 \
		icmp_type=135 "${moment[@]}"
	assert_row '10.0.0.2 0 1.1.1.1 0 unknown_transport - - - - OTH T F 0 - 1 84 0 0 - 7' gre 10.0.0.2 0 1.1.1.1 0 vlan=7 \
		"${moment[@]}"
}

@test "services in Zeek's words" {
	local service proto said
	while read -r service proto said; do
		row "$proto" 10.0.0.1 1 10.0.0.2 2 fwd.packets=1 fwd.payload=1200 "fwd.said=$said"
		[ "$(rows | cut -f 6)" = "$service" ] || fail "$service" "$(rows)"
	done <<-'END'
		ssl tcp \x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\x12\x34
		dtls udp \x16\xfe\xff\0\0\0\0\0\0\0\0\0\x9a\x01\0\0\x8e\0\0\0\0\0\0\x8e
		rfb tcp RFB\x20003.008\n
		ldap_tcp tcp \x30\x0c\2\1\1\x60\7\2\1\3\4\0\x80\0
		ldap_udp udp \x30\x25\2\1\1\x63\x20\4\0\x0a\1\0\x0a\1\0\2\1\0\2\1\0\1\1\0
		ssh tcp SSH-2.0-OpenSSH
		quic udp \xc3\0\0\0\1\x08\1\2\3\4\5\6\7\x08\0\0\x44\xd0\1\2\3\4\5\6
	END
}

@test "local: what is not for the Internet, to the bit" {
	local address expected
	while read -r address expected; do
		flow put udp "$address" 1 "$([[ $address = *:* ]] && echo 2606:4700::1 || echo 1.1.1.1)" 2 fwd.packets=1
		echo "$address $expected F" >>"$tmp/expected"
	done <<-END
		0.255.255.255 T
		9.255.255.255 F
		10.0.0.0 T
		11.0.0.0 F
		100.63.255.255 F
		100.127.255.255 T
		100.128.0.0 F
		127.0.0.1 T
		169.254.3.4 T
		172.15.255.255 F
		172.31.255.255 T
		172.32.0.0 F
		192.0.0.9 T
		192.0.1.0 F
		192.0.2.200 T
		192.168.9.9 T
		192.169.0.0 F
		198.19.255.255 T
		198.20.0.0 F
		198.51.100.1 T
		203.0.113.1 T
		224.0.0.251 F
		240.0.0.1 T
		:: T
		::1 T
		::2 F
		64:ff9b:1::1 T
		64:ff9b::1 F
		100::1 T
		2001:2::1 T
		2001:db8::1 T
		2001:db9::1 F
		fbff::1 F
		fdff::1 T
		fe80::1 T
		febf::1 T
		fec0::1 F
	END
	capture flow_dump --zeek
	assert_status 0
	rows | cut -f 1,11,12 | tr '\t' ' ' | sort >"$tmp/got"
	sort "$tmp/expected" | diff - "$tmp/got" >"$tmp/diff" || fail 'local or not' "$(cat "$tmp/diff")"
	[ "$(wc -l <"$tmp/got")" = 37 ] || fail '37 addresses' "$(wc -l <"$tmp/got")"
}

@test "a uid is of its session: the same each time, also in another generation, and no two alike" {
	local first
	web_session flags=2
	capture flow_dump --zeek
	first=$(grep -v '^#' "$out" | cut -f 2)
	capture flow_dump --zeek --reset
	[ "$(grep -v '^#' "$out" | cut -f 2)" = "$first" ] || fail "$first" "$(cat "$out")"
	flow head settings.clock=1
	web_session flags=2
	flow fill 3000
	capture flow_dump --zeek
	assert_status 0
	grep -qF "$first" "$out" || fail "$first" 'it has gone'
	[ "$(grep -v '^#' "$out" | cut -f 2 | sort -u | wc -l)" = 3001 ] || fail '3001 uids' 'two are alike'
}

@test "--reset hands out, and a full disk does not" {
	web_session
	capture bash -c 'flow_dump --reset --zeek >/dev/full'
	program=flow_dump
	assert_status 1
	assert_complaint stdout
	capture flow_dump --reset --zeek
	assert_status 0
	[ "$(rows | wc -l)" = 1 ] || fail 'one row' "$(cat "$out")"
	capture flow_dump --reset --zeek
	[ "$(rows | wc -l)" = 0 ] || fail 'no row' "$(cat "$out")"
}

@test "bro-cut and mlr read it: each field where it belongs, a number where one is" {
	command -v bro-cut >/dev/null || skip 'no bro-cut here'
	web_session
	flow put udp 2001:db8::2 5353 2001:db8::53 53 start=$((noon + 1))000000000 vlan=7 history=Dd \
		fwd.packets=1 fwd.bytes=90 fwd.payload=42 fwd.last=$((noon + 1))000000000 \
		rev.packets=1 rev.bytes=210 rev.payload=162 rev.last=$((noon + 1))020000000
	flow_dump --zeek >"$tmp/conn.log"
	[ "$(bro-cut -u ts id.orig_h proto service duration resp_bytes vlan <"$tmp/conn.log" | tr '\t' ' ')" = \
		$'2026-11-22T12:00:00+0000 10.0.0.1 tcp http 0.999999 8792 -\n2026-11-22T12:00:01+0000 2001:db8::2 udp - 0.020000 162 7' ] ||
		fail 'bro-cut' "$(bro-cut -u ts id.orig_h proto service duration resp_bytes vlan <"$tmp/conn.log")"
	# all columns, by name: no two have one, none has none
	[ "$(bro-cut <"$tmp/conn.log" | awk -F '\t' '{ print NF }' | sort -u)" = 22 ] || fail '22 fields' "$(bro-cut <"$tmp/conn.log")"
	command -v mlr >/dev/null || skip 'no mlr here'
	sed -n 's/^#fields\t//p; /^#/!p' "$tmp/conn.log" >"$tmp/conn.tsv"
	capture mlr --itsv --ojson stats1 -a sum -f orig_ip_bytes,resp_ip_bytes,orig_pkts,resp_pkts,duration "$tmp/conn.tsv"
	assert_status 0
	assert_json '[(r["orig_ip_bytes_sum"], r["resp_ip_bytes_sum"], r["orig_pkts_sum"], r["resp_pkts_sum"], round(r["duration_sum"], 6)) for r in d] == [(490, 9210, 6, 5, 1.019999)]'
}

@test "CSV as mlr reads it: the same numbers as JSON" {
	command -v mlr >/dev/null || skip 'no mlr here'
	web_session
	flow put udp 2001:db8::2 5353 2001:db8::53 53 start=$((noon + 1))000000000 fwd.packets=1 fwd.bytes=90
	flow_dump -j --columns src,dst,sport,packets_fwd,bytes,service,state >"$tmp/json"
	flow_dump --csv >"$tmp/csv"
	capture mlr --icsv --ojson cut -o -f src,dst,sport,packets_fwd,bytes,service,state "$tmp/csv"
	assert_status 0
	sed -i 's/"service": ""/"service": null/' "$out"
	python3 -ISc 'import json, sys
a, b = (json.load(open(path)) for path in sys.argv[1:])
assert a == b and len(a) == 2, (a, b)' "$out" "$tmp/json"
}

@test "what does not go with it is refused" {
	local option
	for option in --csv -j --json-lines '--columns src' --packets --summary '--watch 1' --openmetrics; do
		# shellcheck disable=SC2086  # an option and its value
		capture flow_dump --zeek $option
		assert_status 2
	done
}
