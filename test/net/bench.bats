#!/usr/bin/env bats
# The bench runs to its end and prints every row. What the numbers are is its own matter: nothing here asserts a time.

# shellcheck disable=SC2154  # out and err are filled by helpers.bash
load helpers

setup_file() {
	export BENCH_QUICK=1 O=${LAB_OBJECTS:?}
	cd "$BATS_TEST_DIRNAME/../.." || return
	scripts/bench -j >"$BATS_FILE_TMPDIR/rows" 2>"$BATS_FILE_TMPDIR/errors" 3>&- ||
		echo "exit $?" >>"$BATS_FILE_TMPDIR/errors"
}

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return
	rows=$BATS_FILE_TMPDIR/rows
}

@test "every row of the parts is there, with numbers that can be" {
	assert_equal "$(cat "$BATS_FILE_TMPDIR/errors")" ''
	assert_exit 0 bench_rows <"$rows"
	assert_equal "$out" ''
}

@test "the columns of nft are filled" {
	assert_exit 0 grep -c '"kind":"firewall".*"nft_set_load_ms":[0-9]' "$rows"
	assert_equal "$out" 3
	assert_exit 0 grep -c '"kind":"router".*"nft_split_insert":[0-9]' "$rows"
	assert_equal "$out" 3
}

@test "what drops beside xdp_filter.o has its columns" {
	assert_exit 0 grep -c '"block":"run".*"kind":"hosts".*"tools_10k":[-0-9].*"tools_same":' "$rows"
	assert_equal "$out" 30
	assert_exit 0 grep -c '"block":"drop".*"kind":"hosts".*"tools_10k":[0-9].*"nft":[0-9]' "$rows"
	assert_equal "$out" 12
	assert_exit 0 grep -c '"block":"all".*"nft_load_ms":[0-9].*"nft_list_ms":[0-9]' "$rows"
	assert_equal "$out" 2
}

@test "what does the same beside lb.o has its columns" {
	assert_exit 0 grep -c '"part":"lb".*"nft":[0-9].*"nft_share":[0-9]' "$rows"
	assert_equal "$out" 14
}

@test "what observes beside flow.o has its columns" {
	assert_exit 0 grep -c '"part":"flow".*"softflowd":[0-9].*"softflowd_share":[0-9]' "$rows"
	assert_equal "$out" 8
}

@test "lines of trace_pipe are counted where there is tracefs" {
	assert_exit 0 grep -c '"reader":"cat trace_pipe","packets":[1-9].*"rate_over_pipe":1' "$rows"
	assert_equal "$out" 1
}

@test "the plot has a curve for each kind, beside those of the probe" {
	assert_exit 0 test/bench/plot.py <"$rows"
	assert_exit 0 python3 -c 'import sys, xml.dom.minidom as m
print(len(m.parseString(sys.argv[1]).getElementsByTagName("polyline")) >= 5)' "$out"
	assert_equal "$out" True
}

@test "what has a budget is printed as a table and as Markdown, with the machine" {
	assert_exit 0 test/bench/budgets.py <"$rows"
	assert_match "$out" $'\nmemory of all maps, no rules +≤ 32 MiB +[0-9.]+ MiB +- +- +- +yes +1 '
	assert_match "$out" $'\n'"Linux $(uname -r), .* processors"
	assert_exit 0 test/bench/budgets.py --markdown <"$rows"
	assert_match "$out" $'\n\| memory of all maps, no rules \| ≤ 32 MiB \| [0-9.]+ MiB \| - \| - \| yes \|\n'
	assert_exit 2 test/bench/budgets.py --html <"$rows"
}

@test "the README has a place for that table" {
	assert_exit 0 grep -c '^<!-- scripts/bench --readme: \(begin\|end\)' README.md
	assert_equal "$out" 2
}

@test "a part that is none is refused" {
	assert_exit 2 scripts/bench paths
	assert_match "$err" 'bench: paths: no such part, there are: path rules state events xdp lb flow divert budgets'
}
