#include "CTransforms.h"

#include <string.h>

#pragma STDC FP_CONTRACT OFF
// Whatever takes vectors is inlined: no call passes one.
#pragma clang diagnostic ignored "-Wpsabi"

typedef float floats __attribute__((vector_size(64), aligned(4)));
typedef int32_t ints __attribute__((vector_size(64), aligned(4)));
typedef uint16_t halves __attribute__((vector_size(32), aligned(2)));
typedef uint8_t bytes __attribute__((vector_size(16), aligned(1)));
typedef int8_t signed_bytes __attribute__((vector_size(16), aligned(1)));

// Tiles whose columns are transformed together: what they need stays in the first cache.
enum { group = 8, lanes = 16 };

// Lane by lane, `a` where the comparison holds, else `b`.
#define CHOOSE(comparison, a, b) \
  ({ \
    const ints choose_where = (comparison); \
    const floats choose_a = (a), choose_b = (b); \
    (floats)(((ints)choose_a & choose_where) | ((ints)choose_b & ~choose_where)); \
  })

#define NAME(name) name##_baseline
#include "Loops.h"
#undef NAME

#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#define NAME(name) name##_avx2
#include "Loops.h"
#undef NAME
#pragma clang attribute pop

#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))), apply_to = function)
#define NAME(name) name##_avx512
#include "Loops.h"
#undef NAME
#pragma clang attribute pop

#define DISPATCH(isa, name, ...) \
  switch (isa) { \
  case ctransforms_avx512: name##_avx512(__VA_ARGS__); break; \
  case ctransforms_avx2: name##_avx2(__VA_ARGS__); break; \
  case ctransforms_baseline: name##_baseline(__VA_ARGS__); break; \
  }

void ctransforms_input(
    enum ctransforms_isa isa, const struct ctransforms_image *source, struct ctransforms_run run,
    enum ctransforms_type type, int zero, const float *inverse_steps, const struct ctransforms_tiles *target) {
  DISPATCH(isa, input, source, run, type, zero, inverse_steps, target)
}

void ctransforms_output(
    enum ctransforms_isa isa, const struct ctransforms_tiles *products, struct ctransforms_run run,
    const float *scales, const float *bias, int adds, enum ctransforms_type summand_type, float summand_step,
    int relu, const struct ctransforms_image *target) {
  struct ctransforms_image summand = *target;
  summand.type = summand_type;
  summand.step = summand_step;
  DISPATCH(isa, output, products, run, scales, bias, adds ? &summand : NULL, relu, target)
}

void ctransforms_convert(
    enum ctransforms_isa isa, const struct ctransforms_image *source, const struct ctransforms_image *target,
    int channels) {
  DISPATCH(isa, convert, source, target, channels)
}

void ctransforms_interleave(
    enum ctransforms_isa isa, const float *source, const struct ctransforms_image *target, int channels) {
  DISPATCH(isa, interleave, source, target, channels)
}
