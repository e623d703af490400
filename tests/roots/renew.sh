#!/bin/sh
# Usage: renew.sh [NAME...]
# Writes tests/roots/NAME.json anew from what hostcheck says of the tree now.  What it then
# says is only right if somebody reads the difference.
set -eu
cd "$(dirname "$0")"
check=${BIN:-../../build/release/bin}/hostcheck
[ $# -gt 0 ] || set -- */
for name; do
	name=${name%/}
	rc=0
	"$check" --json --root "$name" >"$name.json.tmp" || rc=$?
	# 0 and 3 are answers
	[ "$rc" = 0 ] || [ "$rc" = 3 ] || { rm "$name.json.tmp"; exit 1; }
	mv "$name.json.tmp" "$name.json"
done
