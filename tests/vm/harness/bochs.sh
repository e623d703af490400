#!/bin/bash
# Usage: bochs.sh KERNEL INITRD DISK LIMIT MEMORY MODEL WORD...
# Boots a guest in bochs, whose processors have VT-x, with WORDs for the kernel; to be called in a
# directory of its own.  Its console comes from standard output.  bochs starts no kernel itself, so
# a CD does.
set -eu
kernel=$1 initrd=$2 disk=$3 limit=$4 memory=$5 model=$6
shift 6
for p in bochs xorriso script; do
	command -v $p >/dev/null || { echo "$p is missing; 'scripts/setup vm' installs it" >&2; exit 77; }
done

mkdir -p cd/isolinux
cp "$kernel" cd/linux
cp "$initrd" cd/initrd
cp /usr/lib/ISOLINUX/isolinux.bin /usr/lib/syslinux/modules/bios/ldlinux.c32 cd/isolinux/
cat >cd/isolinux/isolinux.cfg <<X
DEFAULT l
PROMPT 0
TIMEOUT 1
LABEL l
 LINUX /linux
 INITRD /initrd
 APPEND console=ttyS0 panic=-1 quiet tsc=unstable nokaslr mitigations=off $*
X
xorriso -as mkisofs -quiet -o cd.iso -b isolinux/isolinux.bin -c isolinux/boot.cat -no-emul-boot \
	-boot-load-size 4 -boot-info-table cd 2>/dev/null
# A disk is whole cylinders of 16 heads and 63 sectors.
cylinder=$((16 * 63 * 512))
cylinders=$((($(stat -c %s "$disk") + cylinder - 1) / cylinder))
truncate -s $((cylinders * cylinder)) "$disk"
cat >bochsrc <<X
megs: $memory
cpu: model=$model, count=1, ips=200000000, reset_on_triple_fault=0
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
display_library: term
ata0-master: type=disk, path=$disk, mode=flat, cylinders=$cylinders, heads=16, spt=63
ata1: enabled=1, ioaddr1=0x170, ioaddr2=0x370, irq=15
ata1-master: type=cdrom, path=cd.iso, status=inserted
boot: cdrom
log: bochs.log
panic: action=fatal
error: action=report
com1: enabled=1, mode=file, dev=serial.log
clock: sync=none
pci: enabled=1, chipset=i440fx
X
echo c >commands
: >serial.log
# Its screen is a terminal of its own making, and it stops when nobody reads that.
timeout -k 5 "$limit" script -qefc 'env TERM=linux bochs -q -f bochsrc -rc commands' /dev/null >term.log 2>&1 </dev/null &
run=$!
screen=
while kill -0 $run 2>/dev/null; do
	sleep 2
	if [ -z "$screen" ]; then
		screen=$(sed -n 's/.*connected to screen "\(.*\)".*/\1/p' term.log)
		[ -z "$screen" ] || { stty -F "$screen" raw -echo && cat "$screen" >/dev/null 2>&1; } &
	fi
	if grep -aq '^=== guest end' serial.log; then
		sleep 2
		kill $run 2>/dev/null || :
	fi
done
wait $run 2>/dev/null || :
cat serial.log
