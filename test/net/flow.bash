# shellcheck shell=bash
# shellcheck disable=SC2154  # pid is filled by started
# A box that observes, and a client whose wire is counted too. To be sourced after helpers.bash.
#
#   client 192.0.2.2, 2001:db8::2 --- wan0 box

# Of each session, what its key is and what was counted of both directions.
SESSION_KEYS=(proto src sport dst dport vlan icmp_type icmp_id)
for key in packets bytes payload fragments length_min length_max hops_min hops_max fin syn rst psh ack urg; do
	SESSION_KEYS+=("${key}_fwd" "${key}_rev")
done

# flow_attach DEV: as the README says
flow_attach() {
	lab_clsact "$1"
	tc filter add dev "$1" ingress prio 10 bpf da obj "$LAB_OBJECTS/flow.o" sec action
	tc filter add dev "$1" egress prio 30 bpf da obj "$LAB_OBJECTS/flow.o" sec action/egress
}

fresh_flow() { fresh_box flow_attach "$@"; }

# wire_start: counts the sessions of the client's link from now on
wire_start() {
	started "$BATS_TEST_TMPDIR/wire.out" nsenter --net=/run/netns/client -- \
		sessions eth0 "$BATS_TEST_TMPDIR/wire.json"
	wire=$pid
	eventually grep -q ready "$BATS_TEST_TMPDIR/wire.out"
}

# Those that were, sorted. Whatever the kernel sends on its own account, such as neighbour discovery, is left out.
wire_lines() {
	rm -f "$BATS_TEST_TMPDIR/wire.json"
	kill -USR1 "$wire"
	eventually test -e "$BATS_TEST_TMPDIR/wire.json" || return
	fields "${SESSION_KEYS[@]}" <"$BATS_TEST_TMPDIR/wire.json" | session_filter
}

session_filter() {
	grep -v -e 'fe80:' -e 'ff02:' -e ' :: ' | sort
}

# dump_lines [OPTION]...: those that flow_dump shows
dump_lines() {
	flow_dump -j "$@" | fields "${SESSION_KEYS[@]}" | session_filter
}

same_as_wire() {
	local got expected
	expected=$(wire_lines) && got=$(dump_lines "$@") && [ "$got" = "$expected" ]
}

# assert_same_as_wire COUNT [OPTION]...: so many sessions, each of which was counted as the wire had it; the last packets
# may still be under way
assert_same_as_wire() {
	local count=$1 try
	shift
	for ((try = 0; try < 40 * ${PATIENCE:-1}; try++)); do
		! same_as_wire "$@" 2>/dev/null || break
		sleep 0.1
	done
	assert_equal "$(dump_lines "$@")" "$(wire_lines)" "${SESSION_KEYS[*]}" || return
	assert_equal "$(dump_lines "$@" | wc -l)" "$count" 'sessions' || return
	assert_equal "$(<"$BATS_TEST_TMPDIR/wire.out")" ready
}

# sums KEY... : of all sessions, of flow_dump -j on standard input
sums() {
	fields "$@" | awk '{ for (i = 1; i <= NF; i++) sum[i] += $i } END { for (i = 1; i <= NF; i++) printf "%d%s", sum[i], i < NF ? " " : "\n" }'
}

# Two processors that this process may use; the same twice where there is one.
two_processors() {
	python3 -c 'import os; all = sorted(os.sched_getaffinity(0)); print(all[0], all[-1], sep="\n")'
}

# Waits for all that was started, and that must have done what it was to do.
wait_started() {
	local one
	while read -r one; do
		assert_ends "$one" 0 || return
	done <"$(scratch)/started"
}
