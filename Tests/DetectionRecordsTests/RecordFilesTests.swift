import Files
import Foundation
import SystemPackage
import TestSupport
import Testing

@testable import DetectionRecords

@Suite struct RecordFilesTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func make(_ names: String...) throws {
    for name in names {
      let path = folder.path.pushing(FilePath(name))
      try OpenFile.createDirectories(path.removingLastComponent())
      try write(Array("{\"source\":\"\(name)\",\"detections\":[]}\n".utf8), to: path)
    }
  }

  private func names(_ arguments: String...) throws -> [String] {
    var files = try RecordFiles(arguments.map { folder.path.pushing(FilePath($0)) })
    var names: [String] = []
    while let file = try files.next() {
      let path = try #require(file.path)
      names.append(String(path.string.dropFirst(folder.path.string.count + 1)))
    }
    return names
  }

  @Test func directoriesAreWalkedInTheOrderOfPaths() throws {
    try make(
      "out/b.mp4.jsonl", "out/a-b.jsonl", "out/a/z.jsonl", "out/a/b/c.jsonl", "out/a.jsonl",
      "out/x.segment-10-of-10.jsonl", "out/x.segment-2-of-10.jsonl", "out/x.segment-1-of-10.jsonl",
      "out/.detect-batch/manifest.log", "out/.detect-batch/partial/p.jsonl", "out/notes.txt",
      "out/.jsonl", "other.json")
    let expected = [
      "out/a-b.jsonl", "out/a.jsonl", "out/a/b/c.jsonl", "out/a/z.jsonl", "out/b.mp4.jsonl",
      "out/x.segment-1-of-10.jsonl", "out/x.segment-2-of-10.jsonl", "out/x.segment-10-of-10.jsonl",
    ]
    #expect(try names("out") == expected)
    #expect(
      try names("other.json", "out/a", "out/notes.txt")
        == ["other.json", "out/a/b/c.jsonl", "out/a/z.jsonl", "out/notes.txt"])
    var files = try RecordFiles([folder.path.appending("out").appending("a")])
    #expect(try files.next()?.output?.path == folder.path.appending("out"))
    var standardInput = try RecordFiles(["-"])
    #expect(try standardInput.next() == RecordFile(path: nil))
  }

  @Test func linksToDirectoriesAreNotFollowed() throws {
    try make("out/a/b.jsonl", "elsewhere/c.jsonl")
    let out = folder.path.appending("out")
    for (name, target) in [("up", ".."), ("d.jsonl", "../elsewhere/c.jsonl")] {
      try FileManager.default.createSymbolicLink(
        atPath: out.appending(name).string, withDestinationPath: target)
    }
    #expect(try names("out") == ["out/a/b.jsonl", "out/d.jsonl"])
  }

  @Test func whatIsNotThereIsSaid() throws {
    try make("empty/x.txt", "full/a.jsonl", "full/b/x.txt")
    let missing = #expect(throws: RecordReadingError.self) { try names("nothing") }
    #expect(
      missing?.description == "\(folder.path)/nothing: there is no such file or directory")
    let empty = #expect(throws: RecordReadingError.self) { try names("full", "empty") }
    #expect(
      empty?.description
        == "\(folder.path)/empty: there are no records (*.jsonl) in this directory")
    #expect(try names("full") == ["full/a.jsonl"])
  }
}

@Suite struct InputLocatorTests {
  /// An output directory that tells where its input was, and the line of a record.
  private func published(root: FilePath) throws -> (RecordsFixture, RecordLine) {
    let fixture = try RecordsFixture()
    let manifest = try Manifest(fixture.output, RunPartition())
    let partial = try fixture.openPartial()
    try partial.append(fixture.line(0))
    try manifest.publish(
      partial, InputOutcome(seconds: 0), origin: InputOrigin(root: root, device: 1, inode: 2))
    let reader = RecordReader(try RecordFiles([fixture.output.path]))
    return (fixture, try #require(try reader.next()))
  }

  private func makeInput(below root: FilePath) throws -> FilePath {
    let path = root.pushing("cam1/0700.mp4")
    try OpenFile.createDirectories(path.removingLastComponent())
    try write([], to: path)
    return path
  }

  @Test func theManifestSaysWhereAnInputWas() throws {
    let folder = try TemporaryFolder()
    let (fixture, line) = try published(root: folder.path)
    var locator = InputLocator()
    let lost = #expect(throws: RecordReadingError.self) { try locator.path(of: line) }
    #expect(
      lost?.description
        == "cam1/0700.mp4 (\(fixture.finalPath)): the file is not there any more: looked for "
        + "\(folder.path)/cam1/0700.mp4, cam1/0700.mp4; --root says which directory it is in")
    let path = try makeInput(below: folder.path)
    #expect(try locator.path(of: line) == path)

    // A directory that is given is the only one.
    let other = try TemporaryFolder()
    var given = InputLocator(root: other.path)
    #expect(throws: RecordReadingError.self) { try given.path(of: line) }
    let moved = try makeInput(below: other.path)
    #expect(try given.path(of: line) == moved)
  }

  @Test func withoutAManifestTheWorkingDirectoryIsTried() throws {
    let folder = try TemporaryFolder()
    let path = try makeInput(below: folder.path)
    let line = RecordLine(
      source: try SourceName("cam1/0700.mp4"),
      record: FrameRecord(
        frame: 0, time: nil, outcome: .detections([])), file: RecordFile(path: nil), number: 1)
    var locator = InputLocator()
    #expect(throws: RecordReadingError.self) { try locator.path(of: line) }
    // The source counts from here: a path that leads to the file from wherever the tests run.
    let absolute = RecordLine(
      source: try SourceName(String(path.string.dropFirst())), record: line.record, file: line.file,
      number: 1)
    var fromRoot = InputLocator(root: "/")
    #expect(try fromRoot.path(of: absolute) == path)
  }
}
