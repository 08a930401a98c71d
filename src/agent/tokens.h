/*
 * Named tokens: a file of lines `name:role:sha256`, so that the audit names a person and the file holds no secret. A token
 * itself is shown once, when it is made.
 */
#ifndef SWGI_AGENT_TOKENS_H
#define SWGI_AGENT_TOKENS_H

#include <stddef.h>

#include "switchgear/switchgear.h"

/* Each may do what those before it may. */
enum swgi_role { SWGI_ROLE_NONE, SWGI_ROLE_VIEWER, SWGI_ROLE_OPERATOR, SWGI_ROLE_ADMIN };

#define SWGI_TOKEN_USER_MAX 32u  /* with its NUL: what the panel keeps of a user */
#define SWGI_TOKEN_TEXT_MAX 64u  /* a token we make, with its NUL */
#define SWGI_TOKEN_LINE_MAX 128u /* its line for the file, with its NUL */
#define SWGI_TOKENS_MAX     1024u

struct swgi_tokens;

/* "viewer", "operator", "admin"; "none". Static storage. */
const char *swgi_role_name(int role);
/* SWGI_ROLE_NONE for any other word. */
int swgi_role_parse(const char *word);

/*
 * *out on success only. -EINVAL when others may read or write the file, and with the line for what is no entry; -ENOENT, -EACCES,
 * ...; *error names the path and never quotes what stands in the file.
 */
int swgi_tokens_read(struct swgi_tokens **out, const char *path, struct swg_error *error);
/* NULL is fine; returns NULL. */
struct swgi_tokens *swgi_tokens_free(struct swgi_tokens *tokens);
size_t swgi_tokens_count(const struct swgi_tokens *tokens);
/*
 * Whose token is it? Its role and user, or SWGI_ROLE_NONE. Takes the same time for every token of a length, whichever entry it
 * is, if any. tokens NULL: nobody's.
 */
int swgi_tokens_check(const struct swgi_tokens *tokens, const char *token, size_t length,
                      char user[SWGI_TOKEN_USER_MAX]);
/* A new token and the line that lets it in. -EINVAL for a name or role that is none. */
int swgi_token_make(const char *name, const char *role, char token[SWGI_TOKEN_TEXT_MAX],
                    char line[SWGI_TOKEN_LINE_MAX], struct swg_error *error);

#endif
