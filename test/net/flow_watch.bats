#!/usr/bin/env bats
# shellcheck shell=bats
# flow_watch, and who attacks: nmap, hping3, guesses at a real SSH server. IPv4 and IPv6.

# shellcheck source=test/net/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"
# shellcheck source=test/net/flow.bash
. "$BATS_TEST_DIRNAME/flow.bash"
# shellcheck source=test/net/watch.bash
. "$BATS_TEST_DIRNAME/watch.bash"

setup_file() {
	watch_hosts
	serve tcp 0.0.0.0 80 tcp :: 80
}

teardown_file() {
	stop_started
}

setup() {
	fresh_flow wan0 lan0
}

teardown() {
	stop_started
}

# ---- scans ----

@test "nmap: a SYN scan and a scan that connects, of ports that are closed" {
	local i
	watch_start signs
	for i in 0 1; do
		scan "${BOX[i]}" -Pn -sS -p 1-200
		assert_sign "port-scan ${ATTACKER[i]} ${BOX[i]} tcp - -" \
			'observed >= 150 && samples >= observed && samples <= 200 && expected == 1 && threshold == 15' || return
	done
	fresh_watch
	for i in 0 1; do
		scan "${BOX[i]}" -Pn -sT -p 1001-1200
		assert_sign "port-scan ${ATTACKER[i]} ${BOX[i]} tcp - -" 'observed >= 15 && samples >= observed && window == 10' ||
			return
	done
}

# fresh_watch: nothing was counted, nothing was said
fresh_watch() {
	kill "$watcher"
	assert_ends "$watcher" 0 || return
	fresh_flow wan0 lan0
	watch_start again
}

@test "nmap: a scan of UDP ports" {
	local i
	watch_start signs
	for i in 0 1; do
		scan "${BOX[i]}" -Pn -sU -p 1-60
		assert_sign "port-scan ${ATTACKER[i]} ${BOX[i]} udp - -" \
			'observed >= 15 && observed <= 60 && samples >= observed' || return
	done
}

@test "nmap: who is there, by ping and by a port" {
	watch_start signs --window 30
	scan 203.0.113.0/24 -sn -PE
	assert_sign 'address-scan 192.0.2.2 - icmp - -' 'observed >= 15 && samples <= 256 && expected == 1'
	scan 2001:db8:a::/120 -sn -PE
	assert_sign 'address-scan 2001:db8::2 - icmpv6 - -' 'observed >= 15 && samples <= 256'
	scan 203.0.113.0/24 -Pn -sS -p 445
	assert_sign 'address-scan 192.0.2.2 - tcp 445 -' 'observed >= 15 && samples <= 256'
	scan 2001:db8:a::/120 -Pn -sS -p 445
	assert_sign 'address-scan 2001:db8::2 - tcp 445 -' 'observed >= 15 && samples <= 256'
	# the three that answer do so: no port of theirs was scanned
	assert_none '"port-scan"'
}

# ---- floods ----

@test "hping3: a SYN flood from random sources; of IPv6 from as many" {
	watch_start signs --only syn-flood
	attack hping3 -q -n -S -p 80 --rand-source -i u500 -c 2000 192.0.2.1 || true
	assert_sign 'syn-flood - 192.0.2.1 tcp 80 -' 'observed >= 100 && samples >= observed && expected == 0 && threshold == 100'
	attack "$LAB_OBJECTS/test/flood" eth0 "$(lab_mac wan0)" tcp 2001:db8::1 80 0 2000
	assert_sign 'syn-flood - 2001:db8::1 tcp 80 -' 'observed >= 100 && samples >= observed'
}

# More sessions than there are places: what is seen of it is the least that there was.
@test "hping3: a SYN flood as fast as it goes, from random sources" {
	watch_start signs --only syn-flood
	# it has no end of its own
	lab_on attacker timeout 2 hping3 -q -n -S -p 80 --rand-source --flood 192.0.2.1 >/dev/null 2>&1 3>&- || true
	assert_sign 'syn-flood - 192.0.2.1 tcp 80 -' 'observed >= 1000 && samples >= observed'
	assert_equal "$(fields sign at_least <"$watched" | head -n 1)" 'syn-flood true'
	attack "$LAB_OBJECTS/test/flood" eth0 "$(lab_mac wan0)" tcp 2001:db8::1 80 0 100000
	assert_sign 'syn-flood - 2001:db8::1 tcp 80 -' 'observed >= 1000 && samples >= observed'
}

# ---- connections ----

@test "connections that fail: of forty to a port where nobody listens, and a few to one where somebody does" {
	local i
	watch_start signs --window 30
	for i in 0 1; do
		knock attacker "${BOX[i]}" 80 6
		knock attacker "${BOX[i]}" 81 40
		assert_sign "failed-connections ${ATTACKER[i]} - tcp - -" \
			'observed > 0.5 && observed <= 1 && samples >= 20 && samples <= 46 && expected == 0.1 && threshold == 0.3' || return
	done
	# the same port of the same host all the time is no scan
	assert_none 'scan"'
}

@test "guesses at a real SSH server on another port, and none where HTTP is spoken on port 22" {
	local i
	login_servers "$BATS_TEST_TMPDIR"
	started "$BATS_TEST_TMPDIR/web4" webserver 0.0.0.0 22
	eventually grep -q ready "$BATS_TEST_TMPDIR/web4"
	started "$BATS_TEST_TMPDIR/web6" webserver 2001:db8::1 22
	eventually grep -q ready "$BATS_TEST_TMPDIR/web6"
	printf '%s\n' root admin guest >"$BATS_TEST_TMPDIR/names"
	seq 1 20 >"$BATS_TEST_TMPDIR/words"
	watch_start signs --window 60 --only logins
	for i in 0 1; do
		# shellcheck disable=SC2016  # for the inner shell
		lab_on attacker bash -c 'for i in {1..40}; do curl -gs "http://$1:22/200"; done' - "$(url_host "${BOX[i]}")" 3>&-
		scan "${BOX[i]}" -Pn -p 2222 --script +ssh-brute --script-args \
			"userdb=$BATS_TEST_TMPDIR/names,passdb=$BATS_TEST_TMPDIR/words,brute.guesses=24,brute.start=2,brute.threads=2"
		assert_sign "logins ${ATTACKER[i]} ${BOX[i]} tcp 2222 ssh" \
			'observed >= 10 && samples >= observed && expected == 1 && threshold == 10' || return
	done
	assert_equal "$(grep -c '^200 ' "$BATS_TEST_TMPDIR/web4")" 40
	assert_equal "$(grep -c '^200 ' "$BATS_TEST_TMPDIR/web6")" 40
	assert_none '"dport":22,'
}

url_host() {
	[[ $1 != *:* ]] && echo "$1" || echo "[$1]"
}

# About each second and a half, and a tenth more or less; the two ends of it talk HTTP or nothing, it is all one.
@test "a beacon, with jitter; another one that comes at random is none" {
	local i
	watch_start signs --only beacon
	for i in 0 1; do
		started "$BATS_TEST_TMPDIR/beacon$i" beat "${HOME_BOX[i]}" 1.45 0.1
		started "$BATS_TEST_TMPDIR/random$i" beat "${BOX[i]}" 0.4 2.4
	done
	for i in 0 1; do
		assert_sign "beacon ${CLIENT[i]} ${HOME_BOX[i]} tcp 80 -" \
			'observed <= 0.15 && samples >= 12 && expected == 0.51 && window >= 12' || return
	done
	assert_none '"dst":"(192.0.2.1|2001:db8::1)"'
}

# beat ADDRESS PAUSE MORE: the client connects again and again, with pauses of so many seconds, and up to so many more
beat() {
	# shellcheck disable=SC2016  # for the inner shell
	exec nsenter --net=/run/netns/client -- bash -c '
		RANDOM=7
		while :; do
			exec 4<>"/dev/tcp/$1/80" && exec 4>&-
			sleep "$(awk -v a="$2" -v b="$3" -v r="$RANDOM" "BEGIN { print a + b * r / 32768 }")"
		done' - "$@"
}

# ---- what is usual ----

# Windows of 2 s, so that enough of them pass.
@test "sources that were not there before make entropy rise" {
	local i
	watch_start signs --window 2 --only source-entropy --set source-entropy.samples=10 --set source-entropy.windows=3
	for i in 0 1; do
		started "$BATS_TEST_TMPDIR/usual$i" knock client "${HOME_BOX[i]}" 80 2000 0.05
	done
	assert_quiet sleep 10
	attack hping3 -q -n -S -p 80 --rand-source -i u2000 -c 1500 198.51.100.1 || true
	attack "$LAB_OBJECTS/test/flood" eth0 "$(lab_mac wan0)" tcp 2001:db8:1::1 80 0 1500
	assert_sign 'source-entropy - 198.51.100.1 - - -' 'observed > 3 && expected < 1 && threshold < observed && samples >= 10'
	assert_sign 'source-entropy - 2001:db8:1::1 - - -' 'observed > 3 && expected < 1 && threshold < observed && samples >= 10'
}

@test "against what was learned: who was never there, and who sends far more than ever" {
	local profile=$BATS_TEST_TMPDIR/profile i
	started "$BATS_TEST_TMPDIR/learned" flow_watch --interval 1 --window 2 --learn "$profile"
	watcher=$pid
	for i in 0 1; do
		started "$BATS_TEST_TMPDIR/usual$i" knock client "${HOME_BOX[i]}" 80 2000 0.2
	done
	eventually learned_windows "$profile" 6
	kill "$watcher"
	assert_ends "$watcher" 0
	assert_equal "$(<"$BATS_TEST_TMPDIR/learned")" ''
	watch_start signs --window 2 --against "$profile" --only new-talker,volume --set new-talker.windows=5
	for i in 0 1; do
		knock attacker "${BOX[i]}" 80 1
		assert_sign "new-talker ${ATTACKER[i]} - - - -" 'observed >= 1 && expected == 0 && samples >= 6' || return
		lab_on client peer tcp-bulk "${HOME_BOX[i]}" 80 40 >/dev/null 3>&-
		assert_sign "volume ${CLIENT[i]} - - - -" \
			'observed > 10000000 && expected < 100000 && threshold >= 10000000 && samples >= 5' || return
	done
	# who was there is not new
	assert_none '"new-talker","src":"(198.51.100.2|2001:db8:1::2)"'
}

learned_windows() {
	[ "$(awk '$1 == "learned" { print $2 }' "$1" 2>/dev/null)" -ge "$2" ] 2>/dev/null
}

# ---- ordinary ----

@test "hosts that do what hosts do: nothing is said, until one attacks" {
	local i
	login_servers "$BATS_TEST_TMPDIR"
	started "$BATS_TEST_TMPDIR/names" peer serve udp 198.51.100.1 53 udp 2001:db8:1::1 53
	eventually grep -q ready "$BATS_TEST_TMPDIR/names"
	watch_start signs -v --window 30
	for i in 0 1; do
		knock client "${HOME_BOX[i]}" 80 60 0.05
		knock client "${HOME_BOX[i]}" 81 3
		lab_on client peer udp-many "${HOME_BOX[i]}" 53 40 2 >/dev/null 3>&- || true
		lab_on client peer tcp-bulk "${HOME_BOX[i]}" 80 20 >/dev/null 3>&-
		lab_on client ssh-keyscan -p 2222 "${HOME_BOX[i]}" >/dev/null 2>&1 3>&-
		lab_on client peer sweep <<<"ping ${HOME_BOX[i]} 0" >/dev/null 3>&-
	done
	assert_looks 6
	assert_none .
	scan 192.0.2.1 -Pn -sS -p 1-100
	assert_sign 'port-scan 192.0.2.2 192.0.2.1 tcp - -' 'observed >= 15 && samples >= observed'
}
