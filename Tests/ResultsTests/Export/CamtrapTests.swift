import DetectionRecords
import Foundation
import SystemPackage
import TestSupport
import Testing

@testable import Results

/// Camtrap DP: records, and what a person says of cameras and clocks.
@Suite struct CamtrapTests {
  private static let lines = [
    #"{"source":"cam1/a, b.jpg","frame":0,"time":null,"width":200,"height":100,"detections":[{"label":"Vulpes vulpes","score":0.9000,"box":[20.00,10.00,100.00,50.00]},{"label":"person","score":0.2500,"box":[0.00,0.00,200.00,100.00]}]}"#,
    #"{"source":"cam1/empty.jpg","frame":0,"time":null,"width":10,"height":20,"detections":[]}"#,
    #"{"source":"cam2/v/clip.mp4","frame":0,"time":0.000000,"width":320,"height":240,"detections":[]}"#,
    #"{"source":"cam2/v/clip.mp4","frame":90,"time":3.900000,"width":320,"height":240,"detections":[{"label":"gnu|x","score":0.5000,"box":[300.00,24.00,20.01,48.00]}]}"#,
    #"{"source":"cam2/v/clip.mp4","frame":null,"time":null,"width":null,"height":null,"detections":null,"failure":"torn"}"#,
    #"{"source":"cam2/w.mp4","frame":0,"time":0.000000,"width":320,"height":240,"detections":[]}"#,
    #"{"source":"cam2/w.mp4","frame":9,"time":60.000000,"width":320,"height":240,"detections":[]}"#,
  ]
  private static let deployments =
    "latitude,longitude,deploymentID,deploymentStart,deploymentEnd,directory,locationName\r\n"
    + "52.5,13.25,d1,2020-03-01T00:00:00Z,2020-04-01T00:00:00Z,./cam1/,\"Wood, \"\"A\"\"\"\r\n"
    + "52.75,13.5,cam2,2020:03:02 00:00:00+01:00,2020-05-01T23:30:00-0200,,\r\n"
  private static let times =
    "SourceFile,DateTimeOriginal\n./cam1/a, b.jpg,x\n"
    .replacing("./cam1/a, b.jpg,x", with: "\"./cam1/a, b.jpg\",2020:03:24 11:21:46+01:00")
    + "cam1/empty.jpg,2020-03-24T11:21:46.25Z\n./cam2/v/clip.mp4,2020-02-29T23:59:57+01:00\n"
    + "cam2/w.mp4,2020-12-31T23:59:30Z\n"

  /// As exiftool writes it where it is asked for both.
  @Test func everyFileHasTheTimeThatItsCameraGaveIt() throws {
    let times =
      "SourceFile,DateTimeOriginal,MediaCreateDate\n\"cam1/a, b.jpg\",2020:03:24 11:21:46+01:00,\n"
      + "cam1/empty.jpg,2020-03-24T11:21:46.25Z,2021-01-01T00:00:00Z\nno-camera.jpg,,\n"
      + "cam2/v/clip.mp4,,2020-02-29T23:59:57+01:00\ncam2/w.mp4,,2020-12-31T23:59:30Z\n"
    let media = try table(export(times: times), "media")
    #expect(try media == table(export(), "media"))
  }

  private func export(
    deployments: String = Self.deployments, times: String? = Self.times,
    lines: [String] = Self.lines
  ) throws -> ExportFixture {
    let fixture = try ExportFixture(lines)
    try fixture.write(deployments, to: "deployments.csv")
    if let times { try fixture.write(times, to: "times.csv") }
    var request = try fixture.request(.camtrapDP)
    request.camtrap = CamtrapContext(
      tables: try CamtrapTables(
        deployments: fixture.path("deployments.csv"),
        timestamps: times.map { _ in fixture.path("times.csv") }),
      title: "trial", created: "2026-11-29T10:00:00Z", version: "1")
    _ = try ExportRun.run(request, to: .path(fixture.path("out"), replacing: false))
    return fixture
  }

  /// A table as text by column; quoted fields are read as the tables of users are.
  private func table(_ fixture: ExportFixture, _ name: String) throws -> [[String: String]] {
    let table = try CSVTable(contentsOf: fixture.path("out/\(name).csv"))
    return table.rows.map { Dictionary(uniqueKeysWithValues: zip(table.columns, $0.fields)) }
  }

  @Test func everyInputIsAMediumAndEveryDetectionAnObservation() throws {
    let fixture = try export()
    #expect(
      try fixture.names(below: "out")
        == ["datapackage.json", "deployments.csv", "media.csv", "observations.csv"])
    let places = try table(fixture, "deployments")
    #expect(places.map { $0["deploymentID"] } == ["d1", "cam2"])
    #expect(places[0]["locationName"] == "Wood, \"A\"" && places[0].count == 24)
    #expect(places[1]["deploymentStart"] == "2020-03-02T00:00:00+01:00")
    let media = try table(fixture, "media")
    #expect(media.map { $0["deploymentID"] } == ["d1", "d1", "cam2", "cam2"])
    #expect(
      media.map { $0["timestamp"] } == [
        "2020-03-24T11:21:46+01:00", "2020-03-24T11:21:46Z", "2020-02-29T23:59:57+01:00",
        "2020-12-31T23:59:30Z",
      ])
    #expect(
      media.map { $0["fileMediatype"] } == ["image/jpeg", "image/jpeg", "video/mp4", "video/mp4"])

    let found = try table(fixture, "observations")
    #expect(
      found.map { $0["observationType"] }
        == ["animal", "human", "blank", "unknown", "unclassified", "blank"])
    #expect(found[0]["scientificName"] == "Vulpes vulpes" && found[1]["scientificName"] == "")
    #expect(
      ["bboxX", "bboxY", "bboxWidth", "bboxHeight"].map { found[0][$0] }
        == ["0.100000", "0.100000", "0.500000", "0.500000"])
    #expect(found[0]["classificationProbability"] == "0.9000")
    // Three seconds and a bit later it is the first of March.
    #expect(found[3]["eventStart"] == "2020-03-01T00:00:00+01:00")
    #expect(found[3]["bboxX"] == "0.937500" && found[3]["bboxWidth"] == "0.062500")
    #expect(found[3]["observationTags"] == "label:gnu/x")
    #expect(found[4]["observationComments"] == "not looked at: torn")
    #expect(found[5]["eventStart"] == "2020-12-31T23:59:30Z")
    #expect(found[5]["eventEnd"] == "2021-01-01T00:00:30Z")
    #expect(Set(found.map { $0["observationID"] }).count == found.count)

    let package = try ExportFixture.json(fixture.read("out/datapackage.json"))
    #expect((package["resources"] as? [[String: Any]])?.count == 3)
    #expect(
      package["temporal"] as? [String: String] == ["start": "2020-03-01", "end": "2020-05-01"])
    #expect(
      package["taxonomic"] as? [[String: String]] == [["scientificName": "Vulpes vulpes"]])
    #expect((package["spatial"] as? [String: Any])?["type"] as? String == "Polygon")
  }

  @Test func whatIsMissingIsSaid() throws {
    func message(
      deployments: String = Self.deployments, times: String? = Self.times,
      lines: [String] = Self.lines
    ) -> String {
      do {
        _ = try export(deployments: deployments, times: times, lines: lines)
        return "no error"
      } catch {
        return "\(error)"
      }
    }
    func head(_ row: String) -> String {
      "deploymentID,latitude,longitude,deploymentStart,deploymentEnd\n\(row)\n"
    }
    let good = "2020-03-01T00:00:00Z,2020-04-01T00:00:00Z"
    for (text, words) in [
      ("", "is empty"), ("deploymentID\n", "no column \"latitude\""), (head(""), "has no row"),
      (head("a,91,0,\(good)"), "line 2: latitude is \"91\""),
      (head("a,nan,0,\(good)"), "line 2: latitude is \"nan\""),
      (head("a,1,2,2020-03-01T00:00:00,2020-04-01T00:00:00Z"), "its zone"),
      (head("a,1,2,2020-02-30T00:00:00Z,2020-04-01T00:00:00Z"), "deploymentStart is"),
      (head("a,1,2,2020-05-01T00:00:00Z,2020-04-01T00:00:00Z"), "comes before"),
      (head("a,1,2,\(good)\na,1,2,\(good)"), "line 3: there is a deployment a already"),
      (head("a,1,2"), "line 2: has 3 fields, and there are 5 columns"),
      (head("\"a,1,2,\(good)"), "line 2: has a quote that does not end"),
      (head("a,1,2,\(good)"), "lies in no deployment's directory"),
      ("place,\(head(""))", "there is no column \"place\""),
    ] {
      #expect(message(deployments: text).contains(words), "\(text): \(message(deployments: text))")
    }
    #expect(message(times: nil).contains("records do not say when cam1/a, b.jpg was recorded"))
    #expect(message(times: "filePath,timestamp\n").contains("has no time of cam1/a, b.jpg"))
    #expect(
      message(times: "filePath,timestamp\n\"cam1/a, b.jpg\",\n")
        .contains("has no time of cam1/a, b.jpg"))
    #expect(message(times: "filePath,when\n").contains("has no column \"timestamp\""))
    #expect(
      message(times: "filePath,timestamp\nx,2020-03-01 10:00\n").contains("line 2: the time is"))
    let hidden = [Self.lines[1].replacing("cam1/empty", with: ".cam1/empty")]
    #expect(message(lines: hidden).contains("takes no path that begins with '.'"))
    let fixture = try ExportFixture()
    let request = ExportRequest(
      try RecordFiles([fixture.path("records.jsonl")]), as: .camtrapDP)
    #expect(throws: ExportError.needsDeployments) {
      try ExportRun.run(request, to: .path("/nowhere/x", replacing: false))
    }
  }

  /// Days are Foundation's, over four centuries and more.
  @Test func timesAreThoseOfTheCalendar() throws {
    var random = SeededGenerator(seed: 4)
    print("seed 4")
    let style = Date.ISO8601FormatStyle()
    for _ in 0..<2000 {
      let seconds = Int.random(in: -10_000_000_000...20_000_000_000, using: &random)
      let text = Date(timeIntervalSince1970: Double(seconds)).formatted(style)
      let time = try #require(CamtrapTimestamp(text), "\(text)")
      #expect(time.seconds == seconds && time.text == text)
      let later = time.adding(100_000.75)
      #expect(later.text == Date(timeIntervalSince1970: Double(seconds + 100_000)).formatted(style))
    }
    for text in [
      "2021-02-29T00:00:00Z", "2020-13-01T00:00:00Z", "2020-03-01T24:00:00Z", "2020-03-01",
      "2020-03-01T00:00:00", "2020-03-01T00:00:00+99:00", "2020-03-0١T00:00:00Z", "",
    ] { #expect(CamtrapTimestamp(text) == nil, "\(text)") }
    #expect(CamtrapTimestamp("2020-01-01T00:30:00+01:00")?.seconds == 1_577_835_000)
  }
}
