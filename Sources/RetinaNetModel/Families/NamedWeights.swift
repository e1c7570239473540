import Checkpoints

/// A checkpoint's tensors by the network's names, and what its own names said.
struct NamedWeights {
  /// By the network's names; what has no name there keeps its own. Without the counts of batches that batch norms keep
  /// for training.
  let tensors: [String: CheckpointTensor]
  /// Whose names they were: one's, nobody's, or, in a file that nobody wrote, several's.
  let families: [CheckpointFamily]
  /// Whether batch norms had counts of batches: frozen ones keep none.
  let hasBatchCounts: Bool
  /// Whether a moving average stood beside the weights under names of its own, and was taken.
  let isMovingAverage: Bool

  /// What Detectron2 stored of its input: mean and standard deviation, in its channels' order.
  private let storedColours: (mean: CheckpointTensor, standardDeviation: CheckpointTensor)?

  /// Wrappers that put their name in front of all others: DataParallel, Lightning modules.
  private static let wrappers = ["module.", "model."]
  /// The same of copies that hold a moving average.
  private static let averages = ["ema_model.", "model_ema.", "ema.module.", "ema."]
  /// Wrappers in wrappers that are looked into: each costs a copy of all names.
  private static let mostWrappers = 16
  /// How many weights an average is of, which its module counts in a tensor.
  private static let counters: Set<String> = ["n_averaged", "steps"]

  /// - Parameter tensors: as the checkpoint names them.
  init(_ tensors: [String: CheckpointTensor]) {
    var named: [String: CheckpointTensor] = [:]
    for (name, tensor) in tensors {
      // torch.compile's wrapper, wherever it stands.
      let plain = name.replacing("_orig_mod.", with: "")
      named[named[plain] == nil ? plain : name] = tensor
    }
    var isMovingAverage = false
    func isCounter(_ name: String) -> Bool {
      Self.counters.contains(name.split(separator: ".").last.map(String.init) ?? name)
    }
    for _ in 0..<Self.mostWrappers {
      let names = named.keys.filter { !isCounter($0) }
      func inside(_ prefix: String) -> [String: CheckpointTensor] {
        var inner: [String: CheckpointTensor] = [:]
        for name in names where name.hasPrefix(prefix) {
          inner[String(name.dropFirst(prefix.count))] = named[name]
        }
        return inner
      }
      if let wrapper = Self.wrappers.first(where: { prefix in
        !names.isEmpty && names.allSatisfy { $0.hasPrefix(prefix) }
      }) {
        named = inside(wrapper)
      } else if let average = Self.averages.first(where: { prefix in
        // The weights themselves stand beside their average, each under its name.
        let inner = inside(prefix)
        return !inner.isEmpty
          && names.allSatisfy { name in
            name.hasPrefix(prefix) || inner[name] != nil
              || (name.hasPrefix("model.") && inner[String(name.dropFirst("model.".count))] != nil)
          }
      }) {
        named = inside(average)
        isMovingAverage = true
      } else {
        break
      }
    }
    let counts = named.keys.filter { $0.hasSuffix(".num_batches_tracked") }
    for name in counts { named[name] = nil }
    families = CheckpointFamily.families(of: named.keys)
    hasBatchCounts = !counts.isEmpty
    self.isMovingAverage = isMovingAverage
    storedColours = named["pixel_mean"].flatMap { mean in
      named["pixel_std"].map { (mean: mean, standardDeviation: $0) }
    }
    guard families.count == 1, let family = families.first else {
      self.tensors = named
      return
    }
    var result: [String: CheckpointTensor] = [:]
    // Sorted, so that of two tensors with one name the same one is left to be found unexpected each time.
    for (name, tensor) in named.sorted(by: { $0.key < $1.key }) {
      guard let networkName = family.networkName(name) else { continue }
      // Where a tensor has today's name already, the older name is not the network's.
      let isTaken = result[networkName] != nil || (networkName != name && named[networkName] != nil)
      result[isTaken ? name : networkName] = tensor
    }
    self.tensors = result
  }

  /// Whose names they were, where they are one's.
  var family: CheckpointFamily? { families.count == 1 ? families[0] : nil }

  /// Mean and standard deviation of red, green, blue, where Detectron2 stored them.
  func colours() throws(CheckpointError) -> Conventions.Input.Colours? {
    guard let (mean, deviation) = storedColours, mean.elementCount == 3, deviation.elementCount == 3
    else { return nil }
    let colours = Conventions.Input.Colours(
      mean: try mean.floats().reversed(), standardDeviation: try deviation.floats().reversed())
    // Others could not be divided by, or are no colours.
    let isUsable =
      colours.mean.allSatisfy { (-1000...1000).contains($0) }
      && colours.standardDeviation.allSatisfy { (1e-6...1000).contains($0) }
    return isUsable ? colours : nil
  }
}
