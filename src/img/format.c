/* SPDX-License-Identifier: MIT */
#include "img/format/bochs.h"
#include "img/format/luks.h"
#include "img/format/parallels.h"
#include "img/format/qcow.h"
#include "img/format/qcow2.h"
#include "img/format/qed.h"
#include "img/format/raw.h"
#include "img/format/vdi.h"
#include "img/format/vhdx.h"
#include "img/format/vmdk.h"
#include "img/format/vpc.h"

#include <stdlib.h>
#include <string.h>

/* One a line, so that those who add one do not meet. */
/* clang-format off */
/* clang-format off: one a line */
const struct img_format *const img_formats[] = {
	&img_format_bochs,
	&img_format_luks,
	&img_format_parallels,
	&img_format_qcow,
	&img_format_qcow2,
	&img_format_qed,
	&img_format_vdi,
	&img_format_vhdx,
	&img_format_vmdk,
	&img_format_vpc,
	&img_format_raw,
	NULL,
};
/* clang-format on */

const struct img_format *img_format_find(const char *name)
{
	for (const struct img_format *const *f = img_formats; *f; f++)
		if (!strcmp((*f)->name, name))
			return *f;
	return NULL;
}

bool img_format_exists(const char *name)
{
	static const char others[][12] = { "cloop", "dmg" };

	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (!strcmp(others[i], name))
			return true;
	return img_format_find(name) != NULL;
}

void img_snapshots_free(struct img_snapshot *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(v[i].id);
		free(v[i].name);
	}
	free(v);
}

void img_info_free(struct img_info *i)
{
	free(i->backing_filename);
	free(i->full_backing_filename);
	free(i->backing_format);
	img_snapshots_free(i->snapshots, i->snapshots_n);
	for (size_t k = 0; k < i->bitmaps_n; k++)
		free(i->bitmaps[k].name);
	free(i->bitmaps);
	detail_free(i->specific);
	memset(i, 0, sizeof(*i));
}
