import Evaluation
import RetinaNetModel
import Synchronization
import SystemPackage
import Workers

/// Measures a model on a dataset as COCO does.
public struct DetectorEvaluation: Sendable {
  /// The twelve numbers, and those of each class.
  public let evaluation: COCOEvaluation
  /// Detections of each picture, in the dataset's order; nil of one that cannot be decoded.
  public let detections: [[Detection]?]

  /// Runs the model over every picture.
  ///
  /// - Parameters:
  ///   - model: its classes must be the dataset's, in the same order.
  ///   - dataset: pictures and truth.
  ///   - workers: threads.
  ///   - load: decodes a picture.
  ///   - onBroken: told of each picture that cannot be decoded, from any thread; its objects count as missed.
  /// - Throws: what the detector throws.
  public init(
    _ model: DetectionModel, on dataset: TrainingDataset, workers: Int,
    load: @escaping TrainingPicture.Loader, onBroken: @escaping @Sendable (DatasetError) -> Void
  ) throws {
    precondition(
      model.description.classes == dataset.classes,
      "a model of \(model.description.classes) for a dataset of \(dataset.classes)")
    let detector = try Detector(model: model)
    let images = dataset.images
    let found = Monitor<[[Detection]?]>(Array(repeating: nil, count: images.count))
    let next = Monitor(0)
    let group = WorkerGroup()
    for index in 0..<workers {
      group.start("evaluate-\(index)") {
        let worker = try detector.makeWorker()
        while true {
          let number = next.withLock { number in
            defer { number += 1 }
            return number
          }
          guard number < images.count else { return }
          let picture: TrainingPicture
          do { picture = try load(images[number].path) } catch {
            onBroken(.picture(file: images[number].path, reason: "\(error)"))
            continue
          }
          let detections = try worker.detect(
            picture.pixels, width: picture.width, height: picture.height)
          found.withLock { $0[number] = detections }
        }
      }
    }
    try group.join()
    detections = found.read { $0 }
    var all: [COCODetection] = []
    for (image, detections) in zip(images, detections) {
      for detection in detections ?? [] {
        let box = detection.box
        all.append(
          COCODetection(
            imageID: image.id, categoryID: dataset.categoryIDs[detection.classIndex],
            score: Double(detection.score),
            box: COCOBox(
              x: Double(box.minX), y: Double(box.minY), width: Double(box.width),
              height: Double(box.height))))
      }
    }
    evaluation = COCOEvaluation(annotations: dataset.annotations, detections: all)
  }
}
