#!/bin/sh
# Usage: tap-sum.sh [-p PATTERN] FILE...
# Says what failed and what was skipped and why, then "N passed, N failed, N skipped".
# Fails if anything failed, a file broke off, or nothing ran.
#
# A skip gives its reason behind "# skip", or (cmocka, which has no room for one) in the
# comment line before it.
pattern=
if [ "$1" = -p ]; then
	pattern=$2
	shift 2
fi
if [ $# -eq 0 ]; then
	echo "no test file${pattern:+ matches $pattern}"
	exit 1
fi
awk '
FNR == 1 { file_done(); file = FILENAME; plan = -1; seen = bad = 0; rc = -1; comment = "" }
{ sub(/^[ \t]+/, "") }
/^(not )?ok .*# [Ss][Kk][Ii][Pp]/ || /^ok .*# skip$/ {
	seen++
	why = $0
	sub(/.*# [Ss][Kk][Ii][Pp][ :]*/, "", why)
	if (/^not ok/) # cmocka puts the name there
		why = (comment == "") ? "" : why ": " comment
	name = $0
	sub(/^(not )?ok [0-9]* *-? */, "", name)
	sub(/ *# [Ss][Kk][Ii][Pp].*/, "", name)
	if (why == "") {
		fail("skipped without a reason: " name)
	} else {
		skips++
		skipped = skipped "  skip " file ": " (name == "" ? "" : name ": ") why "\n"
	}
	comment = ""
	next
}
/^ok /     { pass++; seen++; comment = ""; next }
/^not ok / { seen++; fail($0); comment = ""; next }
/^1\.\.[0-9]+/ {
	n = substr($0, 4) + 0
	plan = (plan < 0) ? n : plan + n
	if (n == 0 && /# [Ss][Kk][Ii][Pp]/) {
		skips++
		why = $0
		sub(/.*# [Ss][Kk][Ii][Pp][ :]*/, "", why)
		if (why == "")
			fail("skipped without a reason")
		skipped = skipped "  skip " file ": " why "\n"
	}
	next
}
/^# exit / { rc = $3 + 0; next }
/^# /      { comment = substr($0, 3) }
function fail(what) {
	bad++
	fails++
	failed = failed "  FAIL " file ": " what "\n"
	broken[file] = 1
}
function file_done() {
	if (file == "")
		return
	if (plan < 0)
		fail("no plan (exit " rc ")")
	else if (plan != seen)
		fail("planned " plan " tests, ran " seen " (exit " rc ")")
	else if (rc != 0 && !bad)
		fail("all tests passed, yet exit " rc)
}
END {
	file_done()
	for (f in broken) {
		print "--- " f ":"
		n = 0
		while ((getline line < f) > 0)
			t[n++] = line
		close(f)
		if (n > 150)
			print "(the last 150 of " n " lines)"
		for (i = (n > 150 ? n - 150 : 0); i < n; i++)
			print t[i]
	}
	printf "%s%s", skipped, failed
	printf "%d passed, %d failed, %d skipped\n", pass, fails, skips
	exit fails != 0 || pass == 0
}' "$@"
