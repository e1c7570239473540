import Synchronization

/// A first decoder process that is a copy of this one, taken before this one has done anything. To start the program
/// again takes some 40 ms of a processor, nearly all for linking FFmpeg's hundred libraries; a copy is linked already.
///
/// Whoever breaks into it knows where this process has its libraries. That is all: it has read nothing yet, the copy forgets
/// its environment but for what others get (`ChildEnvironment`), and is confined as they are.
public enum EarlyDecoder {
  private static let process = Mutex<DecoderProcess?>(nil)

  /// Splits it off, if this can be done. This process must have one thread, for no other is in the copy.
  public static func begin() {
    // Where it fails, the first process is started when it is needed, which says why it cannot be.
    let copy = try? DecoderProcess(copyingThisProcessFor: MediaLimits().maxPixels)
    process.withLock { $0 = copy }
  }

  /// Hands it over, once.
  static func take() -> DecoderProcess? {
    process.withLock { process in
      defer { process = nil }
      return process
    }
  }
}
