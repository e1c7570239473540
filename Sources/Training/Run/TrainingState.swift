import Checkpoints
import NeuralNetwork
import RetinaNetModel
import SystemPackage

/// Where a training stands, and its file: all that the next iteration needs, in one safetensors file that holds the
/// old state or the new one, whatever happens while it is written.
struct TrainingState {
  /// Iterations done.
  var iteration: Int
  /// The best evaluation so far: AP, and the iteration it was made at.
  var best: (ap: Double, iteration: Int)?

  /// Writes a state.
  ///
  /// - Parameters:
  ///   - path: replaced if it exists.
  ///   - fingerprint: what the training's weights follow from.
  ///   - description: the detector.
  ///   - parameters: the weights.
  ///   - optimizer: what it remembers.
  ///   - average: the moving average, if there is one.
  /// - Throws: `CheckpointError`.
  func write(
    to path: FilePath, fingerprint: String, description: ModelDescription,
    parameters: ParameterSlab, optimizer: Optimizer, average: WeightAverage?
  ) throws {
    var metadata = [
      SavedTraining.versionKey: "\(SavedTraining.version)", "fingerprint": fingerprint,
      SavedTraining.descriptionKey: description.json, "iteration": "\(iteration)",
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
  /// A state of the first version is taken over unseen: its fingerprint followed from the names of types and fields,
  /// which have changed since. It is still of the same options, which the training's folder keeps.
  ///
  /// - Parameters:
  ///   - saved: what `write` wrote.
  ///   - fingerprint: of the training that goes on.
  ///   - parameters: filled.
  ///   - optimizer: filled.
  ///   - average: filled.
  /// - Throws: `CheckpointError`; `TrainingError.state` where the state is of another training.
  init(
    _ saved: SavedTraining, fingerprint: String, parameters: ParameterSlab,
    optimizer: Optimizer, average: WeightAverage?
  ) throws {
    func broken(_ problem: String) -> TrainingError {
      .state(file: saved.path, problem: problem)
    }
    let file = saved.file
    guard saved.version == 1 || file.metadata["fingerprint"] == fingerprint else {
      throw broken(
        "was begun with other settings, other pictures or on another instruction set: resume with the same, "
          + "or begin a new training from it in another folder (--restart-from)")
    }
    for (name, slab) in Self.slabs(parameters, optimizer, average) {
      for entry in slab.layout.entries {
        guard let tensor = file.tensors["\(name)/\(entry.parameter.name)"],
          tensor.shape == entry.parameter.shape
        else { throw broken("lacks '\(name)/\(entry.parameter.name)'") }
        slab[entry.parameter.name] = try tensor.floats()
      }
    }
    optimizer.stepCount = try saved.number("optimizerSteps")
    if let average { average.updateCount = try saved.number("averageUpdates") }
    iteration = saved.iteration
    if let ap = file.metadata["bestAP"].flatMap({ Double($0) }) {
      best = (ap, try saved.number("bestIteration"))
    }
  }

  /// The state of a training that begins.
  init() {
    iteration = 0
  }

  /// Everything that a state holds, by the names that its tensors begin with.
  static func slabs(
    _ parameters: ParameterSlab, _ optimizer: Optimizer, _ average: WeightAverage?
  ) -> [(name: String, slab: ParameterSlab)] {
    [("weights", parameters)] + optimizer.memory.map { ($0.name, $0.numbers) }
      + (average.map { [("average", $0.numbers)] } ?? [])
  }
}
