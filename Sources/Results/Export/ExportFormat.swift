/// The formats that records are written in for other tools: the table of `export --format`.
public enum ExportFormat: String, CaseIterable, Sendable {
  /// COCO's results: a list of detections.
  case coco
  /// COCO's data set: images, categories and annotations, to be corrected or trained on.
  case cocoDataset = "coco-dataset"
  /// MegaDetector's batch results, for Timelapse and its own tools.
  case megadetector
  /// A table: one row a detection, one an empty frame, one a failure.
  case csv
  /// Ultralytics' tree of label files.
  case yolo
  /// CVAT's XML for images.
  case cvat
  /// CVAT's XML for videos, a file each.
  case cvatVideo = "cvat-video"
  /// Label Studio's tasks with predictions.
  case labelStudio = "label-studio"
  /// Camera traps' data package, a directory.
  case camtrapDP = "camtrap-dp"
  /// Subtitles, a file for each video.
  case webvtt

  /// Whether it is a directory, and not one file.
  public var isDirectory: Bool {
    switch self {
    case .yolo, .cvatVideo, .camtrapDP, .webvtt: true
    case .coco, .cocoDataset, .megadetector, .csv, .cvat, .labelStudio: false
    }
  }

  /// How many times the records are read: what stands at the beginning of some formats is known after the last record.
  public var passes: Int {
    switch self {
    case .cocoDataset, .cvat, .cvatVideo: 2
    case .coco, .megadetector, .csv, .yolo, .labelStudio, .camtrapDP, .webvtt: 1
    }
  }

  /// What it is for, in a few words.
  public var summary: String {
    switch self {
    case .coco: "COCO results: a list of detections with image and category ids (pycocotools)"
    case .cocoDataset:
      "a COCO data set: images, categories, annotations (labelling tools, training)"
    case .megadetector: "MegaDetector's batch results 1.6 (Timelapse, its own tools)"
    case .csv: "one row a detection, one an empty frame, one a failure"
    case .yolo: "a directory of txt files with data.yaml (Ultralytics)"
    case .cvat: "CVAT for images 1.1, one XML file"
    case .cvatVideo: "CVAT for video 1.1, a directory with an XML file for each video"
    case .labelStudio: "Label Studio's tasks with predictions, one JSON file"
    case .camtrapDP:
      "a Camtrap DP 1.0.2 package: a directory with datapackage.json, deployments, media, observations"
    case .webvtt:
      "subtitles that say when which label is seen, a directory with a file for each video"
    }
  }

  func writer(_ request: ExportRequest, _ tree: ExportTree?) throws(ExportError) -> any ExportWriter
  {
    switch (self, tree) {
    case (.coco, _): COCOResultsWriter(request.ids)
    case (.cocoDataset, _): COCODatasetWriter()
    case (.megadetector, _): MegaDetectorWriter(summaryReport: request.summaryReport)
    case (.csv, _): CSVWriter()
    case (.cvat, _): CVATImagesWriter()
    case (.labelStudio, _): LabelStudioWriter(imagePrefix: request.imagePrefix)
    case (.yolo, let tree?): YOLOWriter(tree)
    case (.cvatVideo, let tree?): CVATVideoWriter(tree)
    case (.webvtt, let tree?): WebVTTWriter(tree)
    case (.camtrapDP, let tree?):
      if let camtrap = request.camtrap {
        CamtrapWriter(tree, camtrap)
      } else {
        throw .needsDeployments
      }
    case (.yolo, nil), (.cvatVideo, nil), (.camtrapDP, nil), (.webvtt, nil):
      throw .needsDirectory(self)
    }
  }
}

/// One format: is handed inputs and their frames in the order of the records, and appends to the bytes of its file what
/// they make. Those that make a tree of files leave the bytes alone.
protocol ExportWriter {
  /// What comes before all.
  mutating func begin(pass: Int, _ classes: ExportClasses, to bytes: inout [UInt8]) throws
  /// An input begins.
  mutating func begin(_ input: ExportInput, to bytes: inout [UInt8]) throws
  /// A frame of it, looked at or not; the last one may be the failure of the rest (`FrameRecord.isInputFailure`).
  mutating func append(
    _ frame: ExportFrame, _ input: ExportInput, _ classes: ExportClasses, to bytes: inout [UInt8]
  ) throws
  /// An input has ended.
  mutating func end(_ input: ExportInput, _ classes: ExportClasses, to bytes: inout [UInt8]) throws
  /// What comes after all.
  mutating func end(pass: Int, _ classes: ExportClasses, to bytes: inout [UInt8]) throws
  /// Frames and inputs that were not looked at and that the format cannot tell of.
  var untold: Int { get }
}

extension ExportWriter {
  mutating func begin(pass: Int, _ classes: ExportClasses, to bytes: inout [UInt8]) {}
  mutating func begin(_ input: ExportInput, to bytes: inout [UInt8]) {}
  mutating func end(_ input: ExportInput, _ classes: ExportClasses, to bytes: inout [UInt8]) {}
  mutating func end(pass: Int, _ classes: ExportClasses, to bytes: inout [UInt8]) {}
  var untold: Int { 0 }
}
