/*
 * Text on its way out of the house: what may be secret is taken out of it, and it is escaped for where it goes.
 */
#ifndef SWGI_AGENT_ALERTS_TEXT_H
#define SWGI_AGENT_ALERTS_TEXT_H

#include <stddef.h>
#include <stdint.h>

/*
 * Copies text into out[size], made printable (swgi_copy_text) and without what looks like a secret or a person:
 *   user:password of a URL                             https://[redacted]@host
 *   values of password=, token:, api_key=, ...         password=[redacted]
 *   Bearer and Basic credentials                       Bearer [redacted]
 *   addresses of mail                                  [email]
 *   9 digits in a row, 12 in groups with ' ' or '-'    [digits]
 *   20 or more of A-Za-z0-9_+=- with letters and digits [token]
 * Returns out. At most 511 bytes are looked at.
 */
const char *swgi_redact(const char *text, char *out, size_t size);
/* For Slack's mrkdwn: & < > as entities, which also takes the sting out of <!channel> and links. Returns out. */
const char *swgi_slack_escape(const char *text, char *out, size_t size);
/* "2025-11-21T02:13:05.120Z". Returns out. */
#define SWGI_UTC_TEXT 64
const char *swgi_utc_text(int64_t wall_ms, char out[SWGI_UTC_TEXT]);

#endif
