#!/usr/bin/env bats
# shellcheck shell=bats
# shellcheck disable=SC2154  # out, pid and the like are set in helpers.bash
# lb_check, round after round, with real servers in hosts of their own; and beside others who change the same services.

# shellcheck source=test/net/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"

WEB=192.0.2.1:80/tcp
WEB6='[2001:db8::1]:80/tcp'

# Probes cross the links that lb.o is attached to.
setup_file() {
	local dev
	lab_host one one0 10.1.0.1/24 fd00:1::1/64
	lab_host two two0 10.2.0.1/24 fd00:2::1/64
	# nobody answers there, not even to say so
	ip link add hole0 type veth peer name hole1
	ip link set hole0 up
	ip link set hole1 up
	ip addr add 10.9.0.1/24 dev hole0
	ip neigh replace 10.9.0.2 lladdr 02:00:00:00:00:02 dev hole0 nud permanent
	sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	for dev in one0 two0; do
		tc qdisc add dev "$dev" clsact
	done
	attach
}

attach() {
	local dev
	for dev in one0 two0; do
		tc filter replace dev "$dev" ingress prio 50000 handle 1 bpf da obj "$LAB_OBJECTS/lb.o" sec action
		tc filter replace dev "$dev" egress prio 10 handle 1 bpf da obj "$LAB_OBJECTS/lb.o" sec action/egress
	done
}

setup() {
	lb_backend apply --all -f /dev/null
}

teardown() {
	stop_started
}

# web_on HOST ADDRESS PORT [CERTIFICATE]: an HTTP server; fills $server
web_on() {
	local host=$1 said
	shift
	said=$(mktemp -p "$BATS_TEST_TMPDIR")
	started "$said" nsenter --net="/run/netns/$host" -- "$BATS_TEST_DIRNAME/webserver" "$@"
	eventually grep -q ready "$said"
	server=$pid
}

web_stop() {
	kill -9 "$1"
	wait "$1" || true
}

# check_start [ARG]...: lb_check, to the file $log; fills $checker
check_start() {
	log=$BATS_TEST_TMPDIR/log
	started "$log" lb_check --interval 0.05 "$@"
	checker=$pid
}

# assert_check_ends: by a signal, in peace
assert_check_ends() {
	kill "$checker"
	assert_ends "$checker" 0
}

state() {
	lb_backend list -j -q "$1" | fields backend state | awk -v backend="$2" '$1 == backend { print $2 }'
}

state_is() {
	[ "$(state "$1" "$2")" = "$3" ]
}

# Whether it has said so: a line without its time.
said() {
	cut -d ' ' -f 2- "$log" | grep -qE "$1"
}

# Results of one backend in a row before it went there: words of lines with -v.
run_before() {
	awk -v backend="$1" -v state="$2" '
		$3 != backend { next }
		$4 == state || $4 == state ":" { print last, n; exit }
		$5 == last || $5 == last ":" { n++; next }
		{ last = $5; n = 1 }' "$log"
}

assert_whole() {
	local wrong
	wrong=$(python3 -IS "$BATS_TEST_DIRNAME/../lb.py" check 2>&1) || fail 'expected whole services, got:' "$wrong"
}

# ---- up and down ----

@test "down after so many failures in a row, up after so many successes" {
	web_on one 10.1.0.2 8080
	web_on two fd00:2::2 8080
	lb_backend add "$WEB" 10.1.0.2:8080
	lb_backend add "$WEB6" '[fd00:2::2]:8080'
	check_start -v --rise 2 --fall 4
	eventually said "^$WEB 10.1.0.2:8080 tcp healthy"
	eventually said '^\[2001:db8::1\]:80/tcp \[fd00:2::2\]:8080 tcp healthy'
	web_stop "$server"
	eventually state_is "$WEB6" fd00:2::2 down
	assert_equal "$(state "$WEB" 10.1.0.2)" up
	assert_whole
	web_on two fd00:2::2 8080
	eventually state_is "$WEB6" fd00:2::2 up
	assert_check_ends
	assert_equal "$(run_before '[fd00:2::2]:8080' down)" 'failed 4'
	assert_equal "$(run_before '[fd00:2::2]:8080' up)" 'healthy 2'
	said '^\[2001:db8::1\]:80/tcp \[fd00:2::2\]:8080 down: Connection refused$'
	assert_equal "$(grep -c "$WEB 10.1.0.2:8080 down" "$log" || true)" 0
	assert_whole
}

@test "who is down when it begins stays so until it has risen" {
	lb_backend add "$WEB" 10.1.0.2:8080 10.2.0.2:8080
	lb_backend down "$WEB" 10.1.0.2:8080 10.2.0.2:8080
	web_on one 10.1.0.2 8080
	check_start -v --rise 3
	eventually said "^$WEB 10.1.0.2:8080 up"
	assert_check_ends
	assert_equal "$(run_before 10.1.0.2:8080 up)" 'healthy 3'
	assert_equal "$(state "$WEB" 10.2.0.2)" down
	assert_equal "$(state "$WEB" 10.1.0.2)" up
}

@test "JSON lines; without -v only what changes" {
	lb_backend add "$WEB" 10.1.0.2:8080
	check_start -j --fall 2
	eventually has_lines "$log" 1
	web_on one 10.1.0.2 8080
	eventually has_lines "$log" 2
	assert_check_ends
	assert_equal "$(fields event vip backend port result state changed <"$log")" \
		"state 192.0.2.1 10.1.0.2 8080 failed down true
state 192.0.2.1 10.1.0.2 8080 healthy up true"
}

# One fails once and then does not answer, one fails once and then is well; a third one keeps changes waiting for more.
probe_once() {
	cat >"$BATS_TEST_TMPDIR/probe" <<-'EOF'
		[ "$LB_BACKEND" != 10.1.0.3 ] || exec sleep 3600
		! mkdir "$1/failed-$LB_BACKEND" 2>/dev/null || exit 7
		[ "$LB_BACKEND" = fd00:1::2 ] || exec sleep 3600
	EOF
	echo "sh $BATS_TEST_TMPDIR/probe $BATS_TEST_TMPDIR"
}

@test "why is that of the result that decided, whatever the next probe does meanwhile" {
	lb_backend add "$WEB" 10.1.0.2 10.1.0.3
	lb_backend add "$WEB6" fd00:1::2
	check_start -j --fall 1 --rise 1000 --timeout 3600 --command "$(probe_once)"
	eventually has_lines "$log" 2
	assert_check_ends
	assert_equal "$(fields backend result state why <"$log" | sort)" "10.1.0.2 failed down exit status 7
fd00:1::2 failed down exit status 7"
}

@test "-n says what would be changed, once for each time, and changes nothing" {
	lb_backend add "$WEB" 10.1.0.2:8080
	check_start -n -v --fall 2
	eventually said "^$WEB 10.1.0.2:8080 down"
	# many a round later
	eventually has_lines "$log" 12
	assert_check_ends
	assert_equal "$(grep -c ' down: ' "$log")" 1
	assert_equal "$(state "$WEB" 10.1.0.2)" up
}

# ---- kinds of probes ----

@test "HTTP: the status decides, redirections are not followed, an endless body ends" {
	web_on one 10.1.0.2 8080
	web_on two fd00:2::2 8080
	lb_backend add "$WEB" 10.1.0.2:8080
	lb_backend add "$WEB6" '[fd00:2::2]:8080'
	assert_exit 0 lb_check --once --http /200
	assert_exit 0 lb_check --once --http /301
	assert_exit 0 lb_check --once --http /endless --timeout 60
	assert_exit 0 lb_check --once --http /503 --status 503
	assert_exit 0 lb_check --once --http /404 --status 400-404
	assert_exit 1 lb_check --once -j --http /404
	assert_equal "$(fields result why <<<"$out")" $'failed status 404\nfailed status 404'
	assert_exit 1 lb_check --once -j --http /301 --status 200-299
	assert_equal "$(fields result why <<<"$out")" $'failed status 301\nfailed status 301'
	assert_exit 1 lb_check --once -j --http /silent --timeout 0.3
	assert_equal "$(fields result why <<<"$out")" $'failed no answer within 0.3 s\nfailed no answer within 0.3 s'
	# whatever the environment says of proxies
	assert_exit 0 env http_proxy=http://10.9.0.2:1 all_proxy=http://10.9.0.2:1 lb_check --once --http /200
}

@test "HTTP: the host is the address, or the name that is given" {
	web_on one 10.1.0.2 8080
	web_on two fd00:2::2 8080
	lb_backend add "$WEB" 10.1.0.2:8080
	lb_backend add "$WEB6" '[fd00:2::2]:8080'
	assert_exit 0 lb_check --once --http /host/10.1.0.2:8080 "$WEB"
	assert_exit 0 lb_check --once --http '/host/[fd00:2::2]:8080' "$WEB6"
	assert_exit 0 lb_check --once --http /host/www.example.com --host www.example.com
	assert_exit 0 lb_check --once --http /host/www.example.com:81 --host www.example.com:81
	assert_exit 1 lb_check --once --http /host/www.example.com --host www.example.net
}

@test "HTTPS: the certificate is checked, by the name, unless it is said not to be" {
	local pem=$BATS_TEST_TMPDIR/pem
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$pem" -out "$pem.crt" -subj /CN=test -days 2 \
		-addext subjectAltName=DNS:www.example.com,IP:10.1.0.2 2>/dev/null
	cat "$pem.crt" >>"$pem"
	web_on one 10.1.0.2 8443 "$pem"
	web_on two fd00:2::2 8443 "$pem"
	lb_backend add 192.0.2.1:443/tcp 10.1.0.2:8443
	lb_backend add '[2001:db8::1]:443/tcp' '[fd00:2::2]:8443'
	assert_exit 1 lb_check --once -j --http /200 --https
	assert_equal "$(fields result <<<"$out")" $'failed\nfailed'
	assert_exit 0 lb_check --once --http /200 --https -k
	assert_exit 0 lb_check --once --http /host/www.example.com --https -k --host www.example.com
	export SSL_CERT_FILE=$pem.crt CURL_CA_BUNDLE=$pem.crt
	assert_exit 1 lb_check --once -j --http /404 --https -k
	assert_exit 1 lb_check --once -j --http /200
}

@test "ICMP: by a raw socket, and by one of datagrams where the group may" {
	local range
	lb_backend add 192.0.2.1:53/udp 10.1.0.2 10.9.0.2
	lb_backend add '[2001:db8::1]:53/udp' fd00:1::2 fd00:2::2
	lab_on two sysctl -qw net.ipv6.icmp.echo_ignore_all=1
	for range in '1 0' '0 0'; do
		sysctl -qw net.ipv4.ping_group_range="$range"
		assert_exit 1 lb_check --once -n -j --timeout 0.3
		assert_equal "$(fields backend probe result why <<<"$out")" "10.1.0.2 icmp healthy -
10.9.0.2 icmp failed no echo reply within 0.3 s
fd00:1::2 icmp healthy -
fd00:2::2 icmp failed no echo reply within 0.3 s"
	done
	lab_on two sysctl -qw net.ipv6.icmp.echo_ignore_all=0
	sysctl -qw net.ipv4.ping_group_range='1 0'
	assert_exit 0 lb_check --once '[2001:db8::1]:53/udp'
}

# ---- many, and slow ones ----

@test "who does not answer delays nobody else" {
	web_on one 10.1.0.2 8080
	lb_backend add "$WEB" 10.1.0.2:8080 10.9.0.2:8080 10.2.0.2:8080
	# it has an hour
	check_start -v --timeout 3600 --http /200
	eventually said "^$WEB 10.2.0.2:8080 down: Connection refused"
	eventually said "^$WEB 10.1.0.2:8080 http healthy"
	web_stop "$server"
	eventually said "^$WEB 10.1.0.2:8080 down"
	web_on one 10.1.0.2 8080
	eventually said "^$WEB 10.1.0.2:8080 up"
	assert_equal "$(grep -c 10.9.0.2 "$log" || true)" 0
	assert_check_ends
	assert_equal "$(state "$WEB" 10.9.0.2)" up
}

@test "more than may be asked at the same time: those who wait have their turn" {
	local i backends=()
	web_on one 0.0.0.0 8080
	for ((i = 0; i < 600; i++)); do
		backends+=("10.9.$((1 + i / 200)).$((1 + i % 200)):8080")
	done
	ip route replace 10.9.0.0/16 dev hole0
	lb_backend add "$WEB" "${backends[@]}" 10.1.0.2:8080
	lb_check --once -j --timeout 1 >"$BATS_TEST_TMPDIR/all" || true
	ip route del 10.9.0.0/16 dev hole0
	assert_equal "$(fields result <"$BATS_TEST_TMPDIR/all" | sort | uniq -c | awk '{ print $1, $2 }')" $'600 failed\n1 healthy'
	assert_equal "$(state "$WEB" 10.1.0.2)" up
	assert_equal "$(lb_backend list -j -q | fields state | sort | uniq -c | awk '{ print $1, $2 }')" $'600 down\n1 up'
	assert_whole
}

# ---- what others do meanwhile ----

@test "services and backends that come later are probed, those that go are not" {
	web_on one 10.1.0.2 8080
	check_start -v --fall 2
	lb_backend add "$WEB" 10.1.0.2:8080
	eventually said "^$WEB 10.1.0.2:8080 tcp healthy"
	lb_backend add "$WEB" 10.2.0.2:8080
	eventually said "^$WEB 10.2.0.2:8080 down"
	lb_backend delete "$WEB" 10.2.0.2:8080
	# added anew it is up, and falls once more
	lb_backend add "$WEB" 10.2.0.2:8080
	assert_equal "$(state "$WEB" 10.1.0.2)" up
	eventually state_is "$WEB" 10.2.0.2 down
	lb_backend delete "$WEB"
	lb_backend add "$WEB6" '[fd00:1::2]:8080'
	eventually said '^\[2001:db8::1\]:80/tcp \[fd00:1::2\]:8080 down'
	assert_check_ends
	assert_equal "$(lb_backend list -q --save)" "add $WEB6 [fd00:1::2]:8080"
	assert_whole
}

@test "what somebody else sets holds until it is proven otherwise" {
	web_on one 10.1.0.2 8080
	lb_backend add "$WEB" 10.1.0.2:8080
	check_start -v --rise 3
	eventually said 'tcp healthy'
	lb_backend down "$WEB" 10.1.0.2:8080
	eventually said "^$WEB 10.1.0.2:8080 up"
	assert_check_ends
	state_is "$WEB" 10.1.0.2 up
}

@test "drained backends are probed too, and stay drained" {
	lb_backend add "$WEB" 10.1.0.2:8080 10.2.0.2:8080
	lb_backend drain "$WEB" 10.1.0.2:8080
	check_start
	eventually state_is "$WEB" 10.1.0.2 drained+down
	web_on one 10.1.0.2 8080
	eventually state_is "$WEB" 10.1.0.2 drained
	assert_check_ends
}

@test "what lb_backend changes at the same time is not lost, nor what the prober does" {
	local i flag=$BATS_TEST_TMPDIR/flag flipper
	lb_backend add "$WEB" 10.1.0.2:8080 10.2.0.2:8080
	check_start --rise 1 --fall 1 --interval 0.01 --command "test -e $flag"
	# shellcheck disable=SC2016
	started /dev/null bash -c 'while :; do touch "$1"; sleep 0.05; rm "$1"; sleep 0.05; done' - "$flag"
	flipper=$pid
	for ((i = 1; i <= 60; i++)); do
		lb_backend weight "$WEB" 10.1.0.2:8080 "$i"
		lb_backend add "$WEB" "10.1.1.$i:8080" -w "$i"
		assert_equal "$(lb_backend list -q -j "$WEB" | fields backend weight | sed -n 's/^10.1.0.2 //p')" "$i" || return
	done
	kill "$flipper"
	eventually said "^$WEB 10.1.0.2:8080 up"
	eventually said "^$WEB 10.1.0.2:8080 down"
	touch "$flag"
	eventually all_are up
	rm "$flag"
	eventually all_are down
	assert_check_ends
	lb_backend list -q -j | fields backend weight | sort >"$BATS_TEST_TMPDIR/weights"
	{
		printf '%s\n' '10.1.0.2 60' '10.2.0.2 1'
		for ((i = 1; i <= 60; i++)); do
			echo "10.1.1.$i $i"
		done
	} | sort | assert_same_lines "$BATS_TEST_TMPDIR/weights"
	assert_whole
}

all_are() {
	[ "$(lb_backend list -q -j | fields state | sort -u)" = "$1" ]
}

# ---- its end ----

@test "killed at any moment it leaves everything whole, and as it was" {
	local i before flag=$BATS_TEST_TMPDIR/flag
	lb_backend add "$WEB" 10.1.0.2:8080 10.2.0.2:8080
	lb_backend add "$WEB6" '[fd00:1::2]:8080'
	touch "$flag"
	for ((i = 0; i < 15; i++)); do
		check_start --rise 1 --fall 1 --interval 0.001 --command "test -e $flag"
		if ((i % 2)); then touch "$flag"; else rm "$flag"; fi
		eventually said 'up|down' || return
		kill -9 "$checker"
		wait "$checker" || true
		before=$(lb_backend list -q -j | fields backend state)
		assert_whole || return
		assert_equal "$(lb_backend list -q -j | fields backend state)" "$before" || return
	done
	# and others can write
	lb_backend weight "$WEB" 10.1.0.2:8080 7
	assert_whole
}

@test "when it ends, who is down stays down" {
	lb_backend add "$WEB" 10.1.0.2:8080
	check_start
	eventually said "^$WEB 10.1.0.2:8080 down"
	assert_check_ends
	state_is "$WEB" 10.1.0.2 down
	check_start -v
	eventually said 'tcp failed'
	assert_check_ends
	assert_equal "$(grep -c ' down:' "$log" || true)" 0
	state_is "$WEB" 10.1.0.2 down
}

@test "maps that are made anew are found again" {
	lb_backend add "$WEB" 10.1.0.2:8080
	check_start
	eventually said "^$WEB 10.1.0.2:8080 down"
	tc qdisc del dev one0 clsact
	tc qdisc del dev two0 clsact
	rm "$PINS"/*
	eventually grep -q '^lb_check: ' "$log"
	tc qdisc add dev one0 clsact
	tc qdisc add dev two0 clsact
	attach
	lb_backend add "$WEB6" '[fd00:1::2]:8080'
	eventually said '^\[2001:db8::1\]:80/tcp \[fd00:1::2\]:8080 down'
	assert_check_ends
	assert_equal "$(grep -c '^lb_check: ' "$log")" 1
}

@test "with the capabilities of the unit alone, all kinds of probes" {
	local capabilities unit=$BATS_TEST_DIRNAME/../../scripts/splicer-lb-check.service
	capabilities=$(sed -n 's/^CapabilityBoundingSet=//p' "$unit" | tr '[:upper:]' '[:lower:]' | sed 's/cap_/+/g; s/ /,/g')
	web_on one 10.1.0.2 8080
	lb_backend add "$WEB" 10.1.0.2:8080
	limited() {
		lb_backend down "$WEB" 10.1.0.2:8080
		assert_exit 0 setpriv --bounding-set "-all,$capabilities" --no-new-privs lb_check --once "$@" || return
		state_is "$WEB" 10.1.0.2 up
	}
	limited
	limited --http /200
	limited --icmp
	limited --command true
	assert_whole
}
