import Digests
import Foundation
import FrameDecoding
import SystemPackage
import TestSupport
import Testing

struct PixelConversionTests {
  struct Picture: Decodable {
    let width: Int
    let height: Int
    let sha256: String
  }

  /// Alpha is dropped, palettes are looked up, gray is repeated: as PIL's `convert("RGB")`, bit for bit.
  @Test func imagesEqualPIL() throws {
    let expected = try MediaFixture.json("images.json", as: [String: Picture].self)
    #expect(expected.count == 17)
    for (name, picture) in expected {
      let actual = try #require(try Reading("images/\(name)").frames.first).picture
      #expect(actual.size == "\(picture.width)x\(picture.height)", "\(name)")
      #expect(SHA256Digest.hexadecimal(of: actual.pixels) == picture.sha256, "\(name)")
    }
  }

  @Test(.enabled(if: TestData.folder != nil)) func photographsEqualPIL() throws {
    let expected = try MediaFixture.json("codes-photos.json", as: [String: String].self)
    #expect(expected.count == 163)
    for (name, sha256) in expected {
      let reading = try Reading(FilePath(try #require(TestData.path(name))))
      let pixels = try #require(reading.frames.first).picture.pixels
      #expect(SHA256Digest.hexadecimal(of: pixels) == sha256, "\(name)")
    }
  }

  /// A JPEG of quality 92 with half the chroma, against the picture it was made from.
  @Test func photoIsNearItsOriginal() throws {
    let original = try MediaFixture.bytes("images/photo.rgb")
    let pixels = try #require(try Reading("images/photo.jpg").frames.first).picture.pixels
    let squares = zip(pixels, original).map { pow(Double($0) - Double($1), 2) }
    #expect(pixels.count == original.count)
    #expect((squares.reduce(0, +) / Double(squares.count)).squareRoot() < 5)
  }

  /// Kr and Kb of a colour matrix.
  typealias Matrix = (red: Double, blue: Double)
  static let bt601: Matrix = (0.299, 0.114)
  static let bt709: Matrix = (0.2126, 0.0722)
  static let bt2020: Matrix = (0.2627, 0.0593)

  /// The colour by the formula of ITU-R BT.601, 709 and 2020; luma 0...1, chroma -0.5...0.5.
  func colour(_ luma: Double, _ blueness: Double, _ redness: Double, _ matrix: Matrix) -> [Double] {
    let red = luma + 2 * (1 - matrix.red) * redness
    let blue = luma + 2 * (1 - matrix.blue) * blueness
    let green = (luma - matrix.red * red - matrix.blue * blue) / (1 - matrix.red - matrix.blue)
    return [red, green, blue].map { min(max($0, 0), 1) * 255 }
  }

  /// Four flat quarters, away from the edges between them.
  func expectQuarters(
    _ name: String, _ matrix: Matrix, bits: Int, isFullRange: Bool
  ) throws {
    let picture = try #require(try Reading(name).frames.first).picture
    let maximum = (1 << bits) - 1
    let step = maximum / 16
    // What the fixture's filter wrote.
    let luma = Double(Int(Double(maximum) * 0.6))
    let unit = Double(1 << (bits - 8))
    for (column, row) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
      let blue = Double(step * 6 + step * 2 * column)
      let red = Double(step * 7 + step * 3 * row)
      let expected =
        isFullRange
        ? colour(
          luma / Double(maximum), (blue - 128 * unit) / Double(maximum),
          (red - 128 * unit) / Double(maximum), matrix)
        : colour(
          (luma - 16 * unit) / (219 * unit), (blue - 128 * unit) / (224 * unit),
          (red - 128 * unit) / (224 * unit), matrix)
      let offset = ((row * 32 + 16) * 64 + column * 32 + 16) * 3
      for channel in 0..<3 {
        let error = abs(Double(picture.pixels[offset + channel]) - expected[channel])
        #expect(error < 1, "\(name) \(column),\(row) channel \(channel)")
      }
    }
  }

  @Test func coloursFollowMatrixAndRange() throws {
    try expectQuarters("bt601.mkv", Self.bt601, bits: 8, isFullRange: false)
    try expectQuarters("bt709.mkv", Self.bt709, bits: 8, isFullRange: false)
    try expectQuarters("bt709-full.mkv", Self.bt709, bits: 8, isFullRange: true)
    try expectQuarters("bt2020.mkv", Self.bt2020, bits: 10, isFullRange: false)
  }

  /// Unnamed matrices: BT.601 up to standard definition, BT.709 above; odd sizes among them.
  @Test(arguments: [(720, 576), (719, 577), (1280, 16), (33, 17)])
  func unnamedMatrixFollowsTheSize(width: Int, height: Int) throws {
    let scratch = try TemporaryFolder()
    let (luma, blue, red): (UInt8, UInt8, UInt8) = (120, 90, 170)
    let chromaCount = ((width + 1) / 2) * ((height + 1) / 2)
    let file =
      Array("YUV4MPEG2 W\(width) H\(height) F25:1 Ip C420jpeg\nFRAME\n".utf8)
      + [UInt8](repeating: luma, count: width * height)
      + [UInt8](repeating: blue, count: chromaCount) + [UInt8](repeating: red, count: chromaCount)
    let path = scratch.path.appending("flat.y4m")
    try Data(file).write(to: URL(filePath: path.string))
    let picture = try #require(try Reading(path).frames.first).picture
    let isHighDefinition = width >= 1280 || height > 576
    let expected = colour(
      (Double(luma) - 16) / 219, (Double(blue) - 128) / 224, (Double(red) - 128) / 224,
      isHighDefinition ? Self.bt709 : Self.bt601)
    #expect(picture.pixels.count == width * height * 3)
    for channel in 0..<3 {
      let values = stride(from: channel, to: picture.pixels.count, by: 3).map { picture.pixels[$0] }
      #expect(Set(values).count == 1)
      #expect(abs(Double(values[0]) - expected[channel]) < 1)
    }
    let other = colour(
      (Double(luma) - 16) / 219, (Double(blue) - 128) / 224, (Double(red) - 128) / 224,
      isHighDefinition ? Self.bt601 : Self.bt709)
    #expect(zip(expected, other).contains { abs($0 - $1) > 5 })
  }
}
