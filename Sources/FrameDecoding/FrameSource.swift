/// An open input, whose frames come one after another. Used by one thread at a time.
public protocol FrameSource {
  /// What is known since opening.
  var info: MediaInfo { get }
  /// What decoding has come to so far.
  var report: DecodingReport { get }
  /// The next sampled frame; nil at the end.
  ///
  /// - Throws: after the last decodable frame, why the input stops early; the same again when called again.
  func nextFrame() throws(MediaError) -> DecodedFrame?
}

/// An open input whose frames are chosen one by one, or had as they are to be encoded again.
public protocol DrawableSource: FrameSource {
  /// The next sampled frame that is wanted; nil at the end. Others are not converted, which spares most of their time.
  ///
  /// - Parameter isWanted: is told a frame's number in the full decode and its time in seconds.
  /// - Returns: the frame, converted.
  /// - Throws: as `nextFrame()`, and what `isWanted` throws.
  func nextFrame(
    where isWanted: (_ index: Int, _ time: Double?) throws -> Bool
  ) throws -> DecodedFrame?

  /// The next sampled frame as it is to be encoded again; nil at the end.
  ///
  /// - Throws: as `nextFrame()`.
  func nextSourceFrame() throws(MediaError) -> SourceFrame?
}

extension MediaReader: DrawableSource {}
