import Files
import Foundation
import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import DetectionRecords

@Suite struct PartialFileTests {
  @Test func continuesAfterTheLastWholeLine() throws {
    let seed: UInt64 = 3
    print("continuesAfterTheLastWholeLine: seed \(seed)")
    var generator = SeededGenerator(seed: seed)
    let fixture = try RecordsFixture()
    let whole = fixture.lines(0..<40)
    let ends = whole.indices.filter { whole[$0] == 0x0a }.map { $0 + 1 }
    var cuts = [0, 1, ends[0] - 1, ends[0], ends[0] + 1, whole.count - 1, whole.count]
    cuts += (0..<40).map { _ in generator.below(whole.count + 1) }
    for cut in cuts {
      try write(Array(whole[..<cut]), to: fixture.partialPathMade())
      let partial = try fixture.openPartial()
      let done = ends.count { $0 <= cut }
      #expect(partial.progress.frames == done)
      #expect(try contents(fixture.partialPath) == Array(whole[..<([0] + ends)[done]]))
      try partial.append(fixture.lines(done..<40))
      #expect(try contents(fixture.partialPath) == whole)
      #expect(partial.progress.frames == 40)
      #expect(partial.progress.failedFrames == (0..<40).count { $0 % 7 == 6 })
      #expect(partial.progress.detections == text(whole).split(separator: "\"score\":").count - 1)
      #expect(partial.progress.detections > 10)
    }
  }

  @Test func whatThePowerTookIsCutAtItsBeginning() throws {
    let seed: UInt64 = 4
    print("whatThePowerTookIsCutAtItsBeginning: seed \(seed)")
    var generator = SeededGenerator(seed: seed)
    let fixture = try RecordsFixture()
    let whole = fixture.lines(0..<40)
    let ends = [0] + whole.indices.filter { whole[$0] == 0x0a }.map { $0 + 1 }
    for _ in 0..<40 {
      // A stretch that was never written reads as zeros, in the middle or at the end.
      var damaged = whole
      let start = generator.below(whole.count)
      let end =
        generator.below(2) == 0 ? whole.count : min(whole.count, start + 1 + generator.below(300))
      for index in start..<end { damaged[index] = 0 }
      try write(damaged, to: fixture.partialPathMade())
      let partial = try fixture.openPartial()
      let done = ends.lastIndex { $0 <= start } ?? 0
      #expect(partial.progress.frames == done)
      #expect(try contents(fixture.partialPath) == Array(whole[..<ends[done]]))
    }
  }

  @Test func linesOfAnotherSourceAndUnfinishedObjectsAreCut() throws {
    let fixture = try RecordsFixture()
    let other = try RecordsFixture("cam1/0800.mp4")
    for bad in [
      other.line(1), Array("\n".utf8), Array("{\"source\":\"cam1/0700.mp4\",\"frame\":3\n".utf8),
      Array(fixture.line(1).dropLast(2)) + [0x0a], [0x20] + fixture.line(1),
    ] {
      try write(fixture.lines(0..<3) + bad + fixture.lines(4..<6), to: fixture.partialPathMade())
      #expect(try fixture.openPartial().progress.frames == 3)
      #expect(try contents(fixture.partialPath) == fixture.lines(0..<3))
    }
  }

  @Test func theLineOfAFailedInputIsWrittenAgain() throws {
    let fixture = try RecordsFixture()
    var failure: [UInt8] = []
    fixture.encoder.appendFailure("the file is cut short", to: &failure)
    let partial = try fixture.openPartial()
    try partial.append(fixture.lines(0..<2) + failure)
    #expect(partial.progress.frames == 2)
    #expect(try fixture.openPartial().progress.frames == 2)
    #expect(try contents(fixture.partialPath) == fixture.lines(0..<2))
  }

  @Test func anotherVersionOrOtherSettingsStartAnew() throws {
    var fixture = try RecordsFixture()
    let neighbour = try RecordsFixture("cam1/0700.mp4.mp4")
    let first = try fixture.openPartial()
    try first.append(fixture.lines(0..<5))
    let other = PartialFile.self
    _ = try other.init(neighbour.key, in: fixture.output, encoder: neighbour.encoder)
    #expect(try fixture.openPartial().progress.frames == 5)
    let old = fixture.partialPath
    fixture.key.input.modificationTime += 1
    #expect(try fixture.openPartial().progress.frames == 0)
    #expect(try contents(old) == nil)
    try fixture.openPartial().append(fixture.lines(0..<1))
    fixture.key.settingsDigest = String(repeating: "1", count: 64)
    #expect(try fixture.openPartial().progress.frames == 0)
    fixture.key.segment = Part(index: 1, count: 3)
    _ = try fixture.openPartial()
    let names = try #require(try OpenFile.names(in: fixture.partialPath.removingLastComponent()))
    // The last version of the whole, the segment, and the neighbour whose name begins alike.
    #expect(names.count == 3)
    #expect(names.contains { $0.starts(with: "0700.mp4.mp4.0af9".utf8) })
    #expect(names.contains { $0.starts(with: "0700.mp4.1111".utf8) })
    #expect(names.contains { $0.starts(with: "0700.mp4.segment-1-of-3.1111".utf8) })
  }

  @Test func occurrencesAreCounted() {
    for (text, part, count) in [
      ("", "ab", 0), ("a", "ab", 0), ("ab", "ab", 1), ("abab", "ab", 2), ("aabaab-ab", "ab", 3),
      ("aaa", "aa", 1),
      ("aaaaa", "a", 5), ("ba", "ab", 0),
    ] {
      Array(text.utf8).withUnsafeBytes {
        #expect($0.count(of: Array(part.utf8)) == count, "\(part) in \(text)")
      }
    }
  }

  @Test func namesAreAsLongAsTheFileSystemTakes() throws {
    for length in [100, 140, 141, 230, 249] {
      let name = String(repeating: "x", count: length - 4) + ".mp4"
      let fixture = try RecordsFixture("d/" + name)
      let partial = try fixture.openPartial()
      try partial.append(fixture.lines(0..<1))
      let manifest = try Manifest(fixture.output, RunPartition())
      try manifest.publish(partial, InputOutcome(seconds: 0))
      #expect(
        try contents(fixture.output.path.appending("d/\(name).jsonl")) == fixture.lines(0..<1))
    }
    let tooLong = try RecordsFixture(String(repeating: "x", count: 250))
    let error = #expect(throws: FileError.self) { try tooLong.openPartial() }
    #expect(error == .nameTooLong(tooLong.finalPath))
    #expect(error?.concernsOnePath == true)
  }

  @Test func whatIsInTheWayIsFoundBeforeTheWork() throws {
    let fixture = try RecordsFixture("a.mp4")
    mkdir(fixture.finalPath.string, 0o755)
    #expect(
      throws: FileError.conflict(fixture.finalPath, reason: "there is a directory of that name")
    ) { try fixture.openPartial() }
    let below = try RecordsFixture("b.mp4.jsonl/c.mp4")
    try write([], to: below.output.path.appending("b.mp4.jsonl"))
    let error = #expect(throws: FileError.self) { try below.openPartial() }
    #expect(error?.kind == .cannotCreateOutput)
    #expect(error?.concernsOnePath == true)
  }

  @Test func discardedRecordsAreGone() throws {
    let fixture = try RecordsFixture()
    let partial = try fixture.openPartial()
    try partial.append(fixture.lines(0..<1))
    try partial.discard()
    #expect(try contents(fixture.partialPath) == nil)
    #expect(!fixture.output.hasPartial(fixture.key))
  }

  @Test func aFullDiskIsSaidAndRepaired() throws {
    let disk = try SmallDisk(kilobytes: 256)
    let output = OutputDirectory(disk.path.appending("out"))
    try output.create()
    let fixture = try RecordsFixture()
    let partial = try PartialFile(fixture.key, in: output, encoder: fixture.encoder)
    let path = output.partialFile(fixture.key)
    var frame = 0
    let error = #expect(throws: FileError.self) {
      while frame < 100_000 {
        try partial.append(fixture.line(frame))
        frame += 1
      }
    }
    #expect(error == .writeFailed(path.oneLine, .noSpace))
    #expect(error?.kind == .outputFailed)
    #expect(error?.description == "cannot write \(path.oneLine): No space left on device")
    #expect(frame > 100)
    #expect(throws: FileError.self) { try OutputDirectory(disk.path.appending("x/y/z")).fill() }
    // Somebody makes room, and the next run goes on.
    try disk.grow(kilobytes: 4096)
    let again = try PartialFile(fixture.key, in: output, encoder: fixture.encoder)
    #expect(again.progress.frames == frame)
    try again.append(fixture.line(frame))
    #expect(try contents(path) == fixture.lines(0..<frame + 1))
    try Manifest(output, RunPartition()).publish(again, InputOutcome(seconds: 0))
    #expect(try contents(output.recordFile(fixture.key)) == fixture.lines(0..<frame + 1))
  }
}

extension RecordsFixture {
  /// The partial file's path, in a directory that is there.
  func partialPathMade() throws -> FilePath {
    try OpenFile.createDirectories(partialPath.removingLastComponent())
    return partialPath
  }
}

extension OutputDirectory {
  /// Writes until the disk is full.
  fileprivate func fill() throws {
    try create()
    let file = try OpenFile(path.appending("filler"), .writeOnly, options: .create)
    while true { try file.write([UInt8](repeating: 1, count: 65536)) }
  }
}
