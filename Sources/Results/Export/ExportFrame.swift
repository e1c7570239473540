import DetectionRecords

/// One frame as a format writes it.
struct ExportFrame {
  /// What the record says; the detections there are all of them.
  var record: FrameRecord
  /// The detections that are exported, their `classIndex` a number in `ExportClasses`; nil where nobody looked.
  var detections: [RecordedDetection]?
  /// Why nobody looked.
  var failure: String?

  /// The frame's sides, where it was looked at.
  var size: (width: Int, height: Int)? {
    guard let width = record.width, let height = record.height else { return nil }
    return (width, height)
  }
}

/// The classes of an export by number: those that were asked for in their order, else all in the order in which they
/// first come.
struct ExportClasses {
  private(set) var names: [String]
  /// Whether only the first ones count.
  private let isClosed: Bool
  private let scoreThreshold: Double
  private var numbers: [String: Int]
  /// The numbers by the reader's; -1 for those that are left out.
  private var byLabel: [Int] = []

  init(_ request: ExportRequest) {
    names = []
    numbers = [:]
    for name in request.classes ?? [] where numbers[name] == nil {
      numbers[name] = names.count
      names.append(name)
    }
    isClosed = request.classes != nil
    scoreThreshold = request.scoreThreshold ?? -1
  }

  /// A record with what is exported of it.
  mutating func frame(_ record: FrameRecord, _ reader: RecordReader) -> ExportFrame {
    switch record.outcome {
    case .failure(let reason):
      return ExportFrame(record: record, detections: nil, failure: reason)
    case .detections(let all):
      // Mostly every one counts, and has its number already.
      if all.allSatisfy({
        $0.score >= scoreThreshold && number(of: $0.classIndex, reader) == $0.classIndex
      }) {
        return ExportFrame(record: record, detections: all, failure: nil)
      }
      var found = all
      var count = 0
      for detection in all where detection.score >= scoreThreshold {
        let number = number(of: detection.classIndex, reader)
        if number < 0 { continue }
        found[count] = detection
        found[count].classIndex = number
        count += 1
      }
      found.removeLast(found.count - count)
      return ExportFrame(record: record, detections: found, failure: nil)
    }
  }

  private mutating func number(of label: Int, _ reader: RecordReader) -> Int {
    if label < byLabel.count { return byLabel[label] }
    // A new reader, of a second pass, numbers labels as the first did: its records are the same.
    for name in reader.labels[byLabel.count...] {
      if let number = numbers[name] {
        byLabel.append(number)
      } else if isClosed {
        byLabel.append(-1)
      } else {
        numbers[name] = names.count
        byLabel.append(names.count)
        names.append(name)
      }
    }
    return byLabel[label]
  }
}

/// One input of an export.
struct ExportInput {
  /// Its name.
  let source: SourceName
  /// The name as text.
  let name: String
  /// Whether its frames have times, or its name is a video's.
  let isVideo: Bool

  /// The name of a frame's picture: a picture's own, and of videos, and of further pages of a TIFF,
  /// `<source>/frame000042.jpg`, as MegaDetector's tools call the frames that they take out. Nil for a frame of a video
  /// whose number nobody knows (`--no-frame-numbers`): there is no picture that it could be told by.
  func pictureName(_ record: FrameRecord) -> String? {
    guard let frame = record.frame else { return isVideo ? nil : name }
    guard isVideo || frame > 0 else { return name }
    let digits = String(frame)
    return name + "/frame" + String(repeating: "0", count: max(0, 6 - digits.count)) + digits
      + ".jpg"
  }

  /// The bytes of a `pictureName`: the input's own need not be UTF-8.
  func bytes(ofPicture name: String) -> [UInt8] {
    source.bytes + name.utf8.dropFirst(self.name.utf8.count)
  }

  /// Endings of videos' names.
  static let videoExtensions: Set<String> = [
    "3gp", "asf", "avi", "dav", "flv", "h264", "h265", "hevc", "m2ts", "m4v", "mkv", "mov", "mp4",
    "mpeg", "mpg", "mts", "mxf", "ogv", "ts", "vob", "webm", "wmv",
  ]
}

/// The inputs in the order of their records: lines of one input follow each other.
struct ExportInputs {
  enum Step {
    case same(ExportInput)
    case new(ExportInput, after: ExportInput?)
  }

  private(set) var current: ExportInput?
  /// Where the last line stood, and the last frame that had a number.
  private var file: RecordFile?
  private var lineNumber = 0
  private var lastFrame: Int?
  /// Hashes of the sources so far, of 64 bits.
  private var known: Set<UInt64> = []

  /// The input of a line.
  ///
  /// - Throws: where an input comes a second time: its detections would count twice.
  mutating func next(_ line: RecordLine) throws(RecordReadingError) -> Step {
    let frame = line.record.frame
    let isOtherFile = line.file != file || line.number <= lineNumber
    lineNumber = line.number
    if let current, current.source == line.source {
      if isOtherFile {
        // The next segment of a video goes on where the last one ended.
        if let frame, let lastFrame, frame <= lastFrame { throw twice(line) }
        file = line.file
      }
      lastFrame = frame ?? lastFrame
      return .same(current)
    }
    guard known.insert(line.source.stableHash).inserted else { throw twice(line) }
    let name = line.source.text
    let last = current
    let ending = line.source.path.extension?.lowercased() ?? ""
    let input = ExportInput(
      source: line.source, name: name,
      isVideo: line.record.time != nil || ExportInput.videoExtensions.contains(ending))
    (current, file, lastFrame) = (input, line.file, frame)
    return .new(input, after: last)
  }

  private func twice(_ line: RecordLine) -> RecordReadingError {
    line.error(
      "\(line.source.oneLine) has records in another place already: an export takes each input once"
    )
  }
}
