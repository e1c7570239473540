import Foundation
import SystemPackage
import TestSupport
import Testing

@testable import FrameDecoding

/// Frames that are the same as the one that was looked at last.
struct SamenessTests {
  private let scratch: TemporaryFolder

  init() throws { scratch = try TemporaryFolder() }

  private static let (width, height) = (50, 34)

  /// A video without compression: frames of 4:2:0, 25 a second.
  private func video(_ frames: [[UInt8]], _ colours: String = "C420jpeg") throws -> FilePath {
    var file = Array("YUV4MPEG2 W\(Self.width) H\(Self.height) F25:1 Ip \(colours)\n".utf8)
    for frame in frames { file += Array("FRAME\n".utf8) + frame }
    let path = scratch.path.appending("frames.y4m")
    try Data(file).write(to: URL(filePath: path.string))
    return path
  }

  /// Noise, of which `number` is the seed.
  private static func picture(_ number: UInt64) -> [UInt8] {
    var random = SeededGenerator(seed: number)
    let count = width * height + 2 * (width / 2) * (height / 2)
    return (0..<count).map { _ in UInt8(40 + random.below(170)) }
  }

  /// Frames and how they are told: `41` looked at, `41=38` the same as one given, `41=38!` with that one's picture.
  private static func said(_ frames: [DecodedFrame]) -> [String] {
    frames.map { frame in
      let number = frame.index.map { "\($0)" } ?? "-"
      return number
        + (frame.same.map { "=" + ($0.index.map { "\($0)" } ?? "-") + ($0.wasGiven ? "" : "!") }
          ?? "")
    }
  }

  @Test func equalFramesAreToldAndOthersAreNot() throws {
    let (a, b) = (Self.picture(1), Self.picture(2))
    var chroma = a
    chroma[chroma.count - 1] ^= 1
    let path = try video([a, a, b, b, b, a, chroma, chroma, a])
    let plain = try Reading(path)
    #expect(plain.frames.allSatisfy { $0.same == nil })
    let reading = try Reading(path, .init(sameness: .equalPixels))
    #expect(
      Self.said(reading.frames) == ["0", "1=0", "2", "3=2", "4=2", "5", "6", "7=6", "8"])
    #expect(reading.frames.map(\.picture.pixels) == plain.frames.map(\.picture.pixels))
    let uncounted = try Reading(
      path, .init(selection: .every(2), needsFrameNumbers: false, sameness: .equalPixels))
    #expect(Self.said(uncounted.frames) == ["-", "-", "-=-", "-", "-"])
  }

  /// Every byte of every plane counts; what lies between rows does not (50 columns are padded).
  @Test func aSingleByteTellsFramesApart() throws {
    let a = Self.picture(3)
    var random = SeededGenerator(seed: 4)
    for _ in 0..<50 {
      var b = a
      b[random.below(b.count)] ^= UInt8(1 << random.below(8))
      let reading = try Reading(try video([a, b, b]), .init(sameness: .equalPixels))
      #expect(Self.said(reading.frames) == ["0", "1", "2=1"])
    }
  }

  /// What follows a resume or begins a segment is told as in one go; its first frame comes with a picture.
  @Test(arguments: [Sameness.equalPixels, .still(3)])
  func whatIsSaidDoesNotDependOnWhereReadingBegins(_ sameness: Sameness) throws {
    let numbers: [UInt64] = [1, 1, 1, 2, 2, 3, 1, 1, 1, 1, 4, 4]
    let path = try video(numbers.map(Self.picture))
    for sampling in [
      FrameSampling(sameness: sameness),
      FrameSampling(selection: .rate(11), sameness: sameness),
      FrameSampling(selection: .every(3), start: 0.1, sameness: sameness),
    ] {
      let whole = try Reading(path, sampling).frames
      #expect(whole.contains { $0.same != nil })
      for skipped in 0...whole.count {
        let rest = try Reading(path, sampling, skipping: skipped).frames
        #expect(rest.map(\.index) == whole.dropFirst(skipped).map(\.index))
        #expect(rest.map(\.same?.index) == whole.dropFirst(skipped).map(\.same?.index))
        #expect(rest.map(\.picture.pixels) == whole.dropFirst(skipped).map(\.picture.pixels))
        #expect(rest.first?.same?.wasGiven != true)
      }
      for count in 1...4 {
        var parts: [DecodedFrame] = []
        for index in 0..<count {
          var part = sampling
          part.segment = .init(index: index, count: count)
          let frames = try Reading(path, part).frames
          #expect(frames.first?.same?.wasGiven != true)
          parts += frames
        }
        #expect(parts.map(\.index) == whole.map(\.index))
        #expect(parts.map(\.same?.index) == whole.map(\.same?.index))
        #expect(parts.map(\.picture.pixels) == whole.map(\.picture.pixels))
      }
    }
  }

  /// By hand: one block of 16x16 brighter by 4 levels is 4 on average, half of it 2; the last column of blocks has 2
  /// columns and the last row 2 rows. What is compared is the frame looked at, not the one before.
  @Test func stillnessIsMeasuredBlockByBlock() throws {
    let base = [UInt8](repeating: 100, count: Self.picture(0).count)
    func brighter(_ columns: Range<Int>, _ rows: Range<Int>, by levels: UInt8) -> [UInt8] {
      var picture = base
      for y in rows { for x in columns { picture[y * Self.width + x] += levels } }
      return picture
    }
    let block = brighter(16..<32, 16..<32, by: 4)
    let half = brighter(16..<24, 16..<32, by: 4)
    let spread = brighter(8..<24, 8..<24, by: 4)
    let corner = brighter(48..<50, 32..<34, by: 4)
    var chroma = base
    for place in Self.width * Self.height..<chroma.count { chroma[place] = 7 }
    for (picture, limit, isSame) in [
      (block, 3.9, false), (block, 4, true), (half, 1.9, false), (half, 2, true),
      (spread, 0.9, false), (spread, 1, true), (corner, 3.9, false), (corner, 4, true),
      (chroma, 0, true), (base, 0, true),
    ] {
      let path = try video([base, picture])
      let frames = try Reading(path, .init(sameness: .still(limit))).frames
      #expect(Self.said(frames) == (isSame ? ["0", "1=0"] : ["0", "1"]), "limit \(limit)")
      // Its picture is that of the frame that is looked at.
      #expect((frames[0].picture.pixels == frames[1].picture.pixels) == isSame || picture == base)
    }
    // Each is 1 brighter than the one before: the third is 2 above the first.
    let steps = (0..<6).map { brighter(0..<Self.width, 0..<Self.height, by: UInt8($0)) }
    let frames = try Reading(try video(steps), .init(sameness: .still(1.5))).frames
    #expect(Self.said(frames) == ["0", "1=0", "2", "3=2", "4", "5=4"])
  }

  /// Where luma is not a plane of bytes, it is made (10 bits; red, green and blue); frames of two sizes are never the
  /// same, nor are those of one size that are turned.
  @Test(arguments: ["bt2020.mkv", "animation.gif", "sizes.h264", "phone.mov", "subsampling.avi"])
  func otherFormatsAreComparedToo(name: String) throws {
    let plain = try Reading(name).frames
    for sameness in [Sameness.equalPixels, .still(0), .still(255)] {
      let frames = try Reading(name, .init(sameness: sameness)).frames
      #expect(frames.count == plain.count && !frames.isEmpty)
      var last = 0
      for (index, (frame, other)) in zip(frames, plain).enumerated() {
        if frame.same == nil { last = index }
        #expect(frame.same.map(\.index) ?? index == last)
        #expect(frame.picture.pixels == plain[last].picture.pixels)
        #expect(frame.picture.size == other.picture.size)
        if sameness == .equalPixels { #expect(frame.picture.pixels == other.picture.pixels) }
        // All is less than 255 levels away from all of the same format, which changes in one of them.
        if sameness == .still(255), index > 0, name != "subsampling.avi" {
          #expect((frame.same != nil) == (other.picture.size == plain[index - 1].picture.size))
        }
      }
    }
  }
}
