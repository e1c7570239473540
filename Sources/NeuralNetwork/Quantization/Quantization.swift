/// How a network computes in 8 bits: what calibration finds out, and a model file keeps. Values and convolutions have the
/// names of `NetworkGraph.callNames`, which tell the occurrences of shared heads apart: each level has ranges of its own.
///
/// - A value with a range lies in memory in 8 bits (`StoredRange` says how); any other in float32. Max pooling and
///   upsampling keep what they are given. The network's input (`input`) has a range where the first convolution multiplies
///   in 8 bits.
/// - A convolution that is listed multiplies in 8 bits; any other in float32, whatever its input lies in.
/// - Weights are rounded for each output channel, after batch norm was folded in: with s = max |w| / 127 (0 for zeros),
///   to the nearest multiple of s, halves to even; in a Winograd domain for each point and output channel likewise.
///   Nothing of them is kept in the file: they follow from the weights.
///
/// Sums of products are exact in 32 bits; all else is float32. On CPUs without VNNI a bit is missing, or sums of two
/// products would saturate: of values and of direct weights (halved, and rounded again) and of what is transformed.
public struct Quantization: Equatable, Sendable {
  /// Ranges of values, by name.
  public var values: [String: StoredRange]
  /// How convolutions are multiplied, by name.
  public var convolutions: [String: Product]
  /// Convolutions whose bias has a correction, `biasCorrectionName(of:)` among the network's tensors: one number for
  /// each output channel, added to the folded bias.
  public var correctedBiases: Set<String>

  /// Creates a quantization; without parts, everything is computed in float32.
  public init(
    values: [String: StoredRange] = [:], convolutions: [String: Product] = [:],
    correctedBiases: Set<String> = []
  ) {
    self.values = values
    self.convolutions = convolutions
    self.correctedBiases = correctedBiases
  }

  /// What a value's 8 bits can say; numbers beyond are clamped.
  ///
  /// Without negative numbers: u8, a step being high / 255. Else s8 from -127 to 127, a step being the larger of -low and
  /// high, / 127. Rounded to the nearest, halves to even.
  public struct StoredRange: Hashable, Sendable {
    /// At most 0.
    public var low: Float
    /// At least 0; not 0 if `low` is.
    public var high: Float

    /// Creates a range; it must be finite and hold 0 and another number.
    public init(low: Float, high: Float) {
      precondition(Self.isValid(low: low, high: high), "a range from \(low) to \(high)")
      self.low = low
      self.high = high
    }

    /// Whether there is such a range.
    public static func isValid(low: Float, high: Float) -> Bool {
      low <= 0 && high >= 0 && high - low > 1e-30 && high < 1e30 && low > -1e30
    }

    /// Whether numbers lie as s8 rather than u8.
    public var isSigned: Bool { low < 0 }
    /// What 1 stands for.
    public var step: Float { isSigned ? max(-low, high) / 127 : high / 255 }
  }

  /// How a convolution's products are made.
  public enum Product: Equatable, Sendable {
    /// Of 8-bit inputs (the input's value has a range) and weights as they are; in one group.
    case direct
    /// Of 8-bit numbers in the Winograd domain of F(m x m, 3x3): 3x3 kernels of stride 1 in one group, with input
    /// channels that are a multiple of 16. Transforms are float32.
    ///
    /// `largest`: by point (row by row; 16 points for m = 2, 36 for m = 4), which |transformed input| becomes 127; larger
    /// ones are clamped. More than 0.
    case winograd(largest: [Float])
  }

  /// The name, among the network's tensors, of what is added to a convolution's folded bias.
  public static func biasCorrectionName(of convolution: String) -> String {
    "\(convolution).bias_correction"
  }

  /// Rounds weights as plans do.
  ///
  /// - Parameters:
  ///   - weights: with batch norm folded in, in PyTorch's order.
  ///   - outputChannels: divides their number.
  /// - Returns: the integers, and the step of each output channel.
  public static func rounded(
    _ weights: UnsafeBufferPointer<Float>, outputChannels: Int
  ) -> (integers: [Int8], steps: [Float]) {
    let perChannel = weights.count / outputChannels
    var integers = [Int8](repeating: 0, count: weights.count)
    var steps = [Float](repeating: 0, count: outputChannels)
    for channel in 0..<outputChannels {
      let range = channel * perChannel..<(channel + 1) * perChannel
      let largest = weights[range].reduce(0) { max($0, abs($1)) }
      // Weights that vanish are as if they were 0: a step of less would be 0 itself, or a bias divided by it infinite.
      guard largest > 1e-30 else { continue }
      steps[channel] = largest / 127
      // Divided, not multiplied by the inverse: the largest becomes 127, not 127.00001.
      for index in range {
        let multiple = (weights[index] / steps[channel]).rounded(.toNearestOrEven)
        integers[index] = Int8(max(-127, min(127, multiple)))
      }
    }
    return (integers, steps)
  }
}
