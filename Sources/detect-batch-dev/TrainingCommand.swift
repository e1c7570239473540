import ArgumentParser
import BoxGeometry
import NeuralNetwork
import RetinaNetModel
import Synchronization
import Training
import Workers

/// Times training steps: forward, losses, backward and the optimiser, on inputs that are there already.
struct TrainingCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "training", abstract: "Times training steps, without reading pictures.",
    discussion: """
      Prints one line when it is ready, then one for each round. With --interactive a round begins when a line \
      comes from standard input, so that a script can let engines take turns.
      """)

  @OptionGroup var network: ModelOptions

  @Option(help: "The network's input, multiples of 32.")
  var size = Size(width: 512, height: 512)

  @Option(help: "Images of a step.")
  var batch = 8

  @Option(help: "Images that run together on one thread.")
  var imagesPerCall = 2

  @Option(help: "Threads.")
  var workers = Machine().availableCores

  @Option(help: "Stages of the backbone that are not trained, from the bottom.")
  var frozenStages = 2

  @Flag(help: "Batch norms with the statistics of the batch.")
  var trainNorms = false

  @Option(help: "Rounds; the first is a warm-up and not printed.")
  var rounds = 5

  @Flag(help: "A round for each line of standard input.")
  var interactive = false

  @Flag(help: "After the rounds, a table of the network's steps.")
  var profile = false

  func run() throws {
    let source = try network.open()
    let training = try DetectorGradients(
      source.description,
      trained: TrainedParameters(
        frozenStages: frozenStages, batchNorm: trainNorms ? .trained : .frozen),
      imagesPerCall: imagesPerCall, workers: workers, algorithm: network.algorithm)
    for entry in training.network.parameters.layout.entries {
      training.network.parameters[entry.parameter.name] = try source.values(entry.parameter.name)
    }
    let optimizer = try Optimizer(.sgd(), weightDecay: 1e-4, network: training.network)
    let batch = makeBatch()
    func round() throws -> Double {
      let clock = ContinuousClock()
      return try clock.measure {
        _ = try training.compute([batch])
        // A rate of nothing: the same numbers in every round.
        optimizer.step(
          training.network.parameters, gradients: training.network.gradients, learningRate: 0)
      }.seconds
    }
    _ = try round()
    let memory = try training.network.memory(height: size.height, width: size.width)
    try Report.json([
      "ready": "true", "workerMiB": "\(memory.perWorker >> 20)",
      "sharedMiB": "\(memory.shared >> 20)", "peakMiB": "\(try Report.peakMemory())",
    ])
    for number in 1...(interactive ? Int.max : max(1, rounds)) {
      if interactive, readLine() == nil { break }
      let seconds = try round()
      try Report.json([
        "round": "\(number)", "images": "\(self.batch)", "seconds": Report.number(seconds),
        "imagesPerSecond": Report.number(Double(self.batch) / seconds),
        "peakMiB": "\(try Report.peakMemory())",
      ])
    }
    if profile { try printProfile(training, batch) }
  }

  /// Noise, with ten objects of many sizes in every image.
  private func makeBatch() -> DetectorGradients.Batch {
    let perImage = 3 * size.height * size.width
    let numbers = Formula.uniform("training", count: perImage)
    let (width, height) = (Float(size.width), Float(size.height))
    let objects = (0..<10).map { index in
      let side = Float(24) * Float(1 + index % 5)
      let x = Float(index) / 10 * (width - side)
      let y = Float(index * 7 % 10) / 10 * (height - side)
      return LabelledBox(
        classIndex: index % 3, box: Box(minX: x, minY: y, maxX: x + side, maxY: y + side * 0.8))
    }
    return DetectorGradients.Batch(
      height: size.height, width: size.width, objects: Array(repeating: objects, count: batch)
    ) { _, input in
      input.withUnsafeMutableBufferPointer { _ = $0.update(fromContentsOf: numbers) }
    }
  }

  private func printProfile(_ training: DetectorGradients, _ batch: DetectorGradients.Batch) throws
  {
    let steps = Mutex<[String: Double]>([:])
    training.network.stepObserver = { label, duration in
      steps.withLock { $0[label, default: 0] += duration.seconds }
    }
    _ = try training.compute([batch])
    let all = steps.withLock { $0 }
    let total = all.values.reduce(0, +)
    func line(_ seconds: Double, _ text: String) throws {
      try Report.line(Report.padded(Report.number(seconds * 1000, 2), 9) + " ms  " + text)
    }
    for (label, seconds) in all.sorted(by: { $0.value > $1.value }) where seconds > total / 200 {
      try line(seconds, label)
    }
    var kinds: [String: Double] = [:]
    for (label, seconds) in all { kinds[kind(label), default: 0] += seconds }
    for (kind, seconds) in kinds.sorted(by: { $0.value > $1.value }) {
      try line(seconds, "all: " + kind)
    }
    try line(total, "sum")
  }

  /// A convolution's direction, kernel and algorithm, or the operation's name.
  private func kind(_ label: String) -> String {
    let words = label.split(separator: " ").map(String.init)
    guard let name = words.firstIndex(where: { $0.hasSuffix(".weight") }), words.count > name + 2,
      words[name + 1].contains("x")
    else {
      return words.prefix { !$0.hasPrefix("backbone") && !$0.hasPrefix("head") }.prefix(3)
        .filter { !$0.contains(where: \.isNumber) }.joined(separator: " ")
    }
    return (words[..<name] + words[(name + 1)...(name + 2)]).joined(separator: " ")
  }
}
