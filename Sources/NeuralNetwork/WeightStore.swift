import Synchronization

/// The weights of one network, folded and packed for the primitives that use them: each combination of
/// tensors and layout once, whoever asks, for all plans and workers together.
///
/// Plans own the packed weights; the store only finds those that some plan still holds, so that weights packed
/// for a shape go when the last plan of that shape goes.
public final class WeightStore: Sendable {
  /// Gives the values of the tensor with this name, in PyTorch's order.
  public typealias Loader = @Sendable (String) throws -> [Float]

  /// What one convolution reads.
  final class Packed: Sendable {
    let weights: AlignedBuffer
    let bias: AlignedBuffer

    init(weights: AlignedBuffer, bias: AlignedBuffer) {
      self.weights = weights
      self.bias = bias
    }
  }

  /// One way of packing one convolution's weights.
  struct Key: Hashable, Sendable {
    var parameters: ConvolutionParameters
    var inputChannels: Int
    var outputChannels: Int
    var kernel: Int
    var layout: TensorLayout

    /// Weights and bias.
    var byteCount: Int { layout.byteCount + outputChannels * MemoryLayout<Float>.stride }
  }

  /// The place of one key's weights. Its lock is held while they are packed, so that two plans in the making pack
  /// them once. Places stay, their weights do not: a network has few keys.
  final class Place: Sendable {
    private struct WeakPacked {
      weak var value: Packed?
    }
    private let packed = Mutex(WeakPacked())

    /// The weights, if they are there.
    var held: Packed? { packed.withLock(\.value) }

    func packed(orMakeBy pack: () throws -> Packed) throws -> Packed {
      try packed.withLock { packed in
        if let value = packed.value { return value }
        let made = try pack()
        packed.value = made
        return made
      }
    }
  }

  let engine: Engine
  private let load: Loader
  private let places = Mutex<[Key: Place]>([:])

  /// Creates a store that loads nothing yet.
  ///
  /// - Parameter load: called from several threads, once for each use of a tensor; its errors pass through.
  /// - Throws: `NeuralNetworkError.oneDNN` where there is no engine.
  public init(load: @escaping Loader) throws(NeuralNetworkError) {
    engine = try Engine.shared()
    self.load = load
  }

  /// Values of a tensor, all of them finite.
  func values(_ name: String, count: Int) throws -> [Float] {
    let values = try load(name)
    guard values.count == count else {
      throw NeuralNetworkError.parameter(
        name: name, problem: "\(values.count) numbers where the network has \(count)")
    }
    guard isFinite(values) else {
      throw NeuralNetworkError.parameter(name: name, problem: "holds NaN or infinity")
    }
    return values
  }

  /// The place of each key's weights.
  func places(of keys: [Key]) -> [Key: Place] {
    places.withLock { places in
      var found: [Key: Place] = [:]
      for key in keys where found[key] == nil {
        let place = places[key] ?? Place()
        places[key] = place
        found[key] = place
      }
      return found
    }
  }

  /// Loads, folds and packs the weights of one convolution.
  ///
  /// - Throws: `NeuralNetworkError`, or what the loader throws.
  func pack(_ key: Key) throws -> Packed {
    let (weights, bias) = try foldedWeights(key)
    let packed = Packed(
      weights: try AlignedBuffer(byteCount: key.layout.byteCount),
      bias: try AlignedBuffer(byteCount: bias.count * MemoryLayout<Float>.stride))
    var source = weights
    let plain = try TensorLayout.plain(
      [key.outputChannels, key.inputChannels, key.kernel, key.kernel])
    try source.withUnsafeMutableBytes { bytes in
      guard let address = bytes.baseAddress else { return }
      try reorder(address, plain, to: packed.weights.address, key.layout, engine: engine)
    }
    bias.withUnsafeBytes { bytes in
      guard let address = bytes.baseAddress else { return }
      packed.bias.address.copyMemory(from: address, byteCount: bytes.count)
    }
    return packed
  }

  /// A convolution's weights and bias with its batch norm folded in: with s = gamma / sqrt(variance + epsilon),
  /// weight * s and (bias - mean) * s + beta, in double precision, rounded once.
  private func foldedWeights(_ key: Key) throws -> (weights: [Float], bias: [Float]) {
    let parameters = key.parameters
    let count = key.outputChannels
    let perChannel = key.inputChannels * key.kernel * key.kernel
    var weights = try values(parameters.weight, count: count * perChannel)
    var bias =
      if let name = parameters.bias { try values(name, count: count) } else {
        [Float](repeating: 0, count: count)
      }
    if let norm = parameters.batchNorm {
      let gamma = try values("\(norm.prefix).weight", count: count)
      let beta = try values("\(norm.prefix).bias", count: count)
      let mean = try values("\(norm.prefix).running_mean", count: count)
      let variance = try values("\(norm.prefix).running_var", count: count)
      weights.withUnsafeMutableBufferPointer { weights in
        for channel in 0..<count {
          let scale =
            Double(gamma[channel]) / (Double(variance[channel]) + Double(norm.epsilon)).squareRoot()
          for index in channel * perChannel..<(channel + 1) * perChannel {
            weights[index] = Float(Double(weights[index]) * scale)
          }
          bias[channel] = Float(
            (Double(bias[channel]) - Double(mean[channel])) * scale + Double(beta[channel]))
        }
      }
    }
    if let norm = parameters.batchNorm, !isFinite(weights) || !isFinite(bias) {
      throw NeuralNetworkError.parameter(
        name: "\(norm.prefix).running_var",
        problem: "with these variances '\(parameters.weight)' becomes NaN or infinite")
    }
    return (weights, bias)
  }
}

/// Whether all numbers are finite: x - x is 0 for those, NaN for the others, and NaN stays in a sum.
private func isFinite(_ values: [Float]) -> Bool {
  values.withUnsafeBufferPointer { values in
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
}
