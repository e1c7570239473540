import DetectionPipeline
import Files
import Foundation
import JSONText
import SystemPackage
import Training

/// How a training was begun: what was typed, and where. Its folder keeps it, for those that go on with it.
struct TrainingBeginning {
  /// The working directory, which relative paths count from.
  var directory: String
  /// The program's arguments.
  var arguments: [String]
  /// The text of the pipeline file.
  var pipeline: String?
  /// The beginning of the training whose state this one began from, if there is one: what was not said is as there.
  /// A list, because a value cannot hold another of its kind.
  var earlier: [TrainingBeginning]?

  /// What becomes of it all.
  struct Choices {
    /// nil where nobody named any.
    var data: String?
    var options: TrainOptions
    /// Whether the backbone was trained before, which decides some defaults.
    var startsFromWeights: Bool
  }

  /// What is being begun now.
  static func now(pipeline: String?, earlier: TrainingBeginning?) -> TrainingBeginning {
    TrainingBeginning(
      directory: FileManager.default.currentDirectoryPath, arguments: ArgumentBytes.ofProcess(),
      pipeline: pipeline, earlier: earlier.map { [$0] })
  }

  /// The file beside a training's state.
  static func file(besideState state: FilePath) -> FilePath {
    state.removingLastComponent().appending("beginning.json")
  }

  /// Reads what `write` wrote.
  static func read(_ file: FilePath) throws -> TrainingBeginning {
    try WholeFile.read(file, limit: 64 << 20).withUnsafeBytes { bytes in
      var scanner = JSONScanner(bytes)
      let beginning = try TrainingBeginning(&scanner)
      try scanner.readEnd()
      return beginning
    }
  }

  /// Writes a file.
  ///
  /// - Throws: `Fault` where it cannot be written.
  func write(to file: FilePath) throws {
    try TextFile.write(json.compact, to: file)
  }

  /// What was chosen: by what was typed, else in the pipeline file, else as the earlier training did.
  ///
  /// - Parameters:
  ///   - report: what is said this time.
  ///   - pipelineName: for errors.
  ///   - file: where this beginning stands, for errors.
  /// - Returns: all choices.
  /// - Throws: `Fault`, `SettingsError`, and errors of arguments.
  func choices(_ report: ReportOptions, pipelineName: String, file: FilePath) throws -> Choices {
    guard let command = try DetectBatch.parseAsRoot(arguments) as? TrainCommand else {
      throw Fault(.unusableInput, "\(file): does not say how the training was begun")
    }
    var options = command.options
    options.report = report
    if let pipeline {
      try options.fill(from: PipelineFile(text: pipeline, name: pipelineName))
    }
    var data = command.data
    if let earlier = earlier?.first {
      var old = try earlier.choices(
        report, pipelineName: "\(file) (the earlier training's pipeline)", file: file)
      if data == nil {
        if earlier.directory != directory { old.move(below: earlier.directory) }
        data = old.data
      } else {
        // Of other data, lists and labels are other ones too.
        old.options.data = options.data
      }
      try options.fillChoices(from: EarlierOptions(old.options))
    }
    return Choices(
      data: data, options: options,
      startsFromWeights: options.network.start != nil
        || (command.restartFrom != nil && earlier == nil))
  }
}

extension TrainingBeginning.Choices {
  /// Makes paths of data that count from there absolute.
  fileprivate mutating func move(below directory: String) {
    func moved(_ path: String) -> String {
      path.hasPrefix("/") ? path : "\(directory)/\(path)"
    }
    // Of a folder in Pascal VOC's form, what is measured on is the name of a list.
    if data.map(TrainingData.isFile) ?? false {
      options.data.validation = options.data.validation.map(moved)
    }
    data = data.map(moved)
    options.data.images = options.data.images.map(moved)
    options.data.validationImages = options.data.validationImages.map(moved)
  }
}

extension TrainingBeginning {
  /// The file's content; what there is not is left out.
  private var json: JSONValue {
    var members: [(key: String, value: JSONValue)] = [
      ("directory", .string(directory)), ("arguments", .array(arguments.map(JSONValue.string))),
    ]
    if let pipeline { members.append(("pipeline", .string(pipeline))) }
    if let earlier { members.append(("earlier", .array(earlier.map(\.json)))) }
    return .object(members)
  }

  private init(_ scanner: inout JSONScanner) throws(JSONError) {
    var directory: String?
    var arguments: [String]?
    try scanner.beginObject()
    while let key = try scanner.nextKey() {
      switch key {
      case "directory": directory = try scanner.readString().text
      case "arguments":
        var list: [String] = []
        try scanner.beginArray()
        while try scanner.nextElement() { list.append(try scanner.readString().text) }
        arguments = list
      case "pipeline": pipeline = try scanner.takeNull() ? nil : scanner.readString().text
      case "earlier":
        if try scanner.takeNull() { break }
        var list: [TrainingBeginning] = []
        try scanner.beginArray()
        while try scanner.nextElement() { list.append(try TrainingBeginning(&scanner)) }
        earlier = list
      default: try scanner.skipValue()
      }
    }
    guard let directory, let arguments else {
      throw scanner.error("there should be \"directory\" and \"arguments\"")
    }
    self.directory = directory
    self.arguments = arguments
  }
}
