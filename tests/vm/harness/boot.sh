#!/bin/bash
# Usage: boot.sh DIR TEST
# Boots a guest from what image.sh made in DIR and runs TEST in it, a POSIX sh script that
# sources /vm/lib.sh.  Prints the TAP that the guest printed; the whole console is kept
# beside the test's work as console.log and shown when the guest gave no plan.
#
# Lines at the head of TEST say what machine it wants:
#
#	# arch: arm64					of this architecture; x86_64 without this line
#	# machine: -cpu EPYC,+svm -device amd-iommu	options of qemu-system-ARCH
#	# firmware: uefi				boot by it: arm64 then has ACPI, no device tree
#	# bochs: corei7_haswell_4770			in bochs, as this processor, in place of QEMU
#	# with: apt accounts				what with-NAME.sh adds to the root, or the
#							kernel that it puts in place of the usual
#	# append: hugepagesz=1G				words for the kernel
#	# memory: 1536					MiB
#	# limit: 240					seconds
#	# in-check					runs in `make check`, not only in check-vm
set -eu
dir=$1 test=$2

# skip WHY
skip() {
	if [ -n "${HOSTKIT_NO_SKIP:-}" ]; then
		echo "not ok 1 - $1"
	else
		echo "ok 1 # skip $1"
	fi
	echo 1..1
	exit 0
}

if [ ! -e "$dir/initrd" ]; then
	skip "$(cat "$dir/why" 2>/dev/null || echo "nothing to boot")"
fi

# field NAME DEFAULT
field() {
	local v
	v=$(sed -n "s/^# $1: *//p" "$test" | tr '\n' ' ' | sed 's, *$,,')
	echo "${v:-$2}"
}
limit=$(field limit 300)
limit=$((limit * ${TEST_SCALE:-1}))

# A second archive behind the first: the kernel unpacks both.
mkdir extra
cp "$test" extra/test
cp "$dir/initrd" initrd
for w in $(field with ''); do
	bash "$(dirname "$0")/with-$w.sh" extra/overlay "$dir" 2>with.err || skip "no $w for the guest: $(tail -n 1 with.err)"
done
(cd extra && find . | cpio --quiet -o -H newc -R 0:0 | gzip -1) >>initrd
# The guest writes here, never into the image that others use.
cp --sparse=always "$dir/root.img" root.img

case $(field arch x86_64) in
arm64) qemu=qemu-system-aarch64 console=ttyAMA0 machine="-machine virt -cpu cortex-a72" ;;
*) qemu=qemu-system-x86_64 console=ttyS0 machine="-machine q35 -cpu EPYC,+svm" ;;
esac
kernel=$dir/vmlinuz
[ ! -e vmlinuz ] || kernel=vmlinuz
firmware=
[ "$(field firmware none)" != uefi ] || firmware="-bios $dir/uefi.fd"
model=$(field bochs '')

if [ -n "$model" ]; then
	status=0
	bash "$(dirname "$0")/bochs.sh" "$kernel" initrd root.img "$limit" "$(field memory 512)" \
		"$model" "$(field append '')" >console.raw 2>console.err || status=$?
	[ $status != 77 ] || skip "$(tail -n 1 console.err)"
else
	# shellcheck disable=SC2046,SC2086 # options are words
	timeout -k 5 "$limit" $qemu -accel tcg,thread=multi -smp 2 -m "$(field memory 1024)" \
		-nodefaults -no-user-config -display none -serial stdio -nic none \
		-drive file=root.img,if=none,id=root,format=raw,cache=unsafe -device virtio-blk-pci,drive=root \
		-kernel "$kernel" -initrd initrd $firmware $(field machine "$machine") \
		-append "console=$console panic=-1 quiet $(field append '')" >console.raw 2>console.err </dev/null || :
fi

# The console adds carriage returns, and the kernel may write in between.
tr -d '\r' <console.raw >console.log
awk '/^=== guest boot/ { on = 1; next } /^=== guest (end|restarts)/ { on = 0; next }
	on && /^(not )?ok [0-9]|^#|^1\.\.[0-9]|^Bail out/' console.log
if ! grep -q '^1\.\.[0-9]' console.log; then
	echo "# the guest gave no plan; its console ends with"
	tail -n 60 console.log | sed 's/^/# /'
	sed 's/^/# qemu: /' console.err
	exit 1
fi
