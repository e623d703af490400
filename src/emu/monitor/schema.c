/* SPDX-License-Identifier: MIT */
/*
 * What QMP's commands take and return, and what events tell: for checking, and for programs that ask
 * (query-qmp-schema; QEMU's docs/devel/qapi-code-gen, "Client JSON Protocol introspection").
 */
#include "base/compiler.h"
#include "emu/monitor/command.h"

#include <stdio.h>
#include <string.h>

#define NAME 128u

/* As in struct command. */
static const struct {
	const char *name, *members;
} objects[] = {
	{ "", "" },
	{ "BalloonInfo", "actual:int" },
	{ "BlockInfo",
	  "device:str,qdev:str,locked:bool,removable:bool,type:str,?tray_open:bool,"
	  "?inserted:BlockDeviceInfo" },
	{ "BlockDeviceInfo", "file:str,ro:bool,drv:str,?node-name:str" },
	{ "BlockdevCache", "?direct:bool,?no-flush:bool" },
	{ "ChardevInfo", "frontend-open:bool,label:str,filename:str" },
	{ "CommandInfo", "name:str" },
	{ "CpuInfoFast", "cpu-index:int,target:str,qom-path:str" },
	{ "EventInfo", "name:str" },
	{ "KeyValue", "type:(qcode),data:str" },
	{ "KvmInfo", "enabled:bool,present:bool" },
	{ "MemoryInfo", "base-memory:int" },
	{ "NameInfo", "?name:str" },
	{ "PciClassInfo", "class:int,desc:str" },
	{ "PciDeviceInfo", "bus:int,slot:int,function:int,qdev_id:str,class_info:PciClassInfo,"
			   "id:PciId,irq_pin:int,?irq:int,regions:[PciRegion]" },
	{ "PciId", "vendor:int,device:int,subsystem-vendor:int,subsystem:int" },
	{ "PciInfo", "bus:int,devices:[PciDeviceInfo]" },
	{ "PciRegion", "bar:int,type:(io|memory),address:int,size:int,?prefetch:bool,"
		       "?mem_type_64:bool" },
	{ "SchemaInfo", "name:str,meta-type:(builtin|enum|array|object|command|event),"
			"?json-type:str,?values:[str],?members:any,?element-type:str,"
			"?arg-type:str,?ret-type:str,?allow-oob:bool" },
	{ "SchemaMember", "name:str,type:str,?default:any" },
	{ "SchemaEnumMember", "name:str" },
	{ "StatusInfo", "running:bool,singlestep:bool,status:str" },
	{ "TargetInfo", "arch:str" },
	{ "UuidInfo", "UUID:str" },
	{ "VersionInfo", "qemu:VersionTriple,package:str" },
	{ "VersionTriple", "major:int,minor:int,micro:int" },
};

static const struct {
	const char *name, *data;
} events[] = {
	{ "BALLOON_CHANGE", "actual:int" },
	{ "BLOCK_IO_ERROR", "device:str,node-name:str,operation:(read|write),"
			    "action:(ignore|report|stop),nospace:bool,reason:str" },
	{ "DEVICE_DELETED", "?device:str,path:str" },
	{ "DEVICE_TRAY_MOVED", "device:str,id:str,tray-open:bool" },
	{ "GUEST_CRASHLOADED", "action:(run)" },
	{ "GUEST_PANICKED", "action:(pause|poweroff|run)" },
	{ "POWERDOWN", "" },
	{ "RESET", "" },
	{ "RESUME", "" },
	{ "SHUTDOWN", "guest:bool,reason:str" },
	{ "STOP", "" },
	{ "VSERPORT_CHANGE", "id:str,open:bool" },
	{ "WATCHDOG", "action:(reset|shutdown|poweroff|pause|debug|none|inject-nmi)" },
};

const char *schema_event(unsigned i)
{
	return i < ARRAY_SIZE(events) ? events[i].name : NULL;
}

/* ---- "name:type,?name:type" ---- */

struct member {
	char name[NAME], type[NAME];
	bool optional;
};

/* The member at *@p, which moves behind it.  False: there is none. */
static bool next(const char **p, struct member *m)
{
	const char *s = *p;
	size_t n, t;

	if (!*s)
		return false;
	m->optional = *s == '?';
	s += m->optional;
	n = strcspn(s, ":");
	t = strcspn(s + n + 1, ",");
	memcpy(m->name, s, n);
	m->name[n] = '\0';
	memcpy(m->type, s + n + 1, t);
	m->type[t] = '\0';
	s += n + 1 + t;
	*p = s + (*s == ',');
	return true;
}

/* ---- checking ---- */

static bool one_of(const char *words, const char *v)
{
	size_t len = strlen(v);

	/* "(a|b)" */
	for (const char *s = words + 1; *s; s += strcspn(s, "|)") + 1)
		if (strcspn(s, "|)") == len && !memcmp(s, v, len))
			return true;
	return false;
}

/* QEMU's name of what is expected, or NULL: it is that. */
static const char *unlike(const char *type, const json_t *v)
{
	if (!strcmp(type, "str"))
		return json_is_string(v) ? NULL : "string";
	if (!strcmp(type, "int"))
		return json_is_integer(v) ? NULL : "integer";
	if (!strcmp(type, "bool"))
		return json_is_boolean(v) ? NULL : "boolean";
	if (!strcmp(type, "any"))
		return NULL;
	if (*type == '(')
		return json_is_string(v) ? NULL : "string";
	if (*type == '[')
		return json_is_array(v) ? NULL : "array";
	return json_is_object(v) ? NULL : "object";
}

static int check_one(const struct member *a, const json_t *v, struct err *e)
{
	const char *want;

	if (!v)
		return a->optional ? 0
				   : err_set(e, -EINVAL, "Parameter '%s' is missing", a->name);
	want = unlike(a->type, v);
	if (want)
		return err_set(e, -EINVAL, "Invalid parameter type for '%s', expected: %s",
			       a->name, want);
	if (*a->type == '(' && !one_of(a->type, json_string_value(v)))
		return err_set(e, -EINVAL, "Parameter '%s' does not accept value '%.64s'",
			       a->name, json_string_value(v));
	return 0;
}

int schema_check(const struct command *c, json_t *args, struct err *e)
{
	const char *p = c->args, *key;
	json_t *value;
	struct member a;
	size_t known = 0;
	bool open = strstr(c->args, "...:") != NULL;

	while (next(&p, &a)) {
		const json_t *v = json_object_get(args, a.name);
		int r = !strcmp(a.name, "...") ? 0 : check_one(&a, v, e);

		if (r < 0)
			return r;
		known += v != NULL;
	}
	if (open || known == json_object_size(args))
		return 0;
	json_object_foreach(args, key, value)
	{
		bool mine = false;

		for (p = c->args; next(&p, &a);)
			mine |= !strcmp(a.name, key);
		if (!mine)
			return err_set(e, -EINVAL, "Parameter '%.100s' is unexpected", key);
	}
	return 0;
}

/* ---- for programs ---- */

static bool has(const json_t *all, const char *name)
{
	for (size_t i = 0; i < json_array_size(all); i++)
		if (!strcmp(name,
			    json_string_value(json_object_get(json_array_get(all, i), "name"))))
			return true;
	return false;
}

static void add_type(json_t *all, const char *type);

static void add_object(json_t *all, const char *name, const char *members)
{
	json_t *list = json_array();
	const char *p = members;
	struct member a;

	if (has(all, name)) {
		json_decref(list);
		return;
	}
	while (next(&p, &a)) {
		json_t *v;

		if (!strcmp(a.name, "..."))
			continue;
		v = json_pack("{s:s, s:s}", "name", a.name, "type", a.type);
		if (a.optional)
			json_object_set_new(v, "default", json_null());
		json_array_append_new(list, v);
	}
	json_array_append_new(all, json_pack("{s:s, s:s, s:o}", "name", name, "meta-type",
					     "object", "members", list));
	for (p = members; next(&p, &a);)
		if (strcmp(a.name, "...") != 0)
			add_type(all, a.type);
}

static void add_enum(json_t *all, const char *type)
{
	json_t *values = json_array(), *members = json_array();

	for (const char *s = type + 1; *s; s += strcspn(s, "|)") + 1) {
		size_t n = strcspn(s, "|)");

		json_array_append_new(values, json_stringn(s, n));
		json_array_append_new(members, json_pack("{s:s%}", "name", s, n));
	}
	json_array_append_new(all, json_pack("{s:s, s:s, s:o, s:o}", "name", type, "meta-type",
					     "enum", "members", members, "values", values));
}

static void add_builtin(json_t *all, const char *type)
{
	const char *json = !strcmp(type, "str")    ? "string"
			   : !strcmp(type, "bool") ? "boolean"
			   : !strcmp(type, "any")  ? "value"
						   : type;

	json_array_append_new(all, json_pack("{s:s, s:s, s:s}", "name", type, "meta-type",
					     "builtin", "json-type", json));
}

static void add_type(json_t *all, const char *type)
{
	char inner[NAME];
	size_t n = strlen(type);

	if (has(all, type))
		return;
	if (*type == '[') {
		memcpy(inner, type + 1, n - 2);
		inner[n - 2] = '\0';
		json_array_append_new(all,
				      json_pack("{s:s, s:s, s:s}", "name", type, "meta-type",
						"array", "element-type", inner));
		add_type(all, inner);
		return;
	}
	if (*type == '(') {
		add_enum(all, type);
		return;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(objects); i++)
		if (!strcmp(objects[i].name, type)) {
			add_object(all, type, objects[i].members);
			return;
		}
	add_builtin(all, type);
}

/* The type of what a command takes or an event tells: named after it. */
static const char *of_members(json_t *all, const char *name, const char *members, char *to)
{
	if (!*members) {
		add_type(all, "");
		return "";
	}
	snprintf(to, NAME, "%s-arg", name);
	add_object(all, to, members);
	return to;
}

json_t *schema_all(void)
{
	json_t *all = json_array();
	const struct command *c;
	char name[NAME];

	for (unsigned i = 0; (c = command_at(i)); i++) {
		const char *arg = of_members(all, c->name, c->args, name);

		json_array_append_new(all, json_pack("{s:s, s:s, s:s, s:s}", "name", c->name,
						     "meta-type", "command", "arg-type", arg,
						     "ret-type", c->ret));
		add_type(all, c->ret);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(events); i++)
		json_array_append_new(all, json_pack("{s:s, s:s, s:s}", "name", events[i].name,
						     "meta-type", "event", "arg-type",
						     of_members(all, events[i].name,
								events[i].data, name)));
	return all;
}
