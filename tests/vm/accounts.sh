#!/bin/sh
# with: accounts
# machine: -machine q35 -cpu EPYC,+svm
# memory: 512
# limit: 200
# test-timeout: 220
# Accounts as Alpine makes them: by busybox's own adduser and addgroup.
# shellcheck disable=SC2016 # for the shell that runs them
# shellcheck source=tests/vm/guest/lib.sh
. /vm/lib.sh

picture() { md5sum /etc/passwd /etc/group /etc/shadow >"$1"; }
same() { diff "$1" "$2"; }

rm -f /usr/sbin/groupadd /usr/sbin/groupdel /usr/sbin/useradd /usr/sbin/userdel /usr/sbin/usermod /usr/sbin/gpasswd
t "only busybox makes accounts here" sh -c '! command -v useradd && ! command -v groupadd && command -v adduser addgroup deluser delgroup'
printf '[host]\nkvm = no\ntun = no\nvhost_net = no\n[users]\ncreate = yes\nmembers = alice\n[services]\nboot = no\n' >/etc/hostkit/test.ini
picture /vm/before
cp /etc/passwd /etc/group /etc/shadow /vm/
vtune plan --profile test | sed 's/^/# /'
t "apply" vtune apply --profile test
grep -H 'qemu\|alice' /etc/passwd /etc/group /etc/shadow | sed 's/^/# /'
t "the user has the number and shell that the plan gave it" grep -q '^qemu:x:36:34:.*:/home/qemu:/sbin/nologin$' /etc/passwd
t "it has no password" grep -q '^qemu:!' /etc/shadow
t "its home was not made" test ! -e /home/qemu
t "the group has its number" grep -q '^qemu:x:36:' /etc/group
t "alice is a member of kvm" sh -c 'id -Gn alice | tr " " "\n" | grep -qx kvm'
t "and of qemu" sh -c 'id -Gn alice | tr " " "\n" | grep -qx qemu'
t "qemu is in kvm, as its own group" is kvm id -gn qemu
t "hostcheck: the account" verdict ok users.account qemu
t "nothing is to do again" says "Nothing to do" vtune apply --profile test
t "verify" vtune verify
t "revert" vtune revert
t "passwd and shadow are as before" sh -c 'cmp /etc/passwd /vm/passwd && cmp /etc/shadow /vm/shadow'
t "group as well" cmp /etc/group /vm/group
# A group that someone joined since is theirs.
vtune apply --profile test >/dev/null
addgroup nobody qemu
t "revert leaves a group with another's member" not vtune revert
t "and says whose" sh -c 'vtune revert 2>&1 | grep "nobody"'
t "it is still there" grep -q '^qemu:.*nobody' /etc/group
done_testing
