#!/bin/sh
# Usage: [BIN=FOLDER] scripts/demo.sh
# A host is looked at, an image of one is tuned and taken back, and vimg is at work on a disk
# image as a guest would have it: a partition table, a file system, files from this machine.
# In the end vemu boots a guest with it.
# Needs no privileges, mounts nothing, changes nothing here, cleans up after itself.
# Every command is shown as it runs; the first that fails ends the demo.
set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
BIN=${BIN:-$top/build/release/bin}
PATH=$PATH:/usr/sbin:/sbin
LC_ALL=C
export LC_ALL

for tool in sfdisk mke2fs debugfs e2fsck cpio modprobe; do
	command -v "$tool" >/dev/null || {
		echo "demo: $tool is missing; 'scripts/setup demo' installs it" >&2
		exit 1
	}
done

work=$(mktemp -d "${TMPDIR:-/tmp}/hostkit-demo.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
cd "$work"

# The programs just built, whatever PATH says.
vimg() { "$BIN/vimg" "$@"; }
vtune() { "$BIN/vtune" "$@"; }
vhuge() { "$BIN/vhuge" "$@"; }
vemu() { timeout 300 "$BIN/vemu" "$@"; }

bold='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
	bold=$(printf '\033[1m') plain=$(printf '\033[0m')
fi
part() { printf '\n%s== %s%s\n' "$bold" "$*" "$plain"; }
note() { printf '   %s\n' "$*"; }

show() {
	printf '\n%s$' "$bold"
	for word; do
		case $word in
		*[!A-Za-z0-9_./=,:+%@-]*) printf " '%s'" "$word" ;;
		*) printf ' %s' "$word" ;;
		esac
	done
	printf '%s\n' "$plain"
}

# run [STATUS] CMD...: shows the command and runs it; it must end with STATUS (0).
run() {
	want=0
	case $1 in
	[0-9]) want=$1; shift ;;
	esac
	show "$@"
	got=0
	"$@" || got=$?
	if [ "$got" -ne "$want" ]; then
		echo "demo: that ended with status $got, expected $want" >&2
		exit 1
	fi
}

part "Can guests run on this machine?"
# 3 says that something is missing for that, which is no fault of the demo.
show hostcheck
got=0
"$BIN/hostcheck" || got=$?
[ "$got" -eq 0 ] || [ "$got" -eq 3 ] || exit 1

part "A bare system becomes a virtualization host (an image of one, in a scratch folder)"
mkdir -p root/etc/init.d root/etc/qemu root/bin root/sbin root/var/lib
printf 'ID=alpine\nNAME="Alpine Linux"\nVERSION_ID=3.20\nPRETTY_NAME="Alpine Linux v3.20"\n' >root/etc/os-release
printf 'root:x:0:0:root:/root:/bin/sh\n' >root/etc/passwd
printf 'root:x:0:\nkvm:x:34:\n' >root/etc/group
printf 'root:*:19000:0:::::\n' >root/etc/shadow
printf '# modules to load at boot\n' >root/etc/modules
printf '/dev/vda3\t/\text4\trw,relatime 0 1\n' >root/etc/fstab
cp -R root before
run vtune plan --root root --profile "$top/etc/hostkit/kvm-host.ini"
if [ "$(id -u)" -eq 0 ]; then
	run vtune apply --root root --profile "$top/etc/hostkit/kvm-host.ini"
	run vtune apply --root root --profile "$top/etc/hostkit/kvm-host.ini"
	run vtune verify --root root --profile "$top/etc/hostkit/kvm-host.ini"
	run cat root/etc/modules root/etc/qemu/bridge.conf
	run vtune revert --root root
	run diff -r before root
else
	note "what follows, apply and revert, gives files to other owners, so only root can do it"
fi
run vhuge size --guest 256M --guest 512M

part "A disk as a guest has it: GPT, ext4, files from this machine"
mkdir files
used=0
for dir in /usr/include /usr/share/doc /usr/share/man /usr/share/perl /usr/lib/git-core /usr/bin; do
	[ -d "$dir" ] || continue
	size=$(du -sk "$dir" 2>/dev/null | cut -f1)
	[ $((used + size)) -le 160000 ] || continue
	# What this user may not read stays out.
	cp -RP "$dir" files/ 2>/dev/null || :
	used=$((used + size))
done
for kernel in /boot/vmlinuz*; do
	if [ -f "$kernel" ] && [ -r "$kernel" ]; then
		cp "$kernel" files/
		break
	fi
done
cp "$top/README.md" files/
note "$(find files -type f | wc -l) files, $(du -sm files | cut -f1) MiB"

run truncate -s 512M disk.raw
printf '\n%s$ sfdisk --quiet disk.raw <<end%s\n' "$bold" "$plain"
cat >table <<'end'
label: gpt
start=1MiB, size=500MiB, type=linux, name="root"
end
cat table
sfdisk --quiet disk.raw <table
run mke2fs -q -t ext4 -L root -d files -E offset=1048576 disk.raw 500M
run vimg info disk.raw

part "Convert it"
run vimg measure -O qcow2 disk.raw
run vimg convert -f raw -O qcow2 disk.raw disk.qcow2
run vimg info disk.qcow2
run vimg compare -f raw -F qcow2 disk.raw disk.qcow2
run vimg check disk.qcow2

part "Compress it"
run vimg convert -c -f raw -O qcow2 disk.raw zlib.qcow2
run vimg convert -c -f raw -O qcow2 -o compression_type=zstd disk.raw zstd.qcow2
run ls -gos disk.raw disk.qcow2 zlib.qcow2 zstd.qcow2
run vimg compare -f raw -F qcow2 disk.raw zstd.qcow2

part "An overlay for a guest, and a snapshot to come back to"
run vimg create -f qcow2 -b zstd.qcow2 -F qcow2 guest.qcow2
run vimg info --backing-chain guest.qcow2
run vimg snapshot -c before guest.qcow2
note "the guest overwrites some of its disk:"
run vimg bench -w --pattern=65 -c 500 -s 64k -d 4 -f qcow2 guest.qcow2
run 1 vimg compare guest.qcow2 zstd.qcow2
run vimg snapshot -l guest.qcow2
run vimg snapshot -a before guest.qcow2
run vimg compare guest.qcow2 zstd.qcow2
run vimg snapshot -d before guest.qcow2
run vimg check guest.qcow2

part "Where the bytes are"
printf '\n%s$ vimg map disk.qcow2 | head -n 6%s\n' "$bold" "$plain"
vimg map disk.qcow2 >map.txt
head -n 6 map.txt

part "How to open it: caches, and what could be better"
run vimg cache guest.qcow2
run vimg cache --size 2T --cluster-size 64k --budget 16M
run vimg tune disk.qcow2

part "Grow it, and bring it back to raw: the files are still there"
run vimg resize disk.qcow2 +1G
run vimg convert -O raw zstd.qcow2 back.raw
run vimg compare -f raw -F raw disk.raw back.raw
run e2fsck -fn 'back.raw?offset=1048576'
run debugfs -R 'dump README.md README.back' 'back.raw?offset=1048576'
run cmp files/README.md README.back

if command -v qemu-img >/dev/null; then
	part "QEMU's own tool reads the same"
	run qemu-img check zstd.qcow2
	run qemu-img compare -f qcow2 -F raw zstd.qcow2 disk.raw
fi

part "A guest boots with it: a stock kernel in vemu, the disk that vimg made"
parts=${PARTS:-$top/build/vm-parts}
note "the distribution's kernel and busybox, unpacked below build/ and not installed"
if why=$(sh "$top/tests/vm/harness/fetch.sh" "$parts" 2>&1); then
	cat >script <<'end'
echo "guest: $(uname -sr) on $(grep -m 1 'model name' /proc/cpuinfo | cut -d: -f2-)"
while [ ! -b /dev/vda1 ]; do sleep 0.1; done
mount -t ext4 /dev/vda1 /mnt
df -h /mnt
head -n 1 /mnt/README.md
echo "this guest was here" >/mnt/guest.txt
umount /mnt
end
	sh "$top/tests/vm/harness/initrd.sh" "$parts" initrd script virtio_pci virtio_blk crc32c_generic ext4
	for kernel in "$parts"/kernel/boot/vmlinuz-*; do cp "$kernel" vmlinuz; done
	run vemu -m 256 -drive file=disk.qcow2,if=virtio -nographic -kernel vmlinuz \
		-initrd initrd -append 'console=ttyS0 quiet' </dev/null
	run vimg check disk.qcow2
	run vimg convert -O raw disk.qcow2 after.raw
	run e2fsck -fn 'after.raw?offset=1048576'
	run debugfs -R 'cat guest.txt' 'after.raw?offset=1048576'
else
	note "left out: $(echo "$why" | tail -n 1)"
fi

part "Done"
note "Each program has --help; 'make man' makes the manuals, build/release/man/vtune.8 for example."
