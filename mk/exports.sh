#!/bin/sh
# Usage: exports.sh LIBRARY-OBJECT... -- TOOL-OBJECT...
# Prints the linker's export map of libhostkit: what the tools take from it.  All else
# stays inside, where calls need no table and names cannot clash.
set -eu
{
	for o; do
		case $o in
		--) echo --; continue ;;
		esac
		"${NM:-nm}" -P -g "$o"
	done
} | awk '
/^--$/ { tools = 1; next }
!tools && $2 ~ /^[TDRBWV]$/ { defined[$1] = 1 }
tools && $2 == "U" && ($1 in defined) { wanted[$1] = 1 }
END {
	print "{"
	for (s in wanted) { if (!n++) print "global:"; print "\t" s ";" }
	print "local:\n\t*;\n};"
}'
