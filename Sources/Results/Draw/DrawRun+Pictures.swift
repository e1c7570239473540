import Drawing
import Files
import FrameDecoding
import FrameEncoding
import Media
import SystemPackage

/// Pictures, whole and in parts.
extension DrawRun {
  /// Draws on the picture of an image file, or on each page of a TIFF.
  func drawPages(_ input: DrawnInput) throws {
    let marks = marks(input)
    let kept = PictureFormat(codec: input.reader.info.codec)
    if kept == nil {
      report(
        .remark(input.source, "\(input.reader.info.codec) is not written: the output is a PNG"))
    }
    let format = kept ?? .png
    var wanted: (name: FilePath, marks: FrameMarks.Marks)?
    while let page = try input.reader.nextFrame(where: { index, time in
      let found = try marks.marks(at: .init(index: index, time: time))
      if cancellation.isCancelled { throw DrawError.stopped }
      let annotations = if case .annotations(let annotations) = found { annotations } else { [] }
      if case .detections = configuration.content, annotations.isEmpty { return false }
      let name = name(of: input, page: index, format)
      guard try files.isWanted(name, madeFrom: input.path) else {
        exists(name, from: input.source)
        return false
      }
      wanted = (name, found)
      return true
    }) {
      guard let (name, found) = wanted else { preconditionFailure("a page that nobody wants") }
      try check(
        marks, width: page.picture.width, height: page.picture.height, frame: page.index ?? 0)
      if found == .unknown && configuration.style.cover != nil {
        report(
          .remark(
            input.source, "page \(page.index ?? 0) was not looked at: it is covered whole"))
      }
      var pixels = page.picture.pixels
      Canvas.draw(onRGB: &pixels, width: page.picture.width, height: page.picture.height) {
        draw(found, on: $0)
      }
      try writePicture(
        RGBPicture(width: page.picture.width, height: page.picture.height, pixels: pixels),
        as: format, to: name)
      made(name, from: input.source)
    }
    summary.detections += marks.detections
  }

  /// Cuts out what was found.
  func drawCrops(_ input: DrawnInput) throws {
    let marks = marks(input)
    let isImage = input.reader.info.isStillImage
    let format = isImage ? PictureFormat(codec: input.reader.info.codec) ?? .png : .jpeg
    var wanted: [(name: FilePath, annotation: Annotation)] = []
    while let frame = try input.reader.nextFrame(where: { index, time in
      guard case .annotations(let found) = try marks.marks(at: .init(index: index, time: time))
      else { return false }
      wanted = []
      for (number, annotation) in found.enumerated() {
        let name = input.source.path.pushing(
          FilePath(
            "\(ClockText.padded(index, 6))-\(number + 1)-\(Self.fileName(annotation.label))."
              + format.fileExtension))
        if try files.isWanted(name, madeFrom: nil) {
          wanted.append((name, annotation))
        } else {
          exists(name, from: input.source)
        }
      }
      return !wanted.isEmpty
    }) {
      try check(
        marks, width: frame.picture.width, height: frame.picture.height, frame: frame.index ?? 0)
      for (name, annotation) in wanted {
        guard let crop = frame.picture.crop(PixelRectangle(covering: annotation.box)) else {
          report(.remark(input.source, "\(name.oneLine): its box lies outside the picture"))
          continue
        }
        try writePicture(crop, as: format, to: name)
        made(name, from: input.source)
      }
    }
    summary.detections += marks.detections
  }

  /// Writes a file.
  func writePicture(_ picture: RGBPicture, as format: PictureFormat, to name: FilePath) throws {
    let bytes = try PictureEncoder.encode(
      picture.pixels, width: picture.width, height: picture.height, as: format)
    try files.make(name) { path in
      let file: FileDescriptor
      do {
        file = try FileDescriptor.open(
          path, .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec],
          permissions: [.ownerReadWrite, .groupReadWrite, .otherReadWrite])
      } catch {
        throw DrawError.cannotCreate(path, error as? Errno ?? .ioError)
      }
      do {
        _ = try file.closeAfter { try file.writeAll(bytes) }
      } catch {
        throw DrawError.writeFailed(path, error as? Errno ?? .ioError)
      }
    }
  }

  /// The source's own name if that says the format, else with another ending behind it, so that no two inputs share one;
  /// pages after the first have their number in it.
  private func name(of input: DrawnInput, page: Int, _ format: PictureFormat) -> FilePath {
    let isNamed = format.isNamed(by: input.source.path.extension)
    if page == 0 && isNamed { return input.source.path }
    let number = page > 0 ? ".page-\(page)" : ""
    return FilePath(bytes: input.source.bytes + Array("\(number).\(format.fileExtension)".utf8))
  }

  /// A label as part of a file's name.
  static func fileName(_ label: String) -> String {
    let text = label.prefix(60).map { character -> Character in
      character == "/" || character.isNewline || character.unicodeScalars.contains { $0.value < 32 }
        ? "_" : character
    }
    return text.isEmpty ? "unnamed" : String(text)
  }
}

extension RGBPicture {
  /// What lies in a rectangle; nil if that is nothing.
  func crop(_ rectangle: PixelRectangle) -> RGBPicture? {
    let place = rectangle.intersection(
      PixelRectangle(left: 0, top: 0, right: width, bottom: height))
    if place.isEmpty { return nil }
    // Read once: of memory that is shared it is a copy.
    let pixels = pixels
    var cropped: [UInt8] = []
    cropped.reserveCapacity(place.width * place.height * 3)
    for y in place.top..<place.bottom {
      let start = (y * width + place.left) * 3
      cropped += pixels[start..<start + place.width * 3]
    }
    return RGBPicture(width: place.width, height: place.height, pixels: cropped)
  }
}
