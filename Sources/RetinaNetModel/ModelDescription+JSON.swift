extension ModelDescription {
  /// The description as the JSON that `ModelFile` documents, its keys always in the same order.
  public var json: String {
    let thresholds = postprocessing.classThresholds.sorted { $0.key < $1.key }.map {
      "\(Self.text($0)): \($1)"
    }
    return """
      {
        "formatVersion": \(ModelFile.formatVersion),
        "architecture": {
          "backbone": "\(architecture.backbone.rawValue)",
          "baseWidth": \(architecture.baseWidth),
          "normEpsilon": \(architecture.normEpsilon),
          "pyramidChannels": \(architecture.pyramidChannels),
          "p6Source": "\(architecture.p6Source.rawValue)",
          "headDepth": \(architecture.headDepth),
          "headNorm": "\(architecture.headNorm.rawValue)"
        },
        "classes": \(Self.list(classes) { $0.map(Self.text) ?? "null" }),
        "preprocessing": {
          "minSize": \(preprocessing.minSize),
          "maxSize": \(preprocessing.maxSize),
          "mean": \(Self.list(preprocessing.mean) { "\($0)" }),
          "standardDeviation": \(Self.list(preprocessing.standardDeviation) { "\($0)" })
        },
        "anchors": {
          "sizes": \(Self.list(anchors.sizes) { Self.list($0) { "\($0)" } }),
          "aspectRatios": \(Self.list(anchors.aspectRatios) { "\($0)" })
        },
        "postprocessing": {
          "scoreThreshold": \(postprocessing.scoreThreshold),
          "classThresholds": {\(thresholds.joined(separator: ", "))},
          "candidatesPerLevel": \(postprocessing.candidatesPerLevel),
          "nmsThreshold": \(postprocessing.nmsThreshold),\(Self.flag("classAgnosticNMS", postprocessing.classAgnosticNMS))
          "detectionsPerImage": \(postprocessing.detectionsPerImage)
        }
      }
      """
  }

  /// A line that is there where the flag is set: files of models that do not need it stay readable to programs that do
  /// not know it.
  private static func flag(_ name: String, _ isSet: Bool) -> String {
    isSet ? "\n    \"\(name)\": true," : ""
  }

  private static func list<Element>(
    _ elements: [Element], _ write: (Element) -> String
  ) -> String {
    "[\(elements.map(write).joined(separator: ", "))]"
  }

  /// A text in quotes. What YAML's reader does not take as it is becomes an escape that is JSON's too.
  private static func text(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar.value {
      case 0x22, 0x5c:
        result += "\\\(scalar)"
      case 0...0x1f, 0x7f...0x9f, 0x2028, 0x2029, 0xfeff, 0xfffe, 0xffff:
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default:
        result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
