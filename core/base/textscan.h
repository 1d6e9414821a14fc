/* SPDX-License-Identifier: MIT */
/*
 * Skips the plain bytes of a JSON string, sixteen at a time with SSE2, else
 * eight. -DTEXTSCAN_PORTABLE takes the eight everywhere, so that both are tested
 * on one machine.
 */
#ifndef ROWFS_BASE_TEXTSCAN_H
#define ROWFS_BASE_TEXTSCAN_H

#include <stddef.h>
#include <stdint.h>

/*
 * Both halves define textscan_stops(): a mask that tells which of the
 * TEXTSCAN_BYTES bytes at `p` a string's scan must look at (a quote, a backslash,
 * below 0x20, 0x80 and above), the first byte lowest, 1 << TEXTSCAN_SHIFT bits for each.
 */
#if defined(__SSE2__) && !defined(TEXTSCAN_PORTABLE)
#include <emmintrin.h>

#define TEXTSCAN_BYTES 16
#define TEXTSCAN_SHIFT 0

static inline uint64_t textscan_stops(const char *p)
{
    __m128i bytes = _mm_loadu_si128((const __m128i *)p);
    __m128i quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
    __m128i backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
    /* Signed: 0x80 and above are negative, so one comparison finds both ends. */
    __m128i outside = _mm_cmpgt_epi8(_mm_set1_epi8(0x20), bytes);
    __m128i stops = _mm_or_si128(_mm_or_si128(quote, backslash), outside);

    return (uint64_t)_mm_movemask_epi8(stops);
}

#else
#include <endian.h>
#include <string.h>

#define TEXTSCAN_BYTES 8
#define TEXTSCAN_SHIFT 3

static inline uint64_t textscan_stops(const char *p)
{
    const uint64_t every = UINT64_C(0x0101010101010101);
    uint64_t bytes, low, plain;

    memcpy(&bytes, p, sizeof bytes);
    bytes = le64toh(bytes);
    /*
     * Seven bits plus at most 0x7f never carry into the next byte, so each
     * byte's answer is exact; textscan_plain() shifts the first ones away.
     */
    low = bytes & 0x7f * every;
    plain = ((low ^ '"' * every) + 0x7f * every) & ((low ^ '\\' * every) + 0x7f * every) &
            (low + 0x60 * every);
    return (~plain | bytes) & 0x80 * every;
}
#endif

/*
 * The first byte from `p` on that is not plain, or `end`. The TEXTSCAN_BYTES
 * bytes before `end` must be readable, also where `p` is nearer to it than that.
 */
static inline const char *textscan_plain(const char *p, const char *end)
{
    uint64_t stops;
    size_t seen;

    for (; end - p >= TEXTSCAN_BYTES; p += TEXTSCAN_BYTES) {
        stops = textscan_stops(p);
        if (stops)
            return p + (__builtin_ctzll(stops) >> TEXTSCAN_SHIFT);
    }
    if (p == end)
        return end;
    /* Nothing may be read behind the end: look back, and drop what was seen already. */
    seen = TEXTSCAN_BYTES - (size_t)(end - p);
    stops = textscan_stops(end - TEXTSCAN_BYTES) >> (seen << TEXTSCAN_SHIFT);
    return stops ? p + (__builtin_ctzll(stops) >> TEXTSCAN_SHIFT) : end;
}

#endif
