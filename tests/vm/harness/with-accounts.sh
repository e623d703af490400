#!/bin/sh
# Usage: with-accounts.sh TREE CACHE
# Puts busybox's adduser, addgroup, deluser and delgroup into TREE/bin, which Debian's busybox is built
# without: from its source, as the distribution has it.  Kept in CACHE.
set -eu
mkdir -p "$1/bin" "$2"
tree=$(cd "$1" && pwd)
cache=$(cd "$2" && pwd)
exec 9>"$cache/accounts.lock"
! command -v flock >/dev/null 2>&1 || flock 9
if [ ! -e "$cache/accounts" ]; then
	command -v apt-get >/dev/null 2>&1 || { echo "the source of busybox comes from Debian's packages" >&2; exit 1; }
	work=$(mktemp -d "$cache/accounts.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	cd "$work"
	mkdir -p lists/partial cache/archives/partial
	: >status
	mkdir sources
	for list in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
		[ ! -s "$list" ] || sed 's/^deb /deb-src /; s/^Types:.*/Types: deb-src/' "$list" >"sources/${list##*/}"
	done
	source_of() {
		apt-get -q -q -o APT::Sandbox::User=root -o Dir::State="$work" -o Dir::State::Lists="$work/lists" \
			-o Dir::State::status="$work/status" -o Dir::Cache="$work/cache" -o Dir::Etc::sourcelist=/nonexistent \
			-o Dir::Etc::sourceparts="$work/sources" -o Debug::NoLocking=1 "$@" >/dev/null
	}
	source_of update
	source_of source --download-only busybox
	tar -xf busybox_*.orig.tar.*
	cd busybox-*/
	make allnoconfig >/dev/null
	for o in STATIC ADDUSER ADDGROUP DELUSER DELGROUP FEATURE_ADDUSER_TO_GROUP FEATURE_DEL_USER_FROM_GROUP \
		FEATURE_SHADOWPASSWDS FEATURE_CHECK_NAMES; do
		sed -i "s/^# CONFIG_$o is not set/CONFIG_$o=y/" .config
	done
	sed -i "s/^CONFIG_LAST_ID=.*/CONFIG_LAST_ID=60000/; s/^CONFIG_FIRST_SYSTEM_ID=.*/CONFIG_FIRST_SYSTEM_ID=100/; s/^CONFIG_LAST_SYSTEM_ID=.*/CONFIG_LAST_SYSTEM_ID=999/" .config
	yes '' | make oldconfig >/dev/null
	make -j2 >/dev/null 2>make.log || { tail -n 1 make.log >&2; exit 1; }
	cp busybox "$cache/accounts"
fi
cp "$cache/accounts" "$tree/bin/accounts"
for p in adduser addgroup deluser delgroup; do
	ln -sf accounts "$tree/bin/$p"
done
