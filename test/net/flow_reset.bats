#!/usr/bin/env bats
# shellcheck shell=bats
# flow_dump --reset under full traffic: what all of them print is what was sent, whatever else happens meanwhile.

# shellcheck source=test/net/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"
# shellcheck source=test/net/flow.bash
. "$BATS_TEST_DIRNAME/flow.bash"

SESSIONS=3000 # of each family
ROUNDS=${SPLICER_ROUNDS:-150}
# Nobody's: the box does not forward, and does not answer.
TO=(203.0.113.9 2001:db8:ffff::9)
COLUMNS_READ=generation,src,packets_fwd,packets_rev,bytes_fwd,bytes_rev

setup_file() {
	lab_host client wan0 192.0.2.1/24 2001:db8::1/64
}

setup() {
	fresh_flow wan0
	flow_set --capacity 50000
	mkdir "$BATS_TEST_TMPDIR/printed"
}

teardown() {
	touch "$BATS_TEST_TMPDIR/stop"
	stop_started
}

# ---- traffic ----

# full_traffic: a packet of each session, again and again, from two processors at once; fills $senders
full_traffic() {
	local cpu mac to
	mac=$(lab_mac wan0)
	senders=()
	while read -r cpu; do
		for to in "${TO[@]}"; do
			started "$BATS_TEST_TMPDIR/flood" nsenter --net=/run/netns/client -- taskset -c "$cpu" \
				"$LAB_OBJECTS/test/flood" eth0 "$mac" udp "$to" 9 0 "$SESSIONS" "$ROUNDS"
			senders+=("$pid")
		done
	done < <(two_processors)
}

traffic_ends() {
	local one
	for one in "${senders[@]}"; do
		assert_ends "$one" 0 || return
	done
}

# What the interface got of it: packets, and bytes of IP: 20 or 40, and 8 of UDP.
sent() {
	local packets=$((2 * ROUNDS * SESSIONS))
	echo "$((2 * packets)) $((packets * 28 + packets * 48))"
}

# ---- what is printed ----

is_over() {
	[ -e "$BATS_TEST_TMPDIR/stop" ]
}

# reset_to FILE: what was counted since the last time
reset_to() {
	exec flow_dump --reset --json-lines --columns "$COLUMNS_READ" >"$1" 2>>"$BATS_TEST_TMPDIR/notes"
}

# resets NAME: again and again, each to a file of its own
resets() {
	local number
	for ((number = 0; ; number++)); do
		! is_over || return 0
		(reset_to "$BATS_TEST_TMPDIR/printed/$1.$number")
	done
}

# has_printed FILE PID: it has begun to, or it will not
has_printed() {
	[ -s "$1" ] || has_ended "$2"
}

# has_sessions COUNT: more than a pipe holds the lines of
has_sessions() {
	[ "$(flow_dump --csv --columns src | wc -l)" -gt "$1" ]
}

# By one that is killed while it prints, for its reader takes a line and no more.
held_reset() {
	local line in
	eventually has_sessions $((SESSIONS / 2)) || return
	mkfifo "$BATS_TEST_TMPDIR/held"
	started "$BATS_TEST_TMPDIR/held" flow_dump --reset --json-lines --columns "$COLUMNS_READ"
	exec {in}<"$BATS_TEST_TMPDIR/held"
	read -r line <&"$in"
	kill -9 "$pid"
	exec {in}<&-
	printf '%s\n' "$line" >"$BATS_TEST_TMPDIR/printed/held"
}

# The same by some that are killed: half of them at any moment, half of them soon after they have begun to print.
killed_resets() {
	local number out one
	for ((number = 0; ; number++)); do
		! is_over || return 0
		out=$BATS_TEST_TMPDIR/printed/killed.$number
		reset_to "$out" &
		one=$!
		[ $((number % 2)) = 0 ] && sleep "0.$((RANDOM % 9))" || eventually has_printed "$out" $one || return
		sleep "0.00$((RANDOM % 9))"
		kill -9 $one 2>/dev/null || true
		wait $one 2>/dev/null || true
	done
}

# Room for another number of sessions, which takes another generation. It refuses while too many of them wait.
resizes() {
	while ! is_over; do
		flow_set --capacity $((40000 + RANDOM)) 2>>"$BATS_TEST_TMPDIR/resized" || true
		sleep 0.05
	done
}

# printed: all records, in lines without what JSON has around them. Of one that was killed the last may be a part, which awk
# ends.
printed() {
	awk 1 "$BATS_TEST_TMPDIR"/printed/* | grep '^{.*}$' | tr -d '{}"' |
		sed -E 's/[a-z_]+://g; s/,/ /g' | grep -e ' 10\.' -e ' fd00:f100:'
}

# Packets and bytes of all of them, each counted once.
total() {
	sort -u | awk '{ packets += $3 + $4; bytes += $5 + $6 } END { printf "%d %d\n", packets, bytes }'
}

assert_no_losses() {
	assert_equal "$(grep -v 'not IP' "$BATS_TEST_TMPDIR/notes" | sort | uniq -c)" '' 'what flow_dump said'
}

# ---- tests ----

@test "again and again, as JSON: the sum is what the sender sent, to the byte" {
	local number=0 sender file of_it=dport,packets_fwd,packets_rev,bytes_fwd
	full_traffic
	for sender in "${senders[@]}"; do
		while ! has_ended "$sender"; do
			number=$((number + 1))
			flow_dump --reset -j --columns "$of_it" >"$BATS_TEST_TMPDIR/printed/$number" 2>>"$BATS_TEST_TMPDIR/notes"
		done
	done
	traffic_ends
	flow_dump --reset -j --columns "$of_it" >"$BATS_TEST_TMPDIR/printed/last" 2>>"$BATS_TEST_TMPDIR/notes"
	[ "$number" -gt 2 ] || fail "only $number resets under traffic"
	assert_equal "$(for file in "$BATS_TEST_TMPDIR"/printed/*; do
		fields dport packets_fwd packets_rev bytes_fwd <"$file"
	done | awk '$1 == 9 { packets += $2 + $3; bytes += $4 } END { printf "%d %d\n", packets, bytes }')" "$(sent)"
	assert_no_losses
	assert_equal "$(flow_dump --reset -j | fields dport packets_fwd | grep '^9 ')" ''
}

@test "two at once, others that are killed, and room that is changed: each generation whole, whoever prints it" {
	local loops=() one all
	full_traffic
	held_reset
	for one in one other; do
		started "$BATS_TEST_TMPDIR/$one.out" resets "$one"
		loops+=("$pid")
	done
	started "$BATS_TEST_TMPDIR/killed.out" killed_resets
	loops+=("$pid")
	started "$BATS_TEST_TMPDIR/resizes.out" resizes
	loops+=("$pid")
	traffic_ends
	touch "$BATS_TEST_TMPDIR/stop"
	for one in "${loops[@]}"; do
		assert_ends "$one" 0
	done
	(reset_to "$BATS_TEST_TMPDIR/printed/last")
	all=$BATS_TEST_TMPDIR/all
	printed >"$all"
	# at least one was killed while it printed; what was printed again is the same
	[ "$(wc -l <"$all")" -gt "$(sort -u "$all" | wc -l)" ] || fail 'nothing was printed again'
	assert_equal "$(sort -u "$all" | awk '{ print $1, $2 }' | uniq -d | head -n 3)" ''
	assert_equal "$(total <"$all")" "$(sent)"
	assert_no_losses
	assert_equal "$(sed -E 's/^flow_set: [^:]*: //' "$BATS_TEST_TMPDIR/resized" | sort -u | grep -v 'wait')" '' 'what flow_set said'
	[ "$(awk '{ print $1 }' "$all" | sort -u | wc -l)" -gt 5 ] || fail 'few generations'
}

@test "TCP through many generations: one session, whose parts are the whole" {
	local file number to streams=()
	serve tcp 192.0.2.1 7011 tcp 2001:db8::1 7011
	wire_start
	for to in 192.0.2.1 2001:db8::1; do
		started "$BATS_TEST_TMPDIR/$to" nsenter --net=/run/netns/client -- peer tcp-stream "$to" 7011
		streams+=("$pid")
	done
	for number in 1 2 3 4 5 6 7 8; do
		# of one that is silent for a whole generation nothing is known in the next
		eventually both_are_seen
		flow_dump --reset -j >"$BATS_TEST_TMPDIR/printed/$number" 2>>"$BATS_TEST_TMPDIR/notes"
	done
	kill "${streams[@]}"
	for to in 192.0.2.1 2001:db8::1; do
		eventually grep -q 'the same' "$BATS_TEST_TMPDIR/$to"
	done
	eventually parts_are_whole
	flow_dump --reset -j >"$BATS_TEST_TMPDIR/printed/last"
	# each knows the beginning, as far as it had come, and the last one also the end
	assert_equal "$(parts history | awk '{ print $1, (index("ShA", substr($2, 1, 3)) == 1) }' | sort -u)" \
		$'192.0.2.1 1\n2001:db8::1 1'
	assert_equal "$(parts state | grep SF | awk '{ print $1 }' | sort)" $'192.0.2.1\n2001:db8::1'
	assert_equal "$(parts continued | sort | uniq -c | awk '{ print $1, $2, $3 }')" \
		$'1 192.0.2.1 false\n8 192.0.2.1 true\n1 2001:db8::1 false\n8 2001:db8::1 true'
	assert_no_losses
	for file in "$BATS_TEST_TMPDIR"/printed/*; do
		assert_equal "$(fields dst proto <"$file" | grep tcp | sort | uniq -d)" '' 'two records of a session'
	done
}

both_are_seen() {
	[ "$(flow_dump -qj -p tcp | fields dst | wc -l)" = 2 ]
}

# parts KEY...: of each record that was printed of the two
parts() {
	local file
	for file in "$BATS_TEST_TMPDIR"/printed/*; do
		fields proto dst "$@" <"$file" | grep ^tcp
	done | sed 's/^tcp //'
}

# With what is counted since the last reset; the last packets may still be under way.
parts_are_whole() {
	flow_dump -qj >"$BATS_TEST_TMPDIR/rest"
	wire_lines >/dev/null || return
	[ "$(whole "$BATS_TEST_TMPDIR/wire.json")" = "$(whole "$BATS_TEST_TMPDIR"/printed/* "$BATS_TEST_TMPDIR/rest")" ]
}

# whole FILE...: sums of what was counted of TCP, by destination
whole() {
	local file
	for file; do
		fields proto dst packets_fwd packets_rev bytes_fwd bytes_rev payload_fwd payload_rev psh_fwd ack_rev fin_fwd <"$file"
	done | awk '$1 == "tcp" { for (i = 3; i <= NF; i++) sum[$2, i] += $i; all[$2]; n = NF }
		END { for (to in all) { printf "%s", to; for (i = 3; i <= n; i++) printf " %d", sum[to, i]; print "" } }' | sort
}
