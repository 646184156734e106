# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154  # what others take, and give
# SPDX-License-Identifier: GPL-2.0-only
# What all scripts are as commands: where things are, what is said, options from one table, steps that may fail.
# To be sourced with $here set; --help is made of $synopsis, $summary and $rows.

set -uo pipefail

# make install puts its own values on these lines
OBJECT=${here%/*}/build/splicer.o
TOOLS=${here%/*}/build
VERSION=$(sed -nE 's/^#define SPLICER_VERSION "(.*)"$/\1/p' "${here%/*}/lib/version.h")
CONFIG=/etc/splicer # what an administrator decides
STATE=/var/lib/splicer
RUN=/run/splicer

name=${0##*/}
synopsis='[OPTION]... IF...'
operands=()
declare -A given=() # options by their long name
common_rows=(
	'dry-run|n||change nothing, say what would be done'
	'verbose|v||say what was done: A added, C changed, D deleted, = unchanged'
	'help|h||print this and exit'
	'version|V||print the version and exit'
)
reason= # why the last step failed
said=0  # 1: what was to be said could not be written

# ---- what is said ----

# Text from outside, on one line and without what a terminal obeys.
printable() {
	printf '%s' "${1//[![:print:]]/?}"
}

complain() {
	printf '%s: %s: %s\n' "$name" "$(printable "$1")" "$(printable "$2")" >&2
}

usage_error() {
	complain "${1:-''}" "$2"
	exit 2
}

# say LETTER WHAT
say() {
	[ -z "${given[verbose]-}${given[dry-run]-}" ] || printf '%s %s\n' "$1" "$(printable "$2")" || said=1
}

# ---- options, from one table: "NAME|LETTER|ARGUMENT|HELP" each; letters take no argument ----

help_print() {
	local row long letter argument text
	printf 'usage: %s %s\n\n%s\n\n' "$name" "$synopsis" "$summary" || return
	for row in "${rows[@]}"; do
		IFS='|' read -r long letter argument text <<<"$row"
		printf '  %-28s %s\n' "$(printf '%-3s --%s' "${letter:+-$letter,}" "$long${argument:+ $argument}")" "$text" ||
			return
	done
}

# Fills $row_name and $row_argument from the row whose field 1 (name) or 2 (letter) is this.
row_find() {
	local row letter
	for row in "${rows[@]}"; do
		IFS='|' read -r row_name letter row_argument _ <<<"$row"
		case $1 in
		name) [ "$row_name" != "$2" ] || return 0 ;;
		letter) [ "$letter" != "$2" ] || return 0 ;;
		esac
	done
	return 1
}

option_take() {
	given[$1]=$2
	case $1 in
	help)
		help_print
		exit
		;;
	version)
		printf '%s %s\n' "$name" "$VERSION"
		exit
		;;
	esac
}

letters_take() {
	local letters=${1#-} i
	for ((i = 0; i < ${#letters}; i++)); do
		row_find letter "${letters:i:1}" || usage_error "-${letters:i:1}" 'unknown option (see --help)'
		option_take "$row_name" 1
	done
}

# Takes a long option; returns 1 when its argument was the word after it.
long_take() {
	local word=$1 long=${1%%=*}
	row_find name "${long#--}" || usage_error "$long" 'unknown option (see --help)'
	if [ -z "$row_argument" ]; then
		[ "$word" = "$long" ] || usage_error "$word" 'takes no argument'
		option_take "$row_name" 1
	elif [ "$word" != "$long" ]; then
		option_take "$row_name" "${word#*=}"
	else
		[ $# -gt 1 ] || usage_error "$word" 'needs an argument'
		option_take "$row_name" "$2"
		return 1
	fi
}

options_parse() {
	while [ $# -gt 0 ]; do
		case $1 in
		--)
			operands+=("${@:2}")
			break
			;;
		--*) long_take "$@" || shift ;;
		-?*) letters_take "$1" ;;
		*) operands+=("$1") ;;
		esac
		shift
	done
}

# ---- steps ----

# Runs a command; if it fails, $reason is the first line that it printed: the cause, as later ones are consequences.
step() {
	local output
	output=$("$@" 2>&1) && return
	[ -z "${given[verbose]-}" ] || sed -e 's/[^[:print:]]/?/g' -e 's/^/  /' <<<"$output" >&2
	reason=${output%%$'\n'*}
	reason=${reason#Error: }
	reason=${reason%[.!]}
	: "${reason:=${1##*/} failed}"
	return 1
}

# The same for a step that changes something, which a dry run leaves out.
change() {
	[ -n "${given[dry-run]-}" ] || step "$@"
}
