import ArgumentParser
import NeuralNetwork

/// How much of the machine to use, and when to give up.
struct ResourceOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Detect in so many threads. (default: as many as there are cores to use, fewer where memory "
        + "would not hold them)", valueName: "n"),
    transform: OptionValue.positiveCount)
  var workers: Int?

  @Option(
    help: ArgumentHelp(
      "Decode with so many threads: as many inputs at once; where there are fewer inputs, parts of one video (H.264 and "
        + "H.265 in MP4 or Matroska). Changes no result. (default: by the number of cores)",
      valueName: "n"),
    transform: OptionValue.positiveCount)
  var decoders: Int?

  @Option(
    help: ArgumentHelp(
      "Hand a worker at most so many frames at once. Changes no result. (default: 8)",
      valueName: "n"),
    transform: OptionValue.positiveCount)
  var batchSize: Int?

  @Option(
    help: ArgumentHelp(
      "Let so many decoded frames wait for workers. Changes no result. (default: by the number of "
        + "workers)", valueName: "n"),
    transform: OptionValue.positiveCount)
  var queueSize: Int?

  @Option(
    help: ArgumentHelp(
      "Use at most about so much memory, such as 512MiB or 4GiB: fewer workers, shorter queues. "
        + "(default: what is free)",
      valueName: "size"),
    transform: OptionValue.byteCount)
  var memoryLimit: Int?

  @Option(
    help: ArgumentHelp(
      "Give way to other programs, as nice -n does. (default: 0)", valueName: "0…19"),
    transform: OptionValue.niceness)
  var nice: Int?

  @Option(
    help: ArgumentHelp(
      "Use nothing above this instruction set: the same bytes from machines of different ability. One "
        + "of \(InstructionSet.allCases.map(\.rawValue).joined(separator: ", ")). "
        + "(default: the best there is)", valueName: "set"),
    completion: .list(InstructionSet.allCases.map(\.rawValue)),
    transform: OptionValue.choice)
  var isa: InstructionSet?

  @Option(
    help: ArgumentHelp(
      "Give up an input when one read blocks for so long. (default: never)", valueName: "seconds"),
    transform: OptionValue.rate)
  var readTimeout: Double?

  @Option(
    help: ArgumentHelp(
      "Give up an input after so many decoding errors. (default: never)", valueName: "n"),
    transform: OptionValue.positiveCount)
  var maxFailures: Int?

  @OptionGroup var decoding: IsolationOption

  mutating func fill(from file: PipelineFile) throws {
    try file.fill(&workers, "workers", OptionValue.positiveCount)
    try file.fill(&decoders, "decoders", OptionValue.positiveCount)
    try file.fill(&batchSize, "batch-size", OptionValue.positiveCount)
    try file.fill(&queueSize, "queue-size", OptionValue.positiveCount)
    try file.fill(&memoryLimit, "memory-limit", OptionValue.byteCount)
    try file.fill(&nice, "nice", OptionValue.niceness)
    try file.fill(&isa, "isa", OptionValue.choice)
    try file.fill(&readTimeout, "read-timeout", OptionValue.rate)
    try file.fill(&decoding.isolation, "isolation", OptionValue.choice)
    try file.fill(&maxFailures, "max-failures", OptionValue.positiveCount)
  }
}
