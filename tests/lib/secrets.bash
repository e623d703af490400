# Secrets, and a qemu-img that knows them, for the tests of encryption: "load ../lib/secrets".
# shellcheck shell=bash

S="--object secret,id=s,data=first --object secret,id=n,data=second --object secret,id=w,data=wrong"

# patient COMMAND...: qemu-img may fail to measure how fast it is; then once more.
patient() {
	local rc=0 _
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do
		rc=0
		"$@" >../q.out 2>../q.err || rc=$?
		grep -q 'accurate CPU' ../q.err || break
	done
	cat ../q.out
	cat ../q.err >&2
	return $rc
}

# q COMMAND...: qemu-img that is patient and knows all secrets.
q() {
	local cmd=$1
	shift
	# shellcheck disable=SC2086
	patient qemu-img "$cmd" $S "$@"
}
