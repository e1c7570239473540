import JSONText
import Settings
import SystemPackage

extension ModelDescription {
  /// Reads a description.
  ///
  /// - Parameters:
  ///   - json: what the property of this name gave.
  ///   - shapes: of the weights that it describes, by the network's names.
  ///   - file: where it stands.
  /// - Throws: `ModelError` where it is not valid, or is not of these weights.
  public init(json: String, shapes: [String: [Int]], file: FilePath) throws(ModelError) {
    do {
      self = try Self.read(json, WeightFacts(shapes: shapes, hasBatchCounts: false))
    } catch {
      throw ModelError(file: file.string, problem: error.problem)
    }
  }

  static func read(_ json: String, _ facts: WeightFacts) throws(ProblemError) -> ModelDescription {
    do {
      let settings = try SettingsTree.parseJSON(json, file: ModelFile.descriptionKey)
      return try ModelDescriptionReader.read(settings, facts)
    } catch let error as ProblemError {
      throw error
    } catch {
      // Of a file that comes from elsewhere: not a setting that somebody typed.
      throw ProblemError(.description("\(error)"))
    }
  }

  /// The description as the JSON that `ModelFile` documents, its keys always in the same order.
  public var json: String {
    let thresholds = postprocessing.classThresholds.sorted { $0.key < $1.key }.map {
      "\(JSON.quoted($0, isForYAML: true)): \($1)"
    }
    return """
      {
        "formatVersion": \(ModelFile.formatVersion),
        "architecture": {
          "backbone": "\(architecture.backbone.rawValue)",
          "baseWidth": \(architecture.baseWidth),\(groups)
          "normEpsilon": \(conventions.network.normEpsilon),
          "pyramidChannels": \(architecture.pyramidChannels),
          "p6Source": "\(conventions.network.p6Source.rawValue)",
          "headDepth": \(architecture.headDepth),
          "headNorm": "\(architecture.headNorm.rawValue)"
        },
        "classes": \(Self.list(classes) { $0.map { JSON.quoted($0, isForYAML: true) } ?? "null" }),\(rules)
        "preprocessing": {
          "minSize": \(preprocessing.minSize),
          "maxSize": \(preprocessing.maxSize),
          "mean": \(Self.list(conventions.input.mean) { "\($0)" }),
          "standardDeviation": \(Self.list(conventions.input.standardDeviation) { "\($0)" })
        },
        "anchors": {
          "sizes": \(Self.list(anchors.sizes) { Self.list($0, Anchors.text) }),
          "aspectRatios": \(Self.list(anchors.aspectRatios) { "\($0)" })
        },
        "postprocessing": {
          "scoreThreshold": \(postprocessing.scoreThreshold),
          "classThresholds": {\(thresholds.joined(separator: ", "))},
          "candidatesPerLevel": \(postprocessing.candidatesPerLevel),
          "nmsThreshold": \(postprocessing.nmsThreshold),\(Self.flag("classAgnosticNMS", postprocessing.classAgnosticNMS))
          "detectionsPerImage": \(postprocessing.detectionsPerImage)
        }\(calibrated)
      }
      """
  }

  /// What only a calibrated model has.
  private var calibrated: String {
    quantization.map { ",\n  \"quantization\": \($0.json(indent: "  "))" } ?? ""
  }

  /// What only models under other rules than torchvision's have.
  private var rules: String {
    conventions.json(indent: "  ").map { "\n  \"conventions\": \($0)," } ?? ""
  }

  /// What only a ResNeXt, or one with its stride elsewhere, has.
  private var groups: String {
    var lines: [String] = []
    if architecture.groups != 1 { lines.append("\"groups\": \(architecture.groups)") }
    if let width = architecture.groupWidth { lines.append("\"groupWidth\": \(width)") }
    let strideIn1x1 = conventions.network.strideIn1x1
    // Where it is false, too, if the preset that is named says otherwise.
    if strideIn1x1 || conventions.nearestPreset.conventions.network.strideIn1x1 {
      lines.append("\"strideIn1x1\": \(strideIn1x1)")
    }
    return lines.map { "\n    \($0)," }.joined()
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
}
