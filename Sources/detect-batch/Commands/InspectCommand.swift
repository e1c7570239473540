import ArgumentParser
import Checkpoints
import DetectionPipeline
import FrameDecoding
import SystemPackage

/// What a file is.
struct InspectCommand: ToolCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Says what a model file, a checkpoint, a video or an image is.",
    discussion: """
      Of a model: network, classes, sizes, thresholds, digest. Of a checkpoint that is no model yet: its tensors. \
      Of a video or image: container, codec, size, orientation, frames; with --decode also what decoding all of it \
      gives.
      """)

  @Argument(
    help: ArgumentHelp("Files; a model may be named as for --model.", valueName: "file"),
    completion: .file())
  var files: [String]

  @Flag(help: "Print one JSON object a file instead of lines.")
  var json = false

  @Flag(help: "Decode the whole video and count.")
  var decode = false

  @OptionGroup var decoding: IsolationOption

  func execute() throws -> ExitStatus {
    try Decoders.choose(decoding)
    let places = Places()
    let decoders = Decoders.make()
    if files.count == 1 { return ProgramOutput.write(try text(files[0], places, decoders)) }
    // One that cannot be read does not keep the others from being said.
    var (texts, outcome): ([String], ExitStatus) = ([], .done)
    for file in files {
      do {
        texts.append(try text(file, places, decoders))
      } catch {
        let fault = Fault(error)
        Log.error(fault.description)
        if outcome == .done { outcome = fault.status }
      }
    }
    guard !texts.isEmpty else { return outcome }
    let written = ProgramOutput.write(texts.joined(separator: json ? "\n" : "\n\n"))
    return written == .done ? outcome : written
  }

  private func text(
    _ file: String, _ places: Places, _ decoders: MediaDecoders
  ) throws -> String {
    let path = try places.find(.file, file)
    let facts = try ModelFacts.read(path) ?? MediaFacts.read(path, decode: decode, with: decoders)
    return json ? facts.json : facts.lines
  }
}
