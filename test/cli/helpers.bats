#!/usr/bin/env bats
# The assertions themselves: each fails when it should, also in the middle of a test. A test that cannot fail is none.

# shellcheck disable=SC2154,SC2034  # out, err, tmp and the like are set and used in helpers.bash
load helpers

# A test in a bats of its own; prints what it printed, and its status is its.
inner() {
	{
		# shellcheck disable=SC2016  # for the inner one
		printf 'load %s/helpers\nsetup_file() { :; }\nsetup() { servers=(); tmp=$BATS_TEST_TMPDIR; out=$tmp/out; err=$tmp/err; }\n@test "inner" {\n' \
			"$BATS_TEST_DIRNAME"
		cat
		printf '}\n'
	} >"$tmp/inner.bats"
	env -u BATS_TEST_TMPDIR -u BATS_RUN_TMPDIR -u BATS_SUITE_TMPDIR bats --tap "$tmp/inner.bats" 3>&-
}

assert_inner_fails() {
	if inner >"$tmp/inner.out"; then
		cat "$tmp/inner.out"
		return 1
	fi
	grep -q '^not ok 1 inner' "$tmp/inner.out" || cat "$tmp/inner.out" || return
	grep -qF -e "$1" "$tmp/inner.out" || {
		cat "$tmp/inner.out"
		return 1
	}
}

@test "a true assertion holds" {
	inner <<-'X'
		capture echo one
		assert_status 0
		assert_output one
		assert_errors ''
	X
}

@test "a wrong status is noticed and both are printed" {
	assert_inner_fails '# expected: exit status 2' <<-'X'
		capture false
		assert_status 2
		true
	X
}

@test "a crash and a command that is not there are never what was expected" {
	local status

	for status in 126 127 134 139; do
		assert_inner_fails "# got:      exit status $status" <<-X
			capture bash -c 'exit $status'
			assert_status $status
			true
		X
	done
}

@test "wrong output is noticed and both are printed" {
	assert_inner_fails '# -two' <<-'X'
		capture echo one
		assert_output two
		true
	X
	assert_inner_fails '# -' <<-'X'
		capture printf one
		assert_output one
		true
	X
	assert_inner_fails '# stderr: one' <<-'X'
		capture bash -c 'echo one >&2'
		assert_errors ''
		true
	X
}

@test "a refusal of another operand is noticed, also with the right exit status" {
	assert_inner_fails '# expected: map_update: 11: REASON' <<-'X'
		assert_refused 11 map_update 10 8 80 80 0 tcp
		true
	X
}

@test "a refusal in two lines is noticed" {
	assert_inner_fails '# expected: one line on stderr' <<-'X'
		map_update() { :; }
		rules() { :; }
		assert_refused x bash -c 'echo "bash: x: y" >&2; echo more >&2; exit 2'
		true
	X
}

@test "a refusal that prints a control character is noticed" {
	assert_inner_fails '# expected: no control characters' <<-'X'
		rules() { :; }
		assert_refused x bash -c 'printf "bash: x: \e[1m\n" >&2; exit 2'
		true
	X
}

@test "a refusal that changed something is noticed" {
	assert_inner_fails '# +10.0.0.0 8 80 80 0 tcp' <<-'X'
		map_delete --all
		assert_refused x bash -c 'map_update 10.0.0.0 8 80 80 0 tcp; echo "bash: x: y" >&2; exit 2'
		true
	X
}

@test "what is silent on success but not quite is noticed" {
	assert_inner_fails '# stdout: word' <<-'X'
		assert_done echo word
		true
	X
}

@test "what hangs is noticed" {
	assert_inner_fails 'exit status 124' <<-'X'
		limit=1
		assert_done sleep 60
		true
	X
}

@test "JSON that is none or another is noticed" {
	assert_inner_fails '# expected: len(d) == 2' <<-'X'
		capture echo '[1]'
		assert_json 'len(d) == 2'
		true
	X
	assert_inner_fails '# expected: True' <<-'X'
		capture echo '[1'
		assert_json True
		true
	X
}
