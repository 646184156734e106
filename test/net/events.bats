#!/usr/bin/env bats
# shellcheck shell=bats
# The event plane under traffic: many subscribers, each with its own events and none else, lost ones counted exactly;
# subscribers that are killed, stopped, not ours, or in another namespace.
# A test is a subshell, and each has its own pids:
# shellcheck disable=SC2030,SC2031,SC2154

# shellcheck source=test/net/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"

PLACES=16
EACH=${SPLICER_EVENTS:-25000} # packets of each of eight classes
ROOMY=65536                   # KiB of a ring: more than all of them

setup_file() {
	lab_host client wan0 192.0.2.1/24 2001:db8::1/64
	lab_host guest lan0 198.51.100.1/24 2001:db8:1::1/64
	lab_attach wan0
	lab_attach lan0
	local_routes 172.16.240.0/24 fd00:240::/64
	# splices need a listener; what it does with the packets is of no interest
	started "$BATS_FILE_TMPDIR/listener" python3 -c "$(
		cat <<-END
			import signal, socket
			sockets = [socket.socket(f, socket.SOCK_DGRAM) for f in (socket.AF_INET, socket.AF_INET6)]
			for s, address in zip(sockets, ("127.0.0.1", "::1")):
			    s.bind((address, 58997))
			print("ready", flush=True)
			signal.pause()
		END
	)"
	eventually grep -q ready "$BATS_FILE_TMPDIR/listener"
}

teardown_file() {
	stop_started
}

setup() {
	map_delete --all
}

teardown() {
	stop_started
}

# ---- a known mix: each interface and reason is a class of its own ----

mix_rules() {
	map_update -f - <<-END
		-S sip 172.16.240.0 24 7000 7000 58997 udp
		-S sip fd00:240:: 64 7000 7000 58997 udp
		-S mail -a drop 2001:db8:: 64 25 25 0 tcp
		-S mail -a drop 198.51.100.0 24 25 25 0 udp
		-S dns 192.0.2.0 24 53 53 0 udp
		-S dns-tcp 2001:db8:1:: 64 53 53 0 tcp
	END
}

# flood_on HOST DEV KIND DESTINATION PORT [COUNT]
flood_on() {
	lab_on "$1" "$LAB_OBJECTS/test/flood" eth0 "$(lab_mac "$2")" "$3" "$4" "$5" 0 "${6:-$EACH}"
}

flood_client() {
	flood_on client wan0 udp 172.16.240.9 7000
	flood_on client wan0 udp 2001:db8::1 9999
	flood_on client wan0 tcp 2001:db8::1 25
	flood_on client wan0 udp 192.0.2.1 53
}

flood_guest() {
	flood_on guest lan0 udp fd00:240::9 7000
	flood_on guest lan0 tcp 198.51.100.1 9999
	flood_on guest lan0 udp 198.51.100.1 25
	flood_on guest lan0 tcp 2001:db8:1::1 53
}

# Both at the same time.
flood_both() {
	local guest
	flood_guest 3>&- &
	guest=$!
	flood_client && wait "$guest"
}

# The class of each line: "IFACE REASON PROTO DST DPORT SERVICE", counted
classes() {
	sort | uniq -c | awk '{ $1 = $1; print }'
}

# What each of the eight is called, with so many packets.
class() {
	case $1 in
	wan-splice) echo "$2 wan0 rule-splice udp 172.16.240.9 7000 sip" ;;
	wan-none) echo "$2 wan0 no-rule udp 2001:db8::1 9999 -" ;;
	wan-drop) echo "$2 wan0 rule-drop tcp 2001:db8::1 25 mail" ;;
	wan-pass) echo "$2 wan0 rule-pass udp 192.0.2.1 53 dns" ;;
	lan-splice) echo "$2 lan0 rule-splice udp fd00:240::9 7000 sip" ;;
	lan-none) echo "$2 lan0 no-rule tcp 198.51.100.1 9999 -" ;;
	lan-drop) echo "$2 lan0 rule-drop udp 198.51.100.1 25 mail" ;;
	lan-pass) echo "$2 lan0 rule-pass tcp 2001:db8:1::1 53 dns-tcp" ;;
	esac
}

# What the program counted since counts_begin, of the mix: "IFACE REASON PACKETS"
counts_of_mix() {
	verdict_stat -j | fields iface reason packets | awk '$1 ~ /^(wan0|lan0)$/ && $2 ~ /^(rule-splice|no-rule|rule-drop|rule-pass)$/'
}

counts_begin() {
	counts_of_mix >"$BATS_TEST_TMPDIR/counts"
}

# arrived CLASS: packets of it that the program saw; a device may have dropped some before
arrived() {
	local row
	row=$(class "$1" 0 | cut -d ' ' -f 2,3)
	{
		sed 's/[0-9]*$/-&/' "$BATS_TEST_TMPDIR/counts"
		counts_of_mix
	} | awk -v row="$row" '$1 " " $2 == row { n += $3 } END { print n + 0 }'
}

lost() {
	sed -nE 's/^trace_tail: [0-9]+ events, ([0-9]+) lost$/\1/p' "$BATS_TEST_TMPDIR/$1" | grep . || echo 0
}

# Of what the reader printed.
reader_classes() {
	grep '^{' "$BATS_TEST_TMPDIR/$1" | fields iface reason proto dst dport service | classes
}

# assert_classes READER CLASS...: just the packets of these, each of them, and none lost
assert_classes() {
	local reader=$1 expected
	shift
	expected=$(for one; do class "$one" "$(arrived "$one")"; done | sort -k 2)
	assert_equal "$(lost "$reader")" 0 "what $reader lost" || return
	assert_equal "$(reader_classes "$reader" | sort -k 2)" "$expected" "what $reader got"
}

# assert_rest READER CLASS...: as many as it did not lose of these, and no other
assert_rest() {
	local reader=$1 total=0 got one
	shift
	got=$(reader_classes "$reader")
	for one; do
		total=$((total + $(arrived "$one")))
		got=$(grep -v " $(class "$one" 0 | cut -d ' ' -f 2-)$" <<<"$got" || true)
	done
	assert_equal "$got" '' "what $reader got of other classes" || return
	assert_equal "$(($(grep -c '^{' "$BATS_TEST_TMPDIR/$reader") + $(lost "$reader")))" "$total" "what $reader got and lost"
}

# end_readers PID...
end_readers() {
	local reader
	kill -INT "$@"
	for reader; do
		assert_ends "$reader" 0 || return
	done
}

now_ms() { echo $(($(date +%s%N) / 1000000)); }

# rate COUNT BEGIN END: in thousands a second
rate() { echo "$(($1 / ($3 - $2 + 1)))k/s"; }

# ---- many at once ----

@test "eight readers with different filters at once: each has exactly its own events, or counts those it lost" {
	local name begin end delivered=0 all=(wan-splice wan-none wan-drop wan-pass lan-splice lan-none lan-drop lan-pass)
	local -A options=(
		[all]='' [iface]='-i lan0' [proto]='-p tcp' [action]='--action spliced' [service]='-S dns'
		[port]='-d 192.0.2.0/24 -d 2001:db8::/64 --dport 53 --dport 9000-9999' [small-all]='--buffer 64'
		[small-blocked]='--buffer 64 --verdict BLOCKED -s 10.0.0.0/8' )
	mix_rules
	counts_begin
	pids=()
	for name in "${!options[@]}"; do
		case $name in
		small*) ;;
		*) options[$name]+=" --buffer $ROOMY" ;;
		esac
		# shellcheck disable=SC2086
		tail_start "$name" -j ${options[$name]}
		pids+=("$pid")
	done
	begin=$(now_ms)
	flood_both
	end=$(now_ms)
	end_readers "${pids[@]}"
	assert_classes all "${all[@]}"
	assert_classes iface lan-splice lan-none lan-drop lan-pass
	assert_classes proto wan-drop lan-none lan-pass
	assert_classes action wan-splice lan-splice
	assert_classes service wan-pass
	assert_classes port wan-pass wan-none
	assert_rest small-all "${all[@]}"
	assert_rest small-blocked lan-none lan-drop
	for name in "${!options[@]}"; do
		delivered=$((delivered + $(grep -c '^{' "$BATS_TEST_TMPDIR/$name")))
	done
	for name in "${all[@]}"; do
		[ "$(arrived "$name")" -gt $((EACH / 10)) ] || fail "$name: $(arrived "$name") of $EACH arrived"
	done
	echo "# $((8 * EACH)) packets at $(rate $((8 * EACH)) "$begin" "$end"), $delivered events delivered, lost by small rings:" \
		"$(lost small-all), $(lost small-blocked)" >&3
}

# subscriber_start NAME COUNT: the program that knows only splicer.events(5); prints to NAME; returns when it listens
subscriber_start() {
	started "$BATS_TEST_TMPDIR/$1" "$LAB_OBJECTS/test/subscriber" "$2"
	eventually grep -q '^slot' "$BATS_TEST_TMPDIR/$1"
}

@test "a program that knows the man page alone follows beside trace_tail" {
	local other
	mix_rules
	tail_start ours -j -c 4
	other=$pid
	subscriber_start theirs 4
	assert_equal "$(head -n 1 "$BATS_TEST_TMPDIR/theirs")" 'slot 1'
	flood_on client wan0 udp 172.16.240.9 7000 1
	flood_on client wan0 udp 2001:db8::1 9999 1
	flood_on guest lan0 tcp 2001:db8:1::1 53 1
	flood_on client wan0 tcp 2001:db8::1 25 1
	assert_ends "$pid" 0
	assert_ends "$other" 0
	# reason, verdict, source and destination port: bpf/abi/reasons.h
	assert_equal "$(tail -n +2 "$BATS_TEST_TMPDIR/theirs")" $'96 3 40000 7000\n6 1 40000 9999\n71 2 40000 53\n7 1 40000 25'
	assert_equal "$(fields reason action sport dport <"$BATS_TEST_TMPDIR/ours")" "$(
		printf '%s\n' 'rule-splice spliced 40000 7000' 'no-rule dropped 40000 9999' 'rule-pass passed 40000 53' \
			'rule-drop dropped 40000 25'
	)"
}

# ---- those that end ----

@test "one of three readers is killed under traffic: the next takes its slot, and the others lose nothing" {
	local first second third
	mix_rules
	counts_begin
	tail_start first -j --buffer "$ROOMY"
	first=$pid
	tail_start second -j --buffer "$ROOMY"
	second=$pid
	tail_start third -j --buffer "$ROOMY"
	third=$pid
	flood_client 3>&- &
	flood=$!
	eventually has_lines "$BATS_TEST_TMPDIR/second" 10
	kill -9 "$second"
	assert_ends "$second" 137
	subscriber_start next 20
	assert_equal "$(head -n 1 "$BATS_TEST_TMPDIR/next")" 'slot 1'
	wait "$flood"
	flood_on client wan0 udp 2001:db8::1 9999 20
	assert_ends "$pid" 0
	end_readers "$first" "$third"
	assert_classes first wan-splice wan-none wan-drop wan-pass
	assert_classes third wan-splice wan-none wan-drop wan-pass
}

@test "16 readers killed under traffic, and 16 again: each place is had, each event comes" {
	local number flood
	mix_rules
	flood_client 3>&- &
	flood=$!
	pids=()
	for ((number = 0; number < PLACES; number++)); do
		tail_start "killed$number" -j
		pids+=("$pid")
	done
	kill -9 "${pids[@]}"
	for number in "${pids[@]}"; do
		assert_ends "$number" 137
	done
	pids=()
	for ((number = 0; number < PLACES; number++)); do
		tail_start "again$number" -j --buffer "$ROOMY"
		pids+=("$pid")
	done
	assert_error trace_tail -c 1
	assert_match "$err" "all $PLACES places of subscribers are taken"
	wait "$flood"
	counts_begin
	flood_on guest lan0 udp 198.51.100.1 25 500
	end_readers "${pids[@]}"
	for ((number = 0; number < PLACES; number++)); do
		assert_equal "$(lost "again$number")" 0 'lost'
		assert_equal "$(reader_classes "again$number" | grep lan0 || true)" "$(class lan-drop "$(arrived lan-drop)")" "reader $number"
	done
}

@test "a reader that never reads: what it lost is exact, and packets go on" {
	mix_rules
	tail_start idle -j --buffer 4
	kill -STOP "$pid"
	eventually grep -q '^State:.T' "/proc/$pid/status"
	counts_begin
	flood_on client wan0 udp 192.0.2.1 53 5000
	assert_equal "$(arrived wan-pass)" 5000 'packets that passed'
	kill -INT "$pid"
	kill -CONT "$pid"
	assert_ends "$pid" 0
	# 4 KiB hold 17 records of 232 bytes
	assert_equal "$(grep -c '^{' "$BATS_TEST_TMPDIR/idle") $(lost idle)" '17 4983' 'events printed and lost'
}

# The parent of what bash starts waits for it; sleep does not.
@test "a reader that was killed, and that its parent does not wait for, has no place any more" {
	local zombie
	# shellcheck disable=SC2016
	started "$BATS_TEST_TMPDIR/parent" bash -c 'trace_tail >/dev/null & echo $! && exec sleep 600'
	eventually has_lines "$BATS_TEST_TMPDIR/parent" 1
	zombie=$(<"$BATS_TEST_TMPDIR/parent")
	eventually tail_listens "$zombie"
	kill -9 "$zombie"
	eventually grep -q '^State:.Z' "/proc/$zombie/status"
	tail_start next -j -c 1 --buffer 4
	subscriber_start second 1
	assert_equal "$(head -n 1 "$BATS_TEST_TMPDIR/second")" 'slot 1'
	flood_on client wan0 udp 2001:db8::1 9999 1
	assert_ends "$pid" 0
}

@test "out of descriptors, nobody takes the living for dead" {
	tail_start first -j
	subscriber_start second 1
	# enough to begin with, too few for /proc of others: whatever becomes of it, the places stay
	for limit in 6 7 8 9 10 11 12 13 14; do
		(
			ulimit -n "$limit"
			exec timeout 0.2 trace_tail -c 1
		) >/dev/null 2>&1 3>&- || true
	done
	subscriber_start third 1
	assert_equal "$(head -n 1 "$BATS_TEST_TMPDIR/third")" 'slot 2'
}

@test "no memory to read the ring: one line says so, and the place is free" {
	assert_exit 1 bash -c 'ulimit -v 20000; exec trace_tail -c 1 --buffer 65536'
	assert_equal "$err" 'trace_tail: event1_rings: Cannot allocate memory'
	subscriber_start next 1
	assert_equal "$(head -n 1 "$BATS_TEST_TMPDIR/next")" 'slot 0'
}

@test "robbed from another PID namespace, a reader that ends does not end the robber" {
	local robbed
	mix_rules
	tail_start robbed -j
	robbed=$pid
	started "$BATS_TEST_TMPDIR/robber" unshare --pid --fork --kill-child --mount-proc "$LAB_OBJECTS/test/subscriber" 1
	eventually grep -q '^slot' "$BATS_TEST_TMPDIR/robber"
	assert_equal "$(<"$BATS_TEST_TMPDIR/robber")" 'slot 0'
	end_readers "$robbed"
	flood_on client wan0 udp 2001:db8::1 9999 1
	assert_ends "$pid" 0
	assert_equal "$(tail -n 1 "$BATS_TEST_TMPDIR/robber")" '6 1 40000 9999'
}

@test "robbed from another PID namespace, a reader says so, takes another place, and both go on" {
	local robbed
	mix_rules
	tail_start robbed -j --buffer 4
	robbed=$pid
	started "$BATS_TEST_TMPDIR/robber" unshare --pid --fork --kill-child --mount-proc trace_tail -j
	eventually grep -q 'another subscriber took the place, so some events are missing, subscribed again' "$BATS_TEST_TMPDIR/robbed"
	flood_on client wan0 udp 2001:db8::1 9999 10
	eventually has_lines "$BATS_TEST_TMPDIR/robber" 10
	end_readers "$robbed"
	assert_equal "$(grep -c '^{' "$BATS_TEST_TMPDIR/robbed") $(lost robbed)" '10 0' 'events and losses'
	# it was not robbed in turn
	assert_equal "$(grep -c '^trace_tail' "$BATS_TEST_TMPDIR/robber")" 0 'notes of the robber'
}

# Without a /proc of its own, the pid it knows of itself is 1: another's, which lives for ever.
@test "a reader in another PID namespace, with this one's /proc: its place is kept while it lives, and free when killed" {
	local inner
	started "$BATS_TEST_TMPDIR/inner" unshare --pid --fork --kill-child trace_tail
	inner=$pid
	eventually pgrep -P "$inner" trace_tail >/dev/null
	eventually tail_listens "$(pgrep -P "$inner" trace_tail)"
	subscriber_start second 1
	assert_equal "$(head -n 1 "$BATS_TEST_TMPDIR/second")" 'slot 1'
	kill -9 "$(pgrep -P "$inner" trace_tail)"
	eventually has_ended "$inner"
	subscriber_start third 1
	assert_equal "$(head -n 1 "$BATS_TEST_TMPDIR/third")" 'slot 0'
}

@test "killed at any instruction of subscribing or ending, a reader leaves a place for the next, and no event to it" {
	local killer
	started "$BATS_TEST_TMPDIR/killer" "$LAB_OBJECTS/test/place_killer" "${SPLICER_KILLS:-40}" "${SPLICER_SEED:-$RANDOM}"
	killer=$pid
	# events all the while, for those that want packets; bounded, and it gives way
	started "$BATS_TEST_TMPDIR/flood" nsenter --net=/run/netns/client -- nice -n 19 "$LAB_OBJECTS/test/flood" eth0 \
		"$(lab_mac wan0)" udp 192.0.2.1 9999 0 100000000
	has_ended "$pid" && fail "$(<"$BATS_TEST_TMPDIR/flood")"
	ended_by_itself "$killer"
	sed 's/^/# /' "$BATS_TEST_TMPDIR/killer" >&3
}

# A minute or two, on a loaded machine more.
ended_by_itself() {
	local status=0
	wait "$1" || status=$?
	[ "$status" = 0 ] || fail "$(<"$BATS_TEST_TMPDIR/killer")"
}

# ---- packets ----

# Lines "HOOK REASON PACKETS" of the two interfaces.
counts_by_hook() {
	verdict_stat -j | fields iface hook reason packets | awk '$1 ~ /^(wan0|lan0)$/' | sort
}

# asks COUNT: so many questions and answers through the box, of one flow of each family
asks() {
	local number
	for ((number = 0; number < $1; number++)); do
		assert_exit 0 lab_on client peer udp-ask 198.51.100.2 8080 hello 5555 || return
		assert_exit 0 lab_on client peer udp-ask 2001:db8:1::2 8080 hello 5555 || return
	done
}

# Since counts_by_hook > FILE: lines "IFACE HOOK REASON PACKETS" of what passed.
counts_since() {
	awk 'NR == FNR { before[$1 $2 $3] = $4; next } { $4 -= before[$1 $2 $3] } $4 && $3 != "neighbour"' "$1" <(counts_by_hook)
}

@test "forwarded packets are counted for the same reason whether or not somebody looks at them" {
	local before=$BATS_TEST_TMPDIR/before expected
	lab_attach_egress wan0
	lab_attach_egress lan0
	sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	map_update 198.51.100.2 32 8080 8080 0 udp
	map_update 2001:db8:1::2 128 8080 8080 0 udp
	serve_on guest udp 198.51.100.2 8080 udp 2001:db8:1::2 8080
	asks 1
	expected=$(printf '%s\n' 'lan0 egress out 8' 'lan0 ingress tracked 8' 'wan0 egress tracked 8' 'wan0 ingress rule-pass 8')
	counts_by_hook >"$before"
	asks 4
	assert_equal "$(counts_since "$before")" "$expected" 'nobody looks'
	tail_start packets -j --sample 1
	counts_by_hook >"$before"
	asks 4
	assert_equal "$(counts_since "$before")" "$expected" 'somebody looks'
	kill -INT "$pid"
	assert_ends "$pid" 0
	tc filter del dev wan0 egress
	tc filter del dev lan0 egress
}

@test "--sample 1 shows every packet, also forwarded ones of which egress need not look" {
	local before
	lab_attach_egress wan0
	lab_attach_egress lan0
	sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	map_update 198.51.100.2 32 8080 8080 0 tcp
	map_update 2001:db8:1::2 128 8080 8080 0 tcp
	serve_on guest tcp 198.51.100.2 8080 tcp 2001:db8:1::2 8080
	tail_start packets -j --sample 1 --buffer "$ROOMY" -p tcp --dport 8080
	before=$(counts_by_hook)
	assert_exit 0 lab_on client peer tcp-bulk 198.51.100.2 8080 20
	assert_exit 0 lab_on client peer tcp-bulk 2001:db8:1::2 8080 20
	end_readers "$pid"
	assert_equal "$(lost packets)" 0 'lost'
	[ -n "$before" ] || fail 'nothing was counted before'
	# every packet comes in by one interface and leaves by the other
	assert_equal "$(fields iface hook <"$BATS_TEST_TMPDIR/packets" | sort -u | xargs)" 'lan0 egress wan0 ingress'
	assert_equal "$(fields hook <"$BATS_TEST_TMPDIR/packets" | grep -c egress)" \
		"$(fields hook <"$BATS_TEST_TMPDIR/packets" | grep -c ingress)" 'as many leave as come in'
	[ "$(fields hook <"$BATS_TEST_TMPDIR/packets" | grep -c egress)" -ge 20 ] || fail 'fewer than 20 packets'
	tc filter del dev wan0 egress
	tc filter del dev lan0 egress
}
