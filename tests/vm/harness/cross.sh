#!/bin/sh
# Usage: cross.sh needs
#	 cross.sh PARTS STAGE BUILD
# Builds the host's tools for arm64 in BUILD, against the libraries in PARTS/sysroot, and installs
# them into STAGE.  `needs` only says what is missing here for that and for running a guest.
set -eu
cross=aarch64-linux-gnu-
if [ "$1" = needs ]; then
	for p in ${cross}gcc qemu-system-aarch64 readelf; do
		command -v "$p" >/dev/null 2>&1 || { echo "$p is missing; 'scripts/setup vm' installs it" >&2; exit 1; }
	done
	exit 0
fi
top=$(cd "$(dirname "$0")/../../.." && pwd)
root=$(cd "$1" && pwd)/sysroot
mkdir -p "$2" "$3"
stage=$(cd "$2" && pwd)
build=$(cd "$3" && pwd)
# The rooms without those of the other programs.
PKG_CONFIG_LIBDIR=$root/usr/lib/aarch64-linux-gnu/pkgconfig:$root/usr/share/pkgconfig \
PKG_CONFIG_SYSROOT_DIR=$root \
	"${MAKE:-make}" -C "$top" --no-print-directory SETUP=no VARIANT=release O="$build" T= \
	CROSS_COMPILE=$cross CC="${cross}gcc --sysroot=$root" AR=${cross}ar NM=${cross}nm \
	ROOMS='base host hugepages modules hostcheck tune' PROGS='hostcheck vtune vmod vhuge' \
	install DESTDIR="$stage" prefix=/usr sysconfdir=/etc
