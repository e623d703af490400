#!/bin/sh
# Usage: prepare.sh PARTS STAGE IMAGE [ARCH]
# All that guests need, or IMAGE/why with the reason why there is none: a machine without the
# distribution's packages at hand can still run the other tests.  With ARCH, guests of another
# architecture: STAGE is filled first, by a cross build.
set -eu
here=$(dirname "$0")
parts=$1 stage=$2 image=$3 arch=${4:-}
mkdir -p "$image"
rm -f "$image/why" "$image/initrd"

all() {
	[ -z "$arch" ] || sh "$here/cross.sh" needs &&
		sh "$here/fetch.sh" "$parts" "$arch" &&
		{ [ -z "$arch" ] || sh "$here/cross.sh" "$parts" "$stage" "$parts/build"; } &&
		bash "$here/image.sh" "$parts" "$stage" "$image"
}
if ! all >"$image/log" 2>&1; then
	rm -f "$image/initrd"
	echo "no ${arch:+$arch }guests: $(tail -n 1 "$image/log")" >"$image/why"
	cat "$image/why" >&2
fi
: >"$image/made"
