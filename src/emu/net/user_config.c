/* SPDX-License-Identifier: MIT */
#include "emu/net/user_config.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/str.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_DHCP 255u /* a name's bytes in DHCP */

static int address(struct optset *o, const char *key, int family, void *to, struct err *e)
{
	const char *v = optset_get(o, key);

	if (v && inet_pton(family, v, to) != 1)
		return err_set(e, -EINVAL, "%s=%s is no address", key, v);
	return 0;
}

/* What an address alone stands for. */
static uint32_t mask_of_class(uint32_t net)
{
	return !(net & 0x80000000) ? 0xff000000 : (net >> 30) == 2 ? 0xffff0000 : 0xffffff00;
}

/* "ADDR", "ADDR/BITS", "ADDR/MASK" */
static int network(struct optset *o, SlirpConfig *c, struct err *e)
{
	const char *v = optset_get(o, "net"), *slash;
	AUTO_FREE char *addr = NULL;
	struct in_addr mask;
	uint32_t m;
	char *end;

	if (!v)
		return 0;
	slash = strchr(v, '/');
	addr = str_printf(e, "%.*s", (int)(slash ? slash - v : (ptrdiff_t)strlen(v)), v);
	if (!addr)
		return -ENOMEM;
	if (inet_pton(AF_INET, addr, &c->vnetwork) != 1)
		return err_set(e, -EINVAL, "net=%s is no network", v);
	m = mask_of_class(ntohl(c->vnetwork.s_addr));
	if (slash && inet_pton(AF_INET, slash + 1, &mask) == 1) {
		m = ntohl(mask.s_addr);
	} else if (slash) {
		unsigned long bits = strtoul(slash + 1, &end, 10);

		if (*end || end == slash + 1 || bits < 4 || bits > 28)
			return err_set(e, -EINVAL, "net=%s: a mask has 4 to 28 bits", v);
		m = ~UINT32_C(0) << (32 - bits);
	}
	if (~m & (~m + 1) || ~m < 15)
		return err_set(e, -EINVAL, "net=%s: a mask has 4 to 28 bits", v);
	c->vnetmask.s_addr = htonl(m);
	c->vnetwork.s_addr &= htonl(m);
	return 0;
}

static int inside(const SlirpConfig *c, const char *key, struct in_addr a, struct err *e)
{
	uint32_t mask = ntohl(c->vnetmask.s_addr), host = ntohl(a.s_addr) & ~mask;
	char text[INET_ADDRSTRLEN];

	if (((a.s_addr ^ c->vnetwork.s_addr) & c->vnetmask.s_addr) == 0 && host &&
	    host != ~mask)
		return 0;
	inet_ntop(AF_INET, &a, text, sizeof(text));
	return err_set(e, -EINVAL, "%s=%s is not a host of the network", key, text);
}

static int four(struct optset *o, SlirpConfig *c, struct err *e)
{
	uint32_t rest;
	int r;

	inet_pton(AF_INET, "10.0.2.0", &c->vnetwork);
	inet_pton(AF_INET, "255.255.255.0", &c->vnetmask);
	r = network(o, c, e);
	rest = ~ntohl(c->vnetmask.s_addr);
	c->vhost.s_addr = c->vnetwork.s_addr | htonl(0x0202 & rest);
	c->vnameserver.s_addr = c->vnetwork.s_addr | htonl(0x0203 & rest);
	c->vdhcp_start.s_addr = c->vnetwork.s_addr | htonl(0x020f & rest);
	if (~rest == 0xfffffff0) /* 15 would be the broadcast address */
		c->vdhcp_start.s_addr = c->vnetwork.s_addr | htonl(4);
	if (r == 0)
		r = address(o, "host", AF_INET, &c->vhost, e);
	if (r == 0)
		r = address(o, "dns", AF_INET, &c->vnameserver, e);
	if (r == 0)
		r = address(o, "dhcpstart", AF_INET, &c->vdhcp_start, e);
	if (r == 0)
		r = inside(c, "host", c->vhost, e);
	if (r == 0)
		r = inside(c, "dns", c->vnameserver, e);
	if (r == 0)
		r = inside(c, "dhcpstart", c->vdhcp_start, e);
	if (r == 0 && c->vhost.s_addr == c->vnameserver.s_addr)
		r = err_set(e, -EINVAL, "host and dns need an address each");
	return r;
}

static int six(struct optset *o, SlirpConfig *c, struct err *e)
{
	uint64_t bits = 64;
	int r;

	inet_pton(AF_INET6, "fec0::", &c->vprefix_addr6);
	r = address(o, "ipv6-prefix", AF_INET6, &c->vprefix_addr6, e);
	if (r == 0)
		r = optset_u64(o, "ipv6-prefixlen", &bits, e);
	if (r == 0 && (bits < 1 || bits > 126))
		r = err_set(e, -EINVAL, "ipv6-prefixlen=%llu: 1 to 126",
			    (unsigned long long)bits);
	c->vprefix_len = (uint8_t)bits;
	c->vhost6 = c->vnameserver6 = c->vprefix_addr6;
	c->vhost6.s6_addr[15] |= 2;
	c->vnameserver6.s6_addr[15] |= 3;
	if (r == 0)
		r = address(o, "ipv6-host", AF_INET6, &c->vhost6, e);
	if (r == 0)
		r = address(o, "ipv6-dns", AF_INET6, &c->vnameserver6, e);
	return r;
}

static int name_of(struct optset *o, const char *key, const char **to, struct err *e)
{
	*to = optset_get(o, key);
	if (*to && strlen(*to) > NAME_MAX_DHCP)
		return err_set(e, -EINVAL, "%s= has more than %u letters", key, NAME_MAX_DHCP);
	return 0;
}

static int searches(struct user_config *c, struct optset *o, struct err *e)
{
	unsigned n = 0;

	for (size_t i = 0; i < o->n; i++) {
		if (strcmp(o->v[i].key, "dnssearch") != 0)
			continue;
		o->v[i].used = true;
		if (n == USER_SEARCHES)
			return err_set(e, -EINVAL, "dnssearch= more than %d times",
				       USER_SEARCHES);
		c->search[n++] = o->v[i].val;
	}
	c->slirp.vdnssearch = n ? c->search : NULL;
	return 0;
}

/* A folder that is not there would be found out by nobody but the guest. */
static int tftp(struct optset *o, SlirpConfig *c, struct err *e)
{
	int fd;

	c->tftp_path = optset_get(o, "tftp");
	if (!c->tftp_path)
		return 0;
	fd = io_open(c->tftp_path, O_RDONLY | O_DIRECTORY, 0, e);
	if (fd < 0)
		return err_wrap(e, fd, "tftp");
	io_close(fd);
	return 0;
}

int user_config_read(struct user_config *c, struct optset *o, struct err *e)
{
	SlirpConfig *s = &c->slirp;
	bool restricted = false, v4 = !optset_get(o, "ipv6"), v6 = !optset_get(o, "ipv4");
	int r;

	*c = (struct user_config){ .slirp.version = 1 };
	r = optset_bool(o, "ipv4", &v4, e);
	if (r == 0)
		r = optset_bool(o, "ipv6", &v6, e);
	/* "off" of one is the other; "on" of one alone is that one */
	if (r == 0 && optset_get(o, "ipv4") && !optset_get(o, "ipv6"))
		v6 = !v4;
	if (r == 0 && optset_get(o, "ipv6") && !optset_get(o, "ipv4"))
		v4 = !v6;
	if (r == 0 && !v4 && !v6)
		r = err_set(e, -EINVAL, "neither ipv4= nor ipv6= is on");
	s->in_enabled = v4;
	s->in6_enabled = v6;
	if (r == 0)
		r = optset_bool(o, "restrict", &restricted, e);
	s->restricted = restricted;
	if (r == 0)
		r = four(o, s, e);
	if (r == 0)
		r = six(o, s, e);
	if (r == 0)
		r = name_of(o, "hostname", &s->vhostname, e);
	if (r == 0)
		r = name_of(o, "domainname", &s->vdomainname, e);
	if (r == 0)
		r = name_of(o, "bootfile", &s->bootfile, e);
	if (r == 0)
		r = name_of(o, "tftp-server-name", &s->tftp_server_name, e);
	if (r == 0)
		r = tftp(o, s, e);
	return r < 0 ? r : searches(c, o, e);
}
