import CFFmpeg
import Glibc

/// Compares each sampled frame of a video with the one that was looked at last.
///
/// What it says of a frame depends on the sampled frames before it alone, whether they are handed out or were in an
/// earlier run, so that it is the same after a resume and in a segment.
final class FrameComparison {
  /// A frame that is looked at, and stands for those after it that are the same.
  final class Subject {
    let frame: Frame
    /// In the full decode.
    let ordinal: Int
    fileprivate let orientation: Orientation
    /// For `Sameness.still` alone.
    fileprivate let luma: Luma?
    /// Its picture was handed out.
    var wasGiven = false

    fileprivate init(_ frame: Frame, ordinal: Int, orientation: Orientation, luma: Luma?) {
      self.frame = frame
      self.ordinal = ordinal
      self.orientation = orientation
      self.luma = luma
    }
  }

  private let sameness: Sameness
  private var last: Subject?
  private var toLuma: Scaler?

  /// Starts a video.
  init(_ sameness: Sameness) { self.sameness = sameness }

  /// Takes the next sampled frame.
  ///
  /// - Returns: the frame that is looked at in its place, which may be itself.
  /// - Throws: a data failure if its pixel format cannot be converted to luma.
  func subject(
    for frame: Frame, ordinal: Int, orientation: Orientation
  ) throws(MediaError) -> Subject {
    let luma: Luma?
    switch sameness {
    case .equalPixels: luma = nil
    case .still: luma = try self.luma(of: frame)
    }
    if let last, last.orientation == orientation, frame.hasFormat(of: last.frame) {
      let isSame =
        switch (sameness, luma, last.luma) {
        case (.still(let limit), let luma?, let before?): !luma.differs(from: before, above: limit)
        default: frame.hasPixels(of: last.frame)
        }
      if isSame { return last }
    }
    let subject = Subject(frame, ordinal: ordinal, orientation: orientation, luma: luma)
    last = subject
    return subject
  }

  /// Luma of 8 bits: where it lies, or made of what there is.
  private func luma(of frame: Frame) throws(MediaError) -> Luma {
    let source = try Scaler.Source(frame, isStillImage: false)
    if let description = av_pix_fmt_desc_get(AVPixelFormat(source.format)),
      source.isLumaAndChroma || description.pointee.nb_components == 1,
      description.pointee.comp.0.plane == 0, description.pointee.comp.0.step == 1,
      description.pointee.comp.0.depth == 8,
      Int32(description.pointee.flags) & (AV_PIX_FMT_FLAG_PAL | AV_PIX_FMT_FLAG_BITSTREAM) == 0
    {
      return Luma(frame)
    }
    if toLuma?.source != source {
      toLuma = try Scaler(
        source, to: AV_PIX_FMT_GRAY8, flags: PixelConverter.flags,
        colour: .init(matrix: 6, isFullRange: source.isFullRange))
    }
    guard let toLuma else { preconditionFailure("made above") }
    let converted = try Frame(AV_PIX_FMT_GRAY8, width: source.width, height: source.height)
    try toLuma.scale(frame, into: converted)
    return Luma(converted)
  }
}

/// A picture's luma: the first plane of a frame.
private struct Luma {
  private static let side = 16

  private let frame: Frame

  init(_ frame: Frame) { self.frame = frame }

  /// Whether a block of 16x16 pixels, or what of one lies in the picture, differs by more than `limit` levels on average.
  func differs(from other: Luma, above limit: Double) -> Bool {
    let (width, height) = (frame.width, frame.height)
    var sums = [UInt32](repeating: 0, count: (width + Self.side - 1) / Self.side)
    for top in stride(from: 0, to: height, by: Self.side) {
      let rows = min(Self.side, height - top)
      for index in sums.indices { sums[index] = 0 }
      for y in top..<top + rows { Self.add(row(y), other.row(y), to: &sums) }
      for (block, sum) in sums.enumerated() {
        let columns = min(Self.side, width - block * Self.side)
        if Double(sum) > limit * Double(columns * rows) { return true }
      }
    }
    return false
  }

  private func row(_ y: Int) -> UnsafeBufferPointer<UInt8> {
    let fields = frame.pointer.pointee
    guard let start = fields.data.0 else { preconditionFailure("a frame without its bytes") }
    return UnsafeBufferPointer(start: start + y * Int(fields.linesize.0), count: frame.width)
  }

  private static func add(
    _ first: UnsafeBufferPointer<UInt8>, _ second: UnsafeBufferPointer<UInt8>,
    to sums: inout [UInt32]
  ) {
    let (a, b) = (UnsafeRawBufferPointer(first), UnsafeRawBufferPointer(second))
    for block in sums.indices {
      let start = block * side
      if start + side <= first.count {
        let x = a.loadUnaligned(fromByteOffset: start, as: SIMD16<UInt8>.self)
        let y = b.loadUnaligned(fromByteOffset: start, as: SIMD16<UInt8>.self)
        // The larger minus the smaller; 16 of them fit into 16 bits.
        let distances = pointwiseMax(x, y) &- pointwiseMin(x, y)
        sums[block] += UInt32(SIMD16<UInt16>(truncatingIfNeeded: distances).wrappedSum())
      } else {
        for x in start..<first.count {
          sums[block] += UInt32(abs(Int32(first[x]) - Int32(second[x])))
        }
      }
    }
  }
}

extension Frame {
  /// Whether pixels of both mean the same: size, format and colours are equal.
  func hasFormat(of other: Frame) -> Bool {
    let (mine, others) = (pointer.pointee, other.pointer.pointee)
    return mine.width == others.width && mine.height == others.height
      && mine.format == others.format && mine.colorspace == others.colorspace
      && mine.color_range == others.color_range
  }

  /// Whether both have the same pixels, where they have the same format. Padding does not count, a palette does.
  func hasPixels(of other: Frame) -> Bool {
    let (mine, others) = (pointer.pointee, other.pointer.pointee)
    guard let description = av_pix_fmt_desc_get(AVPixelFormat(mine.format)) else { return false }
    let first = [mine.data.0, mine.data.1, mine.data.2, mine.data.3]
    let second = [others.data.0, others.data.1, others.data.2, others.data.3]
    let firstStride = [mine.linesize.0, mine.linesize.1, mine.linesize.2, mine.linesize.3]
    let secondStride = [others.linesize.0, others.linesize.1, others.linesize.2, others.linesize.3]
    let isPalette = Int32(description.pointee.flags) & AV_PIX_FMT_FLAG_PAL != 0
    for plane in 0..<4 {
      guard let a = first[plane], let b = second[plane] else { break }
      if isPalette && plane == 1 { return memcmp(a, b, Int(AVPALETTE_SIZE)) == 0 }
      let rowBytes = av_image_get_linesize(AVPixelFormat(mine.format), mine.width, Int32(plane))
      guard rowBytes > 0 else { return false }
      let shift = plane == 1 || plane == 2 ? Int(description.pointee.log2_chroma_h) : 0
      let rows = (height + (1 << shift) - 1) >> shift
      for row in 0..<rows
      where memcmp(
        a + row * Int(firstStride[plane]), b + row * Int(secondStride[plane]), Int(rowBytes)) != 0
      {
        return false
      }
    }
    return true
  }
}
