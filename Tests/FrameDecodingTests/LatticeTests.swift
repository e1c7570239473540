import CFFmpeg
import Media
import SystemPackage
import TestSupport
import Testing

@testable import FrameDecoding

/// Some rows and columns of a picture: the bytes of all of it.
struct LatticeTests {
  static let formats: [AVPixelFormat] = [
    AV_PIX_FMT_YUV420P, AV_PIX_FMT_YUVJ420P, AV_PIX_FMT_YUV422P, AV_PIX_FMT_YUVJ422P,
    AV_PIX_FMT_YUV444P, AV_PIX_FMT_YUVJ444P,
  ]
  static let sizes: [(Int32, Int32)] = [(16, 16), (18, 34), (250, 64), (640, 22), (1918, 18)]

  private static func noise(_ format: AVPixelFormat, _ size: (Int32, Int32), seed: UInt64) throws
    -> Frame
  {
    let frame = try Frame(format, width: size.0, height: size.1)
    var random = SeededGenerator(seed: seed)
    let fields = frame.pointer.pointee
    for (plane, stride) in [
      (fields.data.0, fields.linesize.0), (fields.data.1, fields.linesize.1),
      (fields.data.2, fields.linesize.2),
    ] {
      let isHalved =
        plane != fields.data.0 && (format == AV_PIX_FMT_YUV420P || format == AV_PIX_FMT_YUVJ420P)
      for index in 0..<Int(stride) * Int(isHalved ? size.1 / 2 : size.1) {
        // All of the range, and its ends often: overshoot is where sums would leave their bits.
        plane?[index] =
          random.below(3) == 0 ? (random.below(2) == 0 ? 0 : 255) : UInt8(random.below(256))
      }
    }
    return frame
  }

  /// Against swscale, for each format, matrix and range, at the edges and within.
  @Test(arguments: 0..<formats.count)
  func pixelsAreThoseOfSwscale(format: Int) throws {
    let format = Self.formats[format]
    for (number, size) in Self.sizes.enumerated() {
      let frame = try Self.noise(format, size, seed: UInt64(number) + 1)
      for matrix in [SWS_CS_ITU709, SWS_CS_ITU601, SWS_CS_BT2020, SWS_CS_SMPTE240M, SWS_CS_FCC] {
        for isFullRange in [false, true] {
          let source = Scaler.Source(
            width: size.0, height: size.1, format: format.rawValue, matrix: matrix,
            isFullRange: isFullRange)
          #expect(LatticeConverter.isExact(for: source))
          let count = 3 * Int(size.0) * Int(size.1)
          var whole = [UInt8](repeating: 0, count: count + Scaler.padding)
          try whole.withUnsafeMutableBufferPointer { buffer throws(MediaError) in
            try PixelConverter(isStillImage: false).convert(frame, source, into: buffer)
          }
          for step in [1, 3] {
            let lattice = PictureLattice(
              rows: Array(stride(from: step / 2, to: Int(size.1), by: step)),
              columns: Array(stride(from: step / 2, to: Int(size.0), by: step)))
            let converter = try #require(LatticeConverter(source, lattice))
            var few = [UInt8](repeating: 0, count: 3 * lattice.count)
            few.withUnsafeMutableBufferPointer { converter.convert(frame, into: $0) }
            #expect(
              few == Self.pixels(lattice, of: whole, width: Int(size.0)),
              "\(size), matrix \(matrix), \(isFullRange), step \(step)")
          }
        }
      }
    }
  }

  private static func pixels(
    _ lattice: PictureLattice, of pixels: [UInt8], width: Int
  ) -> [UInt8] {
    lattice.rows.flatMap { row in
      lattice.columns.flatMap { pixels[3 * (row * width + $0)..<3 * (row * width + $0) + 3] }
    }
  }

  /// Videos and images of all kinds of pixels, sizes and orientations; where only all can be converted, that is done.
  @Test(arguments: [
    "bt601.mkv", "bt709-full.mkv", "bt2020.mkv", "sizes.h264", "phone.mov", "slanted.mov",
    "subsampling.avi", "animation.gif", "images/photo.jpg",
  ])
  func aReaderGivesThePixelsThatAreAskedFor(name: String) throws {
    let path = MediaFixture.path(name)
    let rule: LatticeRule = { width, height in
      PictureLattice(
        rows: Array(stride(from: 1, to: height, by: 5)),
        columns: [0] + Array(stride(from: 2, to: width, by: 3)))
    }
    let whole = try Reading(path).frames
    let reader = try MediaReader(path: path, lattice: rule)
    for frame in whole {
      let few = try #require(try reader.nextFrame()).picture
      let lattice = try #require(rule(frame.picture.width, frame.picture.height))
      #expect(few.lattice == lattice && few.size == frame.picture.size)
      #expect(
        few.pixels == Self.pixels(lattice, of: frame.picture.pixels, width: frame.picture.width))
    }
    #expect(try reader.nextFrame() == nil)
  }

  @Test(arguments: Orientation.allCases)
  func latticesTurnWithThePicture(_ orientation: Orientation) throws {
    let (width, height) = (7, 5)
    let stored = (0..<3 * width * height).map { UInt8($0) }
    func upright(_ pixels: [UInt8], _ width: Int, _ height: Int) -> [UInt8] {
      var turned = [UInt8](repeating: 0, count: pixels.count)
      turned.withUnsafeMutableBufferPointer {
        orientation.turn(pixels, width: width, height: height, into: $0)
      }
      return turned
    }
    let lattice = PictureLattice(rows: [0, 1, 4], columns: [1, 4])
    let there = orientation.stored(lattice, width: width, height: height)
    let few = Self.pixels(there, of: stored, width: width)
    #expect(
      upright(few, there.columns.count, there.rows.count)
        == Self.pixels(
          lattice, of: upright(stored, width, height),
          width: orientation.swapsSides ? height : width))
  }
}
