/*
 * A re-base killed at every store: whoever ends it moves no instant twice and leaves none out.
 *
 * A child attaches after a reboot, instruction by instruction under ptrace. What a kill there would leave is the file as it is
 * then, so each time it has changed a copy is given to the next one: of the same boot, and of yet another.
 */
#include "inside.h"

#include <sys/ptrace.h>

#include "bound.h"
#include "engine/engine.h"

#define S        INT64_C(1000000000)
#define UP       (1000000 * S) /* what the clock of monday showed last */
#define CIRCUITS 4u

static struct swg_panel *open_in_boot(const char *boot_id) {
    struct swg_panel_options options = small_options();
    options.boot_id = boot_id;
    return open_with(&options);
}

/* ---- instants in all places */

static void fill_cell(struct swgi_map *map, uint32_t index) {
    struct swgi_cell *cell = &map->cells[index];
    uint64_t hour = swgi_deadline_from(UP + 3600 * S);
    const uint64_t ctl[CIRCUITS + 1] = {
        swgi_ctl(SWGI_CLOSED, SWGI_NORMAL, 7, 0),
        swgi_ctl(SWGI_OPEN, SWGI_NORMAL, 7, swgi_payload_deadline(hour, SWG_RULE_HAND)),
        swgi_ctl(SWGI_HALF, SWGI_NORMAL, 7,
                 swgi_payload_deadline(swgi_deadline_from(UP + 30 * S), SWG_RULE_PROBE)),
        swgi_ctl(SWGI_CLOSED, SWGI_FORCED_OPEN, 7, swgi_payload_deadline(hour, 0)),
        swgi_ctl(SWGI_CLOSED, SWGI_SHADOW, 7, 0),
    };
    swgi_store(&cell->ctl, ctl[index]);
    swgi_store(&cell->shadow_until, index == 4 ? hour : 0);
    swgi_store(&cell->since, swgi_since(7, 0, UP - 4 * S));
    swgi_store(&cell->last_trip, (uint64_t)(UP - 3 * S));
    for (uint32_t c = 0; c < map->geometry.columns; c++) {
        struct swgi_column *column = &map->columns[c * map->geometry.circuits + index];
        swgi_store(&column->last_success, (uint64_t)(UP - 2 * S + (int64_t)c));
        swgi_store(&column->last_failure, c % 2 != 0 ? (uint64_t)(UP - S) : 0);
    }
}

static void prepare(void) {
    struct swg_panel *panel = open_in_boot("monday");
    struct swgi_map *map = map_of(panel);
    struct swg_circuit *circuit;
    char name[8];
    for (unsigned i = 1; i <= CIRCUITS; i++) {
        snprintf(name, sizeof(name), "c-%u", i);
        assert_int_equal(swg_circuit_get(panel, name, NULL, &circuit, NULL), 0);
    }
    for (uint32_t i = 0; i <= CIRCUITS; i++)
        fill_cell(map, i);
    swgi_store(&map->header->stamp_monotonic, (uint64_t)UP);
    swgi_store(&map->header->stamp_wall, (uint64_t)((swgi_clock_wall_ms() - 1000) * 1000000));
    swg_panel_unref(panel);
}

/* Exactly by that shift, or rounded to the panel's 2^22 ns: up where it is a deadline, down else. */
static bool moved_by(int64_t value, int64_t before, int64_t shift) {
    int64_t off = value - (before + shift), rounding = INT64_C(1) << SWGI_DEADLINE_SHIFT;
    return off >= -4 * rounding && off <= 4 * rounding; /* in up to three boots */
}

static bool ctl_moved(const struct swgi_cell *cell, uint32_t index, int64_t shift) {
    static const int64_t until[] = { 0, 3600 * S, 30 * S, 3600 * S, 0 };
    uint64_t ctl = swgi_load(&cell->ctl);
    if (until[index] == 0)
        return true;
    return swgi_ctl_generation(ctl) == 7 &&
           moved_by(swgi_deadline_time(swgi_ctl_deadline(ctl)), UP + until[index], shift);
}

static bool cell_moved(const struct swgi_map *map, uint32_t index, int64_t shift) {
    const struct swgi_cell *cell = &map->cells[index];
    uint64_t shadow = swgi_load(&cell->shadow_until);
    bool right =
        ctl_moved(cell, index, shift) &&
        (index == 4 ? moved_by(swgi_deadline_time(shadow), UP + 3600 * S, shift) : shadow == 0) &&
        moved_by(swgi_since_time(swgi_load(&cell->since)), UP - 4 * S, shift) &&
        (int64_t)swgi_load(&cell->last_trip) == UP - 3 * S + shift;
    for (uint32_t c = 0; c < map->geometry.columns && right; c++) {
        const struct swgi_column *column = &map->columns[c * map->geometry.circuits + index];
        right = (int64_t)swgi_load(&column->last_success) == UP - 2 * S + (int64_t)c + shift &&
                (int64_t)swgi_load(&column->last_failure) == (c % 2 != 0 ? UP - S + shift : 0);
    }
    return right;
}

/* All by one shift, and that the right one: a second twice would be eleven days. */
static void check_moved(struct swg_panel *panel, const char *boot, unsigned at) {
    const struct swgi_map *map = map_of(panel);
    int64_t shift = (int64_t)swgi_load(&map->cells[0].last_trip) - (UP - 3 * S);
    int64_t off = UP + shift - swgi_map_clock(map);
    if (off > 0 || off < -300 * S)
        fail_msg("store %u, %s: instants are %lld ns off", at, boot, (long long)off);
    for (uint32_t i = 0; i <= CIRCUITS; i++)
        if (!cell_moved(map, i, shift))
            fail_msg("store %u, %s: circuit %u was moved otherwise than the first", at, boot, i);
    assert_int_equal(swgi_load(&map->header->boot_state) & 1, 0);
}

/* ---- the file at each of its changes */

struct image {
    const unsigned char *shared;
    unsigned char *seen;
    size_t size;
};

static void look_at(struct image *image) {
    struct stat status;
    int fd = open(panel_file(), O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0 && fstat(fd, &status) == 0);
    image->size = (size_t)status.st_size;
    image->shared = mmap(NULL, image->size, PROT_READ, MAP_SHARED, fd, 0);
    image->seen = malloc(image->size);
    assert_true(image->shared != MAP_FAILED && image->seen != NULL);
    memcpy(image->seen, image->shared, image->size);
    close(fd);
}

static void write_image(const struct image *image) {
    int fd = open(panel_file(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0 && write(fd, image->seen, image->size) == (ssize_t)image->size);
    close(fd);
}

static void next_one_comes(const struct image *image, const char *boot, unsigned at) {
    write_image(image);
    struct swg_panel *panel = open_in_boot(boot);
    check_moved(panel, boot, at);
    swg_panel_unref(panel);
    unlink(panel_file());
}

/* Stops before it attaches and when it has. */
static pid_t start_traced(const char *boot) {
    int status = 0;
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
            _exit(77);
        raise(SIGSTOP);
        struct swg_panel *panel = open_in_boot(boot);
        raise(SIGSTOP);
        _exit(panel == NULL);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSTOPPED(status) ? pid : -1;
}

static bool step(pid_t pid) {
    int status;
    return ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) == 0 && waitpid(pid, &status, 0) == pid &&
           WIFSTOPPED(status) && WSTOPSIG(status) != SIGSTOP;
}

static void come_after_each(pid_t pid, struct image *image, unsigned *stores) {
    char here[sizeof(path)];
    memcpy(here, path, sizeof(here));
    do {
        if (memcmp(image->shared, image->seen, image->size) == 0)
            continue;
        memcpy(image->seen, image->shared, image->size);
        ++*stores;
        snprintf(path, sizeof(path), "%s/copy", folder);
        next_one_comes(image, "tuesday", *stores);
        next_one_comes(image, "wednesday", *stores);
        memcpy(path, here, sizeof(here));
    } while (step(pid));
}

/* How often the file changed while somebody attached to it; -1: nobody may be traced here. */
static int attach_by_steps(const char *boot) {
    struct image image;
    unsigned stores = 0;
    pid_t pid = start_traced(boot);
    if (pid < 0)
        return -1;
    look_at(&image);
    come_after_each(pid, &image, &stores);
    kill_child(pid);
    munmap((void *)(uintptr_t)image.shared, image.size);
    free(image.seen);
    return (int)stores;
}

/* A million steps, each a turn of two processes: taken with the full bound alone. */
static void skip_if_bounded(void) {
    if (bounded(10) == 10)
        return;
    print_message("by steps with the full bound alone\n");
    skip();
}

static void test_killed_at_every_store(void **state) {
    (void)state;
    skip_if_bounded();
    prepare();
    int stores = attach_by_steps("tuesday");
    if (stores < 0) {
        print_message("a process cannot be traced by steps here\n");
        skip();
    }
    /* Of each of five circuits ctl, since, shadow's bound, last trip and a time or two of each column. */
    assert_true(stores > 5 * (4 + 5));
    print_message("killed at %d stores\n", stores);
}

/* Killed, and who ends it is killed as well, at a few places of the one and every store of the other. */
static void test_killed_while_ending_it(void **state) {
    struct image image;
    unsigned stores = 0;
    (void)state;
    skip_if_bounded();
    prepare();
    pid_t pid = start_traced("tuesday");
    if (pid < 0) {
        print_message("a process cannot be traced by steps here\n");
        skip();
    }
    look_at(&image);
    do {
        if (memcmp(image.shared, image.seen, image.size) == 0)
            continue;
        memcpy(image.seen, image.shared, image.size);
        if (++stores % 151 != 0)
            continue;
        char here[sizeof(path)];
        memcpy(here, path, sizeof(here));
        snprintf(path, sizeof(path), "%s/half", folder);
        write_image(&image);
        assert_true(attach_by_steps(stores % 2 != 0 ? "tuesday" : "wednesday") > 0);
        unlink(panel_file());
        memcpy(path, here, sizeof(here));
    } while (step(pid));
    kill_child(pid);
    assert_true(stores > 151);
    munmap((void *)(uintptr_t)image.shared, image.size);
    free(image.seen);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_killed_at_every_store),
        IN_FOLDER(test_killed_while_ending_it),
    };
    return cmocka_run_group_tests_name("rebase", tests, NULL, NULL);
}
