/// A fraction of whole numbers, such as the seconds between two ticks of a clock, or a pixel's width by its height.
public struct Ratio: Equatable, Sendable {
  /// Above the line.
  public let numerator: Int32
  /// Below it.
  public let denominator: Int32

  /// Takes positive numbers.
  public init(_ numerator: Int32, _ denominator: Int32) {
    precondition(numerator > 0 && denominator > 0, "a ratio of \(numerator) to \(denominator)")
    self.numerator = numerator
    self.denominator = denominator
  }

  /// As a number.
  public var value: Double { Double(numerator) / Double(denominator) }

  /// The other way round.
  public var inverse: Ratio { Ratio(denominator, numerator) }
}
