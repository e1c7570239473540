import DetectionPipeline
import RetinaNetModel

/// What would be right instead of a value, for the message that names the option or the key.
struct OptionValueError: Error, Equatable, CustomStringConvertible {
  let expected: String

  var description: String { "it has to be \(expected)" }
}

/// The threshold of one label.
struct ClassThreshold: Equatable {
  let label: String
  let score: Float
}

/// The values that options take, each read in one place: from the command line and from pipeline files alike.
///
/// All numbers but seeds and bytes are at most `largest`: more than anybody means, and few enough that products of two
/// and conversions to whole numbers hold.
enum OptionValue {
  /// A thousand million: as seconds, 31 years.
  static let largest = 1_000_000_000

  static func text(_ text: String) -> String { text }

  /// A whole number from 1 to `largest`.
  static func positiveCount(_ text: String) throws(OptionValueError) -> Int {
    try count(text, in: 1...largest, "a whole number above 0")
  }

  /// A whole number from 0 to `largest`.
  static func count(_ text: String) throws(OptionValueError) -> Int {
    try count(text, in: 0...largest, "a whole number from 0 on")
  }

  /// A whole number from 0 on, however large: it is only mixed into others.
  static func seed(_ text: String) throws(OptionValueError) -> Int {
    try count(text, in: 0...Int.max, "a whole number from 0 on")
  }

  /// A number of pictures of one kind.
  static func sampleCount(_ text: String) throws(OptionValueError) -> Int {
    try count(text, in: 0...1000, "a whole number from 0 to 1000")
  }

  /// Pixels of a side of the network's input.
  static func inputSide(_ text: String) throws(OptionValueError) -> Int {
    let sides = ModelDescription.inputSides
    return try count(
      text, in: sides, "pixels from \(sides.lowerBound) to \(sides.upperBound), such as 800")
  }

  /// Pixels of a tile's side.
  static func tileSide(_ text: String) throws(OptionValueError) -> Int {
    let sides = Tiling.sides
    return try count(
      text, in: sides, "pixels from \(sides.lowerBound) to \(sides.upperBound), such as 800")
  }

  /// The share that neighbouring tiles have in common.
  static func tileOverlap(_ text: String) throws(OptionValueError) -> Double {
    guard let number = decimal(text), Tiling.overlaps.contains(number) else {
      throw OptionValueError(expected: "a share from 0 to 0.9, such as 0.2")
    }
    return number
  }

  private static func count(
    _ text: String, in range: ClosedRange<Int>, _ expected: String
  ) throws(OptionValueError) -> Int {
    guard let number = Int(text), range.contains(number) else {
      // The bound is no news to whoever has not come near it.
      let isLarge = text.count > 9 && text.allSatisfy(\.isNumber)
      throw OptionValueError(
        expected: expected + (isLarge ? " and at most \(range.upperBound)" : ""))
    }
    return number
  }

  /// A number from 0 to 1.
  static func fraction(_ text: String) throws(OptionValueError) -> Double {
    guard let number = decimal(text), (0...1).contains(number) else {
      throw OptionValueError(expected: "a number from 0 to 1")
    }
    return number
  }

  /// A difference of luma in 8 bits.
  static func levels(_ text: String) throws(OptionValueError) -> Double {
    guard let number = decimal(text), (0...255).contains(number) else {
      throw OptionValueError(expected: "a number of levels from 0 to 255, such as 3")
    }
    return number
  }

  /// A number from 0 to 51, as x264 takes it.
  static func rateFactor(_ text: String) throws(OptionValueError) -> Double {
    guard let number = decimal(text), (0...51).contains(number) else {
      throw OptionValueError(expected: "a number from 0 to 51")
    }
    return number
  }

  /// A score, rounded once from its digits to a Float.
  static func score(_ text: String) throws(OptionValueError) -> Float {
    guard decimal(text) != nil, let number = Float(text), (0...1).contains(number) else {
      throw OptionValueError(expected: "a number from 0 to 1")
    }
    return number
  }

  /// A number above 0, at most `largest`.
  static func rate(_ text: String) throws(OptionValueError) -> Double {
    try number(text, "a number above 0", ", such as 2 or 0.5") { $0 > 0 }
  }

  /// A span of time in seconds, 0 to `largest`.
  static func seconds(_ text: String) throws(OptionValueError) -> Double {
    try number(text, "seconds from 0 on") { $0 >= 0 }
  }

  private static func number(
    _ text: String, _ expected: String, _ example: String = "",
    where isWanted: (Double) -> Bool
  ) throws(OptionValueError) -> Double {
    guard let number = decimal(text), isWanted(number), number <= Double(largest) else {
      let isLarge = decimal(text).map { $0 > Double(largest) } ?? false
      throw OptionValueError(
        expected: expected + (isLarge ? " and at most \(largest)" : "") + example)
    }
    return number
  }

  /// Niceness as `nice` takes it.
  static func niceness(_ text: String) throws(OptionValueError) -> Int {
    guard let number = Int(text), (0...19).contains(number) else {
      throw OptionValueError(expected: "a whole number from 0 to 19")
    }
    return number
  }

  /// A point in time, 0 to `largest` seconds: seconds, MM:SS or HH:MM:SS, each with decimals.
  static func timePosition(_ text: String) throws(OptionValueError) -> Double {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    let numbers = parts.enumerated().compactMap { index, part -> Double? in
      guard let number = decimal(String(part)), number >= 0 else { return nil }
      if parts.count == 1 { return number }
      // Below the hours (or the minutes that stand first) a part stays below 60, and only seconds have decimals.
      let isLast = index == parts.count - 1
      guard index == 0 || number < 60, isLast || part.allSatisfy(\.isNumber) else { return nil }
      return number
    }
    let seconds = numbers.reduce(0) { $0 * 60 + $1 }
    guard numbers.count == parts.count, (1...3).contains(numbers.count), seconds <= Double(largest)
    else {
      throw OptionValueError(expected: "seconds or HH:MM:SS, such as 90.5 or 00:01:30.5")
    }
    return seconds
  }

  /// The least memory that a run can be held to, 64 MiB: less was meant in another unit.
  static let leastMemory = 64 << 20

  /// A number of bytes from `leastMemory` on, with a unit (KiB, MiB, GiB, TiB, or K, M, G, T for the same) or without.
  static func byteCount(_ text: String) throws(OptionValueError) -> Int {
    let units = ["": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40]
    let digits = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
    var unit = text.dropFirst(digits.count).lowercased()
    for suffix in ["ib", "b"] where unit.hasSuffix(suffix) {
      unit.removeLast(suffix.count)
      break
    }
    guard let number = decimal(String(digits)), let factor = units[unit],
      let bytes = Int(exactly: (number * Double(factor)).rounded()), bytes >= leastMemory
    else {
      throw OptionValueError(
        expected: "a size of at least 64MiB, such as 512MiB or 4GiB (without a unit it is bytes)")
    }
    return bytes
  }

  /// The threshold of one label, as LABEL=X; the label may have an equals sign in it.
  static func classThreshold(
    _ text: String
  ) throws(OptionValueError) -> ClassThreshold {
    let wrong = OptionValueError(expected: "LABEL=X with X from 0 to 1, such as qr_code=0.4")
    guard let equals = text.lastIndex(of: "="), equals != text.startIndex else { throw wrong }
    do {
      return ClassThreshold(
        label: String(text[..<equals]), score: try score(String(text[text.index(after: equals)...]))
      )
    } catch {
      throw wrong
    }
  }

  /// Labels with commas between them.
  static func labels(_ text: String) throws(OptionValueError) -> [String] {
    let labels = text.split(separator: ",").map { $0.trimmingBlanks() }
    guard !labels.isEmpty, labels.allSatisfy({ !$0.isEmpty }) else {
      throw OptionValueError(expected: "labels with commas between them, such as qr_code,barcode")
    }
    return labels
  }

  /// A file to be written, which standard output cannot stand for.
  static func outputFile(_ text: String) throws(OptionValueError) -> String {
    guard text != "-", !text.isEmpty else {
      throw OptionValueError(expected: "a file's name (a file called - is ./-)")
    }
    return text
  }

  /// A directory to be written to, which standard output cannot stand for.
  static func directory(_ text: String) throws(OptionValueError) -> String {
    guard text != "-", !text.isEmpty else {
      throw OptionValueError(expected: "a directory's name (one called - is ./-)")
    }
    return text
  }

  /// Where records go: a directory, or - for standard output. What is spelled like a file of records was meant to be one.
  static func output(_ text: String) throws(OptionValueError) -> String {
    guard !text.isEmpty else { throw OptionValueError(expected: "a directory, or -") }
    let fileExtensions = ["jsonl", "ndjson", "json", "csv", "txt"]
    let path = ArgumentBytes.path(text)
    guard let ending = path.extension?.lowercased(), fileExtensions.contains(ending),
      !text.hasSuffix("/"), !Places.isFolder(path)
    else { return text }
    throw OptionValueError(
      expected: "a directory, with a .jsonl file for each input; for one file of all records: "
        + "-o - > \(ArgumentBytes.display(text))")
  }

  /// One of the words of an enumeration.
  static func choice<Choice: RawRepresentable & CaseIterable>(
    _ text: String
  ) throws(OptionValueError) -> Choice where Choice.RawValue == String {
    guard let choice = Choice(rawValue: text) else {
      let words = Choice.allCases.map(\.rawValue)
      throw OptionValueError(expected: "one of \(words.joined(separator: ", "))")
    }
    return choice
  }

  /// A finite number in digits; Swift would also read "nan", "infinity" and hexadecimal.
  static func decimal(_ text: String) -> Double? {
    guard text.allSatisfy({ "0123456789+-.eE".contains($0) }), let number = Double(text),
      number.isFinite
    else { return nil }
    return number
  }
}

extension StringProtocol {
  fileprivate func trimmingBlanks() -> String {
    let front = drop { $0 == " " }
    return String(front.reversed().drop { $0 == " " }.reversed())
  }
}
