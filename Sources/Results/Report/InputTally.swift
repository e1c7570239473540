import DetectionRecords
import JSONText
import SystemPackage

/// What is counted of one input while its records go by.
struct InputTally {
  let source: SourceName
  let file: RecordFile
  /// Its number among all inputs.
  let number: Int
  /// The file that it was made from; nil where it is not to be found.
  let path: FilePath?
  /// What samples are chosen by.
  let hash: UInt64

  /// Records of frames, those that nobody looked at included.
  private(set) var frames = 0
  /// Records without detections, because nobody looked.
  private(set) var failed = 0
  /// Frames that are damaged.
  private(set) var corrupt = 0
  /// Detections that count.
  private(set) var detections = 0
  /// Why the input failed or stopped early.
  private(set) var failure: String?
  /// Of the first frame; 0x0 before.
  private(set) var size = (width: 0, height: 0)
  private var firstTime: Double?
  private var classes: [Int: Int] = [:]
  private var timeline = Timeline()

  /// An input of which there is no record so far.
  init(_ line: RecordLine, number: Int, path: FilePath?) {
    source = line.source
    file = line.file
    self.number = number
    self.path = path
    hash = line.source.stableHash
  }

  /// Whether a line is about this input: segments of it lie in files of one output directory.
  func includes(_ line: RecordLine) -> Bool {
    line.source == source
      && (line.file == file || (file.output != nil && file.output == line.file.output))
  }

  /// Takes a record, before its detections.
  mutating func add(_ record: FrameRecord) {
    if case .failure(let reason) = record.outcome {
      failed += 1
      if record.isInputFailure { failure = reason }
    }
    if record.isInputFailure { return }
    frames += 1
    if record.isCorrupt { corrupt += 1 }
    if size.width == 0, let width = record.width, let height = record.height {
      size = (width, height)
    }
    if let time = record.time {
      if firstTime == nil { firstTime = time }
      timeline.reach(time)
    }
  }

  /// Takes a detection that counts.
  mutating func add(_ place: Int, at time: Double?) {
    detections += 1
    classes[place, default: 0] += 1
    if let time { timeline.add(place, at: time) }
  }

  /// What the page is told of the input.
  ///
  /// - Parameters:
  ///   - parts: where its records are.
  ///   - link: the address of the file that it was made from.
  /// - Returns: an object, as `Page/views.js` and `Page/player.js` read it.
  func json(parts: [RecordBlocks.Part], link: String?) -> JSONValue {
    let isTimed = firstTime != nil
    let counted = classes.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
    return .object([
      ("source", .string(source.text)), ("link", link.map(JSONValue.string) ?? .null),
      ("frames", .int(frames)), ("failed", .int(failed)), ("corrupt", .int(corrupt)),
      ("detections", .int(detections)), ("failure", failure.map(JSONValue.string) ?? .null),
      ("width", .int(size.width)), ("height", .int(size.height)),
      ("classes", .array(counted.map { .array([.int($0.key), .int($0.value)]) })),
      ("times", firstTime.map { .array([.double($0), .double(timeline.end)]) } ?? .null),
      ("binSeconds", .double(timeline.binSeconds)), ("binCount", .int(timeline.binCount)),
      ("bins", isTimed ? bins : .null),
      (
        "blocks",
        .array(
          parts.map {
            .object([
              ("block", .int($0.block)), ("time", $0.time.map(JSONValue.double) ?? .null),
              ("frame", $0.frame.map(JSONValue.int) ?? .null),
            ])
          })
      ),
    ])
  }

  /// A list for each class: the class, and then steps and counts in turn.
  private var bins: JSONValue {
    .array(
      timeline.counts.sorted { $0.key < $1.key }.map { place, counts in
        let pairs = counts.enumerated().filter { $0.element > 0 }
        return .array([.int(place)] + pairs.flatMap { [.int($0.offset), .int($0.element)] })
      })
  }
}
