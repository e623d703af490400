# For tests that compare vimg with qemu-img, command line by command line.
# shellcheck shell=bash
#
# A table has one shell command line per row, run in two equal folders of images, once
# with qemu-img and once with vimg, each under the name qemu-img:
#
#	= COMMANDS	standard output, standard error and exit code are the same
#	~ COMMANDS	the same, but what is said on standard error is our own (both must
#			say something, or both nothing)
#	? COMMANDS	the same, but ours may say something on standard error
#	# ...		why a row is ~ or ?
#
# Dates of new snapshots and measured times are masked.

# equality_images: fills the current folder with the images the tables name.
equality_images() {
	local i
	qemu-img create -q a.q -f qcow2 10M
	qemu-io -c 'write -P 5 1M 1M' -c 'write -z 3M 1M' -c 'write -P 6 9M 64k' a.q >/dev/null
	qemu-img create -q b.raw 10M
	qemu-io -f raw -c 'write -P 5 1M 1M' -c 'write -P 6 9M 64k' b.raw >/dev/null
	qemu-img create -q -f qcow2 small.q 8M
	qemu-img create -q -f qcow2 -b b.raw -F raw mid.q
	qemu-io -c 'write -P 7 2M 512k' -c 'write -z 1M 64k' mid.q >/dev/null
	qemu-img create -q -f qcow2 -b mid.q -F qcow2 top.q 12M
	qemu-io -c 'write -P 8 4M 128k' -c 'write -P 9 11M 64k' top.q >/dev/null
	qemu-img create -q -f qcow2 -o compat=0.10 v2.q 10M
	qemu-io -c 'write -P 5 1M 1M' v2.q >/dev/null
	qemu-img create -q -f qcow2 -o compat=0.10 -b v2.q -F qcow2 v2top.q
	qemu-img create -q -f qcow2 -o extended_l2=on,cluster_size=128k ext.q 10M
	qemu-io -c 'write -P 3 1M 4k' -c 'write -z 1032k 4k' ext.q >/dev/null
	qemu-img create -q -f qcow2 -o data_file=ext.data,data_file_raw=on data.q 5M
	qemu-io -c 'write -P 4 1M 64k' data.q >/dev/null
	qemu-img create -q -f qcow2 -o lazy_refcounts=on,refcount_bits=8,cluster_size=4k lazy.q 5M
	qemu-io -c 'write -P 4 1M 64k' lazy.q >/dev/null
	qemu-img create -q -f qcow2 -o preallocation=metadata pre.q 5M
	qemu-img create -q -f qcow2 -o cluster_size=512,refcount_bits=1 tiny.q 1M
	qemu-img convert -q -c -O qcow2 b.raw comp.q
	qemu-img convert -q -c -O qcow2 -o compression_type=zstd b.raw zstd.q
	qemu-img create -q -f qcow2 snap.q 10M
	qemu-io -c 'write -P 1 0 1M' snap.q >/dev/null
	qemu-img snapshot -c first snap.q
	qemu-io -c 'write -P 2 512k 1M' snap.q >/dev/null
	qemu-img snapshot -c 'a name that is longer than the column it stands in' snap.q
	qemu-img snapshot -c 1 snap.q
	qemu-img create -q -f qcow2 bits.q 10M
	qemu-img bitmap --add bits.q b0
	qemu-img bitmap --add -g 128k --disable bits.q other
	qemu-img create -q -f qcow2 'with space,comma.q' 1M
	qemu-img create -q -f qcow2 'file:co:lon.q' 1M
	qemu-img create -q -f qcow2 $'\xc3\xa4\xe2\x82\xac.q' 1M
	qemu-img create -q -f qcow2 -u -b nowhere.q -F qcow2 lost.q 1M
	qemu-img create -q -f qcow2 -u -b loop2.q -F qcow2 loop1.q 1M
	qemu-img create -q -f qcow2 -u -b loop1.q -F qcow2 loop2.q 1M
	mkdir dir
	(cd dir && qemu-img create -q -f qcow2 -b ../b.raw -F raw rel.q)
	: >empty
	printf x >one
	head -c 1000 /dev/zero >odd
	head -c 100 a.q >torn.q
	cp a.q leak.q && leak leak.q
	cp a.q bad.q && break_l2 bad.q
	cp a.q dirty.q && poke dirty.q 79 '\001'
	cp a.q corrupt.q && poke corrupt.q 79 '\002'
	cp a.q future.q && poke future.q 75 '\001'
	cp a.q version.q && poke version.q 7 '\011'
	qemu-img create -q 100k.raw 100k
	for i in 1 3 5 7 9; do
		qemu-io -f raw -c "write -P $i ${i}0k 10k" 100k.raw >/dev/null
	done
}

# poke FILE OFFSET BYTES
poke() {
	# shellcheck disable=SC2059
	printf "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
}

# be64 FILE OFFSET: a number of the header, as the shell likes it.
be64() {
	local hex
	hex=$(od -An -tx1 -j "$2" -N 8 "$1" | tr -d ' \n')
	echo $((16#$hex))
}

# leak IMAGE: one more cluster is counted at its end.
leak() {
	local table block end
	table=$(be64 "$1" 48)
	block=$(be64 "$1" "$table")
	end=$(($(stat -c %s "$1") / 65536))
	poke "$1" $((block + end * 2)) '\000\001'
	truncate -s $(((end + 1) * 65536)) "$1"
}

# break_l2 IMAGE: the refcount of a cluster in use becomes zero.
break_l2() {
	local table block
	table=$(be64 "$1" 48)
	block=$(be64 "$1" "$table")
	poke "$1" $((block + 6 * 2)) '\000\000'
}

# equality_version: other versions of qemu-img print other things.
equality_version() {
	case $(qemu-img --version) in
	'qemu-img version 7.2.'*) ;;
	*) skip "the tables are for qemu-img 7.2" ;;
	esac
}

# equality_prepare: the images, once per file; both programs under one name.
equality_prepare() {
	mkdir "$BATS_FILE_TMPDIR/set" "$BATS_FILE_TMPDIR/bin"
	ln -s "$VIMG" "$BATS_FILE_TMPDIR/bin/qemu-img"
	(cd "$BATS_FILE_TMPDIR/set" && equality_images && sync -f .)
}

# one NAME PATH LINE: runs LINE in a fresh folder; NAME.out, NAME.err, NAME.rc.
one() {
	local rc=0 dir=img
	if [ -n "${EQUAL_READS:-}" ]; then
		dir=$BATS_FILE_TMPDIR/set
	else
		rm -rf img
		cp -a --sparse=always "$BATS_FILE_TMPDIR/set" img
	fi
	(
		cd "$dir" || exit
		PATH=$2 eval "$3"
	) >"$1.raw" 2>"$1.eraw" </dev/null || rc=$?
	echo $rc >"$1.rc"
	mask <"$1.raw" >"$1.out"
	mask <"$1.eraw" >"$1.err"
}

mask() {
	sed -E 's/20[0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-6][0-9]/DATE/
		s/"date-n?sec": [0-9]+/"date": N/
		s/completed in [0-9.]+ seconds/completed in N seconds/' | awk 1
}

# inf IMAGE...: info without the space taken, which is the file system's business.
inf() {
	qemu-img info "$@" | sed '/^disk size:/d; /"actual-size":/d'
}

# equal: judges the table on standard input.  Says which rows differ.  With EQUAL_READS set
# the rows only read, and share one folder: copies of a file may take other space.
equal() {
	local how line bad=0 rows=0 a b
	while IFS= read -r line; do
		how=${line%% *}
		line=${line#* }
		case $how in
		= | '~' | '?') ;;
		*) continue ;;
		esac
		rows=$((rows + 1))
		one theirs "$PATH" "$line"
		one ours "$BATS_FILE_TMPDIR/bin:$PATH" "$line"
		[ "$how" != '?' ] || cp theirs.err ours.err
		if [ "$how" = '~' ]; then
			a=$(head -c 1 theirs.err | wc -c)
			b=$(head -c 1 ours.err | wc -c)
			[ "$a" != "$b" ] || cp theirs.err ours.err
		fi
		cmp -s theirs.out ours.out && cmp -s theirs.err ours.err &&
			cmp -s theirs.rc ours.rc && continue
		bad=$((bad + 1))
		echo "---- $line"
		diff -U1 theirs.out ours.out | tail -n +4 | head -n 20 || :
		diff -U1 theirs.err ours.err | tail -n +4 | head -n 20 | sed 's/^/stderr: /' || :
		cmp -s theirs.rc ours.rc || echo "exit code $(cat theirs.rc), ours $(cat ours.rc)"
	done
	echo "$bad of $rows rows differ"
	[ "$rows" -gt 0 ] && [ "$bad" -eq 0 ]
}
