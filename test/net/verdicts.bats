#!/usr/bin/env bats
# shellcheck shell=bats
# shellcheck disable=SC2154  # out, err, pid and the like are set in helpers.bash
# verdict_stat on real traffic: each packet is counted once, where it was and for what came of it; and who scrapes it.

# shellcheck source=test/net/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"
# shellcheck source=test/net/prometheus.bash
. "$BATS_TEST_DIRNAME/prometheus.bash"

SYSTEM_PYTHON=/usr/bin/python3 # the one that has packages of the system

setup_file() {
	lab_host client wan0 192.0.2.1/24 2001:db8::1/64
	lab_host guest lan0 198.51.100.1/24 2001:db8:1::1/64
	# what the stack sends by itself comes when it likes
	local_routes 172.16.240.0/24 fd00:240::/64
	started "$BATS_FILE_TMPDIR/received" pacer receive 0.0.0.0 7001 :: 7001 127.0.0.1 58997 ::1 58997
	eventually grep -q ready "$BATS_FILE_TMPDIR/received"
}

teardown_file() {
	stop_started
}

setup() {
	fresh_pins wan0 lan0
	lab_attach_egress wan0
	rules_make
}

teardown() {
	stop_started
}

rules_make() {
	local address
	for address in '192.0.2.1 32' '2001:db8::1 128' '198.51.100.1 32' '2001:db8:1::1 128'; do
		# shellcheck disable=SC2086  # two words
		map_update $address 7001 7001 0 udp
		# shellcheck disable=SC2086
		map_update -a drop $address 7002 7002 0 udp
	done
	map_update 172.16.240.0 24 5060 5060 58997 udp
	map_update fd00:240:: 64 5060 5060 58997 udp
	map_update 172.16.240.0 24 5061 5061 58999 udp
	map_update fd00:240:: 64 5061 5061 58999 udp
}

# traffic LINK FACTOR: "VERDICT ACTION REASON COUNT KIND...", of a client of the link; both families
traffic() {
	local link=$1 n=$2 source box own
	while read -r source box own; do
		cat <<-END
			ALLOWED passed rule-pass $((3 * n)) udp $source $box 7001
			BLOCKED dropped rule-drop $((5 * n)) udp $source $box 7002
			BLOCKED dropped no-rule $((7 * n)) udp $source $box 7003
			ALLOWED spliced rule-splice $((2 * n)) udp $source $own 5060
			BLOCKED dropped no-listener $((4 * n)) udp $source $own 5061
			BLOCKED dropped truncated $((6 * n)) truncated $source $box 7001
			BLOCKED dropped bad-header $((8 * n)) bad-header $source $box 7001
			ALLOWED passed fragment-early $((9 * n)) fragment $source $own 5062
		END
	done < <(addresses "$link")
	echo "BLOCKED dropped ethertype $((11 * n)) lldp"
	echo "ALLOWED passed arp $n arp"
}

# addresses LINK: "SOURCE BOX SPLICED" of both families
addresses() {
	case $1 in
	wan0) printf '%s\n' '192.0.2.2 192.0.2.1 172.16.240.9' '2001:db8::2 2001:db8::1 fd00:240::9' ;;
	lan0) printf '%s\n' '198.51.100.2 198.51.100.1 172.16.240.9' '2001:db8:1::2 2001:db8:1::1 fd00:240::9' ;;
	esac
}

# send HOST LINK FACTOR [TALLY_OPTION]...: sends it, and prints "LINK ingress VERDICT ACTION REASON PACKETS BYTES"
send() {
	local host=$1 link=$2 factor=$3
	shift 3
	traffic "$link" "$factor" >"$BATS_TEST_TMPDIR/$link.$factor"
	lab_on "$host" tally eth0 "$(lab_mac "$link")" "$@" < <(cut -d ' ' -f 4- "$BATS_TEST_TMPDIR/$link.$factor") |
		paste -d ' ' <(cut -d ' ' -f 1-3 "$BATS_TEST_TMPDIR/$link.$factor" | sed "s/^/$link ingress /") -
}

# summed KEYS: standard input, lines of KEYS words, packets and bytes: one line for each that differs in the words
summed() {
	awk -v keys="$1" '{ key = $1; for (i = 2; i <= keys; i++) key = key " " $i; packets[key] += $(keys + 1); bytes[key] += $(keys + 2) }
		END { for (key in packets) print key, packets[key], bytes[key] }' | sort
}

# shown [OPTION]...: of what came in, but for what the hosts' own stacks send when they like
shown() {
	verdict_stat -j --hook ingress "$@" | fields iface hook verdict action reason packets bytes | grep -v ' neighbour ' | sort
}

# assert_shown FILE [OPTION]...: the last packets may still be on their way
assert_shown() {
	local expected=$1
	shift
	eventually shows_packets "$(awk '{ n += $6 } END { print n + 0 }' "$expected")" "$@" || return
	shown "$@" | assert_same_lines "$expected"
}

shows_packets() {
	local packets=$1
	shift
	[ "$(shown "$@" | awk '{ n += $6 } END { print n + 0 }')" -ge "$packets" ]
}

@test "each packet is counted once: two interfaces, both families, every verdict, each reason" {
	{ send client wan0 1 && send guest lan0 2; } | summed 5 >"$BATS_TEST_TMPDIR/expected"
	assert_equal "$(wc -l <"$BATS_TEST_TMPDIR/expected")" 20 'what is expected'
	assert_shown "$BATS_TEST_TMPDIR/expected"
	# selectors, on the same
	grep ^lan0 "$BATS_TEST_TMPDIR/expected" >"$BATS_TEST_TMPDIR/lan0"
	assert_shown "$BATS_TEST_TMPDIR/lan0" -i lan0
	grep -E ' (spliced|arp) ' "$BATS_TEST_TMPDIR/expected" >"$BATS_TEST_TMPDIR/some" || true
	grep -E ' ALLOWED .* (rule-splice|rule-pass) ' "$BATS_TEST_TMPDIR/expected" >"$BATS_TEST_TMPDIR/some"
	assert_shown "$BATS_TEST_TMPDIR/some" --verdict allowed --reason rule-splice --reason rule-pass
	# and sums
	summed 5 <"$BATS_TEST_TMPDIR/expected" | awk '{ print $1, $3, $6, $7 }' | grep ' BLOCKED ' | summed 2 \
		>"$BATS_TEST_TMPDIR/by"
	verdict_stat -j --by iface,verdict --verdict BLOCKED | fields iface verdict packets bytes | sort |
		assert_same_lines "$BATS_TEST_TMPDIR/by"
}

@test "mode=detect: the same counters, DETECTED and passed where it was BLOCKED and dropped" {
	iface_set wan0 mode=detect
	{ send client wan0 1 | sed 's/ BLOCKED dropped / DETECTED passed /' && send guest lan0 1; } | summed 5 \
		>"$BATS_TEST_TMPDIR/expected"
	grep -q DETECTED "$BATS_TEST_TMPDIR/expected"
	assert_shown "$BATS_TEST_TMPDIR/expected"
}

@test "what leaves is counted at its own hook" {
	local nobody=02:00:00:00:00:99
	tally wan0 "$nobody" >"$BATS_TEST_TMPDIR/tally" <<-END
		5 udp 192.0.2.1 192.0.2.77 9
		6 udp 2001:db8::1 2001:db8::77 9
	END
	awk '{ print "wan0 egress ALLOWED passed out", $0 }' "$BATS_TEST_TMPDIR/tally" | summed 5 >"$BATS_TEST_TMPDIR/expected"
	verdict_stat -j --hook egress | fields iface hook verdict action reason packets bytes | grep -v ' neighbour ' |
		assert_same_lines "$BATS_TEST_TMPDIR/expected"
	assert_equal "$(shown)" '' 'what came in'
}

@test "traffic on all processors at once: their sums are exact" {
	local cpu senders=() cpus
	cpus=$(nproc)
	[ "$cpus" -gt 1 ] || skip 'only one processor'
	for ((cpu = 0; cpu < cpus && cpu < 4; cpu++)); do
		send client wan0 $((100 + cpu)) cpu "$cpu" >"$BATS_TEST_TMPDIR/sent.$cpu" 3>&- &
		senders+=("$!")
	done
	wait "${senders[@]}"
	cat "$BATS_TEST_TMPDIR"/sent.* | summed 5 >"$BATS_TEST_TMPDIR/expected"
	assert_shown "$BATS_TEST_TMPDIR/expected"
	# or it would prove nothing
	tally cells >"$BATS_TEST_TMPDIR/cells"
	[ "$(awk '$2 > 1000' "$BATS_TEST_TMPDIR/cells" | wc -l)" -gt 1 ] ||
		fail 'expected: packets in the tables of several processors' "got: $(<"$BATS_TEST_TMPDIR/cells")"
}

# ---- more than the table has cells for ----

MANY=400

# On one block, so that the program is loaded once.
many_make() {
	local i
	tc qdisc del dev wan0 clsact
	for ((i = 0; i < MANY; i++)); do
		echo "link add in-$i type veth peer name out-$i"
		echo "link set in-$i addrgenmode none up"
		echo "link set out-$i addrgenmode none up"
	done | ip -b -
	for ((i = 0; i < MANY; i++)); do
		echo "qdisc add dev in-$i ingress_block 7 clsact"
	done | tc -b - || return
	tc filter add block 7 ingress bpf da obj "${LAB_OBJECTS:-build}/splicer.o" sec action
}

# many_traffic: "DEV VERDICT ACTION REASON COUNT KIND..."
many_traffic() {
	local i
	for ((i = 0; i < MANY; i++)); do
		traffic wan0 1 | sed "s/^/out-$i /"
	done
}

# many_send: from one processor, whose table overflows
many_send() {
	many_traffic >"$BATS_TEST_TMPDIR/many"
	cut -d ' ' -f 1,5- "$BATS_TEST_TMPDIR/many" | tally many cpu 0 |
		paste -d ' ' <(cut -d ' ' -f 1-4 "$BATS_TEST_TMPDIR/many" | sed 's/^out/in/') -
}

@test "400 interfaces: what finds no cell of its own is counted without its name, and no sum is wrong" {
	fresh_pins wan0
	many_make || skip 'no shared blocks here'
	rules_make
	many_send >"$BATS_TEST_TMPDIR/sent"
	iface_set any mode=detect
	many_send | sed 's/ BLOCKED dropped / DETECTED passed /' >>"$BATS_TEST_TMPDIR/sent"
	cut -d ' ' -f 2- "$BATS_TEST_TMPDIR/sent" | summed 3 >"$BATS_TEST_TMPDIR/expected"
	eventually many_are_shown
	# the rows of a name are what was sent there, or less; with those of no name they are all of it
	verdict_stat -j | fields iface verdict action reason packets bytes | grep -v ' neighbour ' >"$BATS_TEST_TMPDIR/rows"
	summed 4 <"$BATS_TEST_TMPDIR/sent" | awk '
		NR == FNR { expected[$1, $2, $3, $4] = $5; next }
		$1 == "-" { nameless++; next }
		{ named++; if ($5 > expected[$1, $2, $3, $4]) print "too many:", $0 }
		END { if (nameless < 5 || named < 2000) print nameless, "rows without and", named, "rows with a name" }
	' - "$BATS_TEST_TMPDIR/rows" >"$BATS_TEST_TMPDIR/wrong"
	assert_equal "$(<"$BATS_TEST_TMPDIR/wrong")" '' 'rows by name'
	# as many series, all different
	verdict_stat --hook ingress --openmetrics >"$BATS_TEST_TMPDIR/metrics"
	metrics_rows <"$BATS_TEST_TMPDIR/metrics" | cut -d ' ' -f 3- | grep -v ' neighbour ' | summed 3 |
		assert_same_lines "$BATS_TEST_TMPDIR/expected"
}

many_are_shown() {
	verdict_stat -j --hook ingress --by verdict,action,reason | fields verdict action reason packets bytes | grep -v '^ALLOWED passed neighbour' |
		sort >"$BATS_TEST_TMPDIR/shown"
	cmp -s "$BATS_TEST_TMPDIR/expected" "$BATS_TEST_TMPDIR/shown"
}

# ---- OpenMetrics ----

# metrics_rows: standard input as the strict parser reads it, "iface hook verdict action reason packets bytes"
metrics_rows() {
	"$SYSTEM_PYTHON" -BIc '
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
rows = {}
for family in text_string_to_metric_families(sys.stdin.read()):
    for sample in family.samples:
        if sample.name in ("splicer_packets_total", "splicer_bytes_total"):
            key = tuple(sample.labels[name] or "-" for name in "iface hook verdict action reason".split())
            if key in rows.setdefault(sample.name, {}):
                sys.exit(f"twice: {key}")
            rows[sample.name][key] = int(sample.value)
for key, packets in rows.get("splicer_packets_total", {}).items():
    print(*key, packets, rows["splicer_bytes_total"][key])
' | sort
}

# metric_value NAME: labels, if there are any, and value of each sample, as the parser reads it
metric_value() {
	"$SYSTEM_PYTHON" -BIc '
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
for family in text_string_to_metric_families(sys.stdin.read()):
    for sample in family.samples:
        if sample.name == sys.argv[1]:
            print(sample.labels or "", int(sample.value))
' "$1"
}

@test "the strict parser of OpenMetrics reads what the table shows; rules, subscribers and their losses beside" {
	{ send client wan0 1 && send guest lan0 2; } | summed 5 >"$BATS_TEST_TMPDIR/expected"
	assert_shown "$BATS_TEST_TMPDIR/expected"
	tail_start tail
	verdict_stat --hook ingress --openmetrics >"$BATS_TEST_TMPDIR/metrics"
	metrics_rows <"$BATS_TEST_TMPDIR/metrics" | grep -v ' neighbour ' | assert_same_lines "$BATS_TEST_TMPDIR/expected"
	assert_equal "$(metric_value splicer_rules <"$BATS_TEST_TMPDIR/metrics" | tr -d \')" \
		"{object: splicer} $(rule_count)" rules
	assert_equal "$(metric_value splicer_event_subscribers <"$BATS_TEST_TMPDIR/metrics" | xargs)" 1 subscribers
	assert_equal "$(metric_value splicer_events_lost_total <"$BATS_TEST_TMPDIR/metrics" | xargs)" \
		"{slot: 0, pid: $pid} 0" losses
	# a subscriber that died is none
	kill -9 "$pid"
	assert_ends "$pid" 137
	assert_equal "$(verdict_stat --openmetrics | metric_value splicer_event_subscribers | xargs)" 0 'subscribers after its death'
	# selectors and sums apply to the counters
	verdict_stat --openmetrics --hook ingress -i lan0 | metrics_rows | grep -v ' neighbour ' >"$BATS_TEST_TMPDIR/lan0"
	grep ^lan0 "$BATS_TEST_TMPDIR/expected" | assert_same_lines "$BATS_TEST_TMPDIR/lan0"
	assert_equal "$(verdict_stat --openmetrics --hook ingress --by verdict --verdict BLOCKED | grep '^splicer_packets_total')" \
		"splicer_packets_total{verdict=\"BLOCKED\"} $(awk '$3 == "BLOCKED" { n += $6 } END { print n }' \
			"$BATS_TEST_TMPDIR/expected")"
}

@test "a reader that loses events: as many are told of it as it says itself, and none of another" {
	local slow lost
	tail_start slow
	slow=$pid
	kill -STOP "$slow"
	tail_start other -p tcp
	# the ring has room for some 4,500
	echo '10000 udp 192.0.2.2 192.0.2.1 7003' | lab_on client tally eth0 "$(lab_mac wan0)" >"$BATS_TEST_TMPDIR/tally"
	eventually shows_packets 10000 --reason no-rule
	verdict_stat --openmetrics | metric_value splicer_events_lost_total | tr -d \' >"$BATS_TEST_TMPDIR/lost"
	assert_equal "$(wc -l <"$BATS_TEST_TMPDIR/lost")" 2 subscribers
	assert_equal "$(grep "pid: $pid}" "$BATS_TEST_TMPDIR/lost" | awk '{ print $NF }')" 0 'lost by the other'
	lost=$(grep "pid: $slow}" "$BATS_TEST_TMPDIR/lost" | awk '{ print $NF }')
	[ "$lost" -gt 5000 ] || fail 'expected: more than 5000 lost' "got: $lost"
	kill -INT "$slow"
	kill -CONT "$slow"
	assert_ends "$slow" 0
	assert_match "$(<"$BATS_TEST_TMPDIR/slow")" "trace_tail: [0-9]+ events, $lost lost"
}

# ---- over HTTP ----

METRICS=$BATS_TEST_DIRNAME/../../scripts/metrics

# ask TEXT: one request, whose answer goes to $BATS_TEST_TMPDIR/answer; fills $head and $body
ask() {
	# shellcheck disable=SC2059  # its \r\n are meant
	printf "$1" | "$METRICS" "${@:2}" >"$BATS_TEST_TMPDIR/answer" 2>"$BATS_TEST_TMPDIR/errors"
	head=$(sed '/^\r$/q' "$BATS_TEST_TMPDIR/answer" | tr -d '\r')
	body=$(sed '1,/^\r$/d' "$BATS_TEST_TMPDIR/answer")
}

# assert_length: Content-Length is what comes after the head
assert_length() {
	local length
	length=$(sed -n 's/^Content-Length: //p' <<<"$head")
	assert_equal "$(sed '1,/^\r$/d' "$BATS_TEST_TMPDIR/answer" | wc -c)" "$length" 'bytes of the body'
}

@test "one request on standard input is answered: what it is, how long, and other pages and methods" {
	local request
	for request in 'GET /metrics HTTP/1.1\r\nHost: box\r\nAccept: */*\r\n\r\n' 'GET /metrics HTTP/1.0\n\n' \
		'GET /metrics?a=b HTTP/1.1\r\n\r\n'; do
		ask "$request"
		assert_match "$head" '^HTTP/1.1 200 OK'
		assert_match "$head" 'Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8'
		assert_match "$head" 'Connection: close'
		assert_equal "$body" "$(verdict_stat --openmetrics)" "body of $request"
		assert_length
	done
	ask 'GET /metrics HTTP/1.0\n\n' --by verdict
	assert_equal "$body" "$(verdict_stat --openmetrics --by verdict)"
	ask 'HEAD /metrics HTTP/1.1\r\n\r\n'
	assert_match "$head" '^HTTP/1.1 200 OK'
	assert_equal "$body" '' 'body for HEAD'
	ask 'GET / HTTP/1.1\r\n\r\n'
	assert_match "$head" '^HTTP/1.1 404 '
	assert_length
	ask 'POST /metrics HTTP/1.1\r\n\r\n'
	assert_match "$head" '^HTTP/1.1 405 '
	assert_match "$head" 'Allow: GET, HEAD'
	for request in 'nonsense\n\n' 'GET /metrics\n\n' 'GET /metrics HTTP/2.0\n\n' '\n\n' 'GET /metrics HTTP/1.1 x\n\n'; do
		ask "$request"
		assert_match "$head" '^HTTP/1.1 400 '
	done
	# one that ends in the middle has nobody who waits for an answer
	ask 'GET /metrics HTTP/1.1\r\nHost'
	assert_equal "$(<"$BATS_TEST_TMPDIR/answer")" ''
}

@test "a request without end is not read to its end" {
	local kind
	for kind in 'yes a' 'yes a | tr -d \\n'; do
		assert_exit 0 bash -c "{ echo 'GET /metrics HTTP/1.1'; $kind; } | '$METRICS'"
		assert_match "$out" '^HTTP/1.1 431 '
	done
}

@test "when verdict_stat fails, the answer is 500 with its reason" {
	assert_exit 1 bash -c "printf 'GET /metrics HTTP/1.0\n\n' | '$METRICS' --pin-dir /nonexistent"
	assert_match "$out" '^HTTP/1.1 500 '
	assert_match "$out" 'verdict_stat: /nonexistent: no such directory'
	assert_match "$err" '^verdict_stat: /nonexistent: '
}

@test "with no more capabilities than the unit of systemd leaves, it still answers" {
	local unit=${METRICS%/*}/splicer-metrics@.service capabilities
	capabilities=$(sed -n 's/^CapabilityBoundingSet=//p' "$unit" | tr 'A-Z ' 'a-z,' | sed 's/cap_/+/g')
	assert_match "$capabilities" '^\+bpf'
	assert_exit 0 setpriv --bounding-set "-all,$capabilities" --inh-caps "-all,$capabilities" --no-new-privs \
		bash -c "printf 'GET /metrics HTTP/1.0\n\n' | '$METRICS'"
	assert_match "$out" '^HTTP/1.1 200 '
}

# ---- Prometheus itself ----

# Labels and values of both counters, as Prometheus has them now.
prometheus_rows() {
	local name
	for name in packets bytes; do
		prometheus_says "query?query=splicer_${name}_total" '"\n".join(" ".join([r["metric"].get(k, "-")
			for k in "iface hook verdict action reason".split()] + [r["value"][1]]) for r in d["result"])' | sort \
			>"$BATS_TEST_TMPDIR/prometheus.$name"
	done
	# a series of one has its like in the other
	paste -d ' ' "$BATS_TEST_TMPDIR/prometheus.packets" <(cut -d ' ' -f 6 "$BATS_TEST_TMPDIR/prometheus.bytes")
}

prometheus_shows() {
	prometheus_rows | grep ' ingress ' | grep -v ' neighbour ' >"$BATS_TEST_TMPDIR/prometheus.rows"
	cmp -s "$1" "$BATS_TEST_TMPDIR/prometheus.rows"
}

# None of what there is was left out. A neighbour may be asked for between the last scrape and this look: it is then
# there at the next.
prometheus_has_all() {
	local samples
	samples=$(verdict_stat --openmetrics | grep -vc '^#')
	[ "$(prometheus_says 'query?query=scrape_samples_scraped' '[r["value"][1] for r in d["result"]]')" = "['$samples']" ]
}

# assert_scraped: by a real Prometheus, from whoever listens: the very numbers, and no scrape failed
assert_scraped() {
	local directory
	directory=$("$BATS_TEST_DIRNAME/prometheus" 2>&1) || skip "$directory"
	{ send client wan0 1 && send guest lan0 2; } | summed 5 >"$BATS_TEST_TMPDIR/expected"
	assert_shown "$BATS_TEST_TMPDIR/expected"
	prometheus_start "$directory"
	eventually prometheus_shows "$BATS_TEST_TMPDIR/expected" ||
		fail "$(diff "$BATS_TEST_TMPDIR/expected" "$BATS_TEST_TMPDIR/prometheus.rows")" "$(tail -n 5 "$BATS_TEST_TMPDIR/prometheus.log")" ||
		return
	# and goes on
	send client wan0 3 >>"$BATS_TEST_TMPDIR/expected"
	summed 5 <"$BATS_TEST_TMPDIR/expected" >"$BATS_TEST_TMPDIR/later"
	eventually prometheus_shows "$BATS_TEST_TMPDIR/later"
	assert_equal "$(prometheus_says targets '[(t["health"], t["lastError"]) for t in d["activeTargets"]]')" "[('up', '')]"
	assert_equal "$(prometheus_says 'query?query=min_over_time(up[10m])' '[r["value"][1] for r in d["result"]]')" "['1']" \
		'up, at its lowest'
	eventually prometheus_has_all ||
		fail "$(verdict_stat --openmetrics)" "$(prometheus_says 'query?query=scrape_samples_scraped' 'd')" || return
	assert_equal "$(prometheus_says 'metadata?metric=splicer_packets' '[(m["type"], m["unit"]) for m in d["splicer_packets"]]')" \
		"[('counter', 'packets')]"
	assert_equal "$(prometheus_complaints)" '' \
		'what Prometheus complains of'
}

@test "a real Prometheus scrapes it through socat" {
	command -v socat >/dev/null || skip 'no socat here'
	started "$BATS_TEST_TMPDIR/socat.log" socat TCP-LISTEN:9469,bind=127.0.0.1,fork,reuseaddr "EXEC:$METRICS"
	assert_scraped
}

@test "a real Prometheus scrapes it through a socket of systemd" {
	command -v systemd-socket-activate >/dev/null || skip 'no systemd-socket-activate here'
	started "$BATS_TEST_TMPDIR/systemd.log" systemd-socket-activate --accept --inetd -l 127.0.0.1:9469 "$METRICS"
	assert_scraped
}
