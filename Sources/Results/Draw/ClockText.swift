/// Times and numbers in names of files and in captions.
enum ClockText {
  /// Hours, minutes and seconds with three decimals: `00:01:02.500`. What lies before the start is the start.
  static func text(_ seconds: Double) -> String {
    let (hours, minutes, rest) = parts(seconds)
    return
      "\(padded(hours, 2)):\(padded(minutes, 2)):\(padded(rest / 1000, 2)).\(padded(rest % 1000, 3))"
  }

  /// The same for a file's name: `00h01m02.500s`.
  static func name(_ seconds: Double) -> String {
    let (hours, minutes, rest) = parts(seconds)
    return
      "\(padded(hours, 2))h\(padded(minutes, 2))m\(padded(rest / 1000, 2)).\(padded(rest % 1000, 3))s"
  }

  /// With zeros in front, to so many digits.
  static func padded(_ number: Int, _ digits: Int) -> String {
    let text = String(number)
    return String(repeating: "0", count: max(0, digits - text.count)) + text
  }

  /// Hours, minutes, and milliseconds of the last minute.
  private static func parts(_ seconds: Double) -> (Int, Int, Int) {
    // Bounded: a forged time may be anything.
    let milliseconds = Int((min(max(seconds, 0), 1e9) * 1000).rounded())
    return (milliseconds / 3_600_000, milliseconds / 60_000 % 60, milliseconds % 60_000)
  }
}
