import DetectionRecords
import Files
import JSONText

/// Ultralytics' data set tree: `labels/<picture's name>.txt` and `data.yaml`; the pictures belong in `images/`.
///
/// A line a detection: class number from 0, then centre x, centre y, width and height as shares of the picture's sides,
/// 6 decimals; a picture in which nothing was found has an empty file. A frame of a video is a picture
/// `<source>/frame000042.jpg`. What was not looked at has no file.
struct YOLOWriter: ExportWriter {
  private let tree: ExportTree
  private var failures = 0
  private var lines: [UInt8] = []

  init(_ tree: ExportTree) { self.tree = tree }

  var untold: Int { failures }

  mutating func append(
    _ frame: ExportFrame, _ input: ExportInput, _ classes: ExportClasses, to bytes: inout [UInt8]
  ) throws {
    guard let found = frame.detections, let size = frame.size,
      let picture = input.pictureName(frame.record)
    else {
      failures += 1
      return
    }
    lines.removeAll(keepingCapacity: true)
    for detection in found {
      JSON.append(detection.classIndex, to: &lines)
      for (value, side) in [
        (detection.x + detection.width / 2, size.width),
        (detection.y + detection.height / 2, size.height),
        (detection.width, size.width), (detection.height, size.height),
      ] {
        lines.append(UInt8(ascii: " "))
        ExportText.appendShare(value, of: side, to: &lines)
      }
      lines.append(0x0a)
    }
    let name = input.bytes(ofPicture: picture)
    let slash = name.lastIndex(of: UInt8(ascii: "/")) ?? -1
    let dot = name.lastIndex(of: UInt8(ascii: ".")).flatMap { $0 > slash + 1 ? $0 : nil }
    let stem = try SourceName(bytes: Array("labels/".utf8) + name[..<(dot ?? name.count)])
    try tree.create(stem, suffix: ".txt", for: input.source).write(lines)
  }

  mutating func end(pass: Int, _ classes: ExportClasses, to bytes: inout [UInt8]) throws {
    var yaml = Array(
      "# Made by detect-batch export. The pictures belong in images/, under the names that labels/ has.\n"
        .utf8)
    ExportText.append("train: images\nval: images\nnames:", to: &yaml)
    if classes.names.isEmpty { ExportText.append(" {}", to: &yaml) }
    yaml.append(0x0a)
    for (number, name) in classes.names.enumerated() {
      yaml.append(contentsOf: "  \(number): \(JSON.quoted(name, isForYAML: true))\n".utf8)
    }
    try tree.write(yaml, to: "data.yaml")
  }
}
