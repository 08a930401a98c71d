/*
 * Files as panels: made whole, shared, and everything that is not fit to be one refused for its
 * own reason.
 */
#include "inside.h"

#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sysmacros.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#define NOBODY 65534

static void need_root(void) {
    if (geteuid() != 0) {
        print_message("this needs root\n");
        skip();
    }
}

static mode_t mode_of(const char *name) {
    struct stat status;
    assert_int_equal(stat(name, &status), 0);
    return status.st_mode & 07777;
}

static void make_file(const char *name, mode_t mode) {
    int fd = open(name, O_CREAT | O_WRONLY | O_EXCL, 0600);
    assert_true(fd >= 0);
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static void change_file(const char *name, off_t at, const void *bytes, size_t size) {
    int fd = open(name, O_WRONLY);
    assert_int_equal(pwrite(fd, bytes, size, at), size);
    close(fd);
}

static void make_panel(void) {
    swg_panel_unref(open_small());
}

/* ---- what works */

static void test_what_one_learns_the_other_knows(void **state) {
    struct swg_panel *one = open_small(), *two = open_small();
    struct swg_circuit *mine = NULL, *theirs = NULL;
    struct swg_status status = SWG_STATUS_INIT;
    (void)state;
    assert_int_equal(swg_circuit_get(one, "payments", NULL, &mine, NULL), 0);
    assert_int_equal(swg_circuit_find(two, "payments", &theirs), 0);
    assert_int_equal(swg_circuit_trip(mine, NULL, NULL), 0);
    assert_int_equal(swg_circuit_status(theirs, &status), 0);
    assert_int_equal(status.state, SWG_STATE_OPEN);
    swg_panel_unref(one);
    swg_panel_unref(two);
}

static void test_what_was_learned_survives(void **state) {
    struct swg_panel *panel = open_small();
    struct swg_circuit *circuit = NULL;
    struct swg_status status = SWG_STATUS_INIT;
    (void)state;
    assert_int_equal(swg_circuit_get(panel, "payments", NULL, &circuit, NULL), 0);
    assert_int_equal(swg_circuit_trip(circuit, NULL, NULL), 0);
    swg_panel_unref(panel);
    panel = open_small();
    assert_int_equal(swg_circuit_find(panel, "payments", &circuit), 0);
    assert_int_equal(swg_circuit_status(circuit, &status), 0);
    assert_int_equal(status.state, SWG_STATE_OPEN);
    assert_int_equal(status.transitions, 1);
    swg_panel_unref(panel);
}

static void test_permissions_are_those_asked_for(void **state) {
    struct swg_panel_options options = small_options();
    mode_t before = umask(0077);
    (void)state;
    options.file_mode = 0660;
    swg_panel_unref(open_with(&options));
    umask(before);
    assert_int_equal(mode_of(panel_file()), 0660);
    assert_int_equal(mode_of(lock_file()), 0660);
    unlink(panel_file());
    unlink(lock_file());
    before = umask(0);
    make_panel();
    umask(before);
    assert_int_equal(mode_of(panel_file()), 0600);
    assert_int_equal(mode_of(lock_file()), 0600);
}

static void test_a_relative_path_stays_where_it_was(void **state) {
    struct swg_panel_options options = small_options();
    char here[4096];
    (void)state;
    assert_non_null(getcwd(here, sizeof(here)));
    assert_int_equal(chdir(folder), 0);
    options.path = "main";
    struct swg_panel *panel = open_with(&options);
    assert_int_equal(chdir("/"), 0);
    assert_int_equal(swg_panel_poll(panel), 0);
    assert_int_equal(access(panel_file(), F_OK), 0);
    swg_panel_unref(panel);
    assert_int_equal(chdir(here), 0);
}

static void test_nothing_asked_takes_what_is_there(void **state) {
    struct swg_panel_options options = SWG_PANEL_OPTIONS_INIT;
    (void)state;
    make_panel();
    options.path = path;
    struct swg_panel *panel = open_with(&options);
    assert_int_equal(map_of(panel)->geometry.circuits, 8 + 1);
    swg_panel_unref(panel);
}

/* ---- geometry and versions */

static void other_geometry(size_t offset, uint32_t value, const char *words) {
    struct swg_panel_options options = SWG_PANEL_OPTIONS_INIT;
    options.path = path;
    memcpy((unsigned char *)&options + offset, &value, sizeof(value));
    assert_open_fails(&options, -ERANGE, words);
}
#define OTHER(key, value, words) \
    other_geometry(offsetof(struct swg_panel_options, key), (value), (words))

static void test_another_geometry(void **state) {
    (void)state;
    make_panel();
    OTHER(circuits_max, 9, "circuits_max is 8 in this panel and 9 was asked for");
    assert_string_equal(error.key, "circuits_max");
    OTHER(columns_max, 5, "columns_max is 4");
    OTHER(histograms_max, SWG_GEOMETRY_NONE, "histograms_max is 2 in this panel and 0");
    OTHER(slots_max, 512, "slots_max is 256");
    OTHER(events_max, 128, "events_max is 64");
    make_panel(); /* and the same again is fine */
}

static void test_another_version(void **state) {
    struct swg_panel_options options = small_options();
    uint16_t major = 2;
    (void)state;
    make_panel();
    change_file(panel_file(), offsetof(struct swgi_header, major), &major, sizeof(major));
    assert_open_fails(&options, -EPROTO, "is version 2; this library reads 1");
}

static void test_a_damaged_header(void **state) {
    struct swg_panel_options options = small_options();
    uint32_t crc = 12345;
    (void)state;
    make_panel();
    change_file(panel_file(), offsetof(struct swgi_header, crc), &crc, sizeof(crc));
    assert_open_fails(&options, -EBADMSG, "checksum");
}

static void test_cut_at_every_section(void **state) {
    struct swg_panel_options options = small_options();
    struct swgi_header header;
    (void)state;
    make_panel();
    int fd = open(panel_file(), O_RDONLY);
    assert_int_equal(pread(fd, &header, sizeof(header), 0), sizeof(header));
    close(fd);
    for (unsigned i = header.sections_count; i-- > 0;) {
        assert_int_equal(truncate(panel_file(), (off_t)header.sections[i].offset), 0);
        assert_open_fails(&options, -EBADMSG, "it was cut");
        options.access = SWG_PANEL_INSPECT;
        assert_open_fails(&options, -EBADMSG, "it was cut");
        options.access = SWG_PANEL_CREATE;
    }
    assert_int_equal(truncate(panel_file(), 100), 0);
    assert_open_fails(&options, -EBADMSG, "too few for a header");
    assert_int_equal(truncate(panel_file(), 0), 0);
    assert_open_fails(&options, -EBADMSG, "too few for a header");
}

static void test_not_a_panel(void **state) {
    struct swg_panel_options options = small_options();
    (void)state;
    make_file(panel_file(), 0600);
    assert_int_equal(truncate(panel_file(), 100000), 0);
    assert_open_fails(&options, -EBADMSG, "is no panel");
}

/* ---- places */

static void test_no_such_place(void **state) {
    struct swg_panel_options options = small_options();
    (void)state;
    options.access = SWG_PANEL_ATTACH;
    assert_open_fails(&options, -ENOENT, "there is no panel");
    options.access = SWG_PANEL_INSPECT;
    assert_open_fails(&options, -ENOENT, "there is no panel");
    options.access = SWG_PANEL_CREATE;
    options.path = "/nonexistent/main";
    assert_open_fails(&options, -ENOENT, "make it, or name another one");
    options.path = "";
    assert_open_fails(&options, -EINVAL, "without its suffix");
    options.path = "/dev/shm/";
    assert_open_fails(&options, -EINVAL, "without its suffix");
    options.path = NULL;
    options.access = SWG_PANEL_ATTACH;
    assert_open_fails(&options, -EINVAL, "no path");
    options.path = "/dev/null/main";
    assert_open_fails(&options, -ENOTDIR, "is no directory");
}

static void test_a_folder_anyone_may_write(void **state) {
    struct swg_panel_options options = small_options();
    (void)state;
    assert_int_equal(chmod(folder, 0777), 0);
    assert_open_fails(&options, -EPERM, "anyone may replace files");
    assert_int_equal(chmod(folder, 01777), 0); /* as /tmp: only owners may */
    make_panel();
}

/* Stands before the C library's: a file system of whatever type, without one. */
static unsigned pretended_type;

int statfs(const char *name, struct statfs *out) {
    int rc = (int)syscall(SYS_statfs, name, out);
    if (rc == 0 && pretended_type != 0)
        out->f_type = (__typeof__(out->f_type))pretended_type;
    return rc;
}

static void test_network_file_systems(void **state) {
    static const unsigned types[] = { 0x6969,     0xff534d42, 0xfe534d42,
                                      0x5346414f, 0x01021997, 0x65735546 };
    static const char *const names[] = { "is on NFS", "is on CIFS", "is on SMB2",
                                         "is on AFS", "is on 9p",   "is on FUSE" };
    struct swg_panel_options options = small_options();
    (void)state;
    for (unsigned i = 0; i < 6; i++) {
        pretended_type = types[i];
        assert_open_fails(&options, -EPERM, names[i]);
        assert_non_null(strstr(error.text, "use tmpfs"));
    }
    pretended_type = 0xef53; /* ext4 */
    make_panel();
    pretended_type = 0;
}

/* ---- things that are not files of ours */

static void each_access_fails(int code, const char *words) {
    struct swg_panel_options options = small_options();
    for (int access = SWG_PANEL_CREATE; access <= SWG_PANEL_INSPECT; access++) {
        options.access = access;
        assert_open_fails(&options, code, words);
    }
}

static void test_a_symbolic_link(void **state) {
    char real[128];
    (void)state;
    make_panel();
    snprintf(real, sizeof(real), "%s/real", folder);
    assert_int_equal(rename(panel_file(), real), 0);
    assert_int_equal(symlink(real, panel_file()), 0);
    each_access_fails(-ELOOP, "symbolic link");
    assert_int_equal(unlink(real), 0); /* a dangling one is not created through either */
    each_access_fails(-ELOOP, "symbolic link");
    assert_int_not_equal(access(real, F_OK), 0);
}

static void test_a_symbolic_link_as_lock(void **state) {
    struct swg_panel_options options = small_options();
    (void)state;
    make_panel();
    assert_int_equal(unlink(lock_file()), 0);
    assert_int_equal(symlink("/etc/passwd", lock_file()), 0);
    assert_open_fails(&options, -ELOOP, ".lock is a symbolic link");
}

static void test_a_device(void **state) {
    (void)state;
    need_root();
    assert_int_equal(mknod(panel_file(), S_IFCHR | 0600, makedev(1, 5)), 0);
    each_access_fails(-EPERM, "is a device");
}

static void test_a_fifo(void **state) {
    (void)state;
    assert_int_equal(mkfifo(panel_file(), 0600), 0);
    each_access_fails(-EPERM, "is a FIFO");
}

static void test_a_directory(void **state) {
    (void)state;
    assert_int_equal(mkdir(panel_file(), 0700), 0);
    each_access_fails(-EPERM, "is a directory");
}

static void test_a_file_anyone_may_write(void **state) {
    (void)state;
    make_panel();
    assert_int_equal(chmod(panel_file(), 0602), 0);
    each_access_fails(-EPERM, "anyone may write");
}

static void test_a_second_name(void **state) {
    char second[128];
    (void)state;
    make_panel();
    snprintf(second, sizeof(second), "%s/second", folder);
    assert_int_equal(link(panel_file(), second), 0);
    each_access_fails(-EPERM, "has 2 names");
    assert_int_equal(unlink(second), 0);
    make_panel();
}

static void test_a_strangers_file(void **state) {
    (void)state;
    need_root();
    make_panel();
    assert_int_equal(chown(panel_file(), 12345, 12345), 0);
    each_access_fails(-EPERM, "belongs to user 12345");
    assert_int_equal(chown(folder, 12345, 12345), 0); /* who owns the folder may own the file */
    make_panel();
}

static void become_nobody(void) {
    CHILD_ASSERT(setgroups(0, NULL) == 0 && setgid(NOBODY) == 0 && setuid(NOBODY) == 0);
}

static void is_refused(void *unused) {
    struct swg_panel_options options = small_options();
    struct swg_panel *panel;
    (void)unused;
    become_nobody();
    CHILD_ASSERT(swg_panel_open(&panel, &options, &error) == -EACCES);
    CHILD_ASSERT(strstr(error.text, "no permission") != NULL);
    CHILD_ASSERT(strstr(error.text, "inspect") != NULL);
    options.access = SWG_PANEL_INSPECT;
    CHILD_ASSERT(swg_panel_open(&panel, &options, &error) == -EACCES);
}

static void cannot_create(void *unused) {
    struct swg_panel_options options = small_options();
    struct swg_panel *panel;
    (void)unused;
    become_nobody();
    CHILD_ASSERT(swg_panel_open(&panel, &options, &error) == -EACCES);
}

static void creates_without_privilege(void *unused) {
    (void)unused;
    become_nobody();
    swg_panel_unref(open_small());
}

static void test_nobody_special_creates(void **state) {
    struct stat status;
    (void)state;
    need_root();
    assert_int_equal(chmod(folder, 01777), 0);
    in_child(creates_without_privilege, NULL);
    assert_int_equal(stat(panel_file(), &status), 0);
    assert_int_equal(status.st_uid, NOBODY);
    assert_int_equal(chown(folder, NOBODY, NOBODY), 0);
    make_panel();
}

static void test_no_permission(void **state) {
    (void)state;
    need_root();
    assert_int_equal(chmod(folder, 0755), 0);
    in_child(cannot_create, NULL);
    make_panel();
    in_child(is_refused, NULL);
}

static void may_look(void *unused) {
    struct swg_panel_options options = small_options();
    struct swg_panel_info status = SWG_PANEL_INFO_INIT;
    (void)unused;
    become_nobody();
    options.access = SWG_PANEL_INSPECT;
    struct swg_panel *panel = NULL;
    CHILD_ASSERT(swg_panel_open(&panel, &options, &error) == 0);
    CHILD_ASSERT(swg_panel_status(panel, &status) == 0 && status.processes == 1);
    CHILD_ASSERT(swg_panel_poll(panel) == 0);
    swg_panel_unref(panel);
}

static void test_the_right_to_read_is_enough_to_look(void **state) {
    struct swg_panel *panel = open_small();
    (void)state;
    need_root();
    assert_int_equal(chmod(folder, 0755), 0);
    assert_int_equal(chmod(panel_file(), 0644), 0);
    in_child(may_look, NULL); /* without the lock file nobody is known to be dead */
    assert_int_equal(chmod(lock_file(), 0644), 0);
    in_child(may_look, NULL);
    swg_panel_unref(panel);
}

/* ---- no room */

static void test_a_full_file_system(void **state) {
    struct swg_panel_options options = small_options();
    (void)state;
    need_root();
    if (mount("none", folder, "tmpfs", 0, "size=64k,mode=0755") != 0) {
        print_message("no tmpfs can be mounted here: %s\n", strerror(errno));
        skip();
    }
    assert_open_fails(&options, -ENOSPC, "no room for the");
    assert_int_not_equal(access(panel_file(), F_OK), 0);
    umount(folder);
}

static void limited(void *unused) {
    struct swg_panel_options options = small_options();
    struct swg_panel *panel;
    (void)unused;
    CHILD_ASSERT(setrlimit(RLIMIT_FSIZE, &(struct rlimit){ 65536, 65536 }) == 0);
    CHILD_ASSERT(swg_panel_open(&panel, &options, &error) == -ENOSPC);
    CHILD_ASSERT(strstr(error.text, "ulimit -f") != NULL);
    CHILD_ASSERT(access(panel_file(), F_OK) != 0);
}

static void test_a_file_size_limit(void **state) {
    (void)state;
    in_child(limited, NULL);
}

static void limit_memory(void) {
    const rlim_t most = 100 << 20;
    if (setrlimit(RLIMIT_AS, &(struct rlimit){ most, most }) != 0)
        _exit(1);
}

#ifdef __has_feature
#define HAS_FEATURE(name) __has_feature(name)
#else
#define HAS_FEATURE(name) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
    HAS_FEATURE(address_sanitizer) || HAS_FEATURE(thread_sanitizer)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

/* A sanitizer's shadow alone is above any limit. */
static void is_limited(void *unused) {
    (void)unused;
    if (SANITIZED)
        _exit(1);
    limit_memory();
    if (mmap(NULL, 200 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED)
        _exit(1);
}

static void without_memory(void *unused) {
    struct swg_panel_options options = small_options();
    struct swg_panel *panel;
    (void)unused;
    options.circuits_max = 65535; /* its path stays: nothing of it must be left */
    limit_memory();
    CHILD_ASSERT(swg_panel_open(&panel, &options, &error) == -ENOMEM);
    CHILD_ASSERT(access(panel_file(), F_OK) != 0);
    options.path = NULL;
    CHILD_ASSERT(swg_panel_open(&panel, &options, &error) == -ENOMEM);
}

static void test_no_memory(void **state) {
    (void)state;
    if (!child_can(is_limited, NULL)) {
        print_message("address space cannot be limited here (sanitizer or emulator)\n");
        skip();
    }
    in_child(without_memory, NULL);
}

static void test_a_read_only_file_system(void **state) {
    struct swg_panel_options options = small_options();
    (void)state;
    need_root();
    if (mount("none", folder, "tmpfs", 0, "mode=0755") != 0) {
        print_message("no tmpfs can be mounted here: %s\n", strerror(errno));
        skip();
    }
    make_panel();
    assert_int_equal(mount("none", folder, "tmpfs", MS_REMOUNT | MS_RDONLY, "mode=0755"), 0);
    assert_open_fails(&options, -EROFS, "can only be inspected");
    options.access = SWG_PANEL_INSPECT;
    swg_panel_unref(open_with(&options));
    umount(folder);
}

/* ---- file systems that know no files without a name */

/* As on those: the flag is not understood. */
static void refuse_nameless_files(void) {
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, O_TMPFILE & ~O_DIRECTORY, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EOPNOTSUPP),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = { .len = sizeof(code) / sizeof(code[0]), .filter = code };
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        _exit(1);
}

static void can_be_refused(void *unused) {
    (void)unused;
    refuse_nameless_files();
    if (open(folder, O_TMPFILE | O_RDWR, 0600) >= 0 || errno != EOPNOTSUPP)
        _exit(1);
}

static void creates_by_name(void *unused) {
    struct swg_panel_options options = small_options();
    struct swg_panel *panel = NULL;
    (void)unused;
    refuse_nameless_files();
    CHILD_ASSERT(swg_panel_open(&panel, &options, &error) == 0);
    swg_panel_unref(panel);
}

static int entries;

static int count_entry(const char *name, const struct stat *status, int kind, struct FTW *where) {
    (void)name;
    (void)status;
    (void)where;
    entries += kind == FTW_F;
    return 0;
}

static void test_without_nameless_files(void **state) {
    (void)state;
    if (!child_can(can_be_refused, NULL)) {
        print_message("system calls cannot be filtered here\n");
        skip();
    }
    for (unsigned round = 0; round < 20; round++) {
        pid_t children[3];
        for (unsigned i = 0; i < 3; i++)
            children[i] = start_child(creates_by_name, NULL);
        for (unsigned i = 0; i < 3; i++)
            child_ended_well(children[i]);
        entries = 0;
        nftw(folder, count_entry, 16, FTW_PHYS);
        assert_int_equal(entries, 2); /* panel and lock: nothing else is left */
        assert_int_equal(unlink(panel_file()), 0);
        assert_int_equal(unlink(lock_file()), 0);
    }
}

/* ---- races */

struct seen {
    _Atomic uint64_t inode, created, slots;
};
static struct seen *seen;
static _Atomic uint32_t *gate;

static void creates_with_the_rest(void *number) {
    struct swg_panel *panel = NULL;
    struct swg_panel_options options = small_options();
    swgi_add(gate, 1);
    while (swgi_load(gate) < 4)
        continue;
    CHILD_ASSERT(swg_panel_open(&panel, &options, &error) == 0);
    struct seen *mine = &seen[(uintptr_t)number];
    swgi_store(&mine->inode, map_of(panel)->inode);
    swgi_store(&mine->created, map_of(panel)->header->created_wall_ms);
    swgi_store(&mine->slots, swgi_map_identity(map_of(panel)).owner);
    swgi_add(gate, 1);
    while (swgi_load(gate) < 8) /* all are in at once */
        continue;
    swg_panel_unref(panel);
}

static void test_four_create_at_once(void **state) {
    (void)state;
    gate = shared_words(1024);
    seen = (struct seen *)(void *)(gate + 16);
    for (unsigned round = 0; round < 50; round++) {
        pid_t children[4];
        swgi_store(gate, 0);
        for (uintptr_t i = 0; i < 4; i++)
            children[i] = start_child(creates_with_the_rest, (void *)i);
        uint64_t slots = 0;
        for (unsigned i = 0; i < 4; i++) {
            child_ended_well(children[i]);
            assert_int_equal(swgi_load(&seen[i].inode), swgi_load(&seen[0].inode));
            assert_int_equal(swgi_load(&seen[i].created), swgi_load(&seen[0].created));
            slots |= UINT64_C(1) << swgi_load(&seen[i].slots);
        }
        assert_int_equal(__builtin_popcountll(slots), 4);
        assert_int_equal(unlink(panel_file()), 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_what_one_learns_the_other_knows),
        IN_FOLDER(test_what_was_learned_survives),
        IN_FOLDER(test_permissions_are_those_asked_for),
        IN_FOLDER(test_a_relative_path_stays_where_it_was),
        IN_FOLDER(test_nothing_asked_takes_what_is_there),
        IN_FOLDER(test_another_geometry),
        IN_FOLDER(test_another_version),
        IN_FOLDER(test_a_damaged_header),
        IN_FOLDER(test_cut_at_every_section),
        IN_FOLDER(test_not_a_panel),
        IN_FOLDER(test_no_such_place),
        IN_FOLDER(test_a_folder_anyone_may_write),
        IN_FOLDER(test_network_file_systems),
        IN_FOLDER(test_a_symbolic_link),
        IN_FOLDER(test_a_symbolic_link_as_lock),
        IN_FOLDER(test_a_device),
        IN_FOLDER(test_a_fifo),
        IN_FOLDER(test_a_directory),
        IN_FOLDER(test_a_file_anyone_may_write),
        IN_FOLDER(test_a_second_name),
        IN_FOLDER(test_a_strangers_file),
        IN_FOLDER(test_nobody_special_creates),
        IN_FOLDER(test_no_permission),
        IN_FOLDER(test_the_right_to_read_is_enough_to_look),
        IN_FOLDER(test_a_full_file_system),
        IN_FOLDER(test_a_file_size_limit),
        IN_FOLDER(test_no_memory),
        IN_FOLDER(test_a_read_only_file_system),
        IN_FOLDER(test_without_nameless_files),
        IN_FOLDER(test_four_create_at_once),
    };
    return cmocka_run_group_tests_name("attach", tests, NULL, NULL);
}
