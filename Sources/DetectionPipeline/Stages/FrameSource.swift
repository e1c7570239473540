import DetectionRecords
import FrameDecoding
import Media
import RetinaNetModel

/// One thread's use of a detector: `DetectorWorker`, or what a test puts in its place.
protocol FrameDetector {
  /// - Throws: `DetectionError` where this picture has no result; anything else ends the run.
  func detect(_ picture: RGBPicture) throws -> [Detection]
  /// Where the time of the last picture, or of the last look, went.
  var times: DetectorWorker.Times { get }
  /// In how many looks a picture of this size is looked at.
  func lookCount(width: Int, height: Int) -> Int
  /// Makes one of several looks.
  ///
  /// - Throws: as `detect`.
  func look(_ number: Int, at picture: RGBPicture) throws -> [Detection]
  /// Puts together what several looks have found, in their order.
  func merge(_ found: [[Detection]]) -> [Detection]
  /// What the user should know of how pictures of this size are looked at; nil: nothing.
  func remark(width: Int, height: Int) -> String?
}

extension FrameDetector {
  func lookCount(width: Int, height: Int) -> Int { 1 }
  func look(_ number: Int, at picture: RGBPicture) throws -> [Detection] {
    try detect(picture)
  }
  func merge(_ found: [[Detection]]) -> [Detection] { Array(found.joined()) }
  func remark(width: Int, height: Int) -> String? { nil }
}

extension DetectorWorker: FrameDetector {
  func detect(_ picture: RGBPicture) throws -> [Detection] {
    try picture.withPixels {
      try detect($0, width: picture.width, height: picture.height, lattice: picture.lattice)
    }
  }
  func look(_ number: Int, at picture: RGBPicture) throws -> [Detection] {
    try picture.withPixels {
      try look(number, at: $0, width: picture.width, height: picture.height)
    }
  }
}

/// What one input may be decoded with.
struct DecoderShare: Equatable, Sendable {
  /// Decoders, of which a video that can be shared out takes several; at least 1.
  var decoders = 1
  /// Bytes of frames that they may decode before their turn comes.
  var bytesAhead = 0
}

/// What the stages are run with.
struct RunEquipment: Sendable {
  /// Opens an input, leaving out the first sampled frames. Of an image, the gate is asked before it is decoded.
  var open:
    @Sendable (InputJob, _ skipping: Int, PictureGate, DecoderShare) throws(MediaError)
      -> any FrameSource
  /// Makes a worker's detector, on the worker's thread.
  var makeDetector: @Sendable () throws -> any FrameDetector
  /// Bytes for each worker and bytes that all share, for the largest input of the network.
  var memory: @Sendable () throws -> (perWorker: Int, shared: Int)
}

/// What a run needs to know of a model.
struct RunModel: Sendable {
  let description: ModelDescription
  /// The model file's SHA-256.
  let digest: String
  /// What the model file is called, without its folder.
  var name = ""
  /// Called once there is work: what makes plans and packs weights.
  let makeEquipment: @Sendable (RunConfiguration, MediaCancellation) throws -> RunEquipment
}

extension RunModel {
  /// What an output directory keeps of it (`OutputDirectory.model`).
  var text: String {
    let classes = description.classes.enumerated().compactMap { index, label in
      // A label may hold anything, and a line has one.
      label.map { "class \(index) \($0.split(whereSeparator: \.isNewline).joined(separator: " "))" }
    }
    return (["name \(name)"] + classes).joined(separator: "\n")
  }

  init(_ model: DetectionModel) {
    description = model.description
    digest = model.digest
    name = model.path.lastComponent?.string ?? ""
    makeEquipment = { configuration, cancellation in
      let detector = try Detector(model: model, options: configuration.detection)
      return RunEquipment(detector, configuration, cancellation)
    }
  }
}

extension RunEquipment {
  /// The real thing.
  init(_ detector: Detector, _ configuration: RunConfiguration, _ cancellation: MediaCancellation) {
    var sampling = configuration.sampling
    sampling.segment = configuration.partition.segment.map {
      FrameSampling.Segment(index: $0.index - 1, count: $0.count)
    }
    open = { [sampling] job, kept, gate, share throws(MediaError) in
      var limits = configuration.limits
      limits.pictureGate = gate
      limits.decoders = min(share.decoders, MediaLimits.mostDecoders)
      limits.bytesAhead = share.bytesAhead
      return try configuration.media.open(
        job.path, sampling: sampling, limits: limits, skipping: kept, cancellation: cancellation,
        lattice: { detector.lattice(width: $0, height: $1) })
    }
    makeDetector = { try detector.makeWorker() }
    memory = {
      // No picture becomes a larger input than one that fills both bounds.
      let sizes = detector.description.preprocessing
      return try detector.memory(width: sizes.maxSize, height: sizes.minSize)
    }
  }
}
