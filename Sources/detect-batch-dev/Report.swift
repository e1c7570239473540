import SystemPackage

/// Lines for a script to read, and facts about this process.
enum Report {
  /// Writes a line to standard output at once.
  static func line(_ text: String) throws {
    try FileDescriptor.standardOutput.writeAll(Array("\(text)\n".utf8))
  }

  /// A JSON object on a line: keys in this order, values as they are (numbers, or quoted text).
  static func json(_ fields: KeyValuePairs<String, String>) throws {
    try line("{" + fields.map { "\"\($0)\":\($1)" }.joined(separator: ",") + "}")
  }

  static func number(_ value: Double, _ decimals: Int = 4) -> String {
    var scale = 1.0
    for _ in 0..<decimals { scale *= 10 }
    return "\((value * scale).rounded() / scale)"
  }

  static func padded(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }

  /// The most memory that this process has held, in MiB.
  static func peakMemory() throws -> Int {
    let file = try FileDescriptor.open("/proc/self/status", .readOnly)
    let text = try file.closeAfter {
      try String(unsafeUninitializedCapacity: 16_384) {
        try file.read(into: UnsafeMutableRawBufferPointer($0))
      }
    }
    let line = text.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
    return (line?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) >> 10
  }
}

extension Duration {
  var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}

extension [Double] {
  /// The middle one, of an even number the mean of the two.
  var median: Double {
    let ordered = sorted()
    return (ordered[(count - 1) / 2] + ordered[count / 2]) / 2
  }
}
