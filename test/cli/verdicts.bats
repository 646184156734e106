#!/usr/bin/env bats
# verdict_stat: what became of packets, on counters that real frames made.

# shellcheck disable=SC2154,SC2034,SC2030,SC2031  # out, err, tmp and the like are set and used in helpers.bash
load helpers
load watching

# Counters begin at zero, and nothing comes in by itself.
setup() {
	box_clean
	sysctl -qw net.ipv6.conf.t0.disable_ipv6=1 net.ipv6.conf.t1.disable_ipv6=1
	attach
}

# With new pins.
attach() {
	tc qdisc del dev t0 clsact
	rm -rf "${pins:?}"/*
	tc qdisc add dev t0 clsact
	tc filter add dev t0 ingress bpf da obj "$LAB_OBJECTS/splicer.o" sec action
}

# send COUNT KIND...: what tally makes, received on t0
send() {
	echo "$@" | tally t1 02:00:00:00:00:01 >"$tmp/tally"
}

# Of both families, in all three verdicts.
sample() {
	map_update 10.0.0.0 8 80 80 0 udp
	map_update fd00:: 8 80 80 0 udp
	map_update 10.0.0.0 8 81 81 0 udp --mode detect -a drop
	send 3 udp 192.0.2.9 10.0.0.1 80
	send 4 udp 2001:db8::9 fd00::1 80
	send 2 udp 192.0.2.9 10.0.0.1 81
	send 5 udp 192.0.2.9 10.0.0.1 82
	send 6 udp 2001:db8::9 fd00::1 82
	send 20 lldp
	send 1 arp
}

# index_of DEV
index_of() {
	ip -o link show "$1" | cut -d : -f 1
}

# ---- golden ----

@test "nothing yet: an empty table, an empty array, families without counters" {
	capture verdict_stat
	assert_status 0
	assert_output ''
	assert_errors ''
	capture verdict_stat -j
	assert_output '[]'
	capture verdict_stat --openmetrics
	assert_status 0
	grep -v '^#' "$out" >"$tmp/samples"
	assert_text samples "$tmp/samples" $'splicer_rules{object="splicer"} 0\nsplicer_event_subscribers 0'
}

@test "golden: the table; what was blocked first, then detected, then allowed, of these most packets first" {
	sample
	capture verdict_stat
	assert_status 0
	assert_errors ''
	assert_output - <<-'END'
		OBJECT   IFACE  HOOK     VERDICT   ACTION   REASON     PACKETS  BYTES  MEANING
		splicer  t0     ingress  BLOCKED   dropped  ethertype       20   1200  neither IP nor ARP
		splicer  t0     ingress  BLOCKED   dropped  no-rule         11    659  no rule matches
		splicer  t0     ingress  DETECTED  passed   rule-drop        2     98  a drop rule matches
		splicer  t0     ingress  ALLOWED   passed   rule-pass        7    423  a pass rule matches
		splicer  t0     ingress  ALLOWED   passed   arp              1     42  address resolution
	END
}

@test "golden: JSON" {
	sample
	capture verdict_stat -j
	assert_status 0
	assert_output - <<-'END'
		[{"object":"splicer","iface":"t0","hook":"ingress","verdict":"BLOCKED","action":"dropped","reason":"ethertype","packets":20,"bytes":1200,"text":"neither IP nor ARP"},
		 {"object":"splicer","iface":"t0","hook":"ingress","verdict":"BLOCKED","action":"dropped","reason":"no-rule","packets":11,"bytes":659,"text":"no rule matches"},
		 {"object":"splicer","iface":"t0","hook":"ingress","verdict":"DETECTED","action":"passed","reason":"rule-drop","packets":2,"bytes":98,"text":"a drop rule matches"},
		 {"object":"splicer","iface":"t0","hook":"ingress","verdict":"ALLOWED","action":"passed","reason":"rule-pass","packets":7,"bytes":423,"text":"a pass rule matches"},
		 {"object":"splicer","iface":"t0","hook":"ingress","verdict":"ALLOWED","action":"passed","reason":"arp","packets":1,"bytes":42,"text":"address resolution"}]
	END
}

@test "golden: OpenMetrics" {
	sample
	capture verdict_stat --openmetrics
	assert_status 0
	assert_errors ''
	assert_output - <<-'END'
		# TYPE splicer_packets counter
		# UNIT splicer_packets packets
		# HELP splicer_packets Packets that were decided, by where that was and what came of them.
		splicer_packets_total{object="splicer",iface="t0",hook="ingress",verdict="BLOCKED",action="dropped",reason="ethertype"} 20
		splicer_packets_total{object="splicer",iface="t0",hook="ingress",verdict="BLOCKED",action="dropped",reason="no-rule"} 11
		splicer_packets_total{object="splicer",iface="t0",hook="ingress",verdict="DETECTED",action="passed",reason="rule-drop"} 2
		splicer_packets_total{object="splicer",iface="t0",hook="ingress",verdict="ALLOWED",action="passed",reason="rule-pass"} 7
		splicer_packets_total{object="splicer",iface="t0",hook="ingress",verdict="ALLOWED",action="passed",reason="arp"} 1
		# TYPE splicer_bytes counter
		# UNIT splicer_bytes bytes
		# HELP splicer_bytes Bytes of these packets, as the hook sees them.
		splicer_bytes_total{object="splicer",iface="t0",hook="ingress",verdict="BLOCKED",action="dropped",reason="ethertype"} 1200
		splicer_bytes_total{object="splicer",iface="t0",hook="ingress",verdict="BLOCKED",action="dropped",reason="no-rule"} 659
		splicer_bytes_total{object="splicer",iface="t0",hook="ingress",verdict="DETECTED",action="passed",reason="rule-drop"} 98
		splicer_bytes_total{object="splicer",iface="t0",hook="ingress",verdict="ALLOWED",action="passed",reason="rule-pass"} 423
		splicer_bytes_total{object="splicer",iface="t0",hook="ingress",verdict="ALLOWED",action="passed",reason="arp"} 42
		# TYPE splicer_rules gauge
		# UNIT splicer_rules rules
		# HELP splicer_rules Rules in the set of this object.
		splicer_rules{object="splicer"} 3
		# TYPE splicer_event_subscribers gauge
		# UNIT splicer_event_subscribers subscribers
		# HELP splicer_event_subscribers Programs that follow events.
		splicer_event_subscribers 0
		# TYPE splicer_events_lost counter
		# HELP splicer_events_lost Events that found the ring of this subscriber full.
		# EOF
	END
}

# ---- what is selected and summed ----

@test "every selector; those that are repeated are alternatives" {
	local row

	sample
	while read -r row; do
		# shellcheck disable=SC2086  # several words
		capture verdict_stat -j ${row#* }
		assert_status 0
		assert_json "sum(r['packets'] for r in d) == ${row%% *}"
	done <<-END
		41 -i t0
		0 -i t1
		41 -i t1 --iface t0
		41 -i #$(index_of t0)
		31 --verdict BLOCKED
		31 --verdict blocked
		2 --verdict DETECTED
		10 --verdict ALLOWED --verdict DETECTED
		31 --action dropped
		10 --action passed
		0 --action spliced
		2 --action passed --verdict detected
		11 --reason no-rule
		13 --reason no-rule --reason rule-drop
		41 --hook ingress
		0 --hook egress
		41 --hook egress --hook INGRESS
		41 --object splicer
		0 --object xdp
		0 --verdict ALLOWED --reason no-rule
	END
	# in every form
	capture verdict_stat --reason arp
	[ "$(wc -l <"$out")" = 2 ] || fail 'a header and a row' "$(cat "$out")"
	capture verdict_stat --openmetrics --reason arp
	[ "$(grep -c '^splicer_packets_total' "$out")" = 1 ] || fail 'one counter' "$(cat "$out")"
}

@test "--by: sums over what is not named, whose columns, keys and labels are gone" {
	sample
	capture verdict_stat --by verdict
	assert_output - <<-'END'
		VERDICT   PACKETS  BYTES
		BLOCKED        31   1859
		DETECTED        2     98
		ALLOWED         8    465
	END
	capture verdict_stat --by reason,iface --verdict BLOCKED
	assert_output - <<-'END'
		IFACE  REASON     PACKETS  BYTES  MEANING
		t0     ethertype       20   1200  neither IP nor ARP
		t0     no-rule         11    659  no rule matches
	END
	capture verdict_stat -j --by action
	assert_output - <<-'END'
		[{"action":"dropped","packets":31,"bytes":1859},
		 {"action":"passed","packets":10,"bytes":563}]
	END
	capture verdict_stat --openmetrics --by verdict,action
	assert_status 0
	grep '^splicer_packets' "$out" >"$tmp/samples"
	assert_text samples "$tmp/samples" - <<-'END'
		splicer_packets_total{verdict="BLOCKED",action="dropped"} 31
		splicer_packets_total{verdict="DETECTED",action="passed"} 2
		splicer_packets_total{verdict="ALLOWED",action="passed"} 8
	END
	capture verdict_stat --by Hook --by object
	assert_output - <<-'END'
		OBJECT   HOOK     PACKETS  BYTES
		splicer  ingress       41   2422
	END
}

# ---- names ----

@test "an interface that is gone is #INDEX, and selected so" {
	local index

	ip link add gone type veth peer name far
	ip link set gone up
	ip link set far up
	tc qdisc add dev gone clsact
	tc filter add dev gone ingress bpf da obj "$LAB_OBJECTS/splicer.o" sec action
	index=$(index_of gone)
	echo '3 lldp' | tally far 02:00:00:00:00:01 >"$tmp/tally"
	ip link del gone
	capture verdict_stat -j --by iface,reason -i "#$index" --reason ethertype
	assert_output "[{\"iface\":\"#$index\",\"reason\":\"ethertype\",\"packets\":3,\"bytes\":180,\"text\":\"neither IP nor ARP\"}]"
	capture verdict_stat --openmetrics --by iface --reason ethertype
	assert_output_has "splicer_packets_total{iface=\"#$index\"} 3"
}

@test "names of interfaces that need quoting" {
	local name index

	# printf %b of each; the last two are not UTF-8, and must not become one series
	for name in 'a"b\\c' 'a\xffb' 'a\xfeb'; do
		name=$(printf %b "$name")
		ip link add name "$name" type veth peer name far
		ip link set "$name" up
		ip link set far up
		tc qdisc add dev "$name" clsact
		tc filter add dev "$name" ingress bpf da obj "$LAB_OBJECTS/splicer.o" sec action
		echo '3 lldp' | tally far 02:00:00:00:00:01 >"$tmp/tally"
		index=$(index_of "$name")
		echo "$index" >>"$tmp/indices"
		ip link set far name "far$index"
	done
	mapfile -t indices <"$tmp/indices"
	capture verdict_stat --openmetrics --by iface --reason ethertype
	assert_status 0
	grep '^splicer_packets' "$out" >"$tmp/samples"
	assert_text samples "$tmp/samples" - <<-END
		splicer_packets_total{iface="a\\"b\\\\c"} 3
		splicer_packets_total{iface="#${indices[1]}"} 3
		splicer_packets_total{iface="#${indices[2]}"} 3
	END
	capture verdict_stat -j --by iface --reason ethertype
	assert_json 'sorted(r["iface"] for r in d) == ["a\"b\\c", "a\ufffdb", "a\ufffdb"]'
	for index in "${indices[@]}"; do
		ip link del "far$index"
	done
}

@test "a name of an interface that reorders what is printed" {
	local name=$'x\xe2\x80\xaegpj'

	ip link add name "$name" type veth peer name far
	ip link set "$name" up
	ip link set far up
	tc qdisc add dev "$name" clsact
	tc filter add dev "$name" ingress bpf da obj "$LAB_OBJECTS/splicer.o" sec action
	echo '3 lldp' | tally far 02:00:00:00:00:01 >"$tmp/tally"
	capture verdict_stat --by iface --reason ethertype
	assert_output $'IFACE             PACKETS  BYTES\nx\\xe2\\x80\\xaegpj        3    180'
	capture verdict_stat -j --by iface --reason ethertype
	assert_output '[{"iface":"x\u202egpj","packets":3,"bytes":180}]'
	ip link del far
}

# ---- --watch ----

@test "watch, blocks: a line of sums, a table, a blank line between; busiest first" {
	sample
	watch verdict_stat --by reason
	eventually has 2 '^PPS '
	send 30 udp 192.0.2.9 10.0.0.1 82
	eventually has 1 '^ *[1-9][0-9.]* .* no-rule '
	eventually has 1 ' counters  0 packets/s'
	assert_stops INT
	python3 -ISc '
import re, sys
blocks = open(sys.argv[1]).read().rstrip("\n").split("\n\n")
assert len(blocks) >= 3, blocks
for i, block in enumerate(blocks):
    sums, header, *rows = block.split("\n")
    rates = r"  \d+ packets/s  \d+ bytes/s" if i else ""
    assert re.fullmatch(r"\d\d:\d\d:\d\d  5 counters" + rates, sums), sums
    assert header.split() == "PPS BPS REASON PACKETS BYTES MEANING".split(), header
    busy = [row.split()[0] for row in rows]
    assert len(rows) == 5 and (i or busy == ["-"] * 5), rows
    assert i == 0 or busy == sorted(busy, key=float, reverse=True), rows
    if i and float(busy[0]):
        assert rows[0].split()[2] == "no-rule", rows
' "$tmp/watched" || fail 'blocks' "$(cat "$tmp/watched")"
}

@test "watch, JSON lines: keys after time, pps and bps; what counts for the first time has a rate at once" {
	sample
	watch verdict_stat -j
	eventually has 2 '"pps":0.000000'
	send 10 udp 192.0.2.9 10.0.0.1 82
	send 7 fragment 192.0.2.9 198.51.100.1 1
	eventually has 1 '"packets":21,'
	eventually has 2 'fragment.*"packets":7,'
	assert_stops TERM
	assert_lines 'all(list(r) == "time pps bps object iface hook verdict action reason packets bytes text".split() for r in d)'
	assert_lines '[r["pps"] for r in d[:5]] == [None] * 5 and all(r["pps"] is not None for r in d[5:])'
	assert_lines '[r for r in d if r["reason"].startswith("fragment")][0]["pps"] > 0'
	# what came, by the rates times the time, is what the counters say
	assert_lines 'all((r["pps"] > 0) == (r["bps"] > 0) for r in d[5:])'
}

@test "watch: pins that were removed and made anew are seen with the next block" {
	sample
	watch verdict_stat --by reason
	eventually has 1 ' 5 counters'
	kill -STOP "$watcher"
	attach
	kill -CONT "$watcher"
	eventually has 1 ' 0 counters'
	send 2 lldp
	eventually has 1 ' 1 counter '
	assert_stops INT
}

@test "watch: without pins it ends with exit 1 and says so" {
	local result=0

	sample
	watch verdict_stat
	eventually has 1 ' 5 counters'
	rm "$pins/event1_counts"
	wait "$watcher" || result=$?
	servers=()
	attach
	[ "$result" = 1 ] || fail 'exit status 1' "$result"
	[ "$(wc -l <"$tmp/complaints")" = 1 ] || fail 'one line' "$(cat "$tmp/complaints")"
}

@test "watch on a terminal: no more rows than there are lines" {
	sample
	on_terminal 12 verdict_stat --watch 1
	assert_screen 5
	on_terminal 6 verdict_stat --watch 1
	assert_screen 3
}

# ---- as it is installed ----

@test "installed: the units run the script, which finds the tool, and all go again" {
	local prefix=$tmp/prefix root=$BATS_TEST_DIRNAME/../.. units

	sample
	make -s -C "$root" install O="$(realpath --relative-to="$root" "$LAB_OBJECTS")" PREFIX="$prefix" >"$out" 2>&1 ||
		fail 'make install' "$(cat "$out")"
	units=$prefix/lib/systemd/system
	sed -n 's/^ExecStart=//p' "$units/splicer-metrics@.service" >"$tmp/started"
	assert_text ExecStart "$tmp/started" "$prefix/bin/splicer_metrics"
	if command -v systemd-analyze >/dev/null; then
		capture systemd-analyze verify --man=no "$units/splicer-metrics@.service" "$units/splicer-metrics.socket"
		assert_status 0
		assert_errors ''
	fi
	echo $'GET /metrics HTTP/1.0\n' | "$prefix/bin/splicer_metrics" >"$tmp/answer"
	sed '1,/^\r$/d' "$tmp/answer" >"$tmp/body"
	verdict_stat --openmetrics | assert_text body "$tmp/body" -
	cmp "$prefix/share/man/man8/splicer_metrics.8" "$root/man/verdict_stat.8"
	make -s -C "$root" uninstall PREFIX="$prefix"
	assert_text 'files left' <(find "$prefix" ! -type d) ''
}

# ---- what is refused ----

@test "malformed options" {
	local word

	for word in x 0 86401 ''; do
		assert_refused "$word" verdict_stat --watch "$word"
	done
	for word in x '' 'reason,' ',reason' reasons packets 'iface reason'; do
		assert_refused "$word" verdict_stat --by "$word"
	done
	assert_refused DROP verdict_stat --verdict DROP
	assert_refused BLOCKED verdict_stat --action BLOCKED
	assert_refused no_rule verdict_stat --reason no_rule
	assert_refused in verdict_stat --hook in
	assert_refused tc verdict_stat --object tc
	assert_refused any verdict_stat -i any
	assert_refused '' verdict_stat --verdict ''
	assert_refused operand verdict_stat operand
	assert_refused --openmetrics verdict_stat --openmetrics -j
	assert_refused --openmetrics verdict_stat --watch 1 --openmetrics
	assert_errors_have 'does not go with --watch'
	assert_state nosuch verdict_stat -i nosuch
}

@test "no pins, or a map of another kind: exit 1, nothing on standard output" {
	local form

	mkdir "$tmp/none"
	for form in '' -j --openmetrics '--watch 1'; do
		# shellcheck disable=SC2086  # none, or several words
		assert_state "$tmp/none" verdict_stat $form --pin-dir "$tmp/none"
		# shellcheck disable=SC2086
		assert_state /nonexistent verdict_stat $form --pin-dir /nonexistent
	done
	mkdir /sys/fs/bpf/other
	bpfmap link "$pins"/* /sys/fs/bpf/other
	rm /sys/fs/bpf/other/event1_counts
	bpfmap create /sys/fs/bpf/other/event1_counts 6 4 24 10 0
	for form in '' -j --openmetrics; do
		# shellcheck disable=SC2086
		assert_state /sys/fs/bpf/other/event1_counts verdict_stat $form --pin-dir /sys/fs/bpf/other
	done
	rm -r /sys/fs/bpf/other
}

@test "a full disk, no stdout, a reader that has gone: exit 1 and one line" {
	local form to

	sample
	for form in '' -j --openmetrics '--watch 1' '--watch 1 -j'; do
		for to in '>/dev/full' '>&-'; do
			capture bash -c "verdict_stat $form $to"
			program=verdict_stat
			assert_status 1
			assert_complaint stdout
		done
	done
	# shellcheck disable=SC2016  # for the inner shell
	capture bash -c 'verdict_stat --watch 1 | true; exit "${PIPESTATUS[0]}"'
	program=verdict_stat
	assert_status 1
	assert_complaint stdout
}

@test "-j of all counters changes none of them" {
	sample
	capture verdict_stat -j
	cp "$out" "$tmp/before"
	verdict_stat --openmetrics >/dev/null
	capture verdict_stat -j
	assert_output - <"$tmp/before"
}
