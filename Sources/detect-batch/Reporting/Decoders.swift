import FrameDecoding

/// The decoders of this program's commands.
enum Decoders {
  /// Decoders that say in the log what a person may want to know of where they run.
  static func make(_ isolation: MediaDecoders.Isolation?) -> MediaDecoders {
    MediaDecoders(isolation ?? .on) { note in
      switch note {
      case .notIsolated(let reason):
        Log.logger.notice(
          "inputs are decoded in this process, with all its rights: \(reason) (--isolation off says no more of it)"
        )
      case .lacking(let measures):
        Log.logger.debug("decoder processes: \(measures.joined(separator: "; "))")
      }
    }
  }
}
