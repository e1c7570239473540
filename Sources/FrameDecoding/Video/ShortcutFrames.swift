/// A way to some frames of a video that does not decode all before them.
protocol Shortcut: AnyObject {
  /// What decoding has come to so far.
  var report: DecodingReport { get }

  /// Goes to a keyframe before `time`, in seconds; if it is false, this cannot be used any more.
  func seek(before time: Double) -> Bool

  /// The next frame.
  ///
  /// - Throws: why the input stops early.
  func next() throws(MediaError) -> ShortcutStep
}

/// What a short cut gives.
enum ShortcutStep {
  case frame(Frame)
  case ended
  /// The full decode might give something else.
  case doubt
}

/// The frames of a short cut as long as it is certain that they are those of the full decode, with the same times in the
/// same order; from the first doubt on, the full decode.
///
/// Certain are frames whose timestamps come from the container, picture by picture, and rise. Where only packets have
/// them (AVI, raw streams, parts of MPEG-PS), a frame's time depends on how many others were decoded before it.
final class ShortcutFrames: FullSequence {
  private var shortcut: (any Shortcut)?
  private var full: VideoFrames?
  private let makeFull: () throws(MediaError) -> VideoFrames
  /// The timestamp of the last frame given.
  private var last: Int64?

  /// Starts with the short cut; `makeFull` opens the input anew.
  init(_ shortcut: any Shortcut, makeFull: @escaping () throws(MediaError) -> VideoFrames) {
    self.shortcut = shortcut
    self.makeFull = makeFull
  }

  var report: DecodingReport { full?.report ?? shortcut?.report ?? DecodingReport() }

  func next() throws(MediaError) -> Frame? {
    if let full { return try full.next() }
    if let shortcut {
      switch try shortcut.next() {
      case .frame(let frame) where isCertain(frame):
        last = frame.timestamp
        return frame
      // A file without a keyframe is left to the full decode, which knows what to say of it.
      case .ended where last != nil: return nil
      case .frame, .ended, .doubt: break
      }
    }
    // Its file is read by the other from here on.
    shortcut = nil
    let full = try makeFull()
    self.full = full
    guard case .frame(let frame)? = try full.nextStep(after: last) else { return nil }
    return frame
  }

  private func isCertain(_ frame: Frame) -> Bool {
    guard frame.hasOwnTimestamp, let timestamp = frame.timestamp else { return false }
    return last.map { $0 < timestamp } ?? true
  }
}
