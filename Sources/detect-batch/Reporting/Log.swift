import Logging
import Synchronization

/// The log of this process: set up once its options are known, and good for errors before.
enum Log {
  private static let settings = Mutex((format: LogFormat.text, level: Logger.Level.info))

  /// Chooses how lines are written, and which.
  static func configure(_ options: ReportOptions) {
    settings.withLock { $0 = (options.logFormat ?? .text, options.level) }
  }

  /// Chooses how lines are written.
  static func configure(_ format: LogFormat) { settings.withLock { $0.format = format } }

  /// A logger as it was chosen.
  static var logger: Logger {
    let (format, level) = settings.withLock { $0 }
    return Logger(label: "detect-batch") { _ in ConsoleLogHandler(format: format, logLevel: level) }
  }

  /// Says why the process ends.
  static func error(_ message: String) { logger.error("\(message)") }
}
