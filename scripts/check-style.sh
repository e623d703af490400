#!/bin/sh
# Usage: check-style.sh FILE...
# What docs/conventions.md asks of C files and clang-format does not see.
awk '
function bad(what) { print FILENAME ":" FNR ": " what; n++ }
FNR == 1 {
	if (NR > 1 && lines > 600)
		{ print name ": " lines " lines, 600 is the ceiling"; n++ }
	name = FILENAME
	if (!/^\/\* SPDX-License-Identifier: MIT \*\/$/)
		bad("does not begin with its SPDX line")
}
{ lines = FNR }
/TODO|FIXME|(^|[^X])XXX([^X]|$)/ { bad("open work belongs into an issue") }
/^typedef struct/ { bad("a typedef for a struct") }
/^ +[^ *]/ { bad("indented with blanks") }
END {
	if (lines > 600)
		{ print name ": " lines " lines, 600 is the ceiling"; n++ }
	exit n != 0
}' "$@" >&2
