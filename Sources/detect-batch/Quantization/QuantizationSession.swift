import DetectionPipeline
import Evaluation
import FrameDecoding
import RetinaNetModel
import SystemPackage
import Workers

/// One calibration from the command line: chooses pictures, calibrates on them, and compares what comes out with float32.
struct QuantizationSession {
  private let model: DetectionModel
  private let annotated: AnnotatedPictures?
  private let workers: Int
  private let showsProgress: Bool
  private let decoders = Decoders.make(nil)

  /// - Parameters:
  ///   - model: what is quantised.
  ///   - annotated: what is measured on; nil: on what is held out.
  ///   - workers: threads.
  ///   - showsProgress: whether there is a terminal to draw a progress line on.
  init(model: DetectionModel, annotated: AnnotatedPictures?, workers: Int, showsProgress: Bool) {
    self.model = model
    self.annotated = annotated
    self.workers = workers
    self.showsProgress = showsProgress
  }

  /// Chooses pictures.
  ///
  /// - Parameters:
  ///   - inputs: directories, files and patterns.
  ///   - count: how many are wanted to calibrate on.
  /// - Returns: at least one to calibrate on.
  /// - Throws: `WorklistError`; `Fault` where only annotated pictures are there.
  func sample(_ inputs: [FilePath], count: Int) throws -> PictureSample {
    var request = Worklist.Request()
    request.inputs = inputs
    let list = try Worklist(request)
    for failure in list.failures {
      Log.logger.warning("\(failure.path): left out: \(failure.reason)")
    }
    let items = list.items.filter { annotated?.hold($0.path) != true }
    guard !items.isEmpty else {
      throw Fault(
        .noInput,
        "all pictures that --images names are annotated ones, to be measured on: name others to calibrate on"
      )
    }
    return PictureSample(
      of: items.map { ($0.source.oneLine, $0.path) }, count: count, holdsOut: annotated == nil
    ) { path in
      // One that cannot be opened is said so when its turn comes.
      guard let info = try? decoders.open(path).info else { return false }
      return !info.isStillImage && info.duration != nil
    }
  }

  /// Calibrates.
  ///
  /// - Parameter sample: what on.
  /// - Returns: the model in 8 bits.
  /// - Throws: `Fault` where no picture is of use; what `ModelCalibration` throws.
  func calibrate(on sample: PictureSample) throws -> CalibratedModel {
    let places = sample.calibration
    let showsProgress = showsProgress
    defer { if showsProgress { Console.standardError.show(nil) } }
    let calibrated = try ModelCalibration(of: model).run(
      count: places.count, workers: workers, picturesDigest: sample.digest
    ) { number, use in
      try withPicture(places[number], use)
    } progress: { progress in
      switch progress {
      case .looked(let number, let count):
        if showsProgress { Console.standardError.show("\(number) of \(count) pictures") }
      case .tried(let number, let count):
        if showsProgress { Console.standardError.show("ranges tried on \(number) of \(count)") }
      case .notFinite(let number):
        Log.logger.warning(
          "\(places[number].name): left out: the network's numbers are not finite for it")
      }
    }
    guard let calibrated else {
      throw Fault(.noInput, "none of \(places.count) pictures could be calibrated on")
    }
    return calibrated
  }

  /// Says how a calibrated model's detections differ from those in float32.
  ///
  /// - Parameters:
  ///   - quantized: the calibrated model.
  ///   - sample: what it was calibrated on, and what was held out.
  /// - Throws: what the detectors throw.
  func compare(_ quantized: DetectionModel, on sample: PictureSample) throws {
    if let annotated {
      try measure(quantized, on: annotated)
    } else {
      try findChange(quantized, on: sample.heldOut)
    }
  }

  private func measure(_ quantized: DetectionModel, on annotated: AnnotatedPictures) throws {
    var remarks = annotated.remarks
    let evaluations = try [model, quantized].map { model in
      let found = try DatasetDetection(
        of: annotated.annotations, below: annotated.folder,
        detector: Detector(model: model, options: DetectionOptions(scoreThreshold: 0.05)),
        workers: workers, showsProgress: showsProgress)
      for remark in found.remarks where !remarks.contains(remark) { remarks.append(remark) }
      return COCOEvaluation(annotations: annotated.annotations, detections: found.detections)
    }
    for remark in remarks { Log.logger.warning("\(remark)") }
    for line in QuantizationText.precision(evaluations[0], evaluations[1]) {
      Log.logger.info("\(line)")
    }
  }

  private func findChange(_ quantized: DetectionModel, on places: [PictureSample.Place]) throws {
    let detectors = try [model, quantized].map { try Detector(model: $0) }
    let found = try detectors.map { detector in
      let found = Monitor<[[Detection]?]>(Array(repeating: nil, count: places.count))
      try detector.forEachPicture(count: places.count, workers: workers) { number, worker in
        try withPicture(places[number]) { pixels, width, height in
          do {
            let detections = try worker.detect(pixels, width: width, height: height)
            found.withLock { $0[number] = detections }
          } catch let error as DetectionError {
            Log.logger.warning("\(places[number].name): not compared: \(error)")
          }
        }
      }
      return found.read { $0 }
    }
    var change = DetectionChange()
    for case (let first?, let second?) in zip(found[0], found[1]) { change.add(first, second) }
    for line in QuantizationText.change(change) { Log.logger.info("\(line)") }
  }

  /// Decodes one picture; one that cannot be decoded is left out with a warning.
  private func withPicture(
    _ place: PictureSample.Place, _ use: (Span<UInt8>, Int, Int) throws -> Void
  ) throws {
    let frame: DecodedFrame?
    do { frame = try place.frame(decoders) } catch {
      Log.logger.warning("\(place.name): left out: \(error)")
      return
    }
    guard let picture = frame?.picture else { return }
    try picture.withPixels { try use($0, picture.width, picture.height) }
  }
}
