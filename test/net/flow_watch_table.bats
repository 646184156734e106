#!/usr/bin/env bats
# shellcheck shell=bats
# What flow_watch says of ordinary traffic, and of attacks amidst it: a shorter form of test/net/watch_table, twenty
# minutes of one hour to learn and of another one to watch.

# shellcheck source=test/net/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"

setup_file() {
	watch_table -j --seconds 1200 --seeds 1,2 >"$BATS_FILE_TMPDIR/table" 2>"$BATS_FILE_TMPDIR/signs" 3>&- ||
		fail "$(cat "$BATS_FILE_TMPDIR/signs")"
}

setup() {
	table=$BATS_FILE_TMPDIR/table
}

# rows KEY...: these columns of the rows that have the first of them
rows() {
	grep "^{\"$1\"" "$table" | fields "$@"
}

@test "ordinary traffic, and what goes on beside attacks: not one false alarm" {
	local name hours sessions alarms
	while IFS=: read -r name hours sessions alarms; do
		[ "$hours" -ge 1 ] && [ "$sessions" -ge 20000 ] || fail "$name: $sessions sessions are too few" || return
		assert_equal "$alarms" 0 "$name: $(cat "$BATS_FILE_TMPDIR/signs")" || return
	done < <(rows traffic hours sessions false_alarms | sed -E 's/^(.*) ([0-9]+) ([0-9]+) ([0-9]+)$/\1:\2:\3:\4/')
	assert_equal "$(rows traffic | wc -l)" 3
	# what asks at regular times is told of as long as it is not learned, and only then
	assert_equal "$(rows traffic regular | sed 's/.* //; s/^[1-9].*/some/' | paste -sd ' ')" 'some 0 0'
}

# found REGEX: of the attacks with such names, how many were not found each time they were there, and how many were
found() {
	rows attack there found | grep -E "^($1) [0-9]+ [0-9]+$" | awk '{ n++; missed += $(NF - 1) != $NF } END { print missed, n }'
}

@test "scans, floods, failures, logins, beacons, crowds and newcomers are found each time, in both families" {
	assert_equal "$(found 'port scan, (100 a second|1 a second|1 in 3 s)')" '0 3'
	assert_equal "$(found 'address scan, .*25 a second|address scan, 1 a second')" '0 3'
	assert_equal "$(found 'SYN flood, .* (50|3) a second')" '0 3'
	assert_equal "$(found 'failed connections, .*')" '0 2'
	assert_equal "$(found 'logins, (1 a second|12 a minute|20 hosts).*')" '0 3'
	assert_equal "$(found 'beacon, (10 s|60 s, jitter 20 %.*)')" '0 2'
	assert_equal "$(found 'many sources, .*|one source, .*|new talker, .*')" '0 3'
}

# What flow_watch(8) says that it does not see with the thresholds that it has.
@test "what is slower than the thresholds is not found" {
	assert_equal "$(rows attack found | grep -E '^(port scan|address scan), 1 in 10 s|^SYN flood.* 1 a second|^logins, 6 a' |
		sed 's/.* //' | paste -sd ' ')" '0 0 0 0'
}

# A profile cannot know better, and flow_watch(8) says so: these need --never, another --set, or a selector.
@test "what is no attack and looks like one is told as what it looks like" {
	assert_match "$(rows odd also)" 'leads nowhere [^}]*"address-scan": 1'
	assert_match "$(rows odd also)" 'SSH to 30 servers [^}]*"logins": 2'
	assert_match "$(rows odd also)" 'server is down [^}]*"syn-flood": 2'
	assert_match "$(rows odd also)" 'behind one address [^}]*"failed-connections": 2'
}
