import Files
import Foundation
import SystemPackage
import TestSupport
import Testing

@testable import DetectionRecords

/// Segments put together, whatever else is in the directory.
@Suite struct SegmentMergeTests {
  private let fixture: RecordsFixture

  init() throws { fixture = try RecordsFixture() }

  /// Publishes the part of the whole, or all of it, that a run with these settings would.
  @discardableResult
  private func publish(
    _ part: Part?, settings: String = "aa", failure: String? = nil, changed: Int64 = 0
  ) throws -> FilePath {
    var key = fixture.key
    key.settingsDigest = settings
    key.segment = part
    key.input.modificationTime += changed
    let partial = try PartialFile(key, in: fixture.output, encoder: fixture.encoder)
    let frames = part.map { ($0.index - 1) * 12 / $0.count..<$0.index * 12 / $0.count } ?? 0..<12
    try partial.append(fixture.lines(frames))
    if let failure {
      var line: [UInt8] = []
      fixture.encoder.appendFailure(failure, to: &line)
      try partial.append(line)
    }
    let partition = RunPartition(segment: part)
    try Manifest(fixture.output, partition)
      .publish(partial, InputOutcome(failure: failure, seconds: 1))
    return fixture.output.recordFile(key)
  }

  private func merge(keeping: Bool = false) throws -> SegmentMerge.Outcome {
    try SegmentMerge(fixture.output).merge(fixture.key.source, keepingSegments: keeping)
  }

  private func exists(_ path: FilePath) throws -> Bool { try OpenFile.metadata(path) != nil }

  private static func part(_ index: Int, _ count: Int = 2) -> Part {
    Part(index: index, count: count)
  }

  @Test func whatIsThereAlreadyStays() throws {
    for index in 1...2 { try publish(Self.part(index)) }
    #expect(try merge(keeping: true) == .merged(segments: 2, frames: 12, left: []))
    #expect(try contents(fixture.finalPath) == fixture.lines(0..<12))
    #expect(try merge(keeping: true) == .alreadyWhole(left: []))
    #expect(try merge() == .alreadyWhole(left: []))
    #expect(try !exists(fixture.output.recordFile(for: fixture.key.source, segment: Self.part(1))))
    #expect(try merge() == .alreadyWhole(left: []))
  }

  /// Segments of a whole that failed are the next attempt at it.
  @Test func aWholeThatFailedIsReplaced() throws {
    try publish(nil, failure: "the decoder died")
    let first = try publish(Self.part(1))
    #expect(try merge() == .incomplete(missing: [Self.part(2)]))
    #expect(try exists(first))
    try publish(Self.part(2))
    #expect(try merge() == .merged(segments: 2, frames: 12, left: []))
    #expect(try contents(fixture.finalPath) == fixture.lines(0..<12))
    #expect(try !exists(first))
  }

  /// The rule of age is for other settings: a whole that failed once more, or that nobody vouches for, is replaced.
  @Test func aNewerWholeOfNoUseIsReplaced() throws {
    for index in 1...2 { try publish(Self.part(index)) }
    try publish(nil, failure: "the decoder died")
    #expect(try merge(keeping: true) == .merged(segments: 2, frames: 12, left: []))
    try write(Array("edited\n".utf8), to: fixture.finalPath)
    #expect(try merge() == .merged(segments: 2, frames: 12, left: []))
    #expect(try contents(fixture.finalPath) == fixture.lines(0..<12))
    // So is one of an older version of the input, whatever the clocks say.
    try publish(nil, settings: "bb")
    for index in 1...2 { try publish(Self.part(index), changed: 1) }
    try FileManager.default.setAttributes(
      [.modificationDate: Date(timeIntervalSinceNow: 10)], ofItemAtPath: fixture.finalPath.string)
    #expect(try merge() == .merged(segments: 2, frames: 12, left: []))
  }

  @Test func aFailureOfASegmentIsTheWholes() throws {
    try publish(Self.part(1), failure: "torn")
    try publish(Self.part(2))
    #expect(try merge(keeping: true) == .merged(segments: 2, frames: 6, left: []))
    #expect(try merge(keeping: true) == .alreadyWhole(left: []))
  }

  @Test func othersAreLeftAndSaid() throws {
    let other = try publish(Self.part(1, 3), settings: "bb")
    for index in 1...2 { try publish(Self.part(index)) }
    #expect(try merge() == .merged(segments: 2, frames: 12, left: [other]))
    #expect(try exists(other))
    // Older than the whole, it does not take its place, nor is it waited for.
    #expect(try merge() == .alreadyWhole(left: [other]))
    // Of a version of the input that is gone nobody can go on.
    for index in 1...2 { try publish(Self.part(index), settings: "bb", changed: 1) }
    #expect(try merge() == .merged(segments: 2, frames: 12, left: []))
    #expect(try !exists(other))
    #expect(try merge() == .alreadyWhole(left: []))
  }

  /// Two ways, both finished: the one that was put together stays, whatever is newer than it comes next.
  @Test func anOlderSetDoesNotTakeTheWholesPlace() throws {
    for index in 1...3 { try publish(Self.part(index, 3), settings: "aa") }
    for index in 1...2 { try publish(Self.part(index), settings: "bb") }
    guard case .merged(segments: 2, frames: 12, let left) = try merge() else {
      Issue.record("not put together")
      return
    }
    #expect(left.count == 3)
    #expect(try merge() == .alreadyWhole(left: left))
    // However coarse the clock of files is: what comes now is newer.
    for (path, age) in left.map({ ($0, 20.0) }) + [(fixture.finalPath, 10.0)] {
      try FileManager.default.setAttributes(
        [.modificationDate: Date(timeIntervalSinceNow: -age)], ofItemAtPath: path.string)
    }
    try publish(Self.part(1), settings: "cc")
    #expect(try merge() == .incomplete(missing: [Self.part(2)]))
    try publish(Self.part(2), settings: "cc")
    #expect(try merge() == .merged(segments: 2, frames: 12, left: left))
  }

  /// Its bytes are not those that were written: nothing is made of it, nor left to be gone on with.
  @Test func aSegmentThatChangedIsRefused() throws {
    let damaged = try publish(Self.part(1))
    try publish(Self.part(2))
    var bytes = try #require(try contents(damaged))
    bytes[bytes.count - 20] ^= 1
    try write(bytes, to: damaged)
    let error = #expect(throws: FileError.self) { try merge() }
    #expect(error?.concernsOnePath == true)
    #expect(error?.description.hasSuffix("remove it, and run its segment again") == true)
    var key = fixture.key
    key.settingsDigest = "aa"
    #expect(try !exists(fixture.output.partialFile(key)) && !exists(fixture.finalPath))
    try OpenFile.remove(damaged)
    #expect(try merge() == .incomplete(missing: [Self.part(1)]))
    try publish(Self.part(1))
    #expect(try merge() == .merged(segments: 2, frames: 12, left: []))
  }
}
