#!/usr/bin/env bats
# shellcheck shell=bats
# shellcheck disable=SC2154  # out, pid and the like are set in helpers.bash
# splicer_service, splicer_state and attach --persist, as installed: what a box does at its start, and an interface that is
# closed until all is in force.

# shellcheck source=test/net/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"
# shellcheck source=test/net/install.bash
. "$BATS_TEST_DIRNAME/install.bash"

setup_file() {
	install_here one
	lab_host client wan0 192.0.2.1/24 2001:db8::1/64
	lab_host guest lan0 198.51.100.1/24 2001:db8:1::1/64
	serve udp 0.0.0.0 8080 udp :: 8080 udp 0.0.0.0 9090 udp :: 9090
}

teardown_file() {
	stop_started
}

setup() {
	PATH=$BATS_FILE_TMPDIR/one/bin:$BATS_TEST_TMPDIR/systemd:$PATH
	nothing_there wan0 lan0
	systemd_make
}

teardown() {
	local name
	for name in splicer xdp_filter; do
		[ ! -e "$BATS_TEST_TMPDIR/$name.o" ] || mv "$BATS_TEST_TMPDIR/$name.o" "$BATS_FILE_TMPDIR/one/lib/bpf"
	done
}

# What it is told stands in $BATS_TEST_TMPDIR/told.
systemd_make() {
	mkdir -p "$BATS_TEST_TMPDIR/systemd"
	cat >"$BATS_TEST_TMPDIR/systemd/systemctl" <<-END
		#!/bin/sh
		echo "\$@" >>"$BATS_TEST_TMPDIR/told"
	END
	# shellcheck disable=SC2016  # of the script
	printf '#!/bin/sh\nfor last; do :; done\necho "splicer@$last.service"\n' >"$BATS_TEST_TMPDIR/systemd/systemd-escape"
	chmod +x "$BATS_TEST_TMPDIR"/systemd/*
}

told() {
	sed 's/ --now / /' "$BATS_TEST_TMPDIR/told"
	rm "$BATS_TEST_TMPDIR/told"
}

rules_make() {
	map_update 192.0.2.1 32 8080 8080 0 udp
	map_update 2001:db8::1 128 8080 8080 0 udp
	map_update -i lan0 198.51.100.1 32 9090 9090 0 udp
	iface_set lan0 ssh=off
}

# boot: what is left when the box starts again
boot() {
	local dev
	for dev in wan0 lan0; do
		tc qdisc del dev "$dev" clsact 2>/dev/null || true
		ip link set dev "$dev" xdp off
	done
	rm -rf "${PINS:?}"/* "${RUN:?}"
}

# Records of both interfaces, rules, a state that was saved, and a start of the box.
persisted() {
	splicer_attach --persist wan0 lan0
	rules_make
	splicer_service stop wan0
	boot
}

assert_firewall() {
	assert_traffic client <<-END
		answer udp 192.0.2.1 8080
		answer udp 2001:db8::1 8080
		timeout udp 192.0.2.1 9090
		timeout udp 2001:db8::1 9090
	END
}

assert_closed() {
	assert_traffic client <<-END || return
		timeout udp 192.0.2.1 8080
		timeout udp 2001:db8::1 8080
	END
	# nor is an address resolved
	arp_unanswered || fail 'ARP was answered'
}

arp_unanswered() {
	local before
	lab_on client ip neigh del 192.0.2.1 dev eth0
	before=$(awk '$1 == "wan0:" { print $11 }' /proc/net/dev)
	lab_on client peer sweep <<<'timeout udp 192.0.2.1 8080' >/dev/null 2>&1 || true
	lab_on client ip neigh replace 192.0.2.1 lladdr "$(lab_mac wan0)" dev eth0 nud permanent
	[ "$(awk '$1 == "wan0:" { print $11 }' /proc/net/dev)" = "$before" ]
}

assert_open() {
	assert_traffic client <<-END
		answer udp 192.0.2.1 8080
		answer udp 2001:db8::1 9090
	END
}

# ---- the command line ----

@test "help is the options of the manual page; malformed command lines change nothing" {
	local command listed
	for command in splicer_state splicer_service splicer_upgrade; do
		assert_exit 0 "$command" --help
		assert_equal "$(awk 'length > 120' <<<"${out//"$BATS_FILE_TMPDIR"/}")" '' 'lines that are too long' || return
		assert_exit 0 "$command" -V
		assert_match "$out" "^$command [0-9.]+$" || return
		assert_exit 2 "$command" --nonsense
	done
	listed=$({ splicer_state --help && splicer_service --help; } | sed -nE 's/^  (-.,|   ) --([a-z-]+).*/\2/p' | sort -u)
	assert_equal "$(sed -nE 's/^\.It (Fl . , )?Fl -([a-z-]+).*/\2/p' "$ROOT/man/splicer_state.8" | sort -u)" "$listed"
	listed=$(splicer_upgrade --help | sed -nE 's/^  (-.,|   ) --([a-z-]+).*/\2/p' | sort -u)
	assert_equal "$(sed -nE 's/^\.It (Fl . , )?Fl -([a-z-]+).*/\2/p' "$ROOT/man/splicer_upgrade.8" | sort -u)" "$listed"
	assert_exit 2 splicer_state
	assert_exit 2 splicer_state keep
	assert_exit 2 splicer_state save a b
	assert_exit 2 splicer_state save --iface wan0
	assert_exit 2 splicer_state save --only all
	assert_exit 2 splicer_service start
	assert_exit 2 splicer_service start wan0 lan0
	assert_exit 2 splicer_upgrade wan0
	assert_exit 1 splicer_service start wan0
	assert_match "$err" 'nothing is recorded .*the interface is not closed$'
}

# ---- persist ----

@test "--persist records each object, enables the unit, and takes both back" {
	assert_quiet splicer_attach --persist --egress-prio 21 wan0
	assert_equal "$(told)" '-q enable splicer@wan0.service'
	assert_quiet splicer_attach --flow --persist wan0
	assert_quiet splicer_attach --persist wan0
	assert_equal "$(grep -v '^#' "$ETC/attach/wan0")" $'flow\nsplicer'
	rm "$BATS_TEST_TMPDIR/told"
	assert_quiet splicer_detach --persist wan0
	assert_equal "$(grep -v '^#' "$ETC/attach/wan0")" flow
	[ ! -e "$BATS_TEST_TMPDIR/told" ] || fail "told: $(told)"
	assert_quiet splicer_detach --flow --persist wan0
	assert_equal "$(told)" '-q disable splicer@wan0.service'
	[ ! -e "$ETC/attach/wan0" ] || fail 'the record is still there'
}

@test "--persist: what fails is not recorded, what cannot be is refused, a dry run records nothing" {
	local word
	assert_exit 1 splicer_attach --persist --object /nonexistent wan0
	assert_exit 0 splicer_attach --persist -n wan0
	assert_match "$out" "A $ETC/attach/wan0 splicer"
	for word in . .. a/b; do
		assert_exit 2 splicer_attach --persist "$word"
		assert_exit 2 splicer_service start "$word"
	done
	assert_exit 2 splicer_attach --persist --object '/tmp/a b' wan0
	[ ! -e "$ETC/attach" ] || fail "there is $(ls "$ETC/attach")"
}

@test "--persist without systemd: says so, and is done" {
	local dir=$BATS_TEST_TMPDIR/bare command
	mkdir "$dir"
	for command in bash awk sed grep id tc ip flock stat cat mkdir mv rm sync mount dirname readlink tac realpath ls; do
		ln -s "$(command -v "$command")" "$dir"
	done
	# the directories that scripts add to PATH are the system's, where there may be one
	if PATH=/usr/sbin:/sbin command -v systemctl >/dev/null; then skip 'systemctl is in /usr/sbin'; fi
	assert_exit 0 env PATH="$dir" "$BATS_FILE_TMPDIR/one/bin/splicer_attach" --persist wan0
	assert_match "$out" 'there is no systemctl here'
	grep -q splicer "$ETC/attach/wan0"
}

# ---- start and stop ----

@test "start: closed until all is in force with what was saved; stop: all stays in force" {
	persisted
	assert_open
	assert_quiet splicer_service start wan0
	assert_firewall
	assert_equal "$(iface_set --save)" 'lan0 ssh=off'
	# what is changed since is not undone by the second interface, nor by a start anew
	map_delete -i lan0 198.51.100.1 32 9090 udp
	assert_quiet splicer_service start lan0
	assert_quiet splicer_service start wan0
	assert_quiet splicer_service reload wan0
	assert_equal "$(rule_count)" 2 rules
	assert_quiet splicer_service stop wan0
	assert_firewall
	boot
	assert_quiet splicer_service start wan0
	assert_equal "$(rule_count)" 2 'rules, after the next start'
}

@test "start anew under traffic: no gap, no lost datagram" {
	local before
	persisted
	assert_quiet splicer_service start wan0
	flows() { printf '%s\n' 'open4 192.0.2.1 8081' 'open6 2001:db8::1 8081' 'closed4 192.0.2.1 9091'; }
	map_update 192.0.2.1 32 8081 8081 0 udp
	map_update 2001:db8::1 128 8081 8081 0 udp
	flows_start 1 60000 0.0.0.0 8081 :: 8081 0.0.0.0 9091
	for before in 1 2 3; do
		assert_quiet splicer_service reload wan0
		assert_quiet splicer_service start wan0
	done
	flows_stop
	assert_all_received open4 open6
	assert_none_received closed4
}

@test "a start that fails keeps the interface closed, says why and how to open it" {
	persisted
	mv "$BATS_FILE_TMPDIR/one/lib/bpf/splicer.o" "$BATS_TEST_TMPDIR"
	assert_exit 1 splicer_service start wan0
	assert_match "$err" "splicer.o: cannot be read.*; the interface is closed; to open it without: splicer_service open wan0$"
	assert_closed
	mv "$BATS_TEST_TMPDIR/splicer.o" "$BATS_FILE_TMPDIR/one/lib/bpf"
	assert_quiet splicer_service start wan0
	assert_firewall
	# one whose state cannot be restored
	boot
	sed -i 's/^\[map_update\]/&\n10.0.0.0 99 0 0 0 any/' "$VAR/state"
	assert_exit 1 splicer_service start wan0
	assert_match "$err" 'map_update.* 99: out of range.*the interface is closed'
	assert_closed
	# its state is not overwritten by what is there instead
	assert_quiet splicer_state save
	grep -q '^10.0.0.0 99' "$VAR/state" || fail "$(cat "$VAR/state")"
	assert_quiet splicer_service open wan0
	# one that has no place for what it must know
	boot
	rm -rf "${RUN:?}"
	touch "$RUN"
	assert_exit 1 splicer_service start wan0
	assert_match "$err" 'File exists; the interface is closed'
	assert_closed
	rm "$RUN"
	sed -i '/^10.0.0.0 99/d' "$VAR/state"
	assert_quiet splicer_service start wan0
	assert_firewall
}

@test "a record whose options attach nothing: the interface stays closed; blanks around a line are nothing" {
	local line
	for line in 'splicer -n' 'splicer --help' 'splicer -V' 'splicer --flow' 'xdp -n'; do
		nothing_there wan0
		mkdir -p "$ETC/attach"
		echo "$line" >"$ETC/attach/wan0"
		assert_exit 1 splicer_service start wan0
		assert_match "$err" 'does not attach it; the interface is closed'
		assert_closed
	done
	printf '\tsplicer \r\n' >"$ETC/attach/wan0"
	assert_exit 0 splicer_service start wan0
	tc filter show dev wan0 ingress | grep -q splicer_ingress || fail 'not attached'
}

@test "XDP: closed when it cannot be had; flow.o alone closes nothing" {
	splicer_attach --xdp --persist wan0
	xdp_rule add 192.0.2.2/32 -p udp --dport 9090
	splicer_service stop wan0
	boot
	mv "$BATS_FILE_TMPDIR/one/lib/bpf/xdp_filter.o" "$BATS_TEST_TMPDIR"
	assert_exit 1 splicer_service start wan0
	assert_closed
	mv "$BATS_TEST_TMPDIR/xdp_filter.o" "$BATS_FILE_TMPDIR/one/lib/bpf"
	assert_quiet splicer_service start wan0
	assert_traffic client <<-END
		answer udp 192.0.2.1 8080
		timeout udp 192.0.2.1 9090
	END
	nothing_there wan0
	mkdir -p "$ETC/attach"
	echo 'flow --object /nonexistent' >"$ETC/attach/wan0"
	assert_exit 1 splicer_service start wan0
	assert_open
}

@test "rules of an interface that comes later wait for it, also when the state is saved meanwhile" {
	persisted
	ip link set lan0 down
	ip link set lan0 name later0
	assert_exit 0 splicer_service start wan0
	assert_match "$err" 'lan0: no such interface; what is said of it waits'
	assert_firewall
	assert_equal "$(rule_count)" 2 rules
	assert_quiet splicer_state save
	assert_equal "$(grep -c lan0 "$VAR/state")" 2 'lines about lan0'
	ip link set later0 name lan0
	ip link set lan0 up
	assert_quiet splicer_service start lan0
	assert_equal "$(rule_list --save -i lan0)" '198.51.100.1 32 9090 9090 0 udp -i lan0'
	assert_equal "$(iface_set --save)" 'lan0 ssh=off'
	assert_quiet splicer_state save
	assert_equal "$(grep -c lan0 "$VAR/state")" 2 'lines about lan0, saved again'
}

@test "detach opens an interface that a failed start has closed" {
	mkdir -p "$ETC/attach"
	echo nonsense >"$ETC/attach/wan0"
	assert_exit 1 splicer_service start wan0
	assert_match "$err" 'nonsense: not an object .*the interface is closed'
	assert_closed
	assert_quiet splicer_detach wan0
	assert_open
}

@test "killed at any of its steps: never open without its rules, and the next start ends it" {
	local number=0 decided=
	persisted
	while killed_at "$number" 'tc rm' splicer_service start wan0; do
		# it was not open any more after a step as late as this
		[ -z "$(tc filter show dev wan0 ingress)" ] || decided=1
		if [ -n "$decided" ]; then
			assert_traffic client <<-END
				timeout udp 192.0.2.1 9090
				timeout udp 2001:db8::1 9090
			END
		fi
		assert_quiet splicer_state save
		assert_quiet splicer_service start wan0
		assert_firewall
		boot
		number=$((number + 2))
	done
	echo "# killed at $((number / 2)) steps" >&3
	[ "$number" -gt 10 ] || fail "only $number"
}

# ---- state ----

@test "a full disk leaves the old state, and says so" {
	persisted
	splicer_service start wan0
	local dir=$BATS_TEST_TMPDIR/full pages room
	mkdir "$dir"
	mount -t tmpfs -o size=64k tmpfs "$dir"
	splicer_state save "$dir/state"
	cp "$dir/state" "$BATS_TEST_TMPDIR/before"
	head -c 40000 /dev/zero >"$dir/filler"
	seq 1 4000 | awk '{ printf "10.%d.%d.0 24 80 80 0 tcp\n", $1 / 250, $1 % 250 }' | map_update -f -
	assert_exit 1 splicer_state save "$dir/state"
	assert_match "$err" 'No space left on device'
	assert_same_lines "$dir/state" <"$BATS_TEST_TMPDIR/before"
	assert_equal "$(ls "$dir")" $'filler\nstate'
	# nor is half of one restored, where what is under way has no room
	assert_exit 0 splicer_state save "$BATS_TEST_TMPDIR/large"
	rm "$dir"/*
	pages=$(($(stat -c %s "$BATS_TEST_TMPDIR/large") / 4096))
	for room in {0..6}; do
		mount -o remount,size=$(((pages + room) * 4))k "$dir"
		TMPDIR=$dir assert_exit 1 splicer_state restore "$BATS_TEST_TMPDIR/large"
		assert_equal "$(rule_count)" 4003 rules
	done
	umount "$dir"
}

@test "a file that is cut short, or of something else, restores nothing" {
	persisted
	splicer_service start wan0
	local line
	for ((line = 1; line < $(wc -l <"$VAR/state"); line++)); do
		assert_exit 2 splicer_state restore - < <(head -n "$line" "$VAR/state")
	done
	assert_exit 2 splicer_state restore /etc/passwd
	assert_exit 1 splicer_state restore /nonexistent
	assert_exit 2 splicer_state restore - < <(sed 's/map_update/map_updates/' "$VAR/state")
	assert_exit 2 splicer_state restore - < <(sed '1a what is of no section' "$VAR/state")
	assert_match "$err" '2: a line of no section'
	assert_exit 2 splicer_state restore --iface ''
	assert_equal "$(rule_count)" 3 rules
	assert_equal "$(stat -c '%a %U' "$VAR" "$VAR/state" | xargs)" '700 root 600 root'
}

@test "what is no regular file is not replaced, nor is a link followed" {
	local dir=$BATS_TEST_TMPDIR/odd
	mkdir -p "$dir/directory"
	mkfifo "$dir/pipe"
	echo kept >"$dir/victim"
	ln -s victim "$dir/link"
	ln -s victim "$dir/state.new"
	for odd in "$dir/directory" "$dir/directory/" "$dir/pipe" "$dir/link"; do
		assert_exit 1 splicer_state save "$odd"
		assert_match "$err" 'no regular file'
	done
	[ -p "$dir/pipe" ] || fail 'the pipe is gone'
	assert_exit 0 splicer_state save "$dir/state"
	assert_equal "$(cat "$dir/victim")" kept
	assert_equal "$(ls "$dir")" $'directory\nlink\npipe\nstate\nvictim'
}

@test "odd names of interfaces: what is said of them is saved, restored and upgraded" {
	local odd
	for odd in 'x@y' '#h' 'a"b' '-n' 'a*'; do
		ip link add dev "$odd" type veth peer name peer0
		splicer_attach -- "$odd"
		map_update -i "$odd" 192.0.2.1 32 8080 8080 0 udp
		assert_exit 0 splicer_state save
		map_delete --all
		assert_exit 0 splicer_state restore
		assert_equal "$err" ''
		assert_equal "$(rule_count)" 1 "rules of $odd"
		assert_exit 0 splicer_upgrade -v
		[[ $out == *"C $odd ingress"* ]] || fail "not exchanged on $odd: $out"
		splicer_detach -- "$odd"
		ip link del dev "$odd"
		rm -rf "${VAR:?}" "${RUN:?}"
	done
}

@test "upgrade: nothing attached is done; an object of something else, or pins that others may write, exchange nothing" {
	local before lib=$BATS_FILE_TMPDIR/one/lib/bpf
	rmdir "$PINS" "${PINS%/*}"
	assert_quiet splicer_upgrade -v
	splicer_attach wan0
	before=$(tc filter show dev wan0 egress; tc filter show dev wan0 ingress)
	mv "$lib/splicer.o" "$BATS_TEST_TMPDIR"
	cp "$lib/lb.o" "$lib/splicer.o"
	assert_exit 1 splicer_upgrade
	assert_match "$err" 'splicer.o: has no program splicer_ingress'
	mv "$BATS_TEST_TMPDIR/splicer.o" "$lib"
	chmod 666 "$PINS/splicer1_rules"
	assert_exit 1 splicer_upgrade
	assert_match "$err" 'splicer1_rules: may be written by others than root'
	assert_equal "$(tc filter show dev wan0 egress; tc filter show dev wan0 ingress)" "$before"
}

@test "any number may save at once: the file is whole" {
	local i
	persisted
	splicer_service start wan0
	for i in 1 2 3 4 5 6; do
		started "$BATS_TEST_TMPDIR/save$i" splicer_state save
	done
	while read -r i; do
		assert_ends "$i" 0
	done <"$BATS_TEST_TMPDIR/started"
	assert_exit 0 splicer_state restore -n
	assert_match "$out" '^= lan0 ssh=off'
	assert_equal "$(ls "$VAR")" state
}

@test "of two files that are restored at once one is in force, as a whole" {
	local one=$BATS_TEST_TMPDIR/one two=$BATS_TEST_TMPDIR/two round first second
	persisted
	splicer_service start wan0
	splicer_state save "$one"
	sed 's/ssh=off/ssh=any/; s/8080/8081/g' "$one" >"$two"
	assert_equal "$(diff "$one" "$two" | grep -c '^>')" 3 'lines that differ'
	for round in {1..8}; do
		started "$one.$round" splicer_state restore "$one"
		first=$pid
		started "$two.$round" splicer_state restore "$two"
		second=$pid
		assert_ends "$first" 0
		assert_ends "$second" 0
		splicer_state save "$BATS_TEST_TMPDIR/now"
		cmp -s "$BATS_TEST_TMPDIR/now" "$one" || assert_same_lines "$two" <"$BATS_TEST_TMPDIR/now"
	done
}

@test "the units are as systemd wants them" {
	command -v systemd-analyze >/dev/null || skip 'no systemd-analyze here'
	local units=$BATS_FILE_TMPDIR/one/lib/systemd/system
	assert_exit 0 env SYSTEMD_UNIT_PATH="$units:" systemd-analyze verify --man=no \
		"$units/splicer@wan0.service" "$units/splicer-save.service" "$units/splicer-save.timer"
	assert_equal "$err" ''
}

@test "with the capabilities of the units alone" {
	persisted
	unit() {
		setpriv --bounding-set "-all$(sed -nE 's/^CapabilityBoundingSet=//p' "$ROOT/scripts/$1" | tr '[:upper:]' '[:lower:]' |
			sed -E 's/cap_/,+/g; s/ //g')" --no-new-privs "${@:2}"
	}
	assert_quiet unit splicer@.service splicer_service start wan0
	assert_firewall
	assert_quiet unit splicer-save.service splicer_state save
	assert_quiet unit splicer@.service splicer_service stop wan0
}
