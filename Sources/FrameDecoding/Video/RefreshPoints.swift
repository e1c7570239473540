import CFFmpeg

/// Finds the packets of H.264 and H.265 at which a decoder forgets all pictures before (instantaneous decoding refresh:
/// H.264 3.69, H.265 3.72), so that another one can begin there.
///
/// Parameter sets outlive a refresh. They are those beside the stream and in its first packet; others that come later are
/// no more than repetitions, or the stream is in doubt.
struct RefreshPoints {
  enum Kind {
    case refresh
    case other
    /// What comes after it may not be what a decoder makes of it that has not seen all before.
    case doubtful
  }

  private enum Role {
    case refresh
    case slice
    case parameterSet
    case other
  }

  private let codec: AVCodecID
  /// How many bytes before a unit say how long it is.
  private let lengthBytes: Int
  /// Of the first packet; nil before that.
  private var parameterSets: [[UInt8]]?

  /// Whether a stream is of one of the codecs.
  static func suits(_ parameters: UnsafePointer<AVCodecParameters>) -> Bool {
    [AV_CODEC_ID_H264, AV_CODEC_ID_HEVC].contains(parameters.pointee.codec_id)
  }

  /// Nil for other codecs, and where units do not come with their lengths.
  init?(_ parameters: UnsafePointer<AVCodecParameters>) {
    codec = parameters.pointee.codec_id
    let place: Int
    switch codec {
    case AV_CODEC_ID_H264: place = 4
    case AV_CODEC_ID_HEVC: place = 21
    default: return nil
    }
    // ISO 14496-15, 5.3.3.1 and 8.3.3.1: the record's version comes first, and is 1.
    let record = UnsafeBufferPointer(
      start: parameters.pointee.extradata, count: Int(max(0, parameters.pointee.extradata_size)))
    guard record.count > place, record[0] == 1 else { return nil }
    lengthBytes = Int(record[place] & 3) + 1
  }

  /// Looks into the next packet; each must be shown, in their order.
  mutating func kind(of packet: Packet) -> Kind {
    guard !packet.hasNewParameters, let data = packet.pointer.pointee.data else { return .doubtful }
    var bytes = UnsafeBufferPointer(start: data, count: packet.byteCount)[...]
    var (refreshes, slices, sets) = (0, 0, [[UInt8]]())
    while !bytes.isEmpty {
      let length = bytes.prefix(lengthBytes).reduce(0) { $0 << 8 | Int($1) }
      bytes = bytes.dropFirst(lengthBytes)
      guard length >= 1, length <= bytes.count else { return .doubtful }
      let unit = bytes.prefix(length)
      bytes = bytes.dropFirst(length)
      switch role(unit[unit.startIndex]) {
      case .refresh: refreshes += 1
      case .slice: slices += 1
      case .parameterSet: sets.append([UInt8](unit))
      case .other: break
      }
    }
    // Without a picture, it becomes none.
    guard refreshes + slices > 0 else { return .doubtful }
    if let parameterSets {
      guard sets.allSatisfy(parameterSets.contains) else { return .doubtful }
    } else {
      // Two of a kind could be versions of one.
      guard Set(sets.map { $0[0] }).count == sets.count else { return .doubtful }
      parameterSets = sets
    }
    return refreshes > 0 && slices == 0 && packet.isKey ? .refresh : .other
  }

  /// By the first byte of a unit (H.264 table 7-1, H.265 table 7-1).
  private func role(_ header: UInt8) -> Role {
    if codec == AV_CODEC_ID_H264 {
      switch header & 0x1f {
      case 5: return .refresh
      case 1...4: return .slice
      case 7, 8, 13, 15: return .parameterSet
      default: return .other
      }
    }
    switch header >> 1 & 0x3f {
    case 19, 20: return .refresh
    case 0...31: return .slice
    case 32...34: return .parameterSet
    default: return .other
    }
  }
}
