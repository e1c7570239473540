import CFFmpeg

/// Tells from the headers within a packet what a decoder will make of it; owns the AVCodecParserContext.
///
/// What a container says is not enough: many call only some of the keyframes so (of H.264, those that nothing refers
/// across).
final class PacketInspector {
  /// What a packet becomes.
  enum Kind {
    /// A whole picture that the decoder will call a keyframe.
    case keyframe
    case other
    /// One field of a picture, whose other field lies in another packet.
    case field
  }

  private let parser: UnsafeMutablePointer<AVCodecParserContext>?
  private let context: UnsafeMutablePointer<AVCodecContext>

  /// Every picture of such a codec is a keyframe.
  private let isIntraOnly: Bool

  /// Nil for a codec whose packets cannot be told apart.
  init?(_ parameters: UnsafePointer<AVCodecParameters>) {
    let codec = parameters.pointee.codec_id
    let description = avcodec_descriptor_get(codec)
    isIntraOnly = description.map { $0.pointee.props & AV_CODEC_PROP_INTRA_ONLY != 0 } ?? false
    guard let context = avcodec_alloc_context3(nil) else { preconditionFailure("out of memory") }
    self.context = context
    parser = isIntraOnly ? nil : av_parser_init(Int32(bitPattern: codec.rawValue))
    guard avcodec_parameters_to_context(context, parameters) >= 0, isIntraOnly || parser != nil
    else { return nil }
    parser?.pointee.flags |= PARSER_FLAG_COMPLETE_FRAMES
  }

  deinit {
    if let parser { av_parser_close(parser) }
    var context: UnsafeMutablePointer<AVCodecContext>? = context
    avcodec_free_context(&context)
  }

  /// Looks into the next packet; each must be shown, in their order.
  func kind(of packet: Packet) -> Kind {
    guard let parser else { return .keyframe }
    var (data, size): (UnsafeMutablePointer<UInt8>?, Int32) = (nil, 0)
    let bytes = packet.pointer.pointee
    _ = av_parser_parse2(
      parser, context, &data, &size, bytes.data, bytes.size, bytes.pts, bytes.dts, bytes.pos)
    switch parser.pointee.picture_structure {
    case AV_PICTURE_STRUCTURE_TOP_FIELD, AV_PICTURE_STRUCTURE_BOTTOM_FIELD: return .field
    default: break
    }
    // Parsers that know no keyframes know the kinds of pictures.
    let isKey =
      parser.pointee.key_frame == 1
      || parser.pointee.key_frame == -1
        && parser.pointee.pict_type == Int32(AV_PICTURE_TYPE_I.rawValue)
    return isKey ? .keyframe : .other
  }
}
