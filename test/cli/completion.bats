#!/usr/bin/env bats
# Completion in bash and zsh, as scripts/completion makes it from the tools.

# shellcheck disable=SC2154,SC2034  # out, err, tmp and the like are set and used in helpers.bash
load helpers
# shellcheck source=/dev/null
eval "$(declare -f setup_file | sed '1s/.*/box_setup()/')"

root=$BATS_TEST_DIRNAME/../..

setup_file() {
	box_setup
	tc filter add dev t0 ingress prio 50000 handle 1 bpf da obj "${LAB_OBJECTS:?}/lb.o" sec action
	"$root/scripts/completion" bash "$LAB_OBJECTS" >"$BATS_FILE_TMPDIR/splicer.bash"
	"$root/scripts/completion" zsh "$LAB_OBJECTS" >"$BATS_FILE_TMPDIR/_splicer"
}

# offers SHELL: what it offers at the end of each line of standard input
offers() {
	"$BATS_TEST_DIRNAME/$1_offers" "$BATS_FILE_TMPDIR"
}

# assert_offered SHELL LINE WORDS: in any order
assert_offered() {
	capture "$BATS_TEST_DIRNAME/$1_offers" "$BATS_FILE_TMPDIR" <<<"$2"
	assert_status 0
	assert_errors ''
	tr ' ' '\n' <"$out" | sort -u >"$tmp/offered"
	tr ' ' '\n' <<<"$3" | sort -u | diff -u --label 'expected' --label "$1: $2" - "$tmp/offered" || fail "$3" "$(cat "$out")"
}

# What follows the cursor's word in bash begins behind the last : or = of it.
assert_both() {
	assert_offered bash "$1" "${3-$2}"
	assert_offered zsh "$1" "$2"
}

# "NAME COMMAND..." of all that can be completed
commands() {
	local file script scripts
	for file in "$root"/tools/*.c; do
		file=${file##*/}
		echo "${file%.c} ${file%.c}"
	done
	echo 'map_delete_elem map_delete'
	echo 'splicer_metrics verdict_stat'
	read -r -a scripts < <(sed -nE 's/^SCRIPTS *:= *//p' "$root/Makefile")
	for script in "${scripts[@]}"; do
		[ "$script" = metrics ] || echo "splicer_$script $root/scripts/$script"
	done
}

@test "what is made is sound" {
	bash -n "$BATS_FILE_TMPDIR/splicer.bash"
	zsh -n "$BATS_FILE_TMPDIR/_splicer"
	shellcheck "$BATS_FILE_TMPDIR/splicer.bash"
	# by a rule of its own, make would put a newer completion.sh in the place of the script
	capture make -s -n -C "$root" O="$LAB_OBJECTS" -W scripts/completion.sh completion
	if grep 'cat scripts' "$out"; then fail 'no such rule'; fi
}

@test "each tool is completed, with every option that its help has, and no other" {
	local name program shell

	while read -r name program; do
		"$program" --help | sed -nE 's/^  (-.)?.{2,4}(--[a-z-]+).*/\1 \2/p' | tr -s ' ' '\n' | grep . | sort >"$tmp/help"
		[ -s "$tmp/help" ] || fail "options of $name" none
		for shell in bash zsh; do
			offers "$shell" <<<"$name -" | tr ' ' '\n' | sort | diff -u --label "$name --help" --label "$shell" "$tmp/help" - ||
				fail 'the same options' others
		done
	done < <(commands)
}

@test "arguments: the words that the tools name" {
	assert_both 'conn_list --state ' 'new handshake established closing closed'
	assert_both 'conn_list --dir ' 'in out'
	assert_both 'map_update --action ' 'pass drop splice'
	assert_both 'map_update --mode=' 'prevent detect'
	assert_both 'rule_list -p ' 'tcp udp icmp icmpv6 any'
	assert_both 'trace_tail --verdict=B' 'BLOCKED'
	assert_both 'trace_tail --sync ' 'never always'
	assert_both 'verdict_stat --reason too' 'too-many-headers too-big'
	assert_both 'xdp_rule add -p ic' 'icmp icmpv6'
	assert_both 'ziti_divert -p ' 'tcp udp'
	assert_both 'flow_set --details ' 'on off'
	assert_both 'splicer_state save --only ' 'splicer lb flow xdp'
	assert_both 'flow_dump --end ' 'open fin rst idle'
	assert_both 'flow_dump --sort packets_f' 'packets_fwd'
	assert_both 'flow_watch --set beacon.l' 'beacon.least='
	assert_both 'map_update --ttl ' ''
}

@test "several words with commas" {
	assert_both 'flow_watch --only port-scan,be' beacon port-scan,beacon
	assert_both 'verdict_stat --by=iface,re' reason iface,reason
}

@test "command words, and what each of them takes" {
	assert_both 'lb_backend ' 'add delete drain undrain weight set up down list apply flows'
	assert_both 'lb_backend set 10.9.0.1:80/tcp mo' 'mode=nat mode=masquerade mode=dsr'
	assert_both 'lookup_link ' 'make remove'
	assert_both 'xdp_rule ' 'add delete list flush default'
	assert_both 'xdp_rule add ' 'drop pass monitor never-drop'
	assert_both 'xdp_rule default ' 'drop pass monitor unset'
}

@test "settings are operands" {
	assert_both 'iface_set t0 on_s' 'on_state=drop on_state=pass'
	assert_both 'iface_set t0 ssh=o' 'ssh=off ssh=own' 'off own'
	assert_both 'conn_set udp' 'udp= udp_stream='
	assert_both 'flow_set N_S' 'N_SESSION='
}

@test "interfaces, as they are at that moment" {
	assert_both 'rule_list -i t' 't0 t1'
	assert_both 'rule_list --iface=a' 'any'
	assert_both 'splicer_attach t' 't0 t1'
	ip link add there0 type veth peer name there1
	# shellcheck disable=SC2016  # as it is
	ip link add 'th$(id)' type veth peer name 'th@1'
	assert_both 'trace_tail -i th' 'th@1 there0 there1' # what needs quotes is not offered
	ip link del there0
	ip link del 'th@1'
	assert_both 'trace_tail -i th' ''
}

@test "files and directories" {
	mkdir "$tmp/there"
	touch "$tmp/there/rules.txt"
	assert_offered bash 'map_update -f x' '<default> '
	assert_offered bash 'map_update --pin-dir=' '<dirnames> '
	assert_offered bash 'flow_replay -i t0 ' '<default> '
	assert_offered zsh "map_update -f $tmp/there/ru" 'rules.txt'
	assert_offered zsh "map_update --pin-dir $tmp/the" 'there'
}

@test "tags of rules and services, as they are at that moment" {
	map_update 10.0.0.0 8 80 80 0 tcp -S web
	map_update 10.0.0.0 8 81 81 0 tcp -S web
	map_update 10.0.0.0 8 82 82 0 tcp -S 'two words'
	assert_both 'rule_list -S ' web
	assert_both 'map_delete --service=w' web
	lb_backend -q add 10.9.0.1:80/tcp 10.9.1.2:8080 10.9.1.3:8080
	lb_backend -q add '[2001:db8::1]:53/udp'
	assert_both 'lb_backend drain 10.9.0.1:8' '10.9.0.1:80/tcp' '80/tcp'
	assert_offered bash 'lb_check ' '10.9.0.1:80/tcp [2001:db8::1]:53/udp'
	lb_backend delete 10.9.0.1:80/tcp
	lb_backend delete '[2001:db8::1]:53/udp'
}

# shellcheck disable=SC2016  # for inner shells
@test "without pins or privilege it is quiet" {
	local unable=(setpriv --reuid 65534 --clear-groups) empty=(unshare --mount sh -c 'mount -t tmpfs none /sys/fs/bpf; exec "$@"' -)
	local asks=(bash -c "$(<"$BATS_FILE_TMPDIR/splicer.bash")"$'\n_splicer_tags rule_list; _splicer_tags xdp_rule; _splicer_services')

	map_update 10.0.0.0 8 80 80 0 tcp -S web
	capture "${asks[@]}"
	assert_output 'web'
	assert_done "${unable[@]}" "${asks[@]}"
	assert_done "${empty[@]}" "${asks[@]}"
}

@test "a tool that cannot be run, as one of another machine, is said to be the reason" {
	mkdir "$tmp/build"
	capture "$root/scripts/completion" bash "$tmp/build"
	assert_status 1
	assert_output_has 'shellcheck shell=bash'
	assert_errors_have 'cannot be asked for its options'
}
