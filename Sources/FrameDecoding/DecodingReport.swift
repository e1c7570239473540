/// What decoding an input has come to so far.
public struct DecodingReport: Equatable, Sendable {
  /// Frames decoded, sampled or not.
  public var framesDecoded = 0
  /// Frames among them that are marked corrupt.
  public var corruptFrames = 0
  /// Packets that the container or the decoder called damaged.
  public var decodeErrors = 0
  /// Frames that a sampling by time left out because they have no timestamp.
  public var untimedFrames = 0
  /// The decoder's text for the last of the errors.
  public var lastError: String?

  /// A report on nothing.
  public init() {}
}
