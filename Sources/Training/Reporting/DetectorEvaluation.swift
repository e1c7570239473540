import Datasets
import Evaluation
import Media
import RetinaNetModel
import Synchronization
import SystemPackage
import Workers

/// Measures a model on a dataset as COCO does.
public struct DetectorEvaluation: Sendable {
  /// The twelve numbers, and those of each class.
  public let evaluation: COCOEvaluation
  /// Detections of each picture, in the dataset's order; nil of one that cannot be decoded or has none that are finite.
  public let detections: [[Detection]?]

  /// Runs the model over every picture.
  ///
  /// - Parameters:
  ///   - detector: its classes must be the dataset's, in the same order.
  ///   - dataset: pictures and truth.
  ///   - workers: threads.
  ///   - load: decodes a picture.
  ///   - remark: told of each picture of which there is something to be said, from any thread; where it cannot be
  ///     decoded, or the network's outputs are not finite, its objects count as missed.
  /// - Throws: `DetectionError` where the outputs are not finite for any picture; what else the detector throws.
  public init(
    _ detector: Detector, on dataset: TrainingDataset, workers: Int,
    load: @escaping LoadedPicture.Loader, remark: @escaping @Sendable (PictureRemark) -> Void
  ) throws {
    precondition(
      detector.description.classes == dataset.classes,
      "a model of \(detector.description.classes) for a dataset of \(dataset.classes)")
    let images = dataset.images
    let found = Monitor<[[Detection]?]>(Array(repeating: nil, count: images.count))
    let failure = Monitor<DetectionError?>(nil)
    try detector.forEachPicture(count: images.count, workers: workers) { number, worker in
      let loaded: LoadedPicture
      let image = images[number]
      do { loaded = try load(image.path) } catch {
        remark(.undecodable(file: image.path, reason: "\(error)"))
        return
      }
      let picture = loaded.picture
      if loaded.isDamaged { remark(.damaged(file: image.path)) }
      if let size = image.size, size != picture.size {
        remark(.otherSize(file: image.path, annotated: size.text, actual: picture.size.text))
      }
      do {
        let detections = try worker.detect(
          picture.pixels, width: picture.width, height: picture.height)
        found.withLock { $0[number] = detections }
      } catch let error as DetectionError {
        failure.withLock { $0 = $0 ?? error }
        remark(.notFinite(file: image.path, reason: error.description))
      }
    }
    if let error = failure.read({ $0 }), found.read({ $0.allSatisfy { $0 == nil } }) { throw error }
    detections = found.read { $0 }
    let all = zip(images, detections).flatMap { image, detections in
      (detections ?? []).map {
        COCODetection(
          $0, imageID: image.id, categoryID: dataset.categoryIDs[$0.classIndex])
      }
    }
    evaluation = COCOEvaluation(annotations: dataset.annotations, detections: all)
  }
}

extension COCODetection {
  /// What a detector found in an image.
  public init(_ detection: Detection, imageID: Int, categoryID: Int) {
    let box = detection.box
    self.init(
      imageID: imageID, categoryID: categoryID, score: Double(detection.score),
      box: COCOBox(
        x: Double(box.minX), y: Double(box.minY), width: Double(box.width),
        height: Double(box.height)))
  }
}
