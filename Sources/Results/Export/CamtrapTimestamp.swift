/// A time of day with its zone, to the second, as Camtrap DP writes it: `2020-03-24T11:21:46+01:00`.
struct CamtrapTimestamp: Equatable, Comparable {
  /// Seconds since 1970 began, in UTC.
  let seconds: Int
  /// Minutes that the zone's clocks are ahead of UTC.
  private let offset: Int

  private init(seconds: Int, offset: Int) {
    self.seconds = seconds
    self.offset = offset
  }

  /// Reads ISO 8601 with a zone, or EXIF's way (`2020:03:24 11:21:46+01:00`); parts of a second are dropped. nil for
  /// anything else, a time without a zone too.
  init?(_ text: String) {
    let form =
      /(\d{4})[-:](\d\d)[-:](\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,]\d+)?(Z|[+-]\d\d:?\d\d)/
      .asciiOnlyDigits()
    guard let match = text.wholeMatch(of: form)?.output,
      let year = Int(match.1), let month = Int(match.2), let day = Int(match.3),
      let hour = Int(match.4), let minute = Int(match.5), let second = Int(match.6),
      (1...12).contains(month), hour < 24, minute < 60, second < 60
    else { return nil }
    let zone = match.7.filter { $0 != ":" }
    var offset = 0
    if zone != "Z" {
      guard let number = Int(zone.dropFirst()), number / 100 < 24, number % 100 < 60 else {
        return nil
      }
      offset = (number / 100 * 60 + number % 100) * (zone.first == "-" ? -1 : 1)
    }
    let days = Self.days(year, month, day)
    // The 31st of February is a day of March.
    guard Self.date(days) == (year, month, day) else { return nil }
    self.init(
      seconds: ((days * 24 + hour) * 60 + minute) * 60 + second - offset * 60, offset: offset)
  }

  /// So many seconds later; parts of one are dropped, and what is no time of a video counts as none.
  func adding(_ seconds: Double) -> CamtrapTimestamp {
    // Bounded: a hundred years.
    let whole = Int(min(max(seconds.isNaN ? 0 : seconds, 0), 3_155_760_000))
    return CamtrapTimestamp(seconds: self.seconds + whole, offset: offset)
  }

  /// As it is written, in its zone.
  var text: String {
    func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    let rest = Self.remainder(local, 86_400)
    let clock = "\(two(rest / 3600)):\(two(rest / 60 % 60)):\(two(rest % 60))"
    let zone = "\(offset < 0 ? "-" : "+")\(two(abs(offset) / 60)):\(two(abs(offset) % 60))"
    return "\(date)T\(clock)\(offset == 0 ? "Z" : zone)"
  }

  /// The day, as `2020-03-24`.
  var date: String {
    let (year, month, day) = Self.date((local - Self.remainder(local, 86_400)) / 86_400)
    func padded(_ number: Int, _ digits: Int) -> String {
      let text = "\(number)"
      return String(repeating: "0", count: max(0, digits - text.count)) + text
    }
    return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
  }

  static func < (left: CamtrapTimestamp, right: CamtrapTimestamp) -> Bool {
    left.seconds < right.seconds
  }

  private var local: Int { seconds + offset * 60 }

  private static func remainder(_ number: Int, _ divisor: Int) -> Int {
    (number % divisor + divisor) % divisor
  }

  /// Days since 1970 began of a date of the Gregorian calendar: years begin in March, so that the day that leap years
  /// have more is their last.
  private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
    let shifted = (month + 9) % 12
    let years = year - shifted / 10
    return 365 * years + years / 4 - years / 100 + years / 400 + (shifted * 306 + 5) / 10 + day - 1
      - 719_468
  }

  private static func date(_ days: Int) -> (Int, Int, Int) {
    let count = days + 719_468
    var year = (10_000 * count + 14_780) / 3_652_425
    var rest = count - Self.firstDay(year)
    if rest < 0 {
      year -= 1
      rest = count - Self.firstDay(year)
    }
    let shifted = (100 * rest + 52) / 3060
    return (
      year + (shifted + 2) / 12, (shifted + 2) % 12 + 1, rest - (shifted * 306 + 5) / 10 + 1
    )
  }

  private static func firstDay(_ year: Int) -> Int {
    365 * year + year / 4 - year / 100 + year / 400
  }
}
