#!/bin/bash
# Usage: with-apt.sh TREE CACHE
# Puts apt and dpkg of this machine into TREE, with nothing installed and no repository.
set -eu
tree=$1
command -v apt-get >/dev/null 2>&1 || { echo "apt-get is missing: this is no Debian" >&2; exit 1; }
mkdir -p "$tree"/etc/apt/{apt.conf.d,preferences.d,sources.list.d,trusted.gpg.d} "$tree"/usr/bin "$tree"/usr/sbin \
	"$tree"/usr/lib/apt "$tree"/var/lib/apt/lists/partial "$tree"/var/cache/apt/archives/partial \
	"$tree"/var/lib/dpkg/{info,updates,triggers} "$tree"/var/log/apt
mkdir -p "$tree/usr/share"
cp -a /usr/share/dpkg "$tree/usr/share/"
cp -a /usr/lib/apt/methods "$tree/usr/lib/apt/"
# the guest has no account for it
echo 'APT::Sandbox::User "root";' >"$tree/etc/apt/apt.conf.d/root"
: >"$tree/var/lib/dpkg/status"
: >"$tree/var/lib/dpkg/available"
dpkg --print-architecture >"$tree/var/lib/dpkg/arch"
for p in apt-get apt-cache apt-config dpkg dpkg-deb dpkg-query dpkg-split tar xz gzip start-stop-daemon ldconfig; do
	file=$(PATH=$PATH:/usr/sbin:/sbin command -v "$p")
	cp -L --remove-destination "$file" "$tree/usr/bin/$p"
	ldd "$file" 2>/dev/null
done | awk '/=> \// { print $3 } /^\t\/lib/ { print $1 }' | sort -u >"$tree/libs"
for m in "$tree"/usr/lib/apt/methods/{file,copy,store,gpgv}; do
	ldd "$m" 2>/dev/null | awk '/=> \// { print $3 }'
done | sort -u >>"$tree/libs"
sort -u "$tree/libs" | while read -r lib; do
	mkdir -p "$tree$(dirname "$lib")"
	cp -L "$lib" "$tree$lib"
done
rm "$tree/libs"
