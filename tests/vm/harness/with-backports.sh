#!/bin/sh
# Usage: with-backports.sh TREE CACHE
# Has the guest boot the kernel of Debian's backports, which has drivers that the stable one is
# built without: into TREE goes what the disk's root gets of its modules, beside TREE what the
# initramfs gets, and vmlinuz into the current folder.  Kept in CACHE.
set -eu
PATH=$PATH:/usr/sbin:/sbin
mkdir -p "$1" "$2"
tree=$(cd "$1" && pwd)
ram=$(dirname "$tree")
cache=$(cd "$2" && pwd)/backports
exec 9>"$cache.lock"
! command -v flock >/dev/null 2>&1 || flock 9
if [ ! -e "$cache/complete" ]; then
	command -v apt-get >/dev/null 2>&1 || { echo "the kernel of backports is a package of Debian's" >&2; exit 1; }
	rm -rf "$cache"
	mkdir -p "$cache/apt/lists/partial" "$cache/apt/cache/archives/partial" "$cache/kernel"
	: >"$cache/apt/status"
	# shellcheck disable=SC2016 # apt-get's own variables
	site=$(apt-get indextargets --format '$(SITE) $(CODENAME)' 'Created-By: Packages' 2>/dev/null |
		awk '$2 ~ /^[a-z]+$/ && $1 ~ /\/debian\/?$/ { print; exit }')
	[ -n "$site" ] || { echo "where Debian's packages come from is not known" >&2; exit 1; }
	key=/usr/share/keyrings/debian-archive-keyring.gpg
	[ ! -e $key ] || key_option="[signed-by=$key] "
	echo "deb ${key_option:-}${site% *} ${site#* }-backports main" >"$cache/apt/sources.list"
	# With its own lists, and as if nothing were installed.
	ours() {
		tool=$1
		shift
		"$tool" -q -q -o APT::Sandbox::User=root -o Dir::State="$cache/apt" -o Dir::State::Lists="$cache/apt/lists" \
			-o Dir::State::status="$cache/apt/status" -o Dir::Cache="$cache/apt/cache" \
			-o Dir::Etc::sourcelist="$cache/apt/sources.list" -o Dir::Etc::sourceparts=/nonexistent \
			-o Debug::NoLocking=1 "$@"
	}
	ours apt-get update >/dev/null
	kernel=$(ours apt-cache depends linux-image-amd64 |
		sed -n 's/.*Depends: \(linux-image-[0-9].*-amd64\)$/\1/p' | head -n 1)
	[ -n "$kernel" ] || { echo "backports have no linux-image-amd64" >&2; exit 1; }
	(cd "$cache" && ours apt-get download "$kernel" >/dev/null)
	for deb in "$cache"/linux-image-*.deb; do
		dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$cache/kernel" --exclude=./usr/share/doc
	done
	[ -d "$cache/kernel/lib" ] || ln -s usr/lib "$cache/kernel/lib"
	for kver in "$cache"/kernel/lib/modules/*; do
		depmod -b "$cache/kernel" "${kver##*/}"
	done
	rm -rf "$cache/apt" "$cache"/*.deb
	: >"$cache/complete"
fi
for kver in "$cache"/kernel/lib/modules/*; do kver=${kver##*/}; done

# take ROOT MODULE...: these and what they need; busybox reads them only as they are.
take() {
	root=$1
	shift
	mkdir -p "$root/lib/modules/$kver"
	for m; do
		modprobe -d "$cache/kernel" -S "$kver" -D "$m" 2>/dev/null | awk '$1 == "insmod" { print $2 }' || :
	done | sort -u | while read -r file; do
		rel=lib/modules/$kver/${file#*"/lib/modules/$kver/"}
		mkdir -p "$(dirname "$root/$rel")"
		case $file in
		*.xz) xz -dc "$file" >"$root/${rel%.xz}" ;;
		*) cp "$file" "$root/$rel" ;;
		esac
	done
	for list in builtin builtin.modinfo order; do
		cp "$cache/kernel/lib/modules/$kver/modules.$list" "$root/lib/modules/$kver/"
	done
	depmod -b "$root" "$kver"
}
take "$tree" tun vhost_net kvm-amd vfio-pci vfio_iommu_type1 virtio_iommu virtio_rng virtio_net
take "$ram" virtio_pci virtio_blk crc32c_generic ext4
cp "$cache"/kernel/boot/vmlinuz-* vmlinuz
