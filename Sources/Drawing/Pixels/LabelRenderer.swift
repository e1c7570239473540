import CPango

/// Writes short texts in any script, with Pango: it finds the fonts, shapes the letters and orders them.
///
/// One thread at a time.
final class LabelRenderer {
  private let fonts: OpaquePointer
  private let context: OpaquePointer

  init() {
    guard let fonts = pango_cairo_font_map_new(), let context = pango_font_map_create_context(fonts)
    else { preconditionFailure("out of memory for fonts") }
    self.fonts = fonts
    self.context = context
    let options = cairo_font_options_create()
    // Colour fringes of sub-pixels would be wrong on any other screen.
    cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY)
    pango_cairo_context_set_font_options(context, options)
    cairo_font_options_destroy(options)
  }

  deinit {
    g_object_unref(UnsafeMutableRawPointer(context))
    g_object_unref(UnsafeMutableRawPointer(fonts))
  }

  /// Whether this machine has any font.
  var hasFonts: Bool {
    var families: UnsafeMutablePointer<OpaquePointer?>?
    var count: Int32 = 0
    pango_font_map_list_families(fonts, &families, &count)
    g_free(families)
    return count > 0
  }

  /// A line of text on a ground of one colour.
  ///
  /// - Parameters:
  ///   - text: Any; line breaks and what does not fit are shown as signs.
  ///   - pixels: Height of the font's em square, at least 1.
  ///   - ground: The colour beneath; letters are black or white.
  ///   - widest: Most columns; where the text is longer, an ellipsis takes the place of its middle.
  /// - Returns: As wide as the text with a margin, and one line high.
  func render(_ text: String, pixels: Double, on ground: Colour, widest: Int) -> Bitmap {
    guard let layout = pango_layout_new(context) else { preconditionFailure("out of memory") }
    defer { g_object_unref(UnsafeMutableRawPointer(layout)) }
    let font = pango_font_description_from_string("sans-serif bold")
    pango_font_description_set_absolute_size(font, pixels * Double(cpango_scale))
    pango_layout_set_font_description(layout, font)
    pango_font_description_free(font)
    pango_layout_set_single_paragraph_mode(layout, 1)
    // A text may have any length; more than this is on no screen.
    let shown = String(text.prefix(200)).replacing("\0", with: "\u{fffd}")
    pango_layout_set_text(layout, shown, -1)

    let margin = max(1, Int((pixels / 4).rounded()))
    var (width, height): (Int32, Int32) = (0, 0)
    pango_layout_get_pixel_size(layout, &width, &height)
    if Int(width) + 2 * margin > widest {
      pango_layout_set_ellipsize(layout, cpango_ellipsize_middle)
      let room = max(1, widest - 2 * margin)
      pango_layout_set_width(layout, Int32(clamping: room * Int(cpango_scale)))
      pango_layout_get_pixel_size(layout, &width, &height)
    }
    return paint(
      layout, width: min(max(1, widest), Int(width) + 2 * margin), height: Int(height),
      margin: margin, ground)
  }

  private func paint(
    _ layout: OpaquePointer, width: Int, height: Int, margin: Int, _ ground: Colour
  ) -> Bitmap {
    let surface = cairo_image_surface_create(
      CAIRO_FORMAT_ARGB32, Int32(clamping: width), Int32(clamping: max(1, height)))
    defer { cairo_surface_destroy(surface) }
    let painter = cairo_create(surface)
    defer { cairo_destroy(painter) }
    setColour(ground, of: painter)
    cairo_paint(painter)
    setColour(ground.ink, of: painter)
    cairo_move_to(painter, Double(margin), 0)
    pango_cairo_show_layout(painter, layout)
    cairo_surface_flush(surface)
    return Bitmap(surface)
  }

  private func setColour(_ colour: Colour, of painter: OpaquePointer?) {
    cairo_set_source_rgb(
      painter, Double(colour.red) / 255, Double(colour.green) / 255, Double(colour.blue) / 255)
  }
}

extension Bitmap {
  /// Copies a surface of cairo's ARGB32: words of the machine's byte order with the opacity on top.
  fileprivate init(_ surface: OpaquePointer?) {
    let columns = Int(cairo_image_surface_get_width(surface))
    let rows = Int(cairo_image_surface_get_height(surface))
    let rowBytes = Int(cairo_image_surface_get_stride(surface))
    guard let data = cairo_image_surface_get_data(surface) else {
      preconditionFailure("no memory for a label of \(columns)x\(rows)")
    }
    var pixels: [UInt8] = []
    pixels.reserveCapacity(columns * rows * 4)
    for y in 0..<rows {
      for x in 0..<columns {
        let word = UnsafeRawPointer(data).load(
          fromByteOffset: y * rowBytes + x * 4, as: UInt32.self)
        for shift: UInt32 in [16, 8, 0, 24] {
          pixels.append(UInt8(truncatingIfNeeded: word >> shift))
        }
      }
    }
    width = columns
    height = rows
    self.pixels = pixels
  }
}
