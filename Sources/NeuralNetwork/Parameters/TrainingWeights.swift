import Workers

/// The parameters of a network as training plans read them: each form packed once, for all plans and threads
/// together, and packed again after each change.
///
/// `@unchecked Sendable`: the packed weights change in `update` alone, which is never called while a plan runs.
final class TrainingWeights: @unchecked Sendable {
  let parameters: ParameterSlab
  private var packed: [PackingKey: AlignedBuffer] = [:]

  /// - Parameter parameters: the values.
  init(_ parameters: ParameterSlab) {
    self.parameters = parameters
  }

  /// Packs the values as they are now for one plan.
  ///
  /// - Parameters:
  ///   - plan: what will run next.
  ///   - threads: how many threads pack.
  /// - Throws: `NeuralNetworkError`.
  func update(for plan: Plan, threads: Int) throws {
    for key in plan.packings where packed[key] == nil {
      packed[key] = try AlignedBuffer(byteCount: key.packing.byteCount)
    }
    // The largest first: the threads end together.
    let keys = plan.packings.sorted { $0.packing.byteCount > $1.packing.byteCount }
    try forEach(0..<keys.count, threads: threads) { [self] in
      try keys[$0].packing.pack(parameters, to: address(of: keys[$0]))
    }
  }

  /// Forgets what no plan of these needs.
  func keep(only plans: [Plan]) {
    let needed = Set(plans.flatMap(\.packings))
    packed = packed.filter { needed.contains($0.key) }
  }
}

extension TrainingWeights: PlanParameters {
  func address(of key: PackingKey) -> UnsafeMutableRawPointer {
    guard let packed = packed[key] else { preconditionFailure("weights that were not packed") }
    return packed.address
  }

  func address(of name: String) -> UnsafeMutablePointer<Float> { parameters.address(name) }
}
