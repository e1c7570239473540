// Winograd's transforms of activations in 8 and 16 bits, and conversions between forms of storage: loops over float32
// vectors, compiled for several instruction sets, of which the caller names one. Swift cannot compile one function for
// another instruction set than the rest of the module, and in baseline x86-64 the transforms would take longer than the
// products between them. No contraction to fused multiply-add: every instruction set gives the same bits.
#pragma once
#include <stddef.h>
#include <stdint.h>

enum ctransforms_type { ctransforms_f32, ctransforms_bf16, ctransforms_u8, ctransforms_s8 };
enum ctransforms_isa { ctransforms_baseline, ctransforms_avx2, ctransforms_avx512 };

// An image in vectors of 16 channels: element (block, y, x, lane) lies at block * block_stride + (y * width + x) *
// pixel_stride + lane, counted in elements. Where float32 numbers lie in blocks of 8 channels, the upper half of the
// lanes lies `half_stride` after the lower one, and `halves` says how many halves there are in all; `half_stride` is 0
// otherwise. `step` is what 1 stands for in u8 and s8.
struct ctransforms_image {
  void *data;
  enum ctransforms_type type;
  float step;
  ptrdiff_t block_stride, pixel_stride, half_stride;
  int halves, height, width;
};

// Transformed tiles: element (point, tile, channel) lies at point * point_stride + tile * channels + channel.
struct ctransforms_tiles {
  void *data;
  ptrdiff_t point_stride;
  int channels;
};

// Neighbouring tiles of one row of tiles, with side x side outputs each (2 or 4): the first output of the first tile,
// and how many tiles there are.
struct ctransforms_run {
  int side, y, x, count;
};

// Bt d B of a run, rounded to `type`: bf16, or u8 as `zero` + round(value * inverse step of the point), from 1 to
// 2 * zero - 1.
void ctransforms_input(
    enum ctransforms_isa isa, const struct ctransforms_image *source, struct ctransforms_run run,
    enum ctransforms_type type, int zero, const float *inverse_steps, const struct ctransforms_tiles *target);

// At (scale * M) A of a run's float32 products, then bias, then sum, then ReLU. `scales`: [point][channels], null for 1.
// `bias`: by channel. What the target held is added where `adds`, as `summand_type` with `summand_step`.
void ctransforms_output(
    enum ctransforms_isa isa, const struct ctransforms_tiles *products, struct ctransforms_run run,
    const float *scales, const float *bias, int adds, enum ctransforms_type summand_type, float summand_step,
    int relu, const struct ctransforms_image *target);

// The same numbers in another form; 8 bits are rounded to the nearest, halves to even, and clamped.
void ctransforms_convert(
    enum ctransforms_isa isa, const struct ctransforms_image *source, const struct ctransforms_image *target,
    int channels);

// The same of float32 numbers in plain order, [channels][pixels], to 8 bits with all channels of a pixel side by side.
void ctransforms_interleave(
    enum ctransforms_isa isa, const float *source, const struct ctransforms_image *target, int channels);
