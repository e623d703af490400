/* SPDX-License-Identifier: MIT */
/*
 * Encrypted qcow2 images.  Guest clusters are encrypted, metadata and compressed clusters are not.
 * Method 2 (LUKS) keeps a LUKS1 header in clusters of its own, and numbers sectors by their
 * place in the file; method 1 (AES, legacy) takes the password as the key and numbers them by the
 * place on the disk.
 */
#ifndef IMG_FORMAT_QCOW2_CRYPT_H
#define IMG_FORMAT_QCOW2_CRYPT_H

#include "img/crypto/luks.h"
#include "img/format/qcow2.h"

enum { QCOW2_CRYPT_NONE, QCOW2_CRYPT_AES, QCOW2_CRYPT_LUKS };

struct qcow2_crypt {
	struct sectors *sectors; /* NULL: opened for its header alone */
	bool by_place;           /* numbered by place in the file */
	struct luks_header h;    /* method 2 */
	struct luks_spec spec;
	const char *password; /* belongs to the secrets */
};

/* Reads what the header says of encryption and, unless only headers are wanted, unlocks:
 * encrypt.format and encrypt.key-secret of @opts.  s->crypt stays NULL for a plain image. */
int qcow2_crypt_open(struct qcow2 *s, struct optset *opts, struct err *e) MUST_CHECK;
void qcow2_crypt_free(struct qcow2_crypt *c);

/* Guest bytes at @guest that lie at @host, whole sectors if the image is encrypted.  Reading
 * past the end of the file gives what zeroes stand for.  io held, without lock. */
int qcow2_data_read(struct qcow2 *s, void *buf, size_t len, uint64_t host, uint64_t guest,
		    struct err *e) MUST_CHECK;
int qcow2_data_write(struct qcow2 *s, const void *buf, size_t len, uint64_t host,
		     uint64_t guest, struct err *e) MUST_CHECK;

/* encrypt.* of amend, where @set has any.  Takes the io lock. */
int qcow2_crypt_amend(struct qcow2 *s, struct optset *set, bool force, struct err *e)
	MUST_CHECK;

/* What info says beneath "encrypt". */
void qcow2_crypt_detail(const struct qcow2 *s, struct detail *in);

/* ---- new images ---- */

struct qcow2_encrypt {
	unsigned method;         /* as in the header */
	struct luks_create luks; /* method 2 */
};

/* What @c asks for, in qemu-img's words where it is wrong. */
int qcow2_encrypt_parse(const struct img_create *c, struct qcow2_encrypt *out, struct err *e)
	MUST_CHECK;

#endif
