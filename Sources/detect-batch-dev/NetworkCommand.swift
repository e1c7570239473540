import ArgumentParser
import NeuralNetwork
import RetinaNetModel
import Synchronization
import Workers

/// Times the network alone, without preprocessing or post-processing: each round gives every worker as many
/// inputs, and is a line of JSON.
struct NetworkCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "network", abstract: "Times the network alone.",
    discussion: """
      Prints one line when it is ready (start-up, memory), then one for each round. With --interactive a round \
      begins when a line comes from standard input, so that a script can let engines take turns.
      """)

  @OptionGroup var network: ModelOptions

  @Option(help: "The network's input, multiples of 32.")
  var size = Size(width: 1216, height: 800)

  @Option(help: "Threads, each with an input of its own.")
  var workers = Machine().availableCores

  @Option(help: "Inputs of each worker in a round.")
  var images = 2

  @Option(help: "Rounds; the first is a warm-up and not printed.")
  var rounds = 5

  @Option(
    help:
      "Looks for candidates, then computes boxes around so many objects only; everywhere by default."
  )
  var objects: Int?

  @Flag(help: "A round for each line of standard input.")
  var interactive = false

  @Flag(help: "After the rounds, a table of the network's steps on one thread.")
  var profile = false

  func run() throws {
    let clock = ContinuousClock()
    let start = clock.now
    let source = try network.open()
    let plan = try InferencePlan(
      source.description.makeNetwork(), height: size.height, width: size.width,
      store: WeightStore(load: source.values), algorithm: network.algorithm)
    let prepared = (clock.now - start).seconds
    let search = try objects.map {
      try ObjectSearch(objects: $0, source.description, height: size.height, width: size.width)
    }
    let bench = try NetworkBench(plan: plan, workers: workers, images: images, search: search)
    _ = try bench.round()
    try Report.json([
      "ready": Report.number(prepared), "slabMiB": "\(plan.memory.slab >> 20)",
      "scratchMiB": "\(plan.memory.scratch >> 20)", "weightsMiB": "\(plan.memory.weights >> 20)",
      "peakMiB": "\(try Report.peakMemory())", "isa": "\"\(isa)\"",
    ])
    for round in 1...(interactive ? Int.max : max(1, rounds)) {
      if interactive, readLine() == nil { break }
      let seconds = try bench.round()
      try Report.json([
        "round": "\(round)", "images": "\(workers * images)", "seconds": Report.number(seconds),
        "secondsPerImage": Report.number(seconds / Double(workers * images)),
        "peakMiB": "\(try Report.peakMemory())",
      ])
    }
    if profile { try StepProfile(plan, input: bench.input, search).print() }
  }

  private var isa: String { InstructionSet.effective?.rawValue ?? "none" }
}

/// Workers that stay warm from round to round.
struct NetworkBench {
  let plan: InferencePlan
  let images: Int
  let input: [Float]
  private let search: ObjectSearch?
  private let workers: [HeldWorker]

  /// `@unchecked Sendable`: a worker is used by one thread at a time, that of its round.
  private final class HeldWorker: @unchecked Sendable {
    let worker: InferenceWorker
    init() throws { worker = try InferenceWorker() }
  }

  init(plan: InferencePlan, workers: Int, images: Int, search: ObjectSearch? = nil) throws {
    self.plan = plan
    self.search = search
    self.images = images
    input = Formula.uniform("input", count: 3 * plan.height * plan.width)
    self.workers = try (0..<workers).map { _ in try HeldWorker() }
  }

  /// Every worker runs its images.
  ///
  /// - Returns: seconds from the first start to the last end.
  /// - Throws: what the workers throw.
  func round() throws -> Double {
    let clock = ContinuousClock()
    let start = clock.now
    let threads = WorkerGroup()
    for (index, held) in workers.enumerated() {
      threads.start("worker \(index)") { [plan, images, input, search] in
        for _ in 0..<images {
          try held.worker.run(plan) {
            $0.withUnsafeMutableBufferPointer { _ = $0.update(fromContentsOf: input) }
          } wants: {
            try search?.areas($0)
          } readOutputs: { _ in
          }
        }
      }
    }
    try threads.join()
    return (clock.now - start).seconds
  }
}

/// Where the network's time goes, by step and by kind of step.
struct StepProfile {
  private var steps: [(label: String, seconds: Double)] = []

  init(_ plan: InferencePlan, input: [Float], _ search: ObjectSearch? = nil) throws {
    let worker = try InferenceWorker()
    var runs: [[(String, Double)]] = []
    for _ in 0..<4 {
      var run: [(String, Double)] = []
      worker.stepObserver = { run.append(($0, $1.seconds)) }
      try worker.run(plan) {
        $0.withUnsafeMutableBufferPointer { _ = $0.update(fromContentsOf: input) }
      } wants: {
        try search?.areas($0)
      } readOutputs: { _ in
      }
      runs.append(run)
    }
    for index in runs[0].indices {
      let seconds = runs.dropFirst().map { $0[index].1 }.min() ?? 0
      steps.append((runs[0][index].0, seconds))
    }
  }

  func print() throws {
    let total = steps.reduce(0) { $0 + $1.seconds }
    for step in steps.sorted(by: { $0.seconds > $1.seconds }) where step.seconds > total / 500 {
      try Report.line(
        Report.padded(Report.number(step.seconds * 1000, 2), 9) + " ms  " + step.label)
    }
    var kinds: [String: Double] = [:]
    for step in steps { kinds[Self.kind(step.label), default: 0] += step.seconds }
    for (kind, seconds) in kinds.sorted(by: { $0.value > $1.value }) {
      try Report.line(Report.padded(Report.number(seconds * 1000, 2), 9) + " ms  all: " + kind)
    }
    try Report.line(Report.padded(Report.number(total * 1000, 2), 9) + " ms  sum")
  }

  /// A convolution's kernel and algorithm, or the operation's name.
  private static func kind(_ label: String) -> String {
    let words = label.split(separator: " ")
    guard words.count > 3, words[0].hasSuffix(".weight") else { return String(words[0]) }
    return "\(words[1]) \(words[2])"
  }
}
