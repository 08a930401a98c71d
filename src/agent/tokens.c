/* Tokens are 32 random bytes, so a plain hash of one gives nothing away, and a slow hash would only slow every request. */
#include "agent/tokens.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nettle/base16.h>
#include <nettle/base64.h>
#include <nettle/memops.h>
#include <nettle/sha2.h>

#include "base/error.h"

#define FILE_MAX     (256u * 1024u)
#define RANDOM_BYTES 32u
#define PREFIX       "swg_"

struct entry {
    char user[SWGI_TOKEN_USER_MAX];
    int role, line;
    uint8_t digest[SHA256_DIGEST_SIZE];
};

struct swgi_tokens {
    size_t count;
    struct entry entries[];
};

static const char *const role_names[] = { "none", "viewer", "operator", "admin" };

const char *swgi_role_name(int role) {
    return role >= SWGI_ROLE_NONE && role <= SWGI_ROLE_ADMIN ? role_names[role] : "none";
}

int swgi_role_parse(const char *word) {
    for (int role = SWGI_ROLE_VIEWER; role <= SWGI_ROLE_ADMIN; role++) {
        if (strcmp(word, role_names[role]) == 0)
            return role;
    }
    return SWGI_ROLE_NONE;
}

static bool user_valid(const char *name) {
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._@-";
    size_t length = strlen(name);

    return length >= 1 && length < SWGI_TOKEN_USER_MAX && strspn(name, allowed) == length;
}

static void digest_of(const char *token, size_t length, uint8_t out[SHA256_DIGEST_SIZE]) {
    struct sha256_ctx context;

    sha256_init(&context);
    sha256_update(&context, length, (const uint8_t *)token);
    sha256_digest(&context, SHA256_DIGEST_SIZE, out);
}

static bool digest_parse(const char *text, uint8_t out[SHA256_DIGEST_SIZE]) {
    struct base16_decode_ctx context;
    size_t size = SHA256_DIGEST_SIZE;

    if (strlen(text) != 2 * SHA256_DIGEST_SIZE)
        return false;
    base16_decode_init(&context);
    return base16_decode_update(&context, &size, out, 2 * SHA256_DIGEST_SIZE, text) &&
           base16_decode_final(&context) && size == SHA256_DIGEST_SIZE;
}

static int wrong(struct swg_error *error, const char *path, int line, const char *what) {
    int rc = swgi_fail(error, -EINVAL, path,
                       "line %d: %s; a line is name:role:sha256, as `switchgear agent "
                       "--make-token NAME ROLE` prints it",
                       line, what);

    if (error)
        error->line = line;
    return rc;
}

/* A name is one person's and a token one name's, or the audit could not tell who it was. */
static int tell_twin(const struct swgi_tokens *tokens, const char *path, struct swg_error *error) {
    const struct entry *last = &tokens->entries[tokens->count - 1];
    char what[96];

    for (const struct entry *entry = tokens->entries; entry < last; entry++) {
        bool same_name = strcmp(entry->user, last->user) == 0;

        if (!same_name && !memeql_sec(entry->digest, last->digest, sizeof(last->digest)))
            continue;
        snprintf(what, sizeof(what), "the %s is that of line %d already",
                 same_name ? "name" : "SHA-256", entry->line);
        return wrong(error, path, last->line, what);
    }
    return 0;
}

static int parse_line(struct swgi_tokens *tokens, char *text, const char *path, int line,
                      struct swg_error *error) {
    struct entry *entry = &tokens->entries[tokens->count];
    char *rest = text, *name = strsep(&rest, ":"), *role = strsep(&rest, ":");

    if (!role || !rest)
        return wrong(error, path, line, "there are not three parts");
    if (!user_valid(name))
        return wrong(error, path, line, "a name is 1 to 31 of A-Z a-z 0-9 . _ @ -");
    entry->role = swgi_role_parse(role);
    if (entry->role == SWGI_ROLE_NONE)
        return wrong(error, path, line, "a role is viewer, operator or admin");
    if (!digest_parse(rest, entry->digest))
        return wrong(error, path, line, "a SHA-256 is 64 hexadecimal digits");
    strcpy(entry->user, name);
    entry->line = line;
    tokens->count++;
    return tell_twin(tokens, path, error);
}

static int parse(struct swgi_tokens *tokens, char *text, const char *path,
                 struct swg_error *error) {
    char *rest = text, *line;
    int rc = 0, number = 0;

    while (rc == 0 && (line = strsep(&rest, "\n"))) {
        number++;
        line[strcspn(line, "\r")] = '\0';
        if (line[strspn(line, " \t")] == '\0' || line[0] == '#')
            continue;
        if (tokens->count == SWGI_TOKENS_MAX)
            return wrong(error, path, number, "there are more than 1024 tokens");
        rc = parse_line(tokens, line, path, number, error);
    }
    return rc;
}

static int check_file(int fd, const char *path, struct swg_error *error) {
    struct stat status;

    if (fstat(fd, &status) != 0)
        return swgi_fail(error, -errno, path, "cannot look at the tokens file: %s",
                         strerror(errno));
    if (!S_ISREG(status.st_mode))
        return swgi_fail(error, -EINVAL, path, "the tokens file must be a regular file");
    if ((status.st_mode & 07) != 0)
        return swgi_fail(error, -EINVAL, path,
                         "everybody may use the tokens file (mode %04o): chmod o= it",
                         (unsigned)(status.st_mode & 07777));
    if (status.st_size > (off_t)FILE_MAX)
        return swgi_fail(error, -EFBIG, path, "the tokens file is longer than 256 KiB");
    return 0;
}

/* The whole file, with a NUL at its end. */
static int slurp(int fd, const char *path, char **out, struct swg_error *error) {
    char *text = malloc(FILE_MAX + 1);
    size_t used = 0;
    ssize_t got = 1;

    while (text && got > 0 && used < FILE_MAX) {
        got = read(fd, text + used, FILE_MAX - used);
        if (got < 0 && errno == EINTR)
            got = 1;
        else if (got > 0)
            used += (size_t)got;
    }
    if (!text || got < 0) {
        int code = text ? -errno : -ENOMEM;

        free(text);
        return swgi_fail(error, code, path, "cannot read the tokens file: %s", strerror(-code));
    }
    text[used] = '\0';
    if (strlen(text) != used) {
        free(text);
        return swgi_fail(error, -EINVAL, path, "the tokens file is no text: it holds a NUL");
    }
    *out = text;
    return 0;
}

static int read_open(struct swgi_tokens **out, int fd, const char *path, struct swg_error *error) {
    struct swgi_tokens *tokens = NULL;
    char *text = NULL;
    int rc = check_file(fd, path, error);

    if (rc == 0)
        rc = slurp(fd, path, &text, error);
    if (rc == 0) {
        tokens = calloc(1, sizeof(*tokens) + SWGI_TOKENS_MAX * sizeof(tokens->entries[0]));
        rc = tokens ? parse(tokens, text, path, error)
                    : swgi_fail(error, -ENOMEM, path, "no memory");
    }
    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
    if (rc == 0)
        *out = tokens;
    else
        free(tokens);
    return rc;
}

int swgi_tokens_read(struct swgi_tokens **out, const char *path, struct swg_error *error) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), rc;

    if (fd < 0)
        return swgi_fail(error, -errno, path, "cannot open the tokens file: %s", strerror(errno));
    rc = read_open(out, fd, path, error);
    close(fd);
    return rc;
}

struct swgi_tokens *swgi_tokens_free(struct swgi_tokens *tokens) {
    free(tokens);
    return NULL;
}

size_t swgi_tokens_count(const struct swgi_tokens *tokens) {
    return tokens ? tokens->count : 0;
}

int swgi_tokens_check(const struct swgi_tokens *tokens, const char *token, size_t length,
                      char user[SWGI_TOKEN_USER_MAX]) {
    const struct entry *found = NULL;
    uint8_t digest[SHA256_DIGEST_SIZE];

    digest_of(token, length, digest);
    for (size_t i = 0; i < swgi_tokens_count(tokens); i++) {
        if (memeql_sec(digest, tokens->entries[i].digest, sizeof(digest)))
            found = &tokens->entries[i];
    }
    if (!found)
        return SWGI_ROLE_NONE;
    strcpy(user, found->user);
    return found->role;
}

int swgi_token_make(const char *name, const char *role, char token[SWGI_TOKEN_TEXT_MAX],
                    char line[SWGI_TOKEN_LINE_MAX], struct swg_error *error) {
    uint8_t bytes[RANDOM_BYTES], digest[SHA256_DIGEST_SIZE];
    char hexadecimal[2 * SHA256_DIGEST_SIZE + 1], text[BASE64_ENCODE_RAW_LENGTH(RANDOM_BYTES) + 1];

    if (!user_valid(name))
        return swgi_fail(error, -EINVAL, name, "a name is 1 to 31 of A-Z a-z 0-9 . _ @ -");
    if (swgi_role_parse(role) == SWGI_ROLE_NONE)
        return swgi_fail(error, -EINVAL, role, "a role is viewer, operator or admin");
    arc4random_buf(bytes, sizeof(bytes));
    base64_encode_raw(text, sizeof(bytes), bytes);
    text[sizeof(text) - 1] = '\0';
    for (char *c = text; *c; c++) {
        if (*c == '+')
            *c = '-';
        else if (*c == '/')
            *c = '_';
        else if (*c == '=')
            *c = '\0';
    }
    snprintf(token, SWGI_TOKEN_TEXT_MAX, PREFIX "%s", text);
    digest_of(token, strlen(token), digest);
    base16_encode_update(hexadecimal, sizeof(digest), digest);
    hexadecimal[sizeof(hexadecimal) - 1] = '\0';
    snprintf(line, SWGI_TOKEN_LINE_MAX, "%s:%s:%s", name, role, hexadecimal);
    explicit_bzero(bytes, sizeof(bytes));
    explicit_bzero(text, sizeof(text));
    return 0;
}
