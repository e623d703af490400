#!/usr/bin/env bats
# Objects of S3: the server computes the signature itself (tests/tools/httpd_sigv4.c).

load ../lib/common
load ../lib/http

setup() {
	common_setup
	head -c 1000000 /dev/urandom >disk.raw
	truncate -s 3M disk.raw
	http_start
	unset AWS_PROFILE AWS_REGION AWS_DEFAULT_REGION AWS_SESSION_TOKEN AWS_SHARED_CREDENTIALS_FILE
	export HOME=$PWD AWS_ENDPOINT_URL=$URL AWS_ACCESS_KEY_ID=AKID AWS_SECRET_ACCESS_KEY=sEcReT/key
}

teardown() {
	http_stop
	common_teardown
}

# The bucket is a fault of the server: it wants a signature with this key.
bucket=s3://sigv4-sEcReT

@test "requests are signed" {
	export AWS_SECRET_ACCESS_KEY=sEcReT
	"$VIMG" compare -q -f raw -F raw "$bucket/disk.raw" disk.raw
	"$VIMG" fetch -q "$bucket/disk.raw" out
	same out disk.raw
	AWS_REGION=eu-central-1 AWS_SESSION_TOKEN=temporary "$VIMG" info -f raw "$bucket/disk.raw"
	"$VIMG" info -f raw "$URL/disk.raw"
	run "$VIMG" info -f raw "$URL/sigv4-sEcReT/disk.raw"
	[ "$status" -eq 1 ]
	AWS_SECRET_ACCESS_KEY=wrong run "$VIMG" info -f raw "$bucket/disk.raw"
	[ "$status" -eq 1 ]
	[[ $output == *"403 (forbidden)"* ]]
}

@test "credentials from options and from the file of them" {
	unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
	"$VIMG" info --object secret,id=k,data=sEcReT --image-opts \
		"driver=s3,url=$bucket/disk.raw,access-key=AKID,secret-key-secret=k,endpoint=$URL"
	run "$VIMG" info -f raw "$bucket/disk.raw"
	[ "$status" -eq 1 ]
	mkdir .aws
	printf '[other]\naws_secret_access_key = x\n[default]\naws_access_key_id = A\naws_secret_access_key = sEcReT\n' >.aws/credentials
	"$VIMG" info -f raw "$bucket/disk.raw"
	AWS_PROFILE=other run "$VIMG" info -f raw "$bucket/disk.raw"
	[ "$status" -eq 1 ]
	run "$VIMG" info --image-opts "driver=s3,url=$bucket/disk.raw,access-key=AKID"
	[[ $output == *"go together"* ]]
}

@test "names that are none are refused" {
	for name in s3://bucket s3://bucket/ s3:///key s3:bucket/key; do
		run "$VIMG" info "$name"
		[ "$status" -eq 1 ]
		[[ $output == *"is not s3://BUCKET/KEY"* ]]
	done
}
