#pragma once
#include <cairo/cairo.h>

// Pango's own headers need GLib's, which lie where only pkg-config knows, and SwiftPM warns of the -pthread that comes
// with that answer in every build. So what is used of them is declared here: Pango has kept these since 1.22 (2008).

typedef struct _PangoFontMap PangoFontMap;
typedef struct _PangoFontFamily PangoFontFamily;
typedef struct _PangoContext PangoContext;
typedef struct _PangoLayout PangoLayout;
typedef struct _PangoFontDescription PangoFontDescription;

// Units of Pango in a pixel (PANGO_SCALE).
static const int cpango_scale = 1024;
// PANGO_ELLIPSIZE_MIDDLE, a PangoEllipsizeMode, which is an int.
static const int cpango_ellipsize_middle = 2;

void g_object_unref(void *object);
void g_free(void *memory);

PangoFontMap *pango_cairo_font_map_new(void);
PangoContext *pango_font_map_create_context(PangoFontMap *fonts);
void pango_font_map_list_families(PangoFontMap *fonts, PangoFontFamily ***families, int *count);
void pango_cairo_context_set_font_options(PangoContext *context, const cairo_font_options_t *options);

PangoFontDescription *pango_font_description_from_string(const char *text);
void pango_font_description_set_absolute_size(PangoFontDescription *description, double size);
void pango_font_description_free(PangoFontDescription *description);

PangoLayout *pango_layout_new(PangoContext *context);
void pango_layout_set_font_description(PangoLayout *layout, const PangoFontDescription *description);
void pango_layout_set_single_paragraph_mode(PangoLayout *layout, int setting);
void pango_layout_set_text(PangoLayout *layout, const char *text, int length);
void pango_layout_set_width(PangoLayout *layout, int width);
void pango_layout_set_ellipsize(PangoLayout *layout, int mode);
void pango_layout_get_pixel_size(PangoLayout *layout, int *width, int *height);
void pango_cairo_show_layout(cairo_t *painter, PangoLayout *layout);
