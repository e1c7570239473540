/// What a network's inference computes in. Training computes in float32.
public enum Precision: Equatable, Sendable {
  /// Everything in float32.
  case float32
  /// Convolutions multiply numbers of 8 bits of mantissa, and sum in float32; their results are rounded likewise, but for
  /// the network's outputs. The convolution that reads the input, grouped ones and other operations stay float32. Where
  /// `InstructionSet.hasBFloat16`; no calibration.
  case bfloat16
  /// As calibration found.
  case int8(Quantization)
}
