# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # what scripts/vm and the other parts use or give
# Kernels that Debian ships: found in the cache, or fetched to it. For scripts/vm, which sets $cache and $tmp.
#
# These functions run inside conditions, where "set -e" is off: each step says itself
# what happens when it fails. The reason goes to $tmp/reason.

KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

reason_set() {
	printf '%s\n' "$*" > "$tmp/reason"
}

# apt's own words: a missing key (apt's error says only "not signed"), else the first
# error, else the first warning.
reason_from_apt() {
	local line
	read -r line < <(grep -m 1 NO_PUBKEY "$1" || grep -m 1 '^E:' "$1" ||
		grep -m 1 '^W:' "$1" || tail -n 1 "$1")
	reason_set "${line:-apt-get failed}"
}

# Origin and label tell the main archive from security and from other vendors' sources.
mirror_find() {
	# shellcheck disable=SC2016 # apt expands these
	apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
		sed -n 's/^Debian|Debian|//p' | head -n 1
}

# A configuration that takes from the machine only how to reach a mirror (proxies,
# certificates). It runs as the caller because apt's own user cannot enter the caller's
# directories; what arrives is checked against the keyring all the same.
apt_configure() {
	local state=$1 mirror=$2 suite=$3

	mkdir -p "$state/lists/partial" "$state/cache/archives/partial"
	: > "$state/status"
	printf 'deb [arch=amd64 target=Packages signed-by=%s] %s %s main\n' \
		"$KEYRING" "$mirror" "$suite" > "$state/sources.list"
	{
		apt-config dump | grep '^Acquire::'
		cat <<-CONF
			Dir::State "$state";
			Dir::State::lists "$state/lists";
			Dir::State::status "$state/status";
			Dir::Cache "$state/cache";
			Dir::Etc::sourcelist "$state/sources.list";
			Dir::Etc::sourceparts "/dev/null";
			Dir::Etc::main "/dev/null";
			Dir::Etc::parts "/dev/null";
			Dir::Etc::preferences "/dev/null";
			Dir::Etc::preferencesparts "/dev/null";
			APT::Architecture "amd64";
			APT::Architectures { "amd64"; };
			APT::Sandbox::User "root";
			APT::Update::Error-Mode "any";
		CONF
	} > "$state/apt.conf"
}

# Newer Debian splits the image: linux-image needs linux-binary and linux-modules.
kernel_packages() {
	apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts \
		--no-breaks --no-replaces --no-enhances linux-image-cloud-amd64 2>/dev/null |
		grep -E '^linux-(image|binary|modules)-[0-9]' | sort -u
}

packages_download() {
	local state=$1 packages

	timeout 300 apt-get -q update > "$state/log" 2>&1 ||
		{ reason_from_apt "$state/log"; return 1; }
	mapfile -t packages < <(kernel_packages)
	[ ${#packages[@]} -gt 0 ] ||
		{ reason_set "no linux-image-cloud-amd64 in this suite"; return 1; }
	(cd "$state" && timeout 600 apt-get -q download "${packages[@]}") > "$state/log" 2>&1 ||
		{ reason_from_apt "$state/log"; return 1; }
}

packages_unpack() {
	local state=$1 dir=$2 package images=("$1"/linux-image-*.deb)

	mkdir -p "$dir" || return 1
	for package in "$state"/*.deb; do
		dpkg -x "$package" "$dir" || return 1
	done
	dpkg-deb -f "${images[0]}" Version > "$dir/version"
}

# Unpacked beside its final place and renamed, so that an interrupted run leaves no half kernel.
kernel_fetch() {
	local suite=$1 dir=$2 state=$tmp/apt/$1 mirror

	command -v apt-get > /dev/null ||
		{ reason_set "no apt-get to fetch it with"; return 1; }
	[ -r "$KEYRING" ] ||
		{ reason_set "$KEYRING: not there (package debian-archive-keyring)"; return 1; }
	mirror=$(mirror_find)
	[ -n "$mirror" ] ||
		{ reason_set "no Debian archive in this machine's apt sources (or no apt-get update yet)"; return 1; }

	progress "$suite: fetching its kernel"
	apt_configure "$state" "$mirror" "$suite"
	APT_CONFIG=$state/apt.conf packages_download "$state" || return 1
	packages_unpack "$state" "$dir.$$" ||
		{ rm -rf "$dir.$$"; reason_set "cannot be unpacked to $dir.$$"; return 1; }
	# Another run may have been quicker; its kernel is as good.
	mv -T "$dir.$$" "$dir" 2>/dev/null || rm -rf "$dir.$$"
}

# Prints the directory of the first suite's kernel that is there or can be fetched.
kernel_find() {
	local suite dir

	for suite in "$@"; do
		dir=$cache/$suite
		if [ -f "$dir/version" ] || kernel_fetch "$suite" "$dir" >&2; then
			printf '%s\n' "$dir"
			return 0
		fi
		say "$suite: kernel not to be had: $(cat "$tmp/reason")"
	done
	return 1
}
