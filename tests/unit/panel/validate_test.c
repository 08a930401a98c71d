/*
 * Headers somebody else wrote: each kind of damage is told apart, and no damage at all is
 * believed.
 */
#include "bound.h"
#include "inside.h"

#include "panel/geometry.h"
#include "panel/map.h"
#include "panel/validate.h"

static struct swgi_header header;

static int begin(void **state) {
    struct swg_panel *panel = open_private();
    (void)state;
    memcpy(&header, map_of(panel)->header, sizeof(header));
    error = (struct swg_error)SWG_ERROR_INIT;
    swg_panel_unref(panel);
    return 0;
}

static int check(void) {
    struct swgi_geometry geometry;
    struct swgi_section sections[SWGI_SECTIONS];
    return swgi_header_check(&header, header.size, "main", &geometry, sections, &error);
}

static int check_sealed(void) {
    header.crc = swgi_header_crc(&header);
    return check();
}

static void assert_refused(int rc, int code, const char *words) {
    assert_int_equal(rc, code);
    assert_int_equal(error.code, code);
    if (strstr(error.text, words) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", error.text, words);
}

static void test_sound(void **state) {
    (void)state;
    assert_int_equal(check(), 0);
}

static void test_another_version(void **state) {
    (void)state;
    header.major = 2;
    assert_refused(check(), -EPROTO, "is version 2; this library reads 1");
    header.major = 1;
    header.features_incompatible = 4;
    assert_refused(check_sealed(), -EPROTO, "features (0x4)");
    header.features_incompatible = 0;
    header.features_compatible = UINT32_MAX; /* may be ignored */
    header.minor = 99;
    assert_int_equal(check_sealed(), 0);
}

static void test_another_machine(void **state) {
    (void)state;
    header.endian_mark = 0x04030201;
    assert_refused(check_sealed(), -EPROTO, "byte order");
}

static void test_no_panel(void **state) {
    (void)state;
    header.magic++;
    assert_refused(check_sealed(), -EBADMSG, "is no panel");
}

static void test_every_byte_is_under_the_checksum(void **state) {
    unsigned char *bytes = (unsigned char *)&header;
    (void)state;
    for (size_t i = 0; i < offsetof(struct swgi_header, spare); i++) {
        bytes[i] ^= 0x10;
        assert_true(check() < 0);
        bytes[i] ^= 0x10;
    }
    assert_int_equal(check(), 0);
    header.crc ^= 1;
    assert_refused(check(), -EBADMSG, "checksum");
}

static void test_another_size(void **state) {
    struct swgi_geometry geometry;
    struct swgi_section sections[SWGI_SECTIONS];
    (void)state;
    assert_refused(swgi_header_check(&header, header.size - 1, "main", &geometry, sections, &error),
                   -EBADMSG, "was cut");
    assert_refused(swgi_header_check(&header, 0, "main", &geometry, sections, &error), -EBADMSG,
                   "was cut");
}

#define IMPOSSIBLE(field, value)                                             \
    do {                                                                     \
        begin(state);                                                        \
        header.field = (value);                                              \
        assert_refused(check_sealed(), -EBADMSG, "geometry that cannot be"); \
    } while (0)

static void test_impossible_geometry(void **state) {
    IMPOSSIBLE(circuits, 0);
    IMPOSSIBLE(circuits, 1);
    IMPOSSIBLE(circuits, 65537);
    IMPOSSIBLE(columns, 1);
    IMPOSSIBLE(columns, 258);
    IMPOSSIBLE(histograms, 9);
    IMPOSSIBLE(histograms, UINT32_MAX);
    IMPOSSIBLE(slot_chunks, 131073);
    IMPOSSIBLE(policies, 65536);
    IMPOSSIBLE(events, 0);
    IMPOSSIBLE(events, 32);
    IMPOSSIBLE(events, 65);
    IMPOSSIBLE(events, 131072);
    IMPOSSIBLE(processes, 1024);
    IMPOSSIBLE(virtual_clock_on, 2);
}

#define MISPLACED(change)                                                                \
    do {                                                                                 \
        begin(state);                                                                    \
        change;                                                                          \
        assert_refused(check_sealed(), -EBADMSG, "outside the file or over each other"); \
    } while (0)

static void test_sections_out_of_place(void **state) {
    MISPLACED(header.sections_count = SWGI_SECTIONS_MAX + 1);
    MISPLACED(header.sections_count = UINT32_MAX);
    MISPLACED(header.sections_count = SWGI_SECTIONS - 1);
    MISPLACED(header.sections[0].offset = 0);
    MISPLACED(header.sections[0].offset = 64);
    MISPLACED(header.sections[0].offset += 1);
    MISPLACED(header.sections[0].offset = header.size);
    MISPLACED(header.sections[0].offset = UINT64_MAX - 63);
    MISPLACED(header.sections[1].offset = header.sections[0].offset);
    MISPLACED(header.sections[1].count = UINT64_MAX);
    MISPLACED(header.sections[1].count += 1);
    MISPLACED(header.sections[1].stride = 0);
    MISPLACED(header.sections[1].stride = 1);
    MISPLACED(header.sections[4].count = UINT64_C(1) << 61);
    MISPLACED(header.sections[3] = header.sections[2]);
    MISPLACED(header.sections[10].id = 99);
    MISPLACED(header.circuits = 5);
}

/* What a later minor version adds is skipped, if it lies in a place of its own. */
static void test_unknown_sections(void **state) {
    struct swgi_section more = { .id = 99, .stride = 8, .offset = header.size, .count = 100 };
    (void)state;
    header.sections[header.sections_count++] = more;
    header.size += 4096;
    assert_int_equal(check_sealed(), 0);
    header.sections[SWGI_SECTIONS].offset = 4096;
    assert_refused(check_sealed(), -EBADMSG, "over each other");
    header.sections[SWGI_SECTIONS].count = 0; /* nothing lies nowhere */
    assert_int_equal(check_sealed(), 0);
}

/* Sections may lie in any order, and that is where they are read. */
static void test_other_places(void **state) {
    struct swgi_geometry geometry;
    struct swgi_section sections[SWGI_SECTIONS], last = header.sections[10];
    (void)state;
    header.sections[10].offset = header.sections[9].offset;
    header.sections[9].offset = last.offset;
    header.crc = swgi_header_crc(&header);
    assert_int_equal(swgi_header_check(&header, header.size, "main", &geometry, sections, &error),
                     0);
    assert_int_equal(sections[9].offset, last.offset);
}

/* Whatever passes is safe: every section inside the file, none over another. */
static void assert_safe(const struct swgi_geometry *geometry, const struct swgi_section *sections) {
    for (unsigned i = 0; i < SWGI_SECTIONS; i++) {
        uint64_t end = sections[i].offset + sections[i].stride * sections[i].count;
        assert_true(sections[i].offset >= sizeof(header) && end <= geometry->size &&
                    end >= sections[i].offset);
        for (unsigned k = 0; k < i; k++)
            assert_true(
                sections[i].count == 0 || sections[k].count == 0 || end <= sections[k].offset ||
                sections[k].offset + sections[k].stride * sections[k].count <= sections[i].offset);
    }
    assert_true(geometry->circuits <= 65536 && geometry->columns <= 257 &&
                geometry->events <= 65536);
    assert_true(geometry->index_buckets >= 2 * geometry->circuits);
}

static void damage(unsigned char *bytes, struct swgi_random *random) {
    size_t field = swgi_random_below(random, offsetof(struct swgi_header, crc) / 4) * 4;
    uint32_t value = (uint32_t)swgi_random_next(random) >> swgi_random_below(random, 32);
    switch (swgi_random_below(random, 4)) {
    case 0:
        bytes[field + swgi_random_below(random, 4)] ^=
            (unsigned char)(1u << swgi_random_below(random, 8));
        break;
    case 1:
        memcpy(bytes + field, &value, 4);
        break;
    case 2:
        memcpy(bytes + field,
               bytes + swgi_random_below(random, offsetof(struct swgi_header, crc) / 4) * 4, 4);
        break;
    default:
        memset(bytes + field, (int)swgi_random_below(random, 2) * 255, 4);
    }
}

/* Somebody hostile makes the checksum right. */
static void test_damage_of_every_kind(void **state) {
    struct swgi_random random;
    struct swgi_header sound = header;
    unsigned passed = 0, rounds = bounded(300000);
    (void)state;
    swgi_random_init(&random, 20240229);
    for (unsigned round = 0; round < rounds; round++) {
        struct swgi_geometry geometry;
        struct swgi_section sections[SWGI_SECTIONS];
        header = sound;
        for (uint64_t n = swgi_random_below(&random, 3) + 1; n > 0; n--)
            damage((unsigned char *)&header, &random);
        header.crc = swgi_header_crc(&header);
        if (swgi_header_check(&header, sound.size, "main", &geometry, sections, &error) == 0) {
            assert_safe(&geometry, sections);
            passed++;
        } else {
            assert_true(error.text[0] != '\0');
        }
    }
    assert_true(passed > 0 && passed < rounds);
}

#define HEADER(name) cmocka_unit_test_setup(name, begin)

int main(void) {
    const struct CMUnitTest tests[] = {
        HEADER(test_sound),
        HEADER(test_another_version),
        HEADER(test_another_machine),
        HEADER(test_no_panel),
        HEADER(test_every_byte_is_under_the_checksum),
        HEADER(test_another_size),
        HEADER(test_impossible_geometry),
        HEADER(test_sections_out_of_place),
        HEADER(test_unknown_sections),
        HEADER(test_other_places),
        HEADER(test_damage_of_every_kind),
    };
    return cmocka_run_group_tests_name("validate", tests, NULL, NULL);
}
