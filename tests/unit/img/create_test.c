/* SPDX-License-Identifier: MIT */
#include "img/img.h"
#include "tests/unit/img/scratch.h"

#include <errno.h>
#include <sys/stat.h>

static struct err why;

static int parse(const char *fmt, const char *text, struct img_create *c)
{
	struct optset o = OPTSET_INIT;
	int r;

	img_create_defaults(c);
	why = (struct err){ 0 };
	assert_int_equal(optset_parse(&o, text, NULL, NULL), 0);
	r = img_create_parse(img_format_find(fmt), &o, c, &why);
	/* the strings are gone with the options */
	c->backing_file = c->backing_fmt = c->data_file = NULL;
	optset_free(&o);
	return r;
}

static void refuses(const char *fmt, const char *text, int code, const char *msg)
{
	struct img_create c;

	assert_int_equal(parse(fmt, text, &c), code);
	assert_string_equal(why.msg, msg);
}

static void defaults_and_values(void **state)
{
	struct img_create c;

	assert_int_equal(parse("qcow2", "size=1G", &c), 0);
	assert_int_equal(c.size, 1 << 30);
	assert_int_equal(c.compat, 3);
	assert_int_equal(c.cluster_size, 65536);
	assert_int_equal(c.refcount_bits, 16);
	assert_int_equal(c.prealloc, PREALLOC_OFF);
	assert_false(c.lazy_refcounts || c.extended_l2 || c.data_file_raw ||
		     c.compression_zstd || c.nocow);
	assert_int_equal(parse("qcow2",
			       "compat=0.10,cluster_size=2M,refcount_bits=1,preallocation="
			       "metadata,lazy_refcounts=on,extended_l2=on,data_file=x,"
			       "data_file_raw=on,compression_type=zstd,nocow=on,"
			       "extent_size_hint=4k,encryption=off",
			       &c),
			 0);
	assert_int_equal(c.compat, 2);
	assert_int_equal(c.cluster_size, 2 << 20);
	assert_int_equal(c.refcount_bits, 1);
	assert_int_equal(c.prealloc, PREALLOC_METADATA);
	assert_true(c.lazy_refcounts && c.extended_l2 && c.data_file_raw &&
		    c.compression_zstd && c.nocow);
	assert_int_equal(c.extent_size_hint, 4096);
	assert_int_equal(parse("qcow2", "compat=v3", &c), 0);
	assert_int_equal(c.compat, 3);
	assert_int_equal(parse("raw", "preallocation=full,size=512", &c), 0);
	assert_int_equal(c.prealloc, PREALLOC_FULL);
}

static void the_words_of_qemu_img(void **state)
{
	refuses("raw", "foo=1", -EINVAL, "Invalid parameter 'foo'");
	refuses("raw", "backing_file=x", -EINVAL, "Invalid parameter 'backing_file'");
	refuses("raw", "preallocation=metadata", -ENOTSUP,
		"Unsupported preallocation mode: metadata");
	refuses("raw", "preallocation=bla", -EINVAL, "invalid parameter value: bla");
	refuses("qcow2", "preallocation=bla", -EINVAL,
		"Parameter 'preallocation' does not accept value 'bla'");
	refuses("raw", "nocow=bla", -EINVAL, "Parameter 'nocow' expects 'on' or 'off'");
	refuses("qcow2", "cluster_size=1x", -EINVAL,
		"Parameter 'cluster_size' expects a non-negative number below 2^64\n"
		"Optional suffix k, M, G, T, P or E means kilo-, mega-, giga-, tera-, peta-\n"
		"and exabytes, respectively.");
	refuses("qcow2", "refcount_bits=zz", -EINVAL,
		"Parameter 'refcount_bits' expects a number");
	refuses("qcow2", "compat=5", -EINVAL, "Parameter 'version' does not accept value '5'");
	refuses("qcow2", "compression_type=lz4", -EINVAL,
		"Parameter 'compression-type' does not accept value 'lz4'");
	refuses("qcow2", "encryption=x", -EINVAL,
		"Parameter 'encryption' expects 'on' or 'off'");
}

static bool exists(const char *name)
{
	struct stat st;

	return lstat(name, &st) == 0;
}

static int create(const char *name, const struct img_create *c)
{
	why = (struct err){ 0 };
	return img_create_file(name, img_format_find("qcow2"), c, 0, NULL, NULL, &why);
}

static void files_are_made_and_removed(void **state)
{
	struct img_create c;
	struct stat st;

	img_create_defaults(&c);
	c.size = 1 << 20;
	assert_int_equal(mkdir("d", 0700), 0);
	assert_int_equal(create("file:d/a", &c), 0);
	assert_true(exists("d/a"));

	/* the data file lies beside the image, wherever we are */
	c.data_file = "data";
	assert_int_equal(create("d/b", &c), 0);
	assert_true(exists("d/data"));
	assert_false(exists("data"));

	c.data_file = "no/data";
	assert_int_equal(create("d/c", &c), -ENOENT);
	assert_string_equal(why.msg, "Could not create 'd/no/data': No such file or directory");
	assert_false(exists("d/c"));

	/* what the format refuses */
	c.data_file = "data2";
	c.cluster_size = 100;
	assert_int_equal(create("d/c", &c), -EINVAL);
	assert_false(exists("d/c"));
	assert_false(exists("d/data2"));

	/* somebody else's file is not removed */
	scratch_file("mine", "abc", 3, 3);
	assert_int_equal(create("mine", &c), -EINVAL);
	assert_int_equal(stat("mine", &st), 0);

	assert_int_equal(create("http://x/y", &c), -ENOTSUP);
}

static void an_image_in_use_is_left_alone(void **state)
{
	struct img_create c;
	struct img_open how = { .filename = "a" };
	struct blk *b = NULL;
	struct stat st, after;

	img_create_defaults(&c);
	c.size = 1 << 20;
	assert_int_equal(create("a", &c), 0);
	assert_int_equal(stat("a", &st), 0);
	assert_int_equal(img_open(&how, &b, NULL), 0);
	c.cluster_size = 512;
	assert_int_equal(create("a", &c), -EBUSY);
	assert_int_equal(stat("a", &after), 0);
	assert_int_equal(st.st_size, after.st_size);
	assert_int_equal(blk_close(b, NULL), 0);
	assert_int_equal(create("a", &c), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_and_values),
		cmocka_unit_test(the_words_of_qemu_img),
		scratch_test(files_are_made_and_removed),
		scratch_test(an_image_in_use_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
