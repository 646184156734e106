# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154  # what others take, and give
# SPDX-License-Identifier: GPL-2.0-only
# What is attached to interfaces: qdiscs, filters, what keeps an interface closed, XDP programs. To be sourced after
# command.bash.

ours=splicer # what this is about, as the object and its programs are called: splicer, lb, flow, xdp_filter
declare -A other_object=([lb]=lb [flow]=flow [xdp]=xdp_filter) # by option; else splicer
HANDLE=0x1 # what tc gives the first filter of a priority
filters=() # see filters_read

# ---- which ----

# objects_take: $ours by the options
objects_take() {
	local option first=
	for option in xdp lb flow; do
		[ -n "${given[$option]-}" ] || continue
		[ -z "$first" ] || usage_error "--$option" "does not go with --$first"
		first=$option ours=${other_object[$option]}
	done
}

operands_check() {
	local iface
	[ ${#operands[@]} -gt 0 ] || usage_error 'IF' 'missing (see --help)'
	for iface in "${operands[@]}"; do
		[ -n "$iface" ] || usage_error '' 'empty name of an interface'
	done
}

interface_exists() {
	tc qdisc show dev "$1" >/dev/null 2>&1
}

# Names of all. What ip prints behind an @ may be part of a name, too.
interface_names() {
	sed -nE '3,$s/^ *(.*):[^:]*$/\1/p' /proc/net/dev
}

# has_qdisc IFACE KIND...
has_qdisc() {
	local iface=$1 kind qdisc
	shift
	while read -r _ qdisc _; do
		for kind; do
			[ "$qdisc" != "$kind" ] || return 0
		done
	done < <(tc qdisc show dev "$iface" 2>/dev/null)
	return 1
}

# ---- filters ----

# Of a line that tc prints about a filter: protocol, priority, kind, chain, handle.
LINE='^filter .*protocol ([^ ]+) pref ([0-9]+) ([^ ]+) chain ([0-9]+)( handle ([^ ]+))?'
# Id and name of its program; id alone, with the name that tc itself gave the filter, by file and section.
PROGRAM=' id ([0-9]+) name ([^ ]+) tag '
UNNAMED=' handle [^ ]+ (splicer[^ ]*|lb|flow)\.o:\[action(/egress)?\] .* id ([0-9]+) tag '

# program_find LINE: fills $program and $id of a filter. Older versions of tc do not tell names of programs.
program_find() {
	program=- id=-
	if [[ $1 =~ .*$PROGRAM ]]; then
		id=${BASH_REMATCH[1]} program=${BASH_REMATCH[2]}
	elif [[ $1 =~ $UNNAMED ]]; then
		id=${BASH_REMATCH[3]} program=${BASH_REMATCH[1]}
		[[ $program != splicer* ]] || program=splicer
		[ -n "${BASH_REMATCH[2]}" ] && program+=_egress || program+=_ingress
	fi
}

# filters_read IFACE HOOK: fills $filters, "PRIO CHAIN HANDLE PROTOCOL KIND PROGRAM ID" each. What tc prints of a
# priority as a whole is one too, with the handle -.
filters_read() {
	local line output program id
	filters=()
	if ! output=$(tc filter show dev "$1" "$2" 2>&1); then
		reason="cannot read its filters: ${output%%$'\n'*}"
		return 1
	fi
	while read -r line; do
		[[ $line =~ $LINE ]] || continue
		set -- "${BASH_REMATCH[@]}"
		program_find "$line "
		filters+=("$3 $5 ${7:--} $2 $4 $program $id")
	done <<<"$output"
}

# Those of $filters whose program is this.
filters_of() {
	[ ${#filters[@]} -eq 0 ] || printf '%s\n' "${filters[@]}" | awk -v program="$1" '$6 == program'
}

# filter_remove IFACE HOOK FILTER: a line of filters_read. One that is gone meanwhile is as good as removed.
filter_remove() {
	local iface=$1 hook=$2 prio chain handle protocol kind
	read -r prio chain handle protocol kind _ <<<"$3"
	if ! change tc filter del dev "$iface" "$hook" protocol "$protocol" prio "$prio" chain "$chain" \
		handle "$handle" "$kind"; then
		local why=$reason
		filters_read "$iface" "$hook" || return
		if filters_of "${ours}_$hook" | grep -qxF -e "$3"; then
			reason="cannot remove the filter with prio $prio: $why"
			return 1
		fi
	fi
	say D "$iface $hook prio $prio handle $handle"
}

# A plain ingress qdisc will do for ingress, and is never replaced. If somebody else adds one at this moment that will
# do as well.
clsact_add() {
	clsact_added=
	! has_qdisc "$1" clsact ingress || return 0
	if change tc qdisc add dev "$1" clsact; then
		[ -n "${given[dry-run]-}" ] || clsact_added=1
		say A "$1 clsact"
	else
		has_qdisc "$1" clsact ingress || { reason="cannot add clsact: $reason" && return 1; }
	fi
}

# ---- an interface that is closed ----

# A filter that drops everything, before all others. It needs no object, so it can be had when that cannot.
CLOSED_PRIO=1
CLOSED_HANDLE=0xc105ed
CLOSED_PROGRAM='1,6 0 0 2' # of classic BPF: return TC_ACT_SHOT

# closed_hooks IFACE: on an ingress qdisc, what leaves cannot be kept.
closed_hooks() {
	echo ingress
	! has_qdisc "$1" clsact || echo egress
}

is_closed() {
	filters_read "$1" ingress && [[ " ${filters[*]-} " == *" $CLOSED_PRIO 0 $CLOSED_HANDLE all bpf "* ]]
}

# interface_close IFACE
interface_close() {
	local hook
	clsact_add "$1" || return
	for hook in $(closed_hooks "$1"); do
		if ! change tc filter replace dev "$1" "$hook" protocol all prio "$CLOSED_PRIO" handle "$CLOSED_HANDLE" \
			bpf direct-action bytecode "$CLOSED_PROGRAM"; then
			reason="cannot close its $hook: $reason"
			return 1
		fi
	done
	say A "$1 closed"
}

# interface_open IFACE: egress first: what leaves is known before its replies are decided.
interface_open() {
	local hook filter
	for hook in $(closed_hooks "$1" | tac); do
		filters_read "$1" "$hook" || return
		for filter in "${filters[@]}"; do
			[[ $filter == "$CLOSED_PRIO 0 $CLOSED_HANDLE all bpf "* ]] || continue
			if ! change tc filter del dev "$1" "$hook" protocol all prio "$CLOSED_PRIO" handle "$CLOSED_HANDLE" bpf; then
				reason="cannot open its $hook: $reason"
				return 1
			fi
		done
	done
	say D "$1 closed"
}

# ---- XDP ----

# xdp_read IFACE: fills $link_type, and of what is attached $xdp_mode as ip sets it (empty: nothing), $xdp_id, $xdp_name.
xdp_read() {
	local line
	link_type='' xdp_mode='' xdp_id=- xdp_name=-
	if ! line=$(ip -o -d link show dev "$1" 2>&1); then
		reason="cannot read its XDP program: ${line%%$'\n'*}"
		return 1
	fi
	[[ ! $line =~ ' link/'([a-z0-9]+) ]] || link_type=${BASH_REMATCH[1]}
	[[ $line =~ ' mtu '[0-9]+' '(xdp[a-z]*)[/\ ] ]] || return 0
	xdp_mode=${BASH_REMATCH[1]}
	[ "$xdp_mode" != xdp ] || xdp_mode=xdpdrv
	[[ ! $line =~ ' prog/xdp id '([0-9]+) ]] || xdp_id=${BASH_REMATCH[1]}
	[[ ! $line =~ ' prog/xdp id '[0-9]+' name '([^\ ]+) ]] || xdp_name=${BASH_REMATCH[1]}
}

xdp_is_ours() {
	[ "$xdp_name" = xdp_filter ]
}

# xdp_word MODE: how the mode is called.
xdp_word() {
	case $1 in
	xdpdrv) echo native ;;
	*) echo "${1#xdp}" ;;
	esac
}
