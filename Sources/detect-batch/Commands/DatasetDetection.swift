import Datasets
import DetectionPipeline
import Evaluation
import FrameDecoding
import RetinaNetModel
import SystemPackage
import Training
import Workers

/// A model's detections in the images of annotations.
struct DatasetDetection {
  /// What was found.
  let detections: [COCODetection]
  /// What a person should know about it, one line each.
  let remarks: [String]

  /// Runs the model over all images; one that cannot be decoded, or for which the network's outputs are not finite, has
  /// no detections, with a remark.
  ///
  /// - Parameters:
  ///   - annotations: the images, and the categories whose names are the model's labels.
  ///   - folder: where the images' names begin.
  ///   - model: what is measured.
  ///   - options: what of the model's outputs becomes a detection, and how images are looked at.
  ///   - workers: threads; nil: as many as cores.
  ///   - showsProgress: whether there is a terminal to draw a progress line on.
  /// - Throws: `Fault` where an image does not exist, `DatasetError` where no label is a category,
  ///   `DetectionError` where the outputs are finite for no image, and what else the detector throws.
  init(
    of annotations: COCOAnnotations, below folder: FilePath, model: DetectionModel,
    options: DetectionOptions, workers: Int?, showsProgress: Bool
  ) throws {
    let labels = LabelledCategories(model.description.classes, annotations.categories)
    try labels.requireOne()
    let images = Dictionary(annotations.images.map { ($0.id, $0) }) { $1 }
      .values.sorted { $0.id < $1.id }
    try Self.requireFiles(images, below: folder)
    let detector = try Detector(model: model, options: options)

    let gathering = Monitor(Gathering())
    let lastFault = Monitor<DetectionError?>(nil)
    let decoders = Decoders.make()
    defer { if showsProgress { Console.standardError.show(nil) } }
    try detector.forEachPicture(
      count: images.count, workers: workers ?? Machine().availableCores
    ) { number, worker in
      let image = images[number]
      do {
        let frame = try Self.frame(folder.appending(image.fileName), decoders)
        let picture = frame.picture
        let found = try picture.withPixels {
          try worker.detect($0, width: picture.width, height: picture.height)
        }
        let remark = detector.remark(width: picture.width, height: picture.height)
        gathering.withLock { gathering in
          gathering.add(found, in: frame, of: image, labels)
          if let remark { gathering.shrunk.append("\(image.fileName): \(remark)") }
        }
      } catch let error as MediaError {
        gathering.withLock { $0.failures.append("\(image.fileName): \(error)") }
      } catch let error as DetectionError {
        gathering.withLock { $0.notFinite.append(image.fileName) }
        lastFault.withLock { $0 = error }
      }
      if showsProgress {
        let done = gathering.read(\.done)
        Console.standardError.show("\(done) of \(images.count) images")
      }
    }
    let result = gathering.read { $0 }
    if let fault = lastFault.read({ $0 }), result.examined == 0 { throw fault }
    detections = result.detections
    remarks = labels.remarks + result.remarks
  }

  private static func requireFiles(
    _ images: [COCOAnnotations.Image], below folder: FilePath
  ) throws(Fault) {
    let missing = images.filter { !Places.isFile(folder.appending($0.fileName)) }
    guard let first = missing.first else { return }
    throw Fault(
      .noInput,
      "\(folder.appending(first.fileName)) does not exist (\(missing.count) of \(images.count) "
        + "images that the annotations name are missing): is --images right?")
  }

  private static func frame(
    _ path: FilePath, _ decoders: MediaDecoders
  ) throws(MediaError) -> DecodedFrame {
    guard let frame = try decoders.open(path).nextFrame() else {
      throw MediaError(.data, "holds no picture")
    }
    return frame
  }
}

/// What the threads have found so far.
private struct Gathering: Sendable {
  private(set) var detections: [COCODetection] = []
  var failures: [String] = []
  var notFinite: [String] = []
  /// Remarks on images of which small objects are lost.
  var shrunk: [String] = []
  private var otherSizes: [String] = []
  private var damaged: [String] = []
  private(set) var examined = 0

  /// Images that are finished with.
  var done: Int { examined + failures.count + notFinite.count }

  mutating func add(
    _ found: [Detection], in frame: DecodedFrame, of image: COCOAnnotations.Image,
    _ labels: LabelledCategories
  ) {
    examined += 1
    if frame.isCorrupt { damaged.append(image.fileName) }
    if image.isOfOtherSize(width: frame.picture.width, height: frame.picture.height) {
      otherSizes.append(image.fileName)
    }
    for detection in found {
      guard let categoryID = labels.categoryIDs[detection.classIndex] else { continue }
      detections.append(COCODetection(detection, imageID: image.id, categoryID: categoryID))
    }
  }

  var remarks: [String] {
    var remarks: [String] = []
    if let first = failures.sorted().first {
      remarks.append(
        "\(failures.count) images cannot be decoded (first: \(first)): their objects count as missed"
      )
    }
    if let first = notFinite.min() {
      remarks.append(
        "the network's outputs are not finite for \(notFinite.count) images (first: \(first)): their objects count as "
          + "missed")
    }
    if let first = shrunk.min() { remarks.append(first) }
    return remarks
      + [ImageRemark.damaged(damaged), ImageRemark.otherSizes(otherSizes)].compactMap(\.self)
  }
}

/// The categories that a model's labels stand for.
private struct LabelledCategories: Sendable {
  /// By column of the class head; nil where the label is no category.
  let categoryIDs: [Int?]
  private let strangers: [String]
  private let unknown: [String]
  private let names: [String]

  init(_ labels: [String?], _ categories: [COCOAnnotations.Category]) {
    let ids = Dictionary(categories.map { ($0.name, $0.id) }) { $1 }
    categoryIDs = labels.map { label in label.flatMap { ids[$0] } }
    strangers = labels.compactMap(\.self).filter { ids[$0] == nil }
    names = categories.map(\.name)
    unknown = names.filter { !labels.contains($0) }
  }

  func requireOne() throws(DatasetError) {
    guard categoryIDs.contains(where: { $0 != nil }) else {
      throw .noCommonLabel(labels: strangers, categories: names)
    }
  }

  var remarks: [String] {
    func remark(_ names: [String], _ text: String) -> String? {
      names.isEmpty ? nil : "\(text): \(names.joined(separator: ", "))"
    }
    return [
      remark(
        strangers, "classes of the model that the annotations do not have, and that do not count"),
      remark(unknown, "categories that the model does not know, and whose objects count as missed"),
    ].compactMap(\.self)
  }
}
