/* SPDX-License-Identifier: MIT */
#include "base/compiler.h"
#include "emu/machine.h"
#include "emu/monitor/command.h"
#include "emu/monitor/qmp_hot.h"
#include "emu/monitor/qmp_media.h"
#include "emu/monitor/qmp_query.h"
#include "emu/monitor/ringbuf.h"
#include "emu/monitor/screen.h"

#include <string.h>

static json_t *empty(void)
{
	return json_object();
}

static json_t *query_status(struct machine *m, const json_t *args, struct err *e)
{
	return json_pack("{s:b, s:b, s:s}", "running", m->running, "singlestep", 0, "status",
			 command_status(m));
}

json_t *command_version(void)
{
	/* what programs compare is QEMU's version, whose commands these are */
	return json_pack("{s:{s:i, s:i, s:i}, s:s}", "qemu", "major", 7, "minor", 2, "micro", 0,
			 "package", "hostkit vemu " VERSION);
}

static json_t *query_version(struct machine *m, const json_t *args, struct err *e)
{
	return command_version();
}

static json_t *query_name(struct machine *m, const json_t *args, struct err *e)
{
	return m->config->name ? json_pack("{s:s}", "name", m->config->name) : empty();
}

static json_t *query_uuid(struct machine *m, const json_t *args, struct err *e)
{
	return json_pack("{s:s}", "UUID",
			 m->config->uuid ? m->config->uuid
					 : "00000000-0000-0000-0000-000000000000");
}

static json_t *query_kvm(struct machine *m, const json_t *args, struct err *e)
{
	return json_pack("{s:b, s:b}", "enabled", !strcmp(m->ops->name, "kvm"), "present", 1);
}

static json_t *query_cpus(struct machine *m, const json_t *args, struct err *e)
{
	json_t *all = json_array();

	for (unsigned i = 0; i < m->vcpus; i++)
		json_array_append_new(all,
				      json_pack("{s:i, s:s, s:s}", "cpu-index", (int)i,
						"target", "x86_64", "qom-path", "/machine"));
	return all;
}

static json_t *do_stop(struct machine *m, const json_t *args, struct err *e)
{
	machine_stop(m);
	return empty();
}

static json_t *do_cont(struct machine *m, const json_t *args, struct err *e)
{
	if (m->powered_off) {
		err_set(e, -EINVAL, "the guest is switched off; reset it first");
		return NULL;
	}
	machine_cont(m);
	return empty();
}

static json_t *do_reset(struct machine *m, const json_t *args, struct err *e)
{
	machine_request(m, MACHINE_RESET, NULL);
	return empty();
}

static json_t *do_powerdown(struct machine *m, const json_t *args, struct err *e)
{
	machine_powerdown(m);
	return empty();
}

static json_t *do_quit(struct machine *m, const json_t *args, struct err *e)
{
	machine_request(m, MACHINE_QUIT, NULL);
	return empty();
}

static json_t *do_human(struct machine *m, const json_t *args, struct err *e)
{
	const char *line = json_string_value(json_object_get(args, "command-line"));
	const json_t *index = json_object_get(args, "cpu-index");
	unsigned cpu = (unsigned)json_integer_value(index);
	struct str out = STR_INIT;
	json_t *r;

	if (index && (!json_is_integer(index) || json_integer_value(index) < 0 ||
		      json_integer_value(index) >= m->vcpus)) {
		err_set(e, -EINVAL, "Invalid parameter 'cpu-index': there are 0 to %u",
			m->vcpus - 1);
		return NULL;
	}
	if (!line) {
		err_set(e, -EINVAL, "Parameter 'command-line' is missing");
		return NULL;
	}
	command_line(m, &cpu, line, &out);
	r = json_stringn(out.s ? out.s : "", out.len);
	str_free(&out);
	return r;
}

static json_t *query_target(struct machine *m, const json_t *args, struct err *e)
{
	return json_pack("{s:s}", "arch", "x86_64");
}

static json_t *query_chardev(struct machine *m, const json_t *args, struct err *e)
{
	json_t *all = json_array();

	const struct chardev *c;

	for (unsigned i = 0; (c = chardevs_at(m->chardevs, i)); i++)
		json_array_append_new(all, json_pack("{s:b, s:s, s:s+}", "frontend-open",
						     chardev_used(c), "label", chardev_id(c),
						     "filename",
						     chardev_open(c) ? "" : "disconnected:",
						     chardev_about(c)));
	return all;
}

static json_t *no_states(struct machine *m, const json_t *args, struct err *e)
{
	err_set(e, -ENOTSUP, "a machine's state cannot be saved, loaded or moved yet");
	return NULL;
}

static json_t *do_balloon(struct machine *m, const json_t *args, struct err *e)
{
	const json_t *v = json_object_get(args, "value");

	if (!json_is_integer(v) || json_integer_value(v) <= 0) {
		err_set(e, -EINVAL, "Parameter 'target' expects a size");
		return NULL;
	}
	return machine_balloon(m, (uint64_t)json_integer_value(v), e) < 0 ? NULL : empty();
}

static json_t *query_balloon(struct machine *m, const json_t *args, struct err *e)
{
	uint64_t bytes;

	return machine_balloon_now(m, &bytes, e) < 0
		       ? NULL
		       : json_pack("{s:I}", "actual", (json_int_t)bytes);
}

static json_t *query_commands(struct machine *m, const json_t *args, struct err *e);

static json_t *query_schema(struct machine *m, const json_t *args, struct err *e)
{
	return schema_all();
}

#define OR_ID "?device:str,?id:str"

static const struct command commands[] = {
	{ "balloon", do_balloon, "value:int", "" },
	{ "blockdev-add", hot_qmp_blockdev_add,
	  "driver:str,node-name:str,?read-only:bool,?discard:(ignore|unmap),"
	  "?detect-zeroes:(off|on|unmap),?cache:BlockdevCache,?file:any,?backing:any,...:any",
	  "" },
	{ "blockdev-change-medium", media_qmp_change,
	  OR_ID ",filename:str,?format:str,?force:bool,"
		"?read-only-mode:(retain|read-only|read-write)",
	  "" },
	{ "blockdev-close-tray", media_qmp_close, OR_ID, "" },
	{ "blockdev-del", hot_qmp_blockdev_del, "node-name:str", "" },
	{ "blockdev-insert-medium", media_qmp_insert, "id:str,node-name:str", "" },
	{ "blockdev-open-tray", media_qmp_open, OR_ID ",?force:bool", "" },
	{ "blockdev-remove-medium", media_qmp_remove, "id:str", "" },
	{ "cont", do_cont, "", "" },
	{ "device_add", hot_qmp_device_add, "driver:str,?id:str,...:any", "" },
	{ "device_del", hot_qmp_device_del, "id:str", "" },
	{ "eject", media_qmp_eject, OR_ID ",?force:bool", "" },
	{ "human-monitor-command", do_human, "command-line:str,?cpu-index:int", "str" },
	{ "migrate", no_states, "uri:str,?detach:bool", "" },
	{ "netdev_add", hot_qmp_netdev_add, "type:(user|tap|bridge),id:str,...:any", "" },
	{ "netdev_del", hot_qmp_netdev_del, "id:str", "" },
	{ "object-add", hot_qmp_object_add, "qom-type:str,id:str,...:any", "" },
	{ "object-del", hot_qmp_object_del, "id:str", "" },
	{ "qmp_capabilities", NULL, "?enable:[str]", "" },
	{ "query-balloon", query_balloon, "", "BalloonInfo" },
	{ "query-block", query_block, "", "[BlockInfo]" },
	{ "query-chardev", query_chardev, "", "[ChardevInfo]" },
	{ "query-commands", query_commands, "", "[CommandInfo]" },
	{ "query-cpus-fast", query_cpus, "", "[CpuInfoFast]" },
	{ "query-events", query_events, "", "[EventInfo]" },
	{ "query-kvm", query_kvm, "", "KvmInfo" },
	{ "query-memory-size-summary", query_memory, "", "MemoryInfo" },
	{ "query-name", query_name, "", "NameInfo" },
	{ "query-pci", query_pci, "", "[PciInfo]" },
	{ "query-qmp-schema", query_schema, "", "[SchemaInfo]" },
	{ "query-status", query_status, "", "StatusInfo" },
	{ "query-target", query_target, "", "TargetInfo" },
	{ "query-uuid", query_uuid, "", "UuidInfo" },
	{ "query-version", query_version, "", "VersionInfo" },
	{ "quit", do_quit, "", "" },
	{ "ringbuf-read", ringbuf_read, "device:str,size:int,?format:(utf8|base64)", "str" },
	{ "ringbuf-write", ringbuf_write, "device:str,data:str,?format:(utf8|base64)", "" },
	{ "screendump", screen_dump_json,
	  "filename:str,?device:str,?head:int,?format:(ppm|png)", "" },
	{ "send-key", send_key, "keys:[KeyValue],?hold-time:int", "" },
	{ "snapshot-load", no_states, "job-id:str,tag:str,vmstate:str,devices:[str]", "" },
	{ "snapshot-save", no_states, "job-id:str,tag:str,vmstate:str,devices:[str]", "" },
	{ "stop", do_stop, "", "" },
	{ "system_powerdown", do_powerdown, "", "" },
	{ "system_reset", do_reset, "", "" },
};

const struct command *command_at(unsigned i)
{
	return i < ARRAY_SIZE(commands) ? &commands[i] : NULL;
}

static json_t *query_commands(struct machine *m, const json_t *args, struct err *e)
{
	json_t *all = json_array();

	for (unsigned i = 0; i < ARRAY_SIZE(commands); i++)
		json_array_append_new(all, json_pack("{s:s}", "name", commands[i].name));
	return all;
}

json_t *command_run(struct machine *m, const char *name, json_t *args, const char **class,
		    struct err *e)
{
	*class = "GenericError";
	for (unsigned i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(commands[i].name, name) && commands[i].fn) {
			if (schema_check(&commands[i], args, e) < 0)
				return NULL;
			if (strstr(name, "balloon") && !pc_balloon(m))
				*class = "DeviceNotActive";
			return commands[i].fn(m, args, e);
		}
	*class = "CommandNotFound";
	err_set(e, -ENOENT, "The command %.100s has not been found", name);
	return NULL;
}
