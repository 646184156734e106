#!/usr/bin/env bats
# flow_dump --ipfix: who collects, as an operand; what fails, and that with --reset nothing is handed out then.

# shellcheck disable=SC2154,SC2034,SC2030,SC2031  # out, err, tmp and the like are set and used in helpers.bash
load helpers
load flow
load watching

PORT=4739

setup_file() {
	flow_links
	mount -t tmpfs -o size=64k tmpfs /mnt
}

teardown_file() {
	umount /mnt
}

setup() {
	box_begin
	flow_clean
	before=$(flow generation)
	file=$tmp/sessions.ipfix
}

ipfix() {
	python3 -IS "$BATS_TEST_DIRNAME/../net/ipfix" "$@"
}

session() {
	flow put udp "$1" 1000 192.0.2.1 53 start=1000 fwd.packets="$2" fwd.bytes=$((100 * $2)) fwd.last=1001
}

# assert_records COUNT: the file has so many
assert_records() {
	capture ipfix messages "$file"
	assert_status 0 || return
	[ "$(tail -n 1 "$out")" = "$1 in all" ] || fail "$1 records" "$(tail -n 1 "$out")"
}

# assert_handed COUNT: --reset still has so many
assert_handed() {
	capture flow_dump --reset -j --columns src
	assert_status 0 && assert_json "len(d) == $1"
}

# collector udp | tcp [PAUSE]
collector() {
	start python3 -IS "$BATS_TEST_DIRNAME/../net/ipfix" "$1" 127.0.0.1 $PORT "$file" "${2:-0}"
}

collector_ends() {
	[ ! -e "/proc/${servers[-1]}" ]
}

@test "a file, standard output, UDP and TCP: each session once" {
	flow fill 1000
	capture flow_dump --ipfix "$file"
	assert_status 0 && assert_output '' && assert_errors ''
	assert_records 1000
	flow_dump --ipfix - >"$file"
	assert_records 1000
	(cd "$tmp" && flow_dump --ipfix ./here)
	[ "$(stat -c %s "$tmp/here")" = "$(stat -c %s "$file")" ]
	collector tcp
	capture flow_dump --ipfix tcp:127.0.0.1:$PORT
	assert_status 0 && assert_output '' && assert_errors ''
	eventually collector_ends
	servers=()
	assert_records 1000
	collector udp
	name_give collector.example
	capture flow_dump --ipfix collector.example:$PORT
	umount /etc/hosts
	assert_status 0 && assert_output '' && assert_errors ''
	eventually all_came
}

# name_give NAME: to 127.0.0.1, in this box; localhost is ::1 on some machines
name_give() {
	echo "127.0.0.1 $1" >"$tmp/hosts"
	mount --bind "$tmp/hosts" /etc/hosts
}

all_came() {
	ipfix messages "$file" 2>/dev/null | grep -qx '1000 in all'
}

@test "selectors, order and --top are those of all forms; none at all is a file too" {
	flow fill 20
	capture flow_dump --ipfix "$file" --top 3
	assert_records 3
	capture flow_dump --ipfix "$file" -s 10.0.0.4
	assert_records 1
	capture flow_dump --ipfix "$file" --sort src 10.0.0.0/29
	assert_records 8
	capture flow_dump --ipfix "$file" -p tcp
	assert_status 0
	assert_records 0
}

@test "neither a collector nor a file: a usage error" {
	local to
	session 10.0.0.1 3
	for to in '' 4739 file host: :4739 host:0 host:65536 host:port 2001:db8::1:4739 '[2001:db8::1]' '[host]:4739' \
		10.1:4739 tcp:4739 tcp:host; do
		capture flow_dump --ipfix "$to"
		assert_status 2 && assert_output '' && assert_one_line && assert_complaint "${to:-''}" || return
		capture flow_dump --reset --ipfix "$to"
		assert_status 2 && assert_one_line || return
	done
	# nor was anything done
	[ "$(flow generation)" = "$before" ]
	for option in -j --csv --zeek --json-lines --summary --packets '--watch 1' '--columns src'; do
		# shellcheck disable=SC2086  # words
		capture flow_dump --ipfix "$file" $option
		assert_status 2 && assert_one_line || return
	done
	[ ! -e "$file" ]
	assert_handed 1
}

@test "nobody collects: an error, and with --reset nothing is handed out" {
	local to reason
	session 10.0.0.1 3
	while read -r to reason; do
		capture flow_dump --ipfix "$to"
		assert_status 1 && assert_output '' && assert_errors "flow_dump: $to: $reason" || return
		capture flow_dump --reset --ipfix "$to"
		assert_status 1 && assert_errors "flow_dump: $to: $reason" || return
	done <<-END
		127.0.0.1:$PORT Connection refused
		[::1]:$PORT Connection refused
		tcp:127.0.0.1:$PORT Connection refused
		tcp:[::1]:$PORT Connection refused
		203.0.113.1:$PORT Network is unreachable
		tcp:[2001:db8::1]:$PORT Network is unreachable
	END
	capture flow_dump --ipfix nobody.invalid:$PORT
	assert_status 1 && assert_one_line && assert_complaint nobody.invalid:$PORT
	assert_handed 1
}

# A single message: it is answered after it was sent, when nothing more is.
@test "UDP: also the answer to the last message counts" {
	ip netns add far
	ip link add near type veth peer name far0 netns far
	ip addr add 10.9.0.1/24 dev near
	ip link set near up
	ip -n far addr add 10.9.0.2/24 dev far0
	ip -n far link set far0 up
	session 10.0.0.1 3
	capture flow_dump --reset --ipfix 10.9.0.2:$PORT
	ip netns del far
	assert_status 1 && assert_errors "flow_dump: 10.9.0.2:$PORT: Connection refused"
	assert_handed 1
}

@test "--reset: handed out once all was sent or written, by each way" {
	local number=0 to
	for to in "$file" - "tcp:127.0.0.1:$PORT" "127.0.0.1:$PORT"; do
		session "10.0.0.$((++number))" 3
		case $to in
		tcp*) collector tcp ;;
		127*) collector udp ;;
		esac
		if [ "$to" = - ]; then
			flow_dump --reset --ipfix - >"$file"
		else
			capture flow_dump --reset --ipfix "$to"
			assert_status 0 && assert_errors '' || return
		fi
		case $to in
		tcp*) eventually collector_ends && servers=() ;;
		127*) eventually test -s "$file" ;;
		esac
		assert_records 1
		assert_handed 0
	done
}

@test "a full disk: an error, no file, and nothing is handed out" {
	flow fill 5000
	capture flow_dump --reset --ipfix /mnt/sessions.ipfix
	assert_status 1 && assert_errors 'flow_dump: /mnt/sessions.ipfix: No space left on device'
	[ -z "$(ls -A /mnt)" ]
	capture flow_dump --reset --ipfix "$tmp/nowhere/file"
	assert_status 1 && assert_complaint "$tmp/nowhere/file"
	capture bash -c 'flow_dump --reset --ipfix - >/dev/full'
	program=flow_dump
	assert_status 1 && assert_complaint stdout
	capture bash -c 'exec 4> >(exec true); sleep 0.2; wait; flow_dump --reset --ipfix - >&4'
	assert_status 1
	echo as it was >"$file"
	# shellcheck disable=SC2016  # for the inner shell
	capture bash -c 'ulimit -f 100; trap "" XFSZ; flow_dump --reset --ipfix "$1"' - "$file"
	program=flow_dump
	assert_status 1 && assert_complaint "$file"
	[ "$(<"$file")" = 'as it was' ]
	[ "$(ls "$tmp"/sessions.ipfix*)" = "$file" ]
	assert_handed 5000
}

# ---- collectors that fail on the way ----

# collector_that CODE: a collector by TCP; python, in which connection is the first one
collector_that() {
	start python3 -ISc "
import os, socket, struct, sys, time
server = socket.create_server(('127.0.0.1', $PORT))
server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
print('ready', flush=True)
connection, _ = server.accept()
$1"
}

@test "TCP: a collector that goes in the middle, or resets when all was sent: nothing is handed out" {
	flow fill 20000
	collector_that 'connection.recv(1000)'
	capture flow_dump --reset --ipfix tcp:127.0.0.1:$PORT
	assert_status 1 && assert_one_line && assert_complaint tcp:127.0.0.1:$PORT
	servers=()
	assert_handed 20000
	session 10.0.0.1 3
	collector_that 'connection.recv(1)'
	capture flow_dump --reset --ipfix tcp:127.0.0.1:$PORT
	assert_status 1 && assert_errors "flow_dump: tcp:127.0.0.1:$PORT: Connection reset by peer"
	servers=()
	assert_handed 1
}

@test "TCP: a collector that stops for a while is waited for; one that has stopped is not for ever" {
	flow fill 30000
	collector tcp 2
	capture flow_dump --ipfix tcp:127.0.0.1:$PORT
	assert_status 0 && assert_errors ''
	eventually collector_ends
	servers=()
	assert_records 30000
	collector_that 'time.sleep(600)'
	capture flow_dump --reset --ipfix tcp:127.0.0.1:$PORT
	assert_status 1 && assert_errors "flow_dump: tcp:127.0.0.1:$PORT: Connection timed out"
	assert_handed 30000
}

rotated() {
	[ "$(flow generation)" = $((before + 1)) ]
}

is_sending() {
	[ -n "$(ss -Htn "dport = :$PORT" | awk '$3')" ]
}

@test "killed while it sends: the next one sends it all, and what came since" {
	local victim ended=0
	flow fill 30000
	collector_that 'time.sleep(600)'
	flow_dump --reset --ipfix tcp:127.0.0.1:$PORT 3>&- &
	victim=$!
	servers+=("$victim")
	eventually rotated
	eventually is_sending
	kill -KILL "$victim"
	wait "$victim" || ended=$?
	unset 'servers[-1]'
	[ "$ended" = 137 ] || fail 'killed' "$ended"
	flow fill 1 40000
	capture flow_dump --reset --ipfix "$file"
	assert_status 0
	assert_records 30001
	assert_handed 0
}
