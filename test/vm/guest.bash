# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # what scripts/vm and the other parts use or give
# A guest: what its initramfs is made of, and qemu. For scripts/vm, which sets $tmp, $qemu and say().

# Far above what a boot takes, on a busy machine too: for a guest that hangs.
BOOT_SECONDS=900
BOOTS=3

# ---- initramfs

# A program and the shared libraries it names; the loader must keep its path.
program_copy() {
	local root=$1 program=$2 library

	cp -L "$(command -v "$program")" "$root/bin/"
	# ldd fails for a static program, which needs nothing.
	{ ldd "$(command -v "$program")" 2>/dev/null || true; } |
		sed -n 's/^[^/]*\(\/[^ ]*\).*/\1/p' | while read -r library; do
		case $library in
		*/ld-linux*) cp -L --parents "$library" "$root/" ;;
		*) cp -L "$library" "$root/lib/" ;;
		esac
	done
}

# Debian's package has no modules.dep (depmod makes it at installation), but each
# module names what it needs.
module_copy() {
	local kernel=$1 root=$2 name=$3 file need

	if [ -e "$root/modules/$name.ko" ]; then return; fi
	file=$(find "$kernel" -name "$name.ko*" -print -quit)
	# Not a file: compiled into the kernel, or the load will tell.
	if [ -z "$file" ]; then return; fi
	case $file in
	*.xz) xz -dc "$file" ;;
	*.zst) zstd -dcq "$file" ;;
	*) cat "$file" ;;
	esac > "$root/modules/$name.ko"

	for need in $(tr '\0' '\n' < "$root/modules/$name.ko" | sed -n 's/^depends=//p' | tr ',' ' '); do
		module_copy "$kernel" "$root" "$need"
	done
	printf '%s\n' "$name.ko" >> "$root/modules/order"
}

# All but those that would shadow the real programs.
applets_link() {
	local root=$1 applet

	busybox --list | while read -r applet; do
		if [ ! -e "$root/bin/$applet" ]; then ln -s busybox "$root/bin/$applet"; fi
	done
}

# root_make KERNEL ROOT INIT "PROGRAM..." "MODULE...": the directory that becomes an initramfs
root_make() {
	local kernel=$1 root=$2 init=$3 programs=$4 modules=$5 one

	mkdir -p "$root/bin" "$root/lib" "$root/modules"
	: > "$root/modules/order"
	for one in $programs busybox; do
		program_copy "$root" "$one"
	done
	applets_link "$root"
	for one in $modules; do
		module_copy "$kernel" "$root" "$one"
	done
	install -m 755 "$init" "$root/init"
}

initramfs_pack() {
	(cd "$1" && find . | cpio -o -H newc -R 0:0 --quiet) > "$2"
}

# ---- qemu

# guest_start KERNEL WORK SECONDS "WORD..." [OPTION]...: fills $qemu. The WORDs are for the
# kernel, the options for qemu.
#
# Software emulation only: hardware acceleration may be present and hang. On a busy machine
# the kernel's check of its timer fails, and the boot with it. The flags after a cmpxchg16b of
# qemu 7.2 are wrong now and then, and the kernel dies of a double fault: it does without.
guest_start() {
	local kernel=$1 work=$2 seconds=$3 words=$4
	shift 4

	: > "$work/results"
	timeout --kill-after=5 "$seconds" nice -n 10 qemu-system-x86_64 \
		-accel tcg -cpu max,-cx16 "$@" \
		-nodefaults -no-user-config -display none -no-reboot \
		-serial "file:$work/console" -serial "file:$work/results" \
		-kernel "$(find "$kernel" -name 'vmlinuz*' -print -quit)" -initrd "$work/initramfs" \
		-append "console=ttyS0 quiet panic=-1 no_timer_check $words" < /dev/null > "$work/qemu" 2>&1 &
	qemu=$!
}

# guest_end WORK SECONDS: waits for the end of it
guest_end() {
	local work=$1 seconds=$2 status=0

	wait "$qemu" || status=$?
	qemu=
	if [ "$status" -eq 124 ]; then
		echo "the guest did not end in $seconds seconds" >> "$work/qemu"
	fi
}

# Under emulation some kernels fall now and then while they boot: that says nothing about
# what is tested. BEGIN is a pattern of what the guest says on the console when it begins.
guest_fell_early() {
	local work=$1 begin=$2
	grep -q 'Kernel panic' "$work/console" && ! tr -d '\r' < "$work/console" | grep -q "$begin"
}

# ---- files of this machine

virtiofsd_find() {
	local program
	for program in /usr/libexec/virtiofsd /usr/lib/qemu/virtiofsd; do
		if [ -x "$program" ]; then
			echo "$program"
			return
		fi
	done
	return 1
}
