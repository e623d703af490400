#!/bin/sh
# Usage: prepare.sh PARTS STAGE IMAGE
# All that guests need, or IMAGE/why with the reason why there is none: a machine without the
# distribution's packages at hand can still run the other tests.
set -eu
here=$(dirname "$0")
mkdir -p "$3"
rm -f "$3/why" "$3/initrd"
if ! why=$(sh "$here/fetch.sh" "$1" 2>&1); then
	echo "no guests: $(echo "$why" | tail -n 1)" >"$3/why"
elif ! why=$(bash "$here/image.sh" "$1" "$2" "$3" 2>&1); then
	rm -f "$3/initrd"
	echo "no guests: $(echo "$why" | tail -n 1)" >"$3/why"
fi
[ ! -e "$3/why" ] || cat "$3/why" >&2
: >"$3/made"
