import CFFmpeg
import FrameDecoding
import FrameEncoding
import Media
import SystemPackage
import TestSupport
import Testing

@Suite struct VideoWriterTests {
  private static func picture(_ width: Int, _ height: Int, luma: UInt8) -> YUVPicture {
    var bytes = [UInt8](
      repeating: 128, count: YUVPicture.byteCount(width: width, height: height))
    for sample in 0..<width * height { bytes[sample] = luma }
    return YUVPicture(width: width, height: height, bytes: bytes, colour: .bt709)
  }

  private static func format(_ width: Int, _ height: Int, _ timeBase: Ratio) -> VideoFormat {
    VideoFormat(
      width: width, height: height, colour: .bt709, pixelShape: Ratio(4, 3), timeBase: timeBase)
  }

  private func read(_ path: FilePath) throws -> (frames: [SourceFrame], info: MediaInfo) {
    let reader = try MediaReader(path: path)
    var frames: [SourceFrame] = []
    while let frame = try reader.nextSourceFrame() { frames.append(frame) }
    return (frames, reader.info)
  }

  @Test(arguments: [(64, 48), (97, 65), (33, 17), (2, 2)])
  func framesKeepTheirTimesAndSizes(_ size: (Int, Int)) throws {
    let (width, height) = size
    let path = try TemporaryFolder()
    let file = path.path.appending("a b'%d.mp4")
    let times: [Int64] = [0, 1, 2, 50, 51, 89_000, 90_000, 90_001, 90_007]
    let writer = try VideoWriter(
      path: file, format: Self.format(width, height, Ratio(1, 600)),
      quality: VideoQuality(rateFactor: 4, threads: 2))
    for (number, time) in times.enumerated() {
      try writer.append(
        Self.picture(width, height, luma: UInt8(40 + 20 * number)), at: time,
        for: number == 8 ? 17 : nil)
    }
    try writer.finish()
    let (frames, info) = try read(file)
    #expect(frames.map(\.timestamp) == times)
    #expect(info.timeBase == Ratio(1, 600))
    // FFmpeg 7 says when the last packet in the order of decoding ends: with B-frames, up to two frames before the end.
    let slack = avformat_version() >> 16 <= 59 ? 0.002 : 0.05
    #expect(abs((info.duration ?? 0) - 90_024 / 600.0) < slack)
    #expect(info.codec == "h264" && info.orientation == .upright)
    for (number, frame) in frames.enumerated() {
      // One more column and row where they are odd.
      #expect(frame.picture.width == width + width % 2)
      #expect(frame.picture.height == height + height % 2)
      #expect(frame.pixelShape == Ratio(4, 3))
      #expect(frame.picture.colour.matrix == 1 && !frame.picture.colour.isFullRange)
      let luma = frame.picture.bytes[..<(frame.picture.width * frame.picture.height)]
      #expect(luma.allSatisfy { abs(Int($0) - 40 - 20 * number) <= 2 }, "frame \(number)")
    }
  }

  @Test func picturesOfAnotherSizeAreScaled() throws {
    let folder = try TemporaryFolder()
    let file = folder.path.appending("sizes.mp4")
    let writer = try VideoWriter(
      path: file, format: Self.format(64, 48, Ratio(1, 25)),
      quality: VideoQuality(rateFactor: 4, threads: 1))
    for (number, size) in [(64, 48), (31, 99), (200, 20), (64, 48)].enumerated() {
      try writer.append(
        Self.picture(size.0, size.1, luma: UInt8(60 + 40 * number)), at: Int64(number))
    }
    try writer.finish()
    let (frames, _) = try read(file)
    #expect(frames.map { $0.picture.width } == [64, 64, 64, 64])
    for (number, frame) in frames.enumerated() {
      #expect(abs(Int(frame.picture.bytes[64 * 24 + 32]) - 60 - 40 * number) <= 2)
    }
  }

  @Test func aFileThatCannotBeMadeIsNamed() throws {
    let path = FilePath("/proc/no/such/file.mp4")
    #expect(throws: EncodingError.cannotCreate(path, .noSuchFileOrDirectory)) {
      _ = try VideoWriter(
        path: path, format: Self.format(64, 48, Ratio(1, 25)), quality: VideoQuality(threads: 1))
    }
  }

  /// Nothing ever gets through to /dev/full: the index, at the latest, does not.
  @Test func aFullDiskIsAnError() throws {
    let path = FilePath("/dev/full")
    #expect(throws: EncodingError.writeFailed(path, .noSpace)) {
      let writer = try VideoWriter(
        path: path, format: Self.format(64, 48, Ratio(1, 25)), quality: VideoQuality(threads: 1))
      for number in 0..<5 { try writer.append(Self.picture(64, 48, luma: 9), at: Int64(number)) }
      try writer.finish()
    }
  }
}
