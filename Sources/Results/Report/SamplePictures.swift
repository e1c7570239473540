import DetectionRecords
import FrameDecoding
import FrameEncoding
import Media
import Synchronization
import SystemPackage
import Workers

/// Makes pictures of frames that were chosen.
enum SamplePictures {
  /// The longer side of a picture in pixels.
  static let side = 480

  /// Decodes the frames and makes JPEG files of them, several at once.
  ///
  /// - Parameters:
  ///   - frames: of which each is made once.
  ///   - threads: at most this many at once.
  ///   - decoders: open the files.
  ///   - isStopped: says whether to give up.
  ///   - keep: takes the bytes of each and says what its address is; called by one thread at a time.
  /// - Returns: the address of each, or why there is none.
  /// - Throws: what `keep` throws, `ReportError.stopped`.
  static func make(
    _ frames: [SampledFrame], threads: Int, with decoders: MediaDecoders,
    isStopped: @escaping @Sendable () -> Bool,
    keep: @escaping @Sendable (Int, [UInt8]) throws -> String
  ) throws -> [SampledFrame.Identity: Result<String, MediaError>] {
    var seen: Set<SampledFrame.Identity> = []
    // In the order of the inputs, so that what lies together is read together.
    let wanted = frames.filter { seen.insert($0.identity).inserted }
      .sorted { $0.identity < $1.identity }
    let made = Mutex<[SampledFrame.Identity: Result<String, MediaError>]>([:])
    try forEach(0..<wanted.count, threads: threads) { index in
      if isStopped() { throw ReportError.stopped }
      let frame = wanted[index]
      let picture = Result { () throws(MediaError) in try jpeg(of: frame, with: decoders) }
      try made.withLock { made in
        switch picture {
        case .success(let bytes): made[frame.identity] = .success(try keep(index, bytes))
        case .failure(let error): made[frame.identity] = .failure(error)
        }
      }
    }
    return made.withLock { $0 }
  }

  private static func jpeg(
    of frame: SampledFrame, with decoders: MediaDecoders
  ) throws(MediaError) -> [UInt8] {
    guard let path = frame.path else {
      throw MediaError(.access, "the file is not where it was")
    }
    let picture = try decode(path, frame.record, with: decoders)
    guard picture.width == frame.record.width, picture.height == frame.record.height else {
      throw MediaError(.data, "the file is another one than when it was looked at")
    }
    do {
      return try PictureEncoder.preview(
        picture.pixels, width: picture.width, height: picture.height, side: side)
    } catch {
      throw MediaError(.data, "\(error)")
    }
  }

  /// The frame of a record. That of a time is sought, which costs little wherever it is; where there the frame of this
  /// very time is not found, all frames up to its number are decoded.
  private static func decode(
    _ path: FilePath, _ record: FrameRecord, with decoders: MediaDecoders
  ) throws(MediaError) -> RGBPicture {
    // Times of records have six decimals.
    let tolerance = 0.000_01
    if let time = record.time {
      let reader = try decoders.open(
        path,
        sampling: FrameSampling(
          start: max(0, time - tolerance), maxFrames: 1, needsFrameNumbers: false))
      if let frame = try reader.nextFrame(), let found = frame.time, abs(found - time) <= tolerance
      {
        return frame.picture
      }
    }
    guard let number = record.frame, number < .max else {
      throw MediaError(.data, "the frame is not found by its time, and has no number")
    }
    let reader = try decoders.open(
      path, sampling: FrameSampling(maxFrames: number + 1), skipping: number)
    guard let frame = try reader.nextFrame() else {
      throw MediaError(.data, "the file has no frame \(number) any more")
    }
    return frame.picture
  }
}
