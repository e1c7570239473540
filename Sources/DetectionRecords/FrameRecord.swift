/// What one line says about one sampled frame.
///
/// The schema, version `recordSchemaVersion`: UTF-8, one JSON object a line, LF after each, keys in this order.
///
///     {"source":"cam1/0700.mp4","frame":42,"time":1.401400,"width":1920,"height":1080,"detections":[{"label":"qr_code","score":0.9312,"box":[412.50,220.10,96.00,94.80]}]}
///
/// | key | value |
/// | --- | --- |
/// | `source` | the input's name; bytes that are not UTF-8 as U+FFFD |
/// | `sourceBytes` | only where `source` could not say it all: the name's bytes, base64 |
/// | `frame` | ordinal in the full decode, from 0, whatever was sampled; null where not counted |
/// | `time` | seconds, 6 decimals, from the container's start time; null without a timestamp and for still images |
/// | `width`, `height` | the upright picture, in stored pixels |
/// | `corrupt` | only `true`, and only on a frame that the decoder marked as damaged |
/// | `same` | only on a frame that was not looked at because it equals an earlier one, the last above it without this key: that one's `frame`, null where not counted; the detections are that one's |
/// | `detections` | objects by falling score; null where nobody looked |
/// | `label`, `score` | the class name; 0...1, 4 decimals, as soft suppression left it where that was asked for |
/// | `box` | x, y, width, height in pixels of the upright picture, 2 decimals |
/// | `failure` | only where `detections` is null: why |
///
/// An input that fails or stops early ends with one line in which `frame`, `time`, `width`, `height` and
/// `detections` are null. Fields are only ever added.
public struct FrameRecord: Equatable, Sendable {
  /// What came of looking at a frame.
  public enum Outcome: Equatable, Sendable {
    /// The objects found, in the order to be written; empty where there are none.
    case detections([RecordedDetection])
    /// The frame could not be looked at, and why.
    case failure(String)
  }

  /// Ordinal in the full decode, from 0; nil where frames are not counted.
  public var frame: Int?
  /// Seconds from the container's start time, finite; nil without a timestamp and for still images. From 1e12 on it is
  /// written as null: such a clock is forged.
  public var time: Double?
  /// Width of the upright picture in pixels; nil only in the line that ends a failed input.
  public var width: Int?
  /// Height of the upright picture in pixels; nil only in the line that ends a failed input.
  public var height: Int?
  /// The decoder marked the frame as damaged.
  public var isCorrupt: Bool
  /// The frame that this one equals, for which reason it was not looked at; nil for one that was.
  public var same: EarlierRecord?
  /// What was found.
  public var outcome: Outcome

  /// Creates a record from its parts.
  public init(
    frame: Int?, time: Double?, width: Int? = nil, height: Int? = nil, isCorrupt: Bool = false,
    same: EarlierRecord? = nil, outcome: Outcome
  ) {
    self.frame = frame
    self.time = time
    self.width = width
    self.height = height
    self.isCorrupt = isCorrupt
    self.same = same
    self.outcome = outcome
  }

  /// Whether this is the line that ends a failed input, and so stands for no frame.
  public var isInputFailure: Bool {
    guard case .failure = outcome else { return false }
    return frame == nil && width == nil
  }
}

/// The frame that another one equals: the last above it in the file that was looked at.
public enum EarlierRecord: Equatable, Sendable {
  /// Its number.
  case frame(Int)
  /// Frames are not counted.
  case uncounted
}

/// One object as it is written.
public struct RecordedDetection: Equatable, Sendable {
  /// Index into the table of labels that the encoder was made with, or that the reader has made.
  public var classIndex: Int
  /// 0...1.
  public var score: Double
  /// Left edge in pixels.
  public var x: Double
  /// Top edge in pixels.
  public var y: Double
  /// Width in pixels.
  public var width: Double
  /// Height in pixels.
  public var height: Double

  /// Creates a detection from its parts; all numbers must be finite.
  public init(
    classIndex: Int, score: Double, x: Double, y: Double, width: Double, height: Double
  ) {
    self.classIndex = classIndex
    self.score = score
    self.x = x
    self.y = y
    self.width = width
    self.height = height
  }
}

/// The version of the schema above: part of the settings digest, so that a new one makes old outputs stale.
public let recordSchemaVersion = 1
