import DetectionRecords
import SystemPackage

/// A frame that was chosen to be shown as a picture.
struct SampledFrame {
  /// What a picture is known by: the same frame may be in several galleries.
  struct Identity: Hashable, Comparable {
    var input: Int
    var line: Int

    static func < (left: Self, right: Self) -> Bool {
      (left.input, left.line) < (right.input, right.line)
    }
  }

  let identity: Identity
  let source: SourceName
  let record: FrameRecord
  /// The file that the input is; nil where it is not to be found.
  let path: FilePath?

  init(_ line: RecordLine, of input: InputTally) {
    identity = Identity(input: input.number, line: line.number)
    source = line.source
    record = line.record
    path = input.path
  }

  /// Detections from a score on, as the record has them: by falling score.
  func detections(from score: Double) -> [RecordedDetection] {
    guard case .detections(let found) = record.outcome else { return [] }
    return found.filter { $0.score >= score }
  }
}
