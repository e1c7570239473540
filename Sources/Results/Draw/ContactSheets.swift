import Drawing
import FrameDecoding
import Media

/// Small pictures side by side, with a line below each that says where it is from.
final class ContactSheets {
  /// A sheet that is full, or the last one.
  struct Sheet {
    /// From 1.
    let number: Int
    let picture: RGBPicture
  }

  private let annotator: Annotator
  private var sheet: [UInt8] = []
  private var count = 0
  private var number = 0

  private static let columns = 5
  private static let rows = 6
  /// Pixels of the room for one picture.
  private static let (room, caption, gap) = ((width: 320, height: 240), 24, 8)
  private static let width = columns * (room.width + gap) + gap
  private static let height = rows * (room.height + caption + gap) + gap
  private static let paper = Colour(0x202020)

  init(_ annotator: Annotator) { self.annotator = annotator }

  /// Adds a picture, and gives the sheet that it fills.
  func add(_ picture: RGBPicture, _ annotations: [Annotation], _ caption: String) -> Sheet? {
    if sheet.isEmpty { beginSheet() }
    let scale = min(
      1, Double(Self.room.width) / Double(picture.width),
      Double(Self.room.height) / Double(picture.height))
    var small = picture.scaledDown(
      width: max(1, Int((Double(picture.width) * scale).rounded())),
      height: max(1, Int((Double(picture.height) * scale).rounded())))
    // Drawn after scaling: lines and letters are those of a small picture.
    let (across, down) = (
      Double(small.width) / Double(picture.width), Double(small.height) / Double(picture.height)
    )
    var pixels = small.pixels
    Canvas.draw(onRGB: &pixels, width: small.width, height: small.height) {
      annotator.draw(annotations.map { $0.scaled(across, down) }, on: $0)
    }
    small = RGBPicture(width: small.width, height: small.height, pixels: pixels)
    let left = Self.gap + count % Self.columns * (Self.room.width + Self.gap)
    let top = Self.gap + count / Self.columns * (Self.room.height + Self.caption + Self.gap)
    for y in 0..<small.height {
      let target =
        ((top + (Self.room.height - small.height) / 2 + y) * Self.width + left
          + (Self.room.width - small.width) / 2) * 3
      sheet.replaceSubrange(
        target..<target + small.width * 3,
        with: small.pixels[y * small.width * 3..<(y + 1) * small.width * 3])
    }
    Canvas.draw(onRGB: &sheet, width: Self.width, height: Self.height) {
      annotator.write(
        caption, on: Self.paper, pixels: 13, left: left, top: top + Self.room.height + 2,
        widest: Self.room.width, $0)
    }
    count += 1
    return count == Self.columns * Self.rows ? endSheet(rows: Self.rows) : nil
  }

  /// The last sheet, cut below its last row; nil if nothing is on it.
  func finish() -> Sheet? {
    count == 0 ? nil : endSheet(rows: (count + Self.columns - 1) / Self.columns)
  }

  private func beginSheet() {
    sheet = [UInt8](repeating: 0, count: Self.width * Self.height * 3)
    Canvas.draw(onRGB: &sheet, width: Self.width, height: Self.height) {
      $0.fill($0.bounds, Self.paper)
    }
  }

  private func endSheet(rows: Int) -> Sheet {
    let height = rows * (Self.room.height + Self.caption + Self.gap) + Self.gap
    number += 1
    defer { (sheet, count) = ([], 0) }
    return Sheet(
      number: number,
      picture: RGBPicture(
        width: Self.width, height: height, pixels: Array(sheet[..<(height * Self.width * 3)])))
  }
}

extension Annotation {
  fileprivate func scaled(_ across: Double, _ down: Double) -> Annotation {
    var scaled = self
    scaled.box = AnnotatedBox(
      x: box.x * across, y: box.y * down, width: box.width * across, height: box.height * down)
    return scaled
  }
}

extension RGBPicture {
  /// A smaller picture, each of whose pixels is the average of those that it covers.
  func scaledDown(width: Int, height: Int) -> RGBPicture {
    precondition(
      (1...self.width).contains(width) && (1...self.height).contains(height),
      "from \(self.width)x\(self.height) to \(width)x\(height)")
    if width == self.width && height == self.height { return self }
    var scaled: [UInt8] = []
    scaled.reserveCapacity(width * height * 3)
    pixels.withUnsafeBufferPointer { pixels in
      for y in 0..<height {
        let rows =
          y * self.height
          / height..<max((y + 1) * self.height / height, y * self.height / height + 1)
        for x in 0..<width {
          let first = x * self.width / width
          let columns = first..<max((x + 1) * self.width / width, first + 1)
          var (red, green, blue) = (0, 0, 0)
          for row in rows {
            for column in columns {
              let pixel = (row * self.width + column) * 3
              red += Int(pixels[pixel])
              green += Int(pixels[pixel + 1])
              blue += Int(pixels[pixel + 2])
            }
          }
          let count = rows.count * columns.count
          scaled.append(UInt8(red / count))
          scaled.append(UInt8(green / count))
          scaled.append(UInt8(blue / count))
        }
      }
    }
    return RGBPicture(width: width, height: height, pixels: scaled)
  }
}
