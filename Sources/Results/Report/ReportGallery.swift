import DetectionRecords
import FrameDecoding
import JSONText

/// Pictures that are shown together.
struct ReportGallery {
  /// What a page does with it.
  enum Kind: String {
    case sample, evaluation
  }

  /// A picture with boxes.
  struct Tile {
    var frame: SampledFrame
    var boxes: [Box]
    /// What tiles are sorted by; nil where there is nothing.
    var score: Double?
  }

  /// A box in a picture.
  struct Box {
    /// What an evaluation says of it.
    enum Mark: String {
      case right = "true"
      case wrong = "false"
      case missed
    }

    var place: Int
    var score: Double
    var x: Double
    var y: Double
    var width: Double
    var height: Double
    var mark: Mark?
  }

  /// Boxes that a picture of the gallery has at most.
  static let boxLimit = 300

  /// Letters, digits and hyphens.
  var name: String
  var title: String
  var note: String
  var kind = Kind.sample
  /// Boxes that score less are not drawn.
  var least: Double
  /// How many frames there are of which these are a sample.
  var total: Int
  var tiles: [Tile]

  /// What the page is told of it before it shows it.
  var summary: JSONValue {
    .object([
      ("name", .string(name)), ("title", .string(title)), ("note", .string(note)),
      ("kind", .string(kind.rawValue)), ("least", .double(least)), ("total", .int(total)),
      ("shown", .int(tiles.count)),
    ])
  }

  /// The pictures, in the order of chance.
  func json(_ pictures: [SampledFrame.Identity: Result<String, MediaError>]) -> JSONValue {
    .array(tiles.map { Self.json($0, pictures[$0.frame.identity]) })
  }

  private static func json(_ tile: Tile, _ picture: Result<String, MediaError>?) -> JSONValue {
    let boxes = tile.boxes.prefix(boxLimit)
    var members: [(key: String, value: JSONValue)] = [
      ("input", .int(tile.frame.identity.input)), ("source", .string(tile.frame.source.text)),
      ("frame", tile.frame.record.frame.map(JSONValue.int) ?? .null),
      ("time", tile.frame.record.time.map(JSONValue.double) ?? .null),
      ("width", .int(tile.frame.record.width ?? 1)),
      ("height", .int(tile.frame.record.height ?? 1)),
      ("score", tile.score.map(JSONValue.double) ?? .null),
      ("classes", .array(Set(boxes.map(\.place)).sorted().map(JSONValue.int))),
      ("boxes", .array(boxes.flatMap(numbers))),
      ("marks", .array(boxes.map { $0.mark.map { .string($0.rawValue) } ?? .null })),
    ]
    switch picture {
    case .success(let address): members.append(("picture", .string(address)))
    case .failure(let error): members.append(("problem", .string(error.reason)))
    case nil: break
    }
    return .object(members)
  }

  private static func numbers(_ box: Box) -> [JSONValue] {
    [.int(box.place), .double(box.score)]
      + [box.x, box.y, box.width, box.height].map { .double(($0 * 10).rounded() / 10) }
  }
}

extension ReportGallery.Tile {
  /// A sampled frame with its detections from a score on.
  ///
  /// - Parameters:
  ///   - frame: the frame.
  ///   - least: the score.
  ///   - place: the class whose best score the tile is sorted by; nil for any.
  init(_ frame: SampledFrame, least: Double, sortedBy place: Int? = nil) {
    let detections = frame.detections(from: least)
    self.frame = frame
    boxes = detections.map {
      ReportGallery.Box(
        place: ReportClasses.place(of: $0.classIndex), score: $0.score, x: $0.x, y: $0.y,
        width: $0.width, height: $0.height)
    }
    score = boxes.filter { place == nil || $0.place == place }.map(\.score).max()
  }
}
