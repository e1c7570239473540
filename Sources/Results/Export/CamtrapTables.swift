import SystemPackage

/// Where and when cameras were: what records do not say, from the user's tables.
public struct CamtrapTables: Sendable {
  /// One placement of a camera.
  struct Deployment: Sendable {
    let id: String
    let latitude: Double
    let longitude: Double
    let start: CamtrapTimestamp
    let end: CamtrapTimestamp
    /// All of Camtrap DP's columns.
    let fields: [String]
  }

  /// The columns of `deployments.csv`.
  static let columns = [
    "deploymentID", "locationID", "locationName", "latitude", "longitude", "coordinateUncertainty",
    "deploymentStart", "deploymentEnd", "setupBy", "cameraID", "cameraModel", "cameraDelay",
    "cameraHeight", "cameraDepth", "cameraTilt", "cameraHeading", "detectionDistance",
    "timestampIssues", "baitUse", "featureType", "habitat", "deploymentGroups", "deploymentTags",
    "deploymentComments",
  ]
  /// The user's column for the directory that a deployment's files lie in.
  static let directoryColumn = "directory"

  let deployments: [Deployment]
  private let path: FilePath
  private let byDirectory: [[Substring]: Int]
  private let times: [String: CamtrapTimestamp]
  private let timesPath: FilePath?

  /// Reads tables.
  ///
  /// - Parameters:
  ///   - deployments: CSV with columns of Camtrap DP's `deployments.csv`, of which `deploymentID`, `latitude`,
  ///     `longitude`, `deploymentStart` and `deploymentEnd` must be there; with `directory`, where its files lie as the
  ///     records' sources have it (else in the directory called as the deployment).
  ///   - timestamps: CSV with a row for each file: `filePath` or `SourceFile`, and `timestamp`, `DateTimeOriginal`,
  ///     `CreateDate` or `MediaCreateDate`.
  /// - Throws: `ExportTableError`.
  public init(deployments: FilePath, timestamps: FilePath?) throws(ExportTableError) {
    path = deployments
    timesPath = timestamps
    if let timestamps { times = try Self.times(timestamps) } else { times = [:] }
    let table = try CSVTable(contentsOf: deployments)
    for name in table.columns where !Self.columns.contains(name) && name != Self.directoryColumn {
      throw ExportTableError(
        deployments,
        "there is no column \"\(name)\" in Camtrap DP's deployments; there are "
          + (Self.columns + [Self.directoryColumn]).joined(separator: ", "))
    }
    for name in ["deploymentID", "latitude", "longitude", "deploymentStart", "deploymentEnd"]
    where table.column(name) == nil {
      throw ExportTableError(deployments, "has no column \"\(name)\"")
    }
    let places = Self.columns.map { table.column($0) }
    let directory = table.column(Self.directoryColumn)
    var list: [Deployment] = []
    var byDirectory: [[Substring]: Int] = [:]
    var ids: Set<String> = []
    for row in table.rows {
      let fields = places.map { $0.map { row.fields[$0] } ?? "" }
      let deployment = try Self.deployment(fields, row.line, deployments)
      guard ids.insert(deployment.id).inserted else {
        throw ExportTableError(
          deployments, line: row.line, "there is a deployment \(deployment.id) already")
      }
      let names = Self.names(directory.map { row.fields[$0] } ?? deployment.id)
      guard byDirectory.updateValue(list.count, forKey: names) == nil else {
        throw ExportTableError(
          deployments, line: row.line, "another deployment has this directory already")
      }
      list.append(deployment)
    }
    guard !list.isEmpty else { throw ExportTableError(deployments, "has no row") }
    self.deployments = list
    self.byDirectory = byDirectory
  }

  /// The deployment whose directory, the deepest of all, a file lies in.
  func deployment(of source: String) throws(ExportTableError) -> Deployment {
    var names = Self.names(source).dropLast()
    while true {
      if let index = byDirectory[Array(names)] { return deployments[index] }
      guard !names.isEmpty else { break }
      names = names.dropLast()
    }
    throw ExportTableError(
      path,
      "\(source) lies in no deployment's directory: give a row the deploymentID, or the directory, "
        + "\"\(Self.names(source).dropLast().first ?? ".")\"")
  }

  /// When a file was recorded.
  func timestamp(of source: String) throws(ExportTableError) -> CamtrapTimestamp {
    if let time = times[source] { return time }
    let how =
      "as exiftool -csv -r -DateTimeOriginal -d %Y-%m-%dT%H:%M:%S+00:00 . writes it, with the cameras' own zone"
    guard let timesPath else {
      throw ExportTableError(
        path,
        "records do not say when \(source) was recorded: give --timestamps a table with filePath and timestamp, \(how)"
      )
    }
    throw ExportTableError(
      timesPath, "has no time of \(source); it needs one for each file, \(how)")
  }

  private static func deployment(
    _ fields: [String], _ line: Int, _ path: FilePath
  ) throws(ExportTableError) -> Deployment {
    func field(_ name: String) -> String { columns.firstIndex(of: name).map { fields[$0] } ?? "" }
    func number(_ name: String, _ range: ClosedRange<Double>) throws(ExportTableError) -> Double {
      guard let value = Double(field(name)), range.contains(value) else {
        throw ExportTableError(
          path, line: line,
          "\(name) is \"\(field(name))\"; it has to be degrees from \(range.lowerBound) to \(range.upperBound)"
        )
      }
      return value
    }
    func time(_ name: String) throws(ExportTableError) -> CamtrapTimestamp {
      guard let time = CamtrapTimestamp(field(name)) else {
        throw ExportTableError(path, line: line, "\(name) is \(Self.noTimestamp(field(name)))")
      }
      return time
    }
    let id = field("deploymentID")
    if id.isEmpty { throw ExportTableError(path, line: line, "has no deploymentID") }
    let (start, end) = (try time("deploymentStart"), try time("deploymentEnd"))
    if end < start {
      throw ExportTableError(path, line: line, "deploymentEnd comes before deploymentStart")
    }
    var written = fields
    for (name, value) in [("deploymentStart", start), ("deploymentEnd", end)] {
      if let place = columns.firstIndex(of: name) { written[place] = value.text }
    }
    return Deployment(
      id: id, latitude: try number("latitude", -90...90),
      longitude: try number("longitude", -180...180), start: start, end: end, fields: written)
  }

  private static func times(
    _ path: FilePath
  ) throws(ExportTableError) -> [String: CamtrapTimestamp] {
    let table = try CSVTable(contentsOf: path)
    guard let file = table.column("filePath", "SourceFile") else {
      throw ExportTableError(path, "has no column \"filePath\" (or exiftool's \"SourceFile\")")
    }
    // Cameras fill one in for pictures and another for videos.
    let columns = ["timestamp", "DateTimeOriginal", "CreateDate", "MediaCreateDate"]
      .compactMap { table.column($0) }
    guard !columns.isEmpty else {
      throw ExportTableError(
        path,
        "has no column \"timestamp\" (or exiftool's \"DateTimeOriginal\", \"CreateDate\", \"MediaCreateDate\")"
      )
    }
    var times: [String: CamtrapTimestamp] = [:]
    for row in table.rows {
      // A file without a time may be one that no record is about.
      guard let time = columns.map({ row.fields[$0] }).first(where: { !$0.isEmpty }) else {
        continue
      }
      guard let value = CamtrapTimestamp(time) else {
        throw ExportTableError(path, line: row.line, "the time is \(noTimestamp(time))")
      }
      times[names(row.fields[file]).joined(separator: "/")] = value
    }
    return times
  }

  private static func noTimestamp(_ text: String) -> String {
    "\"\(text)\"; it has to be a date, a time and its zone, as 2020-03-24T11:21:46+01:00"
  }

  /// The names between slashes, `.` left out.
  private static func names(_ path: String) -> [Substring] {
    path.split(separator: "/").filter { $0 != "." }
  }
}
