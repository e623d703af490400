/* SPDX-License-Identifier: MIT */
/* Key slots taken into use and given up. */
#include "base/mem.h"
#include "base/random.h"
#include "img/crypto/luks_int.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* What is asked for.  @slot is -1 where no slot is named. */
struct amend {
	const struct luks_area *a;
	struct luks_header *h;
	const struct luks_spec *s;
	const char *new_secret, *old_secret; /* ids, or NULL */
	const struct secret_set *secrets;
	const char *password;
	bool named, timed, force;
	long slot;
	uint64_t iter_ms;
};

static int get_slot(struct optset *set, const char *prefix, struct amend *m, struct err *e)
{
	const char *val = luks_opt(set, prefix, "keyslot");
	char *end;

	if (!val)
		return 0;
	errno = 0;
	m->slot = strtol(val, &end, 0);
	if (end == val || *end || errno || m->slot < INT_MIN || m->slot > INT_MAX)
		return err_set(e, -EINVAL, "Parameter 'keyslot' expects a number");
	m->named = true;
	return 0;
}

static int check_slot(const struct amend *m, struct err *e)
{
	if (m->named && (m->slot < 0 || m->slot >= LUKS_SLOTS))
		return err_set(e, -EINVAL,
			       "Invalid keyslot %ld specified, must be between 0 and %d",
			       m->slot, LUKS_SLOTS - 1);
	return 0;
}

static unsigned count_active(const struct luks_header *h)
{
	unsigned n = 0;

	for (unsigned i = 0; i < LUKS_SLOTS; i++)
		n += h->slots[i].active;
	return n;
}

/* ---- a slot more ---- */

static int choose_slot(const struct amend *m, unsigned *out, struct err *e)
{
	int r = check_slot(m, e);

	if (r < 0)
		return r;
	if (m->named) {
		*out = (unsigned)m->slot;
		if (m->h->slots[*out].active && !m->force)
			return err_set(e, -EEXIST,
				       "Refusing to overwrite active keyslot %u - please "
				       "erase it first",
				       *out);
		return 0;
	}
	for (*out = 0; *out < LUKS_SLOTS; ++*out)
		if (!m->h->slots[*out].active)
			return 0;
	return err_set(e, -ENOSPC, "Can't add a keyslot - all keyslots are in use");
}

static int activate(const struct amend *m, struct err *e)
{
	uint8_t key[CIPHER_KEY_MAX];
	const char *password;
	unsigned i = 0;
	int r;

	if (!m->new_secret)
		return err_set(e, -EINVAL, "'new-secret' is required to activate a keyslot");
	if (m->old_secret)
		return err_set(e, -EINVAL,
			       "'old-secret' must not be given when activating keyslots");
	r = choose_slot(m, &i, e);
	if (r == 0)
		r = luks_unlock(m->a, m->h, m->s, m->password, key, NULL, e);
	if (r < 0)
		return r;
	r = secret_text(m->secrets, m->new_secret, &password, e);
	if (r == 0)
		r = luks_slot_fill(m->a, m->h, m->s, i, password, m->iter_ms, key, e);
	mem_wipe(key, sizeof(key));
	if (r == 0)
		r = blk_flush(m->a->file, e);
	if (r == 0)
		r = luks_store_header(m->a, m->h, e);
	return r < 0 ? r : blk_flush(m->a->file, e);
}

/* ---- slots less ---- */

/* Random bytes over the key material of slot @i, which the header has given up. */
static int overwrite(const struct amend *m, unsigned i, struct err *e)
{
	size_t len = (size_t)luks_material_sectors(m->h->key_bytes) * SECTOR_BYTES;
	AUTO_FREE uint8_t *buf = mem_zalloc(1, len, e);
	int r = buf ? random_bytes(buf, len, e) : -ENOMEM;

	return r < 0 ? r
		     : blk_pwrite(m->a->file, buf, len,
				  m->a->base + (uint64_t)m->h->slots[i].sector * SECTOR_BYTES,
				  e);
}

static int erase(const struct amend *m, const bool gone[LUKS_SLOTS], struct err *e)
{
	int r;

	for (unsigned i = 0; i < LUKS_SLOTS; i++) {
		if (!gone[i])
			continue;
		m->h->slots[i].active = false;
		m->h->slots[i].iterations = 0;
		memset(m->h->slots[i].salt, 0, LUKS_SALT_BYTES);
	}
	r = luks_store_header(m->a, m->h, e);
	if (r == 0)
		r = blk_flush(m->a->file, e);
	for (unsigned i = 0; r == 0 && i < LUKS_SLOTS; i++)
		if (gone[i])
			r = overwrite(m, i, e);
	return r < 0 ? r : blk_flush(m->a->file, e);
}

/* Which slots the old password opens. */
static int find_matches(const struct amend *m, const char *password, bool match[LUKS_SLOTS],
			unsigned *n, struct err *e)
{
	uint8_t key[CIPHER_KEY_MAX];

	*n = 0;
	for (unsigned i = 0; i < LUKS_SLOTS; i++) {
		int r = 0;

		if (!m->named || i == (unsigned)m->slot)
			r = luks_slot_try(m->a, m->h, m->s, i, password, key, e);
		if (r < 0)
			return r;
		match[i] = r > 0;
		*n += match[i];
	}
	mem_wipe(key, sizeof(key));
	return 0;
}

static int erase_named(const struct amend *m, struct err *e)
{
	bool gone[LUKS_SLOTS] = { false };

	if (!m->h->slots[m->slot].active && !m->force)
		return err_set(e, -EINVAL, "Given keyslot %ld is already erased (inactive) ",
			       m->slot);
	if (m->h->slots[m->slot].active && count_active(m->h) == 1 && !m->force)
		return err_set(e, -EPERM,
			       "Attempt to erase the only active keyslot %ld which will erase "
			       "all the data in the image irreversibly - refusing operation",
			       m->slot);
	gone[m->slot] = true;
	return erase(m, gone, e);
}

static int deactivate(const struct amend *m, struct err *e)
{
	bool match[LUKS_SLOTS] = { false };
	const char *password = NULL;
	unsigned n = 0;
	int r;

	if (m->new_secret)
		return err_set(e, -EINVAL,
			       "'new-secret' must not be given when erasing keyslots");
	if (m->timed)
		return err_set(e, -EINVAL,
			       "'iter-time' must not be given when erasing keyslots");
	r = check_slot(m, e);
	if (r == 0 && m->old_secret) {
		r = secret_text(m->secrets, m->old_secret, &password, e);
		if (r == 0)
			r = find_matches(m, password, match, &n, e);
	}
	if (r < 0)
		return r;
	if (m->named && m->old_secret && !n)
		return err_set(e, -EACCES,
			       "Given keyslot %ld doesn't contain the given old password for "
			       "erase operation",
			       m->slot);
	if (m->named)
		return erase_named(m, e);
	if (!m->old_secret)
		return err_set(e, -EINVAL,
			       "To erase keyslot(s), either explicit keyslot index or the "
			       "password currently contained in them must be given");
	if (!n)
		return err_set(e, -EACCES,
			       "No keyslots match given (old) password for erase operation");
	if (n == count_active(m->h) && !m->force)
		return err_set(e, -EPERM,
			       "All the active keyslots match the (old) password that was "
			       "given and erasing them will erase all the data in the image "
			       "irreversibly - refusing operation");
	return erase(m, match, e);
}

int luks_amend(const struct luks_area *a, struct luks_header *h, const struct luks_spec *s,
	       struct optset *set, const char *prefix, const struct secret_set *secrets,
	       const char *password, bool force, struct err *e)
{
	struct amend m = { .a = a,
			   .h = h,
			   .s = s,
			   .secrets = secrets,
			   .password = password,
			   .force = force,
			   .slot = -1,
			   .iter_ms = 2000 };
	const char *state = luks_opt(set, prefix, "state");
	struct luks_header before = *h;
	int r;

	m.new_secret = luks_opt(set, prefix, "new-secret");
	m.old_secret = luks_opt(set, prefix, "old-secret");
	m.timed = luks_opt(set, prefix, "iter-time") != NULL;
	r = luks_iter_time(set, prefix, &m.iter_ms, e);
	if (r == 0)
		r = get_slot(set, prefix, &m, e);
	if (r < 0)
		return r;
	if (!state)
		return err_set(e, -EINVAL, "Parameter 'state' is missing");
	if (!strcmp(state, "active"))
		r = activate(&m, e);
	else if (!strcmp(state, "inactive"))
		r = deactivate(&m, e);
	else
		r = err_set(e, -EINVAL, "Parameter 'state' does not accept value '%s'", state);
	if (r < 0)
		*h = before;
	return r;
}
