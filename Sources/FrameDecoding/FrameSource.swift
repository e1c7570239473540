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

extension MediaReader: FrameSource {}
