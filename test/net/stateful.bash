# shellcheck shell=bash
# shellcheck disable=SC2154  # pid is filled by started
# What the tests of connections share: a router between two hosts, conversations that stay open, what the table says.
# To be sourced after helpers.bash.
#
#   client 192.0.2.2, 2001:db8::2 --- wan0 box lan0 --- 198.51.100.2, 2001:db8:1::2 inside

# router_hosts: the box forwards
router_hosts() {
	lab_host client wan0 192.0.2.1/24 2001:db8::1/64
	lab_host inside lan0 198.51.100.1/24 2001:db8:1::1/64
	sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv4.conf.all.rp_filter=0 \
		net.ipv4.conf.wan0.rp_filter=0 net.ipv4.conf.lan0.rp_filter=0
}

# fresh_both DEV...: new pins, the program on both hooks of each
fresh_both() {
	local dev
	fresh_pins "$@"
	for dev; do
		lab_attach_egress "$dev"
	done
}

# attach_live DEV: both hooks in the order of scripts/attach, to an interface that traffic runs through
attach_live() {
	lab_attach_egress "$1"
	tc filter add dev "$1" ingress bpf da obj "${LAB_OBJECTS:-build}/splicer.o" sec action
}

# on HOST COMMAND [ARG]...: also where HOST is "box"
on() {
	if [ "$1" = box ]; then
		shift
		"$@"
	else
		lab_on "$@"
	fi
}

# ---- conversations ----

# hold NAME HOST KIND ADDRESS PORT [LOCAL_PORT]: opens a conversation (tcp or udp), which says what it is told
hold() {
	local name=$1 host=$2 kind=$3 dir
	shift 3
	dir=$(scratch)
	mkfifo "$dir/$name.in"
	exec {conversation}<>"$dir/$name.in"
	if [ "$host" = box ]; then
		started "$dir/$name" peer "$kind-hold" "$@" <"$dir/$name.in"
	else
		started "$dir/$name" nsenter --net="/run/netns/$host" -- peer "$kind-hold" "$@" <"$dir/$name.in"
	fi
	declare -g "conversation_$name=$conversation"
	eventually grep -qE '^(sent to|ready)' "$dir/$name"
}

# tell NAME TEXT: one line, or datagram, of the conversation
tell() {
	local fd=conversation_$1
	echo "$2" >&"${!fd}"
}

# heard NAME TEXT: whether it came back
heard() {
	grep -qE "^(.*: )?$2$" "$(scratch)/$1"
}

# assert_goes_on NAME...: each conversation still has its answer
assert_goes_on() {
	local name
	for name; do
		text=$((${text:-0} + 1))
		tell "$name" "text $text" || return
		eventually heard "$name" "text $text" || fail "$name does not go on: $(<"$(scratch)/$name")" || return
	done
}

# ---- what was decided ----

# counted_at_least REASON NUMBER
counted_at_least() {
	[ "$(counted "$1")" -ge "$2" ]
}

# rule_packets PORT: that the rule of this destination port decided
rule_packets() {
	rule_list -j | fields low packets | awk -v port="$1" '$1 == port { print $2 }'
}

rule_packets_are() {
	[ "$(rule_packets "$1")" = "$2" ]
}

# conns KEY,KEY... [SELECTOR]...: these values, a line for each tracked connection, sorted
conns() {
	local keys=$1
	shift
	# shellcheck disable=SC2086
	conn_list -j "$@" | fields ${keys//,/ } | sort
}

# assert_conns EXPECTED KEY,KEY... [SELECTOR]...
assert_conns() {
	local expected=$1
	shift
	assert_equal "$(conns "$@")" "$expected" "connections: $*"
}

# conns_become EXPECTED KEY,KEY... [SELECTOR]...: for eventually
conns_become() {
	local expected=$1
	shift
	[ "$(conns "$@")" = "$expected" ]
}

# ---- streams ----

# stream_start NAME HOST ADDRESS PORT
stream_start() {
	local name=$1 host=$2
	shift 2
	started "$BATS_TEST_TMPDIR/$name" nsenter --net="/run/netns/$host" -- peer tcp-stream "$@"
	declare -g "stream_$name=$pid"
	eventually grep -q 'sent to' "$BATS_TEST_TMPDIR/$name"
}

# assert_streams_go_on NAME...: and end well
assert_streams_go_on() {
	local name stream
	for name; do
		stream=stream_$name
		kill "${!stream}" || fail "$name has ended: $(<"$BATS_TEST_TMPDIR/$name")" || return
		assert_ends "${!stream}" 0 || fail "$name: $(<"$BATS_TEST_TMPDIR/$name")" || return
	done
}
