import CFFmpeg
import CHEIF

/// What libheif decoded as a frame of FFmpeg's, so that colours are converted as everywhere else.
extension HEIFPicture {
  /// Copies the planes.
  ///
  /// - Throws: a data failure for a layout of pixels that FFmpeg has no name for.
  static func frame(
    of image: OpaquePointer?, profiledBy handle: OpaquePointer?
  ) throws(MediaError) -> Frame {
    let profile = Profile(image, handle)
    let layout = try Layout(image, isIdentity: profile.matrix == heif_matrix_coefficients_RGB_GBR)
    let format = av_get_pix_fmt(layout.name)
    let width = heif_image_get_primary_width(image)
    let height = heif_image_get_primary_height(image)
    guard format != AV_PIX_FMT_NONE, width > 0, height > 0 else {
      throw MediaError(.data, "no picture: pixels laid out as \(layout.name) cannot be converted")
    }
    let frame = Frame()
    let fields = frame.pointer
    fields.pointee.format = format.rawValue
    fields.pointee.width = width
    fields.pointee.height = height
    guard av_frame_get_buffer(fields, 0) == 0 else {
      throw MediaError(.data, "no memory for a picture of \(width)x\(height)")
    }
    let targets = [fields.pointee.data.0, fields.pointee.data.1, fields.pointee.data.2]
    let strides = [fields.pointee.linesize.0, fields.pointee.linesize.1, fields.pointee.linesize.2]
    for (number, channel) in layout.channels.enumerated() {
      let isChroma = number > 0 && !layout.isRGB
      let columns = isChroma ? (width + layout.chromaWidth - 1) / layout.chromaWidth : width
      let rows = isChroma ? (height + layout.chromaHeight - 1) / layout.chromaHeight : height
      var stride: Int32 = 0
      // What the planes hold is what the file says, not what the picture needs.
      guard let source = heif_image_get_plane_readonly(image, channel, &stride),
        heif_image_get_width(image, channel) >= columns,
        heif_image_get_height(image, channel) >= rows, let target = targets[number]
      else { throw MediaError(.data, "no picture: its planes differ in size") }
      let rowBytes = Int(columns) * layout.bytesPerSample
      for row in 0..<Int(rows) {
        (target + row * Int(strides[number])).update(
          from: source + row * Int(stride), count: rowBytes)
      }
    }
    fields.pointee.colorspace =
      layout.isRGB
      ? AVCOL_SPC_RGB : AVColorSpace(rawValue: AVColorSpace.RawValue(profile.matrix.rawValue))
    fields.pointee.color_range =
      layout.isRGB || profile.isFullRange ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG
    return frame
  }

  /// What the numbers mean. Where nobody says, HEIF means full range, and the converter's default for images.
  private struct Profile {
    var matrix = heif_matrix_coefficients_unspecified
    var isFullRange = true

    /// The picture's own, which decoders fill in, or that of its box.
    init(_ image: OpaquePointer?, _ handle: OpaquePointer?) {
      var profile: UnsafeMutablePointer<heif_color_profile_nclx>?
      if heif_image_get_nclx_color_profile(image, &profile).code != heif_error_Ok {
        _ = heif_image_handle_get_nclx_color_profile(handle, &profile)
      }
      guard let profile else { return }
      matrix = profile.pointee.matrix_coefficients
      isFullRange = profile.pointee.full_range_flag != 0
      heif_nclx_color_profile_free(profile)
    }
  }

  /// How pixels lie in memory.
  private struct Layout {
    /// FFmpeg's name for it.
    let name: String
    /// In the order of FFmpeg's planes.
    let channels: [heif_channel]
    let bytesPerSample: Int
    let isRGB: Bool
    /// Pixels that share a value of chroma, across and down.
    var (chromaWidth, chromaHeight): (Int32, Int32) = (1, 1)

    init(_ image: OpaquePointer?, isIdentity: Bool) throws(MediaError) {
      let chroma = heif_image_get_chroma_format(image)
      let space = heif_image_get_colorspace(image)
      switch (space, chroma) {
      case (heif_colorspace_monochrome, _), (_, cheif_chroma_monochrome):
        channels = [heif_channel_Y]
      case (heif_colorspace_RGB, heif_chroma_444):
        channels = [heif_channel_G, heif_channel_B, heif_channel_R]
      case (heif_colorspace_YCbCr, heif_chroma_420), (heif_colorspace_YCbCr, heif_chroma_422),
        (heif_colorspace_YCbCr, heif_chroma_444):
        channels = [heif_channel_Y, heif_channel_Cb, heif_channel_Cr]
      default:
        throw MediaError(
          .data, "no picture: colours \(space.rawValue), chroma \(chroma.rawValue) of libheif")
      }
      let depths = Set(channels.map { heif_image_get_bits_per_pixel_range(image, $0) })
      guard let bits = depths.first, depths.count == 1, bits >= 8 else {
        throw MediaError(.data, "no picture: its planes differ in depth")
      }
      // With the identity as its matrix, luma is green and chroma is blue and red.
      isRGB = space == heif_colorspace_RGB || isIdentity && chroma == heif_chroma_444
      let kind: String
      switch chroma {
      case heif_chroma_420: (kind, chromaWidth, chromaHeight) = ("yuv420p", 2, 2)
      case heif_chroma_422: (kind, chromaWidth) = ("yuv422p", 2)
      default: kind = channels.count == 1 ? "gray" : isRGB ? "gbrp" : "yuv444p"
      }
      name = bits == 8 ? kind : "\(kind)\(bits)le"
      bytesPerSample = bits == 8 ? 1 : 2
    }
  }
}
