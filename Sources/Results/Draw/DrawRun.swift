import DetectionRecords
import Drawing
import FrameDecoding
import FrameEncoding
import Media
import SystemPackage

/// Draws what records say into the pictures and videos that they are about. Nothing is detected.
///
/// One input after another, in the order of the records; one thread at a time, besides those that encode.
public final class DrawRun {
  /// What happens on the way.
  public enum Event: Sendable {
    /// Drawing has come to so many seconds of a video, of so many where the container tells.
    case progress(SourceName, seconds: Double, of: Double?)
    /// An output is whole.
    case made(FilePath, from: SourceName)
    /// Something of an input that should be known.
    case remark(SourceName, String)
    /// Of an input nothing is made, as was asked for or is not possible.
    case nothing(SourceName, String)
    /// An input cannot be drawn.
    case failed(SourceName, String)
  }

  /// What came of it.
  public struct Summary: Equatable, Sendable {
    /// Inputs that records are about.
    public internal(set) var inputs = 0
    /// Files that were made.
    public internal(set) var outputs = 0
    /// Outputs that were there already.
    public internal(set) var existing = 0
    /// Inputs that could not be drawn.
    public internal(set) var failures = 0
    /// Detections that counted.
    public internal(set) var detections = 0
    /// Classes that were asked for, and no record has.
    public internal(set) var unknownClasses: [String] = []
  }

  let configuration: DrawConfiguration
  let records: InputRecords
  let annotator = Annotator()
  let files: OutputFiles
  let decoders: MediaDecoders
  let cancellation: MediaCancellation
  let report: (Event) -> Void
  var summary = Summary()
  private var locator: InputLocator
  private var sheets: ContactSheets?

  /// Prepares.
  ///
  /// - Parameters:
  ///   - reader: The records.
  ///   - locator: Finds the files that they are about.
  ///   - configuration: What to make.
  ///   - decoders: Open the files. The default decodes in this process.
  ///   - cancellation: Stops it from another thread.
  ///   - report: Is told what happens, on the thread that draws.
  public init(
    _ reader: RecordReader, _ locator: InputLocator, _ configuration: DrawConfiguration,
    decoders: MediaDecoders = MediaDecoders(.off), cancellation: MediaCancellation = .init(),
    report: @escaping (Event) -> Void
  ) {
    self.configuration = configuration
    self.locator = locator
    self.decoders = decoders
    self.cancellation = cancellation
    self.report = report
    records = InputRecords(reader)
    files = OutputFiles(configuration.output, existing: configuration.existingOutput)
  }

  /// Whether labels can be written: this machine has a font.
  public var canWriteLabels: Bool { annotator.canWrite }

  /// Draws everything.
  ///
  /// - Returns: What came of it.
  /// - Throws: What ends the run: `RecordReadingError` for records that are none, and `DrawError` for a directory that
  ///   cannot be written to, or `.stopped`.
  public func draw() throws -> Summary {
    if configuration.content == .contactSheets { sheets = ContactSheets(annotator) }
    while let line = try records.nextInput() {
      summary.inputs += 1
      do {
        try draw(line)
      } catch let error as EncodingError {
        try fail(line.source, error)
      } catch let error as MediaError {
        try fail(line.source, error)
      } catch let error as DrawError {
        try fail(line.source, error)
      } catch let error as RecordReadingError {
        guard case .lostInput = error else { throw error }
        try fail(line.source, error)
      }
    }
    if cancellation.isCancelled { throw DrawError.stopped }
    try finishSheets()
    let labels = Set(records.labels)
    summary.unknownClasses = (configuration.selection.classes ?? []).subtracting(labels).sorted()
    return summary
  }

  /// Counts a failure of one input, if it is one.
  private func fail(_ source: SourceName, _ error: any Error) throws {
    if cancellation.isCancelled { throw DrawError.stopped }
    switch error {
    case EncodingError.cannotCreate(let path, let code): throw DrawError.cannotCreate(path, code)
    case EncodingError.writeFailed(let path, let code): throw DrawError.writeFailed(path, code)
    case DrawError.cannotCreate(_, .fileNameTooLong), DrawError.writeFailed(_, .fileNameTooLong):
      break
    case DrawError.cannotCreate, DrawError.writeFailed: throw error
    default: break
    }
    summary.failures += 1
    report(.failed(source, (error as? RecordReadingError)?.reason ?? "\(error)"))
  }

  private func draw(_ line: RecordLine) throws {
    // An input of which no frame was looked at has one line, and nothing to be drawn.
    if line.record.isInputFailure, case .failure(let reason) = line.record.outcome {
      report(.nothing(line.source, "was not looked at: \(reason)"))
      return
    }
    let path = try locator.path(of: line)
    let reader = try decoders.open(path, cancellation: cancellation)
    let input = DrawnInput(source: line.source, path: path, reader: reader)
    switch configuration.content {
    case .crops: try drawCrops(input)
    case .contactSheets: try drawThumbnails(input)
    case .everything, .detections:
      if reader.info.isStillImage { try drawPages(input) } else { try drawVideo(input) }
    }
  }

  /// What is marked in the frames of an input.
  func marks(_ input: DrawnInput) -> FrameMarks {
    let between: FrameMarks.Between =
      switch configuration.content {
      case .crops, .contactSheets: .nothing
      default:
        if configuration.style.cover != nil {
          input.reader.info.isStillImage ? .unknown : .wholeWay
        } else {
          configuration.holdsBoxes ? .lastFound : .nothing
        }
      }
    return FrameMarks(
      records, configuration.selection, between: between,
      framesPerSecond: input.reader.info.averageFrameRate
    ) { [report] in
      report(
        .remark(
          input.source,
          "its records do not tell frames apart: from some frame on they say nothing of any"))
    }
  }

  /// Draws on one picture.
  func draw(_ marks: FrameMarks.Marks, on canvas: Canvas) {
    switch (marks, configuration.style.cover) {
    case (.annotations(let annotations), nil): annotator.draw(annotations, on: canvas)
    case (.annotations(let annotations), let cover?):
      for annotation in annotations { canvas.cover(annotation.box, cover) }
    case (.unknown, let cover?):
      canvas.cover(
        AnnotatedBox(x: 0, y: 0, width: Double(canvas.width), height: Double(canvas.height)), cover)
    case (.unknown, nil): break
    }
  }

  /// Checks that a picture has the size that its record says.
  func check(_ marks: FrameMarks, width: Int, height: Int, frame: Int) throws(DrawError) {
    guard let size = marks.recordedSize, size != (width, height) else { return }
    throw .otherFile(
      "frame \(frame) has \(width)x\(height) pixels, and the records say \(size.width)x\(size.height)"
    )
  }

  /// Says that a file is whole.
  func made(_ name: FilePath, from source: SourceName) {
    summary.outputs += 1
    report(.made(configuration.output.pushing(name), from: source))
  }

  /// Says that a file is there already.
  func exists(_ name: FilePath, from source: SourceName) {
    summary.existing += 1
    report(.nothing(source, "\(configuration.output.pushing(name)) exists"))
  }

  private func drawThumbnails(_ input: DrawnInput) throws {
    guard let sheets else { preconditionFailure("thumbnails without sheets") }
    let marks = marks(input)
    // Of a video, the best of every ten seconds.
    var best: (score: Double, period: Int, picture: DecodedFrame, annotations: [Annotation])?
    func flush() throws {
      guard let found = best else { return }
      best = nil
      if let sheet = sheets.add(
        found.picture.picture, found.annotations, caption(input, found.picture))
      {
        try write(sheet)
      }
    }
    var annotations: [Annotation] = []
    var score = 0.0
    var period = 0
    while let frame = try input.reader.nextFrame(where: { index, time in
      let place = FrameMarks.Place(index: index, time: time)
      guard case .annotations(let found) = try marks.marks(at: place),
        let top = found.map(\.score).max()
      else { return false }
      let now = input.reader.info.isStillImage ? index : Self.period(marks.seconds(of: place))
      guard best.map({ now != $0.period || top > $0.score }) ?? true else { return false }
      (annotations, score, period) = (found, top, now)
      return true
    }) {
      if let best, best.period != period { try flush() }
      try check(
        marks, width: frame.picture.width, height: frame.picture.height, frame: frame.index ?? 0)
      best = (score, period, frame, annotations)
    }
    try flush()
    summary.detections += marks.detections
  }

  /// Which ten seconds a time lies in; a forged one may be anything.
  private static func period(_ seconds: Double) -> Int {
    Int(min(max(seconds / 10, -0x1p40), 0x1p40).rounded(.down))
  }

  private func caption(_ input: DrawnInput, _ frame: DecodedFrame) -> String {
    guard let time = frame.time else { return input.source.text }
    return "\(input.source.text)  \(ClockText.text(time))"
  }

  private func finishSheets() throws {
    if let sheets, let sheet = sheets.finish() { try write(sheet) }
  }

  private func write(_ sheet: ContactSheets.Sheet) throws {
    let name = FilePath("contact-sheet-\(ClockText.padded(sheet.number, 3)).jpg")
    guard try files.isWanted(name, madeFrom: nil) else {
      throw DrawError.exists(configuration.output.pushing(name))
    }
    try writePicture(sheet.picture, as: .jpeg, to: name)
    summary.outputs += 1
  }
}

/// An input that is being drawn.
struct DrawnInput {
  let source: SourceName
  let path: FilePath
  let reader: any DrawableSource
}
