# shellcheck shell=bash
# A Debian machine on which nothing is: a root made by debootstrap from the mirror in the apt sources of this one, and kept
# with what apt fetches in ~/.cache/splicer/package; and packages for it. To be sourced at the top of the tree with $O set, by
# bash -e. PACKAGE_SUITE, PACKAGE_MIRROR, PACKAGE_COMPONENTS and PACKAGE_KEYRING choose another machine.
#
# $ROOT is that root, $ROOT/test what the test brings along.

SUITE=${PACKAGE_SUITE:-$(. /etc/os-release && echo "${VERSION_CODENAME-}")}
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/splicer/package/$SUITE
ENVIRONMENT=(HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C DEBIAN_FRONTEND=noninteractive)
scratch=

# Where the time went is for who wants it shorter.
say_time() {
	echo "# $1: $SECONDS s"
	SECONDS=0
}

# skip NAME WHY
skip() {
	printf '1..1\nok 1 - %s # SKIP %s\n' "$@"
	exit
}

# quiet LOG COMMAND...: what it says is for a failure.
quiet() {
	local log=$scratch/$1
	"${@:2}" >"$log" 2>&1 </dev/null || { sed 's/^/# /' "$log" && return 1; }
}

mirror() {
	if [ -n "${PACKAGE_MIRROR-}" ]; then
		echo "$PACKAGE_MIRROR"
	else
		# shellcheck disable=SC2016  # for apt-get
		apt-get indextargets --format '$(CODENAME) $(COMPONENT) $(REPO_URI)' 'Identifier: Packages' |
			awk -v suite="$SUITE" '$1 == suite && $2 == "main" { print $3; exit }'
	fi
}

# A namespace of its own for mounts, so that none stays behind whatever happens.
base_make() {
	local from
	from=$(mirror)
	[ -n "$from" ] || skip "$1" "no mirror of $SUITE in the apt sources"
	quiet debootstrap unshare --mount debootstrap --variant=minbase \
		${PACKAGE_KEYRING:+"--keyring=$PACKAGE_KEYRING"} --components="${PACKAGE_COMPONENTS:-main}" "$SUITE" "$scratch/base" "$from" ||
		skip "$1" "debootstrap of $SUITE from $from failed"
	echo force-unsafe-io >"$scratch/base/etc/dpkg/dpkg.cfg.d/fast" # for a machine that lives for minutes
	tar -C "$scratch/base" -cf - . | zstd -q >"$CACHE/base.$$"
	mv "$CACHE/base.$$" "$CACHE/base.tar.zst"
	rm -rf "$scratch/base"
}

# machine_make NAME: a root with the package as /test/old.deb; or the test of this name is skipped.
machine_make() {
	[ "$(id -u)" = 0 ] || skip "$1" 'must be root'
	command -v debootstrap dpkg-deb zstd >/dev/null || skip "$1" 'no debootstrap here'
	mkdir -p "$CACHE/archives"
	scratch=$(mktemp -d -p "${TMPDIR:-/var/tmp}")
	ROOT=$scratch/root
	[ -e "$CACHE/base.tar.zst" ] || base_make "$1"
	mkdir -p "$ROOT"
	zstdcat "$CACHE/base.tar.zst" | tar -C "$ROOT" -xf -
	mkdir "$ROOT/test"
	scripts/packaging/deb "$O" >"$scratch/built" || { echo 'Bail out! the package cannot be built' && exit 1; }
	read -r package <"$scratch/built"
	cp "$package" "$ROOT/test/old.deb"
	say_time 'root and package'
}

machine_remove() {
	[ -z "$scratch" ] || rm -rf --one-file-system "$scratch"
}

# machine_fetch NAME PACKAGE...: beside the first. From outside, as there is no network inside.
machine_fetch() {
	# shellcheck disable=SC2016  # for the inner shell
	quiet apt unshare --mount --propagation private sh -c '
		mount --bind "$2" "$2" && cd "$2" && mount --bind "$1" var/cache/apt/archives &&
		cat /etc/resolv.conf >etc/resolv.conf && mount -t proc proc proc && shift 2 &&
		chroot . sh -c "apt-get update && exec apt-get install -y --download-only --no-install-recommends \"\$@\"" - "$@"
	' - "$CACHE/archives" "$ROOT" /test/old.deb "${@:2}" || skip "$1" 'apt cannot fetch what the package depends on'
	say_time 'what it depends on'
}

# machine_run COMMAND...: without a network; process 1 of the namespace has that root itself, as the first process of a
# machine has.
machine_run() {
	# shellcheck disable=SC2016  # for the inner shell
	unshare --mount --net --pid --fork --kill-child --propagation private -- bash -c '
		ip link set lo up && mount --bind "$1" "$1" && cd "$1" && mount -t proc proc proc && mount -t sysfs sysfs sys && mount --rbind /dev dev &&
		mount -t tmpfs tmpfs run && mount --bind "$2" var/cache/apt/archives || exit
		exec chroot . env -i "${@:3}"
	' - "$ROOT" "$CACHE/archives" "${ENVIRONMENT[@]}" "$@" </dev/null
}

# repack NAME SUFFIX [COMMAND...]: the package again as /test/NAME, of a version that is newer by the suffix, after a command in
# its files.
repack() {
	local dir=$scratch/repack
	rm -rf "$dir"
	dpkg-deb -R "$ROOT/test/old.deb" "$dir"
	sed -i "s/^Version: .*/&$2/" "$dir/DEBIAN/control"
	[ $# -lt 3 ] || (cd "$dir" && "${@:3}")
	dpkg-deb --root-owner-group -Znone -b "$dir" "$ROOT/test/$1" >/dev/null
}
