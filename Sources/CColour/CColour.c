#include "CColour.h"

#define INLINE static inline __attribute__((always_inline))

INLINE void filter(
    const uint8_t *restrict samples, const int32_t *restrict first, const int16_t *restrict weights, int count,
    int16_t *restrict values) {
  for (int x = 0; x < count; x++) {
    int32_t sum = 0;
    for (int tap = 0; tap < 4; tap++) sum += samples[first[x] + tap] * weights[4 * x + tap];
    sum >>= 7;
    // At least -32768: the weights below 0 come to no more than a quarter.
    values[x] = (int16_t)(sum < 0x7fff ? sum : 0x7fff);
  }
}

// A sum of chroma, in 19 bits with the middle of the scale at 0 and a half added.
INLINE int32_t chroma(const int16_t *const restrict rows[4], const int16_t *weights, int x) {
  uint32_t sum = (1u << 9) - (128u << 19);
  for (int tap = 0; tap < 4; tap++) sum += (uint32_t)(rows[tap][x] * weights[tap]);
  return (int32_t)sum >> 10;
}

INLINE uint8_t byte(uint32_t sum) {
  const int32_t value = (int32_t)sum, most = (1 << 30) - 1;
  return (uint8_t)((value < 0 ? 0 : value > most ? most : value) >> 22);
}

INLINE void row(
    const uint8_t *restrict luma, const int32_t *restrict columns, int count, const int16_t *const *blue_rows,
    const int16_t *const *red_rows, const int16_t *weights, const struct ccolour_matrix *matrix,
    uint8_t *restrict pixels) {
  const struct ccolour_matrix m = *matrix;
  const int16_t *const restrict blues[4] = {blue_rows[0], blue_rows[1], blue_rows[2], blue_rows[3]};
  const int16_t *const restrict reds[4] = {red_rows[0], red_rows[1], red_rows[2], red_rows[3]};
  const int16_t taps[4] = {weights[0], weights[1], weights[2], weights[3]};
  for (int x = 0; x < count; x++) {
    const uint32_t blue = (uint32_t)chroma(blues, taps, x), red = (uint32_t)chroma(reds, taps, x);
    const uint32_t bright =
        ((uint32_t)(luma[columns[x]] << 9) - (uint32_t)m.luma_offset) * (uint32_t)m.luma + (1u << 21);
    pixels[3 * x] = byte(bright + red * (uint32_t)m.red_of_red);
    pixels[3 * x + 1] = byte(bright + red * (uint32_t)m.green_of_red + blue * (uint32_t)m.green_of_blue);
    pixels[3 * x + 2] = byte(bright + blue * (uint32_t)m.blue_of_blue);
  }
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static void filter_avx2(
    const uint8_t *samples, const int32_t *first, const int16_t *weights, int count, int16_t *values) {
  filter(samples, first, weights, count, values);
}

__attribute__((target("avx2"))) static void row_avx2(
    const uint8_t *luma, const int32_t *columns, int count, const int16_t *const *blue, const int16_t *const *red,
    const int16_t *weights, const struct ccolour_matrix *matrix, uint8_t *pixels) {
  row(luma, columns, count, blue, red, weights, matrix, pixels);
}
#endif

void ccolour_filter(
    const uint8_t *samples, const int32_t *first, const int16_t *weights, int count, int16_t *values) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) return filter_avx2(samples, first, weights, count, values);
#endif
  filter(samples, first, weights, count, values);
}

void ccolour_row(
    const uint8_t *luma, const int32_t *columns, int count, const int16_t *const *blue, const int16_t *const *red,
    const int16_t *weights, const struct ccolour_matrix *matrix, uint8_t *pixels) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) return row_avx2(luma, columns, count, blue, red, weights, matrix, pixels);
#endif
  row(luma, columns, count, blue, red, weights, matrix, pixels);
}
