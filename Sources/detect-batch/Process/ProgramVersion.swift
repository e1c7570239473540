import FrameDecoding
import NeuralNetwork

/// What `--version` says. Asking for the instruction set settles it: `--isa` comes before.
enum ProgramVersion {
  static let number = "0.1.0"

  static var text: String {
    """
    detect-batch \(number)
    oneDNN \(Engine.oneDNNVersion)
    FFmpeg \(DecoderVersion.text)
    instruction set \(InstructionSet.effective?.rawValue ?? "unknown")
    precisions \(precisions)
    """
  }

  /// What `--precision` takes on this CPU.
  private static var precisions: String {
    let int8 = InstructionSet.hasVNNI ? "int8" : "int8 (slow without VNNI)"
    return (["float32"] + (InstructionSet.hasBFloat16 ? ["bf16"] : []) + [int8])
      .joined(separator: ", ")
  }
}
