/// The safetensors format: eight bytes that say how long the header is, a JSON header, the numbers.
public enum SafetensorsFile {
  /// How numbers are stored.
  public enum Storage: String, CaseIterable, Sendable {
    /// As they are.
    case float32 = "F32"
    /// IEEE 754 half precision, to 65504.
    case float16 = "F16"
    /// The upper half of a Float.
    case bfloat16 = "BF16"

    var byteCount: Int { self == .float32 ? 4 : 2 }
  }

  /// A tensor to be written.
  public struct Tensor {
    /// Its name; no two are equal.
    public var name: String
    /// Sizes, outermost first.
    public var shape: [Int]
    /// How it is stored.
    public var storage: Storage
    /// Its numbers in C order, asked for once, when they are written.
    public var values: () throws -> [Float]

    /// Creates a tensor from its parts.
    public init(
      name: String, shape: [Int], storage: Storage = .float32,
      values: @escaping () throws -> [Float]
    ) {
      self.name = name
      self.shape = shape
      self.storage = storage
      self.values = values
    }
  }

  /// The longest header that the reference implementation reads.
  static let maxHeaderByteCount = 100_000_000

  /// The key of the header that holds texts instead of a tensor.
  static let metadataKey = "__metadata__"
}
