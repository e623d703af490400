#!/bin/sh
# Usage: debian.sh PARTS
# Makes PARTS/debian.tar, a small Debian that boots to a login (root, no password), with
# debootstrap from where this machine's packages come from, and the kernel's modules of PARTS
# in it.  Does nothing where it is already.  Needs root, and mounts only in a namespace of its own.
set -eu
parts=$1
[ ! -e "$parts/debian.tar" ] || exit 0
PATH=$PATH:/usr/sbin:/sbin
for tool in debootstrap unshare; do
	command -v $tool >/dev/null || { echo "debian: $tool is missing; 'scripts/setup vm' installs it" >&2; exit 1; }
done
[ "$(id -u)" -eq 0 ] || { echo "debian: debootstrap needs root" >&2; exit 1; }
exec 8>"$parts.debian.lock"
flock 8
[ ! -e "$parts/debian.tar" ] || exit 0

# shellcheck disable=SC2016 # apt-get's own variables
site=$(apt-get indextargets --format '$(SITE) $(CODENAME)' 'Created-By: Packages' 2>/dev/null |
	awk '$2 ~ /^[a-z]+$/ && $1 ~ /\/debian\/?$/ { print; exit }')
# shellcheck disable=SC2086 # two words
set -- ${site:-https://deb.debian.org/debian stable}
root=$parts/debian.root
rm -rf "$root"
unshare -m debootstrap --variant=minbase \
	--include=systemd-sysv,udev,kmod,ifupdown,isc-dhcp-client,iproute2,wget,busybox,e2fsprogs,netbase,login \
	"$2" "$root" "$1" >"$parts/debian.log" 2>&1 || { tail -n 5 "$parts/debian.log" >&2; exit 1; }

cp -a "$parts/kernel/lib/modules" "$root/usr/lib/"
echo guest >"$root/etc/hostname"
printf '127.0.0.1 localhost guest\n' >"$root/etc/hosts"
printf '/dev/root / ext4 rw 0 1\n' >"$root/etc/fstab"
printf 'auto lo\niface lo inet loopback\nallow-hotplug eth0\niface eth0 inet dhcp\n' >"$root/etc/network/interfaces"
sed -i 's/^root:[^:]*:/root::/' "$root/etc/shadow"
rm -f "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*_*
tar -C "$root" -cf "$parts/debian.tar.new" .
rm -rf "$root"
mv "$parts/debian.tar.new" "$parts/debian.tar"
