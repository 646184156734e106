#!/usr/bin/env bats
# --help and --version, and the names that tools call themselves.

# shellcheck disable=SC2154,SC2034  # out, err, tmp and the like are set and used in helpers.bash
load helpers

tools=(map_update map_delete rule_list trace_tail ziti_divert iface_set lookup_link conn_list conn_delete conn_set verdict_stat xdp_rule lb_backend lb_check conn_update lb_flow
	flow_dump flow_set flow_watch)

# The long options that a tool accepts, from what it says to each: probing is the only list that help cannot have made.
accepts() {
	local tool=$1 option

	for option in action all count counts dead dry-run file help high iface json pin-dir priority proto quiet route save service \
		source verbose version replace match watch stats ttl expires expire max-duration in out dst src name insert delete \
		destination mask protocol source-mask low port direction dir mode hook verdict object unused \
		sport dport state table rule sockets reason event sample absolute buffer \
		audit sync summary by openmetrics icmp rate force weight \
		capacity idle-tcp idle-ended idle-udp idle-other session-packets sessions session-restart packet-restart \
		buffer-restart \
		tcp http https command insecure host status timeout interval rise fall once \
		columns content csv debug details end ipfix json-lines list-columns map metrics min-bytes packets reset result sort top vlan zeek \
		again against backend bans drained learn list-signs most never only proven set window; do
		! "$tool" "--$option" --help --pin-dir /nonexistent 2>&1 </dev/null | grep -q ': unknown option ' || continue
		# --help ends the scan before anything is done, unless the option takes it for its argument
		"$tool" "--$option" --help --pin-dir /nonexistent >/dev/null 2>&1 </dev/null && echo "$option" && continue
		"$tool" "--$option" ./file --help >/dev/null 2>&1 </dev/null && echo "$option" && continue
		"$tool" "--$option" t0 --help >/dev/null 2>&1 </dev/null && echo "$option" && continue
		"$tool" "--$option" 1 --help >/dev/null 2>&1 </dev/null && echo "$option" && continue
		"$tool" "--$option" 10.0.0.0 --help >/dev/null 2>&1 </dev/null && echo "$option" && continue
		"$tool" "--$option" pass --help >/dev/null 2>&1 </dev/null && echo "$option" && continue
		"$tool" "--$option" in --help >/dev/null 2>&1 </dev/null && echo "$option" && continue
		"$tool" "--$option" detect --help >/dev/null 2>&1 </dev/null && echo "$option" && continue
		"$tool" "--$option" ingress --help >/dev/null 2>&1 </dev/null && echo "$option" && continue
		"$tool" "--$option" new --help >/dev/null 2>&1 </dev/null && echo "$option" && continue
		"$tool" "--$option" confirmed --help >/dev/null 2>&1 </dev/null && echo "$option" && continue
		"$tool" "--$option" BLOCKED --help >/dev/null 2>&1 </dev/null && echo "$option" && continue
		"$tool" "--$option" passed --help >/dev/null 2>&1 </dev/null && echo "$option" && continue
		"$tool" "--$option" no-rule --help >/dev/null 2>&1 </dev/null && echo "$option" && continue
		"$tool" "--$option" lb --help >/dev/null 2>&1 </dev/null && echo "$option" && continue
		"$tool" "--$option" decision --help >/dev/null 2>&1 </dev/null && echo "$option" && continue
		"$tool" "--$option" port-scan --help >/dev/null 2>&1 </dev/null && echo "$option" && continue
		"$tool" "--$option" port-scan.least=20 --help >/dev/null 2>&1 </dev/null && echo "$option" && continue
		"$tool" "--$option" 1024 --help >/dev/null 2>&1 </dev/null && echo "$option" && continue
		"$tool" "--$option" splicer --help >/dev/null 2>&1 </dev/null && echo "$option" && continue
		"$tool" "--$option" / --help >/dev/null 2>&1 </dev/null && echo "$option" && continue
		"$tool" "--$option" 200 --help >/dev/null 2>&1 </dev/null && echo "$option" && continue
		"$tool" "--$option" S0 --help >/dev/null 2>&1 </dev/null && echo "$option" && continue
		"$tool" "--$option" open --help >/dev/null 2>&1 </dev/null && echo "$option" && continue
		"$tool" "--$option" on --help >/dev/null 2>&1 </dev/null && echo "$option" && continue
		"$tool" "--$option" bytes --help >/dev/null 2>&1 </dev/null && echo "$option" && continue
		"$tool" "--$option" reason --help >/dev/null 2>&1 </dev/null && echo "$option"
	done | sort
}

@test "help goes to standard output, says usage first, and is no error" {
	local tool option

	for tool in "${tools[@]}"; do
		for option in -h --help; do
			# where -h is the high port
			[[ $tool$option != ziti_divert-h ]] || continue
			capture "$tool" "$option"
			assert_status 0
			assert_errors ''
			[[ $(head -n 1 "$out") == "usage: $tool "* ]] || fail "usage: $tool ..." "$(head -n 1 "$out")"
		done
	done
}

@test "ziti_divert -h is the high port, also in its help" {
	assert_refused -h ziti_divert -h
	assert_errors_have 'needs an argument'
	capture ziti_divert --help
	assert_output_has '  -h, --high PORT '
	assert_output_has '      --help '
}

@test "help fits 120 columns and has no tabs or blanks at the end" {
	local tool

	for tool in "${tools[@]}"; do
		capture "$tool" --help
		if grep -nE $'\t| $|^.{121}' "$out"; then
			fail 'tidy lines' 'the above'
		fi
	done
}

@test "help lists every option that the tool accepts, and no other" {
	local tool

	for tool in "${tools[@]}"; do
		capture "$tool" --help
		sed -nE 's/^  (-., |    )--([a-z-]+).*/\2/p' "$out" | sort >"$tmp/listed"
		accepts "$tool" >"$tmp/accepted"
		diff -u --label accepted --label listed "$tmp/accepted" "$tmp/listed" || fail 'the same options' 'others'
	done
}

@test "the letters in help are those of the long names beside them" {
	local tool letter name

	for tool in "${tools[@]}"; do
		capture "$tool" --help
		while read -r letter name; do
			capture "$tool" "-$letter"
			cp "$err" "$tmp/short"
			capture "$tool" "--$name"
			sed "s/--$name/-$letter/" "$err" >"$tmp/long"
			diff -u --label "-$letter" --label "--$name" "$tmp/short" "$tmp/long" || fail 'the same' 'others'
		done < <("$tool" --help | sed -nE 's/^  -([a-zV]), --([a-z-]+) .*/\1 \2/p' | grep -vE ' (json|quiet|verbose|absolute)$')
	done
}

@test "version: one line with the name of the tool" {
	local tool option

	for tool in "${tools[@]}"; do
		for option in -V --version; do
			capture "$tool" "$option"
			assert_status 0
			assert_errors ''
			[[ $(cat "$out") =~ ^"$tool "[0-9]+\.[0-9]+\.[0-9]+$ ]] || fail "$tool N.N.N" "$(cat "$out")"
		done
	done
}

@test "help and version need no pins and no privilege" {
	local tool option

	for tool in "${tools[@]}"; do
		for option in --help --version; do
			capture setpriv --reuid 65534 --clear-groups "$(command -v "$tool")" --pin-dir /nonexistent "$option"
			assert_status 0
			assert_errors ''
		done
	done
}

@test "a tool under another name (map_delete_elem of the router) calls itself that in errors" {
	ln -s "$(command -v map_delete)" "$tmp/map_delete_elem"
	assert_refused 10 "$tmp/map_delete_elem" 10 8 80 tcp
	assert_errors_have 'map_delete_elem: 10: '
	assert_state '10.0.0.0 8 80 17' "$tmp/map_delete_elem" 10.0.0.0 8 80 17
	assert_errors_have 'map_delete_elem: '
	map_update 10.0.0.0 8 80 80 0 17
	assert_done "$tmp/map_delete_elem" 10.0.0.0 8 80 17
	assert_rules ''
}
