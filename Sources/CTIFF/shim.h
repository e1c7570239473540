#pragma once
#include <tiffio.h>

// TIFFGetField and TIFFSetField take any arguments, which Swift cannot call.
static inline int ctiff_get_uint16(TIFF *tiff, uint32_t tag, uint16_t *value) {
  return TIFFGetFieldDefaulted(tiff, tag, value);
}
static inline int ctiff_get_uint32(TIFF *tiff, uint32_t tag, uint32_t *value) {
  return TIFFGetFieldDefaulted(tiff, tag, value);
}
static inline int ctiff_has_array(TIFF *tiff, uint32_t tag) {
  uint16_t count = 0;
  const void *values = NULL;
  return TIFFGetField(tiff, tag, &count, &values) && count > 0;
}
static inline int ctiff_has_bytes(TIFF *tiff, uint32_t tag) {
  const void *values = NULL;
  return TIFFGetField(tiff, tag, &values);
}

// Says of a fourth sample that nothing is known of it, in memory only: else colours are multiplied by it.
static inline void ctiff_forget_alpha(TIFF *tiff) {
  uint16_t count = 0, *kinds = NULL;
  uint16_t unspecified[16] = {EXTRASAMPLE_UNSPECIFIED};
  if (TIFFGetField(tiff, TIFFTAG_EXTRASAMPLES, &count, &kinds) && count > 0 && count <= 16)
    TIFFSetField(tiff, TIFFTAG_EXTRASAMPLES, count, unspecified);
}
