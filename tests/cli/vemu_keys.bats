#!/usr/bin/env bats
# test-timeout: 300
# shellcheck disable=SC2154,SC2013,SC2094,SC2046,SC2001 # words are names; nobody writes to states
# docs/emulator/keys.md: every key that vemu or QEMU has, in its true state.
load ../lib/common
load ../lib/flat

setup() {
	common_setup
	"$VEMU" -list-states >states
	"$VIMG" create -q -f qcow2 d.qcow2 1M
	truncate -s 1M d.img d.iso
	# shellcheck disable=SC2086 # bytes
	kernel $off
}

@test "the page is what the program says" {
	[ "$(wc -l <states)" -gt 600 ]
	"$TOP/scripts/vemu-keys.sh" <states >page
	same "$TOP/docs/emulator/keys.md" page
}

# needs OF: what -device OF cannot be without, and what goes before.
before() {
	case $1 in
	virtio-blk-pci | ide-hd | nvme) echo "-drive if=none,id=d,file=d.qcow2" ;;
	ide-cd) echo "-drive if=none,id=d,media=cdrom,file=d.iso" ;;
	scsi-hd) echo "-drive if=none,id=d,file=d.qcow2 -device virtio-scsi-pci,id=s" ;;
	scsi-cd) echo "-drive if=none,id=d,media=cdrom,file=d.iso -device virtio-scsi-pci,id=s" ;;
	virtio-net-pci | e1000) echo "-netdev user,id=n" ;;
	virtconsole | virtserialport) echo "-device virtio-serial-pci,id=s -chardev null,id=c" ;;
	virtio-rng-pci) echo "-object rng-builtin,id=r" ;;
	VGA | bochs-display) echo "-vga none" ;;
	esac
}
needs() {
	case $1 in
	virtio-blk-pci | ide-hd | nvme | ide-cd | scsi-hd | scsi-cd) echo "drive=d," ;;
	virtio-net-pci | e1000) echo "netdev=n," ;;
	virtconsole | virtserialport) echo "chardev=c," ;;
	esac
}

# line OF KEYS: options with these keys.
line() {
	local of=$1 keys=$2 dev
	case $of in
	"-m") echo "-m 64,$keys" ;;
	"-smp") echo "-smp 1,$keys" ;;
	"-accel") echo "-accel soft,$keys" ;;
	"-drive") echo "-drive file=d.qcow2,$keys" ;;
	"-blockdev file") echo "-blockdev file,node-name=f,filename=d.img,$keys -device virtio-blk-pci,drive=f" ;;
	"-blockdev host_device") echo "-blockdev host_device,node-name=f,$keys" ;;
	"-blockdev raw") echo "-blockdev file,node-name=f,filename=d.img -blockdev raw,node-name=n,file=f,$keys -device virtio-blk-pci,drive=n" ;;
	"-blockdev qcow2") echo "-blockdev file,node-name=f,filename=d.qcow2 -blockdev qcow2,node-name=n,file=f,$keys -device virtio-blk-pci,drive=n" ;;
	"-netdev "*) echo "-netdev ${of#* },id=n,$keys -device virtio-net-pci,netdev=n" ;;
	"-nic") echo "-nic user,$keys" ;;
	"-chardev") echo "-chardev null,id=c,$keys" ;;
	"-chardev socket") echo "-chardev socket,id=c,path=sock,server=on,wait=off,$keys" ;;
	"-chardev "*) echo "-chardev ${of#* },id=c,$keys" ;;
	"-object memory-*") echo "-object memory-backend-ram,id=o,size=64M,$keys -machine memory-backend=o" ;;
	"-object memory-backend-file") echo "-object memory-backend-file,id=o,size=64M,mem-path=.,$keys -machine memory-backend=o" ;;
	"-object rng-*") echo "-object rng-random,id=o,$keys -device virtio-rng-pci,rng=o" ;;
	"-fw_cfg") echo "-fw_cfg name=opt/a,string=b,$keys" ;;
	"-smbios") echo "-smbios type=1,$keys" ;;
	"-display") echo "-display none,$keys" ;;
	"-cpu") echo "-cpu max,$keys" ;;
	"-device PCI") echo "-device i6300esb,$keys" ;;
	"-device virtio") echo "-device virtio-rng-pci,$keys" ;;
	"-device disk") line "-device ide-hd" "$keys" ;;
	"-device "*)
		dev=${of#* }
		echo "$(before "$dev") -device $dev,$(needs "$dev")$keys"
		;;
	*) echo "$of $keys" ;;
	esac
}

# named OF NAME: options where a key of OF names this.
named() {
	case $1 in
	"-drive if=") echo "-drive file=d.img,if=$2" ;;
	"-blockdev driver=") echo "-blockdev $2,node-name=n" ;;
	"-nic model=") echo "-nic user,model=$2" ;;
	"-vga ") echo "-vga $2" ;;
	"-netdev type=" | "-object qom-type=" | "-chardev backend=") echo "${1%% *} $2,id=x" ;;
	*) echo "${1%% *} $2" ;;
	esac
}

# refused NAME REASON OPTION...: by name, with the reason.
refused() {
	local name=$1 why=$2 out rc=0
	shift 2
	out=$(timeout 10 "$VEMU" "$@" 2>&1 </dev/null) || rc=$?
	[ "$rc" = 2 ] && [[ $out == *"$name"*"not supported"*"$why"* ]] && return
	echo "$*: $rc: $out"
	return 1
}

@test "what is refused is refused by its name with the reason" {
	local n=0 bad=0
	while IFS=$'\t' read -r of names state _ why; do
		[[ $state == no || $state == part ]] || continue
		for name in $names; do
			local w=${name/%\*/x} args
			case $of in
			*= | "-vga ") args=$(named "$of" "$w") ;;
			*) args=$(line "$of" "$w=mice") ;;
			esac
			# shellcheck disable=SC2086
			refused "$w" "$why" $args || bad=$((bad + 1))
			n=$((n + 1))
		done
	done < <(sed 's/\t\t/\t-\t/g' states)
	[ "$n" -gt 800 ]
	[ "$bad" = 0 ]
}

# runs OPTION...: a guest that switches itself off at once does.
runs() {
	local out rc=0
	out=$(timeout 20 "$VEMU" -m 64 -kernel kernel -serial none -monitor none "$@" 2>&1 </dev/null) || rc=$?
	[ "$rc" = 0 ] && [ -z "$out" ] && return
	echo "$*: $rc: $out"
	return 1
}

@test "values that change nothing are taken" {
	local bad=0
	grep -P '\tpart\t' states | cut -f 1 | sort -u >of
	while read -r of; do
		local keys="" args
		while IFS=$'\t' read -r _ names _ same _; do
			for name in $names; do
				for v in ${same//|/ }; do
					[ "$v" != "(nothing)" ] || v=
					keys=${keys:+$keys,}${name/%\*/x}=$v
				done
			done
		done < <(awk -F'\t' -v of="$of" '$1 == of && $3 == "part"' states)
		args=$(line "$of" "$keys")
		[ "$of" != -global ] || args="-global ${keys//,/ -global }"
		[ "$of" != "-device disk" ] || args="$args $(line "-device nvme" "${keys/,bios-chs-trans=auto/}" | sed 's/=d\([ ,]\)/=e\1/g; s/d.qcow2/d.img,format=raw/')"
		# shellcheck disable=SC2086
		runs $args || bad=$((bad + 1))
	done <of
	[ "$bad" = 0 ]
}

# What is there, with keys and values that do something: of which option, and the options.
there() {
	cat <<'end'
-machine|-machine type=q35,accel=soft,kernel=kernel,append=x,mem-merge=on,hpet=off,acpi=off,dump-guest-core=off
-machine|-object memory-backend-ram,id=o,size=64M -machine type=pc,memory-backend=o,initrd=d.img
-accel|-accel accel=soft,step=on
-smp|-smp cpus=4,sockets=1,cores=2,threads=2,maxcpus=4
-m|-m size=64M
-name|-name guest=a,process=b,debug-threads=on
-rtc|-rtc base=2006-06-17,clock=vm
-boot|-boot order=c,once=d,menu=on,strict=on,splash-time=1,reboot-timeout=1
-fw_cfg|-fw_cfg name=opt/a,string=b
-fw_cfg|-fw_cfg name=opt/a,file=d.img
-smbios|-smbios type=0,vendor=a,version=b,date=c
-smbios|-smbios type=1,manufacturer=a,product=b,version=c,serial=d,uuid=00112233-4455-6677-8899-aabbccddeeff,sku=e,family=f
-smbios|-smbios type=2,asset=a
-overcommit|-overcommit mem-lock=off
-sandbox|-sandbox enable=on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny
-msg|-msg timestamp=on,guest-name=on
-action|-action reboot=shutdown,shutdown=poweroff,panic=none,watchdog=none
-mon|-chardev null,id=c -mon chardev=c,mode=control,pretty=on
-display|-display type=none
-chardev|-chardev backend=null,id=c,mux=on,logfile=log,logappend=on
-chardev file|-chardev file,id=c,path=out,append=on
-chardev pipe|-chardev pipe,id=c,path=fifo
-chardev ringbuf|-chardev ringbuf,id=c,size=4096
-chardev memory|-chardev memory,id=c,size=4096
-chardev stdio|-chardev stdio,id=c,signal=off
-chardev socket|-chardev socket,id=c,path=vemu-keys-test,abstract=on,tight=off,server=on,wait=off,telnet=on
-chardev socket|-chardev socket,id=c,host=127.0.0.1,port=40000,to=65000,ipv4=on,ipv6=off,nodelay=off,server=on,wait=off
-drive|-drive file=d.qcow2,format=qcow2,if=ide,id=a,index=1,media=disk,cache=none,readonly=off,snapshot=on,discard=unmap,detect-zeroes=unmap,serial=s,aio=threads,werror=stop,rerror=stop
-drive|-drive file=d.qcow2,driver=qcow2,if=ide,node-name=a,bus=1,unit=0,cache.writeback=off,cache.direct=on,cache.no-flush=on,read-only=on,auto-read-only=on,force-share=on
-blockdev|-blockdev driver=file,node-name=f,filename=d.img,read-only=on,auto-read-only=on,force-share=on,discard=unmap,detect-zeroes=off,cache.direct=on,cache.no-flush=on -device virtio-blk-pci,drive=f
-blockdev file|-blockdev file,node-name=f,filename=d.img,locking=off -device virtio-blk-pci,drive=f
-blockdev raw|-blockdev file,node-name=f,filename=d.img -blockdev raw,node-name=n,file=f -device virtio-blk-pci,drive=n
-blockdev qcow2|-blockdev file,node-name=f,filename=d.qcow2 -blockdev qcow2,node-name=n,file=f,backing=,lazy-refcounts=on,pass-discard-request=on,pass-discard-snapshot=on,pass-discard-other=on,overlap-check=all,cache-size=1M,l2-cache-entry-size=4096,refcount-cache-size=256k,cache-clean-interval=1 -device virtio-blk-pci,drive=n
-blockdev qcow2|-blockdev file,node-name=f,filename=d.qcow2 -blockdev qcow2,node-name=n,file=f,l2-cache-size=1M -device virtio-blk-pci,drive=n
-blockdev qcow2|-blockdev file,node-name=f,filename=x.qcow2 -blockdev file,node-name=g,filename=x.data -blockdev qcow2,node-name=n,file=f,data-file=g -device virtio-blk-pci,drive=n
-object|-object qom-type=rng-builtin,id=o -device virtio-rng-pci,rng=o
-object memory-backend-ram|-object memory-backend-ram,id=o,size=64M,share=on,prealloc=on,reserve=off,merge=on,dump=off -machine memory-backend=o
-object memory-backend-file|-object memory-backend-file,id=o,mem-path=.,size=64M,share=on,prealloc=on,reserve=off,merge=on,dump=off -machine memory-backend=o
-object memory-backend-memfd|-object memory-backend-memfd,id=o,size=64M,share=on,prealloc=on,reserve=off,merge=on,dump=off,hugetlb=off,seal=off -machine memory-backend=o
-object rng-random|-object rng-random,id=o,filename=/dev/zero -device virtio-rng-pci,rng=o
-netdev|-netdev type=user,id=n -device e1000,netdev=n
-netdev user|-netdev user,id=n,restrict=on,hostname=a,net=192.168.7.0/24,host=192.168.7.1,dns=192.168.7.2,dhcpstart=192.168.7.9,dnssearch=a.example,dnssearch=b.example,domainname=c.example,tftp=.,bootfile=x,tftp-server-name=y,ipv4=on,ipv6=on,ipv6-prefix=fd00::,ipv6-prefixlen=64,ipv6-host=fd00::1,ipv6-dns=fd00::2 -device e1000,netdev=n
-netdev user|-netdev user,id=n,hostfwd=tcp:127.0.0.1:PORT-:22 -device e1000,netdev=n
-nic|-nic type=user,id=n,mac=52:54:00:00:00:01,model=e1000
-net|-net type=nic -net type=user
-net nic|-net nic,macaddr=52:54:00:00:00:01,model=e1000 -net user
-device virtio-blk-pci|-drive if=none,id=d,file=d.qcow2 -device virtio-blk-pci,drive=d,bus=pci.0,addr=7,bootindex=1,num-queues=2,serial=s,threads=2,werror=stop,rerror=stop,disable-legacy=on,disable-modern=off,physical_block_size=4096,min_io_size=4096,opt_io_size=64k
-device ide-hd|-drive if=none,id=d,file=d.qcow2 -device ide-hd,drive=d,bus=ide.1,unit=1,bootindex=1,serial=s,werror=stop,rerror=stop,model=m,ver=v,wwn=0x5000000000000001,rotation_rate=7200,physical_block_size=4096
-device ide-cd|-drive if=none,id=d,file=d.iso,format=raw -device ide-cd,drive=d,bus=ide.1,unit=1,bootindex=1,serial=s,werror=stop,rerror=stop,model=m,ver=v
-device nvme|-drive if=none,id=d,file=d.qcow2 -device nvme,drive=d,bus=pci.0,addr=7,bootindex=1,serial=s,num-queues=2,threads=2,werror=stop,rerror=stop
-device virtio-scsi-pci|-machine q35 -device virtio-scsi-pci,bus=pcie.0,addr=7,disable-legacy=on,disable-modern=off
-device scsi-hd|-device virtio-scsi-pci,id=s -drive if=none,id=d,file=d.qcow2 -device scsi-hd,drive=d,bus=s.0,scsi-id=3,lun=1,bootindex=1,serial=s,werror=stop,rerror=stop,vendor=a,product=b,ver=c,wwn=0x5000000000000001,rotation_rate=7200,physical_block_size=4096,min_io_size=4096,opt_io_size=64k
-device scsi-cd|-device virtio-scsi-pci,id=s -drive if=none,id=d,file=d.iso,format=raw -device scsi-cd,drive=d,bus=s.0,scsi-id=3,lun=1,bootindex=1,serial=s,werror=stop,rerror=stop,vendor=a,product=b,ver=c
-device virtio-net-pci|-netdev user,id=n -device virtio-net-pci,netdev=n,bus=pci.0,addr=7,bootindex=1,mac=52:54:00:00:00:01,host_mtu=1400,speed=1000,duplex=full,disable-legacy=on,disable-modern=off
-device e1000|-netdev user,id=n -device e1000,netdev=n,bus=pci.0,addr=7,bootindex=1,mac=52:54:00:00:00:01
-device virtio-rng-pci|-object rng-builtin,id=r -device virtio-rng-pci,rng=r,max-bytes=64,period=10,bus=pci.0,addr=7,disable-legacy=on,disable-modern=off
-device virtio-balloon-pci|-device virtio-balloon-pci,bus=pci.0,addr=7,disable-legacy=on,disable-modern=off,deflate-on-oom=on,free-page-reporting=on
-device virtio-serial-pci|-device virtio-serial-pci,bus=pci.0,addr=7,disable-legacy=on,disable-modern=off,max_ports=3
-device virtconsole|-device virtio-serial-pci,id=s -chardev null,id=c -device virtconsole,bus=s.0,nr=1,name=a,chardev=c
-device virtserialport|-device virtio-serial-pci,id=s -chardev null,id=c -device virtserialport,bus=s.0,nr=1,name=a,chardev=c
-device pvpanic|-device pvpanic,ioport=0x506,events=1
-device pvpanic-pci|-device pvpanic-pci,bus=pci.0,addr=7,events=1
-device i6300esb|-device i6300esb,bus=pci.0,addr=7
-device VGA|-vga none -device VGA,bus=pci.0,addr=7,edid=on,xres=800,yres=600,vgamem_mb=32
-device bochs-display|-vga none -device bochs-display,bus=pci.0,addr=7,edid=on,xres=800,yres=600,vgamem=32M
-device isa-debug-exit|-device isa-debug-exit,iobase=0x502,iosize=4
-device pci-testdev|-device pci-testdev,bus=pci.0,addr=7,membar=4096
-cpu|-cpu max,aes=off,-avx2,enforce,family=6,model=1,stepping=2,vendor=GenuineIntel,model-id=x,level=13,xlevel=0x80000008
end
}

# How many of @1 that are "yes" the lines above lack; those that need what a test does not have are named.
uncovered() {
	there | awk -F'|' '
		NR == FNR { text[$1] = text[$1] " " $2; next }
		{
			split($0, f, "\t")
			if (f[3] != "yes" || f[1] ~ /[= ]$/ || f[1] ~ /^-netdev (tap|bridge)$|^-nic .|^-net (tap|bridge|user)$/)
				next
			# a device of the host; huge pages; firmware, which other tests start; features of a processor have a test of their own
			if (f[1] ~ /host_device|^-chardev (serial|tty)$/ || f[2] == "hugetlbsize" || f[2] ~ /^(firmware|pflash.)$/)
				next
			if (f[1] == "-cpu" && f[2] !~ /^(enforce|family|model|stepping|vendor|model-id|level|xlevel)$/)
				next
			if (index(text[f[1]], f[2] "=") == 0 && f[2] != "enforce")
				print f[1], f[2]
		}' - states
}

@test "what is there is taken, all keys of it, and its guest runs" {
	local bad=0
	[ -z "$(uncovered)" ] || { uncovered; false; }
	mkfifo fifo
	"$VIMG" create -q -f qcow2 -o data_file=x.data,data_file_raw=on x.qcow2 1M
	while IFS='|' read -r of args; do
		# a port that nobody has: the kernel knows one
		args=${args/PORT/$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')}
		case $of in
		-m) args="$args -m 64" ;;
		"-chardev pipe") exec 8<>fifo ;;
		esac
		# shellcheck disable=SC2086
		runs $args || bad=$((bad + 1))
	done < <(there)
	[ "$bad" = 0 ]
}

@test "values that are none are refused, and named" {
	local bad=0 n=0 args
	while IFS='|' read -r of args; do
		for key in $(awk -F'\t' -v of="$of" '$1 == of && $3 == "yes" { print $2 }' states); do
			# texts may be anything
			[[ "$args" =~ [,\ ]$key=(on|off|[0-9][0-9a-fxkM]*|stop|none|unmap)(,|\ |$) ]] || continue
			case $of/$key in
			*/serial | *"/bootindex="* | -boot/order | -boot/once) continue ;;
			-fw_cfg/* | *-smbios/[!t]* | "-chardev socket/path") continue ;;
			esac
			rc=0
			# shellcheck disable=SC2086
			out=$(timeout 20 "$VEMU" -kernel kernel -serial none -monitor none \
				$(sed "s/\([, ]\)$key=[^, ]*/\1$key=mice/" <<<"$args") 2>&1 </dev/null) || rc=$?
			n=$((n + 1))
			[ "$rc" != 0 ] && [[ $out == *mice* || $out == *"$key"* ]] && continue
			echo "$of $key=mice: $rc: $out"
			bad=$((bad + 1))
		done
	done < <(there)
	[ "$n" -gt 100 ]
	[ "$bad" = 0 ]
}

@test "features of processors are known by their names, with their signs" {
	local all=""
	for f in $(awk -F'\t' '$1 == "-cpu" && $3 == "yes" { print $2 }' states); do
		case $f in
		enforce | family | model | stepping | vendor | model-id | level | xlevel | lm | hypervisor) ;;
		*) all=$all,-$f,$f=off ;;
		esac
	done
	run "$VEMU" -nographic -kernel nowhere -cpu "max$all"
	[ "$status" = 1 ]
	[[ $output == *nowhere* ]]
	run "$VEMU" -cpu max,+mice
	[ "$status" = 2 ]
	[[ $output == *mice* ]]
	run "$VEMU" -cpu mice
	[ "$status" = 2 ]
}

@test "the page has every key, device, model and feature of QEMU's" {
	requires qemu-system-x86_64 python3
	# shellcheck disable=SC2046
	"$TOP/tests/lib/qemu-keys.py" $("$VEMU" -device help | awk '{ print $1 }') >theirs
	[ "$(wc -l <theirs)" -gt 2000 ]
	awk -f "$TOP/tests/lib/keys-missing.awk" states theirs | sort -u >missing
	[ ! -s missing ] || { cat missing; false; }
}
