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
    """
  }
}
