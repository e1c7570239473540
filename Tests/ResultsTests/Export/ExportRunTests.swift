import DetectionRecords
import Foundation
import SystemPackage
import TestSupport
import Testing

@testable import Results

@Suite struct ExportRunTests {
  private let fixture: ExportFixture

  init() throws { fixture = try ExportFixture() }

  @Test func theSummaryCounts() throws {
    let summary = try ExportRun.run(
      fixture.request(.csv), to: .path(fixture.path("out"), replacing: false))
    #expect(summary.inputs == 4 && summary.frames == 5 && summary.detections == 6)
    #expect(summary.failures == 2 && summary.untold == 0)
    #expect(summary.unknownClasses.isEmpty)

    var request = try fixture.request(.csv)
    request.classes = ["dog", "bird"]
    let some = try ExportRun.run(request, to: .path(fixture.path("some"), replacing: false))
    #expect(some.detections == 3 && some.unknownClasses == ["bird"])
  }

  @Test func whatIsThereIsNotReplacedUnasked() throws {
    try fixture.write("mine", to: "out.csv")
    let error = #expect(throws: ExportError.self) {
      try ExportRun.run(
        fixture.request(.csv), to: .path(fixture.path("out.csv"), replacing: false))
    }
    #expect(
      error?.description
        == "\(fixture.path("out.csv")): is there already: --overwrite replaces it")
    #expect(try fixture.read("out.csv") == "mine")
    _ = try ExportRun.run(
      fixture.request(.csv), to: .path(fixture.path("out.csv"), replacing: true))
    #expect(try fixture.read("out.csv").hasPrefix("source,"))
    let directory = #expect(throws: ExportError.self) {
      try ExportRun.run(fixture.request(.yolo), to: .path(fixture.folder.path, replacing: true))
    }
    #expect(directory == .exists(fixture.folder.path, isDirectory: true))
  }

  @Test(arguments: ExportFormat.allCases)
  func whereRecordsAreAtFaultNothingIsLeft(_ format: ExportFormat) throws {
    try fixture.write(
      (ExportFixture.lines + ["{"]).joined(separator: "\n"), to: "records.jsonl")
    let error = #expect(throws: RecordReadingError.self) {
      try ExportRun.run(fixture.request(format), to: .path(fixture.path("out"), replacing: false))
    }
    #expect(error?.description.contains("records.jsonl: line 8, column 2: ") == true)
    let left = try FileManager.default.contentsOfDirectory(atPath: fixture.folder.path.string)
    #expect(left == ["records.jsonl"])
  }

  @Test func anInputCountsOnce() throws {
    let lines = ExportFixture.lines
    try fixture.write(
      [lines[0], lines[1], lines[0]].joined(separator: "\n"), to: "records.jsonl")
    let error = #expect(throws: RecordReadingError.self) { try fixture.text(.csv) }
    #expect(
      error?.description.contains("line 3: a, \"b\" & <c>.jpg has records in another") == true)

    // Segments go on where the last one ended.
    let frames = (0..<12).map {
      #"{"source":"v.mp4","frame":\#($0),"time":\#($0).0,"width":3,"height":2,"detections":[]}"#
    }
    try fixture.write(frames[..<6].joined(separator: "\n"), to: "v.mp4.segment-1-of-2.jsonl")
    try fixture.write(frames[6...].joined(separator: "\n"), to: "v.mp4.segment-2-of-2.jsonl")
    let segments = ["1", "2"].map { fixture.path("v.mp4.segment-\($0)-of-2.jsonl") }
    let rows = try fixture.text(ExportRequest(try RecordFiles(segments), as: .csv))
    #expect(rows.split(separator: "\n").count == 13)
    #expect(throws: RecordReadingError.self) {
      try fixture.text(ExportRequest(try RecordFiles([segments[0], segments[0]]), as: .csv))
    }
  }

  @Test func twoInputsWithOneLabelFileAreRefused() throws {
    let lines = ["a.jpg", "a.png"].map {
      #"{"source":"\#($0)","frame":0,"time":null,"width":3,"height":2,"detections":[]}"#
    }
    try fixture.write(lines.joined(separator: "\n"), to: "records.jsonl")
    let error = #expect(throws: ExportError.self) {
      try ExportRun.run(fixture.request(.yolo), to: .path(fixture.path("t"), replacing: false))
    }
    #expect(
      error?.description
        == "a.png: another input has the file labels/a.txt of the output already: export them apart"
    )
  }

  @Test(arguments: ExportFormat.allCases)
  func whatIsStoppedLeavesNothing(_ format: ExportFormat) throws {
    var request = try fixture.request(format)
    let before = try fixture.names(below: ".")
    request.isStopped = { true }
    let stopped = request
    #expect(throws: ExportError.stopped) {
      try ExportRun.run(stopped, to: .path(fixture.path("out"), replacing: false))
    }
    #expect(try fixture.names(below: ".") == before)
  }

  /// Of videos looked at with `--no-frame-numbers`: there is no picture that a frame could be told by.
  @Test(arguments: [ExportFormat.yolo, .coco, .cocoDataset, .cvat, .labelStudio])
  func framesWithoutANumberAreUntold(_ format: ExportFormat) throws {
    let lines = [0.5, 1, 1.5].map {
      #"{"source":"v.mp4","frame":null,"time":\#($0),"width":9,"height":9,"detections":[{"label":"cat","score":0.5,"box":[1,1,2,2]}]}"#
    }
    let picture =
      #"{"source":"p.jpg","frame":0,"time":null,"width":9,"height":9,"detections":[{"label":"cat","score":0.5,"box":[1,1,2,2]}]}"#
    try fixture.write((lines + [picture]).joined(separator: "\n"), to: "records.jsonl")
    let summary = try ExportRun.run(
      fixture.request(format), to: .path(fixture.path("out"), replacing: false))
    #expect(summary.untold == 3 && summary.frames == 4)
    if !format.isDirectory {
      let text = try fixture.read("out")
      #expect(!text.contains("v.mp4"))
      #expect(text.contains(format == .coco ? #""image_id":1,"# : "p.jpg"))
    }
  }

  @Test func formatsThatReadTwiceRefuseStandardInput() throws {
    for format in ExportFormat.allCases where format.passes > 1 {
      #expect(throws: ExportError.needsFiles(format)) {
        try ExportRun.run(
          ExportRequest(try RecordFiles(["-"]), as: format),
          to: .path(fixture.path("x"), replacing: false))
      }
    }
  }
}
