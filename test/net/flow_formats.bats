#!/usr/bin/env bats
# shellcheck shell=bats
# shellcheck disable=SC2154  # out, err, pid and the like are set in helpers.bash
# Sessions of real traffic in forms that other programs read: services told by what real servers say, Zeek's log, CSV,
# Prometheus.

# shellcheck source=test/net/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"
# shellcheck source=test/net/flow.bash
. "$BATS_TEST_DIRNAME/flow.bash"
# shellcheck source=test/net/prometheus.bash
. "$BATS_TEST_DIRNAME/prometheus.bash"

SYSTEM_PYTHON=/usr/bin/python3 # the one that has packages of the system
METRICS=$BATS_TEST_DIRNAME/../../scripts/metrics

setup_file() {
	lab_host client wan0 192.0.2.1/24 2001:db8::1/64
	serve udp 192.0.2.1 7000 udp 2001:db8::1 7000 tcp 192.0.2.1 7011 tcp 2001:db8::1 7011
}

teardown_file() {
	stop_started
}

setup() {
	fresh_flow wan0
}

teardown() {
	stop_started
}

# ---- services ----

listens() {
	ss -Hltnu "sport = :$1" | grep -q .
}

# server PORT COMMAND...: started, and listening
server() {
	local port=$1
	shift
	started "$BATS_TEST_TMPDIR/server.$port" "$@"
	eventually listens "$port" || fail "$(<"$BATS_TEST_TMPDIR/server.$port")"
}

# ask COMMAND...: on the client; whether it likes the answer is all the same
ask() {
	lab_on client timeout 20 "$@" </dev/null >>"$BATS_TEST_TMPDIR/asked" 2>&1 3>&- || true
}

# Both families: the client's address of the box, as URLs have it.
BOX=(192.0.2.1 '[2001:db8::1]')

# services PORT: of the sessions with this port of the box, as "FAMILY SERVICE", each once
services() {
	flow_dump -j --dport "$1" | fields family service | sort -u
}

# assert_service PORT SERVICE: so it is for both families
assert_service() {
	assert_equal "$(services "$1")" "4 $2"$'\n'"6 $2" "port $1" || fail "$(head -c 1000 "$BATS_TEST_TMPDIR/asked")"
}

@test "an SSH server is ssh on any port, also for who only looks" {
	local port box
	command -v dropbear >/dev/null || skip 'no dropbear here'
	dropbearkey -t ed25519 -f "$BATS_TEST_TMPDIR/key" >/dev/null 2>&1
	for port in 22 2022 443; do
		server $port dropbear -F -E -p $port -r "$BATS_TEST_TMPDIR/key" -P "$BATS_TEST_TMPDIR/pid.$port"
		for box in 192.0.2.1 2001:db8::1; do
			ask dbclient -y -y -p $port "root@$box" true
		done
		assert_service $port ssh
	done
	# who looks at a port says nothing, and is said all
	server 2023 dropbear -F -E -p 2023 -r "$BATS_TEST_TMPDIR/key" -P "$BATS_TEST_TMPDIR/pid.2023"
	for box in 192.0.2.1 2001:db8::1; do
		ask python3 -BIc 'import socket, sys; socket.create_connection((sys.argv[1], 2023), 10).recv(100)' "$box"
	done
	assert_service 2023 ssh
}

@test "a web server is http on any port, and port 22 makes no ssh of it" {
	local port box
	for port in 22 2222 8022; do
		server $port python3 -BI -m http.server -b :: -d "$BATS_TEST_TMPDIR" $port
		for box in "${BOX[@]}"; do
			ask curl -sS "http://$box:$port/"
		done
		assert_service $port http
	done
	# a client of SSH that has come to it: its sessions are no attempt to log in
	if command -v dbclient >/dev/null; then
		fresh_flow wan0
		for box in 192.0.2.1 2001:db8::1; do
			ask dbclient -y -y -p 22 "root@$box" true
		done
		assert_service 22 http
	fi
}

@test "FTP is ftp, on port 25 too, and its data are nothing" {
	local port box
	[ -d /usr/lib/python3/dist-packages/pyftpdlib ] || skip 'no pyftpdlib here'
	echo 'some text' >"$BATS_TEST_TMPDIR/file"
	for port in 2121 22 25; do
		server $port "$SYSTEM_PYTHON" -W ignore -m pyftpdlib -i :: -p $port -r 4000-4100 -d "$BATS_TEST_TMPDIR"
		for box in "${BOX[@]}"; do
			ask curl -sS "ftp://$box:$port/file"
		done
		assert_service $port ftp
	done
	assert_equal "$(services 4000-4100)" $'4 -\n6 -' 'data'
	# curl got it, each time
	assert_equal "$(grep -c '^some text' "$BATS_TEST_TMPDIR/asked")" 6
}

@test "TLS is tls on any port, with whatever in it" {
	local port box
	command -v openssl >/dev/null || skip 'no openssl here'
	openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=box -keyout "$BATS_TEST_TMPDIR/key.pem" -out "$BATS_TEST_TMPDIR/cert.pem" 2>/dev/null
	for port in 8443 22; do
		server $port openssl s_server -accept "$port" -www -key "$BATS_TEST_TMPDIR/key.pem" -cert "$BATS_TEST_TMPDIR/cert.pem"
		for box in "${BOX[@]}"; do
			ask curl -sSk "https://$box:$port/"
		done
		assert_service $port tls
	done
	# its standard input must not end
	mkfifo "$BATS_TEST_TMPDIR/input"
	# shellcheck disable=SC2016  # for the shell that is started
	server 8444 bash -c 'exec openssl s_server -dtls -accept 8444 -key "$1/key.pem" -cert "$1/cert.pem" <>"$1/input"' - \
		"$BATS_TEST_TMPDIR"
	for box in "${BOX[@]}"; do
		ask openssl s_client -dtls -connect "$box:8444"
	done
	assert_service 8444 tls
}

@test "DNS is dns on any port, by UDP and by TCP" {
	local box how
	command -v dnsmasq >/dev/null || skip 'no dnsmasq here'
	server 5300 dnsmasq -k -C /dev/null -R -h -u root -p 5300 -A /example.org/192.0.2.7 --pid-file="$BATS_TEST_TMPDIR/pid"
	for box in 192.0.2.1 2001:db8::1; do
		for how in udp tcp; do
			ask python3 -BIc '
import socket, struct, sys
question = struct.pack("!6H", 7, 0x100, 1, 0, 0, 0) + b"\7example\3org\0\0\1\0\1"
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
peer = socket.socket(family, socket.SOCK_DGRAM if sys.argv[2] == "udp" else socket.SOCK_STREAM)
peer.connect((sys.argv[1], 5300))
peer.send(question if sys.argv[2] == "udp" else struct.pack("!H", len(question)) + question)
print(socket.inet_ntoa(peer.recv(1000)[-4:]))' "$box" "$how"
		done
	done
	assert_service 5300 dns
	assert_equal "$(flow_dump -j --dport 5300 | fields proto service | sort)" $'tcp dns\ntcp dns\nudp dns\nudp dns'
	assert_equal "$(<"$BATS_TEST_TMPDIR/asked")" $'192.0.2.7\n192.0.2.7\n192.0.2.7\n192.0.2.7' answers
}

@test "what nobody knows has no service, on port 22 either" {
	serve tcp 192.0.2.1 22 tcp 2001:db8::1 22
	assert_traffic client <<-'END'
		answer tcp 192.0.2.1 22
		answer tcp 2001:db8::1 22
		answer udp 192.0.2.1 7000
		answer udp 2001:db8::1 7000
	END
	assert_service 22 -
	assert_service 7000 -
}

# ---- Zeek, CSV ----

# Traffic of both families: TCP, UDP, ICMP, and one that is refused.
traffic() {
	assert_traffic client <<-'END'
		answer tcp 192.0.2.1 7011
		answer tcp 2001:db8::1 7011
		refused tcp 192.0.2.1 7009
		refused tcp 2001:db8::1 7009
		answer udp 192.0.2.1 7000
		answer udp 2001:db8::1 7000
		answer ping 192.0.2.1 0
		answer ping 2001:db8::1 0
	END
	eventually all_have_ended
}

all_have_ended() {
	[ "$(flow_dump -j -p tcp | fields state | sort | xargs)" = 'REJ REJ SF SF' ]
}

of_client() {
	grep -E '(^|[[:space:]])(192\.0\.2\.2|2001:db8::2)([[:space:]]|$)'
}

@test "Zeek's log, as bro-cut takes columns of it: the numbers of the wire" {
	command -v bro-cut >/dev/null || skip 'no bro-cut here'
	wire_start
	traffic
	assert_same_as_wire 8
	flow_dump --zeek >"$BATS_TEST_TMPDIR/conn.log"
	# ICMP has a type and its answer where others have ports
	fields src sport dst dport packets_fwd bytes_fwd packets_rev bytes_rev payload_fwd payload_rev proto icmp_type \
		<"$BATS_TEST_TMPDIR/wire.json" | of_client | awk '
		$11 == "icmp" { $2 = 8; $4 = 0 }
		$11 == "icmpv6" { $2 = 128; $4 = 129; $11 = "icmp" }
		{ $12 = ""; print }' | sed 's/ $//' | sort >"$BATS_TEST_TMPDIR/expected"
	bro-cut id.orig_h id.orig_p id.resp_h id.resp_p orig_pkts orig_ip_bytes resp_pkts resp_ip_bytes orig_bytes resp_bytes proto \
		<"$BATS_TEST_TMPDIR/conn.log" | tr '\t' ' ' | of_client | sort | assert_same_lines "$BATS_TEST_TMPDIR/expected"
	assert_equal "$(wc -l <"$BATS_TEST_TMPDIR/expected")" 8
	assert_equal "$(bro-cut id.orig_h id.resp_p proto conn_state local_orig local_resp <"$BATS_TEST_TMPDIR/conn.log" |
		tr '\t' ' ' | of_client | sort)" "$(
		sort <<-'END'
			192.0.2.2 0 icmp OTH T T
			192.0.2.2 7000 udp SF T T
			192.0.2.2 7009 tcp REJ T T
			192.0.2.2 7011 tcp SF T T
			2001:db8::2 129 icmp OTH T T
			2001:db8::2 7000 udp SF T T
			2001:db8::2 7009 tcp REJ T T
			2001:db8::2 7011 tcp SF T T
		END
	)"
	# times are those of now, and end when they did
	assert_equal "$(bro-cut ts duration <"$BATS_TEST_TMPDIR/conn.log" |
		awk -v now="$(date +%s)" '{ print ($1 > now - 600 && $1 + $2 <= now + 1) }' | sort -u)" 1
}

@test "Zeek's log and CSV, as mlr reads them: the same sums" {
	local json
	command -v mlr >/dev/null || skip 'no mlr here'
	traffic
	flow_dump -j >"$BATS_TEST_TMPDIR/json"
	flow_dump --csv >"$BATS_TEST_TMPDIR/csv"
	flow_dump --zeek --reset | sed -n 's/^#fields\t//p; /^#/!p' >"$BATS_TEST_TMPDIR/tsv"
	json=$(sums packets_fwd bytes_fwd packets_rev bytes_rev <"$BATS_TEST_TMPDIR/json")
	assert_equal "$(mlr --icsv --onidx stats1 -a sum -f packets_fwd,bytes_fwd,packets_rev,bytes_rev "$BATS_TEST_TMPDIR/csv")" "$json" csv
	assert_equal "$(mlr --itsv --onidx stats1 -a sum -f orig_pkts,orig_ip_bytes,resp_pkts,resp_ip_bytes "$BATS_TEST_TMPDIR/tsv")" "$json" tsv
	# of columns of CSV, each of which has its name, none is another's
	assert_equal "$(mlr --icsv --ojson cut -o -f src,dst,history "$BATS_TEST_TMPDIR/csv" | fields src dst history | sort)" \
		"$(fields src dst history <"$BATS_TEST_TMPDIR/json" | sed 's/ -$/ /' | sort)"
}

# ---- Prometheus ----

# metric EXPRESSION: the value of a query that has one
metric() {
	prometheus_says "query?query=$1" 'd["result"][0]["value"][1]'
}

# counters: packets and bytes as Prometheus has them, and as flow_dump --summary has them
scraped_all() {
	[ "$(metric splicer_flow_packets_total) $(metric splicer_flow_bytes_total)" = \
		"$(flow_dump --summary -j | sed 's/^[[{]*/[{/' | fields packets bytes)" ]
}

has_begun_anew() {
	[ "$(metric 'resets(splicer_flow_packets_total%5B10m%5D)')" = 1 ]
}

@test "the strict parser of OpenMetrics reads what flow_dump has, selected or not" {
	traffic
	flow_dump --openmetrics -p tcp >"$BATS_TEST_TMPDIR/metrics"
	assert_equal "$("$SYSTEM_PYTHON" -W error -BIc '
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
for family in text_string_to_metric_families(sys.stdin.read()):
    if family.name in ("splicer_flow_sessions", "splicer_flow_session_packets"):
        for sample in family.samples:
            print(*sample.labels.values(), int(sample.value))
' <"$BATS_TEST_TMPDIR/metrics" | sort)" "$({
		flow_dump -j -p tcp | fields iface proto family state end | sort | uniq -c | awk '{ print $2, $3, $4, $5, $6, $1 }'
		flow_dump -j -p tcp | fields iface proto family packets_fwd packets_rev | awk '
			{ k = $1 " " $2 " " $3; fwd[k] += $4; rev[k] += $5 }
			END { for (k in fwd) { print k, "fwd", fwd[k]; print k, "rev", rev[k] } }'
	} | sort)"
}

@test "while sessions lose their places, counters never fall" {
	local last=0 now times=0
	# 8 places for many sessions
	flow_set -q --capacity 6
	flows() {
		local port
		for port in $(seq 7100 7219); do
			echo "f$port 192.0.2.1 $port"
		done
	}
	flows_start 1 100000 192.0.2.1 7100
	while ((times++ < 60)); do
		now=$(flow_dump --openmetrics | sed -n 's/^splicer_flow_packets_total //p')
		((now >= last)) || fail "it fell from $last to $now" || return
		last=$now
	done
	kill "$sender"
	[ "$(flow_dump --summary -j | sed 's/^[[{]*/[{/' | fields evicted)" -gt 0 ] || fail 'nothing was evicted' "$(flow_dump --summary)"
	# and in the end it is all that there was
	assert_equal "$(flow_dump --openmetrics | sed -n 's/^splicer_flow_packets_total //p')" \
		"$(flow_dump --summary -j | sed 's/^[[{]*/[{/' | fields packets evicted_packets missed_packets | awk '{ print $1 + $2 + $3 }')"
}

@test "a real Prometheus scrapes it" {
	local directory
	directory=$("$BATS_TEST_DIRNAME/prometheus" 2>&1) || skip "$directory"
	command -v socat >/dev/null || skip 'no socat here'
	started "$BATS_TEST_TMPDIR/socat.log" socat TCP-LISTEN:9469,bind=127.0.0.1,fork,reuseaddr "EXEC:$METRICS"
	prometheus_start "$directory" /metrics/flows
	traffic
	eventually scraped_all || fail "$(flow_dump --summary)" "$(metric splicer_flow_packets_total)" \
		"$(tail -n 5 "$BATS_TEST_TMPDIR/prometheus.log")" || return
	assert_equal "$(metric 'sum(splicer_flow_sessions%7Bproto="tcp",end="fin"%7D)')" 2
	assert_equal "$(metric 'sum(splicer_flow_session_bytes)')" "$(metric splicer_flow_bytes_total)"
	assert_equal "$(metric splicer_flow_capacity_sessions)" 32768
	assert_equal "$(prometheus_says 'metadata?metric=splicer_flow_bytes' '[(m["type"], m["unit"]) for m in d["splicer_flow_bytes"]]')" \
		"[('counter', 'bytes')]"
	# handed out: it begins anew, which Prometheus takes for that
	assert_equal "$(metric 'resets(splicer_flow_packets_total%5B10m%5D)')" 0
	flow_dump --reset -q >/dev/null
	eventually has_begun_anew
	traffic
	eventually scraped_all
	assert_equal "$(prometheus_says targets '[(t["health"], t["lastError"]) for t in d["activeTargets"]]')" "[('up', '')]"
	assert_equal "$(metric 'min_over_time(up%5B10m%5D)')" 1 'up, at its lowest'
	assert_equal "$(prometheus_complaints)" '' 'what Prometheus complains of'
}

@test "both pages over HTTP, each with the options that are for it" {
	ip link add lan0 type veth peer name lan1
	lab_attach lan0
	traffic
	assert_exit 0 bash -c "printf 'GET /metrics/flows HTTP/1.0\n\n' | '$METRICS' --by verdict -- -p tcp"
	assert_match "$out" '^HTTP/1.1 200 OK'
	assert_match "$out" 'Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8'
	assert_match "$out" 'splicer_flow_sessions\{iface="wan0",proto="tcp"'
	[[ $out != *'proto="udp"'* ]] || fail 'only TCP' "$out"
	assert_exit 0 bash -c "printf 'GET /metrics HTTP/1.0\n\n' | '$METRICS' --by verdict -- -p tcp"
	assert_match "$out" 'splicer_rules\{object="splicer"\} 0'
	assert_exit 0 bash -c "printf 'GET /metrics/other HTTP/1.0\n\n' | '$METRICS'"
	assert_match "$out" '^HTTP/1.1 404 '
	assert_exit 1 bash -c "printf 'GET /metrics/flows HTTP/1.0\n\n' | '$METRICS' -- --pin-dir /nonexistent"
	assert_match "$out" 'flow_dump: /nonexistent: no such directory'
	ip link del lan0
}
