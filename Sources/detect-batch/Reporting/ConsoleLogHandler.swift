import Glibc
import JSONText
import Logging

/// How log lines are written.
enum LogFormat: String, CaseIterable, Sendable {
  /// For people.
  case text
  /// One object per line: `time`, `level`, `message`, then what belongs to the message.
  case json

  /// What a command line asks for, whether or not the rest of it can be understood; the last word counts.
  static func typed(in arguments: [String]) -> LogFormat {
    var format = LogFormat.text
    let options = arguments.prefix { $0 != "--" }
    for (index, argument) in options.enumerated() {
      if argument == "--log-format", index + 1 < options.count {
        format = LogFormat(rawValue: options[index + 1]) ?? format
      } else if argument.hasPrefix("--log-format=") {
        format = LogFormat(rawValue: String(argument.drop { $0 != "=" }.dropFirst())) ?? format
      }
    }
    return format
  }
}

/// Log lines on standard error.
struct ConsoleLogHandler: LogHandler {
  let format: LogFormat
  var logLevel: Logger.Level
  var metadata: Logger.Metadata = [:]

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let all = metadata.merging(event.metadata ?? [:]) { $1 }
    Console.standardError.writeLine(
      Self.line(format, event.level, event.message.description, all, at: Self.now()))
  }

  /// One line. The text for people leaves the metadata out: the message says it.
  static func line(
    _ format: LogFormat, _ level: Logger.Level, _ message: String, _ metadata: Logger.Metadata,
    at time: String
  ) -> String {
    switch format {
    case .text:
      switch level {
      case .critical, .error: return "detect-batch: error: \(message)"
      case .warning: return "detect-batch: warning: \(message)"
      case .notice, .info, .debug, .trace: return "detect-batch: \(message)"
      }
    case .json:
      let head: [(key: String, value: JSONValue)] = [
        ("time", .string(time)), ("level", .string(level.rawValue)), ("message", .string(message)),
      ]
      let rest = metadata.sorted { $0.key < $1.key }.map { ($0.key, JSONValue($0.value)) }
      return escaped(JSONValue.object(head + rest).compact)
    }
  }

  /// JSON leaves DEL and the C1 controls as they are; a terminal does not, and what `Console` makes of them is no JSON.
  private static func escaped(_ json: String) -> String {
    guard json.unicodeScalars.contains(where: { (0x7f...0x9f).contains($0.value) }) else {
      return json
    }
    return json.unicodeScalars.map { scalar in
      (0x7f...0x9f).contains(scalar.value)
        ? "\\u00" + String(scalar.value, radix: 16) : String(Character(scalar))
    }.joined()
  }

  /// The time of day in UTC with milliseconds, as RFC 3339 writes it.
  private static func now() -> String {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    var parts = tm()
    gmtime_r(&time.tv_sec, &parts)
    func padded(_ number: Int, _ width: Int = 2) -> String {
      let digits = String(number)
      return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
    let date = [Int(parts.tm_year) + 1900, Int(parts.tm_mon) + 1, Int(parts.tm_mday)]
    let clock = [Int(parts.tm_hour), Int(parts.tm_min), Int(parts.tm_sec)]
    return date.map { padded($0) }.joined(separator: "-") + "T"
      + clock.map { padded($0) }.joined(separator: ":")
      + "." + padded(time.tv_nsec / 1_000_000, 3) + "Z"
  }
}

extension JSONValue {
  /// Numbers and truth values that were given as such stay what they are.
  fileprivate init(_ value: Logger.Metadata.Value) {
    switch value {
    case .string(let text): self = .string(text)
    case .stringConvertible(let number as Int): self = .int(number)
    case .stringConvertible(let number as Double): self = .double(number)
    case .stringConvertible(let flag as Bool): self = .bool(flag)
    case .stringConvertible(let other): self = .string(other.description)
    case .array(let values): self = .array(values.map { JSONValue($0) })
    case .dictionary(let members):
      self = .object(members.sorted { $0.key < $1.key }.map { ($0.key, JSONValue($0.value)) })
    @unknown default: self = .null
    }
  }
}
