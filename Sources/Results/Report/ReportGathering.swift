import DetectionRecords
import Files
import JSONText
import SystemPackage

/// One pass over all records: counts, samples and lists of what a report shows, in memory that does not grow with the
/// number of records or inputs; what is complete is written at once.
struct ReportGathering {
  /// Inputs of a page of the list.
  static let pageSize = 100
  /// Detections so far below the threshold are left out of pages, as are frames that have none better.
  static let belowMargin = 0.1
  /// Inputs in the list of those with the most detections.
  static let topCount = 10

  private let threshold: Double?
  /// What is left out scores less.
  let floor: Double
  private let keys: SampleKeys
  private let addressOf: (FilePath) -> String
  private let write: (_ name: String, _ json: [UInt8]) throws -> Void
  private let isStopped: @Sendable () -> Bool
  private var locator: InputLocator
  /// Sources of which the first record is wanted, for the evaluation's pages.
  private let wanted: Set<String>

  private(set) var classes: ReportClasses
  private(set) var failures: ReportFailures
  private(set) var runs = RunFacts()
  /// Frames without any detection.
  private(set) var empty: SeededSample<SampledFrame>
  /// Frames whose best detection is just below the threshold.
  private(set) var below: SeededSample<SampledFrame>
  /// The records that were wanted, by source.
  private(set) var found: [String: SampledFrame] = [:]

  private(set) var inputs = 0
  private(set) var failedInputs = 0
  private(set) var lostInputs = 0
  private(set) var frames = 0
  private(set) var failedFrames = 0
  private(set) var corruptFrames = 0
  private(set) var framesWithDetections = 0
  private(set) var detections = 0
  private(set) var inputPages = 0
  /// By falling number of detections.
  private(set) var top: [(input: Int, source: String, detections: Int)] = []
  private var rows: [JSONValue] = []
  private var blocks: RecordBlocks
  private var input: InputTally?

  /// Prepares a pass.
  ///
  /// - Parameters:
  ///   - request: what is asked for.
  ///   - wanted: sources whose first record is to be kept.
  ///   - addressOf: what a page calls a file.
  ///   - write: takes a part of the data that is complete.
  init(
    _ request: ReportRequest, wanted: Set<String>, addressOf: @escaping (FilePath) -> String,
    write: @escaping (_ name: String, _ json: [UInt8]) throws -> Void
  ) {
    threshold = request.threshold
    floor = max(0, (request.threshold ?? 0) - Self.belowMargin)
    keys = SampleKeys(seed: request.seed)
    self.wanted = wanted
    self.addressOf = addressOf
    self.write = write
    isStopped = request.isStopped
    locator = InputLocator(root: request.root)
    classes = ReportClasses(sampleSize: request.samples)
    empty = SeededSample(capacity: request.samples)
    below = SeededSample(capacity: request.samples)
    failures = ReportFailures { try write($0, Array($1.compact.utf8)) }
    blocks = RecordBlocks(floor: floor, write: write)
  }

  /// Reads all records.
  mutating func read(_ reader: RecordReader) throws {
    while let line = try reader.next() {
      if isStopped() { throw ReportError.stopped }
      try add(line)
    }
    // Standard input can end with whoever wrote it, by the same signal.
    if isStopped() { throw ReportError.stopped }
    try endInput()
    try endPage()
    try blocks.finish()
    try failures.finish()
  }

  private mutating func add(_ line: RecordLine) throws {
    if !(input?.includes(line) ?? false) {
      try endInput()
      begin(line)
    }
    // Made above where there was none.
    guard var input else { preconditionFailure("a record belongs to no input") }
    // Its arrays have one owner only while it is counted on.
    self.input = nil
    input.add(line.record)
    try blocks.add(line.record, input: input.number, size: input.size)
    if line.record.isCorrupt { corruptFrames += 1 }
    switch line.record.outcome {
    case .failure(let reason):
      failedFrames += 1
      try failures.add(reason, line.record, of: input)
      if !line.record.isInputFailure { frames += 1 }
    case .detections(let detections):
      frames += 1
      count(detections, line, &input)
    }
    self.input = input
  }

  private mutating func count(
    _ detections: [RecordedDetection], _ line: RecordLine, _ input: inout InputTally
  ) {
    let key = keys.key(source: input.hash, record: line.record.frame ?? line.number)
    var hasCounted = false
    var best = -1.0
    for detection in detections {
      let place = ReportClasses.place(of: detection.classIndex)
      let counts = threshold.map { detection.score >= $0 } ?? true
      best = max(best, detection.score)
      let isFirst = classes.count(place, score: detection.score, counts: counts, frame: frames)
      guard counts else { continue }
      hasCounted = true
      self.detections += 1
      input.add(place, at: line.record.time)
      if isFirst { classes.offer(SampledFrame(line, of: input), to: place, key: key) }
    }
    if hasCounted {
      framesWithDetections += 1
    } else if threshold != nil, best >= floor {
      below.offer(key: key, SampledFrame(line, of: input))
    } else {
      empty.offer(key: key, SampledFrame(line, of: input))
    }
    if !wanted.isEmpty {
      let source = line.source.text
      if wanted.contains(source), found[source] == nil {
        found[source] = SampledFrame(line, of: input)
      }
    }
  }

  private mutating func begin(_ line: RecordLine) {
    // A file that is gone cannot be shown; all else of its records can.
    let path = try? locator.path(of: line)
    if path == nil { lostInputs += 1 }
    input = InputTally(line, number: inputs, path: path)
    inputs += 1
    blocks.begin()
    runs.add(line, locator.entry(of: line))
  }

  private mutating func endInput() throws {
    guard let input else { return }
    self.input = nil
    try blocks.end(input: input.number)
    if input.failure != nil { failedInputs += 1 }
    rank(input)
    rows.append(input.json(parts: blocks.parts, link: input.path.map(addressOf)))
    if rows.count == Self.pageSize { try endPage() }
  }

  private mutating func endPage() throws {
    guard !rows.isEmpty else { return }
    try write("inputs-\(inputPages)", Array(JSONValue.array(rows).compact.utf8))
    inputPages += 1
    rows = []
  }

  private mutating func rank(_ input: InputTally) {
    guard input.detections > 0 else { return }
    if top.count == Self.topCount, let last = top.last, last.detections >= input.detections {
      return
    }
    let place = top.firstIndex { $0.detections < input.detections } ?? top.count
    top.insert((input.number, input.source.text, input.detections), at: place)
    if top.count > Self.topCount { top.removeLast() }
  }
}
