#!/usr/bin/env bats
# lb_backend -f and apply: files of commands, and a file that becomes the configuration.

# shellcheck disable=SC2154,SC2034,SC2030,SC2031  # out, err, tmp and the like are set and used in helpers.bash
load helpers
load lb

setup_file() {
	lb_links
}

setup() {
	box_begin
	lb_backend apply --all -f /dev/null
}

web=192.0.2.1:80/tcp

# Something of everything.
sample() {
	cat <<-'END'
		add 192.0.2.1:80/tcp 10.0.0.1:8080
		add 192.0.2.1:80/tcp 10.0.0.2:8080 -w 3
		add 192.0.2.1:80/tcp 10.0.0.10:8080 -w 0
		set 192.0.2.1:80/tcp mode=masquerade affinity=60
		drain 192.0.2.1:80/tcp 10.0.0.2:8080
		add 192.0.2.1:any/udp 10.0.0.1
		set 192.0.2.1:any/udp mode=dsr source=10.9.9.9
		add 192.0.2.2:5000-5009/tcp
		add [2001:db8::1]:443/tcp fd00::1
		add [2001:db8::1]:443/tcp [fd00::2]:8443
	END
}

@test "what list --save prints, apply reads back: the same, and then nothing is to be done" {
	sample >"$tmp/sample"
	assert_done lb_backend apply -f "$tmp/sample"
	assert_rules "$(sample)"
	assert_whole
	capture lb_backend apply -v -f - <<<"$(rules)"
	assert_status 0
	assert_output ''
	lb_backend apply --all -f /dev/null
	assert_rules ''
	assert_whole
	tac "$tmp/sample" | grep add >"$tmp/shuffled"
	grep -v add "$tmp/sample" >>"$tmp/shuffled"
	assert_done lb_backend apply -f "$tmp/shuffled"
	assert_rules "$(sample)"
	capture lb_backend list --save "$web"
	assert_output "$(sample | grep "$web")"
}

@test "the difference: letters and the commands that make it; with -n nothing else happens" {
	sample | lb_backend apply -f -
	sample | sed -e '/fd00::1$/d' -e 's/-w 3/-w 4/' -e '/^drain/d' -e 's/affinity=60/affinity=7/' -e '/5000/d' >"$tmp/new"
	printf '%s\n' 'add 192.0.2.3:1/udp 10.0.0.7 -w 2' 'drain 192.0.2.3:1/udp 10.0.0.7' 'add 192.0.2.4:1/udp' \
		'set 192.0.2.4:1/udp affinity=1' >>"$tmp/new"
	capture lb_backend apply -n -f "$tmp/new"
	assert_status 0
	assert_errors ''
	cp "$out" "$tmp/difference"
	assert_output 'D delete 192.0.2.2:5000-5009/tcp
C weight 192.0.2.1:80/tcp 10.0.0.2:8080 4
C undrain 192.0.2.1:80/tcp 10.0.0.2:8080
C set 192.0.2.1:80/tcp affinity=7
A add 192.0.2.3:1/udp 10.0.0.7 -w 2
C drain 192.0.2.3:1/udp 10.0.0.7
A add 192.0.2.4:1/udp
C set 192.0.2.4:1/udp affinity=1
D delete [2001:db8::1]:443/tcp fd00::1'
	assert_rules "$(sample)"
	capture lb_backend apply -n -j -f "$tmp/new"
	assert_json '[(x["change"], x["command"]) for x in d][:3] == [("D", "delete"), ("C", "weight"), ("C", "undrain")]'
	assert_json 'd[1]["weight"] == 4 and d[1]["backend"] == "10.0.0.2" and d[1]["port"] == 8080 and d[0]["backend"] is None'
	assert_rules "$(sample)"
	capture lb_backend apply -v -f "$tmp/new"
	assert_output "$(<"$tmp/difference")"
	assert_whole
	capture lb_backend apply -n -f "$tmp/new"
	assert_output ''
}

@test "back to nat: what a source was is gone, and not said" {
	lb_backend add "$web" 10.0.0.1
	lb_backend set "$web" mode=dsr source=10.9.9.9
	capture lb_backend apply -v -f - <<<"add $web 10.0.0.1"
	assert_output "C set $web mode=nat"
	lb_backend set "$web" mode=dsr source=10.9.9.9
	capture lb_backend apply -v -f - <<<"add $web 10.0.0.1
set $web mode=masquerade"
	assert_output "C set $web mode=masquerade source=auto"
	assert_listed "$web" 10.0.0.1 seen_as 10.0.0.254
}

@test "what stays keeps its place, its counters, and what a prober said of it" {
	lb_backend add "$web" 10.0.0.1 10.0.0.2 10.0.0.3
	lb_backend down "$web" 10.0.0.2
	lb count "$web" 10.0.0.3 5,6 7,8 1
	lb where "$web" | grep -v 10.0.0.1 >"$tmp/before"
	lb_backend apply -f - <<-END
		add $web 10.0.0.3 10.0.0.4
		add $web 10.0.0.2 -w 9
	END
	lb where "$web" | grep -v 10.0.0.4 >"$tmp/after"
	diff -u "$tmp/before" "$tmp/after"
	assert_listed "$web" 10.0.0.2 state down
	assert_listed "$web" 10.0.0.3 packets_fwd 5
	assert_listed "$web" 10.0.0.4 packets_fwd 0
	assert_rules "add $web 10.0.0.2 -w 9
add $web 10.0.0.3
add $web 10.0.0.4"
	assert_whole
}

@test "a file in which there is nothing is refused, unless --all is given" {
	lb_backend add "$web" 10.0.0.1
	echo '# all commented out' >"$tmp/none"
	assert_state "$tmp/none" lb_backend apply -f "$tmp/none"
	assert_state stdin lb_backend apply -f - </dev/null
	assert_state "$tmp/none" lb_backend apply -n -f "$tmp/none"
	capture lb_backend apply -n --all -f "$tmp/none"
	assert_output "D delete $web"
	assert_done lb_backend apply --all -f "$tmp/none"
	assert_rules ''
	assert_done lb_backend apply -f "$tmp/none"
}

@test "a bad line: file, line and column, and nothing is changed" {
	local line

	lb_backend add "$web" 10.0.0.1
	printf '%s\n' "add $web 10.0.0.2" '' "  add   $web   10.0.0.x" >"$tmp/file"
	assert_refused "$tmp/file:3:28" lb_backend apply -f "$tmp/file"
	assert_refused stdin:1:1 lb_backend apply -f - <<<"$web 10.0.0.1"
	assert_refused stdin:1:1 lb_backend apply -f - <<<"delete $web"
	assert_refused stdin:1:1 lb_backend apply -f - <<<"down $web 10.0.0.1"
	assert_refused stdin:1:34 lb_backend apply -f - <<<"add $web 10.0.0.1 -w 99999"
	assert_refused stdin:2:1 lb_backend apply -f - <<<"add $web 10.0.0.1"$'\n'"drain $web 10.0.0.2"
	assert_refused stdin:1:1 lb_backend apply -f - <<<"set $web affinity=1"
	assert_refused stdin:2:1 lb_backend apply -f - <<<$'add 192.0.2.9:80-90/tcp\nadd 192.0.2.9:85-95/tcp'
	assert_refused fd00::1 lb_backend apply -f - <<<"add $web 10.0.0.1 fd00::1"
	assert_refused stdin:1:1 lb_backend drain -f - <<<"undrain $web 10.0.0.1"
	assert_refused stdin:1:1 lb_backend add -f - <<<"a \"b"
	assert_state /nonexistent lb_backend apply -f /nonexistent
	assert_state stdin:2:1 lb_backend drain -f - <<<"$web 10.0.0.1"$'\n'"$web 10.0.0.2"
}

@test "other commands read their operands from lines, and all come into force or none" {
	assert_done lb_backend add -f - <<-END
		# all of them
		$web 10.0.0.1 -w 5
		add $web 10.0.0.2 10.0.0.3   # the word may be there
	END
	capture lb_backend drain -v -f - <<<"$web 10.0.0.1 10.0.0.2"
	assert_output "C drain $web 10.0.0.1
C drain $web 10.0.0.2"
	assert_done lb_backend weight -f - <<<"$web 10.0.0.3 7"
	assert_done lb_backend set -f - <<<"$web affinity=9"
	assert_done lb_backend down -f - <<<"$web 10.0.0.3"
	assert_rules "add $web 10.0.0.1 -w 5
add $web 10.0.0.2
add $web 10.0.0.3 -w 7
set $web affinity=9
drain $web 10.0.0.1
drain $web 10.0.0.2"
	assert_listed "$web" 10.0.0.3 state down
	capture lb_backend delete -v -f - <<-END
		$web 10.0.0.1
		$web 10.0.0.9
		192.0.2.9:1/tcp
	END
	assert_status 0
	assert_output "D delete $web 10.0.0.1
= delete $web 10.0.0.9
= delete 192.0.2.9:1/tcp"
	assert_whole
}

@test "deleted and added in one breath: it begins anew, as one" {
	lb_backend add "$web" 10.0.0.1 10.0.0.2
	lb count "$web" 10.0.0.1 5,6 7,8 1
	lb_backend delete "$web" 10.0.0.1
	lb_backend apply -f - <<<"add $web 10.0.0.1"
	assert_listed "$web" 10.0.0.1 packets_fwd 0
	assert_rules "add $web 10.0.0.1"
	assert_whole
}

@test "a dry run of every command changes nothing, but tells" {
	local before words

	sample | lb_backend apply -f -
	before=$(lb_backend list -j -q)
	for words in "add $web 10.0.0.77" "delete $web" "delete $web 10.0.0.1:8080" "drain $web 10.0.0.1:8080" \
		"weight $web 10.0.0.1:8080 9" "set $web affinity=1" "down $web 10.0.0.1:8080" "undrain $web 10.0.0.2:8080"; do
		# shellcheck disable=SC2086  # words
		capture lb_backend -n $words
		assert_status 0
		[[ "$(<"$out")" == ?" $words" ]] || fail "a letter and $words" "$(<"$out")"
		assert_rules "$(sample)"
	done
	capture lb_backend list -j -q
	assert_output "$before"
	assert_whole
}
