import Foundation
import Results
import SystemPackage
import Testing

/// What a report says of records.
struct ReportTests {
  private typealias Fixture = ReportFixture

  /// A video with frames of all kinds, two pictures, and an input that failed.
  private func fixture() throws -> ReportFixture {
    let fixture = try ReportFixture()
    let video = (0..<40).map { frame -> String in
      let found: [(String, Double)] =
        switch frame {
        case 10..<20: [("car", 0.9), ("car", 0.6), ("dog", 0.45)]
        case 30: [("dog", 0.45)]
        case 35: [("dog", 0.2)]
        default: []
        }
      return Fixture.record("cam/a.mp4", frame, time: Double(frame) / 10, found)
    }
    try fixture.write("cam/a.mp4", video)
    try fixture.write("b.jpg", [Fixture.record("b.jpg", 0, [("dog", 0.7)])])
    try fixture.write("c.jpg", [Fixture.record("c.jpg", 0, [])])
    try fixture.write(
      "torn.mp4",
      [
        "{\"source\":\"torn.mp4\",\"frame\":null,\"time\":null,\"width\":null,\"height\":null,"
          + "\"detections\":null,\"failure\":\"no video\"}"
      ])
    for name in ["b.jpg", "c.jpg"] { try fixture.writePicture(name) }
    return fixture
  }

  private func counts(_ overview: [String: Any]) -> [String: Int] {
    overview["counts"] as? [String: Int] ?? [:]
  }

  @Test func countsAreRight() throws {
    let fixture = try fixture()
    var request = fixture.request
    request.threshold = 0.5
    let summary = try Report(request).write()
    #expect((summary.inputs, summary.frames, summary.detections) == (4, 42, 21))
    let overview = try fixture.object("overview")
    #expect(
      counts(overview) == [
        "inputs": 4, "failedInputs": 1, "frames": 42, "failedFrames": 1, "failures": 1,
        "framesWithDetections": 11, "detections": 21, "below": 12,
      ])
    let classes = try #require(overview["classes"] as? [[String: Any]])
    // In the order in which labels come: b.jpg is before cam.
    #expect(classes.compactMap { $0["label"] as? String } == ["dog", "car"])
    #expect(classes.compactMap { $0["detections"] as? Int } == [1, 20])
    #expect(classes.compactMap { $0["frames"] as? Int } == [1, 10])
    #expect(classes.compactMap { $0["below"] as? Int } == [12, 0])
    let scores = try #require(classes[0]["scores"] as? [Int])
    #expect((scores[70], scores[45], scores[20], scores.reduce(0, +)) == (1, 11, 1, 13))
    #expect(overview["reasons"] as? [[AnyHashable]] == [["no video", 1]])
  }

  /// A score that is 0.29 is in the step from 0.29, though 0.29 * 100 is less than 29 in doubles.
  @Test func scoresFallIntoTheirStep() throws {
    let fixture = try ReportFixture()
    for step in 0...100 {
      try fixture.write(
        "\(step).jpg", [Fixture.record("\(step).jpg", 0, [("x", Double(step) / 100)])])
    }
    _ = try Report(fixture.request).write()
    let classes = try #require(try fixture.object("overview")["classes"] as? [[String: Any]])
    #expect(classes[0]["scores"] as? [Int] == Array(repeating: 1, count: 99) + [2])
  }

  /// The pages have every record: frames without a detection as one, detections from the floor on.
  @Test func recordsAreAllThere() throws {
    let fixture = try fixture()
    var request = fixture.request
    request.threshold = 0.5
    _ = try Report(request).write()
    let rows = try fixture.objects("inputs-0")
    #expect(
      rows.compactMap { $0["source"] as? String } == ["b.jpg", "c.jpg", "cam/a.mp4", "torn.mp4"])
    #expect(rows[2]["link"] is NSNull && rows[0]["link"] as? String == "../media/b.jpg")
    #expect(rows[2]["detections"] as? Int == 20)
    let records = try #require(try fixture.object("records-0")["2"] as? [[Any]])
    let starts = records.compactMap { $0[0] as? Int }
    // 0.2 is below the floor of 0.4, so that frame 35 is empty like its neighbours.
    #expect(starts == [0] + Array(10..<20) + [20, 30, 31])
    #expect(
      records[0][2] as? Int == 10 && records[11][2] as? Int == 10 && records[13][2] as? Int == 9)
    #expect(records[1][1] as? Double == 1)
    #expect(
      records[1][2] as? [Double] == [
        1, 0.9, 8, 6.2, 16, 12, 1, 0.6, 8, 6.2, 16, 12, 0, 0.45, 8, 6.2, 16, 12,
      ])
    let failed = try #require(try fixture.object("records-0")["3"] as? [[Any]])
    #expect(failed.count == 1 && failed[0][2] as? String == "no video")
    #expect(
      try fixture.data("failures-0") as? [[AnyHashable]] == [
        [3, "torn.mp4", NSNull(), NSNull(), "no video"]
      ])
  }

  /// Of every kind there are pictures, and the kinds do not mix.
  @Test func galleriesAreWhatTheySay() throws {
    let fixture = try fixture()
    var request = fixture.request
    request.threshold = 0.5
    request.samples = 5
    _ = try Report(request).write()
    let galleries = try #require(try fixture.object("overview")["galleries"] as? [[String: Any]])
    #expect(
      galleries.compactMap { $0["name"] as? String } == ["class-1", "class-0", "below", "empty"])
    #expect(galleries.compactMap { $0["total"] as? Int } == [10, 1, 1, 30])
    #expect(galleries.compactMap { $0["shown"] as? Int } == [5, 1, 1, 5])
    let dog = try fixture.objects("class-0")
    #expect(dog[0]["picture"] as? String != nil && dog[0]["score"] as? Double == 0.7)
    let cars = try fixture.objects("class-1")
    #expect(cars.allSatisfy { (10..<20).contains($0["frame"] as? Int ?? -1) })
    #expect(cars.allSatisfy { $0["problem"] as? String == "the file is not where it was" })
    #expect(try fixture.objects("below").compactMap { $0["frame"] as? Int } == [30])
    let empty = try fixture.objects("empty").compactMap { $0["frame"] as? Int }
    #expect(empty.allSatisfy { !(10..<20).contains($0) && $0 != 30 })
    let file = fixture.report.appending("pictures").appending("0.jpg").string
    #expect(FileManager.default.contents(atPath: file)?.starts(with: [0xff, 0xd8]) == true)
  }

  /// Records in many blocks, of one long input and of short ones after it.
  @Test func longInputsAreCutIntoBlocks() throws {
    let fixture = try ReportFixture()
    let count = 9_000
    try fixture.write(
      "a.mp4",
      (0..<count).map {
        Fixture.record("a.mp4", $0, time: Double($0) / 25, [("x", 0.5), ("y", 0.25)])
      })
    try fixture.write("b.mp4", [Fixture.record("b.mp4", 0, time: 0, [("x", 0.5)])])
    _ = try Report(fixture.request).write()
    let row = try fixture.objects("inputs-0")[0]
    let blocks = try #require(row["blocks"] as? [[String: Any]])
    #expect(blocks.count > 1)
    var frames: [Int] = []
    for part in blocks {
      let number = try #require(part["block"] as? Int)
      let records = try #require(try fixture.object("records-\(number)")["0"] as? [[Any]])
      #expect(records[0][0] as? Int == part["frame"] as? Int)
      #expect(records[0][1] as? Double == part["time"] as? Double)
      frames += records.compactMap { $0[0] as? Int }
    }
    #expect(frames == Array(0..<count))
    let last = try #require(blocks.last?["block"] as? Int)
    #expect(try fixture.object("records-\(last)")["1"] != nil)
    for (name, data) in try Fixture.content(of: fixture.report) where name.hasPrefix("data/records")
    {
      #expect(data.count < 300_000, "\(name)")
    }
  }

  /// Labels beyond the limit are one class, whose number every list uses.
  @Test func manyLabelsAreBounded() throws {
    let fixture = try ReportFixture()
    for index in 0..<520 {
      try fixture.write(
        "\(index).jpg", [Fixture.record("\(index).jpg", 0, [("label \(index)", 0.5)])])
    }
    var request = fixture.request
    request.samples = 1
    _ = try Report(request).write()
    let classes = try #require(try fixture.object("overview")["classes"] as? [[String: Any]])
    #expect(classes.count == 501)
    #expect(classes[500]["label"] as? String == "(all other labels)")
    #expect(classes[500]["detections"] as? Int == 20)
  }

  /// The same records give the same bytes, with any number of threads; another seed gives another sample.
  @Test func bytesFollowFromTheRequest() throws {
    let fixture = try fixture()
    var request = fixture.request
    request.samples = 3
    _ = try Report(request).write()
    let first = try Fixture.content(of: fixture.report)
    request.threads = 4
    request.existing = .always
    _ = try Report(request).write()
    #expect(try Fixture.content(of: fixture.report) == first)
    request.seed = 1
    _ = try Report(request).write()
    let other = try Fixture.content(of: fixture.report)
    #expect(other["data/class-1.js"] != first["data/class-1.js"])
    #expect(other["data/inputs-0.js"] == first["data/inputs-0.js"])
  }

  /// Hostile names stand nowhere as markup or script, and the page forbids a network.
  @Test func hostileNamesAreText() throws {
    let evil = "</script><script>alert(1)</script>\\u2028\\\"'"
    let fixture = try ReportFixture()
    try fixture.write("x", [Fixture.record("d/\(evil)", 0, [(evil, 0.5)])])
    for isOneFile in [false, true] {
      var request = fixture.request
      request.title = "</title><script>alert(1)</script>{{data}}"
      request.isOneFile = isOneFile
      request.output = fixture.folder.path.appending(isOneFile ? "one.html" : "report")
      _ = try Report(request).write()
      let files =
        isOneFile
        ? ["one.html": FileManager.default.contents(atPath: request.output.string) ?? Data()]
        : try Fixture.content(of: request.output)
      for (name, data) in files where !name.hasSuffix(".jpg") && !name.hasPrefix("page/") {
        let text = String(decoding: data, as: UTF8.self)
        #expect(!text.contains("<script>alert") && !text.contains("\u{2028}"), "\(name)")
      }
      let page = String(
        decoding: files["index.html"] ?? files["one.html"] ?? Data(), as: UTF8.self
      )
      // SVG's name is no address.
      .replacing("http://www.w3.org/2000/svg", with: "")
      #expect(page.contains("content=\"default-src 'none'; script-src "))
      #expect(!page.contains("http:") && !page.contains("https:") && !page.contains("unsafe"))
      #expect(
        page.contains("{{data}}") && !page.contains("{{title}}") && !page.contains("{{script}}"))
    }
    #expect((try fixture.objects("inputs-0")[0]["source"] as? String)?.contains("\u{2028}") == true)
  }

  /// A report in one file has the same data as a folder, and no other file.
  @Test func oneFileHoldsAll() throws {
    let fixture = try fixture()
    _ = try Report(fixture.request).write()
    var request = fixture.request
    request.isOneFile = true
    request.output = fixture.folder.path.appending("one.html")
    _ = try Report(request).write()
    let page = try String(contentsOf: URL(filePath: request.output.string), encoding: .utf8)
    for name in ["overview", "inputs-0", "records-0", "failures-0"] {
      let start = try #require(page.range(of: "id=\"data-\(name)\">"))
      let end = try #require(page[start.upperBound...].range(of: "</script>"))
      let inside = try JSONSerialization.jsonObject(
        with: Data(page[start.upperBound..<end.lowerBound].utf8))
      // Addresses of the originals differ by the folder.
      if name != "inputs-0" {
        #expect(inside as? NSObject == (try fixture.data(name)) as? NSObject, "\(name)")
      }
    }
    #expect(page.contains("\"picture\":\"data:image/jpeg;base64,/9j/"))
    #expect(page.contains("\"link\":\"media/b.jpg\""))
  }

  /// What is there stays, unless it is a report and is to be replaced; and nothing is left lying about.
  @Test func nothingIsOverwrittenUnasked() throws {
    let fixture = try fixture()
    _ = try Report(fixture.request).write()
    let before = try Fixture.content(of: fixture.report)
    var request = fixture.request
    request.title = "another"
    #expect(throws: ReportError.exists(fixture.report)) { try Report(request).write() }
    #expect(try Fixture.content(of: fixture.report) == before)
    request.existing = .always
    _ = try Report(request).write()
    #expect(try fixture.object("overview")["title"] as? String == "another")
    request.output = fixture.media
    #expect(throws: ReportError.notReport(fixture.media)) { try Report(request).write() }
    request.isOneFile = true
    #expect(throws: ReportError.notReport(fixture.media)) { try Report(request).write() }
    #expect(try FileManager.default.contentsOfDirectory(atPath: fixture.media.string).count == 2)
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: fixture.folder.path.string).sorted() == [
        "found", "media", "report",
      ])
  }

  /// A report that fails or is stopped in the middle leaves nothing.
  @Test func failuresLeaveNothing() throws {
    let fixture = try fixture()
    var request = fixture.request
    request.isStopped = { true }
    #expect(throws: ReportError.stopped) { try Report(request).write() }
    request.isStopped = { false }
    try fixture.write("z.jpg", ["{\"source\":\"z.jpg\"}"])
    #expect(throws: (any Error).self) { try Report(request).write() }
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: fixture.folder.path.string).sorted() == [
        "found", "media",
      ])
  }
}
