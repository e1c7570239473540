import Checkpoints
import JSONText
import RetinaNetModel
import SystemPackage

/// What a model file or a checkpoint is.
enum ModelFacts {
  /// Reads a file.
  ///
  /// - Returns: nil where the file is neither.
  /// - Throws: `CheckpointError` where it is one that cannot be read.
  static func read(_ path: FilePath) throws -> Facts? {
    let checkpoint: Checkpoint
    do {
      checkpoint = try Checkpoint(contentsOf: path)
    } catch {
      if case .unknownFormat = error.problem { return nil }
      throw error
    }
    var facts = Facts()
    facts.add("file", "file", .string(path.string))
    do {
      let model = try DetectionModel(contentsOf: path)
      facts.add("kind", "kind", .string("model"))
      describe(model, &facts)
    } catch let error as ModelError {
      facts.add("kind", "kind", .string("checkpoint"))
      describe(checkpoint, because: error, &facts)
    }
    return facts
  }

  private static func describe(_ model: DetectionModel, _ facts: inout Facts) {
    let description = model.description
    facts.add("format", "format", .string(model.format.rawValue))
    facts.add("sha256", "SHA-256", .string(model.digest))
    facts.add(
      "parameters", "parameters", .int(description.parameterCount),
      text: RunText.grouped(description.parameterCount))
    // On one line; line breaks inside of texts are escaped.
    let lines = description.json.split(separator: "\n").map { $0.drop { $0 == " " } }
    facts.addForMachines("model", .raw(lines.joined()))
    facts.addForPeople("network", description.networkWords)
    for (name, text) in description.conventions.words { facts.addForPeople(name, text) }
    facts.addForPeople("classes", description.classes.compactMap { $0 }.joined(separator: ", "))
    let preprocessing = description.preprocessing
    facts.addForPeople(
      "picture size",
      "shorter side \(preprocessing.minSize), longer side at most \(preprocessing.maxSize)")
    let sizes = description.anchors.sizes.map {
      $0.map(ModelDescription.Anchors.text).joined(separator: " ")
    }
    let ratios = description.anchors.aspectRatios.map { "\($0)" }
    facts.addForPeople(
      "anchors",
      "\(sizes.joined(separator: " / ")); height / width \(ratios.joined(separator: ", "))")
    let outputs = description.postprocessing
    let thresholds = outputs.classThresholds.sorted { $0.key < $1.key }
    facts.addForPeople(
      "detections",
      (["score above \(outputs.scoreThreshold)"] + thresholds.map { "\($0.key) above \($0.value)" }
        + [
          "overlap at most \(outputs.nmsThreshold)"
            + (outputs.classAgnosticNMS ? " whatever the class" : ""),
          "at most \(outputs.detectionsPerImage) a picture",
          "\(outputs.candidatesPerLevel) candidates a level",
        ]).joined(separator: ", "))
    if let quantization = description.quantization {
      let arithmetic = quantization.arithmetic
      facts.addForPeople(
        "precision",
        "int8 (\(arithmetic.convolutions.count) of \(description.makeNetwork().convolutionCalls.count) "
          + "convolutions, calibrated on \(RunText.counted(quantization.pictures, "picture")))")
    } else {
      facts.addForPeople("precision", "float32 (not calibrated for int8)")
    }
    if !model.remarks.isEmpty {
      facts.add("remarks", "remarks", .array(model.remarks.map(JSONValue.string)))
    }
  }

  private static func describe(
    _ checkpoint: Checkpoint, because error: ModelError, _ facts: inout Facts
  ) {
    let count = checkpoint.tensors.values.reduce(0) { $0 + $1.elementCount }
    facts.add("format", "format", .string(checkpoint.format.rawValue))
    facts.add("whyNoModel", "no model because", .string(error.description))
    facts.add("parameters", "parameters", .int(count), text: RunText.grouped(count))
    let tensors = checkpoint.tensors.sorted { $0.key < $1.key }
    facts.add(
      "tensors", "tensors",
      .object(
        tensors.map { name, tensor in
          (
            name,
            .object([
              ("type", .string(tensor.elementType.rawValue)),
              ("shape", .array(tensor.shape.map(JSONValue.int))),
            ])
          )
        }),
      text: (["\(tensors.count)"]
        + tensors.map {
          "  \(Console.visible($0.key)) \($0.value.elementType.rawValue) \($0.value.shape)"
        })
        .joined(separator: "\n"))
  }
}

extension ModelDescription {
  /// The network in a few words.
  var networkWords: String {
    var width = architecture.baseWidth == 64 ? "" : " of base width \(architecture.baseWidth)"
    if architecture.groups != 1 || architecture.groupWidth != nil {
      let groupWidth = architecture.groupWidth ?? architecture.baseWidth
      width += " in \(architecture.groups) groups of \(groupWidth) (ResNeXt)"
    }
    let norm = architecture.headNorm == .groupNorm ? " with GroupNorm" : ""
    return "RetinaNet over \(architecture.backbone.rawValue)\(width), "
      + "\(architecture.pyramidChannels) pyramid channels, "
      + "heads of \(architecture.headDepth) convolutions\(norm), "
      + "P6 from \(conventions.network.p6Source.rawValue.uppercased())"
  }

  /// One line for a message.
  var summary: String {
    "\(RunText.counted(classes.compactMap { $0 }.count, "class", plural: "classes")), "
      + "\(RunText.grouped(parameterCount)) parameters, \(networkWords)"
  }

  /// Numbers in the network's tensors.
  var parameterCount: Int {
    makeNetwork().parameters.reduce(0) { $0 + $1.shape.reduce(1, *) }
  }
}
