import Digests
import Files
import Foundation
import SystemPackage
import TestSupport
import Testing

@testable import DetectionRecords

func sha256(_ bytes: [UInt8]) -> String? { SHA256Digest.hexadecimal(of: bytes) }

@Suite struct ManifestTests {
  private func entry(_ source: String, settings: String = "ab", failure: String? = nil) throws
    -> ManifestEntry
  {
    ManifestEntry(
      key: OutputKey(
        source: try SourceName(source), input: InputVersion(size: 5, modificationTime: -3),
        settingsDigest: settings),
      outcome: InputOutcome(
        failure: failure, decodeErrors: 1, lastError: "bad \"NAL\"\n", seconds: 1.5),
      frames: 7, detections: 9, outputSize: 11, outputDigest: "cd")
  }

  private func parsed(_ bytes: [UInt8]) -> ManifestEntry? {
    bytes.withUnsafeBytes { ManifestEntry(line: $0) }
  }

  @Test(.python) func linesAreAsDocumentedAndReadBack() throws {
    var failed = try entry("cam/ä.mp4", failure: "moov atom not found")
    #expect(
      text(failed.line)
        == #"{"source":"cam/ä.mp4","size":5,"mtime":-3,"settings":"ab","status":"failed","frames":7,"detections":9,"decodeErrors":1,"lastError":"bad \"NAL\"\n","failure":"moov atom not found","seconds":1.500,"outputSize":11,"outputDigest":"cd"}"#
        + "\n")
    #expect(parsed(failed.line) == failed)
    failed.outcome.failure = nil
    failed.outcome.lastError = nil
    failed.key.segment = Part(index: 2, count: 3)
    failed.key.input.modificationTime = 1_794_307_260_123_456_789
    #expect(text(failed.line).contains(#","segment":"2/3","size":5,"mtime":1794307260123456789,"#))
    #expect(parsed(failed.line) == failed)
    failed.key.source = try SourceName(bytes: [0xff, 0x0a])
    #expect(parsed(failed.line) == failed)
    // What no run took, and nobody could add up or write again.
    for seconds in ["1e300", "-1", "1e12"] {
      let line = text(failed.line).replacing(#""seconds":1.500"#, with: #""seconds":\#(seconds)"#)
      #expect((parsed(Array(line.utf8)) == nil) == (seconds != "1e12"), "\(line)")
    }
    failed.origin = InputOrigin(root: FilePath(bytes: [0x2f, 0xff]), device: .max, inode: 1 << 63)
    #expect(text(failed.line).contains(#","root":"/\#u{fffd}","rootBytes":"L/8=","device":-1,"#))
    #expect(parsed(failed.line) == failed)
    failed.origin = InputOrigin(root: "/srv/archive", device: 2049, inode: 131)
    #expect(
      text(failed.line).contains(#","root":"/srv/archive","device":2049,"inode":131,"size":5,"#))
    #expect(parsed(failed.line) == failed)
    #expect(
      try python(
        "import json,sys; print(json.load(open(sys.argv[1]))['mtime'])", input: failed.line)
        == "1794307260123456789\n")
  }

  @Test func damagedLinesVouchForNothing() throws {
    let seed: UInt64 = 5
    print("damagedLinesVouchForNothing: seed \(seed)")
    var generator = SeededGenerator(seed: seed)
    let line = try entry("a.mp4").line
    #expect(parsed(line) != nil)
    for cut in 0..<line.count - 1 { #expect(parsed(Array(line[..<cut])) == nil, "\(cut)") }
    for _ in 0..<3000 {
      // Never a crash; and what is read of a damaged line is at least a whole entry.
      var damaged = line
      for _ in 0...generator.below(3) {
        damaged[generator.below(line.count)] = UInt8(generator.below(256))
      }
      if let read = parsed(damaged) { #expect(parsed(read.line) == read) }
    }
    // Statuses that contradict the rest, or are none.
    for status in ["failed", "half done"] {
      #expect(parsed(Array(text(line).replacing("\"done\"", with: "\"\(status)\"").utf8)) == nil)
    }
    // Numbers that no run could have counted, and that would overflow where they are added up.
    for number in ["-7", "9223372036854775807"] {
      #expect(
        parsed(Array(text(line).replacing("\"frames\":7", with: "\"frames\":\(number)").utf8))
          == nil)
    }
    for value in ["1e3", "[1,{\"size\":2}]"] {
      let newer = Array(
        text(line).replacing("{", with: "{\"added later\":\(value),", maxReplacements: 1).utf8)
      #expect(parsed(newer) == (try entry("a.mp4")))
    }
  }

  @Test func aTornLastLineIsCutBeforeAppending() throws {
    let fixture = try RecordsFixture()
    let first = try entry("a.mp4").line
    try write(first + Array(first.dropLast(10)), to: fixture.manifestPath)
    // Reading alone leaves it: another shard may be writing it now.
    _ = try Manifest(reading: fixture.output, RunPartition())
    #expect(try contents(fixture.manifestPath)?.count == 2 * first.count - 10)
    let manifest = try Manifest(fixture.output, RunPartition())
    #expect(try contents(fixture.manifestPath) == first)
    let partial = try fixture.openPartial()
    try partial.append(fixture.lines(0..<1))
    let published = try manifest.publish(partial, InputOutcome(seconds: 0))
    #expect(try contents(fixture.manifestPath) == first + published.line)
  }

  /// Publishes records made with some settings, as a run of some partition.
  private func publish(
    _ fixture: RecordsFixture, _ partition: RunPartition, settings: String, _ records: [UInt8],
    _ outcome: InputOutcome = InputOutcome(seconds: 0)
  ) throws -> ManifestEntry {
    var key = fixture.key
    key.settingsDigest = settings
    key.segment = partition.segment
    let partial = try PartialFile(key, in: fixture.output, encoder: fixture.encoder)
    try partial.append(records)
    return try Manifest(fixture.output, partition).publish(partial, outcome)
  }

  @Test func theLastLineWins() throws {
    let fixture = try RecordsFixture()
    let all = RunPartition()
    let records = fixture.lines(0..<3)
    let first = try publish(fixture, all, settings: "aa", records)
    let second = try publish(fixture, all, settings: "bb", records)
    let manifest = try Manifest(fixture.output, all)
    #expect(try manifest.prior(second.key) == .complete(second))
    #expect(try manifest.prior(first.key) == .stale(second))
    var changed = second.key
    changed.input.size += 1
    #expect(try manifest.prior(changed) == .stale(second))
    var unknown = second.key
    unknown.source = try SourceName("other.mp4")
    #expect(try manifest.prior(unknown) == .none)
    try write(fixture.lines(0..<1), to: fixture.output.recordFile(unknown))
    #expect(try manifest.prior(unknown) == .unrecorded)
  }

  /// Made once more, records reach the size of those before them byte by byte, and may not be on the disk yet.
  @Test func aPartialFileOfTheSizeOfAnEarlierMakingIsNotFinished() throws {
    let fixture = try RecordsFixture()
    let records = fixture.lines(0..<3)
    let entry = try publish(fixture, RunPartition(), settings: "aa", records)
    let partial = fixture.output.partialFile(entry.key)
    try write(records.dropLast(9) + [UInt8](repeating: 0, count: 9), to: partial)
    #expect(try Manifest(fixture.output, RunPartition()).prior(entry.key) == .complete(entry))
    #expect(try contents(fixture.output.recordFile(entry.key)) == records)
    #expect(try contents(partial) != nil)
    try write(records, to: partial)
    #expect(try Manifest(fixture.output, RunPartition()).prior(entry.key) == .complete(entry))
    #expect(try contents(partial) == nil)
  }

  /// A part of the output may lie on another disk.
  @Test func recordsAreMovedToAnotherFileSystem() throws {
    let fixture = try RecordsFixture()
    let disk = try SmallDisk(kilobytes: 512)
    let link = fixture.output.recordFile(fixture.key).removingLastComponent()
    try FileManager.default.createSymbolicLink(
      atPath: link.string, withDestinationPath: disk.path.string)
    for count in [3, 5] {
      let records = fixture.lines(0..<count)
      let entry = try publish(fixture, RunPartition(), settings: "a\(count)", records)
      #expect(try contents(disk.path.appending("0700.mp4.jsonl")) == records)
      #expect(try Manifest(fixture.output, RunPartition()).prior(entry.key) == .complete(entry))
      #expect(try contents(fixture.output.partialFile(entry.key)) == nil)
    }
    let names = try FileManager.default.contentsOfDirectory(atPath: disk.path.string)
    #expect(names == ["0700.mp4.jsonl"])
  }

  @Test func shardsReadEachOthersManifests() throws {
    let fixture = try RecordsFixture()
    let owner = try #require(
      (1...4).map { Part(index: $0, count: 4) }.first { $0.owns(fixture.key.source) })
    let records = fixture.lines(0..<3)
    let failed = InputOutcome(failure: "no frame", decodeErrors: 3, lastError: "x", seconds: 1)
    let byShard = try publish(fixture, RunPartition(shard: owner), settings: "aa", records, failed)
    #expect(
      fixture.output.manifestFile(RunPartition(shard: owner)).string.hasSuffix(
        "manifest-\(owner.index)-of-4.log"))
    for partition in [
      RunPartition(), RunPartition(shard: owner), RunPartition(shard: Part(index: 1, count: 1)),
    ] {
      #expect(try Manifest(fixture.output, partition).prior(byShard.key) == .complete(byShard))
    }
    // Another number of shards, other settings, the same number of bytes: only the digest tells whose file it is.
    let other = records.map { $0 == UInt8(ascii: "1") ? UInt8(ascii: "2") : $0 }
    let later = try publish(fixture, RunPartition(), settings: "bb", other)
    #expect(later.outputSize == byShard.outputSize)
    for partition in [RunPartition(), RunPartition(shard: owner)] {
      let manifest = try Manifest(fixture.output, partition)
      #expect(try manifest.prior(byShard.key) == .stale(later))
      #expect(try manifest.prior(later.key) == .complete(later))
    }
  }

  @Test func segmentsAreOutputsOfTheirOwn() throws {
    let fixture = try RecordsFixture()
    let segments = (1...2).map { RunPartition(segment: Part(index: $0, count: 2)) }
    let entries = try segments.enumerated().map {
      try publish(fixture, $1, settings: "aa", fixture.lines($0..<$0 + 1))
    }
    for (entry, partition) in zip(entries, segments) {
      #expect(try Manifest(fixture.output, partition).prior(entry.key) == .complete(entry))
    }
    // As a merge looks at all of them.
    let all = try Manifest(reading: fixture.output, RunPartition())
    for entry in entries { #expect(try all.prior(entry.key) == .complete(entry)) }
    var whole = entries[0].key
    whole.segment = nil
    #expect(try Manifest(fixture.output, RunPartition()).prior(whole) == .none)
    #expect(
      fixture.output.recordFile(entries[1].key).string.hasSuffix(
        "out/cam1/0700.mp4.segment-2-of-2.jsonl"))
  }

  /// Manifests of the first version were `.jsonl`, which only records may be.
  @Test func stateOfTheFirstVersionIsTakenOver() throws {
    let fixture = try RecordsFixture()
    let shard = RunPartition(shard: Part(index: 1, count: 1))
    let byAll = try publish(fixture, RunPartition(), settings: "aa", fixture.lines(0..<3))
    var key = fixture.key
    key.source = try SourceName("other.mp4")
    let byShard = ManifestEntry(
      key: key, outcome: InputOutcome(seconds: 0), frames: 1, detections: 0, outputSize: 2,
      outputDigest: "cd")
    try write(Array("{}".utf8), to: fixture.output.recordFile(key))
    let old = ["manifest.jsonl", "manifest-1-of-1.jsonl"].map {
      fixture.manifestPath.removingLastComponent().appending($0)
    }
    try OpenFile.rename(fixture.manifestPath, to: old[0])
    try write(byShard.line, to: old[1])

    func expectBoth(_ manifest: Manifest) throws {
      #expect(try manifest.prior(byAll.key) == .complete(byAll))
      #expect(try manifest.prior(key) == .complete(byShard))
    }
    // Looking changes nothing.
    try expectBoth(Manifest(reading: fixture.output, RunPartition()))
    #expect(try old.allSatisfy { try OpenFile.metadata($0) != nil })
    try expectBoth(Manifest(fixture.output, RunPartition()))
    #expect(try old.allSatisfy { try OpenFile.metadata($0) == nil })
    #expect(try contents(fixture.manifestPath) == byAll.line)
    #expect(try contents(fixture.output.manifestFile(shard)) == byShard.line)

    // The first version was used again meanwhile.
    let again = try publish(fixture, RunPartition(), settings: "bb", fixture.lines(1..<4))
    try OpenFile.rename(fixture.manifestPath, to: old[0])
    try write(byAll.line, to: fixture.manifestPath)
    let manifest = try Manifest(fixture.output, RunPartition())
    #expect(try manifest.prior(again.key) == .complete(again))
    #expect(
      Set(
        try #require(try OpenFile.names(in: fixture.manifestPath.removingLastComponent())).map(text)
      )
        == ["manifest.log", "manifest.1.log", "manifest-1-of-1.log", "locks", "partial"])
  }

  @Test func settingsAreKeptByTheirDigest() throws {
    let fixture = try RecordsFixture()
    let settings = "select all\nmax-frames -"
    let digest = try #require(sha256(Array(settings.utf8)))
    #expect(fixture.output.settings(digest) == nil)
    try fixture.output.keepSettings(digest, settings)
    #expect(fixture.output.settings(digest) == settings)
    // What does not have the digest is not what was meant.
    try write(
      Array("select".utf8), to: fixture.output.path.appending(".detect-batch/settings/\(digest)"))
    #expect(fixture.output.settings(digest) == nil)
  }

  @Test func outputsThatNobodyAskedAboutAreTold() throws {
    let fixture = try RecordsFixture()
    let first = try publish(fixture, RunPartition(), settings: "aa", fixture.lines(0..<3))
    var other = fixture
    other.key.source = try SourceName("deep/er/other.mp4")
    let second = try publish(other, RunPartition(), settings: "aa", [])
    let manifest = try Manifest(fixture.output, RunPartition())
    #expect(try manifest.prior(first.key) == .complete(first))
    var told: [ManifestEntry] = []
    try manifest.forEachUnasked { told.append($0) }
    #expect(told == [second])
    try fixture.output.removeOutput(second.key)
    #expect(try OpenFile.metadata(fixture.output.path.appending("deep")) == nil)
    #expect(try OpenFile.metadata(fixture.output.recordFile(first.key)) != nil)
    told = []
    try Manifest(fixture.output, RunPartition()).forEachUnasked { told.append($0) }
    #expect(told == [first])
  }

  @Test func lookingNeedsNoOutputDirectory() throws {
    let folder = try TemporaryFolder()
    let fixture = try RecordsFixture()
    let nowhere = OutputDirectory(folder.path.appending("not/there"))
    #expect(try Manifest(reading: nowhere, RunPartition()).prior(fixture.key) == .none)
    #expect(try OpenFile.metadata(nowhere.path) == nil)
  }

  @Test func manyThreadsPublishAtOnce() async throws {
    let fixture = try RecordsFixture()
    let manifest = try Manifest(fixture.output, RunPartition())
    let output = fixture.output
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<40 {
        group.addTask {
          let source = try SourceName("d\(number % 3)/\(number).png")
          let encoder = RecordEncoder(source: source, labels: RecordsFixture.labels)
          let key = OutputKey(
            source: source, input: InputVersion(size: 1, modificationTime: 1), settingsDigest: "ab")
          let partial = try PartialFile(key, in: output, encoder: encoder)
          var lines: [UInt8] = []
          encoder.appendFailure("no \(number)", to: &lines)
          try partial.append(lines)
          try manifest.publish(partial, InputOutcome(failure: "no \(number)", seconds: 0))
          guard case .complete(let entry) = try manifest.prior(key) else {
            Issue.record("not complete")
            return
          }
          #expect(entry.outcome.failure == "no \(number)")
          #expect(entry.frames == 0)
        }
      }
      try await group.waitForAll()
    }
    let lines = try #require(try contents(fixture.manifestPath)).split(separator: 0x0a)
    #expect(lines.count == 40)
    #expect(Set(lines.compactMap { parsed(Array($0))?.key.source }).count == 40)
  }
}
