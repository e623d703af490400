#!/bin/sh
# Usage: fetch.sh DIR [beside|arm64]
# Brings what guests are made of into DIR, from the distribution's packages, unpacked and
# never installed: DIR/kernel (a stock kernel with all its modules), DIR/openrc and a static
# DIR/busybox.  Does nothing where they are already.  With `beside`, into DIR only what
# tests/vm/beside/run.sh sets hostcheck against: virt-host-validate and kvm-ok.  With `arm64`, what
# guests of that architecture are made of, among it DIR/sysroot to build hostkit in, and
# firmware; the package manager's own state stays as it is.
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

if [ "${2:-}" = arm64 ]; then
	command -v apt-get >/dev/null 2>&1 || { echo "fetch: arm64 parts come from Debian's packages" >&2; exit 1; }
	mkdir -p "$dir/apt/lists/partial" "$dir/apt/cache/archives/partial"
	: >"$dir/apt/status"
	# With its own lists, and as if nothing were installed.
	arm() {
		tool=$1
		shift
		"$tool" -q -q -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o APT::Sandbox::User=root \
			-o Dir::State="$dir/apt" -o Dir::State::Lists="$dir/apt/lists" \
			-o Dir::State::status="$dir/apt/status" -o Dir::Cache="$dir/apt/cache" \
			-o Debug::NoLocking=1 "$@"
	}
	arm apt-get update >/dev/null
	kernel=$(arm apt-cache depends linux-image-arm64 |
		sed -n 's/.*Depends: \(linux-image-[0-9].*-arm64\)$/\1/p' | head -n 1)
	[ -n "$kernel" ] || { echo "fetch: no package linux-image-arm64 is known" >&2; exit 1; }
	# These bring the libraries that they need; the kernel would bring what makes an initramfs.
	arm apt-get install -y --no-install-recommends --download-only libc6-dev zlib1g-dev libzstd-dev \
		libblkid-dev libjansson-dev libkmod-dev libmount-dev libinih-dev kmod passwd >/dev/null
	(cd "$dir/pkg" && arm apt-get download "$kernel" openrc librc1 libeinfo1 busybox-static qemu-efi-aarch64 >/dev/null)
	root=$dir/sysroot
	mkdir -p "$root/usr/lib" "$root/usr/bin" "$root/usr/sbin"
	for d in lib bin sbin; do
		ln -s "usr/$d" "$root/$d"
	done
	for deb in "$dir"/apt/cache/archives/*.deb; do
		dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$root" --keep-directory-symlink \
			--exclude=./usr/share/doc --exclude=./usr/share/locale --exclude=./usr/share/man
	done
	# A linker would follow these out of the root.
	find "$root" -type l -lname '/*' | while read -r link; do
		ln -sfn "$root$(readlink "$link")" "$link"
	done
	rm -rf "$dir/apt"
	dpkg-deb --fsys-tarfile "$dir"/pkg/qemu-efi-aarch64_*.deb |
		tar -x -O ./usr/share/qemu-efi-aarch64/QEMU_EFI.fd >"$dir/uefi.fd"
elif command -v apt-get >/dev/null 2>&1; then
	# The kernel for machines, not the cut-down one for clouds.
	kernel=$(apt-cache depends linux-image-amd64 |
		sed -n 's/.*Depends: \(linux-image-[0-9].*-amd64\)$/\1/p' | head -n 1)
	[ -n "$kernel" ] || { echo "fetch: no package linux-image-amd64 is known; 'apt-get update' first" >&2; exit 1; }
	(cd "$dir/pkg" && apt-get download -qq -o APT::Sandbox::User=root "$kernel" openrc librc1 libeinfo1 busybox-static >/dev/null)
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
if command -v apt-get >/dev/null 2>&1; then
	for deb in "$dir"/pkg/linux-image-*.deb; do
		dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$dir/kernel" --exclude=./usr/share/doc
	done
	for deb in "$dir"/pkg/openrc_* "$dir"/pkg/librc1_* "$dir"/pkg/libeinfo1_*; do
		dpkg-deb -x "$deb" "$dir/openrc"
	done
	dpkg-deb --fsys-tarfile "$dir"/pkg/busybox-static_*.deb | tar -x -O ./bin/busybox >"$dir/busybox"
fi
chmod 755 "$dir/busybox"
for kver in "$dir"/kernel/lib/modules/*; do
	PATH=$PATH:/sbin:/usr/sbin depmod -b "$dir/kernel" "${kver##*/}"
done
rm -rf "$dir/pkg"
: >"$dir/complete"
