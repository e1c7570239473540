import DetectionRecords
import JSONText

/// Label Studio's tasks with predictions: a task for each picture that was looked at, in the order of the records. A frame
/// of a video is a picture `<source>/frame000042.jpg`.
///
/// Boxes are percent of the picture's sides, 4 decimals. The names fit a labelling configuration of
/// `<Image name="image" value="$image"/>` and `<RectangleLabels name="label" toName="image">` with the labels in it.
struct LabelStudioWriter: ExportWriter {
  private let imagePrefix: String
  /// Whether names become part of an address, in which their bytes are percent-encoded; stores of objects (`s3://`) take
  /// them as they are.
  private let encodes: Bool
  private var isFirst = true
  private var failures = 0

  init(imagePrefix: String) {
    self.imagePrefix = imagePrefix
    encodes =
      !imagePrefix.isEmpty && (!imagePrefix.contains("://") || imagePrefix.hasPrefix("http"))
  }

  var untold: Int { failures }

  mutating func begin(pass: Int, _ classes: ExportClasses, to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "["))
  }

  mutating func append(
    _ frame: ExportFrame, _ input: ExportInput, _ classes: ExportClasses, to bytes: inout [UInt8]
  ) {
    guard let found = frame.detections, let size = frame.size,
      let picture = input.pictureName(frame.record)
    else {
      failures += 1
      return
    }
    ExportText.append(
      isFirst ? "\n{\"data\":{\"image\":" : ",\n{\"data\":{\"image\":", to: &bytes)
    isFirst = false
    let name = encodes ? MediaLink.encoded(path: input.bytes(ofPicture: picture)) : picture
    JSON.append(imagePrefix + name, to: &bytes)
    ExportText.append(
      "},\"predictions\":[{\"model_version\":\"detect-batch\",\"score\":", to: &bytes)
    // Of the picture: that of its surest detection.
    JSON.append(found.map(\.score).max() ?? 0, decimals: 4, to: &bytes)
    ExportText.append(",\"result\":[", to: &bytes)
    for (number, detection) in found.enumerated() {
      ExportText.append(number == 0 ? "{\"id\":\"" : ",{\"id\":\"", to: &bytes)
      JSON.append(number, to: &bytes)
      ExportText.append(
        "\",\"type\":\"rectanglelabels\",\"from_name\":\"label\",\"to_name\":\"image\",\"original_width\":",
        to: &bytes)
      JSON.append(size.width, to: &bytes)
      ExportText.append(",\"original_height\":", to: &bytes)
      JSON.append(size.height, to: &bytes)
      ExportText.append(",\"image_rotation\":0,\"value\":{\"rotation\":0", to: &bytes)
      appendPercent(",\"x\":", detection.x, size.width, &bytes)
      appendPercent(",\"y\":", detection.y, size.height, &bytes)
      appendPercent(",\"width\":", detection.width, size.width, &bytes)
      appendPercent(",\"height\":", detection.height, size.height, &bytes)
      ExportText.append(",\"rectanglelabels\":[", to: &bytes)
      JSON.append(classes.names[detection.classIndex], to: &bytes)
      ExportText.append("]},\"score\":", to: &bytes)
      JSON.append(detection.score, decimals: 4, to: &bytes)
      bytes.append(UInt8(ascii: "}"))
    }
    ExportText.append("]}]}", to: &bytes)
  }

  private func appendPercent(
    _ key: StaticString, _ value: Double, _ side: Int, _ bytes: inout [UInt8]
  ) {
    ExportText.append(key, to: &bytes)
    JSON.append(value * 100 / Double(side), decimals: 4, to: &bytes)
  }

  mutating func end(pass: Int, _ classes: ExportClasses, to bytes: inout [UInt8]) {
    ExportText.append("\n]\n", to: &bytes)
  }
}
