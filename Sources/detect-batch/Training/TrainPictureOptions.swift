import ArgumentParser
import Training
import Workers

/// How pictures reach the network.
struct TrainPictureOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Shorter side in pixels; of several, each batch draws one. The model keeps the largest. "
        + "(default: that of --start, else 512)", valueName: "px,…"),
    transform: TrainOptionValue.sizes)
  var sizes: [Int]?

  @Option(
    help: ArgumentHelp(
      "Longest side in pixels. (default: 5/3 of --sizes, else that of --start, else 853)",
      valueName: "px"),
    transform: TrainOptionValue.side)
  var maxSize: Int?

  @Option(
    help: ArgumentHelp("Probability of mirroring. (default: 0.5)", valueName: "p"),
    transform: OptionValue.fraction)
  var flip: Double?

  @Flag(help: "Turn by quarter turns: for pictures without an up.")
  var quarterTurns = false

  @Option(
    help: ArgumentHelp("Probability of taking a part. (default: 0)", valueName: "p"),
    transform: OptionValue.fraction)
  var crop: Double?

  @Option(
    help: ArgumentHelp(
      "With --crop: least part of a side, 0.05 at least. (default: 0.5)", valueName: "x"),
    transform: OptionValue.fraction)
  var smallestCrop: Double?

  @Option(
    help: ArgumentHelp("Change by at most this part. (default: 0)", valueName: "x"),
    transform: OptionValue.fraction)
  var brightness: Double?

  @Option(
    help: ArgumentHelp("Change by at most this part. (default: 0)", valueName: "x"),
    transform: OptionValue.fraction)
  var contrast: Double?

  @Option(
    help: ArgumentHelp("Change by at most this part. (default: 0)", valueName: "x"),
    transform: OptionValue.fraction)
  var saturation: Double?

  @Option(
    help: ArgumentHelp("Sizes times a factor from a range. (default: 1,1)", valueName: "x,y"),
    transform: TrainOptionValue.range)
  var scale: ClosedRange<Double>?

  mutating func fill(from file: some OptionSource) throws {
    try file.fill(&sizes, "sizes", TrainOptionValue.sizes)
    try file.fill(&maxSize, "max-size", TrainOptionValue.side)
    try file.fill(&flip, "flip", OptionValue.fraction)
    try file.fill(&quarterTurns, "quarter-turns")
    try file.fill(&crop, "crop", OptionValue.fraction)
    try file.fill(&smallestCrop, "smallest-crop", OptionValue.fraction)
    try file.fill(&brightness, "brightness", OptionValue.fraction)
    try file.fill(&contrast, "contrast", OptionValue.fraction)
    try file.fill(&saturation, "saturation", OptionValue.fraction)
    try file.fill(&scale, "scale", TrainOptionValue.range)
  }

  var augmentation: Augmentation {
    Augmentation(
      flip: flip ?? 0.5, quarterTurns: quarterTurns, crop: crop ?? 0,
      smallestCrop: max(0.05, smallestCrop ?? 0.5), brightness: brightness ?? 0,
      contrast: contrast ?? 0, saturation: saturation ?? 0, scale: scale ?? 1...1)
  }
}

/// What changes nothing but time, and the seed.
struct TrainRunOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("Of everything random. (default: 0)", valueName: "n"),
    transform: OptionValue.seed)
  var seed: Int?

  @Option(
    help: ArgumentHelp("Threads that compute. (default: the cores there are)", valueName: "n"),
    transform: OptionValue.positiveCount)
  var workers: Int?

  @Option(
    help: ArgumentHelp(
      "Threads that read pictures. (default: 1 for every 4 workers)", valueName: "n"),
    transform: OptionValue.positiveCount)
  var decoders: Int?

  @Option(
    help: ArgumentHelp(
      "Images that run together on a thread, whose statistics trained batch norms take. "
        + "(default: 4 with trained batch norms, else 2, as the batch divides)", valueName: "n"),
    transform: OptionValue.positiveCount)
  var imagesPerCall: Int?

  @Option(
    help: ArgumentHelp("Epochs between evaluations. (default: 1)", valueName: "x"),
    transform: OptionValue.rate)
  var evaluateEvery: Double?

  @Option(
    help: ArgumentHelp("Epochs between states to go on from. (default: 1)", valueName: "x"),
    transform: OptionValue.rate)
  var saveEvery: Double?

  @OptionGroup var decoding: IsolationOption

  mutating func fill(from file: some OptionSource) throws {
    try file.fill(&decoding.isolation, "isolation", OptionValue.choice)
    try file.fill(&seed, "seed", OptionValue.seed)
    try file.fill(&workers, "workers", OptionValue.positiveCount)
    try file.fill(&decoders, "decoders", OptionValue.positiveCount)
    try file.fill(&imagesPerCall, "images-per-call", OptionValue.positiveCount)
    try file.fill(&evaluateEvery, "evaluate-every", OptionValue.rate)
    try file.fill(&saveEvery, "save-every", OptionValue.rate)
  }
}
