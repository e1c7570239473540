import Synchronization

/// Looks at what a network's values become in the Winograd domain: the greatest magnitude at each point.
final class WinogradSurvey: Sendable {
  /// Sides of tiles that are looked at.
  static let sides = [2, 4]

  private let plans: InferencePlanCache
  private let wanted: Set<String>
  private let seen = Mutex<[String: Seen]>([:])

  /// What a value was like.
  private struct Seen {
    /// The size of its largest map.
    var size: MapSize
    /// By the tiles' side, and by point.
    var largest: [Int: [Float]]

    /// The greatest of all, in whatever order they come.
    mutating func merge(_ other: Seen) {
      if other.size.pixels > size.pixels { size = other.size }
      largest.merge(other.largest) { zip($0, $1).map(max) }
    }
  }

  /// - Parameters:
  ///   - graph: the network.
  ///   - store: its weights.
  ///   - wanted: names of the values to look at.
  ///   - planCapacity: input sizes kept compiled.
  init(_ graph: NetworkGraph, store: WeightStore, wanted: Set<String>, planCapacity: Int) {
    self.wanted = wanted
    plans = InferencePlanCache(graph, store: store, algorithm: .winograd, capacity: planCapacity)
  }

  /// Looks at what the network makes of one input.
  func add(
    _ worker: InferenceWorker, height: Int, width: Int,
    writeInput: (inout MutableSpan<Float>) throws -> Void
  ) throws {
    let plan = try plans.plan(height: height, width: width)
    var found: [String: Seen] = [:]
    try worker.run(
      plan,
      observe: { [wanted] name, image in
        guard wanted.contains(name) else { return }
        var value = Seen(size: MapSize(height: image.height, width: image.width), largest: [:])
        for side in Self.sides {
          var greatest = [Float](repeating: 0, count: (side + 2) * (side + 2))
          image.forEachWinogradTile(side: side) { _, points in
            for index in points.indices {
              greatest[index] = max(greatest[index], abs(points[index]))
            }
          }
          value.largest[side] = greatest
        }
        found[name] = value
      }, writeInput: writeInput, readOutputs: { _ in })
    seen.withLock { seen in
      for (name, value) in found {
        if seen[name]?.merge(value) == nil { seen[name] = value }
      }
    }
  }

  /// Whether Winograd pays for a convolution, on the largest map that was seen.
  func pays(for call: NetworkGraph.ConvolutionCall) -> Bool {
    guard call.hasWinograd, let size = seen.withLock({ $0[call.input]?.size }) else { return false }
    return call.folded.shape.isWorthWinograd([size])
  }

  /// What `Quantization.Product.winograd` needs of a convolution that reads a value; nil where a point was always 0.
  func largest(_ value: String, side: Int) -> [Float]? {
    seen.withLock { $0[value]?.largest[side] }.flatMap { $0.allSatisfy { $0 > 1e-30 } ? $0 : nil }
  }
}
