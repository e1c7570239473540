// The loops of colour conversion that Swift compiles for baseline x86-64 only, where they take 3.5 times as long: there it
// multiplies 32 bits one number at a time. Whole numbers: every instruction set gives the same bytes.
#pragma once
#include <stdint.h>

// What luma and chroma are multiplied with, in 13 bits; `luma_offset` is taken from luma in 17 bits.
struct ccolour_matrix {
  int32_t luma_offset, luma, red_of_red, green_of_red, green_of_blue, blue_of_blue;
};

// Chroma of one row in 15 bits, of 4 samples for each place: values[x] is the sum of samples[first[x] + tap] *
// weights[4 * x + tap], shifted by 7 and limited to 0x7fff. The weights of a place come to 1 << 14.
void ccolour_filter(
    const uint8_t *samples, const int32_t *first, const int16_t *weights, int count, int16_t *values);

// One row's red, green and blue from luma at `columns` and from chroma of 4 rows, of which `weights` come to 1 << 12.
// Sums wrap.
void ccolour_row(
    const uint8_t *luma, const int32_t *columns, int count, const int16_t *const *blue, const int16_t *const *red,
    const int16_t *weights, const struct ccolour_matrix *matrix, uint8_t *pixels);
