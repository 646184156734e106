# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154  # what others take, and give
# SPDX-License-Identifier: GPL-2.0-only
# What the service attaches at each start of the system. To be sourced after command.bash and interfaces.bash.

# A file for each interface: a line for each object, "splicer", "lb", "flow" or "xdp", and options of attach.
RECORDS=$CONFIG/attach

# $ours, as a record has it and as the option is called.
object_word() {
	echo "${ours%_filter}"
}

# record_read IFACE: its lines, without comments and blank ones, and blanks around them.
record_read() {
	[ ! -e "$RECORDS/$1" ] || sed -E '/^[[:space:]]*(#|$)/d; s/^[[:space:]]+|[[:space:]]+$//g' "$RECORDS/$1"
}

record_options() {
	local option
	for option in force ingress-only; do
		[ -z "${given[$option]-}" ] || printf ' --%s' "$option"
	done
	for option in prio egress-prio; do
		[ -z "${given[$option]-}" ] || printf ' --%s %s' "$option" "${given[$option]}"
	done
	[ -z "${given[object]-}" ] || printf ' --object %s' "$(realpath -- "${given[object]}")"
}

# record_lines IFACE LINE...: what others have there, and the lines.
record_lines() {
	echo '# splicer_service attaches these; see splicer_attach(8)'
	record_read "$1" | awk -v ours="$(object_word)" '$1 != ours'
	shift
	[ $# -eq 0 ] || printf '%s\n' "$@"
}

# record_put IFACE LINE...: it appears whole.
record_put() {
	local file=$RECORDS/$1
	if ! mkdir -p "$RECORDS" || ! record_lines "$@" >"$file.new" || ! sync "$file.new" || ! mv "$file.new" "$file"; then
		rm -f "$file.new"
		return 1
	fi
}

# systemctl ARG... IFACE: for its unit. Without systemd, whatever starts the box is to call splicer_service.
unit_tell() {
	local iface=${*: -1} unit
	if ! command -v systemctl >/dev/null; then
		printf '%s: %s: recorded in %s; there is no systemctl here, so have "splicer_service start" called\n' \
			"$name" "$iface" "$RECORDS/$iface"
		return
	fi
	unit=$(systemd-escape --template=splicer@.service -- "$iface") &&
		change systemctl "${@:1:$#-1}" "$unit" && return
	reason="recorded in $RECORDS/$iface, but systemctl says: $reason"
	return 1
}

# now_too: the unit is to be active, to save the state when it stops; in a root that does not run there is nothing to start.
now_too() {
	[ ! -d /run/systemd/system ] || echo --now
}

persist_check() {
	local iface word
	[ -n "${given[persist]-}" ] || return 0
	for iface in "${operands[@]}"; do
		case $iface in
		. | .. | */* | *[[:space:]]*) usage_error "$iface" 'not the name of an interface, so it cannot be recorded' ;;
		esac
	done
	word=${given[object]-}
	[[ $word != *[[:space:]]* ]] || usage_error "$word" 'a name with blanks cannot be recorded'
}

# attach_persist IFACE
attach_persist() {
	local line
	line=$(object_word)$(record_options)
	if ! change record_put "$1" "$line"; then
		reason="cannot write $RECORDS/$1: $reason"
		return 1
	fi
	say A "$RECORDS/$1 $line"
	# shellcheck disable=SC2046  # a word or none
	unit_tell -q enable $(now_too) "$1"
}

# persist_each COMMAND IFACE...: after the lock is given back, as the service that is started attaches too.
persist_each() {
	local command=$1 iface status=0
	[ -n "${given[persist]-}" ] || return 0
	shift
	attachments_unlock
	for iface; do
		"$command" "$iface" || { complain "$iface" "$reason" && status=1; }
	done
	return "$status"
}
