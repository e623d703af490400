/* SPDX-License-Identifier: MIT */
/* What machine to make: the command line, parsed and checked, and nothing else. */
#ifndef EMU_CONFIG_H
#define EMU_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONFIG_SERIALS  4
#define CONFIG_DEVICES  24
#define CONFIG_SCSI     4
#define CONFIG_VCPUS    64
#define CONFIG_SMBIOS   20
#define CONFIG_FW       64
#define CONFIG_CHARDEVS 24
#define CONFIG_MONITORS 8
#define CONFIG_VIDEOS   4
#define CONFIG_OBJECTS  8

enum machine_kind { MACHINE_PC, MACHINE_Q35 };
enum accel_kind { ACCEL_AUTO, ACCEL_KVM, ACCEL_SOFT };

/* What to do when a watchdog bites, and when the guest says that it is lost (-action). */
enum watchdog_action {
	WATCHDOG_RESET,
	WATCHDOG_SHUTDOWN,
	WATCHDOG_POWEROFF,
	WATCHDOG_PAUSE,
	WATCHDOG_DEBUG,
	WATCHDOG_NONE,
	WATCHDOG_NMI,
};
enum panic_action { PANIC_SHUTDOWN, PANIC_PAUSE, PANIC_FAILURE, PANIC_NONE };

/* What a disk hangs on.  IDE is the chipset's: PIIX3 on pc, AHCI (ICH9) on q35. */
enum disk_bus { DISK_VIRTIO, DISK_IDE, DISK_NVME, DISK_SCSI, DISK_PFLASH };
#define CONFIG_FLASHES 2
/* What to do about an error of the image (werror=, rerror=). */
enum disk_action { DISK_REPORT, DISK_IGNORE, DISK_STOP, DISK_ENOSPC };
/* Writes of nothing but zeroes (detect-zeroes=): as they are; as zeroes; given back, too. */
enum disk_zeroes { ZEROES_WRITE, ZEROES_DETECT, ZEROES_UNMAP };

/* Where on the PCI bus, and as what. */
struct config_pci {
	unsigned slot;        /* 0: any */
	bool on_pci, on_pcie; /* bus= said that it is pc's, or q35's */
	/* Of virtio: without the interface of before version 1.0, or without that of since. */
	bool no_legacy, no_modern;
};

/* What a disk tells of itself; NULL and 0: as ever. */
struct config_traits {
	char *model, *version, *vendor;
	uint64_t wwn;
	uint32_t physical, min_io, opt_io; /* bytes */
	uint16_t rotation;                 /* a minute; 1: it does not turn */
};

/* -drive and -device together: one disk of the guest.  Strings belong to the configuration. */
struct config_disk {
	enum disk_bus bus;
	bool cdrom;
	unsigned
		unit; /* IDE: 2 * channel + device, or the port of AHCI; SCSI: target; flash: 0 or 1 */
	unsigned lun, controller; /* SCSI */
	enum disk_action werror, rerror;
	enum disk_zeroes zeroes;
	char *id;            /* of the drive, or NULL */
	char *dev;           /* of the -device, or NULL */
	char *file, *format; /* file NULL: an empty drive */
	char *blk_opts;      /* further options for the image, "key=value,...", or NULL */
	bool node;           /* those say all; file is for people */
	unsigned cache;      /* enum blk_open_flags */
	bool readonly, snapshot;
	char *serial;
	struct config_traits traits;
	unsigned queues, threads;
	struct config_pci pci;
	unsigned boot; /* bootindex + 1; 0: none */
	bool gone;     /* it was unplugged */
};

struct net;

enum net_card { CARD_VIRTIO, CARD_E1000 };

struct config_net {
	enum net_card card;
	char *id, *dev; /* of the -netdev, of the -device; or NULL */
	char *kind;     /* "user", "tap" */
	char *options;  /* of the back end, "key=value,..." */
	uint8_t mac[6];
	bool has_mac, has_speed;
	uint8_t duplex; /* 0 half, 1 full, 0xff nothing is said; @speed: all ones */
	uint16_t mtu;   /* 0: nothing is said */
	uint32_t speed; /* MBit/s */
	struct config_pci pci;
	unsigned boot;   /* bootindex + 1; 0: none */
	struct net *net; /* open already; NULL: the card opens it */
	bool gone;
};

/* A graphics card. */
struct config_video {
	bool bochs; /* bochs-display; else a VGA, of which there is one */
	struct config_pci pci;
	uint32_t memory;     /* bytes */
	unsigned xres, yres; /* what its monitor prefers; 0: no monitor tells */
};

/* What a machine is made with beside its own: name and options of -device. */
struct config_device {
	char *name, *options, *id; /* id NULL: none */
	struct config_pci pci;
	char *file; /* virtio-rng-pci: what its rng= reads, NULL: getrandom() */
	bool gone;
};

/* -boot */
struct config_boot {
	char *order, *once; /* letters of drives, or NULL */
	bool menu, strict;
	int64_t splash_time, reboot_timeout; /* milliseconds; -1: not given */
};

/* -fw_cfg: a file of the host's, or a text. */
struct config_fw {
	char *name, *file, *string;
};

struct blk_log;

/* -object memory-backend-*: whose flags are as in struct mem_source. */
struct config_memory {
	char *id, *path;
	uint64_t size, page;
	bool memfd, shared, prealloc, overcommit, huge, unsealed, merge, out_of_dumps;
};

/* -object rng-*: @file NULL is getrandom(). */
struct config_rng {
	char *id, *file;
};

enum chardev_kind {
	CHARDEV_NULL,
	CHARDEV_STDIO,
	CHARDEV_PTY,
	CHARDEV_FILE,
	CHARDEV_PIPE,
	CHARDEV_TTY,
	CHARDEV_UNIX,
	CHARDEV_TCP,
	CHARDEV_RING
};

/* -chardev, and what the places of -serial, -monitor and their kin stand for. */
struct config_chardev {
	char *id;
	enum chardev_kind kind;
	char *path;        /* all but null, stdio, pty, tcp and ring */
	char *host, *port; /* tcp; no host: a server's are all, a client's is this machine */
	unsigned to;       /* tcp server: the last port to try; 0: port alone */
	int family;        /* tcp: AF_INET, AF_INET6, 0 for either */
	bool server, wait, telnet, nodelay, abstract, loose; /* loose: tight=off */
	bool append;                                         /* file */
	bool no_signal; /* stdio: keys that end programs are input */
	bool mux;       /* several use it, keys switch */
	uint64_t size;  /* ring */
	char *log;      /* a file that gets what is written as well, or NULL */
	bool log_append;
};

struct config_monitor {
	char *chardev;
	bool qmp, pretty;
};

/* -sandbox: what may be done still. */
struct config_sandbox {
	bool off, obsolete, rights, spawn, no_resources;
};

struct machine_config {
	const struct blk_log *log; /* who hears of what images want to tell; or NULL */
	enum machine_kind kind;
	enum accel_kind accel;
	char *accel_opts;
	char *cpu;
	unsigned smp, cores, threads; /* of a socket; of a core */
	uint64_t mem;
	char *mem_path;
	bool prealloc, mem_lock, mem_merge, no_guest_dump;
	char *memory_backend; /* the id of one of these, or NULL */
	struct config_memory memory[CONFIG_OBJECTS];
	unsigned memories;
	struct config_rng rng[CONFIG_OBJECTS];
	unsigned rngs;
	char *kernel, *initrd, *append;
	char *bios; /* NULL: the machine's own, where firmware is needed */
	struct config_boot boot;
	char *smbios[CONFIG_SMBIOS]; /* enum smbios_text */
	char *smbios_uuid;
	struct config_fw fw_file[CONFIG_FW];
	unsigned fw_files;
	char *debugcon; /* the chardev that port debugcon_port leads to, or NULL */
	uint16_t debugcon_port;
	bool nographic;
	struct config_chardev chardev[CONFIG_CHARDEVS];
	unsigned chardevs;
	uint8_t escape;               /* the key before keys of a mux; 0: C-a */
	char *serial[CONFIG_SERIALS]; /* chardevs, NULL: no port */
	struct config_monitor monitor[CONFIG_MONITORS];
	unsigned monitors;
	char *gdb; /* a chardev */
	struct config_disk disk[CONFIG_DEVICES];
	unsigned disks;
	struct config_disk
		node[CONFIG_DEVICES]; /* images that no device uses yet; all have an id */
	unsigned nodes;
	char *scsi[CONFIG_SCSI]; /* names of controllers; one without a name is "" */
	struct config_pci scsi_pci[CONFIG_SCSI];
	unsigned scsis;
	struct config_net net[CONFIG_DEVICES];
	unsigned nets;
	struct config_net netdev[CONFIG_DEVICES]; /* networks that no card uses yet */
	unsigned netdevs;
	struct config_device device[CONFIG_DEVICES];
	unsigned devices;
	enum watchdog_action watchdog;
	enum panic_action panic;
	unsigned log_items; /* enum log_item */
	char *log_file;     /* NULL: standard error */
	struct config_video video[CONFIG_VIDEOS];
	unsigned videos;
	bool curses; /* the screen is the terminal */
	bool no_reboot, no_shutdown, stopped, snapshot;
	char *name, *uuid, *runas, *pidfile;
	bool daemonize;
	struct config_sandbox sandbox;
	char *process, *chroot;  /* the process's name; where it goes; or NULL */
	bool debug_threads;      /* vCPUs' threads have names */
	bool msg_time, msg_name; /* messages begin with the time, with the machine's name */
	bool no_hpet, no_acpi;
	int64_t rtc_base; /* seconds since 1970 that the clock shows at the start */
	bool debug_exit;
	uint16_t exit_base, exit_size;
	bool quiet;
	/* Takes a line for a person at the terminal; NULL: nobody. */
	void (*tell)(const struct machine_config *c, const char *line);
};

#endif
