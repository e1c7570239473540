import ArgumentParser
import BoxGeometry
import Checkpoints
import NeuralNetwork
import RetinaNetModel
import SystemPackage
import Training
import Workers

/// Takes some steps on a batch from a file and writes what came of them: for comparisons with other trainers.
struct TrainingStepsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "training-steps",
    abstract: "Takes training steps on a given batch and writes losses and gradients.",
    discussion: """
      The batch is a safetensors file of images (N 3 H W, the network's input), boxes (n 4, corners in pixels of \
      the input), and labels and image_indices (n each). SGD with momentum 0.9 and weight decay 1e-4. The output \
      is one of losses (steps 2: class, box) and the first step's gradient by each trained parameter.
      """)

  @OptionGroup var network: ModelOptions

  @Option(help: "The batch.")
  var batch: String

  @Option(help: "Where the results go.")
  var output: String

  @Option(help: "Steps.")
  var steps = 1

  @Option(help: "Learning rate.")
  var rate = 0.001

  @Option(help: "Stages of the backbone that are not trained, from the bottom.")
  var frozenStages = 0

  @Flag(help: "Batch norms with the statistics of the batch, all images together.")
  var trainNorms = false

  @Option(help: "l1, giou or smooth-l1 (beta 1).")
  var boxLoss = "l1"

  func run() throws {
    let source = try network.open()
    let file = try Checkpoint(contentsOf: FilePath(batch))
    func tensor(_ name: String) throws -> (values: [Float], shape: [Int]) {
      guard let tensor = file.tensors[name] else {
        throw ValidationError("\(batch) has no tensor '\(name)'")
      }
      return (try tensor.floats(), tensor.shape)
    }
    let (pixels, shape) = try tensor("images")
    let perImage = shape[1...].reduce(1, *)
    let (boxes, labels, images) = (
      try tensor("boxes").values, try tensor("labels").values, try tensor("image_indices").values
    )
    var objects = [[LabelledBox]](repeating: [], count: shape[0])
    for index in labels.indices {
      let corners = boxes[index * 4..<index * 4 + 4].map { $0 }
      // Bounded: files that scripts/compare-training writes.
      objects[Int(images[index])].append(
        LabelledBox(
          // Bounded: as the images.
          classIndex: Int(labels[index]),
          box: Box(minX: corners[0], minY: corners[1], maxX: corners[2], maxY: corners[3])))
    }
    let losses: [String: BoxLoss] = ["l1": .l1, "giou": .giou, "smooth-l1": .smoothL1(beta: 1)]
    guard let box = losses[boxLoss] else { throw ValidationError("no box loss '\(boxLoss)'") }
    let training = try DetectorGradients(
      source.description,
      trained: TrainedParameters(
        frozenStages: frozenStages, batchNorm: trainNorms ? .trained : .frozen),
      loss: DetectionLoss(box: box), imagesPerCall: trainNorms ? shape[0] : 1,
      workers: Machine().availableCores, algorithm: network.algorithm)
    let parameters = training.network.parameters
    for entry in parameters.layout.entries {
      parameters[entry.parameter.name] = try source.values(entry.parameter.name)
    }
    let optimizer = try Optimizer(.sgd(), weightDecay: 1e-4, network: training.network)
    let inputs = DetectorGradients.Batch(height: shape[2], width: shape[3], objects: objects) {
      image, input in
      input.withUnsafeMutableBufferPointer {
        _ = $0.update(fromContentsOf: pixels[image * perImage..<(image + 1) * perImage])
      }
    }
    var tensors: [SafetensorsFile.Tensor] = []
    var lossValues: [Float] = []
    for step in 0..<steps {
      let loss = try training.compute([inputs]).loss
      lossValues += [Float(loss.classification), Float(loss.box)]
      if step == 0 {
        for entry in parameters.layout.entries
        where training.network.trained.contains(entry.parameter.name) {
          let gradient = training.network.gradients[entry.parameter.name]
          tensors.append(
            .init(name: entry.parameter.name, shape: entry.parameter.shape) { gradient })
        }
      }
      optimizer.step(parameters, gradients: training.network.gradients, learningRate: rate)
    }
    tensors.append(.init(name: "losses", shape: [steps, 2]) { lossValues })
    try SafetensorsFile.write(tensors, to: FilePath(output))
  }
}
