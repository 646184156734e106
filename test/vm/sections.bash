# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # what scripts/vm and the other parts use or give
# Sections of objects that a kernel is to load: see test/vm/init. For scripts/vm.

SECTION_MODULES='sch_ingress cls_bpf veth'
SECTION_MEMORY=2048
INSNS_LIMIT=200000

objects=() sections=() hooks=()
section_rows=()

section_add() {
	local hook=${1##*:} rest=${1%:*}
	local section=${rest##*:} object=${rest%:*}

	[[ $1 == *:*:* && -n $object && -n $section ]] ||
		die 2 "$1: not OBJECT:SECTION:HOOK"
	[[ $hook == ingress || $hook == egress || $hook == xdp ]] ||
		die 2 "$1: hook is not ingress, egress or xdp"
	[[ $section != *[[:space:]]* ]] ||
		die 2 "$1: white space in the section name"
	[[ -f $object && -r $object ]] || die 1 "$object: cannot be read"

	objects+=("$object") sections+=("$section") hooks+=("$hook")
}

# Objects keep their name, which tc shows, each in a directory of its own.
sections_copy() {
	local root=$1 i

	for i in "${!objects[@]}"; do
		mkdir -p "$root/objects/$i"
		cp -L "${objects[i]}" "$root/objects/$i/"
		printf '%s\t%s\t%s\t%s\n' "$i" "/objects/$i/${objects[i]##*/}" \
			"${sections[i]}" "${hooks[i]}" >> "$root/operands"
	done
}

# The part of the console's log that belongs to a section; all of it when the guest did
# not get that far.
section_log() {
	local work=$1 index=$2

	{
		tr -d '\r' < "$work/console" |
			awk -v index_="$index" '/^=== / { mine = $2 == index_ } mine' | grep . ||
			tail -n 100 "$work/console"
		cat "$work/qemu"
	} 2>/dev/null | sed 's/^/    /' >&2
}

section_row() {
	local version=$1 i=$2 result=$3 insns=$4

	section_rows+=("$version"$'\t'"${objects[i]##*/}"$'\t'"${sections[i]}"$'\t'"$result"$'\t'"$insns")
}

section_result() {
	local version=$1 work=$2 i=$3 result='' insns='' reason=''

	IFS='|' read -r result insns reason < <(
		tr -d '\r' < "$work/results" 2>/dev/null |
			awk -F'\t' -v OFS='|' -v index_="$i" '$1 == index_ { print $2, $3, $4; exit }') || true
	if [ -z "$result" ]; then
		result=fail insns=- reason='no result from the guest'
	elif [ "$result" = pass ] && [ "$insns" -gt "$INSNS_LIMIT" ]; then
		result=fail reason="$insns verified instructions, the limit is $INSNS_LIMIT"
	fi

	section_row "$version" "$i" "$result" "$insns"
	if [ "$result" = pass ]; then
		passed=$((passed + 1))
		return
	fi
	failed=$((failed + 1))
	say "${objects[i]}:${sections[i]}:${hooks[i]}: kernel $version: $reason"
	section_log "$work" "$i"
}

sections_skip() {
	local i

	for i in "${!objects[@]}"; do
		section_row "$1" "$i" skip -
		skipped=$((skipped + 1))
	done
}

sections_check() {
	local kernel=$1 version=$2 work i

	[ ${#objects[@]} -gt 0 ] || return 0
	work=$(mktemp -d "$tmp/guest.XXXXXX")
	root_make "$kernel" "$work/root" "$here/init" 'tc ip perl' "$SECTION_MODULES"
	sections_copy "$work/root"
	initramfs_pack "$work/root" "$work/initramfs"
	progress "$version: loading sections"
	for ((i = 0; i < BOOTS; i++)); do
		guest_start "$kernel" "$work" "$BOOT_SECONDS" '' -m "$SECTION_MEMORY"
		guest_end "$work" "$BOOT_SECONDS"
		guest_fell_early "$work" '^=== ' || break
		say "kernel $version: fell before it came to the objects, booted anew"
	done
	for i in "${!objects[@]}"; do
		section_result "$version" "$work" "$i"
	done
}
