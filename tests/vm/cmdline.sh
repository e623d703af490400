#!/bin/sh
# machine: -machine q35 -cpu EPYC,+svm
# memory: 512
# limit: 300
# test-timeout: 320
# The kernel's command line by two boot loaders.  The loader of these guests is QEMU, which reads
# neither file: a restart shows what a host says whose loader was not made anew, and the line of
# a kernel that was started with the words is put over /proc/cmdline.
# shellcheck disable=SC2016 # for the shell that runs them
# shellcheck source=tests/vm/guest/lib.sh
. /vm/lib.sh

# started WORDS: as if the kernel had been.
started() {
	sed "s|\$| $*|" /proc/cmdline >/tmp/cmdline
	mount --bind /tmp/cmdline /proc/cmdline
}

profile() {
	printf '[kernel]\ncmdline = mitigations=auto console=ttyS1 audit=0\n[iommu]\nidentity = yes\n' >/etc/hostkit/test.ini
}

case $BOOT in
1)
	mkdir -p /etc/default /boot/grub
	printf '# kept\nGRUB_TIMEOUT=1\nGRUB_CMDLINE_LINUX_DEFAULT="quiet audit=1 console=tty0"   # kept too\n' >/etc/default/grub
	cp /etc/default/grub /vm/grub
	cat >/usr/sbin/grub-mkconfig <<'X'
#!/bin/sh
. /etc/default/grub
[ "$1" = -o ] && echo "linux /vmlinuz $GRUB_CMDLINE_LINUX $GRUB_CMDLINE_LINUX_DEFAULT" >"$2"
X
	chmod 755 /usr/sbin/grub-mkconfig
	profile
	t "hostcheck: another line is configured than runs" verdict warn boot.cmdline
	t "plan" says "audit=0" vtune plan --profile test
	t "the plan touched nothing" cmp /etc/default/grub /vm/grub
	t "apply" vtune apply --profile test
	t "words that set are replaced, words that add up are added" grep -q '^GRUB_CMDLINE_LINUX_DEFAULT="quiet audit=0 console=tty0 .*console=ttyS1.*"   # kept too$' /etc/default/grub
	t "all of them" sh -c '. /etc/default/grub; for w in mitigations=auto console=ttyS1 audit=0 iommu=pt; do case " $GRUB_CMDLINE_LINUX_DEFAULT " in *" $w "*) ;; *) echo "$w"; exit 1 ;; esac; done'
	t "the loader's own file has them" grep -q 'linux /vmlinuz .*audit=0' /boot/grub/grub.cfg
	t "nothing to do again" says "Nothing to do" vtune apply --profile test
	t "status: reboot" sh -c 'vtune status | grep "kernel.cmdline *reboot"'
	t "and says so at the end" says "A reboot is needed" vtune status
	t "for programs" sh -c 'vtune status --json | grep "\"reboot_pending\": true"'
	t "hostcheck: after a reboot, these words" verdict warn boot.cmdline "after a reboot"
	t "verify: files are as wanted" vtune verify
	restart
	;;
2)
	# The loader passed nothing on.
	t "started without the words, this is told" says "this kernel was started with another one" vtune verify
	t "hostcheck: another line is configured than runs" verdict warn boot.cmdline
	started mitigations=auto console=ttyS1 audit=0 iommu=pt console=tty0
	t "started with them, nothing is pending" sh -c '! vtune status | grep -i reboot'
	t "and verify has nothing to tell" not says "another one" vtune verify
	umount /proc/cmdline
	t "a word taken out by another hand is drift" sh -c 'sed -i s/audit=0/audit=1/ /etc/default/grub; vtune verify; [ $? = 3 ]'
	sed -i s/audit=1/audit=0/ /etc/default/grub
	t "revert" vtune revert
	t "the file is as before" cmp /etc/default/grub /vm/grub
	t "the loader's file was made anew" grep -q 'audit=1' /boot/grub/grub.cfg

	# Alpine's own.
	rm -r /etc/default/grub /boot/grub /usr/sbin/grub-mkconfig
	printf '## Alpine\ndefault_kernel_opts="quiet rootfstype=ext4"\nmodules=sd-mod\nroot=UUID=1\n' >/etc/update-extlinux.conf
	cp /etc/update-extlinux.conf /vm/extlinux
	printf '#!/bin/sh\n. /etc/update-extlinux.conf\necho "APPEND $default_kernel_opts" >/boot/extlinux.conf\n' >/sbin/update-extlinux
	chmod 755 /sbin/update-extlinux
	printf '[host]\nguests = 1G\n[hugepages]\nreserve = yes\npage = 1G\n' >/etc/hostkit/huge.ini
	t "pages of 1G that this host cannot spare are refused" sh -c 'vtune plan --profile huge >/tmp/o 2>&1; cat /tmp/o; ! grep -q hugepagesz /tmp/o'
	profile
	t "extlinux: apply" vtune apply --profile test
	t "its file" grep -q '^default_kernel_opts="quiet rootfstype=ext4 .*audit=0.*"$' /etc/update-extlinux.conf
	t "update-extlinux ran" grep -q '^APPEND quiet rootfstype=ext4 .*iommu=pt' /boot/extlinux.conf
	t "status: reboot" sh -c 'vtune status | grep "kernel.cmdline *reboot"'
	printf '#!/bin/sh\necho no room on /boot >&2; exit 1\n' >/sbin/update-extlinux
	t "a loader's program that fails is told" sh -c 'vtune revert >/tmp/o 2>&1; [ $? = 1 ] && cat /tmp/o && grep -q "update-extlinux" /tmp/o'
	printf '#!/bin/sh\n. /etc/update-extlinux.conf\necho "APPEND $default_kernel_opts" >/boot/extlinux.conf\n' >/sbin/update-extlinux
	t "and made up for by the next revert" vtune revert
	t "its file is as before" cmp /etc/update-extlinux.conf /vm/extlinux
	t "and what it made of it" grep -qx 'APPEND quiet rootfstype=ext4' /boot/extlinux.conf
	done_testing
	;;
esac
