import Datasets
import FrameDecoding
import SystemPackage

/// What report is asked for.
public struct ReportRequest: Sendable {
  /// What was annotated in the pictures that the records are about.
  public struct Annotations: Sendable {
    /// What is to be found.
    public var annotations: COCOAnnotations
    /// What they are called in the page.
    public var name: String
    /// What a person should know about them.
    public var remarks: [String]

    /// Annotations from their parts.
    public init(_ annotations: COCOAnnotations, name: String, remarks: [String]) {
      self.annotations = annotations
      self.name = name
      self.remarks = remarks
    }
  }

  /// What becomes of a report that is there already.
  public enum ExistingReport: String, CaseIterable, Sendable {
    /// It is replaced.
    case always
    /// It stays, and no report is made.
    case error
  }

  /// Files and directories of records, as `RecordFiles` takes them.
  public var records: [FilePath]
  /// The folder that is made, or the file.
  public var output: FilePath
  /// Whether all is put into one HTML file, pictures too.
  public var isOneFile = false
  /// What becomes of a report that is there already.
  public var existing = ExistingReport.error
  /// The directory that sources count from; nil asks the records' output directory.
  public var root: FilePath?
  /// What the page is called.
  public var title: String
  /// Detections that score this or more count, 0...1; nil counts all that are recorded.
  public var threshold: Double?
  /// Pictures of each class, of frames without a detection, and of those just below the threshold, 0...1000.
  public var samples = 24
  /// Other seeds choose other pictures.
  public var seed: UInt64 = 0
  /// What is to be found, if somebody has marked it.
  public var annotations: Annotations?
  /// Pictures that are decoded at once, at least 1.
  public var threads = 1
  /// Where pictures are decoded. Default: in this process.
  public var decoders = MediaDecoders(.off)
  /// Asked now and then whether to give up, which leaves nothing behind.
  public var isStopped: @Sendable () -> Bool = { false }
  /// The program's version.
  public var version: String
  /// When the report is made, in seconds since 1970.
  public var time: Double

  /// A request with the defaults for all else.
  public init(
    records: [FilePath], output: FilePath, title: String, version: String, time: Double
  ) {
    self.records = records
    self.output = output
    self.title = title
    self.version = version
    self.time = time
  }
}
