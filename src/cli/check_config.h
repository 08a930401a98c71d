/* Parts of `switchgear check-config`. */
#ifndef SWGI_CLI_CHECK_CONFIG_H
#define SWGI_CLI_CHECK_CONFIG_H

#include <stdbool.h>
#include <stdio.h>

#include "config/file.h"

/* What the file comes to, as a file that comes to the same: each value with where it came from. all: defaults, too. */
void swgi_check_print(FILE *out, const struct swgi_file *file, bool all);
/* The same as JSON. */
void swgi_check_print_json(FILE *out, const struct swgi_file *file);
/* A key, or all below it ("breaker.open"), or all (NULL). false: there is none, and it was said. */
bool swgi_check_explain(FILE *out, const char *key);
/* A setting's default as text; "" where there is none. */
void swgi_check_initial(const struct swgi_key *key, char *out, size_t size);
/* JSON Schema (2020-12) of the file, for editors. */
void swgi_check_schema(FILE *out);
/* The part of switchgear.yaml(5) that the tables tell, for scdoc. */
void swgi_check_manual(FILE *out);

#endif
