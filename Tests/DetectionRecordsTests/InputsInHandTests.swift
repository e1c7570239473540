import Files
import SystemPackage
import TestSupport
import Testing

@testable import DetectionRecords

struct InputsInHandTests {
  private func key(_ name: String, size: Int64 = 5) throws -> OutputKey {
    OutputKey(
      source: try SourceName(name), input: InputVersion(size: size, modificationTime: 7),
      settingsDigest: String(repeating: "a", count: 64))
  }

  private func open(_ folder: TemporaryFolder) throws -> InputsInHand {
    let output = OutputDirectory(folder.path)
    try output.create()
    return try InputsInHand(output, RunPartition())
  }

  @Test func endingsWithoutAWordAreCounted() throws {
    let folder = try TemporaryFolder()
    let (bad, good) = (try key("bad video.mp4"), try key("good.mp4"))
    for ending in 0..<4 {
      let inHand = try open(folder)
      #expect(inHand.endings(bad) == ending && inHand.endings(good) == 0)
      try inHand.begin(good, frames: 0)
      try inHand.begin(bad, frames: 3)
      try inHand.end(good)
      // And there is no more: neither `end` nor `close`.
    }
    // Another version of it has done nothing.
    #expect(try open(folder).endings(key("bad video.mp4", size: 6)) == 0)
  }

  @Test func progressTakesTheBlameOff() throws {
    let folder = try TemporaryFolder()
    let input = try key("a.mp4")
    for frames in [0, 4, 4, 4, 9] { try open(folder).begin(input, frames: frames) }
    #expect(try open(folder).endings(input) == 1)
  }

  @Test func anOrderlyEndBlamesNobody() throws {
    let folder = try TemporaryFolder()
    let (input, other) = (try key("a.mp4"), try key("b.mp4"))
    try open(folder).begin(input, frames: 0)
    let inHand = try open(folder)
    #expect(inHand.endings(input) == 1)
    try inHand.begin(other, frames: 0)
    try inHand.close()
    let next = try open(folder)
    #expect(next.endings(input) == 1 && next.endings(other) == 0)
    try next.begin(input, frames: 0)
    try next.end(input)
    try next.close()
    #expect(
      try OpenFile.names(in: folder.path.appending(".detect-batch"))?.contains {
        $0.starts(with: "in-hand".utf8)
      } == false)
  }

  @Test func tornLinesSayNothing() throws {
    let folder = try TemporaryFolder()
    let input = try key("a.mp4")
    try open(folder).begin(input, frames: 2)
    let path = folder.path.appending(".detect-batch").appending("in-hand.log")
    let file = try OpenFile(path, .writeOnly, options: .append)
    try file.write(Array("= x\n+ \n- \n= y -1 99999999999999999999\n+ z -5\n+ half a li".utf8))
    #expect(try open(folder).endings(input) == 1)
  }
}
