import Drawing
import FrameEncoding
import SystemPackage

/// What is drawn of records, how, and where to.
public struct DrawConfiguration: Sendable {
  /// How detections are shown.
  public enum Style: String, CaseIterable, Sendable {
    /// A frame with class and score.
    case box
    /// Not at all: the place is blurred.
    case blur
    /// Not at all: the place is coarse squares.
    case pixelate

    /// How places are covered; nil where they are framed.
    var cover: Canvas.Cover? {
      switch self {
      case .box: nil
      case .blur: .blur
      case .pixelate: .pixelate
      }
    }
  }

  /// What is made.
  public enum Content: Equatable, Sendable {
    /// Every picture and every video.
    case everything
    /// Pictures with a detection, and of videos what lies within so many seconds of one.
    case detections(padding: Double)
    /// A picture of each detection.
    case crops
    /// Small pictures of what was found, many on a sheet.
    case contactSheets
  }

  /// What becomes of an output that is there already.
  public enum ExistingOutput: String, CaseIterable, Sendable {
    /// It stays.
    case skip
    /// It is made anew.
    case always
    /// It is a failure of its input.
    case error
  }

  /// How detections are shown.
  public var style: Style
  /// What is made.
  public var content: Content
  /// Which detections count.
  public var selection: DetectionSelection
  /// Boxes stay until the next frame that was looked at. (Covers always reach that far.)
  public var holdsBoxes: Bool
  /// What becomes of an output that is there already.
  public var existingOutput: ExistingOutput
  /// What may be spent on videos.
  public var quality: VideoQuality
  /// Where to.
  public var output: FilePath

  /// Names all of it.
  public init(
    style: Style, content: Content, selection: DetectionSelection, holdsBoxes: Bool,
    existingOutput: ExistingOutput, quality: VideoQuality, output: FilePath
  ) {
    self.style = style
    self.content = content
    self.selection = selection
    self.holdsBoxes = holdsBoxes
    self.existingOutput = existingOutput
    self.quality = quality
    self.output = output
  }
}
