import Foundation
import FrameDecoding
import SystemPackage
import TestSupport
import Testing

/// HEIC and AVIF, in tiles and turned, against the picture they were made of.
struct HEIFTests {
  func scene() throws -> [UInt8] { try MediaFixture.bytes("cases/heif/scene.rgb") }

  func worst(_ one: [UInt8], _ other: [UInt8]) -> Int {
    one.count == other.count ? zip(one, other).map { abs(Int($0) - Int($1)) }.max() ?? 0 : 255
  }

  /// Turned by irot, then mirrored by imir.
  @Test(arguments: 0..<4, ["none", "0", "1"])
  func tilesStandUpright(quarters: Int, mirror: String) throws {
    let reading = try Reading("cases/heif/grid-\(quarters)-\(mirror).heic")
    let picture = try #require(reading.frames.first).picture
    #expect(picture.size == "100x72" && reading.info.size == "100x72")
    #expect(reading.info.orientation == .upright)
    #expect(reading.info.isStillImage && reading.times == [nil] && reading.frames.count == 1)
    // Compression loses a little; a wrong turn is off by more than 100.
    #expect(worst(picture.pixels, try scene()) <= 8)
    #expect(reading.failure == nil && reading.report.decodeErrors == 0)
  }

  @Test(arguments: [
    ("scene.avif", 10), ("scene.heic", 10), ("ten-bits.heic", 10), ("identity.heic", 1),
  ])
  func coloursAreTheScene(name: String, tolerance: Int) throws {
    let reading = try Reading("cases/heif/\(name)")
    let picture = try #require(reading.frames.first).picture
    #expect(picture.size == "100x72")
    #expect(worst(picture.pixels, try scene()) <= tolerance)
  }

  @Test func limitHoldsBeforeDecoding() throws {
    var limits = MediaLimits()
    limits.maxPixels = 100 * 72 - 1
    for name in ["scene.heic", "grid-1-0.heic", "scene.avif"] {
      do {
        _ = try Reading("cases/heif/\(name)", limits: limits)
        Issue.record("\(name) was read")
      } catch { #expect(error.kind == .data) }
    }
    limits.maxPixels = 128 * 128
    #expect(try Reading("cases/heif/scene.heic", limits: limits).failure == nil)
  }

  @Test func cutFilesFail() throws {
    let folder = try TemporaryFolder()
    let whole = try MediaFixture.bytes("cases/heif/grid-0-none.heic")
    for count in [40, 300, whole.count - 600] {
      let path = folder.path.appending("cut-\(count).heic")
      try Data(whole.prefix(count)).write(to: URL(filePath: path.string))
      do {
        let reading = try Reading(path)
        #expect(reading.failure != nil || reading.frames.first?.isCorrupt == true)
      } catch { #expect(error.kind == .data && !error.reason.isEmpty) }
    }
  }

  /// What FFmpeg says that it cannot do is a failure, not a black picture.
  @Test func missingFeatureIsAFailure() throws {
    #expect(
      throws: MediaError(
        .data, "no picture: jpegls: Sample interleaved images is not implemented by FFmpeg")
    ) { try Reading("cases/samples-interleaved.jls") }
    let gray = try Reading("cases/gray.jls")
    #expect(gray.frames.count == 1 && gray.failure == nil)
  }

  @Test func sharedCaseIsTurned() throws {
    guard let path = TestData.path("cases/turned.avif"),
      let photo = TestData.path("cases/turned.jpg")
    else { return }
    let (turned, right) = (try Reading(FilePath(path)), try Reading(FilePath(photo)))
    #expect(turned.info.size == "320x240")
    let (one, other) = (turned.frames[0].picture.pixels, right.frames[0].picture.pixels)
    #expect(one.count == other.count)
    let sum = zip(one, other).map { abs(Int($0) - Int($1)) }.reduce(0, +)
    #expect(Double(sum) / Double(one.count) < 4)
  }
}
