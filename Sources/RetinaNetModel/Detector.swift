import BoxGeometry
import Media
import NeuralNetwork
import SystemPackage

/// A model ready to look at pictures: its network compiled for each size it meets, weights packed once for all
/// workers. Threads share one detector and each make a `DetectorWorker`.
public final class Detector: Sendable {
  /// Plans of this many padded sizes are kept: a directory of photographs has a handful.
  private static let planCapacity = 8

  /// What the model is, with the sizes that the options ask for.
  public let description: ModelDescription
  package let decoder: OutputDecoder
  let looks: Looks
  let preprocessor: Preprocessor
  private let plans: InferencePlanCache
  /// Of the weights; nil where they come from elsewhere.
  private let file: FilePath?

  /// Creates a detector; no weights are loaded yet.
  ///
  /// - Parameters:
  ///   - model: description and weights.
  ///   - options: what of its outputs becomes a detection.
  ///   - algorithm: `direct` for comparisons only.
  /// - Throws: `UnknownLabelError`, `InputSizeError`, `PrecisionError`, `NeuralNetworkError`.
  public convenience init(
    model: DetectionModel, options: DetectionOptions = .init(),
    algorithm: ConvolutionAlgorithm = .winograd
  ) throws {
    try self.init(
      model.description, options, algorithm, file: model.path, values: model.values)
  }

  /// As `init(model:options:algorithm:)`, with weights from anywhere.
  ///
  /// - Parameters:
  ///   - description: the network and what surrounds it.
  ///   - options: what of its outputs becomes a detection.
  ///   - algorithm: `direct` for comparisons only.
  ///   - values: gives a tensor by the network's names, in PyTorch's order; called from several threads.
  /// - Throws: `UnknownLabelError`, `InputSizeError`, `PrecisionError`, `NeuralNetworkError`.
  public convenience init(
    description: ModelDescription, options: DetectionOptions = .init(),
    algorithm: ConvolutionAlgorithm = .winograd, values: @escaping WeightStore.Loader
  ) throws {
    try self.init(description, options, algorithm, file: nil, values: values)
  }

  private init(
    _ description: ModelDescription, _ options: DetectionOptions,
    _ algorithm: ConvolutionAlgorithm, file: FilePath?, values: @escaping WeightStore.Loader
  ) throws {
    self.file = file
    let description = try options.applied(to: description)
    self.description = description
    looks = Looks(
      options, try OutputSelection(options, for: description),
      description.conventions.detections)
    decoder = try OutputDecoder(description, options)
    preprocessor = Preprocessor(description.conventions.input)
    plans = InferencePlanCache(
      description.makeNetwork(), store: WeightStore(load: values),
      precision: try description.precision(options.precision).arithmetic, algorithm: algorithm,
      capacity: Self.planCapacity)
  }

  /// Compiles the network for pictures of this size and packs its weights, if that has not been done. `detect` does it
  /// too when it has to, and packs weights while it runs.
  ///
  /// - Parameters:
  ///   - width: columns of the picture.
  ///   - height: rows of the picture.
  /// - Throws: `ModelError` where the weights are not usable, `NeuralNetworkError`, or what the source of weights throws.
  public func prepare(width: Int, height: Int) throws {
    let plan = try plan(for: geometry(width: width, height: height))
    try namingFile { try plan.finishPacking() }
  }

  /// Memory that pictures of this size need, known without running or preparing anything. Pictures of many sizes
  /// share most weights: R50 packs 349 MiB for one size, and 614 MiB for nine very different ones together.
  ///
  /// - Parameters:
  ///   - width: columns of the picture.
  ///   - height: rows of the picture.
  /// - Returns: bytes for each worker, its copy of a tile included, and bytes of packed weights that all workers share.
  /// - Throws: `NeuralNetworkError`.
  public func memory(width: Int, height: Int) throws -> (perWorker: Int, shared: Int) {
    let geometry = geometry(width: width, height: height)
    let memory = try plans.memory(height: geometry.paddedHeight, width: geometry.paddedWidth)
    return (memory.perWorker + looks.tileBytes, memory.weights)
  }

  /// Makes what one thread needs to run the detector.
  ///
  /// - Returns: a worker, to be used by one thread.
  /// - Throws: `NeuralNetworkError`.
  public func makeWorker() throws -> DetectorWorker {
    DetectorWorker(self, try InferenceWorker())
  }

  /// The pixels that looking at a picture of this size reads, where these are few of it: others need not be decoded to
  /// colours. nil where most or all are read, and for a picture that is looked at in tiles.
  ///
  /// - Parameters:
  ///   - width: columns of the picture.
  ///   - height: rows of the picture.
  /// - Returns: rows and columns.
  public func lattice(width: Int, height: Int) -> PictureLattice? {
    guard regions(width: width, height: height).count == 1 else { return nil }
    return preprocessor.lattice(geometry(width: width, height: height))
  }

  package func geometry(width: Int, height: Int) -> InputGeometry {
    description.inputGeometry(height: height, width: width)
  }

  package func plan(for geometry: InputGeometry) throws -> InferencePlan {
    try namingFile { try plans.plan(height: geometry.paddedHeight, width: geometry.paddedWidth) }
  }

  /// Says of the model's file what the network says of a tensor.
  fileprivate func namingFile<Result>(_ body: () throws -> Result) throws -> Result {
    do { return try body() } catch NeuralNetworkError.parameter(let name, let problem) {
      throw file.map {
        ModelError(file: $0.string, problem: .numbers(tensor: name, problem: problem))
      } ?? NeuralNetworkError.parameter(name: name, problem: problem)
    }
  }
}

/// One thread's use of a `Detector`, with memory of its own. Not `Sendable`.
public final class DetectorWorker {
  let detector: Detector
  private let worker: InferenceWorker

  /// Where the time of the last picture went, all looks at it together.
  public internal(set) var times = Times()

  /// Time of the three parts of looking at a picture.
  public struct Times: Equatable, Sendable {
    /// Resizing and normalising, and making a plan where there was none.
    public var preprocessing = Duration.zero
    /// The network.
    public var network = Duration.zero
    /// Finding candidates among its outputs and making detections of them.
    public var postprocessing = Duration.zero

    /// No time.
    public init() {}
  }

  init(_ detector: Detector, _ worker: InferenceWorker) {
    self.detector = detector
    self.worker = worker
  }

  /// Called after each step of the network with its label and duration, for a profile. nil by default.
  public var stepObserver: ((String, Duration) -> Void)? {
    get { worker.stepObserver }
    set { worker.stepObserver = newValue }
  }

  /// Finds objects in one picture, in as many looks as the options say.
  ///
  /// - Parameters:
  ///   - pixels: height x width x 3 bytes, red first, upright.
  ///   - width: columns.
  ///   - height: rows.
  ///   - lattice: the rows and columns that `pixels` has, where these are those of `Detector.lattice`; nil: all.
  /// - Returns: by falling score, then class index, then anchor index.
  /// - Throws: `DetectionError` where the network's output is not finite; `ModelError` where the weights are not usable;
  ///   `NeuralNetworkError`, or what the source of weights throws, where a plan has to be made.
  public func detect(
    _ pixels: Span<UInt8>, width: Int, height: Int, lattice: PictureLattice? = nil
  ) throws -> [Detection] {
    times = Times()
    let regions = detector.regions(width: width, height: height)
    if regions.count == 1 {
      let found = try look(at: regions[0], number: 0, ownPixels: pixels, lattice)
      return Array(found.prefix(detector.looks.limit))
    }
    var found: [[Detection]] = []
    for (number, region) in regions.enumerated() {
      found.append(try look(at: region, number: number, of: pixels, pictureWidth: width))
    }
    return detector.merge(found)
  }

  /// Finds objects in one picture whose bytes are an array.
  public func detect(_ pixels: [UInt8], width: Int, height: Int) throws -> [Detection] {
    try detect(pixels.span, width: width, height: height)
  }

  /// What one look at a picture, or at its mirror image, finds.
  func detections(
    _ pixels: Span<UInt8>, _ lattice: PictureLattice?, _ geometry: InputGeometry, isMirrored: Bool
  ) throws -> [Detection] {
    let decoder = detector.decoder
    var candidates: [LevelCandidates] = []
    return try run(pixels, of: lattice, geometry, isMirrored: isMirrored) { logits in
      candidates = try decoder.candidates(logits)
      return candidates.map(\.cells)
    } readOutputs: { outputs in
      try decoder.detections(candidates, outputs.regressions, geometry)
    }
  }

  /// Runs the network on one picture, or on its mirror image, and hands its outputs over.
  ///
  /// - Parameters:
  ///   - pixels: of the picture.
  ///   - lattice: which of its pixels these are, where not all.
  ///   - geometry: its sizes.
  ///   - isMirrored: whether left and right are exchanged.
  ///   - wants: gets the class logits of all levels and says, by level, of which cells the boxes are computed; nil: of
  ///     all.
  ///   - readOutputs: gets the outputs; box regressions are undefined where they were not wanted.
  /// - Returns: what `readOutputs` returned.
  /// - Throws: as `detect`, or what the closures throw.
  package func run<Result>(
    _ pixels: Span<UInt8>, of lattice: PictureLattice? = nil, _ geometry: InputGeometry,
    isMirrored: Bool = false, wants: ((BlockedImages) throws -> [MapArea])? = nil,
    readOutputs: (HeadOutputs) throws -> Result
  ) throws -> Result {
    let start = ContinuousClock.now
    var (ready, done) = (start, start)
    var choosing = Duration.zero
    defer {
      times.preprocessing += start.duration(to: ready)
      times.network += ready.duration(to: done) - choosing
      times.postprocessing += done.duration(to: .now) + choosing
    }
    let plan = try detector.plan(for: geometry)
    return try detector.namingFile {
      try worker.run(plan) { input in
        detector.preprocessor.write(pixels, of: lattice, geometry, to: &input)
        if isMirrored { mirror(&input, geometry) }
        ready = .now
      } wants: { logits in
        let start = ContinuousClock.now
        defer { choosing = start.duration(to: .now) }
        return try wants?(logits)
      } readOutputs: { images in
        done = .now
        return try readOutputs(HeadOutputs(images))
      }
    }
  }

  /// Exchanges left and right of the resized picture, as Detectron2 and MMDetection do; the padding stays at the right.
  private func mirror(_ input: inout MutableSpan<Float>, _ geometry: InputGeometry) {
    input.withUnsafeMutableBufferPointer { input in
      for start in stride(from: 0, to: input.count, by: geometry.paddedWidth) {
        var row = UnsafeMutableBufferPointer(rebasing: input[start..<start + geometry.resizedWidth])
        row.reverse()
      }
    }
  }
}
