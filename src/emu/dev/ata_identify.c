/* SPDX-License-Identifier: MIT */
/* IDENTIFY DEVICE and IDENTIFY PACKET DEVICE: ATA8-ACS 7.16, 7.17. */
#include "base/bytes.h"
#include "emu/dev/ata.h"
#include "img/blk.h"

#include <stdio.h>
#include <string.h>

static void word(uint8_t *b, unsigned n, unsigned v)
{
	store_le16(b + 2 * n, (uint16_t)v);
}

/* Text has its bytes in pairs the wrong way round, and blanks behind. */
static void text(uint8_t *b, unsigned first, const char *s, size_t len)
{
	size_t n = strnlen(s, len);

	for (size_t i = 0; i < len; i++)
		b[2 * first + (i ^ 1)] = (uint8_t)(i < n ? s[i] : ' ');
}

static void names(const struct ata_drive *d, uint8_t *b, const char *model)
{
	char made[21];

	snprintf(made, sizeof(made), "VM%05u", d->number + 1);
	text(b, 10, d->disk->serial ? d->disk->serial : made, 20);
	text(b, 23, d->disk->traits.version ? d->disk->traits.version : "1.0", 8);
	text(b, 27, d->disk->traits.model ? d->disk->traits.model : model, 40);
}

static void modes(const struct ata_drive *d, uint8_t *b)
{
	unsigned kind = d->mode >> 3, n = d->mode & 7;

	word(b, 53, 6); /* 64..70 and 88 are valid */
	word(b, 63, 7u | (kind == 4 ? 0x100u << n : 0));
	word(b, 64, 3);
	word(b, 65, 120);
	word(b, 66, 120);
	word(b, 67, 120);
	word(b, 68, 120);
	word(b, 80, 0xf0); /* ATA-4 to ATA-7 */
	word(b, 81, 0x16);
	word(b, 88, 0x3fu | (kind == 8 ? 0x100u << n : 0));
	word(b, 93, d->queued ? 0 : 0x6001); /* 80 wires, none where it is serial */
}

static void geometry(const struct ata_drive *d, uint8_t *b, uint64_t sectors)
{
	uint64_t cylinders = min_u64(sectors / (16 * 63), 16383);
	uint64_t now = min_u64(sectors / ((uint64_t)d->heads * d->sectors), 65535);
	uint64_t by_chs = now * d->heads * d->sectors;

	word(b, 1, (unsigned)cylinders);
	word(b, 3, 16);
	word(b, 6, 63);
	word(b, 54, (unsigned)now);
	word(b, 55, d->heads);
	word(b, 56, d->sectors);
	store_le32(b + 2 * 57, (uint32_t)min_u64(by_chs, UINT32_MAX));
	store_le32(b + 2 * 60, (uint32_t)min_u64(sectors, 0xfffffff));
	store_le64(b + 2 * 100, sectors);
}

static void disk(const struct ata_drive *d, uint8_t *b)
{
	const struct config_traits *t = &d->disk->traits;

	word(b, 0, 0x40);
	names(d, b, "vemu HARDDISK");
	geometry(d, b, d->disk->image->size / ATA_SECTOR);
	word(b, 47, 0x8000 | ATA_MULTIPLE_MAX);
	word(b, 48, 1); /* PIO with 32 bits */
	word(b, 49, 0x0f00);
	word(b, 50, 0x4000);
	word(b, 51, 0x200);
	word(b, 52, 0x200);
	word(b, 59, d->multiple ? 0x100u | d->multiple : 0);
	modes(d, b);
	word(b, 82, 1u << 14 | 1u << 5 | 1);
	word(b, 83, 1u << 14 | 1u << 13 | 1u << 12 | 1u << 10);
	word(b, 84, 1u << 14 | 1u << 6); /* FUA */
	word(b, 85, 1u << 14 | (d->write_cache ? 1u << 5 : 0) | 1);
	word(b, 86, 1u << 13 | 1u << 12 | 1u << 10);
	word(b, 87, 1u << 14 | 1u << 6);
	if (d->queued) {
		word(b, 75, 31);
		word(b, 76, 1u << 8 | 6);
	}
	if (!d->disk->readonly) {
		word(b, 105, 64);
		word(b, 169, 1);
	}
	if (t->physical > ATA_SECTOR)
		word(b, 106, 0x6000u | (unsigned)__builtin_ctz(t->physical / ATA_SECTOR));
	else
		word(b, 106, 0x4000);
	if (t->wwn) {
		word(b, 84, 1u << 14 | 1u << 8 | 1u << 6);
		word(b, 87, 1u << 14 | 1u << 8 | 1u << 6);
		for (unsigned i = 0; i < 4; i++)
			word(b, 108 + i, (unsigned)(t->wwn >> (48 - 16 * i) & 0xffff));
	}
	word(b, 217, t->rotation ? t->rotation : 1);
}

static void cd(const struct ata_drive *d, uint8_t *b)
{
	word(b, 0, 0x8580); /* ATAPI, CD-ROM, removable, 12 bytes */
	names(d, b, "vemu CD-ROM");
	word(b, 48, 1);
	word(b, 49, 0x0b00);
	word(b, 71, 30);
	word(b, 72, 30);
	modes(d, b);
	word(b, 82, 1u << 14 | 1u << 9 | 1u << 4);
	word(b, 83, 1u << 14);
	word(b, 84, 1u << 14);
	word(b, 85, 1u << 14 | 1u << 9 | 1u << 4);
	word(b, 87, 1u << 14);
	if (d->queued)
		word(b, 76, 6);
}

void ata_identify(const struct ata_drive *d, uint8_t *b)
{
	uint8_t sum = 0xa5;

	memset(b, 0, ATA_SECTOR);
	if (d->cdrom)
		cd(d, b);
	else
		disk(d, b);
	/* a checksum over all, behind its mark */
	b[510] = 0xa5;
	for (unsigned i = 0; i < 510; i++)
		sum = (uint8_t)(sum + b[i]);
	b[511] = (uint8_t)-sum;
}
