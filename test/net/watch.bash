# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154  # some variables are for the tests; pid is filled by started
# flow_watch in a box that is attacked: what it says, and who attacks. To be sourced after helpers.bash and flow.bash.
#
#   attacker 192.0.2.2, 2001:db8::2 --- wan0 box lan0 --- client 198.51.100.2, 2001:db8:1::2
#                                            box: 203.0.113.1, .2, .3 of 203.0.113.0/24, 2001:db8:a::1, 2, 3 of 2001:db8:a::/120

ATTACKER=(192.0.2.2 2001:db8::2)
CLIENT=(198.51.100.2 2001:db8:1::2)
BOX=(192.0.2.1 2001:db8::1)           # as the attacker sees it
HOME_BOX=(198.51.100.1 2001:db8:1::1) # as the client does

# watch_hosts: the hosts; a network of which three addresses answer, and the others do not
watch_hosts() {
	local number
	lab_host attacker wan0 192.0.2.1/24 2001:db8::1/64
	lab_host client lan0 198.51.100.1/24 2001:db8:1::1/64
	ip route add blackhole 203.0.113.0/24
	ip -6 route add blackhole 2001:db8:a::/120
	for number in 1 2 3; do
		ip addr add "203.0.113.$number/32" dev lo
		ip addr add "2001:db8:a::$number/128" dev lo nodad
	done
	# a port that is closed says so each time
	sysctl -qw net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0
}

# watch_start NAME OPTION...: flow_watch, whose signs go to $BATS_TEST_TMPDIR/NAME; fills $watched and $watcher. It looks
# each second, at the last ten, unless told otherwise.
watch_start() {
	watched=$BATS_TEST_TMPDIR/$1
	shift
	started "$watched" flow_watch -j --interval 1 --window 10 "$@"
	watcher=$pid
}

# What it says but notes.
told() {
	grep '^{' "$watched" || true
}

# Signs that were told, as "SIGN SRC DST PROTO DPORT SERVICE"
signs() {
	told | fields sign src dst proto dport service 2>/dev/null
}

has_sign() {
	signs | grep -qx "$1"
}

# sign_is LINE CONDITION: of the first such sign, by awk; observed, expected, threshold, samples, window are its numbers
sign_is() {
	told | fields sign src dst proto dport service observed expected threshold samples window |
		awk -v line="$1 " 'index($0, line) == 1 { observed = $7; expected = $8; threshold = $9; samples = $10; window = $11
			exit !('"$2"') }'
}

# assert_sign LINE CONDITION: it is told, and its numbers are as they must be
assert_sign() {
	eventually has_sign "$1" || fail "no sign: $1" 'there are:' "$(cat "$watched")" || return
	sign_is "$1" "$2" || fail "not so: $2" "$(cat "$watched")"
}

# assert_none REGEX: no line of this sort was told
assert_none() {
	local lines
	lines=$(told | grep -E "$1") || return 0
	fail "there are signs: $1" "$lines"
}

# assert_looks NUMBER: flow_watch -v has looked so often since
assert_looks() {
	local before
	before=$(grep -c 'sessions are known' "$watched")
	eventually looked_often "$((before + $1))"
}

looked_often() {
	[ "$(grep -c 'sessions are known' "$watched")" -ge "$1" ]
}

# attack COMMAND...: of the attacker
attack() {
	attack_from attacker "$@"
}

# attack_from HOST COMMAND...: it must do what it is to do
attack_from() {
	lab_on "$@" >"$BATS_TEST_TMPDIR/attack.out" 2>&1 3>&- ||
		fail "$*" "$(cat "$BATS_TEST_TMPDIR/attack.out")"
}

# scan ADDRESS NMAP-OPTION...: of the attacker
scan() {
	scan_from attacker "$@"
}

# scan_from HOST ADDRESS NMAP-OPTION...: neither names nor pauses
scan_from() {
	local host=$1 address=$2 family=()
	shift 2
	[[ $address != *:* ]] || family=(-6)
	attack_from "$host" nmap -n "${family[@]}" -T4 --max-retries 0 "$@" "$address"
}

# login_servers DIRECTORY: dropbear on port 2222 of the box, both families
login_servers() {
	dropbearkey -t ed25519 -f "$1/key" >/dev/null 2>&1
	started "$1/dropbear" dropbear -F -E -r "$1/key" -P "$1/dropbear.pid" -p 0.0.0.0:2222 -p '[::]:2222'
	eventually grep -q 'Not backgrounding' "$1/dropbear"
	eventually listens 2222
}

# listens PORT: in both families
listens() {
	[ "$(ss -Hltn "sport = :$1" | wc -l)" -ge 2 ]
}

# knock HOST ADDRESS PORT COUNT [PAUSE]: so many connections, one after the other, whatever becomes of them, as long as who
# started it is there
knock() {
	# shellcheck disable=SC2016  # for the inner shell
	lab_on "$1" bash -c '
		for ((i = 0; i < $3; i++)); do
			kill -0 "$PPID" || exit
			exec 4<>"/dev/tcp/$1/$2" && exec 4>&-
			[ -z "$4" ] || sleep "$4"
		done' - "$2" "$3" "$4" "${5-}" >/dev/null 2>&1 3>&-
}
