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

      Numbers and times of frames are those of the whole file, whatever is sampled. The same input, settings and \
      instruction set give the same bytes, whatever the number of workers, the batch size or the load. A path that is \
      spelled like a subcommand is written with a slash: detect-batch ./import.

      Models and pipelines are found by path, else by name in $DETECT_BATCH_HOME, the user's data folder, beside the \
      program (../share/detect-batch) and in the checkout that it was built in.

      A job array of one task, or one that begins past 1, may be some tasks of a larger one done again: --shard auto \
      refuses it, unless DETECT_BATCH_SHARD_COUNT says that these are all.

      Other subcommands: draw, report and export (look at results, hand them on), merge (put segments together), \
      models, fetch, import and inspect (get models, make model files of checkpoints, say what a file is), train, \
      evaluate and quantize (make a model of labelled pictures, measure it, have it compute in 8 bits). \
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

  // Here, and not in a group of groups: in debug builds ArgumentParser builds what a group holds four times over, at each
  // level and each start.
  @OptionGroup(title: "Input") var input: InputOptions
  @OptionGroup(title: "Frames of videos") var sampling: SamplingOptions
  @OptionGroup(title: "Detection") var model: ModelOptions
  @OptionGroup(title: "How pictures are looked at") var looks: LookOptions
  @OptionGroup(title: "Output") var output: OutputOptions
  @OptionGroup(title: "Resources and limits") var resources: ResourceOptions
  @OptionGroup(title: "Messages") var report: ReportOptions
}
