/// SplitMix64 (Steele, Lea, Flood 2014): random numbers that the scripts in `scripts/` make just as well from the
/// same seed, so that a fixture holds a seed and not the numbers.
public struct SeededGenerator: RandomNumberGenerator, Sendable {
  private var state: UInt64

  /// Starts a sequence.
  public init(seed: UInt64) { state = seed }

  /// The next 64 bits.
  public mutating func next() -> UInt64 {
    // Wrapping arithmetic modulo 2^64 is the definition of the generator.
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }

  /// A float32 in 0 ..< 1 of 24 random bits.
  public mutating func unitFloat() -> Float { Float(next() >> 40) * 0x1p-24 }

  /// A whole number in 0 ..< bound, by remainder (the tests do not mind the bias).
  public mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
}
