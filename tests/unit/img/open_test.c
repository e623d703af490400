/* SPDX-License-Identifier: MIT */
#include "img/open.h"

#include "tests/unit/img/scratch.h"

#include <errno.h>
#include <sys/stat.h>

static struct err why;

static struct blk *open_with(const char *name, const char *format, const char *opts,
			     unsigned flags, int want)
{
	struct optset o = OPTSET_INIT;
	struct img_open how = { .filename = name, .format = format, .flags = flags };
	struct blk *b = NULL;
	int r;

	if (opts) {
		assert_int_equal(img_open_opts(opts, &o, NULL), 0);
		how.opts = &o;
	}
	why = (struct err){ 0 };
	r = img_open(&how, &b, &why);
	if (r != want)
		fail_msg("%s %s: %d %s", name ? name : "", opts ? opts : "", r, why.msg);
	optset_free(&o);
	return b;
}

static void opens(const char *name, const char *format, const char *opts, const char *want)
{
	struct blk *b = open_with(name, format, opts, 0, 0);

	assert_string_equal(b->format->name, want);
	assert_int_equal(blk_close(b, NULL), 0);
}

static void fails(const char *name, const char *format, const char *opts, int code,
		  const char *msg)
{
	struct blk *b = open_with(name, format, opts, 0, code);

	assert_null(b);
	if (msg)
		assert_string_equal(why.msg, msg);
}

static void make(const char *name, const char *backing, const char *fmt, uint64_t size)
{
	struct img_create c;

	img_create_defaults(&c);
	c.size = size;
	c.backing_file = backing;
	c.backing_fmt = fmt;
	assert_int_equal(img_create_file(name, img_format_find("qcow2"), &c, 0, NULL, NULL,
					 NULL),
			 0);
}

static void names_and_formats(void **state)
{
	scratch_file("a", "", 0, 1 << 20);
	make("q", NULL, NULL, 1 << 20);
	opens("a", NULL, NULL, "raw");
	opens("q", NULL, NULL, "qcow2");
	opens("q", "raw", NULL, "raw");
	opens("file:q", NULL, NULL, "qcow2");
	fails("a", "qcow2", NULL, -EINVAL, "Image is not in qcow2 format");
	fails("a", "vmdk9", NULL, -EINVAL, "Unknown driver 'vmdk9'");
	fails("none", NULL, NULL, -ENOENT, "Could not open 'none': No such file or directory");
	fails("iscsi://x/y", NULL, NULL, -ENOTSUP, "protocol 'iscsi' is not supported");
	fails("a:b.img", NULL, NULL, -ENOTSUP, "Unknown protocol 'a'");
	scratch_file("b:c", "", 0, 512);
	opens("./b:c", NULL, NULL, "raw");
}

static void image_opts(void **state)
{
	scratch_file("a", "", 0, 1 << 20);
	make("q", NULL, NULL, 1 << 20);
	opens(NULL, NULL, "driver=qcow2,file.driver=file,file.filename=q", "qcow2");
	opens(NULL, NULL, "driver=qcow2,file.filename=q,read-only=on,l2-cache-size=1M",
	      "qcow2");
	opens(NULL, NULL, "driver=file,filename=a", "raw");
	opens(NULL, "raw", "file.filename=q", "raw");
	fails(NULL, NULL, "driver=qcow2,filename=q", -EINVAL,
	      "A block device must be specified for \"file\"");
	fails(NULL, NULL, "filename=q", -EINVAL, "Must specify either driver or file");
	fails(NULL, NULL, "q", -EINVAL, "Cannot find device='q' nor node-name='q'");
	fails(NULL, NULL, "driver=qcow2,file.filename=q,foo=1", -EINVAL,
	      "Block format 'qcow2' does not support the option 'foo'");
	fails(NULL, NULL, "driver=qcow2,file.filename=q,file.foo=1", -EINVAL,
	      "Block protocol 'file' doesn't support the option 'foo'");
	fails(NULL, NULL, "driver=nope,file.filename=q", -EINVAL, "Unknown driver 'nope'");
	fails(NULL, NULL, "driver=qcow2,file.driver=nope,file.filename=q", -EINVAL,
	      "Unknown driver 'nope'");
	fails("q", "raw", "driver=qcow2", -EINVAL, NULL);
	fails("q", NULL, "file.filename=a", -EINVAL, NULL);
	fails("q", NULL, "detect-zeroes=on", -ENOTSUP, NULL);
	fails("q", NULL, "discard=perhaps", -EINVAL, NULL);
}

static void json_names(void **state)
{
	char deep[200] = "json:";

	make("q", NULL, NULL, 1 << 20);
	opens("json:{\"driver\":\"qcow2\",\"file\":{\"driver\":\"file\",\"filename\":\"q\"}}",
	      NULL, NULL, "qcow2");
	opens("json:{\"file.filename\":\"q\",\"driver\":\"qcow2\",\"read-only\":true,"
	      "\"l2-cache-size\":1048576,\"backing\":null}",
	      NULL, NULL, "qcow2");
	fails("json:{\"driver\":\"qcow2\"", NULL, NULL, -EINVAL, NULL);
	fails("json:[]", NULL, NULL, -EINVAL, "Invalid JSON object given");
	fails("json:{\"driver\":\"qcow2\"}", NULL, NULL, -EINVAL,
	      "A block device must be specified for \"file\"");
	fails("json:{\"driver\":\"qcow2\",\"file\":\"node0\"}", NULL, NULL, -EINVAL,
	      "Cannot find device='node0' nor node-name='node0'");
	for (int i = 0; i < 30; i++)
		strcat(deep, "{\"a\":");
	strcat(deep, "1");
	for (int i = 0; i < 30; i++)
		strcat(deep, "}");
	fails(deep, NULL, NULL, -EINVAL, NULL);
}

static void flags_from_options(void **state)
{
	struct blk *b;

	make("q", NULL, NULL, 1 << 20);
	b = open_with("q", NULL, "cache.no-flush=on,discard=unmap", BLK_WRITE, 0);
	assert_true(b->flags & BLK_NOFLUSH);
	assert_true(b->flags & BLK_UNMAP);
	assert_int_equal(blk_close(b, NULL), 0);
	b = open_with("q", NULL, "read-only=on", BLK_WRITE | BLK_UNMAP, 0);
	assert_false(b->flags & BLK_WRITE);
	assert_true(b->flags & BLK_UNMAP);
	/* the format says what is discarded, its file always does it */
	assert_true(b->child->flags & BLK_UNMAP);
	assert_int_equal(blk_close(b, NULL), 0);
	b = open_with("q", NULL, NULL, BLK_WRITE | BLK_WRITETHROUGH, 0);
	assert_false(b->child->flags & BLK_WRITETHROUGH);
	assert_int_equal(blk_close(b, NULL), 0);
	assert_null(open_with("q", NULL, "force-share=on", BLK_WRITE, -EINVAL));
}

static void chains(void **state)
{
	struct blk *b;

	assert_int_equal(mkdir("d", 0700), 0);
	scratch_file("d/base", "", 0, 1 << 20);
	make("d/mid", "base", "raw", 1 << 20);
	make("top", "d/mid", "qcow2", 1 << 20);
	b = open_with("top", NULL, NULL, BLK_WRITE, 0);
	assert_string_equal(b->backing->filename, "d/mid");
	assert_false(b->backing->flags & BLK_WRITE);
	assert_string_equal(b->backing->backing->filename, "d/base");
	assert_string_equal(b->backing->backing->format->name, "raw");
	assert_null(b->backing->backing->backing);
	assert_int_equal(blk_close(b, NULL), 0);

	b = open_with("top", NULL, NULL, BLK_NOBACKING, 0);
	assert_null(b->backing);
	assert_int_equal(blk_close(b, NULL), 0);
	b = open_with("json:{\"driver\":\"qcow2\",\"file\":{\"filename\":\"top\"},"
		      "\"backing\":null}",
		      NULL, NULL, 0, 0);
	assert_null(b->backing);
	assert_int_equal(blk_close(b, NULL), 0);
	b = open_with("top", NULL, "backing.driver=raw,backing.file.filename=d/base", 0, 0);
	assert_string_equal(b->backing->filename, "d/base");
	assert_int_equal(blk_close(b, NULL), 0);
	b = open_with("top", NULL, "backing.driver=raw", 0, 0);
	assert_string_equal(b->backing->filename, "d/mid");
	assert_string_equal(b->backing->format->name, "raw");
	assert_int_equal(blk_close(b, NULL), 0);
	fails("d/base", NULL, "backing.file.filename=x", -EINVAL, NULL);

	assert_int_equal(unlink("d/base"), 0);
	fails("top", NULL, NULL, -ENOENT,
	      "Could not open backing file: Could not open backing file: "
	      "Could not open 'd/base': No such file or directory");
	make("remote", "iscsi://host/x", "raw", 1 << 20);
	fails("remote", NULL, NULL, -ENOTSUP,
	      "Could not open backing file: protocol 'iscsi' is not supported");
}

static void note(void *arg, const char *text)
{
	++*(int *)arg;
}

static void a_backing_format_that_is_not_named_is_probed(void **state)
{
	int warnings = 0;
	struct blk_log log = { note, &warnings };
	struct img_open how = { .filename = "top", .log = &log };
	struct blk *b = NULL;

	make("base", NULL, NULL, 1 << 20);
	make("top", "base", NULL, 1 << 20);
	assert_int_equal(img_open(&how, &b, NULL), 0);
	assert_string_equal(b->backing->format->name, "qcow2");
	assert_int_equal(warnings, 1);
	assert_int_equal(blk_close(b, NULL), 0);
}

static void loops_and_depth(void **state)
{
	char name[16], below[16];
	struct blk *b;

	make("a", "b", "qcow2", 1 << 20);
	make("b", "c", "qcow2", 1 << 20);
	make("c", "./a", "qcow2", 1 << 20);
	fails("a", NULL, NULL, -ELOOP, "Backing file './a' creates an infinite loop.");
	make("self", "self", "qcow2", 1 << 20);
	fails("self", NULL, NULL, -ELOOP, "Backing file 'self' creates an infinite loop.");

	make("n0", NULL, NULL, 1 << 20);
	for (int i = 1; i <= IMG_CHAIN_MAX; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		snprintf(below, sizeof(below), "n%d", i - 1);
		make(name, below, "qcow2", 1 << 20);
	}
	snprintf(name, sizeof(name), "n%d", IMG_CHAIN_MAX - 1);
	b = open_with(name, NULL, NULL, 0, 0);
	assert_int_equal(blk_close(b, NULL), 0);
	snprintf(name, sizeof(name), "n%d", IMG_CHAIN_MAX);
	fails(name, NULL, NULL, -ELOOP, NULL);
}

static void relative(const char *overlay, const char *name, const char *want)
{
	char *got = img_relative_name(overlay, name, NULL);

	if (!want) {
		assert_null(got);
		return;
	}
	assert_non_null(got);
	assert_string_equal(got, want);
	free(got);
}

static void relative_names(void **state)
{
	relative("top", "base", "base");
	relative("./top", "base", "./base");
	relative("a/b/top", "base", "a/b/base");
	relative("a/b/top", "../base", "a/b/../base");
	relative("/a/top", "base", "/a/base");
	relative("/top", "base", "/base");
	relative("a/top", "/x/base", "/x/base");
	relative("a/top", "nbd://h/x", "nbd://h/x");
	relative("a/top", "json:{}", "json:{}");
	relative("a/top", "b/c:d", "a/b/c:d");
	relative("file:a/top", "base", "a/base");
	relative("iscsi://h/top", "base", NULL);
	relative("null-co://h/dir/top", "base", "null-co://h/dir/base");
	relative("null-co://h/dir/top?of=a/b#c/d", "e/base", "null-co://h/dir/e/base");
	relative("null-co://h/top", "base", "null-co://h/base");
	relative("null-co://h?a/b", "base", "null-co://h/base");
	relative("null-co://h", "base", "null-co://h/base");
	relative("null-co://h/dir/top", "/base", "/base");
	relative("null-co://h/dir/top", "file:base", "file:base");
	relative("null-co://", "base", NULL);
	relative("null-co:///", "base", NULL);
	relative("null-co:top", "base", NULL);
	relative("null-co:?a=://b", "base", NULL);
	relative("json:{}", "base", NULL);
}

static void protocols(void **state)
{
	uint8_t buf[4] = { 1, 2, 3, 4 };
	struct blk *b;

	opens("null-co://", NULL, NULL, "raw");
	opens(NULL, NULL, "driver=null-aio,size=1M", "raw");
	b = open_with(NULL, NULL, "driver=raw,offset=512,file.driver=null-co,file.size=1M",
		      BLK_WRITE, 0);
	assert_int_equal(b->size, (1 << 20) - 512);
	assert_string_equal(b->filename, "null-co://");
	assert_int_equal(blk_pwrite(b, buf, 4, 0, NULL), 0);
	assert_int_equal(blk_pread(b, buf, 4, 0, NULL), 0);
	assert_int_equal(buf[0] | buf[3], 0);
	assert_int_equal(blk_close(b, NULL), 0);
	opens("null-co://", NULL, "file.driver=null-co,file.size=1M", "raw");
	fails("null-co://", NULL, "file.driver=null-co,file.size=1M,file.x=1", -EINVAL,
	      "Block protocol 'null-co' doesn't support the option 'x'");
	fails("null-co://", "qcow2", NULL, -EINVAL, "Image is not in qcow2 format");
	fails("null-co:x", NULL, NULL, -EINVAL, NULL);
	fails("a", NULL, "file.driver=null-co", -EINVAL, "'a' is not a name for 'null-co'");
	fails("null-co://", NULL, "file.driver=nope", -EINVAL, "Unknown driver 'nope'");
	fails(NULL, NULL, "driver=null-co,size=1x", -EINVAL, NULL);
	fails(NULL, NULL, "driver=null-co,latency-ns=18446744073709551615", -EINVAL,
	      "latency-ns is invalid");
	make("over", "null-co://", "raw", 1 << 20);
	b = open_with("over", NULL, NULL, 0, 0);
	assert_string_equal(b->backing->filename, "null-co://");
	assert_int_equal(blk_close(b, NULL), 0);
	b = open_with("over", NULL, "backing.driver=null-aio,backing.size=2M", 0, 0);
	assert_int_equal(b->backing->size, 2 << 20);
	assert_int_equal(blk_close(b, NULL), 0);
}

static void images_are_made_where_a_protocol_makes_them(void **state)
{
	struct img_create c;
	struct err e = { 0 };

	img_create_defaults(&c);
	assert_int_equal(img_create_file("null-co://", img_format_find("raw"), &c, 0, NULL,
					 NULL, &e),
			 -ENOTSUP);
	assert_string_equal(e.msg, "Protocol driver 'null-co' does not support image creation");
}

static void probing(void **state)
{
	const struct img_format *f = NULL;
	struct blk *b;

	make("q", NULL, NULL, 1 << 20);
	scratch_file("tiny", "QFI\xfb", 4, 4);
	scratch_file("empty", "", 0, 0);
	b = open_with("q", "raw", NULL, 0, 0);
	assert_int_equal(img_probe(b->child, &f, NULL), 0);
	assert_string_equal(f->name, "qcow2");
	assert_int_equal(blk_close(b, NULL), 0);
	opens("empty", NULL, NULL, "raw");
	b = open_with("tiny", "raw", NULL, 0, 0);
	assert_int_equal(img_probe(b->child, &f, NULL), 0);
	assert_non_null(f);
	assert_int_equal(blk_close(b, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(names_and_formats),
		scratch_test(image_opts),
		scratch_test(json_names),
		scratch_test(flags_from_options),
		scratch_test(chains),
		scratch_test(a_backing_format_that_is_not_named_is_probed),
		scratch_test(loops_and_depth),
		cmocka_unit_test(relative_names),
		scratch_test(protocols),
		scratch_test(images_are_made_where_a_protocol_makes_them),
		scratch_test(probing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
