import CFFmpeg
import SystemPackage

/// What FFmpeg's functions return: 0 or more for success.
enum FFmpegStatus {
  /// Stops encoders from writing statistics on standard error; errors come back as statuses.
  static let silence: Void = av_log_set_level(AV_LOG_QUIET)

  /// - Throws: `EncodingError.refused` for a failure while doing `what`.
  static func check(_ status: Int32, _ what: String) throws(EncodingError) {
    if status < 0 { throw .refused("\(what): \(text(status))") }
  }

  /// FFmpeg's words.
  static func text(_ status: Int32) -> String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { line in
      // Fills in "Error number N occurred" where it knows no better, so the result says nothing.
      _ = av_strerror(status, line.baseAddress, line.count)
      return line.baseAddress.map { String(cString: $0) } ?? ""
    }
  }

  /// The system's error behind a status; an I/O error where FFmpeg names none.
  static func systemError(_ status: Int32) -> Errno {
    (-4095..<0).contains(status) ? Errno(rawValue: -status) : .ioError
  }
}
