/// Where each parameter of a network lies in a block of numbers: the same for values, gradients, momenta and
/// whatever else an optimiser keeps one number of per value.
public struct ParameterLayout: Equatable, Sendable {
  /// One parameter's place.
  public struct Entry: Equatable, Sendable {
    /// Its name and shape.
    public let parameter: NetworkGraph.Parameter
    /// Index of its first number, a multiple of 16: a cache line's beginning.
    public let offset: Int

    /// Its numbers, in PyTorch's order.
    public var count: Int { parameter.shape.reduce(1, *) }
    /// Their indices.
    public var range: Range<Int> { offset..<offset + count }
  }

  /// In the order the network names them.
  public let entries: [Entry]
  /// Numbers of the block, a multiple of 16; those between two parameters are 0.
  public let count: Int
  private let indexOfName: [String: Int]

  /// Lays out the parameters of `graph`.
  public init(_ graph: NetworkGraph) {
    var entries: [Entry] = []
    var offset = 0
    for parameter in graph.parameters {
      entries.append(Entry(parameter: parameter, offset: offset))
      offset += (parameter.shape.reduce(1, *) + 15) / 16 * 16
    }
    self.entries = entries
    count = offset
    indexOfName = Dictionary(
      uniqueKeysWithValues: entries.enumerated().map { ($0.element.parameter.name, $0.offset) })
  }

  /// The place of the parameter with this name, nil where there is none.
  public subscript(name: String) -> Entry? {
    indexOfName[name].map { entries[$0] }
  }
}

/// One block of float32 numbers in a `ParameterLayout`, 0 at first.
///
/// `@unchecked Sendable`: written by one thread between the runs that read it on several.
public final class ParameterSlab: @unchecked Sendable {
  /// Where what lies.
  public let layout: ParameterLayout
  private let buffer: AlignedBuffer

  /// Allocates a block of zeros.
  ///
  /// - Parameter layout: its parameters.
  /// - Throws: `NeuralNetworkError.outOfMemory`.
  public init(_ layout: ParameterLayout) throws(NeuralNetworkError) {
    self.layout = layout
    buffer = try AlignedBuffer(byteCount: layout.count * MemoryLayout<Float>.stride)
    numbers.update(repeating: 0)
  }

  /// All numbers, gaps included. Valid as long as the slab lives.
  public var numbers: UnsafeMutableBufferPointer<Float> {
    UnsafeMutableBufferPointer(
      start: buffer.address.assumingMemoryBound(to: Float.self), count: layout.count)
  }

  /// The numbers of one parameter, in PyTorch's order.
  public subscript(name: String) -> [Float] {
    get { Array(numbers[entry(name).range]) }
    set {
      let entry = entry(name)
      precondition(
        newValue.count == entry.count, "\(newValue.count) numbers for \(name) of \(entry.count)")
      _ = UnsafeMutableBufferPointer(rebasing: numbers[entry.range]).update(from: newValue)
    }
  }

  /// First byte of one parameter's numbers.
  func address(_ name: String) -> UnsafeMutablePointer<Float> {
    let start = buffer.address.assumingMemoryBound(to: Float.self)
    return start + entry(name).offset
  }

  private func entry(_ name: String) -> ParameterLayout.Entry {
    guard let entry = layout[name] else { preconditionFailure("no parameter '\(name)'") }
    return entry
  }
}

extension ParameterSlab: ParameterSource {
  var mustBeFinite: Bool { false }

  func read<Result>(
    _ name: String, count: Int, _ body: (UnsafeBufferPointer<Float>) throws -> Result
  ) throws -> Result {
    let entry = entry(name)
    precondition(entry.count == count, "\(count) numbers of '\(name)', which has \(entry.count)")
    return try body(UnsafeBufferPointer(rebasing: numbers[entry.range]))
  }
}
