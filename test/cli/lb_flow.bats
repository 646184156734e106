#!/usr/bin/env bats
# lb_flow. What lines say, word for word, is in test/unit/test_flowline.c; that flows go on, in test/net/conn_restore.bats.

# shellcheck disable=SC2154,SC2034,SC2030,SC2031  # out, err, tmp and the like are set and used in helpers.bash
load helpers
load lb

setup_file() {
	lb_links
}

setup() {
	box_begin
	lb forget
	lb_backend flows {max,unconfirmed}=default
	lb_backend apply --all -f /dev/null
	lb_backend add "$web" 10.0.0.1:8080 10.0.0.2
	lb_backend add "$web6" fd00::2
	lb_backend add "$many" 10.0.0.3
	lb_backend set "$many" mode=masquerade
}

web=192.0.2.1:80/tcp
web6='[2001:db8::1]:443/tcp'
many=192.0.2.2:5000-5999/udp

# assert_flows_refused STATUS OPERAND COMMAND...: and no flow is there
assert_flows_refused() {
	local expected=$1 operand=$2

	shift 2
	capture "$@"
	assert_status "$expected"
	assert_output ''
	assert_complaint "$operand"
	[ "$(lb flows confirmed)" = none ] || fail none "$(lb flows confirmed)"
}

# Some of each kind, that last for days
sample() {
	cat <<-END | lb_flow add -f -
		$web 10.0.0.1:8080 10.0.0.9:4000 created=$((now - 50)) last=$((now - 5))
		$web 10.0.0.2 10.0.0.9:4001 created=$((now - 40)) source=10.0.0.9:1024 state=closing flags=fin
		$web6 fd00::2 [fd00::9]:4002 created=$((now - 30)) state=handshake table=unconfirmed answered=no
		$many 10.0.0.3 10.0.0.9:4003 created=$((now - 20)) port=5007 source=10.0.0.254:2000
		direct/tcp 10.0.0.1:8080 10.0.0.9:4004 created=$((now - 10)) table=unconfirmed answered=no
	END
}

saved() {
	lb_flow list --save "$@" | sed -E 's/(created|last)=[0-9]+\.[0-9]{9}( |$)/\1=T\2/g'
}

@test "nothing: an empty table, an empty array, no line" {
	capture lb_flow list
	assert_status 0
	assert_output ''
	capture lb_flow list -j
	assert_output '[]'
	capture lb_flow list --save
	assert_output ''
}

@test "the list and the lines, and both directions in the tables" {
	now=$(date +%s)
	sample
	lb flows confirmed >"$tmp/confirmed"
	assert_text confirmed "$tmp/confirmed" - <<-'END'
		forward 10.0.0.9:4000 192.0.2.1:80
		forward 10.0.0.9:4001 192.0.2.1:80
		forward 10.0.0.9:4003 192.0.2.2:5007
		reply 10.0.0.1:8080 10.0.0.9:4000
		reply 10.0.0.2:80 10.0.0.9:1024
		reply 10.0.0.3:5007 10.0.0.254:2000
	END
	lb flows unconfirmed >"$tmp/unconfirmed"
	assert_text unconfirmed "$tmp/unconfirmed" - <<-'END'
		direct 10.0.0.1:8080 10.0.0.9:4004
		forward [fd00::9]:4002 [2001:db8::1]:443
		reply [fd00::2]:443 [fd00::9]:4002
	END
	saved >"$tmp/saved"
	assert_text saved "$tmp/saved" - <<-'END'
		192.0.2.1:80/tcp 10.0.0.1:8080 10.0.0.9:4000 mode=nat state=established table=confirmed answered=yes created=T last=T
		192.0.2.1:80/tcp 10.0.0.2 10.0.0.9:4001 source=10.0.0.9:1024 mode=nat state=closing table=confirmed answered=yes created=T last=T flags=fin
		[2001:db8::1]:443/tcp fd00::2 [fd00::9]:4002 mode=nat state=handshake table=unconfirmed answered=no created=T last=T
		192.0.2.2:5000-5999/udp 10.0.0.3 10.0.0.9:4003 port=5007 source=10.0.0.254:2000 mode=masquerade state=established table=confirmed answered=yes created=T last=T
		direct/tcp 10.0.0.1:8080 10.0.0.9:4004 state=established table=unconfirmed answered=no created=T last=T
	END
	capture lb_flow list
	sed -E 's/ +/ /g' "$out" | cut -d ' ' -f 1-9 >"$tmp/table"
	assert_text table "$tmp/table" - <<-'END'
		PROTO CLIENT VIP BACKEND SOURCE MODE STATE TABLE BACKEND_STATE
		tcp 10.0.0.9:4000 192.0.2.1:80 10.0.0.1:8080 10.0.0.9:4000 nat established confirmed up
		tcp 10.0.0.9:4001 192.0.2.1:80 10.0.0.2:80 10.0.0.9:1024 nat closing confirmed up
		tcp [fd00::9]:4002 [2001:db8::1]:443 [fd00::2]:443 [fd00::9]:4002 nat handshake unconfirmed up
		udp 10.0.0.9:4003 192.0.2.2:5007 10.0.0.3:5007 10.0.0.254:2000 masquerade established confirmed up
		tcp 10.0.0.9:4004 10.0.0.1:8080 10.0.0.1:8080 10.0.0.9:4004 direct established unconfirmed -
	END
	capture lb_flow list -j "$many"
	assert_json '[{key: value for key, value in e.items() if key not in ("created", "last", "expires")} for e in d] == [{"proto": "udp",
		"src": "10.0.0.9", "sport": 4003, "dst": "192.0.2.2", "dport": 5007, "service": "192.0.2.2:5000-5999/udp",
		"backend": "10.0.0.3", "backend_port": 5007, "source": "10.0.0.254", "source_port": 2000, "mode": "masquerade",
		"state": "established", "table": "confirmed", "answered": True, "backend_state": "up", "timeout": 120}]'
	assert_json "abs(d[0]['created'] - $now + 20) < 1.5 and d[0]['expires'] - d[0]['last'] == 120"
}

@test "all bytes of it come back, and a second time changes nothing" {
	now=$(date +%s)
	sample
	lb entries confirmed >"$tmp/confirmed"
	lb entries unconfirmed >"$tmp/unconfirmed"
	lb_flow list --save >"$tmp/saved"
	lb forget
	assert_done lb_flow add -f "$tmp/saved"
	lb entries confirmed | diff "$tmp/confirmed" - || fail 'the same' 'others'
	lb entries unconfirmed | diff "$tmp/unconfirmed" - || fail 'the same' 'others'
	capture lb_flow add -v -f "$tmp/saved"
	cut -c 1 "$out" | sort -u >"$tmp/letters"
	assert_text letters "$tmp/letters" =
	# one direction was forgotten
	lb forget
	lb flow confirmed "$web" 10.0.0.1:8080 4000 2 0
	capture lb_flow add -v "$web" 10.0.0.1:8080 10.200.0.1:4000
	assert_output "C $web 10.0.0.1:8080 10.200.0.1:4000"
	lb flows confirmed >"$tmp/confirmed"
	assert_text confirmed "$tmp/confirmed" $'forward 10.200.0.1:4000 192.0.2.1:80\nreply 10.0.0.1:8080 10.200.0.1:4000'
}

@test "selectors" {
	local word
	now=$(date +%s)
	sample
	lb_backend drain "$web" 10.0.0.2
	for word in '-p udp:4003' '-s fd00::/8:4002' '-d 192.0.2.2:4003' '-b 10.0.0.2:4001' '--state closing:4001' \
		'--drained:4001' "$web6:4002"; do
		# shellcheck disable=SC2086
		capture lb_flow list -j ${word%:*}
		assert_json "[e['sport'] for e in d] == [${word##*:}]"
	done
	capture lb_flow list --save "$many"
	[ "$(wc -l <"$out")" = 1 ] || fail 'one line' "$(<"$out")"
}

@test "what is gone is left out: when it is saved, and when it is put in" {
	now=$(date +%s)
	sample
	lb_flow list --save >"$tmp/saved"
	lb_backend delete "$many"
	lb_backend delete "$web" 10.0.0.2
	capture lb_flow list -j --state closing
	assert_json '[(e["backend_state"], e["service"]) for e in d] == [("gone", "192.0.2.1:80/tcp")]'
	capture lb_flow list --save -v
	assert_status 0
	assert_errors 'lb_flow: 2 flows left out: their service or backend is gone'
	[ "$(wc -l <"$out")" = 3 ] || fail 'three lines' "$(<"$out")"
	lb forget
	capture lb_flow add -v -f "$tmp/saved"
	assert_status 0
	assert_errors ''
	grep '^-' "$out" | sort >"$tmp/left"
	assert_text left "$tmp/left" - <<-END
		- $web 10.0.0.2 10.0.0.9:4001 no such backend
		- $many 10.0.0.3 10.0.0.9:4003 no such service
	END
	# who comes again with the same address is the same
	lb_backend add "$web" 10.0.0.2
	assert_done lb_flow add -f "$tmp/saved"
	[ "$(saved --state closing | wc -l)" = 1 ] || fail 'one' "$(saved)"
	lb forget
	assert_flows_refused 1 "$many" lb_flow add "$many" 10.0.0.3 10.0.0.9:1 port=5000
	assert_flows_refused 1 10.0.0.7 lb_flow add "$web" 10.0.0.7 10.0.0.9:1
	assert_flows_refused 1 source= lb_flow add "$web" 10.0.0.2 10.0.0.9:1 mode=masquerade
	capture lb_flow add -v -f - <<<"$web 10.0.0.2 10.0.0.9:1 mode=dsr"
	assert_output "- $web 10.0.0.2 10.0.0.9:1 no source"
}

@test "what is overdue is left out, and what there is no room for" {
	local i
	now=$(date +%s)
	capture lb_flow add -v -f - <<<"$many 10.0.0.3 10.0.0.9:1 port=5000 last=$((now - 130))"
	assert_output "- $many 10.0.0.3 10.0.0.9:1 overdue"
	lb_backend flows max=10
	for i in {1..30}; do
		echo "$web 10.0.0.2 10.0.0.9:$i last=$((now - i))"
	done >"$tmp/lines"
	capture lb_flow add -v -f "$tmp/lines"
	assert_errors 'lb_flow: 20 flows left out, the longest unused ones: the tables are too small for them'
	grep '^A' "$out" | cut -d: -f3 >"$tmp/put"
	assert_text 'put, oldest first' "$tmp/put" "$(seq 10 -1 1)"
}

@test "what is malformed is refused, and nothing of it is put in" {
	assert_flows_refused 2 command lb_flow
	assert_flows_refused 2 remove lb_flow remove
	assert_flows_refused 2 operands lb_flow add
	assert_flows_refused 2 --save lb_flow list --save -j
	assert_flows_refused 2 --save lb_flow add --save -f /dev/null
	assert_flows_refused 2 --drained lb_flow add --drained -f /dev/null
	assert_flows_refused 2 -f lb_flow list -f /dev/null
	assert_flows_refused 2 -j lb_flow add -j "$web" 10.0.0.2 10.0.0.9:1
	assert_flows_refused 2 "$web" lb_flow add -f /dev/null "$web"
	assert_flows_refused 2 "$web6" lb_flow list "$web" "$web6"
	assert_flows_refused 2 stdin:2:27 lb_flow add -f - <<<"$web 10.0.0.2 10.0.0.9:1"$'\n'"$web 10.0.0.2 10.0.0.9"
}
