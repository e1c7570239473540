import DetectionRecords
import Drawing
import Files
import JSONText

/// CVAT's XML for images, version 1.1: an `image` for each picture that was looked at, with a `box` for each detection;
/// the score is an attribute of the label. Ids count from 0 in the order of the records; a frame of a video is an image
/// `<source>/frame000042.jpg`. The first pass finds the labels, which stand in front.
struct CVATImagesWriter: ExportWriter {
  private var pass = 1
  private var image = 0
  private var failures = 0
  private var names = CVATNames()

  var untold: Int { failures }

  mutating func begin(pass: Int, _ classes: ExportClasses, to bytes: inout [UInt8]) {
    (self.pass, image, failures) = (pass, 0, 0)
    if pass == 2 { CVATNames.appendHead(classes, frameSize: nil, source: nil, to: &bytes) }
  }

  mutating func append(
    _ frame: ExportFrame, _ input: ExportInput, _ classes: ExportClasses, to bytes: inout [UInt8]
  ) {
    guard pass == 2 else { return }
    guard let found = frame.detections, let size = frame.size,
      let picture = input.pictureName(frame.record)
    else {
      failures += 1
      return
    }
    bytes.append(
      contentsOf:
        "  <image id=\"\(image)\" name=\"\(MarkupText.escaped(picture))\" width=\"\(size.width)\" height=\"\(size.height)\">\n"
        .utf8)
    image += 1
    for detection in found {
      bytes.append(
        contentsOf: "    <box label=\"\(names[detection.classIndex, classes])\" source=\"auto\""
          .utf8)
      detection.appendCVATBox(to: &bytes)
      ExportText.append("</box>\n", to: &bytes)
    }
    ExportText.append("  </image>\n", to: &bytes)
  }

  mutating func end(pass: Int, _ classes: ExportClasses, to bytes: inout [UInt8]) {
    if pass == 2 { ExportText.append("</annotations>\n", to: &bytes) }
  }
}

/// CVAT's XML for videos, version 1.1: a file `<source>.xml` for each video. Detections are not tracked, so that each is a
/// `track` of one frame; ids count from 0 in the order of the records. Pictures have no file.
///
/// A track ends with a box outside in the frame after it, which CVAT refuses where the video has none: so those of the last
/// frame that was looked at have no end.
struct CVATVideoWriter: ExportWriter {
  private let tree: ExportTree
  private var pass = 1
  private var file: OpenFile?
  private var text: [UInt8] = []
  private var track = 0
  private var failures = 0
  private var names = CVATNames()
  /// The last frame that was looked at, until it is known whether another comes.
  private var last: (frame: Int, found: [RecordedDetection])?

  init(_ tree: ExportTree) { self.tree = tree }

  var untold: Int { failures }

  mutating func begin(pass: Int, _ classes: ExportClasses, to bytes: inout [UInt8]) {
    (self.pass, failures) = (pass, 0)
  }

  mutating func append(
    _ frame: ExportFrame, _ input: ExportInput, _ classes: ExportClasses, to bytes: inout [UInt8]
  ) throws {
    guard pass == 2 else { return }
    guard let found = frame.detections, let size = frame.size, let number = frame.record.frame,
      input.isVideo
    else {
      failures += 1
      return
    }
    if file == nil {
      file = try tree.create(input.source, suffix: ".xml", for: input.source)
      track = 0
      CVATNames.appendHead(classes, frameSize: size, source: input.name, to: &text)
    }
    appendTracks(haveEnd: last.map { $0.frame < number } ?? false, classes)
    last = (number, found)
    if text.count >= 1 << 18 { try flush() }
  }

  /// Appends the last frame's.
  private mutating func appendTracks(haveEnd: Bool, _ classes: ExportClasses) {
    guard let (frame, found) = last else { return }
    last = nil
    for detection in found {
      text.append(
        contentsOf:
          "  <track id=\"\(track)\" label=\"\(names[detection.classIndex, classes])\" source=\"auto\">\n"
          .utf8)
      track += 1
      // A track goes on until it is said to be outside.
      for (frame, isOutside) in [(frame, 0), (frame + 1, 1)].prefix(haveEnd ? 2 : 1) {
        text.append(
          contentsOf: "    <box frame=\"\(frame)\" outside=\"\(isOutside)\" keyframe=\"1\"".utf8)
        detection.appendCVATBox(to: &text)
        ExportText.append("</box>\n", to: &text)
      }
      ExportText.append("  </track>\n", to: &text)
    }
  }

  private mutating func flush() throws {
    try file?.write(text)
    text.removeAll(keepingCapacity: true)
  }

  mutating func end(_ input: ExportInput, _ classes: ExportClasses, to bytes: inout [UInt8]) throws
  {
    guard file != nil else { return }
    appendTracks(haveEnd: false, classes)
    ExportText.append("</annotations>\n", to: &text)
    try flush()
    file = nil
  }
}

/// Labels as CVAT's XML has them, escaped once.
private struct CVATNames {
  private var escaped: [String] = []

  subscript(number: Int, classes: ExportClasses) -> String {
    mutating get {
      while escaped.count < classes.names.count {
        escaped.append(MarkupText.escaped(classes.names[escaped.count]))
      }
      return escaped[number]
    }
  }

  /// Appends what comes before the first image or track.
  static func appendHead(
    _ classes: ExportClasses, frameSize: (width: Int, height: Int)?, source: String?,
    to bytes: inout [UInt8]
  ) {
    var head = """
      <?xml version="1.0" encoding="utf-8"?>
      <annotations>
        <version>1.1</version>
        <meta>
          <task>
            <name>detect-batch</name>
            <mode>\(frameSize == nil ? "annotation" : "interpolation")</mode>
            <labels>

      """
    for name in classes.names {
      head += """
                <label>
                  <name>\(MarkupText.escaped(name))</name>
                  <attributes>
                    <attribute>
                      <name>score</name>
                      <mutable>\(frameSize == nil ? "False" : "True")</mutable>
                      <input_type>text</input_type>
                      <default_value></default_value>
                      <values></values>
                    </attribute>
                  </attributes>
                </label>

        """
    }
    head += "      </labels>\n"
    if let frameSize {
      head += """
              <original_size>
                <width>\(frameSize.width)</width>
                <height>\(frameSize.height)</height>
              </original_size>

        """
    }
    head += "    </task>\n"
    if let source { head += "    <source>\(MarkupText.escaped(source))</source>\n" }
    bytes.append(contentsOf: (head + "  </meta>\n").utf8)
  }
}

extension RecordedDetection {
  /// Appends corners, the end of the tag, and the score.
  fileprivate func appendCVATBox(to bytes: inout [UInt8]) {
    ExportText.append(" occluded=\"0\" xtl=\"", to: &bytes)
    JSON.append(x, decimals: 2, to: &bytes)
    ExportText.append("\" ytl=\"", to: &bytes)
    JSON.append(y, decimals: 2, to: &bytes)
    ExportText.append("\" xbr=\"", to: &bytes)
    JSON.append(x + width, decimals: 2, to: &bytes)
    ExportText.append("\" ybr=\"", to: &bytes)
    JSON.append(y + height, decimals: 2, to: &bytes)
    ExportText.append("\" z_order=\"0\"><attribute name=\"score\">", to: &bytes)
    JSON.append(score, decimals: 4, to: &bytes)
    ExportText.append("</attribute>", to: &bytes)
  }
}
