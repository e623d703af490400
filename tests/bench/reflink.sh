#!/bin/sh
# The same conversions on a file system that shares blocks: xfs on a loop device, mounted
# in a mount namespace of its own.  Needs root.  Environment as for vimg.sh.
set -eu
vimg=${VIMG:?the vimg to measure}
tools=${TOOLS:?the folder of gen_image and pair}
runs=${RUNS:-5}
case reflink in *"${1:-${T:-}}"*) ;; *) exit 0 ;; esac
if [ -z "${REFLINK_INSIDE:-}" ]; then
	if [ "$(id -u)" != 0 ]; then
		echo "reflink: skipped, needs root to mount a file system"
		exit 0
	fi
	REFLINK_INSIDE=1 exec unshare -m sh "$0"
fi
dir=$(mktemp -d "${TMPDIR:-/tmp}/vimg-reflink.XXXXXX")
loop=
trap 'umount "$dir/mnt" 2>/dev/null || :; [ -z "$loop" ] || losetup -d "$loop"; rm -rf "$dir"' EXIT
mkdir "$dir/mnt"
truncate -s 12G "$dir/disk"
mkfs.xfs -q -m reflink=1 "$dir/disk"
loop=$(losetup -f --show "$dir/disk")
mount "$loop" "$dir/mnt"
cd "$dir/mnt"
"$tools/gen_image" src.raw 2048 1
qemu-img convert -O qcow2 src.raw plain.q
sync
row() { "$tools/pair" "$1" "$runs" "rm -f o.img; sync" "$vimg $2" "qemu-img $2"; }
row "reflink: raw to qcow2" "convert -O qcow2 src.raw o.img"
row "reflink: qcow2 to raw" "convert -O raw plain.q o.img"
row "reflink: qcow2 to qcow2" "convert -O qcow2 plain.q o.img"
cd /
