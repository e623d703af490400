#!/bin/sh
# Usage: initrd.sh PARTS OUT SCRIPT MODULE...
# Makes an initramfs from what fetch.sh brought into PARTS: it loads the modules and what they
# need, runs SCRIPT (of busybox's shell), and switches the machine off.
set -eu
PATH=$PATH:/usr/sbin:/sbin
parts=$1 out=$2 script=$3
shift 3
for kver in "$parts"/kernel/lib/modules/*; do kver=${kver##*/}; done
ram=$(mktemp -d "${TMPDIR:-/tmp}/hostkit-ram.XXXXXX")
trap 'rm -rf "$ram"' EXIT
mkdir -p "$ram/root/bin" "$ram/root/dev" "$ram/root/proc" "$ram/root/sys" "$ram/root/tmp" "$ram/root/mnt" "$ram/root/modules"
cp "$parts/busybox" "$ram/root/bin/busybox"
for applet in $("$parts/busybox" --list); do
	[ "$applet" = busybox ] || ln -s busybox "$ram/root/bin/$applet"
done
for m; do
	modprobe -d "$parts/kernel" -S "$kver" -D "$m"
done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' >"$ram/files"
while read -r file; do
	cp "$file" "$ram/root/modules/"
	echo "${file##*/}"
done <"$ram/files" >"$ram/root/modules/list"
cat >"$ram/root/init" <<'end'
#!/bin/sh
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
# parameters on the kernel's command line are for who loads a module to give
while read -r m; do
	insmod "/modules/$m" $(tr ' ' '\n' </proc/cmdline | sed -n "s/^${m%.ko}\.//p")
done </modules/list
. /script
sync
poweroff -f
end
chmod 755 "$ram/root/init"
cp "$script" "$ram/root/script"
(cd "$ram/root" && find . | sort | cpio --quiet -o -H newc -R 0:0 | gzip -1) >"$out"
