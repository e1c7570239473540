// The loops, included once for each instruction set. Everything is inlined into the three functions at the end, with
// types and sides as constants.
#define INLINE static inline __attribute__((always_inline))

// One vector of an image.
INLINE void NAME(load)(
    floats *value, const struct ctransforms_image *image, int block, ptrdiff_t pixel, enum ctransforms_type type) {
  const void *data = image->data;
  const ptrdiff_t at = block * image->block_stride + pixel * image->pixel_stride;
  const float step = image->step;
  switch (type) {
  case ctransforms_f32:
    if (image->half_stride) {
      *value = (floats){};
      memcpy(value, (const float *)data + at, 32);
      if (2 * block + 1 < image->halves) memcpy((char *)value + 32, (const float *)data + at + image->half_stride, 32);
    } else {
      *value = *(const floats *)((const float *)data + at);
    }
    break;
  case ctransforms_bf16: {
    ints wide = __builtin_convertvector(*(const halves *)((const uint16_t *)data + at), ints) << 16;
    memcpy(value, &wide, sizeof wide);
    break;
  }
  case ctransforms_u8:
    *value = __builtin_convertvector(
                 __builtin_convertvector(*(const bytes *)((const uint8_t *)data + at), ints), floats) * step;
    break;
  case ctransforms_s8:
    *value = __builtin_convertvector(
                 __builtin_convertvector(*(const signed_bytes *)((const int8_t *)data + at), ints), floats) * step;
    break;
  }
}

// To the nearest whole number between bounds, halves to even. NaN becomes the lower bound.
INLINE void NAME(round)(ints *whole, floats value, float least, float greatest) {
  const floats low = (floats){} + least, high = (floats){} + greatest;
  value = CHOOSE(value > low, value, low);
  value = CHOOSE(value < high, value, high);
  // 1.5 * 2^23: a float of this size has no bits for fractions, and its low bits are the number's.
  floats shifted = value + 12582912.0f;
  memcpy(whole, &shifted, sizeof shifted);
  *whole -= 0x4B400000;
}

// To bf16, halves to even; NaN stays NaN.
INLINE void NAME(store_bf16)(floats value, uint16_t *target) {
  ints bits;
  memcpy(&bits, &value, sizeof bits);
  ints rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16;
  const ints number = value == value;
  rounded = (rounded & number) | (0x7FC0 & ~number);
  *(halves *)target = __builtin_convertvector(rounded, halves);
}

INLINE void NAME(store)(
    floats value, const struct ctransforms_image *image, int block, ptrdiff_t pixel, enum ctransforms_type type,
    float inverse_step) {
  void *data = image->data;
  const ptrdiff_t at = block * image->block_stride + pixel * image->pixel_stride;
  switch (type) {
  case ctransforms_f32:
    if (image->half_stride) {
      memcpy((float *)data + at, &value, 32);
      if (2 * block + 1 < image->halves) memcpy((float *)data + at + image->half_stride, (char *)&value + 32, 32);
    } else {
      *(floats *)((float *)data + at) = value;
    }
    break;
  case ctransforms_bf16: NAME(store_bf16)(value, (uint16_t *)data + at); break;
  case ctransforms_u8: {
    ints whole;
    NAME(round)(&whole, value * inverse_step, 0, 255);
    *(bytes *)((uint8_t *)data + at) = __builtin_convertvector(whole, bytes);
    break;
  }
  case ctransforms_s8: {
    ints whole;
    NAME(round)(&whole, value * inverse_step, -127, 127);
    *(signed_bytes *)((int8_t *)data + at) = __builtin_convertvector(whole, signed_bytes);
    break;
  }
  }
}

// Bt d: side + 2 numbers in, as many out.
INLINE void NAME(input_line)(int side, const floats d[6], floats t[6]) {
  if (side == 2) {
    t[0] = d[0] - d[2];
    t[1] = d[1] + d[2];
    t[2] = d[2] - d[1];
    t[3] = d[3] - d[1];
    return;
  }
  // The points 0, +-a, +-b and infinity, bracketed as WinogradArithmetic has it.
  const float a = 0.625f, b = 1.5f, a2 = 0.390625f, b2 = 2.25f;
  floats evenA = d[4] - b2 * d[2], oddA = a * (d[3] - b2 * d[1]);
  floats evenB = d[4] - a2 * d[2], oddB = b * (d[3] - a2 * d[1]);
  t[0] = a2 * b2 * d[0] - (a2 + b2) * d[2] + d[4];
  t[1] = evenA + oddA;
  t[2] = evenA - oddA;
  t[3] = evenB + oddB;
  t[4] = evenB - oddB;
  t[5] = a2 * b2 * d[1] - (a2 + b2) * d[3] + d[5];
}

// At m: side + 2 numbers in, side out.
INLINE void NAME(output_line)(int side, const floats m[6], floats y[4]) {
  if (side == 2) {
    y[0] = m[0] + m[1] + m[2];
    y[1] = m[1] - m[2] + m[3];
    return;
  }
  const float a = 0.625f, b = 1.5f, a2 = 0.390625f, b2 = 2.25f, a3 = 0.244140625f, b3 = 3.375f;
  floats evenA = m[1] + m[2], oddA = m[1] - m[2], evenB = m[3] + m[4], oddB = m[3] - m[4];
  y[0] = m[0] + evenA - evenB;
  y[1] = a * oddA - b * oddB;
  y[2] = a2 * evenA - b2 * evenB;
  y[3] = a3 * oddA - b3 * oddB + m[5];
}

INLINE void NAME(input_of)(
    int side, enum ctransforms_type from, enum ctransforms_type to, const struct ctransforms_image *source,
    struct ctransforms_run run, int zero, const float *inverse_steps, const struct ctransforms_tiles *target) {
  const int points = side + 2;
  const float greatest = zero - 1;
  floats columns[6][4 * group + 2];
  for (int first = 0; first < run.count; first += group) {
    const int count = run.count - first < group ? run.count - first : group;
    const int left = run.x + first * side - 1, width = count * side + 2;
    for (int block = 0; block < target->channels / lanes; block++) {
      for (int x = 0; x < width; x++) {
        floats d[6], t[6];
        for (int row = 0; row < points; row++) {
          const int sourceY = run.y - 1 + row, sourceX = left + x;
          if (sourceY < 0 || sourceY >= source->height || sourceX < 0 || sourceX >= source->width) {
            d[row] = (floats){};
          } else {
            NAME(load)(&d[row], source, block, sourceY * (ptrdiff_t)source->width + sourceX, from);
          }
        }
        NAME(input_line)(side, d, t);
        for (int row = 0; row < points; row++) columns[row][x] = t[row];
      }
      for (int tile = 0; tile < count; tile++) {
        const ptrdiff_t at = (ptrdiff_t)(first + tile) * target->channels + block * lanes;
        for (int row = 0; row < points; row++) {
          floats t[6];
          NAME(input_line)(side, &columns[row][tile * side], t);
          for (int column = 0; column < points; column++) {
            const int point = row * points + column;
            const ptrdiff_t place = point * target->point_stride + at;
            if (to == ctransforms_u8) {
              ints whole;
              NAME(round)(&whole, t[column] * inverse_steps[point], -greatest, greatest);
              *(bytes *)((uint8_t *)target->data + place) = __builtin_convertvector(whole + zero, bytes);
            } else {
              NAME(store_bf16)(t[column], (uint16_t *)target->data + place);
            }
          }
        }
      }
    }
  }
}

INLINE void NAME(output_of)(
    int side, enum ctransforms_type to, const struct ctransforms_tiles *products, struct ctransforms_run run,
    const float *scales, const float *bias, const struct ctransforms_image *summand, int relu,
    const struct ctransforms_image *target) {
  const int points = side + 2;
  const float inverse_step = 1 / target->step;
  const int rows = target->height - run.y < side ? target->height - run.y : side;
  for (int tile = 0; tile < run.count; tile++) {
    const int left = run.x + tile * side;
    const int columns = target->width - left < side ? target->width - left : side;
    for (int block = 0; block < products->channels / lanes; block++) {
      floats half[4][6];
      const float *m = (const float *)products->data + (ptrdiff_t)tile * products->channels + block * lanes;
      for (int column = 0; column < points; column++) {
        floats line[6], sums[4];
        for (int row = 0; row < points; row++) {
          const int point = row * points + column;
          line[row] = *(const floats *)(m + point * products->point_stride);
          if (scales) line[row] *= *(const floats *)(scales + point * (ptrdiff_t)products->channels + block * lanes);
        }
        NAME(output_line)(side, line, sums);
        for (int row = 0; row < side; row++) half[row][column] = sums[row];
      }
      const floats shift = *(const floats *)(bias + block * lanes);
      for (int row = 0; row < rows; row++) {
        floats sums[4];
        NAME(output_line)(side, half[row], sums);
        for (int column = 0; column < side; column++) {
          if (column >= columns) break;
          const ptrdiff_t pixel = (run.y + row) * (ptrdiff_t)target->width + left + column;
          floats value = sums[column] + shift;
          if (summand) {
            floats other;
            NAME(load)(&other, summand, block, pixel, summand->type);
            value += other;
          }
          if (relu) value = CHOOSE(value < 0, (floats){}, value);
          NAME(store)(value, target, block, pixel, to, inverse_step);
        }
      }
    }
  }
}

#define FOR_TYPE(type, call) \
  switch (type) { \
  case ctransforms_f32: call(ctransforms_f32); break; \
  case ctransforms_bf16: call(ctransforms_bf16); break; \
  case ctransforms_u8: call(ctransforms_u8); break; \
  case ctransforms_s8: call(ctransforms_s8); break; \
  }

static void NAME(input)(
    const struct ctransforms_image *source, struct ctransforms_run run, enum ctransforms_type type, int zero,
    const float *inverse_steps, const struct ctransforms_tiles *target) {
#define CALL2(from) NAME(input_of)(2, from, ctransforms_u8, source, run, zero, inverse_steps, target)
#define CALL4(from) NAME(input_of)(4, from, ctransforms_u8, source, run, zero, inverse_steps, target)
#define CALLB(from) NAME(input_of)(4, from, ctransforms_bf16, source, run, zero, inverse_steps, target)
  if (type == ctransforms_bf16) {
    FOR_TYPE(source->type, CALLB)
  } else if (run.side == 2) {
    FOR_TYPE(source->type, CALL2)
  } else {
    FOR_TYPE(source->type, CALL4)
  }
#undef CALL2
#undef CALL4
#undef CALLB
}

static void NAME(output)(
    const struct ctransforms_tiles *products, struct ctransforms_run run, const float *scales, const float *bias,
    const struct ctransforms_image *summand, int relu, const struct ctransforms_image *target) {
#define CALL2(to) NAME(output_of)(2, to, products, run, scales, bias, summand, relu, target)
#define CALL4(to) NAME(output_of)(4, to, products, run, scales, bias, summand, relu, target)
  if (run.side == 2) {
    FOR_TYPE(target->type, CALL2)
  } else {
    FOR_TYPE(target->type, CALL4)
  }
#undef CALL2
#undef CALL4
}

static void NAME(convert)(
    const struct ctransforms_image *source, const struct ctransforms_image *target, int channels) {
  const float inverse_step = 1 / target->step;
  const ptrdiff_t pixels = (ptrdiff_t)source->height * source->width;
  const int whole = channels / lanes;
  for (int block = 0; block < whole; block++) {
    for (ptrdiff_t pixel = 0; pixel < pixels; pixel++) {
      floats value;
      NAME(load)(&value, source, block, pixel, source->type);
      NAME(store)(value, target, block, pixel, target->type, inverse_step);
    }
  }
  // The last channels, where they fill no vector: behind them lies the next pixel, or 0 in blocks.
  const int rest = channels % lanes;
  if (rest == 0) return;
  for (ptrdiff_t pixel = 0; pixel < pixels; pixel++) {
    char room[2][64] = {{0}};
    struct ctransforms_image one = *source, other = *target;
    floats value;
    if (source->half_stride == 0) {
      const int size = source->type == ctransforms_f32 ? 4 : source->type == ctransforms_bf16 ? 2 : 1;
      const ptrdiff_t at = whole * source->block_stride + pixel * source->pixel_stride;
      memcpy(room[0], (const char *)source->data + at * size, rest * size);
      one.data = room[0];
      NAME(load)(&value, &one, 0, 0, source->type);
    } else {
      NAME(load)(&value, source, whole, pixel, source->type);
    }
    if (target->pixel_stride == channels) {
      const int size = target->type == ctransforms_f32 ? 4 : target->type == ctransforms_bf16 ? 2 : 1;
      const ptrdiff_t at = whole * target->block_stride + pixel * target->pixel_stride;
      other.data = room[1];
      NAME(store)(value, &other, 0, 0, target->type, inverse_step);
      memcpy((char *)target->data + at * size, room[1], rest * size);
    } else {
      NAME(store)(value, target, whole, pixel, target->type, inverse_step);
    }
  }
}

// Bytes of three channels of 16 pixels, pixel by pixel.
INLINE void NAME(store_three)(const uint8_t channels[3][lanes], uint8_t *target) {
  typedef uint8_t two __attribute__((vector_size(32), aligned(1)));
  two ab, c = {};
  memcpy(&ab, channels, 32);
  memcpy(&c, channels[2], 16);
  *(bytes *)target =
      __builtin_shufflevector(ab, c, 0, 16, 32, 1, 17, 33, 2, 18, 34, 3, 19, 35, 4, 20, 36, 5);
  *(bytes *)(target + 16) =
      __builtin_shufflevector(ab, c, 21, 37, 6, 22, 38, 7, 23, 39, 8, 24, 40, 9, 25, 41, 10, 26);
  *(bytes *)(target + 32) =
      __builtin_shufflevector(ab, c, 42, 11, 27, 43, 12, 28, 44, 13, 29, 45, 14, 30, 46, 15, 31, 47);
}

static void NAME(interleave)(const float *source, const struct ctransforms_image *target, int channels) {
  const float inverse_step = 1 / target->step;
  const ptrdiff_t pixels = (ptrdiff_t)target->height * target->width;
  for (ptrdiff_t first = 0; first < pixels; first += lanes) {
    const int count = pixels - first < lanes ? pixels - first : lanes;
    // A picture has three channels: of these whole vectors are written together.
    const int is_together = channels == 3 && count == lanes;
    uint8_t *pixel = (uint8_t *)target->data + first * channels;
    uint8_t room[3][lanes];
    for (int channel = 0; channel < channels; channel++) {
      const float *numbers = source + channel * pixels + first;
      struct ctransforms_image one = *target;
      floats value = {};
      one.data = room[is_together ? channel : 0];
      if (count == lanes) value = *(const floats *)numbers;
      else memcpy(&value, numbers, count * sizeof *numbers);
      NAME(store)(value, &one, 0, 0, target->type, inverse_step);
      if (is_together) continue;
      for (int lane = 0; lane < count; lane++) pixel[lane * channels + channel] = room[0][lane];
    }
    if (is_together) NAME(store_three)(room, pixel);
  }
}

#undef FOR_TYPE
#undef INLINE
