import ArgumentParser
import DetectionPipeline

/// The default command.
struct DetectCommand: ToolCommand {
  static let configuration = CommandConfiguration(
    commandName: "detect",
    abstract: "Finds objects in directories of videos and images, offline, on CPUs.",
    usage: """
      detect-batch [<options>] <path> ...
      detect-batch <subcommand> ...
      """,
    discussion: """
      Writes one JSON Lines file per input, one line per frame, to ./detections. Run again, it does only what is new \
      or was interrupted.

        detect-batch clips/
        detect-batch clip.mp4 --fps 2 -o - | jq .detections

      Other subcommands: import (make a model file of a checkpoint), inspect (say what a model or media file is), \
      merge (put segments together), train (make a model of labelled pictures), evaluate (measure COCO average \
      precision). \
      See 'detect-batch help <subcommand>'.
      """)

  @Argument(
    help: ArgumentHelp(
      "Directories (with all below them), files, and globs in quotes.", valueName: "path"),
    completion: .file())
  var paths: [String] = []

  @Option(
    help: ArgumentHelp(
      "Take options from this file: a path, or the name of one of the pipelines that come along. "
        + "What is typed wins.", valueName: "pipeline"), completion: .file(extensions: ["yaml"]))
  var pipeline: String?

  @Flag(help: "Say the versions of this program and of what it stands on.")
  var version = false

  @OptionGroup var options: DetectOptions

}
