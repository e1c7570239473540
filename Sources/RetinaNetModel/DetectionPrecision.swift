import Failures
import NeuralNetwork

/// What a run computes in.
public enum DetectionPrecision: String, CaseIterable, Sendable {
  /// 32-bit floating point.
  case float32
  /// bfloat16 products, for CPUs that have them.
  case bf16
  /// 8-bit products, of models that were calibrated for them.
  case int8
}

/// A precision that this model, or this CPU, does not have.
public struct PrecisionError: ClassifiedError, Equatable, Sendable {
  /// What was asked for.
  public let precision: DetectionPrecision

  /// Usage: another choice would do.
  public var kind: FailureKind { .usage }

  /// One line.
  public var description: String {
    switch precision {
    case .float32: "float32 is always there"
    case .bf16:
      "bf16 needs a CPU with AVX512_BF16 or AMX, and this one is used as "
        + "\(InstructionSet.effective?.rawValue ?? "none of those that are known"): take float32"
    case .int8:
      "the model was not calibrated for int8: `detect-batch quantize` makes a file that is"
    }
  }
}

extension ModelDescription {
  /// What a run computes in.
  ///
  /// - Parameter choice: what was asked for; nil: int8 where the model was calibrated, else float32.
  /// - Returns: the precision.
  /// - Throws: `PrecisionError` where there is none such.
  public func precision(
    _ choice: DetectionPrecision?
  ) throws(PrecisionError) -> (choice: DetectionPrecision, arithmetic: Precision) {
    switch choice ?? (quantization == nil ? .float32 : .int8) {
    case .float32: return (.float32, .float32)
    case .bf16:
      guard InstructionSet.hasBFloat16 else { throw PrecisionError(precision: .bf16) }
      return (.bf16, .bfloat16)
    case .int8:
      guard let quantization else { throw PrecisionError(precision: .int8) }
      return (.int8, .int8(quantization.arithmetic))
    }
  }
}
