import Synchronization

/// The weights of one network, packed for the kernels that use them: each form once, whoever asks, for all plans
/// and workers together.
///
/// Plans own the packed weights; the store only finds those that some plan still holds, so that weights packed
/// for a shape go when the last plan of that shape goes.
public final class WeightStore: Sendable {
  /// Gives the values of the tensor with this name, in PyTorch's order.
  public typealias Loader = @Sendable (String) throws -> [Float]

  /// The place of one form of weights. Its lock is held while they are packed, so that two plans in the making pack
  /// them once. Places stay, their weights do not: a network has few forms.
  final class Place: Sendable {
    private struct WeakBuffer {
      weak var value: AlignedBuffer?
    }
    private let packed = Mutex(WeakBuffer())

    /// The weights, if they are there.
    var held: AlignedBuffer? { packed.withLock(\.value) }

    func packed(orMakeBy pack: () throws -> AlignedBuffer) throws -> AlignedBuffer {
      try packed.withLock { packed in
        if let value = packed.value { return value }
        let made = try pack()
        packed.value = made
        return made
      }
    }
  }

  private let load: Loader
  private let places = Mutex<[PackingKey: Place]>([:])

  /// Creates a store that loads nothing yet.
  ///
  /// - Parameter load: called from several threads, once for each use of a tensor; its errors pass through.
  public init(load: @escaping Loader) {
    self.load = load
  }

  /// The place of each form.
  func places(of keys: [PackingKey]) -> [PackingKey: Place] {
    places.withLock { places in
      var found: [PackingKey: Place] = [:]
      for key in keys where found[key] == nil {
        let place = places[key] ?? Place()
        places[key] = place
        found[key] = place
      }
      return found
    }
  }

  /// Loads and packs one form.
  ///
  /// - Throws: `NeuralNetworkError`, or what the loader throws.
  func pack(_ key: PackingKey) throws -> AlignedBuffer {
    let buffer = try AlignedBuffer(byteCount: key.packing.byteCount)
    try key.packing.pack(self, to: buffer.address)
    return buffer
  }
}

extension WeightStore: ParameterSource {
  var mustBeFinite: Bool { true }

  func read<Result>(
    _ name: String, count: Int, _ body: (UnsafeBufferPointer<Float>) throws -> Result
  ) throws -> Result {
    let values = try load(name)
    guard values.count == count else {
      throw NeuralNetworkError.parameter(
        name: name, problem: "\(values.count) numbers where the network has \(count)")
    }
    return try values.withUnsafeBufferPointer { values in
      guard isFinite(values) else {
        throw NeuralNetworkError.parameter(name: name, problem: "holds NaN or infinity")
      }
      return try body(values)
    }
  }
}

/// Whether all numbers are finite: x - x is 0 for those, NaN for the others, and NaN stays in a sum.
func isFinite(_ values: UnsafeBufferPointer<Float>) -> Bool {
  var sums = SIMD16<Float>.zero
  let whole = values.count / 16 * 16
  let bytes = UnsafeRawBufferPointer(values)
  for index in stride(from: 0, to: whole, by: 16) {
    let vector = bytes.loadUnaligned(
      fromByteOffset: index * MemoryLayout<Float>.stride, as: SIMD16<Float>.self)
    sums += vector - vector
  }
  for index in whole..<values.count { sums[0] += values[index] - values[index] }
  return sums.sum() == 0
}
