/// The values that only `train` takes; see `OptionValue`.
enum TrainOptionValue {
  /// A number from 0 to 1, or "none".
  struct FractionOrNone: Equatable {
    let value: Double?
  }

  /// Sides of pictures in pixels, 1 to 16384 as a model file takes them, with commas between them.
  static func sizes(_ text: String) throws(OptionValueError) -> [Int] {
    try list(text, "whole numbers from 1 to 16384 with commas between them, such as 480,640") {
      whole($0, in: 1...16_384)
    }
  }

  /// The longest side of a picture in pixels.
  static func side(_ text: String) throws(OptionValueError) -> Int {
    try whole(text, in: 1...16_384, "a whole number from 1 to 16384")
  }

  /// Anchor sizes of the finest level in pixels, with commas between them: the coarsest level's are 16 times as large,
  /// and a model file takes 100000.
  static func anchorSizes(_ text: String) throws(OptionValueError) -> [Int] {
    try list(text, "whole numbers from 1 to 6250 with commas between them, such as 32,40,50") {
      whole($0, in: 1...6250)
    }
  }

  /// Heights over widths, 0.001 to 1000 as a model file takes them, with commas between them.
  static func ratios(_ text: String) throws(OptionValueError) -> [Double] {
    try list(text, "numbers from 0.001 to 1000 with commas between them, such as 0.5,1,2") {
      OptionValue.decimal($0).flatMap { (0.001...1000).contains($0) ? $0 : nil }
    }
  }

  /// Epochs, above 0 and at most `OptionValue.largest`, with commas between them.
  static func epochs(_ text: String) throws(OptionValueError) -> [Double] {
    try list(text, "numbers above 0 with commas between them, such as 16,22") { text in
      // Of one number the list says what is wrong.
      try? OptionValue.rate(text)
    }
  }

  /// Channels of a layer: a thousand times what anybody trains.
  static func channels(_ text: String) throws(OptionValueError) -> Int {
    try whole(text, in: 1...65_536, "a whole number from 1 to 65536")
  }

  /// Convolutions of a head.
  static func depth(_ text: String) throws(OptionValueError) -> Int {
    try whole(text, in: 1...64, "a whole number from 1 to 64")
  }

  /// Two factors from 0.01 to 100, the lesser first.
  static func range(_ text: String) throws(OptionValueError) -> ClosedRange<Double> {
    let wrong = OptionValueError(
      expected: "two numbers from 0.01 to 100, the lesser first, such as 0.8,1.25")
    let ends: [Double]
    do { ends = try ratios(text) } catch { throw wrong }
    guard ends.count == 2, ends[0] <= ends[1], ends[0] >= 0.01, ends[1] <= 100 else { throw wrong }
    return ends[0]...ends[1]
  }

  static func nonNegative(_ text: String) throws(OptionValueError) -> Double {
    guard let number = OptionValue.decimal(text), number >= 0 else {
      throw OptionValueError(expected: "a number from 0 on")
    }
    return number
  }

  static func stages(_ text: String) throws(OptionValueError) -> Int {
    try whole(text, in: 0...5, "a whole number from 0 to 5")
  }

  static func fractionOrNone(_ text: String) throws(OptionValueError) -> FractionOrNone {
    if text == "none" { return FractionOrNone(value: nil) }
    guard let number = OptionValue.decimal(text), number > 0, number < 1 else {
      throw OptionValueError(expected: "a number between 0 and 1, or none")
    }
    return FractionOrNone(value: number)
  }

  private static func list<Value>(
    _ text: String, _ expected: String, _ read: (String) -> Value?
  ) throws(OptionValueError) -> [Value] {
    let parts = text.split(separator: ",", omittingEmptySubsequences: false)
    let values = parts.compactMap { read(String($0.drop { $0 == " " })) }
    guard !values.isEmpty, values.count == parts.count else {
      throw OptionValueError(expected: expected)
    }
    return values
  }

  private static func whole(_ text: String, in range: ClosedRange<Int>) -> Int? {
    Int(text).flatMap { range.contains($0) ? $0 : nil }
  }

  private static func whole(
    _ text: String, in range: ClosedRange<Int>, _ expected: String
  ) throws(OptionValueError) -> Int {
    guard let number = whole(text, in: range) else { throw OptionValueError(expected: expected) }
    return number
  }
}
