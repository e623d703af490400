#!/bin/bash
# Usage: boot.sh DIR TEST
# Boots a guest from what image.sh made in DIR and runs TEST in it, a POSIX sh script that
# sources /vm/lib.sh.  Prints the TAP that the guest printed; the whole console is kept
# beside the test's work as console.log and shown when the guest gave no plan.
#
# Lines at the head of TEST say what machine it wants:
#
#	# machine: -cpu EPYC,+svm -device amd-iommu	options of qemu-system-x86_64
#	# append: hugepagesz=1G				words for the kernel
#	# memory: 1536					MiB
#	# limit: 240					seconds
#	# in-check					runs in `make check`, not only in check-vm
set -eu
dir=$1 test=$2

if [ ! -e "$dir/initrd" ]; then
	why=$(cat "$dir/why" 2>/dev/null || echo "nothing to boot")
	if [ -n "${HOSTKIT_NO_SKIP:-}" ]; then
		echo "not ok 1 - $why"
	else
		echo "ok 1 # skip $why"
	fi
	echo 1..1
	exit 0
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
(cd extra && echo ./test | cpio --quiet -o -H newc -R 0:0 | gzip -1) >>initrd
# The guest writes here, never into the image that others use.
cp --sparse=always "$dir/root.img" root.img

# shellcheck disable=SC2046 # options are words
timeout -k 5 "$limit" qemu-system-x86_64 -accel tcg,thread=multi -smp 2 -m "$(field memory 1024)" \
	-nodefaults -no-user-config -display none -serial stdio -nic none \
	-drive file=root.img,if=none,id=root,format=raw,cache=unsafe -device virtio-blk-pci,drive=root \
	-kernel "$dir/vmlinuz" -initrd initrd $(field machine "-machine q35 -cpu EPYC,+svm") \
	-append "console=ttyS0 panic=-1 quiet $(field append '')" >console.raw 2>console.err </dev/null || :

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
