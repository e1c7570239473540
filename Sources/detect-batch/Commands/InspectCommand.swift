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

  @Argument(help: "A file; a model may be named as for --model.", completion: .file())
  var file: String

  @Flag(help: "Print one JSON object instead of lines.")
  var json = false

  @Flag(help: "Decode the whole video and count.")
  var decode = false

  func execute() throws -> ExitStatus {
    let path = try Places().find(.file, file)
    let facts = try ModelFacts.read(path) ?? MediaFacts.read(path, decode: decode)
    return ProgramOutput.write(json ? facts.json : facts.lines)
  }
}
