/// The values that only `train` takes; see `OptionValue`.
enum TrainOptionValue {
  /// A number from 0 to 1, or "none".
  struct FractionOrNone: Equatable {
    let value: Double?
  }

  /// Whole numbers above 0 with commas between them.
  static func sizes(_ text: String) throws(OptionValueError) -> [Int] {
    try list(text, "whole numbers above 0 with commas between them, such as 480,640") {
      Int($0).flatMap { $0 > 0 ? $0 : nil }
    }
  }

  /// Numbers above 0 with commas between them.
  static func ratios(_ text: String) throws(OptionValueError) -> [Double] {
    try list(text, "numbers above 0 with commas between them, such as 0.5,1,2") {
      number($0).flatMap { $0 > 0 ? $0 : nil }
    }
  }

  /// Two numbers above 0, the lesser first.
  static func range(_ text: String) throws(OptionValueError) -> ClosedRange<Double> {
    let wrong = OptionValueError(
      expected: "two numbers above 0, the lesser first, such as 0.8,1.25")
    let ends: [Double]
    do { ends = try ratios(text) } catch { throw wrong }
    guard ends.count == 2, ends[0] <= ends[1] else { throw wrong }
    return ends[0]...ends[1]
  }

  static func nonNegative(_ text: String) throws(OptionValueError) -> Double {
    guard let number = number(text), number >= 0 else {
      throw OptionValueError(expected: "a number from 0 on")
    }
    return number
  }

  static func stages(_ text: String) throws(OptionValueError) -> Int {
    guard let number = Int(text), (0...5).contains(number) else {
      throw OptionValueError(expected: "a whole number from 0 to 5")
    }
    return number
  }

  static func fractionOrNone(_ text: String) throws(OptionValueError) -> FractionOrNone {
    if text == "none" { return FractionOrNone(value: nil) }
    guard let number = number(text), number > 0, number < 1 else {
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

  /// A finite number in digits.
  private static func number(_ text: String) -> Double? {
    guard text.allSatisfy({ "0123456789+-.eE".contains($0) }), let number = Double(text),
      number.isFinite
    else { return nil }
    return number
  }
}
