import DetectionRecords
import Failures
import Files
import SystemPackage

/// What is to be exported, and how.
public struct ExportRequest: Sendable {
  /// The records.
  public var records: RecordFiles
  /// The format.
  public var format: ExportFormat
  /// Detections that score less are left out; nil leaves out none.
  public var scoreThreshold: Double?
  /// The labels that are taken, and their order where a format numbers them; nil takes all, in the order in which they
  /// first come.
  public var classes: [String]?
  /// COCO results: the ids of a file of annotations; nil numbers images and categories as `cocoDataset` does.
  public var ids: COCOIdentifiers?
  /// Label Studio: what comes before a file's name to make the address of a picture.
  public var imagePrefix = ""
  /// MegaDetector: the path of a report, relative to the results.
  public var summaryReport: String?
  /// Camtrap DP: what records do not say.
  public var camtrap: CamtrapContext?
  /// Asked before each record.
  public var isStopped: @Sendable () -> Bool = { false }

  /// A request of all that records say.
  public init(_ records: RecordFiles, as format: ExportFormat) {
    self.records = records
    self.format = format
  }
}

/// Where an export goes.
public enum ExportOutput: Equatable, Sendable {
  /// A file, or a directory for the formats that are one; it appears when all of it is there.
  case path(FilePath, replacing: Bool)
  /// Standard output.
  case standardOutput
}

/// What was exported.
public struct ExportSummary: Equatable, Sendable {
  /// Inputs with a record.
  public internal(set) var inputs = 0
  /// Frames that were looked at.
  public internal(set) var frames = 0
  /// Detections written, if all formats could say them.
  public internal(set) var detections = 0
  /// Frames and inputs that were not looked at.
  public internal(set) var failures = 0
  /// Those of them that the format cannot tell of.
  public internal(set) var untold = 0
  /// Classes that were asked for, and no record has.
  public internal(set) var unknownClasses: [String] = []
  /// Bytes of records.
  public internal(set) var bytesRead = 0
}

/// Why an export failed, apart from its records.
public enum ExportError: ClassifiedError, Equatable, Sendable {
  /// A format that is a directory was to go to standard output.
  case needsDirectory(ExportFormat)
  /// A format that needs its records twice was to read standard input.
  case needsFiles(ExportFormat)
  /// A format that needs to know where and when cameras were.
  case needsDeployments
  /// A name that a format cannot say.
  case badName(SourceName, String)
  /// There is something of the output's name.
  case exists(FilePath, isDirectory: Bool)
  /// Two inputs would have one file in the output.
  case sameFile(String, SourceName)
  /// It was asked to stop.
  case stopped

  /// The kind.
  public var kind: FailureKind {
    switch self {
    case .needsDirectory, .needsFiles, .needsDeployments, .badName: .usage
    case .exists, .sameFile: .cannotCreateOutput
    case .stopped: .stopped
    }
  }

  /// One line: what, on what, what to do.
  public var description: String {
    switch self {
    case .needsDirectory(let format):
      "\(format.rawValue) is a directory of files: --output must name one"
    case .needsFiles(let format):
      "\(format.rawValue) has to read the records twice: name files or directories instead of -"
    case .needsDeployments:
      "camtrap-dp has to know where the cameras were, which records do not say: give --deployments"
    case .badName(let source, let why): "\(source.oneLine): \(why)"
    case .exists(let path, isDirectory: true):
      "\(path.oneLine): is there already, and a directory is not replaced: remove it, or choose another --output"
    case .exists(let path, isDirectory: false):
      "\(path.oneLine): is there already: --overwrite replaces it"
    case .sameFile(let name, let source):
      "\(source.oneLine): another input has the file \(name) of the output already: export them apart"
    case .stopped: "stopped"
    }
  }
}

/// Records to another format, in one go and in flat memory.
public enum ExportRun {
  /// Exports.
  ///
  /// - Parameters:
  ///   - request: What, and how.
  ///   - output: Where to.
  /// - Returns: What was written.
  /// - Throws: `ExportError`, `ExportTableError`, `RecordReadingError`, or of the output `FileError` or `AtomicFile.Failure`; nothing of the
  ///   output's name is then there that was not there before.
  public static func run(
    _ request: ExportRequest, to output: ExportOutput
  ) throws -> ExportSummary {
    let format = request.format
    if format.passes > 1, request.records.holdsStandardInput {
      throw ExportError.needsFiles(format)
    }
    switch output {
    case .standardOutput:
      if format.isDirectory { throw ExportError.needsDirectory(format) }
      let standardOutput = StandardOutput()
      return try write(request, nil) { try standardOutput.append($0) }
    case .path(let path, let replacing):
      let metadata = try OpenFile.metadata(path)
      if let metadata, metadata.type == .directory || format.isDirectory || !replacing {
        throw ExportError.exists(
          path, isDirectory: metadata.type == .directory || format.isDirectory)
      }
      if format.isDirectory {
        let tree = try ExportTree(path)
        let summary = try write(request, tree) { _ in }
        try tree.publish()
        return summary
      }
      var summary = ExportSummary()
      try AtomicFile.replace(path) { file in
        let file = copy file
        summary = try write(request, nil) { try file.append($0) }
      }
      return summary
    }
  }

  /// Bytes that are gathered before they are written.
  private static let blockSize = 1 << 20

  private static func write(
    _ request: ExportRequest, _ tree: ExportTree?, _ put: ([UInt8]) throws -> Void
  ) throws -> ExportSummary {
    var writer = try request.format.writer(request, tree)
    var summary = ExportSummary()
    var classes = ExportClasses(request)
    for pass in 1...request.format.passes {
      summary = try write(pass, request, &writer, &classes, put)
    }
    summary.untold = writer.untold
    return summary
  }

  private static func write(
    _ pass: Int, _ request: ExportRequest, _ writer: inout any ExportWriter,
    _ classes: inout ExportClasses, _ put: ([UInt8]) throws -> Void
  ) throws -> ExportSummary {
    var summary = ExportSummary()
    var bytes: [UInt8] = []
    bytes.reserveCapacity(blockSize * 2)
    try writer.begin(pass: pass, classes, to: &bytes)
    let reader = RecordReader(request.records, isStopped: request.isStopped)
    var inputs = ExportInputs()
    while let line = try reader.next() {
      if request.isStopped() { throw ExportError.stopped }
      let input: ExportInput
      switch try inputs.next(line) {
      case .same(let current): input = current
      case .new(let next, after: let last):
        if let last { try writer.end(last, classes, to: &bytes) }
        try writer.begin(next, to: &bytes)
        summary.inputs += 1
        input = next
      }
      let frame = classes.frame(line.record, reader)
      if let found = frame.detections {
        summary.frames += 1
        summary.detections += found.count
      } else {
        summary.failures += 1
      }
      try writer.append(frame, input, classes, to: &bytes)
      if bytes.count >= blockSize {
        try put(bytes)
        bytes.removeAll(keepingCapacity: true)
      }
    }
    // Standard input can end with whoever wrote it, by the same signal.
    if request.isStopped() { throw ExportError.stopped }
    if let last = inputs.current { try writer.end(last, classes, to: &bytes) }
    try writer.end(pass: pass, classes, to: &bytes)
    try put(bytes)
    summary.bytesRead = reader.bytesRead
    let labels = Set(reader.labels)
    summary.unknownClasses = (request.classes ?? []).filter { !labels.contains($0) }
    return summary
  }
}
