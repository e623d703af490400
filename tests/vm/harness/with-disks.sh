#!/bin/bash
# Usage: with-disks.sh TREE IMAGE
# Two disks for the guest, disks/a.img and disks/b.img beside the test's work, all of whose bytes are
# there and are not zero.  A test shares the folder with its guest, which sees so what became of them.
set -eu
mkdir -p disks
for d in a b; do
	tr '\0' '\377' </dev/zero | head -c 67108864 >disks/$d.img
done
