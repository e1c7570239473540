import DetectionRecords
import Files
import JSONText

/// What a Camtrap DP package has beside what records say.
public struct CamtrapContext: Sendable {
  /// Where and when cameras were.
  public var tables: CamtrapTables
  /// What the project is called.
  public var title: String
  /// When the package is made, as `2026-11-29T10:00:00Z`.
  public var created: String
  /// This program's version.
  public var version: String

  /// Creates a context from its parts.
  public init(tables: CamtrapTables, title: String, created: String, version: String) {
    self.tables = tables
    self.title = title
    self.created = created
    self.version = version
  }
}

/// A Camera Trap Data Package (Camtrap DP 1.0.2): `datapackage.json`, `deployments.csv`, `media.csv` with a row for each
/// input, `observations.csv` with a row for each detection in the order of the records, all of them of a medium.
///
/// An input in all of whose frames nothing was found has one observation `blank`; a frame, or the rest of an input, that
/// was not looked at is `unclassified`. An observation of a video's frame lies so many seconds after the video's time as
/// the frame's time says, to the second. Labels `animal`, `person`, `human` and `vehicle` say what type an observation
/// is of; those of two Latin words (`Vulpes vulpes`) are scientific names, and so of animals; others are `unknown`. All
/// are among the tags.
struct CamtrapWriter: ExportWriter {
  private let tree: ExportTree
  private let context: CamtrapContext
  private var media: OpenFile?
  private var observations: OpenFile?
  private var mediaRows: [UInt8] = []
  private var rows: [UInt8] = []
  /// By class: the fields of an observation that follow from it.
  private var kinds: [(type: String, name: String, tag: String)] = []

  // Of the input in hand.
  private var id = ""
  private var deployment = ""
  private var start: CamtrapTimestamp?
  private var lastTime = 0.0
  private var number = 0
  private var isWhole = true

  private static let blockSize = 1 << 18
  private static let schemas = "https://raw.githubusercontent.com/tdwg/camtrap-dp/1.0.2"
  /// The least that the schema takes for a side, at six decimals.
  private static let leastSide = 0.000001

  init(_ tree: ExportTree, _ context: CamtrapContext) {
    self.tree = tree
    self.context = context
  }

  mutating func begin(pass: Int, _ classes: ExportClasses, to bytes: inout [UInt8]) throws {
    let table = [CamtrapTables.columns] + context.tables.deployments.map(\.fields)
    var text: [UInt8] = []
    for row in table { Self.append(row, to: &text) }
    try tree.write(text, to: "deployments.csv")
    media = try tree.create("media.csv")
    observations = try tree.create("observations.csv")
    Self.append(
      [
        "mediaID", "deploymentID", "captureMethod", "timestamp", "filePath", "filePublic",
        "fileName", "fileMediatype", "exifData", "favorite", "mediaComments",
      ], to: &mediaRows)
    Self.append(
      [
        "observationID", "deploymentID", "mediaID", "eventID", "eventStart", "eventEnd",
        "observationLevel", "observationType", "cameraSetupType", "scientificName", "count",
        "lifeStage", "sex", "behavior", "individualID", "individualPositionRadius",
        "individualPositionAngle", "individualSpeed", "bboxX", "bboxY", "bboxWidth", "bboxHeight",
        "classificationMethod", "classifiedBy", "classificationTimestamp",
        "classificationProbability", "observationTags", "observationComments",
      ], to: &rows)
  }

  mutating func begin(_ input: ExportInput, to bytes: inout [UInt8]) throws {
    let name = input.name
    guard String(validating: input.source.bytes, as: UTF8.self) != nil else {
      throw ExportError.badName(input.source, "Camtrap DP is UTF-8, and this name is not")
    }
    guard let first = name.first, !"./~".contains(first), !name.contains("..") else {
      throw ExportError.badName(
        input.source, "Camtrap DP takes no path that begins with '.' or '~', or holds '..'")
    }
    let time = try context.tables.timestamp(of: name)
    id = name
    deployment = try context.tables.deployment(of: name).id
    (start, lastTime, number, isWhole) = (time, 0, 0, true)
    Self.append(
      [
        id, deployment, "", time.text, name, "false",
        String(name.split(separator: "/").last ?? ""), Self.mediaType(of: input), "", "", "",
      ], to: &mediaRows)
    if mediaRows.count > Self.blockSize { try flush() }
  }

  mutating func append(
    _ frame: ExportFrame, _ input: ExportInput, _ classes: ExportClasses, to bytes: inout [UInt8]
  ) throws {
    let record = frame.record
    lastTime = max(lastTime, record.time ?? 0)
    guard let found = frame.detections, let size = frame.size else {
      isWhole = false
      observe(
        type: "unclassified", at: record.time ?? lastTime,
        comments: frame.failure.map { "not looked at: \($0)" } ?? "")
      return
    }
    while kinds.count < classes.names.count {
      kinds.append(Self.kind(of: classes.names[kinds.count]))
    }
    for detection in found {
      let kind = kinds[detection.classIndex]
      var box: [UInt8] = []
      let right = min(detection.x + detection.width, Double(size.width))
      let bottom = min(detection.y + detection.height, Double(size.height))
      let left = max(0, min(detection.x / Double(size.width), 1 - Self.leastSide))
      let top = max(0, min(detection.y / Double(size.height), 1 - Self.leastSide))
      for (ordinal, share) in [
        left, top, max(right / Double(size.width) - left, Self.leastSide),
        max(bottom / Double(size.height) - top, Self.leastSide),
      ].enumerated() {
        if ordinal > 0 { box.append(UInt8(ascii: ",")) }
        JSON.append(share, decimals: 6, to: &box)
      }
      observe(
        type: kind.type, at: record.time ?? 0, name: kind.name, box: box, score: detection.score,
        tag: kind.tag, comments: input.isVideo ? record.frame.map { "frame \($0)" } ?? "" : "")
    }
    if rows.count > Self.blockSize { try flush() }
  }

  mutating func end(_ input: ExportInput, _ classes: ExportClasses, to bytes: inout [UInt8]) {
    if number == 0 && isWhole { observe(type: "blank", at: 0, until: lastTime) }
  }

  mutating func end(pass: Int, _ classes: ExportClasses, to bytes: inout [UInt8]) throws {
    try flush()
    let names = classes.names.map(Self.kind).map(\.name).filter { !$0.isEmpty }
    try tree.write(Array((package(names).compact + "\n").utf8), to: "datapackage.json")
  }

  private mutating func flush() throws {
    try media?.write(mediaRows)
    try observations?.write(rows)
    mediaRows.removeAll(keepingCapacity: true)
    rows.removeAll(keepingCapacity: true)
  }

  /// Adds an observation of the input in hand.
  private mutating func observe(
    type: String, at time: Double, until end: Double? = nil, name: String = "", box: [UInt8] = [],
    score: Double? = nil, tag: String = "", comments: String = ""
  ) {
    guard let start else { preconditionFailure("an observation of nothing") }
    number += 1
    let isDetection = score != nil
    Self.append(
      [
        "\(id):\(number)", deployment, id, id, start.adding(time).text,
        start.adding(end ?? time).text, "media", type, "", name, isDetection ? "1" : "", "", "", "",
        "", "", "", "",
      ], to: &rows, endsLine: false)
    rows.append(UInt8(ascii: ","))
    rows += isDetection ? box : Array(",,,".utf8)
    var probability: [UInt8] = []
    if let score { JSON.append(score, decimals: 4, to: &probability) }
    let isLooked = type != "unclassified"
    ExportText.append(",", to: &rows)
    Self.append(
      [
        isLooked ? "machine" : "", isLooked ? "detect-batch \(context.version)" : "", "",
        String(decoding: probability, as: UTF8.self), tag, comments,
      ], to: &rows)
  }

  private static func append(
    _ fields: [String], to bytes: inout [UInt8], endsLine: Bool = true
  ) {
    for (ordinal, field) in fields.enumerated() {
      if ordinal > 0 { bytes.append(UInt8(ascii: ",")) }
      bytes += ExportText.csvField(field)
    }
    if endsLine { bytes.append(0x0a) }
  }

  /// What a label says of an observation.
  private static func kind(of label: String) -> (type: String, name: String, tag: String) {
    // A pipe separates tags.
    let tag = "label:" + label.replacing("|", with: "/")
    switch label.lowercased() {
    case "animal": return ("animal", "", tag)
    case "person", "human": return ("human", "", tag)
    case "vehicle": return ("vehicle", "", tag)
    default:
      let isBinomial = label.wholeMatch(of: /[A-Z][a-z]+ [a-z][a-z-]+/) != nil
      return isBinomial ? ("animal", label, tag) : ("unknown", "", tag)
    }
  }

  private static func mediaType(of input: ExportInput) -> String {
    let ending = input.source.path.extension?.lowercased() ?? ""
    switch ending {
    case "jpg", "jpeg", "jpe", "jfif": return "image/jpeg"
    case "tif", "tiff": return "image/tiff"
    case "mov", "qt": return "video/quicktime"
    case "avi": return "video/x-msvideo"
    case "mkv": return "video/x-matroska"
    case "mpg", "mpeg": return "video/mpeg"
    case "ts", "m2ts", "mts": return "video/mp2t"
    case "": return input.isVideo ? "video/mp4" : "image/jpeg"
    default: return (input.isVideo ? "video/" : "image/") + ending
    }
  }

  /// The package's own description.
  private func package(_ scientificNames: [String]) -> JSONValue {
    let deployments = context.tables.deployments
    let resources = ["deployments", "media", "observations"].map { name in
      JSONValue.object([
        ("name", .string(name)), ("path", .string("\(name).csv")),
        ("profile", .string("tabular-data-resource")), ("format", .string("csv")),
        ("mediatype", .string("text/csv")), ("encoding", .string("utf-8")),
        ("schema", .string("\(Self.schemas)/\(name)-table-schema.json")),
      ])
    }
    return .object([
      ("profile", .string("\(Self.schemas)/camtrap-dp-profile.json")),
      ("name", .string("detect-batch-export")), ("created", .string(context.created)),
      (
        "contributors",
        .array([.object([("title", .string("detect-batch")), ("role", .string("contributor"))])])
      ),
      (
        "sources",
        .array([
          .object([("title", .string("detect-batch")), ("version", .string(context.version))])
        ])
      ),
      (
        "project",
        .object([
          ("title", .string(context.title)), ("samplingDesign", .string("opportunistic")),
          ("captureMethod", .array([.string("activityDetection")])),
          ("individualAnimals", .bool(false)), ("observationLevel", .array([.string("media")])),
        ])
      ),
      ("spatial", Self.area(deployments)),
      (
        "temporal",
        .object([
          ("start", .string(deployments.map(\.start).min()?.date ?? "")),
          ("end", .string(deployments.map(\.end).max()?.date ?? "")),
        ])
      ),
      ("taxonomic", .array(scientificNames.map { .object([("scientificName", .string($0))]) })),
      ("resources", .array(resources)),
    ])
  }

  /// The rectangle that all cameras lie in, or the one place, as GeoJSON.
  private static func area(_ deployments: [CamtrapTables.Deployment]) -> JSONValue {
    let (latitudes, longitudes) = (deployments.map(\.latitude), deployments.map(\.longitude))
    guard let south = latitudes.min(), let north = latitudes.max(), let west = longitudes.min(),
      let east = longitudes.max()
    else { return .null }
    func point(_ longitude: Double, _ latitude: Double) -> JSONValue {
      .array([.double(longitude), .double(latitude)])
    }
    if south == north && west == east {
      return .object([("type", .string("Point")), ("coordinates", point(west, south))])
    }
    let ring = [
      point(west, south), point(east, south), point(east, north), point(west, north),
      point(west, south),
    ]
    return .object([("type", .string("Polygon")), ("coordinates", .array([.array(ring)]))])
  }
}
