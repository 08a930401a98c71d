/* 128 bits, which both compilers have and the standard does not. */
#ifndef SWGI_BASE_WIDE_H
#define SWGI_BASE_WIDE_H

__extension__ typedef unsigned __int128 swgi_wide;

#endif
