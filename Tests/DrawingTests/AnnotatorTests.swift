import Media
import Testing

@testable import Drawing

@Suite struct AnnotatorTests {
  private static func draw(
    _ annotations: [Annotation], _ width: Int, _ height: Int, ground: UInt8
  ) -> [UInt8] {
    var pixels = [UInt8](repeating: ground, count: width * height * 3)
    Canvas.draw(onRGB: &pixels, width: width, height: height) {
      Annotator().draw(annotations, on: $0)
    }
    return pixels
  }

  private static func annotation(
    _ label: String, _ score: Double, _ box: AnnotatedBox
  ) -> Annotation {
    Annotation(box: box, label: label, score: score)
  }

  /// On black and on white, from thumbnails to large prints, the frame differs from what lies on both of its sides.
  @Test(arguments: [(32, 24), (320, 180), (1920, 1080), (5000, 300)], [0, 255])
  func framesCanBeSeenOnAnyGround(_ size: (Int, Int), _ ground: UInt8) {
    let (width, height) = size
    let box = AnnotatedBox(
      x: Double(width) * 0.25, y: Double(height) * 0.5, width: Double(width) * 0.5,
      height: Double(height) * 0.3)
    for label in ["a", "b", "c", "dog", "猫", "car", "bird", "person"] {
      let pixels = Self.draw([Self.annotation(label, 0.5, box)], width, height, ground: ground)
      // Down the middle of the lower edge.
      let column = width / 2
      let luminance = (height / 2..<height).map { y in
        let pixel = (y * width + column) * 3
        return Colour(
          UInt32(pixels[pixel]) << 16 | UInt32(pixels[pixel + 1]) << 8 | UInt32(pixels[pixel + 2])
        ).relativeLuminance
      }
      let (least, most) = (luminance.min() ?? 0, luminance.max() ?? 0)
      // WCAG 2.2 asks for 3:1 of what is not text.
      #expect((most + 0.05) / (least + 0.05) >= 3, "\(label) on \(ground) at \(width)x\(height)")
    }
  }

  @Test func frameLeavesTheInsideOfItsBoxAlone() {
    let pixels = Self.draw(
      [Self.annotation("x", 0.5, AnnotatedBox(x: 100, y: 80, width: 60, height: 40))], 320, 240,
      ground: 255)
    for y in 80..<120 {
      for x in 100..<160 { #expect(pixels[(y * 320 + x) * 3] == 255, "\(x), \(y)") }
    }
    #expect(pixels[(100 * 320 + 99) * 3] != 255)
    #expect(pixels[(100 * 320 + 160) * 3] != 255)
  }

  @Test func boxesMayLieAnywhere() {
    let odd = [
      AnnotatedBox(x: -1e300, y: -1e300, width: 1e300, height: 1e300),
      AnnotatedBox(x: 1e300, y: 0, width: 1, height: 1),
      AnnotatedBox(x: .nan, y: .infinity, width: -.infinity, height: .nan),
      AnnotatedBox(x: 3, y: 3, width: 0, height: 0),
      AnnotatedBox(x: 31, y: 23, width: 9, height: 9),
      AnnotatedBox(x: -5, y: -5, width: 1000, height: 1000),
    ]
    for (width, height) in [(1, 1), (2, 1), (33, 200), (32, 24)] {
      let annotations = odd.map { Self.annotation("x", .nan, $0) }
      _ = Self.draw(annotations, width, height, ground: 9)
      var picture = YUVPicture(
        width: width, height: height,
        bytes: [UInt8](repeating: 9, count: YUVPicture.byteCount(width: width, height: height)),
        colour: .bt601)
      Canvas.draw(on: &picture) { canvas in
        Annotator().draw(annotations, on: canvas)
        for box in odd { canvas.cover(box, .blur) }
        for box in odd { canvas.cover(box, .pixelate) }
      }
    }
  }

  @Test func labelsKeepOutOfEachOthersWay() {
    let canvasSize = (640, 480)
    var pixels = [UInt8](repeating: 0, count: canvasSize.0 * canvasSize.1 * 3)
    let annotator = Annotator()
    let places = Canvas.draw(onRGB: &pixels, width: canvasSize.0, height: canvasSize.1) {
      annotator.draw(
        (0..<4).map {
          Self.annotation(
            "bird", 0.9, AnnotatedBox(x: 200 + Double($0) * 4, y: 200, width: 60, height: 60))
        }, on: $0)
    }
    #expect(places.count == 4)
    for (number, place) in places.enumerated() {
      for other in places[(number + 1)...] { #expect(place.intersection(other).isEmpty) }
    }
  }

  @Test func aColorBelongsToAName() {
    #expect(ClassPalette.colour(of: "person") == ClassPalette.colour(of: "person"))
    let names = (0..<700).map { "class \($0)" }
    let counts = ClassPalette.colours.map { colour in
      names.count { ClassPalette.colour(of: $0) == colour }
    }
    #expect(counts.allSatisfy { (60...140).contains($0) }, "\(counts)")
    // Pinned: another palette would recolour what people have.
    #expect(ClassPalette.colour(of: "qr_code") == ClassPalette.colours[5])
  }

  @Test func scoresHaveTwoDecimals() {
    let scores: [(Double, String)] = [
      (0.987, "x 0.99"), (0.004, "x 0.00"), (0.05, "x 0.05"), (1, "x 1.00"), (7, "x 1.00"),
      (-1, "x 0.00"), (.nan, "x"),
    ]
    for (score, text) in scores {
      let annotation = Self.annotation(
        "x", score, AnnotatedBox(x: 0, y: 0, width: 1, height: 1))
      #expect(Annotator.text(annotation) == text)
    }
  }

  /// Letters of several scripts, joined and ordered, are some ink on the ground; nothing makes the label fail.
  @Test func anyTextIsALabel() throws {
    let renderer = LabelRenderer()
    try #require(renderer.hasFonts, "no font is installed")
    let long = String(repeating: "long ", count: 1000)
    for text in ["qr_code 0.97", "قطة 0.71", "二维码", "हिन्दी", "🦊", "a\nb\0c\u{7}", "", long] {
      let bitmap = renderer.render(text, pixels: 20, on: ClassPalette.colours[0], widest: 300)
      #expect(bitmap.width <= 300 && bitmap.height >= 20 && bitmap.height < 60, "\(text)")
      let inked = stride(from: 0, to: bitmap.pixels.count, by: 4).count { bitmap.pixels[$0] < 100 }
      #expect(text.isEmpty ? inked == 0 : inked > 20, "\(text): \(inked)")
    }
  }
}
