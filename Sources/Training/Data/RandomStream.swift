import Glibc

/// Random numbers from a seed and a name: SplitMix64 (Steele, Lea, Flood 2014). Everything random in training draws
/// from a stream of its own, so that one thing's draws never shift another's.
public struct RandomStream: RandomNumberGenerator, Sendable {
  private var state: UInt64

  /// Starts a stream.
  ///
  /// - Parameters:
  ///   - seed: the run's.
  ///   - name: what the numbers are for; other names give other numbers.
  public init(seed: UInt64, name: String) {
    // FNV-1a of the name. Wrapping arithmetic modulo 2^64 is the definition of both functions.
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
    state = Self.mix(seed &+ 0x9e37_79b9_7f4a_7c15) ^ hash
  }

  /// The next 64 bits.
  public mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    return Self.mix(state)
  }

  /// Uniform in 0 ..< 1, a multiple of 2^-53.
  public mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// Uniform between two bounds, the upper one excluded (but for rounding).
  public mutating func uniform(_ range: ClosedRange<Double>) -> Double {
    range.lowerBound + uniform() * (range.upperBound - range.lowerBound)
  }

  /// Normal with mean 0 and standard deviation 1 (Box and Muller 1958, the cosine alone).
  public mutating func normal() -> Double {
    // 1 - u lies in (0, 1]: its logarithm is finite.
    let radius = (-2 * log(1 - uniform())).squareRoot()
    return radius * cos(2 * .pi * uniform())
  }

  private static func mix(_ state: UInt64) -> UInt64 {
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }
}
