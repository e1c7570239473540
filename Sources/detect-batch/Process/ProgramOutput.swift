import DetectionPipeline
import Glibc

/// Text that was asked for, such as help.
enum ProgramOutput {
  /// Writes a text and a line's end.
  ///
  /// - Returns: done, also where the reader has gone; `outputFailed` where the text could not be written, which is
  ///   said on standard error.
  static func write(_ text: String) -> ExitStatus {
    var bytes = Array((text + "\n").utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
      if count > 0 {
        bytes = bytes.dropFirst(count)
      } else if errno != EINTR {
        guard errno != EPIPE else { return .done }
        Log.error("standard output cannot be written: \(String(cString: strerror(errno)))")
        return .outputFailed
      }
    }
    return .done
  }
}
