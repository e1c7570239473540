import Foundation
import FrameDecoding
import FrameEncoding
import SystemPackage
import TestSupport
import Testing

@Suite struct PictureEncoderTests {
  /// Colours and edges, of odd sides.
  private static let (width, height) = (45, 31)
  private static let pixels: [UInt8] = {
    var pixels: [UInt8] = []
    for y in 0..<height {
      for x in 0..<width { pixels += [UInt8(x * 5), UInt8(y * 8), UInt8((x + y) * 3)] }
    }
    return pixels
  }()

  @Test(arguments: PictureFormat.allCases)
  func whatIsWrittenIsReadAgain(_ format: PictureFormat) throws {
    try #require(format.isAvailable, "this FFmpeg has no encoder for it")
    let folder = try TemporaryFolder()
    let path = folder.path.appending("picture.\(format.fileExtension)")
    let bytes = try PictureEncoder.encode(
      Self.pixels, width: Self.width, height: Self.height, as: format)
    try Data(bytes).write(to: URL(filePath: path.string))
    let frame = try #require(try MediaReader(path: path).nextFrame())
    #expect(frame.picture.width == Self.width && frame.picture.height == Self.height)
    let worst = zip(frame.picture.pixels, Self.pixels).map { abs(Int($0) - Int($1)) }.max() ?? 255
    switch format {
    case .jpeg: #expect(worst <= 8)
    // Colours at half the size.
    case .webp: #expect(worst <= 24)
    default: #expect(worst == 0)
    }
    let reader = try MediaReader(path: path)
    #expect(PictureFormat(codec: reader.info.codec) == format)
  }

  @Test func formatsThatLoseTooMuchAreNotWritten() {
    for codec in ["gif", "hevc", "av1", "jpegxl", "tiff?", ""] {
      #expect(PictureFormat(codec: codec) == nil, "\(codec)")
    }
  }

  @Test func aFormatSaysWhatItCannotHold() {
    let wide = [UInt8](repeating: 0, count: 70_000 * 3)
    #expect(throws: EncodingError.self) {
      try PictureEncoder.encode(wide, width: 70_000, height: 1, as: .jpeg)
    }
  }
}
