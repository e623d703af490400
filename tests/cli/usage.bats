#!/usr/bin/env bats
# What somebody reads who gets a command line wrong, under the name vimg.  Under qemu-img's name the words are
# that program's: equality_*.bats.
load ../lib/common

setup() {
	common_setup
	"$VIMG" create -q -f qcow2 a.q 1M
	"$VIMG" create -q r.img 1M
}

# says TEXT ARGUMENT...: vimg fails with exactly these lines.
says() {
	local want=$1
	shift
	run "$VIMG" "$@"
	[ "$status" -eq 1 ]
	[ "$output" = "$want" ] || { echo "vimg $*:"; echo "$output"; return 1; }
}

# hints COMMAND TEXT ARGUMENT...: the same, and where the help is.
hints() {
	local cmd=$1 text=$2
	shift 2
	says "vimg: $text
Try 'vimg${cmd:+ $cmd} --help' for more information" ${cmd:+"$cmd"} "$@"
}

@test "no operands, or too many: what is expected, and whose help to read" {
	local cmd
	hints '' 'Expecting a command'
	for cmd in bench check commit info map rebase snapshot tune; do
		hints $cmd 'Expecting one image file name'
		hints $cmd 'Expecting one image file name' a.q b.q
	done
	hints compare 'Expecting two image file names' a.q
	hints resize 'Expecting image file name and size'
	hints resize 'Expecting image file name and size' a.q
	hints create 'Expecting image file name'
	hints create 'Unexpected argument: 2M' x 1M 2M
	hints convert 'Expecting at least one source image and the destination' a.q
	hints dd 'Expecting both an input, if=FILE, and an output, of=FILE'
	hints dd "Unknown operand 'a.q': expecting if=, of=, bs=, count= or skip=" a.q
	hints measure 'Expecting one image file name, or --size'
	hints measure 'Expecting at most one image file name' a.q r.img
	hints cache 'Expecting one image file name, or --size'
	hints amend 'Must specify options (-o)' a.q
}

@test "an option that is not there" {
	local cmd
	"$VIMG" --list-options | cut -d ' ' -f 1 | sort -u >cmds
	[ "$(wc -l <cmds)" -gt 10 ]
	while read -r cmd; do
		hints "$cmd" "unrecognized option '--nosuch'" --nosuch
	done <cmds
}

@test "what cannot be opened is said once" {
	says "vimg: Could not open 'nosuch': No such file or directory" info nosuch
	says "vimg: Could not open 'nosuch': No such file or directory" resize nosuch 1M
	says "vimg: Could not open 'r.img': Image is not in qcow2 format" map -f qcow2 r.img
}

@test "wrong sizes are named" {
	local what="a size is a number of bytes, or of kilobytes to exabytes with k, M, G, T, P or E behind it"
	says "vimg: Invalid image size '5Q': $what" create x 5Q
	says "vimg: Invalid start offset 'q': $what" map -s q a.q
	says "vimg: x: A size must be given behind the name" create x
}

@test "snapshots that cannot be had" {
	says "vimg: Could not apply snapshot 'x': there is no such snapshot" snapshot -a x a.q
	says "vimg: Could not delete snapshot 'x': there is no such snapshot" snapshot -d x a.q
	says "vimg: Could not create snapshot 'x': raw images cannot hold snapshots" snapshot -f raw -c x r.img
	says "vimg: snapshot names have at most 255 bytes" snapshot -c "$(printf 'x%.0s' {1..256})" a.q
	"$VIMG" snapshot -c "$(printf 'x%.0s' {1..255})" a.q
}

@test "an overlay needs the format of what it lies over" {
	says "vimg: x: The format of the backing file must be said; it seems to be -F qcow2" create -q -f qcow2 -b a.q x
}
