import FrameDecoding
import Synchronization

/// The decoders of this program's commands.
enum Decoders {
  private static let chosen = Mutex(MediaDecoders.Isolation.on)

  /// Says where this command decodes, before decoders are made.
  ///
  /// - Throws: Where that is asked of the kernel and it cannot.
  static func choose(_ option: IsolationOption) throws {
    let isolation = option.isolation ?? .on
    chosen.withLock { $0 = isolation }
    guard isolation == .required else { return }
    do { try make().require() } catch { throw Fault(.usage, error.description) }
  }

  /// Decoders that say in the log what a person may want to know of where they run.
  static func make(_ isolation: MediaDecoders.Isolation? = nil) -> MediaDecoders {
    MediaDecoders(
      isolation ?? chosen.withLock { $0 },
      note: { note in
        switch note {
        case .notIsolated(let reason):
          Log.logger.notice(
            "inputs are decoded in this process, with all its rights: \(reason) (--isolation off says no more of it)"
          )
        case .lacking(let measures):
          Log.logger.debug("decoder processes: \(measures.joined(separator: "; "))")
        case .lackingHere(let measures):
          Log.logger.debug("this process: \(measures.joined(separator: "; "))")
        }
      }, earlierThread: SignalHandling.run)
  }
}
