import Media
import TestSupport
import Testing

@testable import Drawing

@Suite struct CanvasTests {
  /// Pixels of which none is like the average of any many: all are near black or near white.
  static func noise(_ count: Int, seed: UInt64) -> [UInt8] {
    var random = SeededGenerator(seed: seed)
    return (0..<count).map { _ in
      let value = UInt8(random.below(40))
      return random.below(2) == 0 ? value : 255 - value
    }
  }

  static func picture(_ width: Int, _ height: Int, seed: UInt64) -> YUVPicture {
    YUVPicture(
      width: width, height: height,
      bytes: noise(YUVPicture.byteCount(width: width, height: height), seed: seed), colour: .bt709)
  }

  static let boxes = [
    AnnotatedBox(x: 10.2, y: 7.9, width: 30.5, height: 22.2),
    AnnotatedBox(x: 0, y: 0, width: 97, height: 65),
    AnnotatedBox(x: -20, y: -9, width: 41, height: 30),
    AnnotatedBox(x: 80.5, y: 50.5, width: 500, height: 400),
    AnnotatedBox(x: 33.3, y: 21.7, width: 9.1, height: 31),
  ]

  @Test(arguments: Canvas.Cover.allCases, boxes)
  func noPixelOfACoveredBoxKeepsItsValue(_ cover: Canvas.Cover, _ box: AnnotatedBox) {
    let (width, height) = (97, 65)
    let touched = PixelRectangle(covering: box)
    let before = Self.noise(width * height * 3, seed: 1)
    var pixels = before
    Canvas.draw(onRGB: &pixels, width: width, height: height) { $0.cover(box, cover) }
    let picture = Self.picture(width, height, seed: 2)
    var drawn = picture
    Canvas.draw(on: &drawn) { $0.cover(box, cover) }
    for y in 0..<height {
      for x in 0..<width {
        let isInside =
          touched.left <= x && x < touched.right && touched.top <= y && y < touched.bottom
        let pixel = (y * width + x) * 3
        for component in pixel..<pixel + 3
        where isInside == (pixels[component] == before[component]) {
          Issue.record("RGB \(cover) of \(box) at \(x), \(y): \(pixels[component])")
          return
        }
        let luma = y * width + x
        // Luma beside the box shares chroma with it, and is covered up to the next even pixel.
        let isNear =
          touched.left - 1 <= x && x < touched.right + 1 && touched.top - 1 <= y
          && y < touched.bottom + 1
        if isInside && drawn.bytes[luma] == picture.bytes[luma]
          || !isNear && drawn.bytes[luma] != picture.bytes[luma]
        {
          Issue.record("luma \(cover) of \(box) at \(x), \(y)")
          return
        }
        let chroma = width * height + y / 2 * picture.chromaWidth + x / 2
        let planeBytes = picture.chromaWidth * picture.chromaHeight
        for sample in [chroma, chroma + planeBytes]
        where isInside && drawn.bytes[sample] == picture.bytes[sample] {
          Issue.record("chroma \(cover) of \(box) at \(x), \(y)")
          return
        }
      }
    }
  }

  /// What is left of a place is a few averages, so that nothing of its inside can be got back.
  @Test(arguments: Canvas.Cover.allCases)
  func aCoverTellsOnlyAveragesOfSquares(_ cover: Canvas.Cover) {
    let (width, height) = (300, 200)
    let before = Self.noise(width * height * 3, seed: 3)
    // Pixels that change places within a square of the grid change no average.
    var shuffled = before
    let box = AnnotatedBox(x: 30, y: 20, width: 240, height: 160)
    for y in stride(from: 20, to: 180, by: 2) {
      for x in 30..<270 {
        for component in 0..<3 {
          shuffled.swapAt((y * width + x) * 3 + component, ((y + 1) * width + x) * 3 + component)
        }
      }
    }
    #expect(shuffled != before)
    let covered = [before, shuffled].map { picture in
      var picture = picture
      Canvas.draw(onRGB: &picture, width: width, height: height) { $0.cover(box, cover) }
      return picture
    }
    #expect(covered[0] == covered[1])
  }

  @Test func colorsAreThoseOfTheMatrix() {
    // By H.273; ffmpeg 5.1 gives the same for this colour, but for 155 in place of 156.
    #expect(ComponentMatrix(.bt601).values(of: Colour(0xe69f00)) == [155, 48, 171])
    #expect(ComponentMatrix(.bt709).values(of: Colour(0xe69f00)) == [156, 51, 166])
    let full = ColourDescription(matrix: 1, isFullRange: true)
    #expect(ComponentMatrix(full).values(of: .white) == [255, 128, 128])
    #expect(ComponentMatrix(full).values(of: .black) == [0, 128, 128])
    #expect(ComponentMatrix(.bt709).values(of: .white) == [235, 128, 128])
    #expect(ComponentMatrix.redGreenBlue.values(of: Colour(0x123456)) == [0x12, 0x34, 0x56])
  }

  @Test func fillsTakeTheirPartOfSharedSamples() {
    var picture = YUVPicture(
      width: 6, height: 4, bytes: [UInt8](repeating: 0, count: 36), colour: .bt709)
    Canvas.draw(on: &picture) {
      $0.fill(PixelRectangle(left: 1, top: 0, right: 4, bottom: 1), .white)
    }
    #expect(Array(picture.bytes[0..<12]) == [0, 235, 235, 235, 0, 0, 0, 0, 0, 0, 0, 0])
    // A quarter and a half of 128.
    #expect(Array(picture.bytes[24..<30]) == [32, 64, 0, 0, 0, 0])
  }
}
