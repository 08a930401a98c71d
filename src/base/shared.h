/*
 * SWGI_SHARED: a function that libswitchgear-agent needs of libswitchgear, so that a process which has both has one core. It is
 * exported under the version SWITCHGEAR_PRIVATE (src/switchgear.map), which promises nothing: the two are of one build. Within the
 * core calls stay direct.
 */
#ifndef SWGI_BASE_SHARED_H
#define SWGI_BASE_SHARED_H

#ifdef SWGI_IN_CORE
#define SWGI_SHARED __attribute__((visibility("protected")))
#else
#define SWGI_SHARED
#endif

#endif
