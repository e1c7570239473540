#pragma once
#include <libheif/heif.h>

// Newer releases have it as a macro for another enumerator, which Swift does not see.
static const enum heif_chroma cheif_chroma_monochrome = heif_chroma_monochrome;
