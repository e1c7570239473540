import CFFmpeg
import CHEIF

/// The picture of a HEIF file (HEIC, AVIF), read with libheif: FFmpeg knows neither its tiles nor its turns.
enum HEIFPicture {
  /// What is in the file.
  struct Decoded {
    /// Upright: libheif has applied the boxes irot, imir and clap, and by HEIF's rules nothing else counts.
    var frame: Frame
    /// As FFmpeg calls it, as far as the file's kind tells.
    var codec: String
    /// What the user should know.
    var remarks: [String] = []
    /// What was wrong with it.
    var warning: String?
  }

  /// Decodes the primary picture of a whole file.
  ///
  /// - Throws: a data failure if it cannot be decoded or has more pixels than the limit.
  static func decode(_ file: [UInt8], limits: MediaLimits) throws(MediaError) -> Decoded {
    guard let context = heif_context_alloc() else { preconditionFailure("out of memory") }
    defer { heif_context_free(context) }
    // On this thread alone.
    heif_context_set_max_decoding_threads(context, 0)
    // The side of a square, as libheif wants it.
    heif_context_set_maximum_image_size_limit(
      // Bounded: by 2^30.
      context, Int32(min(Double(limits.maxPixels).squareRoot().rounded(.up), 0x1p30)))
    // libheif reads from the bytes as long as the context lives.
    return try file.withUnsafeBufferPointer { bytes throws(MediaError) in
      try check(
        heif_context_read_from_memory_without_copy(context, bytes.baseAddress, bytes.count, nil),
        "opening the HEIF file")
      var handle: OpaquePointer?
      try check(heif_context_get_primary_image_handle(context, &handle), "no picture")
      defer { heif_image_handle_release(handle) }
      let (width, height) = (
        Int(heif_image_handle_get_width(handle)), Int(heif_image_handle_get_height(handle))
      )
      guard width > 0, height > 0, width <= limits.maxPixels / height
      else {
        throw MediaError(
          .data, "a picture of \(width)x\(height) pixels, and the limit is \(limits.maxPixels)")
      }
      // Up to 16 bits for each of three planes.
      limits.pictureGate?.wait(pixels: width * height, bitsPerPixel: 48)
      var image: OpaquePointer?
      try check(
        heif_decode_image(
          handle, &image, heif_colorspace_undefined, heif_chroma_undefined, nil), "no picture")
      defer { heif_image_release(image) }
      var decoded = Decoded(
        frame: try frame(of: image, profiledBy: handle), codec: codec(of: file))
      let pictures = heif_context_get_number_of_top_level_images(context)
      if pictures > 1 { decoded.remarks = ["\(pictures) pictures: the primary one is read"] }
      var warning = heif_error()
      if heif_image_get_decoding_warnings(image, 0, &warning, 1) > 0 {
        decoded.warning = text(warning)
      }
      return decoded
    }
  }

  private static func codec(of file: [UInt8]) -> String {
    let brand = file.dropFirst(8).prefix(4)
    if brand.elementsEqual("avif".utf8) { return "av1" }
    return brand.starts(with: "hei".utf8) ? "hevc" : "heif"
  }

  private static func check(_ error: heif_error, _ what: String) throws(MediaError) {
    guard error.code != heif_error_Ok else { return }
    let hint =
      error.subcode == heif_suberror_Unsupported_codec
      ? " (libheif's plugin for its codec may not be installed)" : ""
    throw MediaError(.data, "\(what): \(text(error))\(hint)")
  }

  private static func text(_ error: heif_error) -> String {
    error.message.map { String(cString: $0) } ?? "error \(error.code.rawValue)"
  }
}
