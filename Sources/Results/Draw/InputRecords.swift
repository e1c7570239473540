import DetectionRecords

/// The lines of records, input by input.
final class InputRecords {
  private let reader: RecordReader
  private var ahead: RecordLine?
  /// Whose lines `next` gives.
  private var current: RecordLine?

  /// Groups what a reader gives.
  init(_ reader: RecordReader) { self.reader = reader }

  /// The labels that detections' `classIndex` counts.
  var labels: [String] { reader.labels }

  /// The first line of the next input, which `next` gives again; nil after the last input.
  ///
  /// - Throws: `RecordReadingError`.
  func nextInput() throws(RecordReadingError) -> RecordLine? {
    while try next() != nil {}
    current = ahead
    return ahead
  }

  /// The next line of the input at hand; nil after its last.
  ///
  /// - Throws: `RecordReadingError`.
  func next() throws(RecordReadingError) -> RecordLine? {
    if ahead == nil { ahead = try reader.next() }
    guard let ahead, let current, ahead.source == current.source, ahead.file == current.file else {
      return nil
    }
    self.ahead = nil
    return ahead
  }
}
