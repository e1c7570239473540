import Files
import Foundation
import SystemPackage
import TestSupport
import Testing

@testable import DetectionRecords

/// Every moment at which a run can be killed, or a machine lose its power, between the last line of an input and its
/// publication: the next run must end with the same file and one line of the manifest, whatever was there before.
@Suite struct PublicationTests {
  /// What the disk may have lost when the power went after a step, on top of what a killed process loses.
  enum Loss: CaseIterable {
    case nothing, partialTail, manifestLine, renaming
  }

  private static let frames = 12
  private let whole: [UInt8]
  private let fixture: RecordsFixture

  init() throws {
    fixture = try RecordsFixture()
    whole = fixture.lines(0..<Self.frames)
  }

  /// A run over the one input that stops after a step.
  private func run(stopAfter stop: Int?) throws {
    let manifest = try Manifest(fixture.output, RunPartition(), isReadOnly: false) {
      step throws(FileError) in
      if step == stop { throw .readerGone }
    }
    if case .complete = try manifest.prior(fixture.key) { return }
    let partial = try fixture.openPartial()
    let done = partial.progress.frames
    try partial.append(fixture.lines(done..<Self.frames))
    if stop == 0 { throw FileError.readerGone }
    try manifest.publish(
      partial, InputOutcome(decodeErrors: 2, lastError: "in the decoder's words", seconds: 3))
  }

  private func lose(_ loss: Loss, after step: Int, old: [UInt8]?) throws {
    switch loss {
    case .nothing: break
    case .partialTail where step < 1:
      try OpenFile(fixture.partialPath, .readWrite).truncate(to: Int64(whole.count * 2 / 3))
    case .manifestLine where step == 2:
      let file = try OpenFile(fixture.manifestPath, .readWrite)
      try file.truncate(to: file.size() - 20)
    case .renaming where step == 4:
      try write(whole, to: fixture.partialPath)
      if let old {
        try write(old, to: fixture.finalPath)
      } else {
        try OpenFile.remove(fixture.finalPath)
      }
    default: break
    }
  }

  @Test(arguments: 0...6, Loss.allCases) func everyCrashIsRepaired(step: Int, loss: Loss) throws {
    // Nothing was there; records with older settings were; a file nobody vouches for was, of the same size.
    for before in 0..<3 {
      let fixture = try RecordsFixture()
      let tests = try PublicationTests(fixture: fixture)
      try tests.crashAndRepair(step: step, loss: loss, before: before)
    }
  }

  private init(fixture: RecordsFixture) throws {
    self.fixture = fixture
    whole = fixture.lines(0..<Self.frames)
  }

  private func crashAndRepair(step: Int, loss: Loss, before: Int) throws {
    var old: [UInt8]?
    if before > 0 {
      // As long as the new records, so that the size tells nothing.
      old = whole.map { $0 == UInt8(ascii: "1") ? UInt8(ascii: "2") : $0 }
      try #require(old != whole)
    }
    if before == 1 {
      var key = fixture.key
      key.settingsDigest = String(repeating: "e", count: 64)
      let partial = try PartialFile(key, in: fixture.output, encoder: fixture.encoder)
      try partial.append(old ?? [])
      try Manifest(fixture.output, RunPartition()).publish(partial, InputOutcome(seconds: 1))
    } else if let old {
      try OpenFile.createDirectories(fixture.finalPath.removingLastComponent())
      try write(old, to: fixture.finalPath)
    }

    #expect(throws: FileError.readerGone) { try run(stopAfter: step) }
    try lose(loss, after: step, old: old)
    // Never half of one: what has the final name is all old or all new.
    let final = try contents(fixture.finalPath)
    #expect(final == old || final == whole)

    // Looking changes nothing.
    let looked = try Manifest(reading: fixture.output, RunPartition()).prior(fixture.key)
    #expect(try contents(fixture.finalPath) == final)

    try run(stopAfter: nil)
    #expect(try contents(fixture.finalPath) == whole)
    #expect(try contents(fixture.partialPath) == nil)
    let entry = ManifestEntry(
      key: fixture.key,
      outcome: InputOutcome(decodeErrors: 2, lastError: "in the decoder's words", seconds: 3),
      frames: Self.frames, detections: text(whole).split(separator: "\"score\":").count - 1,
      outputSize: Int64(whole.count), outputDigest: try #require(sha256(whole)))
    #expect(try Manifest(fixture.output, RunPartition()).prior(fixture.key) == .complete(entry))
    if case .complete(let seen) = looked { #expect(seen == entry) }
    let manifest = try #require(try contents(fixture.manifestPath))
    #expect(text(manifest).hasSuffix(text(entry.line)))
    #expect(manifest.count { $0 == 0x0a } == (before == 1 ? 2 : 1))
    // A third run has nothing to do.
    try run(stopAfter: 0)
  }

  @Test func aManifestLineWithoutItsFileCountsForNothing() throws {
    try run(stopAfter: nil)
    func prior() throws -> PriorOutput {
      try Manifest(fixture.output, RunPartition()).prior(fixture.key)
    }
    guard case .complete = try prior() else {
      Issue.record("not complete")
      return
    }
    try write(Array(whole.dropLast(50)), to: fixture.finalPath)
    #expect(try prior() == .unrecorded)
    try OpenFile.remove(fixture.finalPath)
    #expect(try prior() == .none)
  }

  @Test func anUnfinishedRepetitionLeavesTheOldRecordsComplete() throws {
    try run(stopAfter: nil)
    // As with `--overwrite always`, killed half-way.
    let partial = try fixture.openPartial()
    try partial.append(fixture.lines(0..<3))
    guard case .complete = try Manifest(fixture.output, RunPartition()).prior(fixture.key) else {
      Issue.record("not complete")
      return
    }
    #expect(try contents(fixture.finalPath) == whole)
  }

  @Test func aFullDiskLeavesNoHalfLineInTheManifest() throws {
    let disk = try SmallDisk(kilobytes: 64)
    let output = OutputDirectory(disk.path.appending("out"))
    try output.create()
    let manifest = try Manifest(output, RunPartition())
    var published = 0
    let error = #expect(throws: FileError.self) {
      while published < 1000 {
        let source = try SourceName("\(published).png")
        let key = OutputKey(
          source: source, input: InputVersion(size: 1, modificationTime: 1), settingsDigest: "ab")
        let partial = try PartialFile(
          key, in: output, encoder: RecordEncoder(source: source, labels: RecordsFixture.labels))
        // An empty partial file takes no room, so that it is the manifest that fills the disk.
        try manifest.publish(partial, InputOutcome(seconds: 0))
        published += 1
      }
    }
    #expect(error?.kind == .outputFailed)
    #expect(published > 10)
    let bytes = try #require(try contents(output.manifestFile(RunPartition())))
    #expect(bytes.last == 0x0a)
    #expect(bytes.count { $0 == 0x0a } == published)
  }

  /// Whatever has taken the place of one final name concerns that input alone; what was found is kept.
  @Test func anOccupiedFinalNameConcernsOneInput() throws {
    let partial = try fixture.openPartial()
    try partial.append(whole)
    try OpenFile.createDirectories(fixture.finalPath)
    let manifest = try Manifest(fixture.output, RunPartition())
    let error = #expect(throws: FileError.self) {
      try manifest.publish(partial, InputOutcome(seconds: 0))
    }
    #expect(error?.concernsOnePath == true, "\(String(describing: error))")
    #expect(
      throws: FileError.conflict(fixture.finalPath, reason: "there is a directory of that name")
    ) {
      try fixture.openPartial()
    }
    try FileManager.default.removeItem(atPath: fixture.finalPath.string)
    // The next run finishes what was begun.
    guard case .complete = try Manifest(fixture.output, RunPartition()).prior(fixture.key) else {
      Issue.record("not complete")
      return
    }
    #expect(try contents(fixture.finalPath) == whole)
  }

  @Test func aFinalDirectoryThatIsGoneIsMadeAgain() throws {
    let partial = try fixture.openPartial()
    try partial.append(whole)
    try FileManager.default.removeItem(atPath: fixture.finalPath.removingLastComponent().string)
    try Manifest(fixture.output, RunPartition()).publish(partial, InputOutcome(seconds: 0))
    #expect(try contents(fixture.finalPath) == whole)
  }

  @Test func aDirectoryThatCannotBeUsedConcernsItsInputs() throws {
    let loop = fixture.finalPath.removingLastComponent()
    try FileManager.default.createSymbolicLink(
      atPath: loop.string, withDestinationPath: loop.string)
    let error = #expect(throws: FileError.self) { try fixture.openPartial() }
    #expect(error?.concernsOnePath == true, "\(String(describing: error))")
  }

  @Test func anOutputDirectoryThatIsGoneIsSaid() throws {
    let manifest = try Manifest(fixture.output, RunPartition())
    let partial = try fixture.openPartial()
    try partial.append(whole)
    let moved = fixture.folder.path.appending("moved")
    try OpenFile.rename(fixture.output.path, to: moved)
    let gone = FileError.cannotCreate(
      fixture.output.path, reason: "it was removed, or moved, while the run was writing to it")
    #expect(throws: gone) { try fixture.openPartial() }
    #expect(gone.kind == .cannotCreateOutput && !gone.concernsOnePath)
    #expect(throws: FileError.self) { try manifest.publish(partial, InputOutcome(seconds: 0)) }
    #expect(try OpenFile.metadata(fixture.output.path) == nil)
    try FileManager.default.removeItem(atPath: moved.string)
    #expect(throws: gone) { try manifest.publish(partial, InputOutcome(seconds: 0)) }
  }
}
