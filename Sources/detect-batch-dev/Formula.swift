/// Numbers from the formula of `scripts/parity/formula.py`: number i of a stream is SplitMix64's finaliser of
/// FNV-1a(name) + (i + 1) * golden ratio.
enum Formula {
  static func word(_ stream: UInt64, _ index: Int) -> UInt64 {
    // Wrapping arithmetic modulo 2^64 is the definition of the generator.
    var z = stream &+ (UInt64(index) &+ 1) &* 0x9e37_79b9_7f4a_7c15
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  static func stream(_ name: String) -> UInt64 {
    name.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
  }

  /// Uniform in -1 ..< 1, 24 bits.
  static func uniform(_ name: String, count: Int) -> [Float] {
    let stream = stream(name)
    return [Float](unsafeUninitializedCapacity: count) { values, initialized in
      for index in 0..<count {
        values[index] = Float(Int64(word(stream, index) >> 40) - 1 << 23) * 0x1p-23
      }
      initialized = count
    }
  }

  /// Bytes of a picture of noise.
  static func pixels(_ name: String, count: Int) -> [UInt8] {
    let stream = stream(name)
    return (0..<count).map { UInt8(truncatingIfNeeded: word(stream, $0) >> 56) }
  }

  /// Weights that keep activations near one: uniform with He's variance, batch norms near the identity, and
  /// small where they close a residual branch. Not those of `networks.py`, which calibrates with torch.
  static func parameter(_ name: String, shape: [Int]) -> [Float] {
    let values = uniform(name, count: shape.reduce(1, *))
    if shape.count == 4 {
      let scale = (6 / Float(shape[1] * shape[2] * shape[3])).squareRoot()
      return values.map { $0 * scale }
    }
    if name.hasSuffix("running_mean") { return values.map { $0 * 0 } }
    if name.hasSuffix("running_var") { return values.map { $0 * 0 + 1 } }
    if name.hasSuffix("bias") { return values.map { $0 * 0.1 } }
    let gain: Float = name.contains("bn3") ? 0.2 : 1
    return values.map { gain * (1 + 0.25 * $0) }
  }
}
