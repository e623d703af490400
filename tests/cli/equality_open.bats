#!/usr/bin/env bats
# How images are named and opened: options, json: names, protocols, damaged headers.
# test-timeout: 300
load ../lib/common
load ../lib/equality

setup_file() {
	requires qemu-img qemu-io
	equality_version
	equality_prepare
}

@test "images named by options" {
	EQUAL_READS=1 equal <<-'END'
		= qemu-img info --image-opts driver=qcow2,file.driver=file,file.filename=a.q
		= qemu-img info --image-opts driver=qcow2,file.filename=a.q
		= qemu-img info --image-opts file.filename=a.q
		= qemu-img info --image-opts driver=raw,file.filename=a.q
		= qemu-img info --image-opts driver=qcow2,file.driver=file,file.filename=with\ space,,comma.q
		= qemu-img info --image-opts driver=nosuch,file.filename=a.q
		= qemu-img info --image-opts driver=qcow2,nosuch=1,file.filename=a.q
		= qemu-img info --image-opts driver=qcow2,file.nosuch=1,file.filename=a.q
		= qemu-img info --image-opts driver=qcow2
		= qemu-img info --image-opts -f qcow2 driver=qcow2,file.filename=a.q
		= qemu-img info --image-opts driver=qcow2,lazy-refcounts=on,file.filename=a.q
		= qemu-img info 'json:{"driver":"qcow2","file":{"driver":"file","filename":"a.q"}}'
		= qemu-img info 'json:{"file.filename":"a.q"}'
		= qemu-img info 'json:{"driver":"raw"}'
		= qemu-img info 'json:{}'
		# the place in the text is our parser's
		~ qemu-img info 'json:broken'
		= qemu-img info --output=json 'json:{"driver":"qcow2","file.filename":"a.q"}'
		= qemu-img info --image-opts a.q
		= qemu-img info --image-opts driver=qcow2,file.filename=nosuch
		= qemu-img info --image-opts driver=qcow2,file=a.q
		= qemu-img convert --image-opts 'driver=qcow2,file.filename=with space,,comma.q' ../x.raw
		= qemu-img check --output=json --image-opts driver=qcow2,file.filename=a.q
		= qemu-img map --image-opts driver=qcow2,file.filename=top.q
		= qemu-img info -U --image-opts driver=qcow2,file.filename=a.q
	END
}

@test "options with wrong values" {
	EQUAL_READS=1 equal <<-'END'
		= qemu-img info --image-opts driver=qcow2,file.filename=a.q,lazy-refcounts=maybe
		= qemu-img info --image-opts driver=qcow2,file.filename=v2.q,lazy-refcounts=on
		= qemu-img info --image-opts driver=qcow2,file.filename=a.q,cache-size=bogus
		= qemu-img info --image-opts driver=qcow2,file.filename=a.q,cache-size=16E
		= qemu-img info --image-opts driver=qcow2,file.filename=a.q,cache-clean-interval=bogus
		= qemu-img info --image-opts driver=qcow2,file.filename=a.q,cache.direct=maybe
		= qemu-img info --image-opts driver=qcow2,file.filename=a.q,read-only=maybe
		= qemu-img info --image-opts driver=qcow2,file.filename=a.q,force-share=maybe
		= qemu-img info --image-opts driver=qcow2,file.filename=a.q,discard=maybe
		= qemu-img info --image-opts driver=qcow2,file.filename=a.q,overlap-check=maybe
		= qemu-img info --image-opts driver=qcow2,file.filename=a.q,overlap-check.main-header=maybe
		= qemu-img info --image-opts driver=qcow2,file.filename=a.q,pass-discard-request=maybe
		= qemu-img info --image-opts driver=qcow2,file.filename=a.q,l2-cache-entry-size=3
		= qemu-img info --image-opts driver=qcow2,file.filename=a.q,l2-cache-size=1M,cache-size=512k
		= qemu-img info --image-opts driver=qcow2,file.filename=a.q,file.locking=maybe
		= qemu-img info --image-opts driver=qcow2,file.filename=a.q,file.aio=maybe
		= qemu-img info --image-opts driver=qcow2,file.filename=a.q,file.aio=native
		= qemu-img info --image-opts driver=raw,file.filename=b.raw,offset=bogus
		= qemu-img info --image-opts driver=raw,file.filename=b.raw,size=bogus
	END
}

@test "part of a raw file" {
	EQUAL_READS=1 equal <<-'END'
		# theirs is json:{...} with the options in it
		= qemu-img info --image-opts driver=raw,file.filename=b.raw,offset=1M | sed 1d
		= qemu-img info --image-opts driver=raw,file.filename=b.raw,offset=1000 | sed 1d
		= qemu-img map --output=json --image-opts driver=raw,file.filename=b.raw,offset=1M
		= qemu-img measure --image-opts driver=raw,file.filename=b.raw,offset=1000
		= qemu-img info --image-opts driver=raw,file.filename=b.raw,offset=100M
		= qemu-img info --image-opts driver=raw,file.filename=b.raw,size=20M
		= qemu-img info --image-opts driver=raw,file.filename=b.raw,size=1000
		= qemu-img info --image-opts driver=raw,file.filename=b.raw,offset=9M,size=2M
	END
	equal <<-'END'
		= qemu-img convert --image-opts driver=raw,file.filename=b.raw,offset=1M,size=1M x && md5sum x
		= qemu-img convert --image-opts driver=raw,file.filename=b.raw,offset=1000 x && stat -c %s x
		= qemu-img resize --image-opts driver=raw,file.filename=b.raw,offset=1M 20M; stat -c %s b.raw
		= qemu-img resize --image-opts driver=raw,file.filename=b.raw,size=1M 20M
	END
}

@test "backing images and data files named by options" {
	EQUAL_READS=1 equal <<-'END'
		= qemu-img map --output=json --image-opts driver=qcow2,file.filename=top.q,backing.driver=raw,backing.file.filename=b.raw
		= qemu-img map --output=json --image-opts driver=qcow2,file.filename=top.q,backing.driver=qcow2
		= qemu-img map --output=json --image-opts driver=qcow2,file.filename=top.q,backing.driver=raw
		= qemu-img map --output=json --image-opts driver=qcow2,file.filename=top.q,backing.bogus=1
		= qemu-img map 'json:{"driver":"qcow2","backing":null,"file":{"driver":"file","filename":"top.q"}}'
		= qemu-img info --image-opts driver=qcow2,file.filename=a.q,backing.driver=raw
		= qemu-img info --backing-chain --image-opts driver=qcow2,file.filename=top.q,backing.driver=raw,backing.file.filename=b.raw
		= qemu-img map --output=json --image-opts driver=qcow2,file.filename=data.q,data-file.driver=file,data-file.filename=ext.data
		= qemu-img map --output=json --image-opts driver=qcow2,file.filename=data.q,data-file.filename=b.raw
		= qemu-img map --image-opts driver=qcow2,file.filename=data.q,data-file.driver=file,data-file.filename=nosuch
		= qemu-img map --image-opts driver=qcow2,file.filename=data.q,data-file.driver=file
		= qemu-img map --image-opts driver=qcow2,file.filename=data.q,data-file=ext.data
		= qemu-img map --image-opts driver=qcow2,file.filename=a.q,data-file.driver=file,data-file.filename=b.raw
		= qemu-img info --image-opts driver=qcow2,file.filename=data.q,data-file.driver=file,data-file.filename=b.raw
	END
	equal <<-'END'
		= rm ext.data; qemu-img map data.q
		= rm ext.data; qemu-img info data.q
	END
}

@test "json: names" {
	EQUAL_READS=1 equal <<-'END'
		= qemu-img info "json:{'driver':'qcow2','file':{'driver':'file','filename':'a.q'}}"
		= qemu-img info "json:{'driver':'qcow2','file':{'driver':'file','filename':'no\"such'}}"
		= qemu-img info "json:{\"driver\":\"qcow2\",\"file\":{\"driver\":\"file\",\"filename\":\"no'such\"}}"
		= qemu-img info "json:{'driver':'qcow2','file':{'driver':'file','filename':'no\\'such'}}"
		= qemu-img info 'json:{"driver":"qcow2"'
		~ qemu-img info 'json:{"driver":"qcow2'
		= qemu-img info 'json:'
		= qemu-img info 'json:[]'
		= qemu-img info 'json:{"driver":"qcow2","driver":"raw","file":{"driver":"file","filename":"a.q"}}'
		= qemu-img info 'json:{"driver":"qcow2","file":{"driver":"file","filename":"a.q"}} x'
		~ qemu-img info 'json:{"driver":"qcow2","file":{"driver":"file","filename":"a.q"},}'
		~ qemu-img info 'json:{driver:qcow2}'
		= qemu-img info 'json:{"driver":"qcow2","file":{"driver":"file"}}'
		= qemu-img info 'json:{"driver":"qcow2","file":{"filename":"a.q"}}'
		= qemu-img info 'json:{"driver":"qcow2","file":"a.q"}'
		= qemu-img info 'json:{"driver":"qcow2","file":{"driver":"file","filename":"a.q"},"lazy-refcounts":"maybe"}'
		= qemu-img info 'json:{"driver":"qcow2","file":{"driver":"file","filename":"a.q"},"lazy-refcounts":true}'
		= qemu-img compare a.q "json:{'driver':'raw','file':{'driver':'file','filename':'b.raw'}}"
		= qemu-img convert a.q "json:{'driver':'qcow2','file':{'driver':'file','filename':'x'}}"
		= qemu-img create "json:{'driver':'qcow2','file':{'driver':'file','filename':'x'}}" 1M
	END
}

@test "plain names" {
	EQUAL_READS=1 equal <<-'END'
		= qemu-img info ''
		= qemu-img info dir
		= qemu-img info nosuch:foo
		= qemu-img info co:lon.q
		= qemu-img info file:co:lon.q
		= qemu-img info ./co:lon.q
		= qemu-img info file:file:co:lon.q
		= qemu-img info ./file:co:lon.q
		= qemu-img info /dev/stdin <b.raw
	END
	equal <<-'END'
		= qemu-img create x,y 1M; ls
		= qemu-img create file:x:y 1M; ls
		= qemu-img create x:y 1M; ls
		= qemu-img create '' 1M
		= qemu-img convert /dev/stdin x <b.raw && md5sum x
		= qemu-img convert -O qcow2 a.q file:x:y; ls
	END
}

@test "damaged headers" {
	equal <<-'END'
		= head -c 4 a.q >t; qemu-img info t
		= poke a.q 20 '\000\000\000\040'; qemu-img info a.q
		= poke a.q 59 '\000'; qemu-img info a.q
		= poke a.q 104 '\005'; qemu-img info a.q
		= poke a.q 104 '\001'; qemu-img info a.q
		# ours say what was found there
		~ head -c 50 a.q >t; qemu-img info t
		~ head -c 103 a.q >t; qemu-img info t
		~ poke a.q 100 '\000\000\000\120'; qemu-img info a.q
		~ poke a.q 100 '\000\001\000\160'; qemu-img info a.q
		~ poke a.q 100 '\000\000\000\161'; qemu-img info a.q
		~ poke a.q 24 '\377'; qemu-img info a.q
		~ poke a.q 36 '\377'; qemu-img info a.q
		~ poke a.q 47 '\001'; qemu-img info a.q
		~ poke a.q 55 '\001'; qemu-img info a.q
		~ poke a.q 60 '\377'; qemu-img info a.q
		~ poke a.q 71 '\001'; qemu-img info a.q
		~ poke a.q 99 '\007'; qemu-img info a.q
		~ poke top.q 16 '\000\000\020\000'; qemu-img info top.q
		~ poke top.q 8 '\377'; qemu-img info top.q
	END
}
