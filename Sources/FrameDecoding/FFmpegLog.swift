import CFFmpeg
import Glibc

/// What FFmpeg writes about errors while one reader is at work.
///
/// FFmpeg has one log callback for the process. Every decoder here runs on one thread, its reader's or its own in a
/// `DecoderTeam`, so a line belongs to the log that is capturing on the thread that wrote it; lines of other threads are dropped.
final class FFmpegLog {
  /// The first error since `clear()`, with the name of the part that wrote it: later ones mostly follow from it.
  private(set) var firstError: String?
  /// What a decoder said since `clear()` that it cannot do. It goes on all the same, and may give black pixels.
  private(set) var missingFeature: String?
  /// FFmpeg names the feature in one line and says in the next that it is missing.
  private var lastWarning = ""

  /// Forgets what was written.
  func clear() {
    firstError = nil
    missingFeature = nil
  }

  /// Collects what FFmpeg writes on this thread while `body` runs.
  func capture<Result>(_ body: () throws(MediaError) -> Result) throws(MediaError) -> Result {
    let before = pthread_getspecific(Self.capturingLog)
    pthread_setspecific(Self.capturingLog, Unmanaged.passUnretained(self).toOpaque())
    defer { pthread_setspecific(Self.capturingLog, before) }
    return try body()
  }

  /// A failure while doing `what`, such as "opening the container", in FFmpeg's words.
  func failure(_ what: String, _ status: Int32) -> MediaError {
    MediaError(.data, "\(what): \(text(of: status))")
  }

  /// FFmpeg's text for a status, with the first error it logged.
  func text(of status: Int32) -> String {
    let text = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { line in
      // Fills in "Error number N occurred" where it knows no better, so the result says nothing.
      _ = av_strerror(status, line.baseAddress, line.count)
      return Self.string(line)
    }
    guard let firstError else { return text }
    return "\(text) (\(firstError))"
  }

  /// The log of the reader that runs on this thread. Made with the callback, before the first capture.
  private static let capturingLog: pthread_key_t = {
    var key = pthread_key_t()
    let status = pthread_key_create(&key, nil)
    precondition(status == 0, "pthread_key_create: \(status)")
    av_log_set_callback { part, level, format, arguments in
      guard level <= AV_LOG_WARNING, let arguments,
        let pointer = pthread_getspecific(FFmpegLog.capturingLog)
      else { return }
      let log = Unmanaged<FFmpegLog>.fromOpaque(pointer).takeUnretainedValue()
      if level <= AV_LOG_ERROR {
        log.writeError(part, format, arguments)
      } else {
        log.writeWarning(part, format, arguments)
      }
    }
    return key
  }()

  private func writeError(
    _ part: UnsafeMutableRawPointer?, _ format: UnsafePointer<CChar>?, _ arguments: CVaListPointer
  ) {
    guard firstError == nil else { return }
    let line = Self.line(part, format, arguments)
    guard !line.isEmpty else { return }
    firstError = Self.named(line, part)
  }

  private func writeWarning(
    _ part: UnsafeMutableRawPointer?, _ format: UnsafePointer<CChar>?, _ arguments: CVaListPointer
  ) {
    guard missingFeature == nil else { return }
    let line = Self.line(part, format, arguments)
    // libavcodec's avpriv_report_missing_feature, which all decoders use.
    if line.hasPrefix("is not implemented") {
      missingFeature = Self.named("\(lastWarning) is not implemented by FFmpeg", part)
    }
    lastWarning = line
  }

  private static func line(
    _ part: UnsafeMutableRawPointer?, _ format: UnsafePointer<CChar>?, _ arguments: CVaListPointer
  ) -> String {
    // FFmpeg's own prefix holds an address, which differs from run to run.
    var printsPrefix: Int32 = 0
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 512) { line in
      let length = av_log_format_line2(
        part, AV_LOG_ERROR, format, arguments, line.baseAddress, Int32(line.count), &printsPrefix)
      return length < 0 ? "" : string(line)
    }
  }

  private static func named(_ line: String, _ part: UnsafeMutableRawPointer?) -> String {
    name(of: part).map { "\($0): \(line)" } ?? line
  }

  /// The name of a codec or container context: every context starts with a pointer to its class.
  private static func name(of part: UnsafeMutableRawPointer?) -> String? {
    guard let part, let partClass = part.load(as: UnsafePointer<AVClass>?.self),
      let name = partClass.pointee.item_name?(part)
    else { return nil }
    // A demuxer's name lists its containers: mov,mp4,m4a,3gp,3g2,mj2.
    return String(cString: name).split(separator: ",").first.map(String.init)
  }

  private static func string(_ line: UnsafeMutableBufferPointer<CChar>) -> String {
    let bytes = line.prefix { $0 != 0 }.map {
      UInt8(bitPattern: $0) < 0x20 ? 0x20 : UInt8(bitPattern: $0)
    }
    let text = String(decoding: bytes, as: UTF8.self)
    return String(text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
  }
}
