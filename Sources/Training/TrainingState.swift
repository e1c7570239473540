import Checkpoints
import NeuralNetwork
import SystemPackage

/// Where a training stands, and its file: all that the next iteration needs, in one safetensors file that holds the
/// old state or the new one, whatever happens while it is written.
struct TrainingState {
  /// Iterations done.
  var iteration: Int
  /// The best evaluation so far: AP, and the iteration it was made at.
  var best: (ap: Double, iteration: Int)?

  private static let version = "1"

  /// Writes a state.
  ///
  /// - Parameters:
  ///   - path: replaced if it exists.
  ///   - fingerprint: what the training's weights follow from.
  ///   - parameters: the weights.
  ///   - optimizer: what it remembers.
  ///   - average: the moving average, if there is one.
  /// - Throws: `CheckpointError`.
  func write(
    to path: FilePath, fingerprint: String, parameters: ParameterSlab, optimizer: Optimizer,
    average: WeightAverage?
  ) throws {
    var metadata = [
      "trainingState": Self.version, "fingerprint": fingerprint, "iteration": "\(iteration)",
      "optimizerSteps": "\(optimizer.stepCount)",
    ]
    if let best {
      metadata["bestAP"] = "\(best.ap)"
      metadata["bestIteration"] = "\(best.iteration)"
    }
    if let average { metadata["averageUpdates"] = "\(average.updateCount)" }
    var tensors: [SafetensorsFile.Tensor] = []
    for (name, slab) in Self.slabs(parameters, optimizer, average) {
      for entry in slab.layout.entries {
        tensors.append(
          .init(
            name: "\(name)/\(entry.parameter.name)", shape: entry.parameter.shape
          ) { slab[entry.parameter.name] })
      }
    }
    try SafetensorsFile.write(tensors, metadata: metadata, to: path)
  }

  /// Reads a state into what is there.
  ///
  /// - Parameters:
  ///   - path: what `write` wrote.
  ///   - fingerprint: of the training that goes on.
  ///   - parameters: filled.
  ///   - optimizer: filled.
  ///   - average: filled.
  /// - Throws: `CheckpointError`; `TrainingError.state` where the state is of another training.
  init(
    contentsOf path: FilePath, fingerprint: String, parameters: ParameterSlab,
    optimizer: Optimizer, average: WeightAverage?
  ) throws {
    let file = try Checkpoint(contentsOf: path)
    func broken(_ problem: String) -> TrainingError {
      .state(file: path, problem: problem)
    }
    func number(_ key: String) throws -> Int {
      // Counts, which are counted further.
      guard let number = file.metadata[key].flatMap({ Int($0) }), (0...1 << 48).contains(number)
      else { throw broken("is not a training's state: it does not say '\(key)'") }
      return number
    }
    guard try number("trainingState") == Int(Self.version) else {
      throw broken("was written by another version of this program")
    }
    guard file.metadata["fingerprint"] == fingerprint else {
      throw broken(
        "was begun with other settings, other pictures or on another instruction set: resume with the same, "
          + "or start anew in another folder")
    }
    for (name, slab) in Self.slabs(parameters, optimizer, average) {
      for entry in slab.layout.entries {
        guard let tensor = file.tensors["\(name)/\(entry.parameter.name)"],
          tensor.shape == entry.parameter.shape
        else { throw broken("lacks '\(name)/\(entry.parameter.name)'") }
        slab[entry.parameter.name] = try tensor.floats()
      }
    }
    optimizer.stepCount = try number("optimizerSteps")
    if let average { average.updateCount = try number("averageUpdates") }
    iteration = try number("iteration")
    if let ap = file.metadata["bestAP"].flatMap({ Double($0) }) {
      best = (ap, try number("bestIteration"))
    }
  }

  /// The state of a training that begins.
  init() {
    iteration = 0
  }

  private static func slabs(
    _ parameters: ParameterSlab, _ optimizer: Optimizer, _ average: WeightAverage?
  ) -> [(name: String, slab: ParameterSlab)] {
    [("weights", parameters)] + optimizer.memory.map { ($0.name, $0.numbers) }
      + (average.map { [("average", $0.numbers)] } ?? [])
  }
}
