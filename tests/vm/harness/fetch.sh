#!/bin/sh
# Usage: fetch.sh DIR [beside]
# Brings what guests are made of into DIR, from the distribution's packages, unpacked and
# never installed: DIR/kernel (a stock kernel with all its modules), DIR/openrc and a static
# DIR/busybox.  Does nothing where they are already.  With `beside`, into DIR only what
# tests/vm/beside/run.sh sets hostcheck against: virt-host-validate and kvm-ok.
set -eu
dir=$1
[ ! -e "$dir/complete" ] || exit 0
# One at a time: tests run side by side.
if command -v flock >/dev/null 2>&1; then
	mkdir -p "$(dirname "$dir")"
	exec 9>"$dir.lock"
	flock 9
	[ ! -e "$dir/complete" ] || exit 0
fi
rm -rf "$dir"
mkdir -p "$dir/pkg" "$dir/kernel" "$dir/openrc"
dir=$(cd "$dir" && pwd)

if [ "${2:-}" = beside ]; then
	command -v apt-get >/dev/null 2>&1 || { echo "fetch: needs Debian's packages" >&2; exit 1; }
	# What the first four need and this machine may not have; the rest is copied from here.
	(cd "$dir/pkg" && apt-get download -qq -o APT::Sandbox::User=root libvirt-clients libvirt0 cpu-checker \
		msr-tools libyajl2 libssh-4 >/dev/null)
	for deb in "$dir"/pkg/*.deb; do
		dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$dir" --exclude=./usr/share/doc --exclude=./usr/share/locale
	done
	rm -rf "$dir/pkg" "$dir/kernel" "$dir/openrc"
	: >"$dir/complete"
	exit 0
fi

# The kernel for machines, not the cut-down one for clouds.
if command -v apt-get >/dev/null 2>&1; then
	kernel=$(apt-cache depends linux-image-amd64 |
		sed -n 's/.*Depends: \(linux-image-[0-9].*-amd64\)$/\1/p' | head -n 1)
	[ -n "$kernel" ] || { echo "fetch: no package linux-image-amd64 is known; 'apt-get update' first" >&2; exit 1; }
	(cd "$dir/pkg" && apt-get download -qq -o APT::Sandbox::User=root "$kernel" openrc librc1 libeinfo1 busybox-static >/dev/null)
	for deb in "$dir"/pkg/linux-image-*.deb; do
		dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$dir/kernel" --exclude=./usr/share/doc
	done
	for deb in "$dir"/pkg/openrc_* "$dir"/pkg/librc1_* "$dir"/pkg/libeinfo1_*; do
		dpkg-deb -x "$deb" "$dir/openrc"
	done
	dpkg-deb --fsys-tarfile "$dir"/pkg/busybox-static_*.deb | tar -x -O ./bin/busybox >"$dir/busybox"
elif command -v apk >/dev/null 2>&1; then
	(cd "$dir/pkg" && apk fetch -q linux-lts openrc busybox-static)
	for apk in "$dir"/pkg/linux-lts-*.apk; do
		tar -xzf "$apk" -C "$dir/kernel" 2>/dev/null
	done
	mkdir -p "$dir/kernel/boot"
	for apk in "$dir"/pkg/openrc-*.apk; do
		tar -xzf "$apk" -C "$dir/openrc" 2>/dev/null
	done
	tar -xzf "$dir"/pkg/busybox-static-*.apk -O bin/busybox.static >"$dir/busybox" 2>/dev/null
else
	echo "fetch: neither apt-get nor apk is here" >&2
	exit 1
fi
chmod 755 "$dir/busybox"
for kver in "$dir"/kernel/lib/modules/*; do
	PATH=$PATH:/sbin:/usr/sbin depmod -b "$dir/kernel" "${kver##*/}"
done
rm -rf "$dir/pkg"
: >"$dir/complete"
