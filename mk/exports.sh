#!/bin/sh
# Usage: exports.sh LIBRARY-OBJECT... -- TOOL-OBJECT...
# Prints the linker's export map of libhostkit: what the tools take from it.  All else
# stays inside, where calls need no table and names cannot clash.
set -eu
names=$({
	for o; do
		case $o in
		--) echo -- ;;
		*) "${NM:-nm}" -P -g "$o" ;;
		esac
	done
} | awk '
/^--$/ { tools = 1 }
!tools && $2 ~ /^[TDRBWV]$/ { defined[$1] = 1 }
tools && $2 == "U" && ($1 in defined) { wanted[$1] = 1 }
END { for (s in wanted) print "\t" s ";" }' | LC_ALL=C sort)

echo '{'
[ -z "$names" ] || printf 'global:\n%s\n' "$names"
printf 'local:\n\t*;\n};\n'
