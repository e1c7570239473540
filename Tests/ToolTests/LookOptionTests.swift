import Foundation
import FrameDecoding
import Media
import RetinaNetModel
import Testing

@testable import detect_batch

/// `--size`, `--tile`, `--flip`, `--soft-nms`: from the command line and from pipeline files.
struct LookOptionTests {
  private func options(_ arguments: [String], _ yaml: String = "") throws -> DetectionOptions {
    var options = try DetectCommand.parse(arguments)
    try options.fill(from: PipelineFile(text: yaml, name: "p.yaml"))
    return try options.configuration(environment: [:]).detection
  }

  @Test func whatIsTyped() throws {
    let plain = try options([])
    #expect(plain.tiling == nil && !plain.flip && plain.softNMS == nil)
    #expect(plain.shorterSide == nil && plain.longerSide == nil)
    #expect(try options(["--tile", "800"]).tiling == Tiling(side: 800))
    let all = try options([
      "--size", "640", "--max-size", "1000", "--tile", "400", "--tile-overlap", "0.05",
      "--tile-merge", "iou", "--tile-merge-threshold", "0.15", "--no-tile-whole", "--flip",
      "--soft-nms", "gaussian", "--soft-nms-sigma", "0.3",
    ])
    #expect(all.shorterSide == 640 && all.longerSide == 1000 && all.flip)
    #expect(
      all.tiling
        == Tiling(
          side: 400, overlap: 0.05, measure: .iou, threshold: 0.15, includesWhole: false))
    #expect(all.softNMS == .gaussian(sigma: 0.3))
    #expect(try options(["--soft-nms", "gaussian"]).softNMS == .gaussian(sigma: 0.5))
    #expect(try options(["--soft-nms", "linear"]).softNMS == .linear)
  }

  @Test func whatAPipelineFileSays() throws {
    let yaml = """
      size: 640
      tile: 400
      tile-overlap: 0.1
      tile-whole: false
      flip: true
      soft-nms: linear
      """
    let options = try options(["--tile", "800"], yaml)
    #expect(options.shorterSide == 640 && options.flip && options.softNMS == .linear)
    #expect(options.tiling == Tiling(side: 800, overlap: 0.1, includesWhole: false))
  }

  @Test(arguments: [
    (["--tile", "31"], "it has to be pixels from 32 to 16384, such as 800"),
    (["--tile", "800x600"], "it has to be pixels from 32 to 16384, such as 800"),
    (
      ["--tile", "800", "--tile-overlap", "0.95"], "it has to be a share from 0 to 0.9, such as 0.2"
    ),
    (["--size", "0"], "it has to be pixels from 1 to 16384, such as 800"),
    (["--size", "99999"], "it has to be pixels from 1 to 16384, such as 800"),
    (["--tile-merge", "nmm"], "it has to be one of iou, ios"),
    (["--tile-overlap", "0.2"], "--tile-overlap goes with --tile"),
    (["--no-tile-whole"], "--tile-whole goes with --tile"),
    (
      ["--soft-nms", "linear", "--soft-nms-sigma", "0.5"],
      "--soft-nms-sigma goes with --soft-nms gaussian"
    ),
    (["--soft-nms", "gaussian", "--soft-nms-sigma", "0"], "it has to be a number above 0"),
    (["--size", "700", "--max-size", "600"], "has to be at least the shorter of 700"),
    (["--slice-height", "512"], "here it is '--tile'"),
  ])
  func whatIsWrongIsAUsageError(_ arguments: [String], _ words: String) throws {
    let workspace = try Workspace()
    let outcome = try Tool.run(
      [Tool.samples.appending("images")] + arguments.map { $0 as any Argument }, in: workspace)
    #expect(outcome.status == 64)
    #expect(outcome.messageLines.count == 1)
    #expect(outcome.messages.contains(words), "\(outcome.messages)")
    #expect(!workspace.exists("detections"))
  }

  /// Codes on a picture of four times their own picture's sides: the QR code is lost in the whole and found in tiles; the
  /// same bytes however the tiles are shared out.
  @Test func tilesFindWhatTheWholePictureLoses() throws {
    let workspace = try Workspace()
    let reader = try MediaReader(path: Tool.samples.appending("images/parcel.jpg"))
    let parcel = try #require(try reader.nextFrame()).picture
    let corner = (x: 1111, y: 787)
    try workspace.write("large.ppm", surrounded(parcel, corner))
    func run(_ arguments: [String]) throws -> (records: [UInt8], messages: String) {
      let outcome = try Tool.run(
        ["large.ppm", "-o", "-"] + arguments.map { $0 as any Argument }, in: workspace)
      #expect(outcome.status == 0, "\(outcome.messages)")
      return (outcome.output, outcome.messages)
    }
    let whole = try run([])
    let seen = try #require(try StrictRecord.all(whole.records)[0].detections)
    #expect(!seen.contains { $0.label == "qr_code" })
    #expect(whole.messages.components(separatedBy: "--tile 384 looks at parts").count == 2)
    #expect(try run(["--quiet"]).messages.isEmpty)

    let tiled = try run(["--tile", "640", "--workers", "1"])
    #expect(!tiled.messages.contains("looks at parts"))
    let found = try #require(try StrictRecord.all(tiled.records)[0].detections)
    let expected = [[599.0, 294, 144, 147], [215, 309, 311, 98]]
    for box in expected {
      let place = [
        box[0] + Double(corner.x), box[1] + Double(corner.y), box[2], box[3],
      ]
      #expect(found.contains { overlap($0.box, place) > 0.7 }, "\(place) in \(found)")
    }
    #expect(found.count <= 4)
    #expect(
      try run(["--tile", "640", "--workers", "3", "--batch-size", "1"]).records == tiled.records)
  }

  /// A PPM of four times the picture's sides, grey, with the picture in it.
  private func surrounded(_ picture: RGBPicture, _ corner: (x: Int, y: Int)) -> [UInt8] {
    let (width, height) = (4 * picture.width, 4 * picture.height)
    let head = Array("P6 \(width) \(height) 255\n".utf8)
    var bytes = head + [UInt8](repeating: 128, count: width * height * 3)
    for row in 0..<picture.height {
      let from = row * picture.width * 3
      let to = head.count + ((row + corner.y) * width + corner.x) * 3
      bytes.replaceSubrange(
        to..<to + picture.width * 3, with: picture.pixels[from..<from + picture.width * 3])
    }
    return bytes
  }

  private func overlap(_ a: [Double], _ b: [Double]) -> Double {
    let width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    let height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    guard width > 0, height > 0 else { return 0 }
    return width * height / (a[2] * a[3] + b[2] * b[3] - width * height)
  }

  @Test func evaluateTakesThemWithImagesOnly() throws {
    let workspace = try Workspace()
    let outcome = try Tool.run(
      ["evaluate", "--annotations", "a.json", "records", "--tile", "800"], in: workspace)
    #expect(outcome.status == 64)
    #expect(outcome.messages.contains("--tile goes with --images"))
  }
}
