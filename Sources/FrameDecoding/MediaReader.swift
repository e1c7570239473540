import SystemPackage

/// Reads the sampled frames of one video or image file, upright, in order of the full decode.
///
/// Used by one thread at a time. Decoding is single-threaded and the same for every run.
public final class MediaReader {
  /// What is known since opening.
  public let info: MediaInfo
  /// What decoding has come to so far.
  public private(set) var report = DecodingReport()

  /// Opens a file and its best video stream. Only bytes of this file are ever read, whatever it names.
  ///
  /// - Parameters:
  ///   - path: a regular file, or links to one.
  ///   - sampling: which frames are wanted.
  ///   - limits: when to give up.
  ///   - sampledFrames: how many of the first sampled frames to leave out, as already done; they are decoded all the
  ///     same, since frame numbers are known in no other way, but not converted.
  ///   - cancellation: stops this reader from another thread.
  /// - Throws: an access failure if the file cannot be read, a data failure if it has no decodable video.
  public init(
    path: FilePath, sampling: FrameSampling = .init(), limits: MediaLimits = .init(),
    skipping sampledFrames: Int = 0, cancellation: MediaCancellation = .init()
  ) throws(MediaError) {
    throw MediaError(.data, "decoding is being built")
  }

  /// The next sampled frame; nil at the end.
  ///
  /// - Throws: after the last decodable frame, why the input stops early; the same again when called again.
  public func nextFrame() throws(MediaError) -> DecodedFrame? { nil }
}
