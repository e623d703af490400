#!/bin/bash
# Usage: image.sh PARTS STAGE OUT [BESIDE]
# Makes the disk and the initramfs that all guests of tests/vm boot from: busybox, kmod, OpenRC,
# a stock kernel's modules, and hostkit as `make install` put it into STAGE.  PARTS is what
# fetch.sh brought; OUT gets root.img, initrd and vmlinuz.  BESIDE has the programs that hostcheck is
# set against.  Where PARTS has a sysroot, of another architecture, all programs are from there.
# Needs no rights and mounts nothing.
set -eu
PATH=$PATH:/usr/sbin:/sbin
here=$(cd "$(dirname "$0")/.." && pwd)
parts=$(cd "$1" && pwd) stage=$(cd "$2" && pwd)
mkdir -p "$3"
out=$(cd "$3" && pwd)
beside=${4:+$(cd "$4" && pwd)}
root=$out/root

kernels=("$parts"/kernel/lib/modules/*)
kver=${kernels[0]##*/}
busybox=$parts/busybox
sysroot=
[ ! -d "$parts/sysroot" ] || sysroot=$parts/sysroot
modules="tun tap vhost vhost_net vhost_vsock kvm kvm-amd kvm-intel bridge stp vfio vfio-pci
	vfio_iommu_type1 msr cpuid virtio_blk virtio_net virtio_pci virtio_iommu ext4
	crc32c_generic crc32c_intel overlay loop veth 9p 9pnet_virtio"

rm -rf "$root"
mkdir -p "$root"/{bin,sbin,dev,proc,sys,run,tmp,root,home,vm,mnt,boot} "$root"/usr/{bin,sbin,lib,share} \
	"$root"/var/{lib,log,cache} "$root"/etc/{modprobe.d,modules-load.d,sysctl.d,qemu,conf.d,init.d,hostkit,local.d} \
	"$root"/etc/runlevels/{sysinit,boot,default,shutdown,nonetwork} "$root/lib/modules/$kver"
chmod 1777 "$root/tmp"
chmod 700 "$root/root"
cp "$busybox" "$root/bin/busybox"
# One of another architecture names its applets when it runs, on the guest's first boot.
if [ -z "$sysroot" ]; then
	for applet in $("$busybox" --list-full); do
		mkdir -p "$root/$(dirname "$applet")"
		[ -e "$root/$applet" ] || ln -s /bin/busybox "$root/$applet"
	done
fi

# The modules wanted and what they need.
depmod -b "$parts/kernel" "$kver"
for m in $modules; do
	modprobe -d "$parts/kernel" -S "$kver" -D "${m//-/_}" 2>/dev/null | awk '$1 == "insmod" { print $2 }' || :
done | sort -u >"$out/modules.list"
while read -r file; do
	rel=${file#"$parts/kernel"/}
	mkdir -p "$root/$(dirname "$rel")"
	cp "$file" "$root/$rel"
done <"$out/modules.list"
cp "$parts/kernel/lib/modules/$kver"/modules.{builtin,builtin.modinfo,order} "$root/lib/modules/$kver/"
depmod -b "$root" "$kver"

# foreign_libs FILE...: the libraries that these name, what those name, and the loader.
foreign_libs() {
	local lib=lib/aarch64-linux-gnu name queue=("$@")
	mkdir -p "$root/$lib"
	cp -L "$sysroot/lib/ld-linux-aarch64.so.1" "$root/lib/"
	while [ ${#queue[@]} -gt 0 ]; do
		for name in $(readelf -dW "${queue[0]}" 2>/dev/null | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'); do
			if [ ! -e "$root/$lib/$name" ] && [ -e "$sysroot/$lib/$name" ]; then
				cp -L "$sysroot/$lib/$name" "$root/$lib/$name"
				queue+=("$root/$lib/$name")
			fi
		done
		queue=("${queue[@]:1}")
	done
}

# libs PROGRAM...: the libraries these need, where the loader will look for them.
libs() {
	if [ -n "$sysroot" ]; then
		foreign_libs "$@" "$stage"/usr/lib/libhostkit.so.*
		return
	fi
	LD_LIBRARY_PATH=$stage/usr/lib:$beside/usr/lib/x86_64-linux-gnu:$parts/openrc/lib/x86_64-linux-gnu:$parts/openrc/usr/lib/x86_64-linux-gnu \
		ldd "$@" 2>/dev/null | awk '/=> \// { print $3 } /^\t\/lib/ { print $1 }' | sort -u |
		while read -r lib; do
			case $lib in
			"$stage"/*) continue ;;
			"$parts"/openrc/*) dest=${lib#"$parts/openrc"} ;;
			"${beside:-none}"/*) dest=${lib#"$beside"} ;;
			*) dest=$lib ;;
			esac
			[ -e "$root$dest" ] && continue
			mkdir -p "$root$(dirname "$dest")"
			cp -L "$lib" "$root$dest"
		done
}
# program NAME: where it is, for this image.
program() {
	if [ -n "$sysroot" ]; then
		find "$sysroot/usr/bin" "$sysroot/usr/sbin" -name "$1" -type f | head -n 1
	else
		command -v "$1"
	fi
}
# A directory of the host may be a link here (/lib to /usr/lib): both names lead to one place.
cp -a "$parts"/openrc/. "$root"/
cp -a "$stage"/. "$root"/
rm -f "$root/bin/kmod"
cp "$(program kmod)" "$root/bin/kmod"
libs "$(program kmod)"
for applet in modprobe lsmod rmmod insmod modinfo depmod; do
	rm -f "$root/sbin/$applet" "$root/bin/$applet" "$root/usr/sbin/$applet"
	ln -s /bin/kmod "$root/sbin/$applet"
done
# Alpine's busybox makes accounts, Debian's does not: there the system's own tools do.
if [ -n "$sysroot" ] || ! "$busybox" --list | grep -qx addgroup; then
	for p in groupadd groupdel useradd userdel usermod gpasswd; do
		cp "$(program "$p")" "$root/usr/sbin/$p"
		libs "$(program "$p")"
	done
	cp /etc/login.defs "$root/etc/login.defs"
fi
# shellcheck disable=SC2046 # program names have no blanks
libs $(find "$parts/openrc" "$stage/usr/bin" "$stage/usr/sbin" -type f -perm -100 2>/dev/null)
if [ -n "$beside" ]; then
	for p in usr/bin/virt-host-validate usr/sbin/kvm-ok usr/sbin/rdmsr; do
		cp "$beside/$p" "$root/$p"
		[ "$p" = usr/sbin/kvm-ok ] || libs "$beside/$p"
	done
fi
# libhostkit is found by the loader's own path.
mkdir -p "$root/etc"
printf '/usr/lib\n/lib\n/usr/lib/x86_64-linux-gnu\n/lib/x86_64-linux-gnu\n' >"$root/etc/ld.so.conf"

printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\nalice:x:1000:1000:Alice:/home/alice:/bin/sh\n' >"$root/etc/passwd"
printf 'root:x:0:\nkvm:x:34:\nnetdev:x:28:\nnogroup:x:65533:\nalice:x:1000:\n' >"$root/etc/group"
printf 'root:*:19000:0:99999:7:::\nnobody:*:19000:0:99999:7:::\nalice:*:19000:0:99999:7:::\n' >"$root/etc/shadow"
printf 'root:*::\nkvm:!::\nnetdev:!::\nnogroup:!::\nalice:!::\n' >"$root/etc/gshadow"
chmod 640 "$root/etc/shadow" "$root/etc/gshadow"
printf '/dev/vda\t/\text4\trw,relatime\t0 1\n' >"$root/etc/fstab"
printf 'ID=alpine\nNAME="Alpine Linux"\nPRETTY_NAME="Alpine Linux test guest"\nVERSION_ID=3.20\n' >"$root/etc/os-release"
printf '# modules to load at boot\n' >"$root/etc/modules"
cp "$here"/guest/inittab "$root/etc/inittab"
cp "$here"/guest/lib.sh "$here"/guest/report "$root/vm/"
chmod 755 "$root/vm/report"
rm -f "$root"/etc/init.d/* "$root"/etc/runlevels/*/* "$root"/init
cp -a "$stage"/etc/init.d/. "$root/etc/init.d/" 2>/dev/null || :
for s in "$here"/guest/init.d/*; do
	install -m 755 "$s" "$root/etc/init.d/"
done
ln -s /etc/init.d/sysfs "$root/etc/runlevels/sysinit/sysfs"
for s in modules localmount sysctl root fsck; do
	ln -s "/etc/init.d/$s" "$root/etc/runlevels/boot/$s"
done
: >"$root/etc/insserv.conf" # Debian's OpenRC asks for it
ln -sf /bin/busybox "$root/sbin/init"
rm -f "$out/root.img"
mke2fs -q -t ext4 -O ^metadata_csum,^has_journal -E root_owner=0:0 -d "$root" "$out/root.img" 160M

# The initramfs finds the disk and moves to it.
ram=$out/ram
rm -rf "$ram"
mkdir -p "$ram"/{bin,dev,proc,sys,new,"lib/modules/$kver"}
cp "$busybox" "$ram/bin/busybox"
for applet in sh mount modprobe switch_root cut cat mkdir sleep cp chmod chroot poweroff; do
	ln -s busybox "$ram/bin/$applet"
done
for m in virtio_pci virtio_blk ata_piix sd_mod crc32c_generic ext4; do
	modprobe -d "$parts/kernel" -S "$kver" -D "$m" 2>/dev/null | awk '$1 == "insmod" { print $2 }'
done | sort -u | while read -r file; do
	rel=${file#"$parts/kernel"/}
	mkdir -p "$ram/$(dirname "$rel")"
	cp "$file" "$ram/$rel"
done
cp "$parts/kernel/lib/modules/$kver"/modules.{builtin,builtin.modinfo,order} "$ram/lib/modules/$kver/"
depmod -b "$ram" "$kver"
install -m 755 "$here/guest/init" "$ram/init"
(cd "$ram" && find . | sort | cpio --quiet -o -H newc -R 0:0 | gzip -1) >"$out/initrd"
cp "$parts"/kernel/boot/vmlinuz-* "$out/vmlinuz"
[ ! -e "$parts/uefi.fd" ] || cp "$parts/uefi.fd" "$out/uefi.fd"
rm -rf "$ram"
