import CFFmpeg

/// One packet of a stream; owns the AVPacket.
final class Packet {
  let pointer: UnsafeMutablePointer<AVPacket>

  /// An empty packet.
  init() {
    guard let pointer = av_packet_alloc() else { preconditionFailure("out of memory for a packet") }
    self.pointer = pointer
  }

  /// A copy of `bytes` that a decoder can read, or nil if there is no memory for it.
  convenience init?(copying bytes: [UInt8]) {
    self.init()
    guard let size = Int32(exactly: bytes.count), av_new_packet(pointer, size) == 0 else {
      return nil
    }
    UnsafeMutableRawBufferPointer(start: pointer.pointee.data, count: bytes.count)
      .copyBytes(from: bytes)
  }

  /// Another packet's bytes.
  convenience init(sharing other: inout AVPacket) {
    self.init()
    let status = av_packet_ref(pointer, &other)
    precondition(status == 0, "av_packet_ref: \(status)")
  }

  /// Another packet's bytes.
  convenience init(sharing other: Packet) { self.init(sharing: &other.pointer.pointee) }

  deinit {
    var pointer: UnsafeMutablePointer<AVPacket>? = pointer
    av_packet_free(&pointer)
  }

  /// A keyframe, as the container says.
  var isKey: Bool { pointer.pointee.flags & AV_PKT_FLAG_KEY != 0 }

  /// Cut short, or damaged on the way.
  var isCorrupt: Bool { pointer.pointee.flags & AV_PKT_FLAG_CORRUPT != 0 }

  /// Decoded for the sake of others and not shown, as an edit list says.
  var isHidden: Bool { pointer.pointee.flags & AV_PKT_FLAG_DISCARD != 0 }

  /// From here on, the stream has other parameters than those it began with.
  var hasNewParameters: Bool {
    [AV_PKT_DATA_NEW_EXTRADATA, AV_PKT_DATA_PARAM_CHANGE].contains {
      av_packet_get_side_data(pointer, $0, nil) != nil
    }
  }

  /// When its picture is shown, in units of the stream's time base; nil where nobody says.
  var presentationTime: Int64? {
    pointer.pointee.pts == cffmpeg_no_timestamp ? nil : pointer.pointee.pts
  }

  /// When it is decoded, likewise.
  var decodingTime: Int64? {
    pointer.pointee.dts == cffmpeg_no_timestamp ? nil : pointer.pointee.dts
  }

  /// Bytes.
  var byteCount: Int { Int(pointer.pointee.size) }

  /// How long its picture is shown, in units of the stream's time base; nil where nobody says.
  var duration: Int64? { pointer.pointee.duration > 0 ? pointer.pointee.duration : nil }

  /// Lets go of the bytes.
  func clear() { av_packet_unref(pointer) }
}
