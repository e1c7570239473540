import Drawing
import Foundation
import FrameDecoding
import SystemPackage
import TestSupport
import Testing

@testable import Results

@Suite struct DrawPictureTests {
  @Test(arguments: [
    ("images/photo.jpg", "photo.jpg"), ("images/rgb.png", "rgb.png"),
    ("images/gray-alpha.png", "gray-alpha.png"), ("images/lossless.webp", "lossless.webp"),
    ("images/lzw.tiff", "lzw.tiff"), ("images/rgb.bmp", "rgb.bmp"), ("images/rgb.ppm", "rgb.ppm"),
    ("images/rgb.tga", "rgb.tga"), ("images/rgb.qoi", "rgb.qoi"), ("images/rgb.pcx", "rgb.pcx"),
    ("images/rgb.sgi", "rgb.sgi"), ("images/single.gif", "single.gif.png"),
    ("cases/heif/scene.heic", "scene.heic.png"),
  ])
  func aPictureKeepsItsFormatAndSize(_ name: String, _ drawn: String) throws {
    let fixture = try DrawFixture()
    let file = FilePath(name).lastComponent?.string ?? name
    let source = try fixture.copy(name, as: file)
    let before = try #require(try MediaReader(path: source).nextFrame()).picture
    try fixture.write([
      DrawFixture.line(file, 0, [[10, 10, 15, 12]], size: (before.width, before.height))
    ])
    let summary = try fixture.draw(style: .pixelate)
    #expect(summary.outputs == 1 && fixture.drawn == [drawn], "\(fixture.texts)")
    let reader = try MediaReader(path: fixture.output.appending(drawn))
    let after = try #require(try reader.nextFrame()).picture
    #expect(after.width == before.width && after.height == before.height)
    if drawn == file { #expect(try MediaReader(path: source).info.codec == reader.info.codec) }
    // All but the box is as it was, as far as the format lets it.
    var changes: [Int] = []
    for pixel in 0..<before.width * before.height {
      let (x, y) = (pixel % before.width, pixel / before.width)
      let change = (pixel * 3..<pixel * 3 + 3).map {
        abs(Int(before.pixels[$0]) - Int(after.pixels[$0]))
      }.max()
      if (10..<25).contains(x) && (10..<22).contains(y) {
        changes.append(change ?? 0)
      } else if !(7..<28).contains(x) || !(7..<25).contains(y) {
        #expect((change ?? 255) < 40, "\(x), \(y)")
      }
    }
    #expect(changes.count { $0 > 5 } > changes.count / 4)
  }

  /// A box in the upright picture covers the same part of the scene in all eight ways to store it.
  @Test(arguments: 1...8)
  func picturesAreDrawnUpright(_ orientation: Int) throws {
    let fixture = try DrawFixture()
    try fixture.copy("orientation/\(orientation).png", as: "scene.png")
    let scene = try [UInt8](
      Data(contentsOf: DrawFixture.media.appending(path: "orientation/scene.rgb")))
    try fixture.write([DrawFixture.line("scene.png", 0, [[30, 3, 9, 20]], size: (46, 30))])
    try fixture.draw(style: .pixelate)
    let reader = try MediaReader(path: fixture.output.appending("scene.png"))
    let drawn = try #require(try reader.nextFrame()).picture
    #expect(reader.info.orientation == .upright && drawn.width == 46 && drawn.height == 30)
    for pixel in 0..<46 * 30
    where !((30..<39).contains(pixel % 46) && (3..<23).contains(pixel / 46)) {
      #expect(
        Array(drawn.pixels[pixel * 3..<pixel * 3 + 3]) == Array(scene[pixel * 3..<pixel * 3 + 3]))
    }
    #expect(drawn.pixels != scene)
  }

  @Test func pagesAreFilesOfTheirOwn() throws {
    let fixture = try DrawFixture()
    let source = try fixture.copy("cases/tiff/pages.tif", as: "scan.tif")
    let reader = try MediaReader(path: source)
    var lines: [String] = []
    while let page = try reader.nextFrame() {
      lines.append(
        DrawFixture.line(
          "scan.tif", lines.count, [[1, 1, 5, 5]], size: (page.picture.width, page.picture.height)))
    }
    try #require(lines.count > 1)
    try fixture.write(lines)
    try fixture.draw()
    let names = ["scan.tif"] + (1..<lines.count).map { "scan.tif.page-\($0).tif" }
    #expect(fixture.drawn == names.sorted())
  }

  @Test func onlyPicturesWithDetectionsThatCount() throws {
    let fixture = try DrawFixture()
    for name in ["a.png", "b.png", "c.png", "d.png"] {
      try fixture.copy("images/rgb.png", as: name)
    }
    let size = (45, 31)
    try fixture.write([
      DrawFixture.line("a.png", 0, [[1, 1, 9, 9]], size: size, score: 0.8),
      DrawFixture.line("b.png", 0, [], size: size),
      DrawFixture.line("c.png", 0, [[1, 1, 9, 9]], size: size, score: 0.2),
      DrawFixture.line("d.png", 0, [[1, 1, 9, 9]], size: size, label: "other", score: 0.9),
    ])
    let summary = try fixture.draw(
      content: .detections(padding: 1),
      selection: DetectionSelection(scoreThreshold: 0.5, classes: ["thing", "nothing"]))
    #expect(fixture.drawn == ["a.png"])
    #expect(summary.inputs == 4 && summary.detections == 1)
    #expect(summary.unknownClasses == ["nothing"])
  }

  @Test func cropsAreWhatLiesInBoxes() throws {
    let fixture = try DrawFixture()
    let source = try fixture.copy("images/rgb.png", as: "a/rgb.png")
    try fixture.write([
      DrawFixture.line(
        "a/rgb.png", 0, [[10.2, 5, 8, 9.5], [40, 20, 50, 50], [500, 500, 5, 5]], size: (45, 31),
        label: "x/y")
    ])
    try fixture.draw(content: .crops)
    #expect(fixture.drawn == ["a/rgb.png/000000-1-x_y.png", "a/rgb.png/000000-2-x_y.png"])
    #expect(fixture.texts == ["a/rgb.png/000000-3-x_y.png: its box lies outside the picture"])
    let whole = try #require(try MediaReader(path: source).nextFrame()).picture
    let crop = try #require(
      try MediaReader(path: fixture.output.pushing(FilePath(fixture.drawn[0]))).nextFrame()
    ).picture
    #expect(crop.width == 9 && crop.height == 10)
    for y in 0..<10 {
      let row = ((5 + y) * 45 + 10) * 3
      #expect(Array(crop.pixels[y * 27..<y * 27 + 27]) == Array(whole.pixels[row..<row + 27]))
    }
  }

  @Test func sheetsHoldWhatWasFound() throws {
    let fixture = try DrawFixture()
    try fixture.copy("constant-rate.mp4")
    var lines = (0..<50).map {
      DrawFixture.line(
        "constant-rate.mp4", $0, $0 % 10 == 0 ? [[30, 10, 30, 30]] : [], time: Double($0) / 25)
    }
    for number in 0..<32 {
      try fixture.copy("images/photo.jpg", as: "photo\(number).jpg")
      lines.append(
        DrawFixture.line(
          "photo\(number).jpg", 0, number == 5 ? [] : [[5, 5, 20, 20]], size: (45, 31)))
    }
    try fixture.write(lines)
    let summary = try fixture.draw(content: .contactSheets)
    // One of the video, whose two seconds are in one period of ten, and 31 pictures: 30 fit.
    #expect(fixture.drawn == ["contact-sheet-001.jpg", "contact-sheet-002.jpg"])
    #expect(summary.outputs == 2)
    let sheets = try fixture.drawn.map {
      try #require(try MediaReader(path: fixture.output.appending($0)).nextFrame()).picture
    }
    #expect(sheets[0].width == sheets[1].width && sheets[0].height > 4 * sheets[1].height)
  }

  @Test func outputsAreNotReplacedUnasked() throws {
    let fixture = try DrawFixture()
    let source = try fixture.copy("images/rgb.png", as: "a.png")
    try fixture.write([DrawFixture.line("a.png", 0, [[1, 1, 9, 9]], size: (45, 31))])
    try fixture.draw()
    let output = fixture.output.appending("a.png").string
    try Data("mine".utf8).write(to: URL(filePath: output))
    #expect(try fixture.draw().existing == 1)
    #expect(try fixture.draw(existing: .error).failures == 1)
    #expect(try Data(contentsOf: URL(filePath: output)) == Data("mine".utf8))
    #expect(try fixture.draw(existing: .always).outputs == 1)
    #expect(try Data(contentsOf: URL(filePath: output)) != Data("mine".utf8))
    // Never over the file itself, whatever is asked for.
    let before = try Data(contentsOf: URL(filePath: source.string))
    #expect(try fixture.draw(existing: .always, output: fixture.path).failures == 1)
    #expect(try Data(contentsOf: URL(filePath: source.string)) == before)
  }

  @Test func whatCannotBeDrawnFailsAloneAndLeavesNothing() throws {
    let fixture = try DrawFixture()
    try fixture.copy("images/rgb.png", as: "good.png")
    try fixture.copy("images/rgb.png", as: "other-size.png")
    try Data("no picture".utf8).write(to: URL(filePath: fixture.path.appending("bad.png").string))
    try fixture.write([
      DrawFixture.line("lost.png", 0, []), DrawFixture.line("bad.png", 0, []),
      DrawFixture.line("other-size.png", 0, [], size: (640, 480)),
      #"{"source":"failed.png","frame":null,"time":null,"width":null,"height":null,"detections":null,"failure":"no picture"}"#,
      DrawFixture.line("good.png", 0, [], size: (45, 31)),
    ])
    let summary = try fixture.draw()
    #expect(summary.failures == 3 && summary.outputs == 1)
    #expect(fixture.drawn == ["good.png"])
    #expect(fixture.texts.contains("was not looked at: no picture"))
    #expect(
      fixture.texts.contains(
        "is not the file that was looked at: frame 0 has 45x31 pixels, and the records say 640x480")
    )
  }

  /// Crops need a directory where the whole picture is a file, and the other way round; names may be too long.
  @Test func whatIsInTheWayOfOneInputFailsItAlone() throws {
    let fixture = try DrawFixture()
    let long = String(repeating: "x", count: 255)
    for name in ["a.png", "b.png", long] { try fixture.copy("images/rgb.png", as: name) }
    try fixture.write(
      ["a.png", long, "b.png"].map { DrawFixture.line($0, 0, [[1, 1, 9, 9]], size: (45, 31)) })
    #expect(try fixture.draw().failures == 1)
    #expect(fixture.texts[0].hasSuffix("/drawn/\(long).png: cannot be created: File name too long"))
    #expect(fixture.drawn == ["a.png", "b.png"])
    let reason =
      "is there, and of another kind than the output needs: name another directory with --output"
    try FileManager.default.removeItem(atPath: fixture.output.appending("b.png").string)
    let crops = try fixture.draw(content: .crops)
    #expect(crops.failures == 1 && crops.outputs == 2)
    #expect(fixture.texts == ["\(fixture.output)/a.png \(reason)"])
    for existing in [DrawConfiguration.ExistingOutput.skip, .always] {
      let summary = try fixture.draw(existing: existing)
      #expect(summary.failures == 2 && summary.outputs == (existing == .skip ? 0 : 1))
      #expect(fixture.texts.last == "\(fixture.output)/b.png \(reason)")
    }
  }

  @Test func aDirectoryThatCannotBeMadeEndsTheRun() throws {
    let fixture = try DrawFixture()
    try fixture.copy("images/rgb.png", as: "a.png")
    try fixture.write([DrawFixture.line("a.png", 0, [], size: (45, 31))])
    let file = fixture.path.appending("a.png")
    for path in [file, file.appending("below")] {
      #expect(throws: DrawError.cannotCreate(file, .notDirectory)) {
        try fixture.draw(output: path)
      }
    }
    // Not of one that lies deeper, either.
    try fixture.copy("images/rgb.png", as: "deep/a.png")
    try fixture.write([DrawFixture.line("deep/a.png", 0, [], size: (45, 31))])
    #expect(throws: DrawError.cannotCreate(file, .notDirectory)) {
      try fixture.draw(output: file)
    }
  }
}
