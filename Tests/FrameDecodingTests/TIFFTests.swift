import Foundation
import SystemPackage
import TestSupport
import Testing

@testable import FrameDecoding

/// Every way to lay a picture in a TIFF file gives the same picture.
struct TIFFTests {
  static let layouts =
    ["none", "lzw", "deflate", "packbits", "zstd", "lzma"].flatMap {
      ["tiles-\($0)", "planes-\($0)"]
    } + [
      "tiles-jpeg", "tiles-jpeg-luma", "strips-jpeg", "strips-jpeg-luma", "strips-16",
      "strips-big",
      "strips-alpha",
    ]

  func scene() throws -> [UInt8] { try MediaFixture.bytes("cases/tiff/scene.rgb") }

  func write(_ bytes: [UInt8], to name: String, in folder: TemporaryFolder) throws -> FilePath {
    let path = folder.path.appending(name)
    try Data(bytes).write(to: URL(filePath: path.string))
    return path
  }

  @Test(arguments: layouts)
  func layoutsGiveTheSamePicture(name: String) throws {
    let reading = try Reading("cases/tiff/\(name).tif")
    let picture = try #require(reading.frames.first).picture
    #expect(picture.size == "83x61" && reading.info.size == "83x61")
    let scene = try scene()
    if name.contains("jpeg") {
      // Loses a little, most at the edge, where tiles go on in black. A black picture would be off by 100.
      let sum = zip(picture.pixels, scene).map { abs(Int($0) - Int($1)) }.reduce(0, +)
      #expect(picture.pixels.count == scene.count && Double(sum) / Double(scene.count) < 5)
    } else {
      #expect(picture.pixels == scene)
    }
    #expect(reading.frames.count == 1 && reading.failure == nil)
    #expect(reading.times == [nil] && reading.info.isStillImage)
    #expect(reading.report.corruptFrames == 0)
  }

  /// Each upright by its own orientation; the smaller version of the first is none.
  @Test func pagesAreFrames() throws {
    let reading = try Reading("cases/tiff/pages.tif")
    #expect(reading.indices == [0, 1, 2])
    #expect(reading.times == [nil, nil, nil])
    #expect(reading.frames.map(\.picture.pixels) == [try scene(), try scene(), try scene()])
    #expect(reading.frames.allSatisfy { $0.picture.size == "83x61" })
    #expect(reading.failure == nil)
    #expect(
      try Reading("cases/tiff/pages.tif", .init(selection: .every(2), start: 9)).frames.count == 3)
    #expect(try Reading("cases/tiff/pages.tif", .init(maxFrames: 2)).indices == [0, 1])
    let rest = try Reading("cases/tiff/pages.tif", skipping: 2)
    #expect(rest.indices == [2])
  }

  /// A large picture that is not compressed has more bytes than an input may read without a frame.
  @Test func aPictureMayBeReadAsAWhole() throws {
    var limits = MediaLimits()
    limits.maxBytesWithoutFrame = 5000
    let reading = try Reading("cases/tiff/planes-none.tif", limits: limits)
    #expect(reading.failure == nil)
    #expect(try reading.frames.first?.picture.pixels == scene())
  }

  @Test func whatCannotBeShownFails() throws {
    let float = try Reading("cases/tiff/float.tif")
    #expect(float.frames.isEmpty)
    #expect(
      float.failure
        == MediaError(.data, "no picture: Sorry, can not handle images with 32-bit samples"))
    #expect(throws: CameraRaw.refusal) { try Reading("cases/tiff/raw.dng") }
    let folder = try TemporaryFolder()
    let raw = try write(Array("II*\0\u{10}\0\0\0CR\u{2}\0".utf8), to: "a.cr2", in: folder)
    #expect(throws: CameraRaw.refusal) { try Reading(raw) }
    let raf = try write(Array("FUJIFILMCCD-RAW 0201".utf8), to: "a.raf", in: folder)
    #expect(throws: CameraRaw.refusal) { try Reading(raf) }
  }

  @Test func limitHoldsBeforeDecoding() throws {
    var limits = MediaLimits()
    limits.maxPixels = 83 * 61
    #expect(try Reading("cases/tiff/tiles-lzw.tif", limits: limits).failure == nil)
    limits.maxPixels -= 1
    #expect(
      throws: MediaError(.data, "a picture of 83x61 pixels, and the limit is 5062")
    ) { try Reading("cases/tiff/tiles-lzw.tif", limits: limits) }
  }

  /// A cut file is a picture that is whole above, marked corrupt; without any of it, no picture.
  @Test func cutFilesAreMarked() throws {
    let folder = try TemporaryFolder()
    let whole = try MediaFixture.bytes("cases/tiff/tiles-none.tif")
    let half = try write(Array(whole.prefix(whole.count * 2 / 3)), to: "half.tif", in: folder)
    let reading = try Reading(half)
    let frame = try #require(reading.frames.first)
    #expect(reading.frames.count == 1 && reading.failure == nil)
    #expect(frame.isCorrupt)
    #expect(frame.picture.pixels.prefix(83 * 3) == (try scene()).prefix(83 * 3))
    #expect(reading.report.decodeErrors == 1)
    #expect(reading.report.lastError?.hasPrefix("damaged picture: ") == true)

    let head = try write(Array(whole.prefix(500)), to: "head.tif", in: folder)
    let none = try Reading(head)
    #expect(none.frames.isEmpty)
    #expect(none.failure?.kind == .data && none.failure?.reason.hasPrefix("no picture") == true)

    // The directory of the last page is cut off.
    let pages = try MediaFixture.bytes("cases/tiff/pages.tif")
    let cut = try Reading(try write(Array(pages.dropLast(9000)), to: "pages.tif", in: folder))
    #expect((1...2).contains(cut.frames.count))
    #expect(cut.failure?.kind == .data)
  }

  @Test func readErrorsAreAccessFailures() throws {
    let source = try FileSource(
      path: MediaFixture.path("cases/tiff/tiles-none.tif"), limits: .init(), cancellation: .init(),
      readBytes: { file, buffer, offset in
        offset < 4000 ? file.read(into: buffer, at: offset) : -5
      })
    #expect(throws: MediaError(.access, "reading: Input/output error")) {
      try TIFFPages(source, limits: .init()).next()
    }
  }

  /// The tiled picture that was black, beside the same in strips.
  @Test func sharedCasesAreRight() throws {
    guard let tiled = TestData.path("cases/tiled.tif"),
      let strips = TestData.path("cases/strips.tif")
    else { return }
    let (one, other) = (try Reading(FilePath(tiled)), try Reading(FilePath(strips)))
    #expect(one.fingerprints == other.fingerprints)
    #expect(Set(one.frames[0].picture.pixels).count > 1)
  }
}
