# shellcheck shell=bash
# shellcheck disable=SC2154  # pid is filled by started
# A box that balances, a client and servers. To be sourced after helpers.bash. See test/net/balanced.
#
#   client 192.0.2.2, 2001:db8::2 --- wan0 box lanN --- 10.1.N.2, fd01:N::2 sN, with N from 1 on
#
# The VIP is no address of anybody, but with mode=dsr.

VIP4=203.0.113.80 VIP6=2001:db8:99::80

# ---- hosts ----

lb_sysctls() {
	sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0 \
		net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
}

# A host may be reached by a tunnel, and have its way back elsewhere.
lb_loose() {
	lab_on "$1" sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0 \
		net.ipv4.conf.eth0.rp_filter=0 net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0
}

# lb_hosts COUNT: the client, and so many servers
lb_hosts() {
	local number
	lb_sysctls
	lab_host client wan0 192.0.2.1/24 2001:db8::1/64
	lb_loose client
	for ((number = 1; number <= $1; number++)); do
		lab_host "s$number" "lan$number" "10.1.$number.1/24" "fd01:$number::1/64"
		lb_loose "s$number"
	done
}

# lb_no_dad HOST DEV: its addresses can be used at once
lb_no_dad() {
	on "$1" sysctl -qw "net.ipv6.conf.$2.accept_dad=0"
}

# lb_link HOST DEV PEER PEER_DEV ADDRESS...: a link from one host (or "box") to another; PEER has the next one of each
# address, and static neighbours are on both sides
lb_link() {
	local host=$1 dev=$2 peer=$3 peer_dev=$4 address next
	shift 4
	on "$host" ip link add "$dev" type veth peer name "$peer_dev" netns "/run/netns/$peer"
	lb_no_dad "$host" "$dev"
	lb_no_dad "$peer" "$peer_dev"
	on "$host" ip link set "$dev" up
	on "$peer" ip link set "$peer_dev" up
	for address; do
		next=$(lab_next "$address")
		on "$host" ip addr add "$address" dev "$dev"
		on "$peer" ip addr add "$next/${address#*/}" dev "$peer_dev"
		on "$host" ip neigh replace "$next" lladdr "$(lab_mac "$peer_dev" on "$peer")" dev "$dev" nud permanent
		on "$peer" ip neigh replace "${address%/*}" lladdr "$(lab_mac "$dev" on "$host")" dev "$peer_dev" nud permanent
	done
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

fresh_lb() { fresh_box lab_attach_lb "$@"; }

# ---- services ----

# The address in brackets if it needs them
lb_text() {
	case $1 in
	*:*) echo "[$1]" ;;
	*) echo "$1" ;;
	esac
}

# lb_server VERSION NUMBER: its address
lb_server() {
	case $1 in
	4) echo "10.1.$2.2" ;;
	6) echo "fd01:$2::2" ;;
	esac
}

lb_vip() {
	case $1 in
	4) echo "$VIP4" ;;
	6) echo "$VIP6" ;;
	esac
}

# service VERSION PROTO [PORT]: as lb_backend names it
service() {
	echo "$(lb_text "$(lb_vip "$1")"):${3:-80}/$2"
}

# backend VERSION NUMBER [PORT]
backend() {
	echo "$(lb_text "$(lb_server "$1" "$2")"):${3:-8080}"
}

# services NUMBER... [-- SETTING...]: VIP:80 of TCP and UDP and both families goes to port 8080 of these servers; with
# mode=dsr to no port
services() {
	local version proto number settings=() port=:8080 numbers=()
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		numbers+=("$1")
		shift
	done
	settings=("${@:2}")
	[[ " ${settings[*]} " != *' mode=dsr '* ]] || port=
	for version in 4 6; do
		for proto in tcp udp; do
			echo "add $(service $version $proto)"
			[ ${#settings[@]} = 0 ] || echo "set $(service $version $proto) ${settings[*]}"
			for number in "${numbers[@]}"; do
				if [ "$port" ]; then
					echo "add $(service $version $proto) $(backend $version "$number")"
				else
					echo "add $(service $version $proto) $(lb_server $version "$number")"
				fi
			done
		done
	done | lb_backend apply -f -
}

# serve_as NAME HOST [KIND ADDRESS PORT]...: see balanced
serve_as() {
	local name=$1 host=$2 output
	shift 2
	output=$(mktemp -p "$(scratch)")
	started "$output" nsenter --net="/run/netns/$host" -- balanced serve "$name" "$@"
	eventually grep -q ready "$output"
}

# servers COUNT: each says its name, and serves any address
servers() {
	local number
	for ((number = 1; number <= $1; number++)); do
		serve_as "s$number" "s$number" tcp 0.0.0.0 8080 tcp :: 8080 udp 0.0.0.0 8080 udp :: 8080
	done
}

# row SERVICE BACKEND KEY: a value of one row of the list
row() {
	lb_backend list -j -q "$1" | fields backend port "$3" | awk -v want="$2" '
		{ name = $1; if (name ~ /:/ && $2 != "-") name = "[" name "]"; if ($2 != "-") name = name ":" $2 }
		name == want { print $3 }'
}

# row_is SERVICE BACKEND KEY VALUE: for eventually
row_is() {
	[ "$(row "$1" "$2" "$3")" = "$4" ]
}

# sum_of KEY [SERVICE]: over all rows
sum_of() {
	lb_backend list -j -q ${2:+"$2"} | fields "$1" | awk '{ n += $1 } END { print n + 0 }'
}

sum_is() {
	[ "$(sum_of "$1" ${3:+"$3"})" = "$2" ]
}

# ---- conversations ----

# assert_asked "NUMBER NAME..." [COMMAND...] KIND ADDRESS PORT [COUNT [FIRST]]: from the client; a time-out is not waited
# for as long as an answer
assert_asked() {
	assert_asked_from client "$@"
}

assert_asked_from() {
	local host=$1 expected=$2 got patience=
	shift 2
	[[ $expected != *timeout* ]] || patience=1
	got=$(BALANCED_PATIENCE=$patience lab_on "$host" balanced ask "$@" 3>&-)
	assert_equal "$got" "$expected" "$host: $*"
}

# assert_bulk NAME: a megabyte each, of all four
assert_bulk() {
	local version proto
	for version in 4 6; do
		for proto in tcp udp; do
			assert_equal "$(lab_on client balanced bulk $proto "$(lb_vip $version)" 80 1048576)" "$1 the same" \
				"$proto, IPv$version" || return
		done
	done
}

# nstat_of HOST COUNTER
nstat_of() {
	lab_on "$1" nstat -asz "$2" | awk -v name="$2" '$1 == name { print $2 }'
}

# No stack has met a wrong checksum.
assert_no_bad_sums() {
	local host counter
	for host; do
		for counter in TcpInCsumErrors UdpInCsumErrors Udp6InCsumErrors IcmpInCsumErrors Icmp6InCsumErrors IpExtInCsumErrors; do
			assert_equal "$(nstat_of "$host" $counter)" 0 "$counter of $host" || return
		done
	done
}

# ---- direct return ----

# dsr_server NUMBER: takes packets out of tunnels, has the VIP, and from that its own way to the client, not by the box
dsr_server() {
	local host=s$1
	lb_link "$host" direct client "from-$host" "10.7.$1.1/24" "fd07:$1::1/64"
	lab_on "$host" ip route replace 192.0.2.0/24 via "10.7.$1.2" table 80
	lab_on "$host" ip -6 route replace 2001:db8::/64 via "fd07:$1::2" table 80
	lab_on "$host" ip rule add from $VIP4 lookup 80
	lab_on "$host" ip -6 rule add from $VIP6 lookup 80
	lab_on client sysctl -qw "net.ipv4.conf.from-$host.rp_filter=0"
	vip_on "$host"
}

vip_on() {
	lab_on "$1" ip addr add $VIP4/32 dev lo
	lab_on "$1" ip addr add $VIP6/128 dev lo nodad
	lab_on "$1" tc qdisc add dev eth0 clsact
	lab_on "$1" tc filter add dev eth0 ingress bpf da obj "$LAB_OBJECTS/test/untunnel.o" sec action
}

# ---- connections that go on ----

# stream_from HOST NAME ADDRESS PORT COUNT [FIRST]: see balanced. Fills stream_NAME with its process.
stream_from() {
	local file=$BATS_TEST_TMPDIR/$2
	started "$file" nsenter --net="/run/netns/$1" -- balanced stream "${@:3}"
	declare -g "stream_$2=$pid"
	eventually grep -q ready "$file"
}

stream_start() {
	stream_from client "$@"
}

# assert_stream NAME COUNT [SERVER]: it ends now; all went well, with this server if one is named
assert_stream() {
	local process=stream_$1 file=$BATS_TEST_TMPDIR/$1
	kill "${!process}" || fail "$(<"$file")" || return
	assert_ends "${!process}" 0 || return
	assert_equal "$(grep -E '^[0-9]+ (broken|refused)$' "$file")" '0 refused
0 broken' "$1: $(<"$file")" || return
	assert_equal "$(awk '/^[0-9]/ { n += $1 } END { print n }' "$file")" "$2" "connections of $1" || return
	[ -z "${3-}" ] || assert_equal "$(sed -n 2p "$file")" "$2 $3" "server of $1"
}
