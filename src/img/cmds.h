/* SPDX-License-Identifier: MIT */
/* The commands of vimg; each is in its cmd_NAME.c. */
#ifndef IMG_CMDS_H
#define IMG_CMDS_H

#include "base/cli.h"

int cmd_amend(int argc, char **argv);
extern const struct cli_opt cmd_amend_opts[];
int cmd_bench(int argc, char **argv);
extern const struct cli_opt cmd_bench_opts[];
int cmd_bitmap(int argc, char **argv);
extern const struct cli_opt cmd_bitmap_opts[];
int cmd_cache(int argc, char **argv);
extern const struct cli_opt cmd_cache_opts[];
int cmd_check(int argc, char **argv);
extern const struct cli_opt cmd_check_opts[];
int cmd_checksum(int argc, char **argv);
extern const struct cli_opt cmd_checksum_opts[];
int cmd_commit(int argc, char **argv);
extern const struct cli_opt cmd_commit_opts[];
int cmd_compact(int argc, char **argv);
extern const struct cli_opt cmd_compact_opts[];
int cmd_compare(int argc, char **argv);
extern const struct cli_opt cmd_compare_opts[];
int cmd_convert(int argc, char **argv);
extern const struct cli_opt cmd_convert_opts[];
int cmd_create(int argc, char **argv);
extern const struct cli_opt cmd_create_opts[];
int cmd_dd(int argc, char **argv);
extern const struct cli_opt cmd_dd_opts[];
int cmd_fetch(int argc, char **argv);
extern const struct cli_opt cmd_fetch_opts[];
int cmd_info(int argc, char **argv);
extern const struct cli_opt cmd_info_opts[];
int cmd_map(int argc, char **argv);
extern const struct cli_opt cmd_map_opts[];
int cmd_measure(int argc, char **argv);
extern const struct cli_opt cmd_measure_opts[];
int cmd_probe(int argc, char **argv);
extern const struct cli_opt cmd_probe_opts[];
int cmd_rebase(int argc, char **argv);
extern const struct cli_opt cmd_rebase_opts[];
int cmd_resize(int argc, char **argv);
extern const struct cli_opt cmd_resize_opts[];
int cmd_serve(int argc, char **argv);
extern const struct cli_opt cmd_serve_opts[];
int cmd_snapshot(int argc, char **argv);
extern const struct cli_opt cmd_snapshot_opts[];
int cmd_tune(int argc, char **argv);
extern const struct cli_opt cmd_tune_opts[];

#endif
