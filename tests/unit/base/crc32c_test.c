/* CRC-32C against the values everybody publishes (RFC 3720, B.4). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/crc32c.h"

static void test_published_values(void **state) {
    unsigned char bytes[32];
    (void)state;
    assert_int_equal(swgi_crc32c("123456789", 9), 0xe3069283);
    memset(bytes, 0, sizeof(bytes));
    assert_int_equal(swgi_crc32c(bytes, sizeof(bytes)), 0x8a9136aa);
    memset(bytes, 0xff, sizeof(bytes));
    assert_int_equal(swgi_crc32c(bytes, sizeof(bytes)), 0x62a8ab43);
    for (unsigned i = 0; i < sizeof(bytes); i++)
        bytes[i] = (unsigned char)i;
    assert_int_equal(swgi_crc32c(bytes, sizeof(bytes)), 0x46dd794e);
    assert_int_equal(swgi_crc32c("", 0), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_published_values) };
    return cmocka_run_group_tests_name("crc32c", tests, NULL, NULL);
}
