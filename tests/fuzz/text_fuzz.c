/* Text that may be hostile: what parses prints and parses again to the same, and what is shown to people is fit to be shown. */
#include "fuzz.h"

#include "base/error.h"
#include "base/text.h"
#include "switchgear/switchgear.h"

static void try_duration(const char *text) {
    uint64_t ns = 77, again = 0;
    char printed[SWGI_NUMBER_TEXT];
    if (swgi_duration_parse(text, &ns) != 0) {
        REQUIRE(ns == 77);
        return;
    }
    REQUIRE(ns <= INT64_MAX);
    REQUIRE(swgi_duration_print(ns, printed, sizeof(printed)) == 0);
    REQUIRE(swgi_duration_parse(printed, &again) == 0 && again == ns);
}

static void try_integer(const char *text) {
    uint64_t value = 77, again = 0;
    char printed[SWGI_NUMBER_TEXT];
    if (swgi_integer_parse(text, &value) != 0) {
        REQUIRE(value == 77);
        return;
    }
    REQUIRE(swgi_integer_print(value, printed, sizeof(printed)) == 0);
    REQUIRE(swgi_integer_parse(printed, &again) == 0 && again == value);
}

static void try_decimal(const char *text) {
    double value = 77, again = 0;
    char printed[SWGI_NUMBER_TEXT];
    if (swgi_decimal_parse(text, &value) != 0) {
        REQUIRE(memcmp(&value, &(double){ 77 }, sizeof(value)) == 0);
        return;
    }
    REQUIRE(value >= 0);
    if (swgi_decimal_print(value, printed, sizeof(printed)) != 0)
        return;
    REQUIRE(swgi_decimal_parse(printed, &again) == 0);
    REQUIRE(memcmp(&again, &value, sizeof(value)) == 0);
}

static void try_fixed(const char *text, unsigned places) {
    uint64_t value = 77, again = 0;
    char printed[SWGI_NUMBER_TEXT];
    if (swgi_fixed_parse(text, places, &value) != 0) {
        REQUIRE(value == 77);
        return;
    }
    REQUIRE(swgi_fixed_print(value, places, printed, sizeof(printed)) == 0);
    REQUIRE(swgi_fixed_parse(printed, places, &again) == 0 && again == value);
}

static void try_percent(const char *text) {
    uint32_t ppm = 77, again = 0;
    char printed[SWGI_NUMBER_TEXT];
    if (swgi_percent_parse(text, &ppm) != 0) {
        REQUIRE(ppm == 77);
        return;
    }
    REQUIRE(ppm <= 1000000);
    REQUIRE(swgi_percent_print(ppm, printed, sizeof(printed)) == 0);
    REQUIRE(swgi_percent_parse(printed, &again) == 0 && again == ppm);
}

/* Any number prints or says that it does not fit, in whatever room. */
static void try_printers(uint64_t bits, size_t room) {
    char *out = malloc(room + 1);
    double value;
    memcpy(&value, &bits, sizeof(value));
    REQUIRE(out != NULL);
    if (swgi_duration_print(bits, out, room) == 0)
        REQUIRE(memchr(out, '\0', room) != NULL);
    if (swgi_integer_print(bits, out, room) == 0)
        REQUIRE(memchr(out, '\0', room) != NULL);
    if (swgi_decimal_print(value, out, room) == 0)
        REQUIRE(memchr(out, '\0', room) != NULL);
    if (swgi_fixed_print(bits, (unsigned)(bits % 10), out, room) == 0)
        REQUIRE(memchr(out, '\0', room) != NULL);
    if (swgi_percent_print((uint32_t)bits, out, room) == 0)
        REQUIRE(memchr(out, '\0', room) != NULL);
    free(out);
}

/* A name is what matches [A-Za-z0-9._:@/-]{1,127}, said here the other way round. */
static void try_name(const char *text) {
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789._:@/-";
    size_t length = strlen(text);
    bool valid = length >= 1 && length <= 127 && strspn(text, allowed) == length;
    REQUIRE(swgi_name_valid(text) == valid);
}

static void require_shown(const char *text, size_t length) {
    for (size_t i = 0; i < length; i++)
        REQUIRE((unsigned char)text[i] >= 0x20 && text[i] != 0x7f);
}

static void try_copies(const char *text, size_t length, size_t room) {
    char *once = malloc(room + 1), *twice = malloc(room + 1);
    REQUIRE(once != NULL && twice != NULL);
    size_t used = swgi_copy_bytes(once, room, text, length);
    if (room > 0) {
        REQUIRE(used < room && once[used] == '\0' && strlen(once) == used);
        require_shown(once, used);
        REQUIRE(swgi_copy_text(twice, room, once) == used && strcmp(once, twice) == 0);
        REQUIRE(swgi_copy_text(twice, room, text) == used && strcmp(once, twice) == 0);
    }
    free(once);
    free(twice);
}

/* A distance: none to itself, the same both ways, at most the longer of the two. */
static void try_distance(const char *a, const char *b) {
    unsigned there = swgi_edit_distance(a, b), longest = 127;
    struct swgi_nearest nearest = SWGI_NEAREST(a);
    REQUIRE(there == swgi_edit_distance(b, a));
    if (strlen(a) <= longest && strlen(b) <= longest) {
        REQUIRE(there <= (strlen(a) > strlen(b) ? strlen(a) : strlen(b)));
        REQUIRE((there == 0) == (strcmp(a, b) == 0));
    }
    swgi_nearest_offer(&nearest, b);
    swgi_nearest_offer(&nearest, "breaker.open.for");
    REQUIRE(nearest.name == NULL || nearest.distance < strlen(a));
}

/* Hostile words in an error, for callers of every age. */
static void try_error(const char *text, uint32_t size) {
    struct swg_error error = SWG_ERROR_INIT, before;
    error.size = size;
    memset(error.text, 'x', sizeof(error.text));
    before = error;
    REQUIRE(swgi_fail(&error, -22, text, "%s: %s", text, text) == -22);
    if (size < sizeof(error)) {
        REQUIRE(memcmp((char *)&error + size, (char *)&before + size, sizeof(error) - size) == 0);
        return;
    }
    REQUIRE_TEXT(error.key);
    REQUIRE_TEXT(error.text);
    require_shown(error.key, strlen(error.key));
    require_shown(error.text, strlen(error.text));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    struct input input = { bytes, bytes + size };
    size_t room = (size_t)take(&input, 1) % 192;
    uint64_t bits = take(&input, 8);
    char *text = take_text(&input, '\0'), *other = take_text(&input, '\0');
    try_duration(text);
    try_integer(text);
    try_decimal(text);
    try_fixed(text, (unsigned)(bits % 10));
    try_percent(text);
    try_printers(bits, room);
    try_name(text);
    try_copies(text, strlen(text), room);
    try_distance(text, other);
    try_error(text, (uint32_t)room * 2);
    try_error(text, sizeof(struct swg_error));
    free(text);
    free(other);
    return 0;
}

static const char *const seeds[] = {
    "250ms",
    "1.5s",
    "0",
    "90s",
    "30d",
    "0.000000001s",
    "1h",
    "1us",
    "7ns",
    "9223372036854775807ns",
    "0.85",
    "100",
    "12.5%",
    "99.9999%",
    "123456789012345",
    "0.1234567890123",
    "payments",
    "a",
    "a.b:c@/-",
    "http-https://api.example:443",
    "gr\xc3\xbc\xc3\x9f",
    "\xe2\x80\xae",
    "\x1b[31m",
};

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    const char *folder = seeds_folder(*argc, *argv);
    unsigned count = sizeof(seeds) / sizeof(seeds[0]);
    for (unsigned i = 0; folder != NULL && i < count; i++) {
        char bytes[128] = { (char)(i * 8) };
        double value = i * 1.5;
        memcpy(bytes + 1, &value, sizeof(value));
        int length = snprintf(bytes + 9, sizeof(bytes) - 9, "%s%cpayment", seeds[i], 0);
        write_seed(folder, i, bytes, 9 + (size_t)length);
    }
    if (folder != NULL)
        exit(0);
    return 0;
}
