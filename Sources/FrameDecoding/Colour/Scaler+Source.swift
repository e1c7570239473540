import CFFmpeg

/// What a decoded picture's numbers mean.
extension Scaler.Source {
  /// Reads it off a frame.
  ///
  /// - Parameters:
  ///   - frame: a decoded picture.
  ///   - isStillImage: guesses the colour matrix as for image files: unnamed means BT.601, as in JFIF and WebP.
  /// - Throws: a data failure if the pixel format cannot be converted.
  init(_ frame: Frame, isStillImage: Bool) throws(MediaError) {
    let picture = frame.pointer.pointee
    guard let description = av_pix_fmt_desc_get(AVPixelFormat(picture.format)),
      sws_isSupportedInput(AVPixelFormat(picture.format)) != 0
    else {
      let name =
        av_get_pix_fmt_name(AVPixelFormat(picture.format)).map { String(cString: $0) }
        ?? "number \(picture.format)"
      throw MediaError(.data, "pixel format \(name) cannot be converted")
    }
    self.init(
      width: picture.width, height: picture.height, format: picture.format,
      matrix: Self.matrix(of: picture, isStillImage: isStillImage),
      isFullRange: Self.isFullRange(picture, description.pointee))
  }

  /// Its components are luma and two of chroma.
  var isLumaAndChroma: Bool {
    av_pix_fmt_desc_get(AVPixelFormat(format)).map { Self.isLumaAndChroma($0.pointee) } ?? false
  }

  /// The frame's colour matrix. Where none is named: BT.601 for image files, and for video as players do, BT.709 above
  /// standard definition (1280 columns or more, or more than 576 rows), BT.601 below.
  private static func matrix(of picture: AVFrame, isStillImage: Bool) -> Int32 {
    switch picture.colorspace {
    case AVCOL_SPC_BT709: return SWS_CS_ITU709
    case AVCOL_SPC_FCC: return SWS_CS_FCC
    case AVCOL_SPC_BT470BG, AVCOL_SPC_SMPTE170M: return SWS_CS_ITU601
    case AVCOL_SPC_SMPTE240M: return SWS_CS_SMPTE240M
    case AVCOL_SPC_BT2020_NCL, AVCOL_SPC_BT2020_CL: return SWS_CS_BT2020
    default:
      let isHighDefinition = picture.width >= 1280 || picture.height > 576
      return isHighDefinition && !isStillImage ? SWS_CS_ITU709 : SWS_CS_ITU601
    }
  }

  /// RGB and gray are full range unless they say otherwise, luma and chroma are not unless they say so.
  private static func isFullRange(_ picture: AVFrame, _ description: AVPixFmtDescriptor) -> Bool {
    switch picture.color_range {
    case AVCOL_RANGE_JPEG: return true
    case AVCOL_RANGE_MPEG: return false
    default:
      let deprecatedFullRange = [
        AV_PIX_FMT_YUVJ420P, AV_PIX_FMT_YUVJ422P, AV_PIX_FMT_YUVJ444P, AV_PIX_FMT_YUVJ440P,
        AV_PIX_FMT_YUVJ411P,
      ]
      return !isLumaAndChroma(description)
        || deprecatedFullRange.contains(AVPixelFormat(picture.format))
    }
  }

  private static func isLumaAndChroma(_ description: AVPixFmtDescriptor) -> Bool {
    let others = AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_PAL | AV_PIX_FMT_FLAG_BAYER
    // XYZ has three components and no flag of its own; swscale has one format of it.
    let isXYZ = strncmp(description.name, "xyz", 3) == 0
    return description.nb_components >= 3 && Int32(description.flags) & others == 0 && !isXYZ
  }
}
