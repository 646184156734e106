#!/usr/bin/env bats
# flow_dump: sessions in every form of output, selected, in order; times are those of captures, so they are always the same.

# shellcheck disable=SC2154,SC2034,SC2030,SC2031  # out, err, tmp and the like are set and used in helpers.bash
load helpers
load flow
load watching

setup_file() {
	flow_links
}

setup() {
	box_begin
	flow_clean
	flow head settings.clock=1
}

# 2026-11-22T12:00:00Z
noon=1795348800

# A web session, a question of DNS over IPv6 with a tag, a ping, and something that was not answered.
four_sessions() {
	flow put tcp 10.0.0.1 40000 192.0.2.1 80 history=ShADadFf ended=1 start=${noon}000000001 syn=${noon}000000001 \
		synack=${noon}010000001 ack=${noon}010500001 ifindex="$(ifindex t0)" \
		fwd.packets=5 fwd.bytes=400 fwd.payload=140 fwd.first=${noon}000000001 fwd.last=${noon}999999999 \
		fwd.length_min=52 fwd.length_max=192 fwd.length_squares=47680 fwd.hops_min=63 fwd.hops_max=64 \
		fwd.gaps=4 fwd.gap_min=500000 fwd.gap_max=900000000 fwd.gap_sum=999999998 fwd.gap_squares=810000000000000000,1 \
		fwd.tcp=1,1,0,1,4 fwd.lengths=0,4,0,1 fwd.gap_times=0,0,0,0,0,0,0,0,0,1 fwd.window=64240 fwd.known=3 \
		fwd.retransmitted=2 fwd.out_of_order=3 fwd.zero_windows=4 fwd.missed=5 fwd.missed_times=6 fwd.fragments=7 \
		rev.packets=4 rev.bytes=9000 rev.first=${noon}010000001 rev.last=${noon}999999998 sampled=9
	flow put udp 2001:db8::2 50000 2001:db8::53 53 start=$((noon + 1))000000000 vlan=7 ifindex=999 \
		fwd.packets=1 fwd.bytes=90 fwd.first=$((noon + 1))000000000 fwd.last=$((noon + 1))000000000 \
		rev.packets=1 rev.bytes=210 rev.first=$((noon + 1))020000000 rev.last=$((noon + 1))020000000 history=Dd
	flow put icmp 10.0.0.2 77 192.0.2.9 0 icmp_type=8 start=$((noon - 70))000000000 \
		fwd.packets=3 fwd.bytes=252 fwd.first=$((noon - 70))000000000 fwd.last=$((noon - 68))000000000
	flow put tcp 10.0.0.3 40001 192.0.2.1 22 history=S start=$((noon - 4000))000000000 flags=2 \
		fwd.packets=1 fwd.bytes=60 fwd.last=$((noon - 4000))000000000
}

columns() {
	python3 -ISc 'import json, sys; print(*(row["name"] for row in json.load(sys.stdin)), sep="\n")' \
		< <(flow_dump --list-columns -j)
}

# ---- forms ----

@test "the table: those with most bytes first, then sums" {
	four_sessions
	capture flow_dump
	assert_status 0
	assert_errors ''
	assert_output - <<-'END'
		PROTO  SRC          SPORT  DST           DPORT  PKTS_FWD  PKTS_REV  BYTES_FWD  BYTES_REV  STATE  END   HISTORY   DURATION  IFACE
		tcp    10.0.0.1     40000  192.0.2.1        80         5         4        400       9000  SF     fin   ShADadFf  0.999999  t0
		udp    2001:db8::2  50000  2001:db8::53     53         1         1         90        210  SF     open  Dd        0.020000  #999
		icmp   10.0.0.2         -  192.0.2.9         -         3         0        252          0  OTH    idle  -         2.000000  lo
		tcp    10.0.0.3     40001  192.0.2.1        22         1         0         60          0  S0     idle  S         0.000000  lo

		4 sessions, 15 packets, 10012 bytes
	END
}

@test "no sessions: only the line of sums; an array, a header, nothing" {
	capture flow_dump
	assert_status 0
	assert_output '0 sessions, 0 packets, 0 bytes'
	capture flow_dump -j
	assert_output '[]'
	capture flow_dump --json-lines
	assert_output ''
	capture flow_dump --csv --columns src,dst
	assert_output $'src,dst\r'
}

@test "JSON: flat, with every column under its name" {
	four_sessions
	capture flow_dump -j
	assert_status 0
	assert_errors ''
	columns >"$tmp/columns"
	python3 -ISc '
import json, sys
names = open(sys.argv[2]).read().split()
for d in json.load(open(sys.argv[1])):
    if list(d) != names:
        sys.exit("keys: " + " ".join(d))' "$out" "$tmp/columns" || fail 'the columns as keys' 'others'
	[[ $(head -n 9 "$tmp/columns" | tr '\n' ' ') == 'proto src sport dst dport packets_fwd packets_rev bytes_fwd bytes_rev ' ]]
	[ "$(grep -c packets "$tmp/columns")" = 2 ]
	assert_json 'len(d) == 4 and all(type(v) is not dict for e in d for v in e.values())'
	assert_json '([d[0][k] for k in ("proto", "src", "sport", "dst", "dport", "state", "end", "history", "iface", "family")]
		== ["tcp", "10.0.0.1", 40000, "192.0.2.1", 80, "SF", "fin", "ShADadFf", "t0", 4])'
	assert_json '([d[0][k] for k in ("vlan", "icmp_type", "icmp_id", "continued", "samples", "server", "server_method")]
		== [None, None, None, False, 9, "dst", "syn"])'
	assert_json '([d[0][k] for k in ("start_time", "last_time")]
		== ["2026-11-22T12:00:00.000000001Z", "2026-11-22T12:00:00.999999999Z"])'
	assert_json '[d[0][k] for k in ("duration", "rtt", "rtt_responder", "rtt_originator")] == [0.999999998, 0.0105, 0.01, 0.0005]'
	assert_json '([d[0][k + "_fwd"] for k in ("payload", "length_min", "length_max", "length_mean", "length_squares",
		"hops_min", "hops_max", "window", "retransmitted", "out_of_order", "zero_windows", "missed", "missed_times",
		"fragments")] == [140, 52, 192, 80, 47680, 63, 64, 64240, 2, 3, 4, 5, 6, 7])'
	assert_json 'd[0]["length_stddev_fwd"] == 56 and d[0]["gaps_fwd"] == 4 and d[0]["gap_min_fwd"] == 0.0005'
	assert_json '[d[0][k] for k in ("gap_max_fwd", "gap_sum_fwd", "gap_mean_fwd")] == [0.9, 0.999999998, 0.25]'
	assert_json 'd[0]["gap_squares_fwd"] == 810000000000000000 + 2 ** 64'
	assert_json '[d[0][k + "_fwd"] for k in ("fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr")] == [1, 1, 0, 1, 4, 0, 0, 0]'
	assert_json 'd[0]["lengths_fwd"] == [0, 4, 0, 1] + 8 * [0] and d[0]["gap_times_fwd"] == 9 * [0] + [1] + 22 * [0]'
	assert_json '[d[1][k] for k in ("vlan", "iface", "family", "syn_fwd", "window_rev")] == [7, "#999", 6, None, None]'
	assert_json '([d[2][k] for k in ("sport", "dport", "icmp_type", "icmp_code", "icmp_id", "server_method")]
		== [None, None, 8, 0, 77, "echo"])'
	assert_json '[d[2][k] for k in ("length_mean_rev", "hops_min_rev", "first_rev", "gap_min_rev")] == 4 * [None]'
	assert_json 'd[3]["continued"] and not d[2]["continued"]'
}

@test "seconds have nine digits after the point, and every digit counts" {
	four_sessions
	capture flow_dump -j --columns start,last,first_rev,last_rev --port 80
	assert_output "[{\"start\":${noon}.000000001,\"last\":${noon}.999999999,\"first_rev\":${noon}.010000001,\"last_rev\":${noon}.999999998}]"
}

@test "JSON Lines: the same objects, one a line" {
	four_sessions
	flow_dump -j >"$tmp/array"
	capture flow_dump --json-lines
	assert_status 0
	python3 -ISc '
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
assert len(lines) == 4 and lines == json.load(open(sys.argv[2])), lines' "$out" "$tmp/array" || fail 'the same' 'other'
}

@test "CSV: a header, CR and LF, the same values; a reader of CSV has them back" {
	four_sessions
	flow_dump -j >"$tmp/array"
	capture flow_dump --csv
	assert_status 0
	assert_errors ''
	python3 -ISc '
import csv, json, sys
text = open(sys.argv[1], newline="").read()
assert text.endswith("\r\n") and text.count("\n") == text.count("\r\n") == 5, repr(text)
rows = list(csv.DictReader(text.splitlines(keepends=True), strict=True))
def field(value):
    if isinstance(value, list):
        return " ".join(map(str, value))
    return {None: "", True: "true", False: "false"}.get(value, str(value)) if not isinstance(value, (int, float)) or \
        isinstance(value, bool) else value
for row, d in zip(rows, json.load(open(sys.argv[2]), parse_float=str), strict=True):
    assert list(row) == list(d)
    for name in d:
        assert row[name] == str(field(d[name])), (name, row[name], d[name])
' "$out" "$tmp/array" || fail 'the values of JSON' 'others'
}

# Names of interfaces are all that comes from outside: a comma and a quote are allowed in them.
@test "CSV: a name with a comma and a quote is quoted" {
	ip link add 'a,"b' type veth peer name t9
	flow put tcp 10.0.0.1 1 192.0.2.1 2 ifindex="$(ifindex 'a,"b')"
	capture flow_dump --csv --columns iface,proto
	ip link del t9
	assert_output $'iface,proto\r\n"a,""b",tcp\r'
}

@test "--list-columns: names, units and formulas; no pins are needed" {
	capture flow_dump --list-columns --pin-dir /nonexistent
	assert_status 0
	[ "$(head -n 1 "$out" | tr -s ' ')" = 'NAME HEADING UNIT FORMULA' ] || fail 'NAME HEADING UNIT FORMULA' "$(head -n 1 "$out")"
	tr -s ' ' <"$out" | grep -qxF 'gap_mean_fwd GAP_MEAN_FWD s gap_sum / gaps' || fail 'gap_mean_fwd' "$(cat "$out")"
	capture flow_dump --list-columns -j
	assert_json 'all(list(e) == ["name", "heading", "unit", "formula"] for e in d)'
}

# Each column can be asked for, and is then the only one.
@test "--columns: any of them, in the order of the operand" {
	local name

	four_sessions
	for name in $(columns); do
		capture flow_dump -j --columns "$name" --port 80
		assert_status 0
		assert_json "list(d[0]) == ['$name']"
	done
	capture flow_dump --columns dport,src,bytes_rev --top 2
	assert_output - <<-'END'
		DPORT  SRC          BYTES_REV
		   80  10.0.0.1          9000
		   53  2001:db8::2        210

		4 sessions (2 shown), 15 packets, 10012 bytes
	END
	capture flow_dump --columns "$(columns | paste -sd,)"
	assert_status 0
	[ "$(head -n 1 "$out" | wc -w)" = "$(columns | wc -l)" ]
}

# What details are is for net/flow_cic.bats.
@test "--columns: sets, with names beside; none twice" {
	four_sessions
	capture flow_dump -j --columns all
	assert_errors ''
	flow_dump -j >"$tmp/all"
	cmp "$out" "$tmp/all" || fail 'all columns of JSON' 'others'
	capture flow_dump --columns common,gaps --top 1
	assert_output_has 'DURATION  IFACE  GAPS'
	assert_errors 'flow_dump: no details were kept of 1 of 1 session; flow_set --details on has them kept of those that begin then'
	capture flow_dump --csv --columns cic,start -q --port 80
	assert_errors ''
	[ "$(head -n 1 "$out" | tr , '\n' | wc -l)" = 85 ] || fail '84 columns and one' "$(head -n 1 "$out")"
	tail -n 1 "$out" | grep -q "^192.0.2.1-10.0.0.1-80-40000-6,10.0.0.1,40000,192.0.2.1,80,6,22/11/2026 12:00:00 PM,999999,5,4,140,0,," ||
		fail 'as CICFlowMeter has it' "$(tail -n 1 "$out")"
	tail -n 1 "$out" | grep -q ",No Label,$noon.000000001" || fail 'a label, and a start' "$(tail -n 1 "$out")"
	capture flow_dump --csv --columns 'Flow ID,Init Bwd Win Byts' --sort 'Flow ID' --proto udp
	assert_output $'Flow ID,Init Bwd Win Byts\r\n2001:db8::2-2001:db8::53-50000-53-17,-1\r'
	capture flow_dump --list-columns --columns cic -j --pin-dir /nonexistent
	assert_json 'len(d) == 84 and d[-1]["name"] == "Label"'
	assert_usage start --columns start,all
	assert_errors_have 'a column stands there twice'
	assert_usage 'Flow ID' --columns cic,cic
	assert_usage cics --columns cics
}

# Rows of which details were not kept, of those that are shown.
@test "what is not kept is told of where it was asked for" {
	local columns

	flow put udp 10.0.0.1 1 192.0.2.1 53 fwd.packets=1 fwd.bytes=30
	flow put udp 10.0.0.1 2 192.0.2.1 53 fwd.packets=1 fwd.bytes=36 flags=8
	capture flow_dump -j --columns pauses
	assert_output '[{"pauses":0},'$'\n'' {"pauses":null}]'
	assert_errors 'flow_dump: no details were kept of 1 of 2 sessions; flow_set --details on has them kept of those that begin then'
	for columns in all common 'proto,payload_mean_fwd' 'Tot Fwd Pkts'; do
		capture flow_dump --csv --columns "$columns"
		assert_errors ''
	done
	capture flow_dump --csv --columns cic --min-bytes 35
	assert_errors ''
}

# ---- order ----

# assert_order OPTION... -- SRC...
assert_order() {
	local options=()

	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	capture flow_dump -j "${options[@]}"
	assert_status 0
	assert_json "[e['src'] for e in d] == '$*'.split()"
}

@test "--sort: largest first, names and addresses from the least on, what is not known last" {
	four_sessions
	assert_order -- 10.0.0.1 2001:db8::2 10.0.0.2 10.0.0.3
	assert_order --sort bytes_fwd -- 10.0.0.1 10.0.0.2 2001:db8::2 10.0.0.3
	assert_order --sort start -- 2001:db8::2 10.0.0.1 10.0.0.2 10.0.0.3
	assert_order --sort src -- 10.0.0.1 10.0.0.2 10.0.0.3 2001:db8::2
	assert_order --sort state -- 10.0.0.2 10.0.0.3 10.0.0.1 2001:db8::2
	assert_order --sort vlan --top 1 -- 2001:db8::2
	assert_order --sort gap_stddev_fwd --top 1 -- 10.0.0.1
	assert_order --sort lengths_fwd --top 1 -- 10.0.0.1
}

@test "what is equal stands in the order of its key, always the same" {
	local i

	for i in 5 3 9 1; do
		flow put udp "10.0.0.$i" 1000 192.0.2.1 53 fwd.packets=1 fwd.bytes=100 start=1
	done
	assert_order -- 10.0.0.1 10.0.0.3 10.0.0.5 10.0.0.9
}

# ---- selectors ----

@test "selectors: each of them alone, and together" {
	four_sessions
	assert_order -p tcp -- 10.0.0.1 10.0.0.3
	assert_order --proto 17 -- 2001:db8::2
	assert_order -p any -- 10.0.0.1 2001:db8::2 10.0.0.2 10.0.0.3
	assert_order -s 10.0.0.2-10.0.0.3 -- 10.0.0.2 10.0.0.3
	assert_order -s 192.0.2.0/24 --
	assert_order -d 192.0.2.1 -- 10.0.0.1 10.0.0.3
	assert_order -d 2001:db8::/32 -- 2001:db8::2
	assert_order 10.0.0.3 -- 10.0.0.3
	assert_order 192.0.2.0/24 -- 10.0.0.1 10.0.0.2 10.0.0.3
	assert_order --sport 40000-40001 -- 10.0.0.1 10.0.0.3
	assert_order --sport 80 --
	assert_order --dport 53 -- 2001:db8::2
	assert_order --port 80 -- 10.0.0.1
	assert_order --port 40001 -- 10.0.0.3
	assert_order --port 77 --
	assert_order -i t0 -- 10.0.0.1
	assert_order --iface '#999' -- 2001:db8::2
	assert_order --vlan 7 -- 2001:db8::2
	assert_order --vlan 0 -- 10.0.0.1 10.0.0.2 10.0.0.3
	assert_order --state SF -- 10.0.0.1 2001:db8::2
	assert_order --end idle -- 10.0.0.2 10.0.0.3
	# it is the last packet of all that tells how late it is
	assert_order --end idle -p icmp -- 10.0.0.2
	assert_order --min-bytes 252 -- 10.0.0.1 2001:db8::2 10.0.0.2
	assert_order -p tcp --end idle --port 22 10.0.0.0/8 -- 10.0.0.3
}

@test "sums are of what was selected" {
	four_sessions
	capture flow_dump --summary -p udp
	assert_output '1 session, 2 packets, 300 bytes'
	capture flow_dump --summary -j
	assert_json '(d == [{"sessions": 4, "packets": 15, "bytes": 10012, "evicted": 0, "evicted_packets": 0, "evicted_bytes": 0,
		"missed_packets": 0, "missed_bytes": 0, "not_ip_packets": 0, "not_ip_bytes": 0, "malformed_packets": 0,
		"malformed_bytes": 0}])'
}

# ---- losses ----

@test "what sessions do not have is said where there is some: below the table, else on stderr" {
	flow bucket 3 evicted=2 evicted_packets=30 evicted_bytes=4000
	flow bucket 4 missed_packets=1 missed_bytes=70
	capture flow_dump
	assert_errors ''
	assert_output $'0 sessions, 0 packets, 0 bytes\nevicted: 2 sessions, 30 packets, 4000 bytes\nmissed: 1 packet, 70 bytes'
	flow head not_ip.packets=5 not_ip.bytes=300 malformed.packets=6 malformed.bytes=400
	capture flow_dump --csv --columns src
	assert_status 0
	assert_errors - <<-'END'
		flow_dump: evicted: 2 sessions, 30 packets, 4000 bytes
		flow_dump: missed: 1 packet, 70 bytes
		flow_dump: not IP: 5 packets, 300 bytes
		flow_dump: malformed: 6 packets, 400 bytes
	END
	capture flow_dump -jq
	assert_errors ''
	assert_output '[]'
}

# ---- many ----

@test "as many as there are places, in order" {
	flow fill 32768
	capture flow_dump --json-lines --columns bytes
	assert_status 0
	[ "$(wc -l <"$out")" = 32768 ] || fail 32768 "$(wc -l <"$out")"
	sort -c -t : -k 2,2nr "$out" || fail 'largest first' 'not so'
	capture flow_dump --top 1 --columns bytes
	assert_output $'BYTES\n32867\n\n32768 sessions (1 shown), 32768 packets, 540131328 bytes'
}

# ---- --watch ----

@test "--watch: sessions with their rates, until a signal comes" {
	four_sessions
	watch flow_dump --columns src,bytes
	eventually has 2 '^[0-9:]+  4 sessions'
	has 1 '^ *PPS +BPS  SRC +BYTES' || fail 'columns with rates' "$(<"$tmp/watched")"
	eventually listens
	assert_stops TERM
}

@test "--watch -j: JSON Lines; what came since is the rate" {
	four_sessions
	watch flow_dump -j --port 80
	eventually has 1 '"bytes_fwd":400'
	flow bucket 0 flows.0.side.0.packets=1005 flows.0.side.0.bytes=2000400
	eventually has 1 '"bytes_fwd":2000400'
	eventually listens
	assert_stops INT
	assert_lines 'any(e["bps"] and e["bps"] > 0 and e["pps"] > 0 for e in d) and all(e["src"] == "10.0.0.1" for e in d)'
}

@test "--watch: on a terminal as many as it has lines" {
	four_sessions
	on_terminal 5 flow_dump --watch 1
	assert_screen 2
}

# ---- what is refused ----

assert_usage() {
	local operand=$1

	shift
	capture flow_dump "$@"
	assert_status 2
	assert_output ''
	assert_complaint "$operand"
}

@test "malformed operands" {
	assert_usage nonsense --columns proto,nonsense
	assert_usage proto --columns proto,proto
	assert_usage "''" --columns ''
	assert_usage packets --sort packets
	assert_usage s0 --state s0
	assert_usage over --end over
	assert_usage 4095 --vlan 4095
	assert_usage 70000 --port 70000
	assert_usage -1 --min-bytes -1
	assert_usage 0 --top 0
	assert_usage 0 --watch 0
	assert_usage 10.0.0.1/8 10.0.0.1/8
	assert_usage 10.0.0.2 10.0.0.1 10.0.0.2
	assert_usage 999.0.0.1 -s 999.0.0.1
	assert_usage icpm -p icpm
}

@test "what does not go together" {
	assert_usage --csv -j --csv
	assert_usage --csv --json-lines --csv
	assert_usage --json-lines -j --json-lines
	assert_usage --csv --watch 1 --csv
	assert_usage --sort --watch 1 --sort src
	assert_usage --top --watch 1 --top 3
	assert_usage --columns --summary --columns src
	assert_usage --state --packets --state S0
	assert_usage --csv --packets --csv
	assert_usage --min-bytes --result /dev/null --min-bytes 7
	assert_usage --top --debug /nonexistent --top 3
	assert_usage --proto --list-columns -p tcp
	assert_usage 10.0.0.1 --list-columns 10.0.0.1
}

@test "an interface that is not there, a directory without pins" {
	capture flow_dump -i nowhere
	assert_status 1
	assert_complaint nowhere
	mkdir "$tmp/pins"
	capture flow_dump --pin-dir "$tmp/pins"
	assert_status 1
	assert_output ''
	assert_one_line
	capture flow_dump --pin-dir /nonexistent -j
	assert_status 1
	assert_one_line
}

@test "a full disk is an error" {
	local form

	four_sessions
	for form in '' -j --json-lines --csv --summary --list-columns; do
		# shellcheck disable=SC2086  # none, or one word
		capture bash -c 'flow_dump "$@" >/dev/full' - $form
		program=flow_dump
		assert_status 1
		assert_complaint stdout
	done
}
