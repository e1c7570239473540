import Foundation
import Media
import SystemPackage
import TestSupport
import Testing

@testable import FrameDecoding

struct OrientationTests {
  /// Where a stored pixel goes, by the words of the Exif standard: what the first row and first column show.
  func upright(
    _ orientation: Orientation, x: Int, y: Int, width: Int, height: Int
  ) -> (x: Int, y: Int) {
    switch orientation {
    case .upright: (x, y)
    case .mirrored: (width - 1 - x, y)
    case .turnedHalf: (width - 1 - x, height - 1 - y)
    case .flipped: (x, height - 1 - y)
    case .transposed: (y, x)
    case .turnedRight: (height - 1 - y, x)
    case .transversed: (height - 1 - y, width - 1 - x)
    case .turnedLeft: (y, width - 1 - x)
    }
  }

  @Test(arguments: Orientation.allCases)
  func turnEqualsOnePixelAtATime(orientation: Orientation) {
    var generator = SeededGenerator(seed: 3)
    for (width, height) in [(1, 1), (1, 7), (5, 1), (31, 32), (32, 33), (67, 101)] {
      let stored = (0..<width * height * 3).map { _ in UInt8(generator.below(256)) }
      var expected = [UInt8](repeating: 0, count: stored.count)
      let columns = orientation.swapsSides ? height : width
      for y in 0..<height {
        for x in 0..<width {
          let place = upright(orientation, x: x, y: y, width: width, height: height)
          for channel in 0..<3 {
            expected[(place.y * columns + place.x) * 3 + channel] =
              stored[(y * width + x) * 3 + channel]
          }
        }
      }
      #expect(orientation.turn(stored, width: width, height: height) == expected)
    }
  }

  /// All eight orientations of one scene, against PIL's exif_transpose.
  @Test(arguments: ["jpg", "webp", "png", "tiff"], Orientation.allCases)
  func imageStandsUpright(format: String, orientation: Orientation) throws {
    let scene = try MediaFixture.bytes("orientation/scene.rgb")
    let reading = try Reading("orientation/\(orientation.rawValue).\(format)")
    let picture = try #require(reading.frames.first).picture
    #expect(reading.info.orientation == orientation)
    #expect(picture.size == "46x30")
    #expect(reading.info.size == "46x30")
    let worst = zip(picture.pixels, scene).map { abs(Int($0) - Int($1)) }.max() ?? 255
    // JPEG loses a little; a wrong orientation is off by more than 100.
    #expect(worst <= (format == "jpg" ? 5 : 0))
    #expect(reading.failure == nil)
  }

  @Test func sceneHasNoSymmetry() throws {
    let scene = try MediaFixture.bytes("orientation/scene.rgb")
    for orientation in Orientation.allCases where orientation != .upright && !orientation.swapsSides
    {
      let turned = orientation.turn(scene, width: 46, height: 30)
      #expect((zip(turned, scene).map { abs(Int($0) - Int($1)) }.max() ?? 0) > 100)
    }
  }

  @Test(arguments: Orientation.allCases)
  func videoMatrixStandsUpright(orientation: Orientation) throws {
    let scratch = try TemporaryFolder()
    var movie = try MediaFixture.bytes("phone.mov")
    let matrices: [Orientation: [Int]] = [
      .upright: [1, 0, 0, 1], .mirrored: [-1, 0, 0, 1], .turnedHalf: [-1, 0, 0, -1],
      .flipped: [1, 0, 0, -1], .transposed: [0, 1, 1, 0], .turnedRight: [0, 1, -1, 0],
      .transversed: [0, -1, -1, 0], .turnedLeft: [0, -1, 1, 0],
    ]
    func picture(_ matrix: [Int]) throws -> RGBPicture {
      let header = try #require(Data(movie).range(of: Data("tkhd".utf8))).lowerBound + 44
      for (slot, value) in zip([0, 1, 3, 4], matrix) {
        let bytes = withUnsafeBytes(of: Int32(value << 16).bigEndian) { Array($0) }
        movie.replaceSubrange(header + slot * 4..<header + slot * 4 + 4, with: bytes)
      }
      let path = scratch.path.appending("\(orientation).mov")
      try Data(movie).write(to: URL(filePath: path.string))
      let reader = try MediaReader(path: path)
      #expect(reader.info.remarks == [])
      return try #require(try reader.nextFrame()).picture
    }
    let stored = try picture([1, 0, 0, 1])
    let turned = try picture(try #require(matrices[orientation]))
    #expect(turned.pixels == orientation.turn(stored.pixels, width: 96, height: 64))
    #expect((turned.width == 64) == orientation.swapsSides)
  }

  @Test func slantedMatrixIsRoundedAndSaidSo() throws {
    let info = try Reading("slanted.mov").info
    #expect(info.orientation == .upright)
    #expect(
      info.remarks == ["the display matrix is no quarter turn or mirroring: taken as upright"])
  }

  struct Blocks: Decodable {
    let width: Int
    let height: Int
    let means: [Double]
  }

  /// Real phone videos against what the ffmpeg tool shows.
  @Test(.enabled(if: TestData.folder != nil)) func rotatedVideosStandUpright() throws {
    let expected = try MediaFixture.json("rotated-videos.json", as: [String: Blocks].self)
    #expect(expected.count == 4)
    for (name, blocks) in expected {
      let reading = try Reading(FilePath(try #require(TestData.path(name))))
      #expect(reading.frames.count == 3)
      let picture = try #require(reading.frames.first).picture
      #expect(picture.size == "\(blocks.width)x\(blocks.height)")
      let (columns, rows) = (picture.width / 4, picture.height / 4)
      var means = [Double](repeating: 0, count: 48)
      for y in 0..<rows * 4 {
        for x in 0..<columns * 4 {
          for channel in 0..<3 {
            means[(y / rows * 4 + x / columns) * 3 + channel] +=
              Double(picture.pixels[(y * picture.width + x) * 3 + channel]) / Double(columns * rows)
          }
        }
      }
      // Blocks differ by far more; the tool converts colours less exactly.
      #expect((zip(means, blocks.means).map { abs($0 - $1) }.max() ?? 255) < 3, "\(name)")
      #expect((blocks.means.max() ?? 0) - (blocks.means.min() ?? 0) > 30)
    }
  }
}

extension Orientation {
  /// The turned picture as an array.
  func turn(_ stored: [UInt8], width: Int, height: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: width * height * 3) { buffer, filled in
      turn(stored, width: width, height: height, into: buffer)
      filled = width * height * 3
    }
  }
}
